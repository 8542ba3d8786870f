/*
 * Segment descriptors in the GDT and LDT: finding, taking apart and marking them
 * (SDM vol. 3A, "Segment Descriptors" and "System Descriptor Types").
 */
#ifndef INTERP_CPU_DESCRIPTOR_H
#define INTERP_CPU_DESCRIPTOR_H

#include "interp/cpu/exception.h"
#include "interp/cpu/segment.h"

/* Type field of a descriptor whose S bit is clear. */
enum system_type {
    TYPE_TSS16 = 1,
    TYPE_LDT = 2,
    TYPE_TSS16_BUSY = 3,
    TYPE_CALL_GATE16 = 4,
    TYPE_TASK_GATE = 5,
    TYPE_INTERRUPT_GATE16 = 6,
    TYPE_TRAP_GATE16 = 7,
    TYPE_TSS32 = 9,
    TYPE_TSS32_BUSY = 11,
    TYPE_CALL_GATE32 = 12,
    TYPE_INTERRUPT_GATE32 = 14,
    TYPE_TRAP_GATE32 = 15,
};
#define TYPE_BUSY  2 /* the bit that makes an available TSS a busy one */
#define TYPE_32BIT 8 /* gates and task states of the 386 and later */

#define SELECTOR_RPL   3
#define SELECTOR_LDT   4      /* table indicator */
#define SELECTOR_INDEX 0xfffc /* what an error code shows of a selector */

/** Attributes in the layout of struct segment. */
static inline uint16_t descriptor_attributes(const struct descriptor *d) {
    return d->high >> 8 & 0xf0ff;
}
static inline uint8_t descriptor_dpl(const struct descriptor *d) {
    return d->high >> 13 & 3;
}
static inline bool descriptor_is_present(const struct descriptor *d) {
    return d->high >> 15 & 1;
}
/** Code or data, as opposed to a system descriptor or gate. */
static inline bool descriptor_is_memory(const struct descriptor *d) {
    return d->high >> 12 & 1;
}
static inline uint8_t descriptor_type(const struct descriptor *d) {
    return d->high >> 8 & 15;
}
static inline bool descriptor_is_code(const struct descriptor *d) {
    return descriptor_is_memory(d) && (d->high & SEG_CODE << 8) != 0;
}
static inline bool descriptor_is_conforming(const struct descriptor *d) {
    return descriptor_is_code(d) && (d->high & SEG_DOWN << 8) != 0;
}
static inline bool descriptor_is_writable_data(const struct descriptor *d) {
    return descriptor_is_memory(d) && (d->high & (SEG_CODE | SEG_WRITABLE) << 8) == SEG_WRITABLE
                                                                                        << 8;
}
/** Data or readable code: what DS, ES, FS and GS may hold. */
static inline bool descriptor_is_readable(const struct descriptor *d) {
    return descriptor_is_memory(d) && (!descriptor_is_code(d) || (d->high & SEG_WRITABLE << 8));
}
static inline uint32_t descriptor_base(const struct descriptor *d) {
    return d->low >> 16 | (d->high & 0xff) << 16 | (d->high & 0xff000000u);
}
/** Limit in bytes, inclusive. */
static inline uint32_t descriptor_limit(const struct descriptor *d) {
    uint32_t limit = (d->low & 0xffff) | (d->high & 0xf0000);
    return (d->high & SEG_GRANULAR << 8) ? limit << 12 | 0xfff : limit;
}
/* Fields of a gate. */
static inline uint16_t gate_selector(const struct descriptor *d) {
    return (uint16_t)(d->low >> 16);
}
static inline uint32_t gate_offset(const struct descriptor *d) {
    uint32_t low = d->low & 0xffff;
    return (descriptor_type(d) & TYPE_32BIT) ? low | (d->high & 0xffff0000u) : low;
}

static inline bool selector_is_null(uint16_t selector) {
    return (selector & SELECTOR_INDEX) == 0;
}

/** Read the descriptor that a selector names; false when it is null or outside its table.
 *  Raises #PF when the table is not mapped. */
bool descriptor_find(struct cpu *cpu, uint16_t selector, struct descriptor *d);
/** The same, raising `vector` with the selector as error code instead of returning false. */
void descriptor_read(struct cpu *cpu, uint16_t selector, enum exception_vector vector,
                     struct descriptor *d);
/** Set the accessed bit of a code or data descriptor, in memory and in *d, unless it is set. */
void descriptor_mark_accessed(struct cpu *cpu, uint16_t selector, struct descriptor *d);
/** Set or clear the busy bit of the TSS descriptor that a selector of the GDT names. */
void descriptor_set_busy(struct cpu *cpu, uint16_t selector, bool busy);

/** Fill a segment register from a descriptor. Commits: call it after the last check. */
void segment_load(struct cpu *cpu, struct segment *segment, uint16_t selector,
                  const struct descriptor *d);

/** Raise `vector` with a selector as its error code. */
noreturn void cpu_raise_selector(struct cpu *cpu, enum exception_vector vector, uint16_t selector);

/** Load 1, 2 or 4 bytes with supervisor rights, as the CPU reads its own tables. */
uint32_t cpu_system_load(struct cpu *cpu, linear_addr linear, unsigned size);
void cpu_system_store(struct cpu *cpu, linear_addr linear, unsigned size, uint32_t value);
/** Raise #PF unless `size` bytes (up to 4096) can be accessed with supervisor rights. */
void cpu_system_probe(struct cpu *cpu, linear_addr linear, unsigned size, enum mmu_access access);

#endif
