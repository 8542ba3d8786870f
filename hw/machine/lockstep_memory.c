/*
 * Memory of the two machines of a lockstep: what either wrote since the last stop, and what both
 * held there.
 *
 * The reference reports every store with its bytes: all of its frames stay watched, so each store
 * takes the MMU's slow path. The twin must keep its fast ones, which are under test, so of it only
 * the frames that it wrote are known: the first store to a frame takes the slow path, and the watch
 * goes until the frame has been compared.
 */
#include "hw/machine/lockstep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static uint64_t store_bytes(const struct lockstep *lockstep) {
    return (uint64_t)physmem_frame_limit(lockstep->reference->physmem) << GUEST_PAGE_SHIFT;
}

static uint8_t *bytes_before(const struct lockstep *lockstep, frame_number frame) {
    return lockstep->memory_before + ((size_t)frame << GUEST_PAGE_SHIFT);
}

/* ---- stores as they happen ---- */

static void reference_stored(void *opaque, frame_number frame, unsigned offset, unsigned size) {
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

static void twin_stored(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct lockstep *lockstep = opaque;
    physmem_unwatch(lockstep->twin->physmem, frame, WATCH_STORES);
    lockstep->written[lockstep->written_count++] = frame;
}

static void watch(struct machine *machine, physmem_written_fn *written, void *opaque) {
    struct physmem *physmem = machine->physmem;
    physmem_on_write(physmem, WATCH_STORES, written, opaque);
    for (frame_number frame = 0; frame < physmem_frame_count(physmem); frame++)
        physmem_watch(physmem, frame, WATCH_STORES);
}

bool lockstep_watch_stores(struct lockstep *lockstep, struct error *error) {
    frame_number frames = physmem_frame_limit(lockstep->reference->physmem);
    void *before = mmap(NULL, store_bytes(lockstep), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    lockstep->written = malloc(frames * sizeof(*lockstep->written));
    lockstep->memory_before = before == MAP_FAILED ? NULL : before;
    if (before == MAP_FAILED || lockstep->written == NULL)
        return error_set(error, "out of memory for a copy of the guest's memory");
    watch(lockstep->reference, reference_stored, lockstep);
    watch(lockstep->twin, twin_stored, lockstep);
    lockstep->lost_stores = true; /* whatever is there already was not seen coming */
    return true;
}

void lockstep_free_memory(struct lockstep *lockstep) {
    if (lockstep->memory_before != NULL)
        munmap(lockstep->memory_before, store_bytes(lockstep));
    free(lockstep->written);
}

/* ---- frames that have bytes at all: reading holes would give them memory ---- */

typedef bool frame_fn(struct lockstep *lockstep, struct machine *machine, frame_number frame);

/** Call `fn` for each such frame of a machine until it returns false. */
static bool for_each_frame(struct lockstep *lockstep, struct machine *machine, frame_fn *fn) {
    int fd = physmem_fd(machine->physmem);
    uint64_t end = (uint64_t)physmem_frame_count(machine->physmem) << GUEST_PAGE_SHIFT;
    for (off_t at = 0; (uint64_t)at < end;) {
        at = lseek(fd, at, SEEK_DATA);
        if (at < 0)
            return true; /* no data behind the last extent */
        off_t hole = lseek(fd, at, SEEK_HOLE);
        for (; at < hole && (uint64_t)at < end; at += GUEST_PAGE_SIZE)
            if (!fn(lockstep, machine, (frame_number)(at >> GUEST_PAGE_SHIFT)))
                return false;
    }
    return true;
}

/* ---- comparing ---- */

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

static bool compare_frame(struct lockstep *lockstep, struct machine *machine, frame_number frame) {
    return compare_bytes(lockstep, frame, 0, GUEST_PAGE_SIZE);
}

void lockstep_compare_memory(struct lockstep *lockstep) {
    lockstep->memory_comparisons++;
    if (for_each_frame(lockstep, lockstep->reference, compare_frame))
        for_each_frame(lockstep, lockstep->twin, compare_frame);
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

void lockstep_compare_stores(struct lockstep *lockstep) {
    for (unsigned i = 0; i < lockstep->stores; i++) {
        const struct lockstep_store *store = &lockstep->store[i];
        hash_store(lockstep, store);
        if (!compare_bytes(lockstep, store->frame, store->offset, store->size))
            return;
    }
    if (lockstep->lost_stores)
        lockstep_compare_memory(lockstep);
}

void lockstep_compare_written(struct lockstep *lockstep) {
    lockstep->written_comparisons++;
    for (unsigned i = 0; i < lockstep->written_count; i++) {
        frame_number frame = lockstep->written[i];
        if (!compare_bytes(lockstep, frame, 0, GUEST_PAGE_SIZE))
            return;
        physmem_watch(lockstep->twin->physmem, frame, WATCH_STORES);
    }
    lockstep->written_count = 0;
}

/* ---- memory as it was at the last stop ---- */

static bool keep_frame(struct lockstep *lockstep, struct machine *machine, frame_number frame) {
    memcpy(bytes_before(lockstep, frame), physmem_frame_host(machine->physmem, frame),
           GUEST_PAGE_SIZE);
    return true;
}

void lockstep_keep_memory(struct lockstep *lockstep) {
    struct machine *reference = lockstep->reference;
    if (lockstep->lost_stores)
        for_each_frame(lockstep, reference, keep_frame);
    for (unsigned i = 0; i < lockstep->stores && !lockstep->lost_stores; i++) {
        const struct lockstep_store *store = &lockstep->store[i];
        memcpy(bytes_before(lockstep, store->frame) + store->offset,
               physmem_frame_host(reference->physmem, store->frame) + store->offset, store->size);
    }
    lockstep->stores = 0;
    lockstep->lost_stores = false;
}

static bool take_back_frame(struct lockstep *lockstep, struct machine *machine,
                            frame_number frame) {
    uint8_t *bytes = physmem_frame_host(machine->physmem, frame);
    if (memcmp(bytes, bytes_before(lockstep, frame), GUEST_PAGE_SIZE) == 0)
        return true;
    memcpy(bytes, bytes_before(lockstep, frame), GUEST_PAGE_SIZE);
    physmem_frame_written(machine->physmem, frame, 0, GUEST_PAGE_SIZE);
    return true;
}

/* Where one machine has bytes and the other has a hole, the copy may differ from the hole. */
static bool take_back_twins_frame(struct lockstep *lockstep, struct machine *machine,
                                  frame_number frame) {
    return take_back_frame(lockstep, lockstep->twin, frame);
}

void lockstep_take_back_memory(struct lockstep *lockstep) {
    for_each_frame(lockstep, lockstep->reference, take_back_twins_frame);
    for_each_frame(lockstep, lockstep->twin, take_back_frame);
    for_each_frame(lockstep, lockstep->reference, take_back_frame);
    lockstep->stores = 0;
    lockstep->lost_stores = false;
}
