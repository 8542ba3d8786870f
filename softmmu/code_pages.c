/*
 * Code granules: one 32-bit word per frame, a bit for each 128 bytes that code was derived from.
 *
 * Invariant: a frame with a non-zero word is watched for WATCH_CODE, so every write to it, by CPU
 * or DMA and through whichever alias, passes frame_written.
 */
#include "softmmu/code_pages.h"

#include <assert.h>
#include <stdlib.h>

#define MAX_SUBSCRIBERS 4

struct subscriber {
    code_written_fn *written;
    void *opaque;
};

struct code_pages {
    struct physmem *physmem;
    uint32_t *granules; /* per frame */
    frame_number frame_limit;
    struct subscriber subscribers[MAX_SUBSCRIBERS];
    unsigned subscriber_count;
};

static uint32_t granule_mask(unsigned offset, unsigned size) {
    if (size == 0 || offset >= GUEST_PAGE_SIZE) {
        return 0;
    }
    unsigned room = GUEST_PAGE_SIZE - offset;
    unsigned first = offset >> CODE_GRANULE_SHIFT;
    unsigned last = (offset + (size < room ? size : room) - 1) >> CODE_GRANULE_SHIFT;
    return (UINT32_MAX << first) & (UINT32_MAX >> (31 - last));
}

static void frame_written(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct code_pages *cp = opaque;
    if ((cp->granules[frame] & granule_mask(offset, size)) == 0) {
        return;
    }
    for (unsigned i = 0; i < cp->subscriber_count; i++) {
        cp->subscribers[i].written(cp->subscribers[i].opaque, frame, offset, size);
    }
}

struct code_pages *code_pages_create(struct physmem *pm, struct error *error) {
    struct code_pages *cp = calloc(1, sizeof(*cp));
    frame_number limit = physmem_frame_limit(pm);
    uint32_t *granules = calloc(limit, sizeof(uint32_t));
    if (!cp || !granules) {
        free(cp);
        free(granules);
        error_set(error, "out of memory for code pages");
        return NULL;
    }
    cp->physmem = pm;
    cp->granules = granules;
    cp->frame_limit = limit;
    physmem_on_write(pm, WATCH_CODE, frame_written, cp);
    return cp;
}

void code_pages_destroy(struct code_pages *cp) {
    if (!cp) {
        return;
    }
    physmem_remove_listener(cp->physmem, cp);
    for (frame_number frame = 0; frame < physmem_frame_count(cp->physmem); frame++) {
        code_pages_clear(cp, frame);
    }
    free(cp->granules);
    free(cp);
}

void code_pages_subscribe(struct code_pages *cp, code_written_fn *written, void *opaque) {
    assert(cp->subscriber_count < MAX_SUBSCRIBERS);
    cp->subscribers[cp->subscriber_count++] = (struct subscriber){written, opaque};
}

void code_pages_mark(struct code_pages *cp, frame_number frame, unsigned offset, unsigned size) {
    if (frame >= cp->frame_limit) {
        return;
    }
    uint32_t before = cp->granules[frame];
    cp->granules[frame] = before | granule_mask(offset, size);
    if (before == 0 && cp->granules[frame] != 0) {
        physmem_watch(cp->physmem, frame, WATCH_CODE);
    }
}

void code_pages_clear(struct code_pages *cp, frame_number frame) {
    if (frame < cp->frame_limit && cp->granules[frame] != 0) {
        cp->granules[frame] = 0;
        physmem_unwatch(cp->physmem, frame, WATCH_CODE);
    }
}
