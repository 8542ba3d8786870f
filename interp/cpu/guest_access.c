/*
 * The slow paths of guest_access.h: accesses over two pages, to registers, to pages with code, and
 * those that fault.
 */
#include "interp/cpu/guest_access.h"

#include "interp/cpu/part.h"

uint64_t cpu_load_slow(struct cpu *cpu, linear_addr linear, unsigned size) {
    uint64_t value;
    enum cpu_part before = cpu_enter_part(cpu, PART_MMU);
    if (mmu_load(&cpu->mmu, linear, size, &value) != MMU_OK)
        cpu_raise_page_fault(cpu);
    cpu_set_part(cpu, before);
    return value;
}

void cpu_store_slow(struct cpu *cpu, linear_addr linear, unsigned size, uint64_t value) {
    enum cpu_part before = cpu_enter_part(cpu, PART_MMU);
    if (mmu_store(&cpu->mmu, linear, size, value) != MMU_OK)
        cpu_raise_page_fault(cpu);
    cpu_set_part(cpu, before);
}

void cpu_probe_write(struct cpu *cpu, linear_addr linear, unsigned size) {
    if (cpu_host_write(cpu, linear, size) != NULL)
        return;
    enum cpu_part before = cpu_enter_part(cpu, PART_MMU);
    if (mmu_probe(&cpu->mmu, linear, size, MMU_WRITE, false) != MMU_OK)
        cpu_raise_page_fault(cpu);
    cpu_set_part(cpu, before);
}
