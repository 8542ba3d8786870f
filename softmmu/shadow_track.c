/*
 * What shadow entries were derived from, so that exactly those are dropped when it changes:
 * guest tables -> ranges of spaces (table_use), frames -> write entries (writer_node).
 *
 * A frame that serves as a page table is watched as long as a space links it. Guests free and
 * reuse such pages without telling anybody: when many writes in a row hit no shadow entry, the
 * frame has probably become plain data, and the link goes (the next fill would restore it).
 */
#include "softmmu/shadow.h"

#include "softmmu/base/bits.h"
#include "softmmu/window.h"

#include <stdlib.h>
#include <string.h>

#define WRITER_NODES    (UINT32_C(1) << 19)
#define MAX_IDLE_WRITES 32
/* Longer searches for a node to reuse cost more than the nodes they save. */
#define MAX_WRITERS_SEARCHED 4

static uint32_t *allocate_per_frame(const struct shadow *shadow) {
    return calloc(physmem_frame_limit(shadow->physmem), sizeof(uint32_t));
}

static unsigned first_use(const struct shadow *shadow, const struct shadow_space *space) {
    return (unsigned)(space - shadow->spaces) * SHADOW_USES;
}

static void unlink_use(struct shadow *shadow, uint32_t index) {
    struct table_use *use = &shadow->uses[index];
    frame_number frame = use->frame;
    if (frame == FRAME_NONE) {
        return;
    }
    if (use->previous != 0) {
        shadow->uses[use->previous - 1].next = use->next;
    } else {
        shadow->table_users[frame] = use->next;
    }
    if (use->next != 0) {
        shadow->uses[use->next - 1].previous = use->previous;
    }
    use->frame = FRAME_NONE;
    shadow->spaces[index / SHADOW_USES].link_count--;
    if (index % SHADOW_USES >= SHADOW_LEAF_SLOTS) {
        shadow->spaces[index / SHADOW_USES].agrees_with = 0; /* it may change unheard from now on */
    }
    if (shadow->table_users[frame] == 0) {
        physmem_unwatch(shadow->physmem, frame, WATCH_PAGE_TABLE);
    }
}

void shadow_track_link(struct shadow *shadow, struct shadow_space *space, unsigned slot,
                       frame_number frame) {
    uint32_t index = first_use(shadow, space) + slot;
    struct table_use *use = &shadow->uses[index];
    use->idle_writes = 0;
    if (LIKELY(use->frame == frame)) {
        return;
    }
    unlink_use(shadow, index);
    if (frame == FRAME_NONE) {
        return;
    }
    uint32_t head = shadow->table_users[frame];
    *use = (struct table_use){.frame = frame, .next = head};
    if (head != 0) {
        shadow->uses[head - 1].previous = index + 1;
    }
    shadow->table_users[frame] = index + 1;
    space->link_count++;
    if (head == 0) {
        physmem_watch(shadow->physmem, frame, WATCH_PAGE_TABLE);
    }
}

void shadow_track_unlink_all(struct shadow *shadow, struct shadow_space *space) {
    uint32_t first = first_use(shadow, space);
    for (unsigned slot = 0; slot < SHADOW_USES && space->link_count != 0; slot++) {
        unlink_use(shadow, first + slot);
    }
}

/* Entries [first, last] of a linked table changed: drop what they mapped. */
static unsigned drop_derived(struct shadow *shadow, uint32_t index, unsigned first, unsigned last) {
    struct shadow_space *space = &shadow->spaces[index / SHADOW_USES];
    uint32_t slot = index % SHADOW_USES;
    uint32_t span = shadow_table_span(space);
    uint32_t count = last - first + 1;
    if (slot < SHADOW_LEAF_SLOTS) {
        return shadow_drop_pages(shadow, space, slot * span + first, count);
    }
    uint32_t base = (slot - SHADOW_LEAF_SLOTS) * (SHADOW_PAGES / 4) + first * span;
    unsigned dropped = shadow_drop_pages(shadow, space, base, count * span);
    if (dropped != 0) {
        window_cool_space(shadow, space);
    }
    if (space != shadow->current) {
        space->agrees_with = 0;
    } else if (shadow->common) {
        shadow_common_recheck(shadow, base, count * span);
    }
    return dropped;
}

