/*
 * Comparing two machines. The common case, no difference, is a few memcmp of spans of struct cpu;
 * only when one of them fails are members looked at one by one, since padding may differ.
 */
#include "hw/machine/lockstep.h"

#include "interp/cpu/cpu_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define DEVICES_EVERY (UINT64_C(1) << 20)
#define MEMORY_EVERY  (UINT64_C(1) << 24)
#define EVENTS        (CPU_EVENT_INTR | CPU_EVENT_NMI | CPU_EVENT_INIT | CPU_EVENT_SIPI | CPU_EVENT_SMI)

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

static void compare_stores(struct lockstep *lockstep) {
    for (unsigned i = 0; i < lockstep->stores; i++) {
        const struct lockstep_store *store = &lockstep->store[i];
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

/* ---- CPU state ---- */

#define SAME(a, b, member) (memcmp(&(a)->member, &(b)->member, sizeof((a)->member)) == 0)
#define SAME_SPAN(a, b, first, end)                                                                \
    (memcmp(&(a)->first, &(b)->first, offsetof(struct cpu, end) - offsetof(struct cpu, first)) == 0)

static bool is_quickly_same(const struct cpu *a, const struct cpu *b) {
    return SAME_SPAN(a, b, gpr, ip_base) && SAME(a, b, lazy) && a->eflags == b->eflags &&
           SAME_SPAN(a, b, seg, events) && a->icount == b->icount &&
           SAME_SPAN(a, b, interrupt_shadow, debug_active);
}

static void compare_table(struct lockstep *lockstep, const char *what,
                          const struct state_table *table, const void *reference,
                          const void *twin) {
    for (size_t i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->version == 0)
            continue;
        const uint8_t *a = (const uint8_t *)reference + field->offset;
        const uint8_t *b = (const uint8_t *)twin + field->offset;
        if (memcmp(a, b, field->size) != 0)
            lockstep_differ(lockstep, "%s.%s", what, field->name);
    }
}

static void compare_x87(struct lockstep *lockstep, const struct x87_state *a,
                        const struct x87_state *b) {
    compare_table(lockstep, "x87", &x87_state_state_table, a, b);
    for (unsigned i = 0; i < 8; i++)
        compare_table(lockstep, "x87.st", &float80_state_table, &a->st[i], &b->st[i]);
}

static void compare_cpus(struct lockstep *lockstep) {
    static const char *const segment[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    const struct cpu *a = &lockstep->reference->cpu, *b = &lockstep->twin->cpu;
    uint32_t a_events = atomic_load(&a->events) & EVENTS;
    uint32_t b_events = atomic_load(&b->events) & EVENTS;
    if (a_events != b_events)
        lockstep_differ(lockstep, "pending events: %x, twin %x", a_events, b_events);
    if (is_quickly_same(a, b))
        return;
    if (a->icount != b->icount)
        lockstep_differ(lockstep, "stopped at instruction %" PRIu64 ", twin at %" PRIu64, a->icount,
                        b->icount);
    compare_table(lockstep, "cpu", &cpu_state_table, a, b);
    if (cpu_eflags(a) != cpu_eflags(b))
        lockstep_differ(lockstep, "eflags: %" PRIx32 ", twin %" PRIx32, cpu_eflags(a),
                        cpu_eflags(b));
    for (unsigned i = 0; i < SEG_COUNT; i++)
        compare_table(lockstep, segment[i], &segment_state_table, &a->seg[i], &b->seg[i]);
    compare_table(lockstep, "ldtr", &segment_state_table, &a->ldtr, &b->ldtr);
    compare_table(lockstep, "tr", &segment_state_table, &a->tr, &b->tr);
    compare_table(lockstep, "gdtr", &descriptor_table_state_table, &a->gdtr, &b->gdtr);
    compare_table(lockstep, "idtr", &descriptor_table_state_table, &a->idtr, &b->idtr);
    compare_x87(lockstep, &a->x87, &b->x87);
}

/* ---- the rest ---- */

static void compare_devices(struct lockstep *lockstep) {
    const struct machine *a = lockstep->reference, *b = lockstep->twin;
    lockstep->device_comparisons++;
    for (unsigned i = 0; i < a->device_count; i++) {
        const struct device_class *class = a->device[i].class;
        if (class->state != NULL)
            compare_table(lockstep, class->name, class->state, a->device[i].object,
                          b->device[i].object);
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
