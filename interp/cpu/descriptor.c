/*
 * Access to descriptor tables. Tables are read and written with supervisor rights whatever the
 * CPL (SDM vol. 3A, "Page-Level Protection").
 */
#include "interp/cpu/descriptor.h"

noreturn void cpu_raise_selector(struct cpu *cpu, enum exception_vector vector, uint16_t selector) {
    cpu_raise_error(cpu, vector, selector & SELECTOR_INDEX);
}

uint32_t cpu_system_load(struct cpu *cpu, linear_addr linear, unsigned size) {
    uint64_t value = 0;
    if (mmu_load_system(&cpu->mmu, (uint32_t)linear, size, &value) != MMU_OK)
        cpu_raise_page_fault(cpu);
    return (uint32_t)value;
}

void cpu_system_store(struct cpu *cpu, linear_addr linear, unsigned size, uint32_t value) {
    if (mmu_store_system(&cpu->mmu, (uint32_t)linear, size, value) != MMU_OK)
        cpu_raise_page_fault(cpu);
}

void cpu_system_probe(struct cpu *cpu, linear_addr linear, unsigned size, enum mmu_access access) {
    if (mmu_probe(&cpu->mmu, (uint32_t)linear, size, access, true) != MMU_OK)
        cpu_raise_page_fault(cpu);
}

/* Linear address of a selector's descriptor; false when it has none. */
static bool descriptor_address(const struct cpu *cpu, uint16_t selector, linear_addr *linear) {
    uint64_t base = cpu->gdtr.base;
    uint32_t limit = cpu->gdtr.limit;
    if (selector & SELECTOR_LDT) {
        if (!cpu->ldtr.is_usable)
            return false;
        base = cpu->ldtr.base;
        limit = cpu->ldtr.limit;
    } else if (selector_is_null(selector)) {
        return false;
    }
    if ((selector | 7u) > limit)
        return false;
    *linear = (uint32_t)(base + (selector & 0xfff8));
    return true;
}

bool descriptor_find(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    linear_addr linear;
    if (!descriptor_address(cpu, selector, &linear))
        return false;
    uint64_t value = 0;
    if (mmu_load_system(&cpu->mmu, linear, 8, &value) != MMU_OK)
        cpu_raise_page_fault(cpu);
    d->low = (uint32_t)value;
    d->high = (uint32_t)(value >> 32);
    return true;
}

void descriptor_read(struct cpu *cpu, uint16_t selector, enum exception_vector vector,
                     struct descriptor *d) {
    if (!descriptor_find(cpu, selector, d))
        cpu_raise_selector(cpu, vector, selector);
}

void descriptor_mark_accessed(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    linear_addr linear;
    if ((d->high & SEG_ACCESSED << 8) || !descriptor_address(cpu, selector, &linear))
        return;
    d->high |= SEG_ACCESSED << 8;
    cpu_system_store(cpu, linear + 5, 1, d->high >> 8 & 0xff);
}

void descriptor_set_busy(struct cpu *cpu, uint16_t selector, bool busy) {
    linear_addr linear;
    if (!descriptor_address(cpu, selector, &linear))
        return;
    uint32_t type = cpu_system_load(cpu, linear + 5, 1);
    type = busy ? type | TYPE_BUSY : type & ~(uint32_t)TYPE_BUSY;
    cpu_system_store(cpu, linear + 5, 1, type);
}

void segment_load(struct cpu *cpu, struct segment *segment, uint16_t selector,
                  const struct descriptor *d) {
    segment->selector = selector;
    segment->attributes = descriptor_attributes(d);
    segment->base = descriptor_base(d);
    segment->limit = descriptor_limit(d);
    segment->is_usable = true;
    segment_refresh_bounds(cpu, segment);
}