/* Whether a use stands for a directory that the CPU walks now: nobody frees that. */
static bool is_in_force(const struct shadow *shadow, uint32_t index) {
    return index % SHADOW_USES >= SHADOW_LEAF_SLOTS &&
           &shadow->spaces[index / SHADOW_USES] == shadow->current;
}

/* Called by physmem after bytes of a guest table changed. */
static void table_written(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct shadow *shadow = opaque;
    if (shadow->is_walking) {
        return; /* accessed and dirty bits that we set make no entry untrue */
    }
    shadow->statistics.page_table_writes++;
    shadow->generation++;
    uint32_t next;
    for (uint32_t at = shadow->table_users[frame]; at != 0; at = next) {
        uint32_t index = at - 1;
        struct table_use *use = &shadow->uses[index];
        next = use->next;
        const struct shadow_space *space = &shadow->spaces[index / SHADOW_USES];
        unsigned entry_bytes = space->paging.mode & PAGING_PAE ? 8 : 4;
        unsigned first = offset / entry_bytes;
        unsigned last = (offset + size - 1) / entry_bytes;
        if (drop_derived(shadow, index, first, last) != 0) {
            use->idle_writes = 0;
        } else if (!is_in_force(shadow, index) && ++use->idle_writes >= MAX_IDLE_WRITES) {
            drop_derived(shadow, index, 0, GUEST_PAGE_SIZE / entry_bytes - 1);
            unlink_use(shadow, index);
        }
    }
}

bool shadow_track_has_room(const struct shadow *shadow) {
    return shadow->unused_writers + 1 < WRITER_NODES ||
           (shadow->free_writers != 0 && shadow->writers[shadow->free_writers - 1].next != 0);
}

/* The entry of a table for `page`, if it leads to the frame; else NULL. */
static uintptr_t *live_entry(const struct shadow_space *space, unsigned table, uint32_t page,
                             const uint8_t *host) {
    uintptr_t expected = (uintptr_t)host - ((uintptr_t)page << GUEST_PAGE_SHIFT);
    uintptr_t *entry = &space->tables[table][page];
    bool is_live =
        shadow_bit(space->filled[table], page / SHADOW_CHUNK_PAGES) && *entry == expected;
    return is_live ? entry : NULL;
}

static bool has_live_entry(const struct shadow_space *space, unsigned table, uint32_t page,
                           const uint8_t *host) {
    return live_entry(space, table, page, host) ||
           live_entry(space, table | SHADOW_USER, page, host);
}

/* Whether any space has such an entry for the page that leads to the frame. */
static bool is_live(const struct shadow *shadow, uint32_t tracked, const uint8_t *host) {
    unsigned table = (tracked & TRACKS_READS) != 0 ? SHADOW_READ : SHADOW_WRITE;
    for (unsigned i = 0; i < shadow->all_count; i++) {
        if (has_live_entry(&shadow->spaces[i], table, tracked & ~TRACKS_READS, host)) {
            return true;
        }
    }
    return false;
}

static void track(struct shadow *shadow, uint32_t tracked, frame_number frame) {
    const uint8_t *host = physmem_frame_host(shadow->physmem, frame);
    uint32_t at = shadow->frame_writers[frame];
    for (unsigned i = 0; at != 0 && i < MAX_WRITERS_SEARCHED; i++) {
        struct writer_node *node = &shadow->writers[at - 1];
        if (node->tracked == tracked) {
            return;
        }
        if (!is_live(shadow, node->tracked, host)) {
            node->tracked = tracked;
            return;
        }
        at = node->next;
    }
    if (shadow->free_writers != 0) {
        at = shadow->free_writers;
        shadow->free_writers = shadow->writers[at - 1].next;
    } else {
        at = ++shadow->unused_writers;
    }
    shadow->writers[at - 1] = (struct writer_node){shadow->frame_writers[frame], tracked};
    shadow->frame_writers[frame] = at;
}

