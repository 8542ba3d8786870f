/*
 * Watched frames and those who listen to physical memory.
 */
#include "softmmu/physmem.h"
#include "softmmu/physmem_private.h"

#include <assert.h>

static struct phys_listener *add_listener(struct physmem *pm, void *opaque) {
    /* The host's own wiring, not the guest, adds listeners. */
    assert(pm->listener_count < PHYS_MAX_LISTENERS);
    struct phys_listener *listener = &pm->listeners[pm->listener_count++];
    *listener = (struct phys_listener){.opaque = opaque};
    return listener;
}

void physmem_on_write(struct physmem *pm, enum physmem_watch reason, physmem_written_fn *written,
                      void *opaque) {
    struct phys_listener *listener = add_listener(pm, opaque);
    listener->reasons = (uint8_t)reason;
    listener->written = written;
}

void physmem_on_remap(struct physmem *pm, physmem_remapped_fn *remapped, void *opaque) {
    add_listener(pm, opaque)->remapped = remapped;
}

void physmem_on_protect(struct physmem *pm, physmem_protect_fn *protect, void *opaque) {
    add_listener(pm, opaque)->protect = protect;
}

void physmem_remove_listener(struct physmem *pm, void *opaque) {
    unsigned kept = 0;
    for (unsigned i = 0; i < pm->listener_count; i++) {
        if (pm->listeners[i].opaque != opaque) {
            pm->listeners[kept++] = pm->listeners[i];
        }
    }
    pm->listener_count = kept;
}

void physmem_watch(struct physmem *pm, frame_number frame, enum physmem_watch reason) {
    if (frame >= physmem_frame_limit(pm)) {
        return;
    }
    uint8_t before = pm->watches[frame];
    if (reason == WATCH_PAGE_TABLE && pm->table_watchers[frame] < UINT8_MAX) {
        pm->table_watchers[frame]++;
    }
    pm->watches[frame] = (uint8_t)(before | reason);
    bool becomes_code = reason == WATCH_CODE && (before & WATCH_CODE) == 0;
    if (before != 0 && !becomes_code) {
        return; /* nobody holds a writable mapping of a watched frame */
    }
    for (unsigned i = 0; i < pm->listener_count; i++) {
        if (pm->listeners[i].protect) {
            pm->listeners[i].protect(pm->listeners[i].opaque, frame, reason);
        }
    }
}

void physmem_unwatch(struct physmem *pm, frame_number frame, enum physmem_watch reason) {
    if (frame >= physmem_frame_limit(pm)) {
        return;
    }
    if (reason == WATCH_PAGE_TABLE) {
        uint8_t *watchers = &pm->table_watchers[frame];
        if (*watchers != 0 && *watchers != UINT8_MAX) {
            --*watchers;
        }
        if (*watchers != 0) {
            return;
        }
    }
    pm->watches[frame] = (uint8_t)(pm->watches[frame] & ~(unsigned)reason);
}

uint8_t physmem_watches(const struct physmem *pm, frame_number frame) {
    return frame < physmem_frame_limit(pm) ? pm->watches[frame] : 0;
}

void physmem_frame_written(struct physmem *pm, frame_number frame, unsigned offset, unsigned size) {
    /* A listener may unwatch the frame; the ones after it must still hear of this write. */
    uint8_t reasons = physmem_watches(pm, frame);
    for (unsigned i = 0; reasons != 0 && i < pm->listener_count; i++) {
        struct phys_listener *listener = &pm->listeners[i];
        if (listener->reasons & reasons) {
            listener->written(listener->opaque, frame, offset, size);
        }
    }
}

void physmem_notify_remapped(struct physmem *pm) {
    for (unsigned i = 0; i < pm->listener_count; i++) {
        if (pm->listeners[i].remapped) {
            pm->listeners[i].remapped(pm->listeners[i].opaque);
        }
    }
}
