/* Comparing the two machines of a lockstep. */
#include "hw/machine/lockstep.h"

#include "interp/cpu/cpu_compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define DEVICES_EVERY (UINT64_C(1) << 20)
#define MEMORY_EVERY  (UINT64_C(1) << 24)

void lockstep_differ(struct lockstep *lockstep, const char *format, ...) {
    va_list arguments;
    if (lockstep_has_failed(lockstep))
        return;
    va_start(arguments, format);
    vsnprintf(lockstep->difference, sizeof(lockstep->difference), format, arguments);
    va_end(arguments);
}

/* ---- stores of the reference ---- */

static void stored(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct lockstep *lockstep = opaque;
    if (lockstep->stores != 0) {
        struct lockstep_store *last = &lockstep->store[lockstep->stores - 1];
        if (last->frame == frame && last->offset + last->size == offset) {
            last->size += size;
            return;
        }
    }
    if (lockstep->stores == LOCKSTEP_STORES) {
        lockstep->lost_stores = true;
        return;
    }
    lockstep->store[lockstep->stores++] = (struct lockstep_store){frame, offset, size};
}

void lockstep_watch_stores(struct lockstep *lockstep) {
    struct physmem *physmem = lockstep->reference->physmem;
    physmem_on_write(physmem, WATCH_STORES, stored, lockstep);
    for (frame_number frame = 0; frame < physmem_frame_count(physmem); frame++)
        physmem_watch(physmem, frame, WATCH_STORES);
}

/** Compare bytes of a frame; reports the first one that differs. */
static bool compare_bytes(struct lockstep *lockstep, frame_number frame, unsigned offset,
                          unsigned size) {
    const uint8_t *a = physmem_frame_host(lockstep->reference->physmem, frame) + offset;
    const uint8_t *b = physmem_frame_host(lockstep->twin->physmem, frame) + offset;
    if (memcmp(a, b, size) == 0)
        return true;
    unsigned i = 0;
    while (a[i] == b[i])
        i++;
    lockstep_differ(lockstep, "memory: byte %03x of frame %" PRIx32 " is %02x, twin %02x",
                    offset + i, frame, a[i], b[i]);
    return false;
}

/** Where it went and what it left; of the twin, what it has there. */
static void hash_store(struct lockstep *lockstep, const struct lockstep_store *store) {
    struct physmem *const memories[2] = {lockstep->reference->physmem, lockstep->twin->physmem};
    const uint32_t place[2] = {store->frame, store->offset};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t hash = state_hash_bytes(lockstep->store_hash[i], place, sizeof(place));
        lockstep->store_hash[i] = state_hash_bytes(
            hash, physmem_frame_host(memories[i], store->frame) + store->offset, store->size);
    }
}

static void compare_stores(struct lockstep *lockstep) {
    for (unsigned i = 0; i < lockstep->stores; i++) {
        const struct lockstep_store *store = &lockstep->store[i];
        hash_store(lockstep, store);
        if (!compare_bytes(lockstep, store->frame, store->offset, store->size))
            return;
    }
}

/** All frames in which one machine has bytes at all: reading holes would give them memory. */
static void compare_extents(struct lockstep *lockstep, const struct physmem *owner) {
    uint64_t end = (uint64_t)physmem_frame_count(owner) << GUEST_PAGE_SHIFT;
    for (off_t at = 0; (uint64_t)at < end;) {
        at = lseek(physmem_fd(owner), at, SEEK_DATA);
        if (at < 0)
            return; /* no data behind the last extent */
        off_t hole = lseek(physmem_fd(owner), at, SEEK_HOLE);
        for (; at < hole && (uint64_t)at < end; at += GUEST_PAGE_SIZE) {
            frame_number frame = (frame_number)(at >> GUEST_PAGE_SHIFT);
            if (!compare_bytes(lockstep, frame, 0, GUEST_PAGE_SIZE))
                return;
        }
    }
}

static void compare_memory(struct lockstep *lockstep) {
    lockstep->memory_comparisons++;
    compare_extents(lockstep, lockstep->reference->physmem);
    compare_extents(lockstep, lockstep->twin->physmem);
}

/* ---- the rest ---- */

static void compare_cpus(struct lockstep *lockstep) {
    char text[128];
    if (!cpu_same(&lockstep->reference->cpu, &lockstep->twin->cpu, text, sizeof(text)))
        lockstep_differ(lockstep, "%s", text);
}

static void compare_devices(struct lockstep *lockstep) {
    const struct machine *a = lockstep->reference, *b = lockstep->twin;
    lockstep->device_comparisons++;
    for (unsigned i = 0; i < a->device_count; i++) {
        const struct device_class *class = a->device[i].class;
        char text[128];
        if (class->state != NULL && !state_same(class->name, class->state, a->device[i].object,
                                                b->device[i].object, text, sizeof(text)))
            lockstep_differ(lockstep, "%s", text);
    }
}

static void compare_streams(struct lockstep *lockstep) {
    for (unsigned i = 0; i < LOCKSTEP_STREAMS; i++) {
        const struct lockstep_stream *stream = &lockstep->stream[i];
        if (stream->bytes[0] != stream->bytes[1] || stream->hash[0] != stream->hash[1])
            lockstep_differ(lockstep, "output to %s: %" PRIu64 " bytes, twin %" PRIu64,
                            stream->name, stream->bytes[0], stream->bytes[1]);
    }
}

void lockstep_compare(struct lockstep *lockstep) {
    uint64_t icount = lockstep->reference->cpu.icount;
    compare_cpus(lockstep);
    compare_stores(lockstep);
    compare_streams(lockstep);
    if (icount >= lockstep->devices_due) {
        lockstep->devices_due = icount + DEVICES_EVERY;
        compare_devices(lockstep);
    }
    if (icount >= lockstep->memory_due || lockstep->lost_stores) {
        lockstep->memory_due = icount + MEMORY_EVERY;
        compare_memory(lockstep);
    }
}