void shadow_track_writer(struct shadow *shadow, uint32_t page, frame_number frame) {
    track(shadow, page, frame);
}

void shadow_track_reader(struct shadow *shadow, uint32_t page, frame_number frame) {
    track(shadow, page | TRACKS_READS, frame);
}

/* No space may keep a write entry for `page` that leads to the frame. */
static void withdraw_page(struct shadow *shadow, uint32_t page, const uint8_t *host) {
    for (unsigned i = 0; i < shadow->all_count; i++) {
        struct shadow_space *space = &shadow->spaces[i];
        uintptr_t *entries[2] = {live_entry(space, SHADOW_WRITE, page, host),
                                 live_entry(space, SHADOW_WRITE | SHADOW_USER, page, host)};
        if (entries[0] || entries[1]) {
            window_protect_page(shadow, space, page);
        }
        for (unsigned view = 0; view < 2; view++) {
            if (entries[view]) {
                *entries[view] = 0;
                shadow->statistics.drops++;
            }
        }
    }
}

/* Nor a read entry, although it may be one that lets code be executed and is soon made again. */
static void withdraw_reads(struct shadow *shadow, uint32_t page, const uint8_t *host) {
    for (unsigned i = 0; i < shadow->all_count; i++) {
        if (has_live_entry(&shadow->spaces[i], SHADOW_READ, page, host)) {
            shadow_drop_pages(shadow, &shadow->spaces[i], page, 1);
        }
    }
}

/* Called by physmem when a frame becomes watched: no write entry for it may stay, and when it gets
 * code, no read entry that is no leave to execute. */
static void withdraw(void *opaque, frame_number frame, enum physmem_watch reason) {
    struct shadow *shadow = opaque;
    const uint8_t *host = physmem_frame_host(shadow->physmem, frame);
    uint32_t at = shadow->frame_writers[frame];
    shadow->frame_writers[frame] = 0;
    while (at != 0) {
        struct writer_node *node = &shadow->writers[at - 1];
        uint32_t next = node->next;
        bool tracks_reads = (node->tracked & TRACKS_READS) != 0;
        bool stays = tracks_reads && reason != WATCH_CODE;
        uint32_t *list = stays ? &shadow->frame_writers[frame] : &shadow->free_writers;
        if (!tracks_reads) {
            withdraw_page(shadow, node->tracked, host);
        } else if (!stays) {
            withdraw_reads(shadow, node->tracked & ~TRACKS_READS, host);
        }
        node->next = *list;
        *list = at;
        at = next;
    }
}

void shadow_track_forget_writers(struct shadow *shadow) {
    size_t frames = physmem_frame_count(shadow->physmem);
    memset(shadow->frame_writers, 0, frames * sizeof(uint32_t));
    shadow->free_writers = 0;
    shadow->unused_writers = 0;
}

bool shadow_track_init(struct shadow *shadow, struct error *error) {
    size_t uses = (size_t)SHADOW_USES * shadow->all_count;
    shadow->uses = malloc(uses * sizeof(*shadow->uses));
    shadow->writers = malloc(WRITER_NODES * sizeof(*shadow->writers));
    shadow->table_users = allocate_per_frame(shadow);
    shadow->frame_writers = allocate_per_frame(shadow);
    if (!shadow->uses || !shadow->writers || !shadow->table_users || !shadow->frame_writers) {
        return error_set(error, "out of memory for shadow page tables");
    }
    for (size_t i = 0; i < uses; i++) {
        shadow->uses[i] = (struct table_use){.frame = FRAME_NONE};
    }
    physmem_on_write(shadow->physmem, WATCH_PAGE_TABLE, table_written, shadow);
    physmem_on_protect(shadow->physmem, withdraw, shadow);
    return true;
}

void shadow_track_destroy(struct shadow *shadow) {
    for (unsigned i = 0; shadow->uses && i < shadow->all_count; i++) {
        shadow_track_unlink_all(shadow, &shadow->spaces[i]);
    }
    free(shadow->uses);
    free(shadow->writers);
    free(shadow->table_users);
    free(shadow->frame_writers);
}
