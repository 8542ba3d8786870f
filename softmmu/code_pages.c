/*
 * Code granules: one 32-bit word per frame and subscriber, a bit for each 128 bytes that the
 * subscriber derived code from.
 *
 * Invariant: a frame with a non-zero word is watched for WATCH_CODE, so every write to it, by CPU
 * or DMA and through whichever alias, passes frame_written.
 */
#include "softmmu/code_pages.h"

#include <assert.h>
#include <stdlib.h>

#define MAX_SUBSCRIBERS 4

/* A frame that was given to data keeps the old code's granules, and a page may hold both. Each
   write beside code goes the slow way, so after this many the frame's code is given up; it comes
   back if it is still executed, and then the frame gets twice the patience. */
#define LEAST_PATIENCE 64
#define MOST_PATIENCE  32768

struct subscriber {
    code_written_fn *written;
    void *opaque;
    uint32_t *granules; /* per frame */
};

struct patience {
    uint16_t left, given; /* writes beside code; 0: LEAST_PATIENCE */
};

struct code_pages {
    struct physmem *physmem;
    struct patience *patience; /* per frame */
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

static bool tell_subscribers(struct code_pages *cp, frame_number frame, unsigned offset,
                             unsigned size) {
    uint32_t mask = granule_mask(offset, size);
    bool has_told = false;
    for (unsigned i = 0; i < cp->subscriber_count; i++) {
        const struct subscriber *subscriber = &cp->subscribers[i];
        if (subscriber->granules[frame] & mask) {
            subscriber->written(subscriber->opaque, frame, offset, size);
            has_told = true;
        }
    }
    return has_told;
}

/* Count a write beside the frame's code; true when it was one too many. */
static bool has_lost_patience(struct patience *patience) {
    if (patience->given == 0) {
        patience->left = patience->given = LEAST_PATIENCE;
    }
    if (--patience->left > 0) {
        return false;
    }
    if (patience->given < MOST_PATIENCE) {
        patience->given *= 2;
    }
    patience->left = patience->given;
    return true;
}

static void frame_written(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct code_pages *cp = opaque;
    if (!tell_subscribers(cp, frame, offset, size) && has_lost_patience(&cp->patience[frame])) {
        tell_subscribers(cp, frame, 0, GUEST_PAGE_SIZE);
    }
}

struct code_pages *code_pages_create(struct physmem *pm, struct error *error) {
    struct code_pages *cp = calloc(1, sizeof(*cp));
    frame_number limit = physmem_frame_limit(pm);
    uint32_t *granules = calloc((size_t)limit * MAX_SUBSCRIBERS, sizeof(uint32_t));
    struct patience *patience = calloc(limit, sizeof(*patience));
    if (!cp || !granules || !patience) {
        free(cp);
        free(granules);
        free(patience);
        error_set(error, "out of memory for code pages");
        return NULL;
    }
    for (unsigned i = 0; i < MAX_SUBSCRIBERS; i++) {
        cp->subscribers[i].granules = granules + (size_t)limit * i;
    }
    cp->patience = patience;
    cp->physmem = pm;
    cp->frame_limit = limit;
    physmem_on_write(pm, WATCH_CODE, frame_written, cp);
    return cp;
}

void code_pages_destroy(struct code_pages *cp) {
    if (!cp) {
        return;
    }
    physmem_remove_listener(cp->physmem, cp);
    for (unsigned i = 0; i < cp->subscriber_count; i++) {
        for (frame_number frame = 0; frame < physmem_frame_count(cp->physmem); frame++) {
            code_pages_clear(cp, i, frame);
        }
    }
    free(cp->subscribers[0].granules);
    free(cp->patience);
    free(cp);
}

unsigned code_pages_subscribe(struct code_pages *cp, code_written_fn *written, void *opaque) {
    assert(cp->subscriber_count < MAX_SUBSCRIBERS);
    struct subscriber *subscriber = &cp->subscribers[cp->subscriber_count];
    subscriber->written = written;
    subscriber->opaque = opaque;
    return cp->subscriber_count++;
}

/* Whether another subscriber has code in the frame. */
static bool has_code(const struct code_pages *cp, frame_number frame) {
    for (unsigned i = 0; i < cp->subscriber_count; i++) {
        if (cp->subscribers[i].granules[frame] != 0) {
            return true;
        }
    }
    return false;
}

void code_pages_mark(struct code_pages *cp, unsigned subscriber, frame_number frame,
                     unsigned offset, unsigned size) {
    if (frame >= cp->frame_limit) {
        return;
    }
    bool was_watched = has_code(cp, frame);
    cp->subscribers[subscriber].granules[frame] |= granule_mask(offset, size);
    if (!was_watched && has_code(cp, frame)) {
        physmem_watch(cp->physmem, frame, WATCH_CODE);
    }
}

void code_pages_clear(struct code_pages *cp, unsigned subscriber, frame_number frame) {
    if (frame >= cp->frame_limit || cp->subscribers[subscriber].granules[frame] == 0) {
        return;
    }
    cp->subscribers[subscriber].granules[frame] = 0;
    if (!has_code(cp, frame)) {
        physmem_unwatch(cp->physmem, frame, WATCH_CODE);
    }
}
