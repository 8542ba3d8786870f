/*
 * Segmented loads and stores for handlers: the one place where MMU_FAULT becomes an exception.
 * Inline fast path: one compare for the segment, one table lookup, one page-crossing check.
 * Sizes are bytes; values are little-endian in guest memory whatever the host.
 */
#ifndef INTERP_CPU_GUEST_ACCESS_H
#define INTERP_CPU_GUEST_ACCESS_H

#include "interp/cpu/cpu.h"
#include "interp/cpu/exception.h"
#include "interp/cpu/segment.h"
#include "softmmu/base/bits.h"

/** Linear address of [offset, offset + size) in a segment, after limit and rights checks. */
static inline linear_addr cpu_linear_read(struct cpu *cpu, unsigned seg, uint32_t offset,
                                          unsigned size) {
    const struct segment *s = &cpu->seg[seg];
    if (LIKELY((uint64_t)offset + size <= s->read_end))
        return (uint32_t)(s->base + offset);
    return cpu_check_segment(cpu, (enum segment_name)seg, offset, size, MMU_READ);
}

static inline linear_addr cpu_linear_write(struct cpu *cpu, unsigned seg, uint32_t offset,
                                           unsigned size) {
    const struct segment *s = &cpu->seg[seg];
    if (LIKELY((uint64_t)offset + size <= s->write_end))
        return (uint32_t)(s->base + offset);
    return cpu_check_segment(cpu, (enum segment_name)seg, offset, size, MMU_WRITE);
}

/* Slow paths; they raise on a fault. Also check alignment when #AC is enabled. */
uint64_t cpu_load_slow(struct cpu *cpu, linear_addr linear, unsigned size);
void cpu_store_slow(struct cpu *cpu, linear_addr linear, unsigned size, uint64_t value);
/** Fault now if a write of `size` bytes at linear would; fills the write table if it can. */
void cpu_probe_write(struct cpu *cpu, linear_addr linear, unsigned size);

static inline bool page_holds(linear_addr linear, unsigned size) {
    return (linear & GUEST_PAGE_MASK) <= GUEST_PAGE_SIZE - size;
}

/** Host address for reading `size` bytes at linear, or NULL: take the slow path. */
static inline const uint8_t *cpu_host_read(struct cpu *cpu, linear_addr linear, unsigned size) {
    uintptr_t addend = cpu->mmu.read_table[linear >> GUEST_PAGE_SHIFT];
    if (LIKELY(addend != 0 && page_holds(linear, size)))
        return (const uint8_t *)(addend + (uintptr_t)linear);
    return NULL;
}

static inline uint8_t *cpu_host_write(struct cpu *cpu, linear_addr linear, unsigned size) {
    uintptr_t addend = cpu->mmu.write_table[linear >> GUEST_PAGE_SHIFT];
    if (LIKELY(addend != 0 && page_holds(linear, size)))
        return (uint8_t *)(addend + (uintptr_t)linear);
    return NULL;
}

#define DEFINE_GUEST_ACCESS(bits, load_host, store_host)                                           \
    static inline uint##bits##_t cpu_load_linear##bits(struct cpu *cpu, linear_addr linear) {      \
        const uint8_t *host = cpu_host_read(cpu, linear, bits / 8);                                \
        return LIKELY(host != NULL) ? (uint##bits##_t)load_host                                    \
                                    : (uint##bits##_t)cpu_load_slow(cpu, linear, bits / 8);        \
    }                                                                                              \
    static inline void cpu_store_linear##bits(struct cpu *cpu, linear_addr linear,                 \
                                              uint##bits##_t value) {                              \
        uint8_t *host = cpu_host_write(cpu, linear, bits / 8);                                     \
        if (LIKELY(host != NULL))                                                                  \
            store_host;                                                                            \
        else                                                                                       \
            cpu_store_slow(cpu, linear, bits / 8, value);                                          \
    }                                                                                              \
    static inline uint##bits##_t cpu_load##bits(struct cpu *cpu, unsigned seg, uint32_t offset) {  \
        return cpu_load_linear##bits(cpu, cpu_linear_read(cpu, seg, offset, bits / 8));            \
    }                                                                                              \
    static inline void cpu_store##bits(struct cpu *cpu, unsigned seg, uint32_t offset,             \
                                       uint##bits##_t value) {                                     \
        cpu_store_linear##bits(cpu, cpu_linear_write(cpu, seg, offset, bits / 8), value);          \
    }

DEFINE_GUEST_ACCESS(8, *host, *host = value)
DEFINE_GUEST_ACCESS(16, load_le16(host), store_le16(host, value))
DEFINE_GUEST_ACCESS(32, load_le32(host), store_le32(host, value))
DEFINE_GUEST_ACCESS(64, load_le64(host), store_le64(host, value))
#undef DEFINE_GUEST_ACCESS

#endif
