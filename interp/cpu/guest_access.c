/*
 * The slow paths of guest_access.h: accesses over two pages, to registers, to pages with code, and
 * those that fault.
 */
#include "interp/cpu/guest_access.h"

uint64_t cpu_load_slow(struct cpu *cpu, linear_addr linear, unsigned size) {
    uint64_t value;
    if (mmu_load(&cpu->mmu, linear, size, &value) != MMU_OK)
        cpu_raise_page_fault(cpu);
    return value;
}

void cpu_store_slow(struct cpu *cpu, linear_addr linear, unsigned size, uint64_t value) {
    if (mmu_store(&cpu->mmu, linear, size, value) != MMU_OK)
        cpu_raise_page_fault(cpu);
}

void cpu_probe_write(struct cpu *cpu, linear_addr linear, unsigned size) {
    if (cpu_host_write(cpu, linear, size) != NULL)
        return;
    if (mmu_probe(&cpu->mmu, linear, size, MMU_WRITE, false) != MMU_OK)
        cpu_raise_page_fault(cpu);
}
