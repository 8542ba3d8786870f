/* See slow_sites.h. */
#include "translator/backend/x86_64/slow_sites.h"

#include "softmmu/base/bits.h"
#include "translator/backend/x86_64/x86_64.h"

#include <string.h>

#define TRAPS_TO_PATCH 8
/* The first trial, some milliseconds of guest code later, costs a percent of that at most. */
#define FIRST_WAIT     (UINT64_C(1) << 22)
#define MOST_DOUBLINGS 10u
#define JMP_REL32      0xe9

static void put_back(struct backend *backend, const struct slow_site *slow) {
    memcpy(backend->memory.writable + slow->site->at, slow->replaced, SLOW_SITE_JUMP_BYTES);
    slow->site->traps = 0;
}

static void remember(struct slow_sites *sites, const struct slow_site *slow) {
    sites->entry[sites->count++] = *slow;
    if (slow->retry_at < sites->next_retry)
        sites->next_retry = slow->retry_at;
}

void slow_sites_note_trap(struct backend *backend, struct x64_site *site) {
    struct slow_sites *sites = &backend->slow_sites;
    if (++site->traps != TRAPS_TO_PATCH)
        return;
    uint8_t *at = backend->memory.writable + site->at;
    struct slow_site slow = {.site = site,
                             .retry_at = backend->counted_to + (FIRST_WAIT << site->patches)};
    memcpy(slow.replaced, at, SLOW_SITE_JUMP_BYTES);
    if (sites->count < MOST_SLOW_SITES)
        remember(sites, &slow);
    site->patches += site->patches < MOST_DOUBLINGS;
    store_le32(at + 1, site->stub - (site->at + SLOW_SITE_JUMP_BYTES));
    *at = JMP_REL32;
}

void slow_sites_retry(struct backend *backend, uint64_t icount) {
    struct slow_sites *sites = &backend->slow_sites;
    if (LIKELY(icount < sites->next_retry))
        return;
    unsigned count = sites->count;
    slow_sites_clear(sites);
    for (unsigned i = 0; i < count; i++) {
        const struct slow_site slow = sites->entry[i];
        if (slow.retry_at <= icount)
            put_back(backend, &slow);
        else
            remember(sites, &slow);
    }
}

void slow_sites_clear(struct slow_sites *sites) {
    sites->count = 0;
    sites->next_retry = UINT64_MAX;
}
