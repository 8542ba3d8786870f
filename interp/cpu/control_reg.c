/* CR0, CR3 and CR4; SDM vol. 2 "MOV-Move to/from Control Registers", vol. 3A "Control Registers".
 */
#include "interp/cpu/control_reg.h"
#include "interp/cpu/exception.h"

#define CR0_386 (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_PG)
#define CR0_486 (CR0_386 | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD)

/* Entering or leaving PAE paging, or changing CR3 within it, loads the PDPTEs. */
static void check_pdptes(struct cpu *cpu, uint64_t cr0, uint64_t cr3, uint64_t cr4) {
    if ((cr0 & CR0_PG) && (cr4 & CR4_PAE) && !mmu_pdptes_are_valid(&cpu->mmu, cr3))
        cpu_raise_error(cpu, VECTOR_GP, 0);
}

void control_reg_write_cr0(struct cpu *cpu, uint32_t value) {
    uint64_t old = cpu->cr0;
    uint64_t writable = CR0_386, fixed = old & CR0_ET;
    if (cpu_has(cpu, FEATURE_I486)) {
        writable = CR0_486;
        fixed = CR0_ET;
    } else {
        writable |= CR0_ET;
        fixed = 0;
    }
    uint64_t cr0 = (value & writable) | fixed;
    if ((cr0 & CR0_PG) && !(cr0 & CR0_PE))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    if ((cr0 & CR0_NW) && !(cr0 & CR0_CD))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    if ((old ^ cr0) & (CR0_PG | CR0_CD | CR0_NW))
        check_pdptes(cpu, cr0, cpu->cr3, cpu->cr4);
    cpu->cr0 = cr0;
    if ((old ^ cr0) & (CR0_PG | CR0_WP | CR0_PE))
        cpu_update_paging(cpu, ((old ^ cr0) & (CR0_PG | CR0_PE)) != 0);
    cpu_update_mode(cpu);
}

void control_reg_write_cr3(struct cpu *cpu, uint32_t value) {
    check_pdptes(cpu, cpu->cr0, value, cpu->cr4);
    cpu->cr3 = value;
    cpu_update_paging(cpu, false);
}

static uint64_t cr4_writable(const struct cpu *cpu) {
    static const struct {
        enum cpu_feature feature;
        uint32_t bits;
    } rows[] = {
        {FEATURE_VME, CR4_VME | CR4_PVI}, {FEATURE_TSC, CR4_TSD}, {FEATURE_DE, CR4_DE},
        {FEATURE_PSE, CR4_PSE},           {FEATURE_PAE, CR4_PAE}, {FEATURE_MCE, CR4_MCE},
        {FEATURE_PGE, CR4_PGE},           {FEATURE_P6, CR4_PCE},  {FEATURE_FXSR, CR4_OSFXSR},
        {FEATURE_SSE, CR4_OSXMMEXCPT},
    };
    uint64_t mask = 0;
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++)
        mask |= cpu_has(cpu, rows[n].feature) ? rows[n].bits : 0;
    return mask;
}

void control_reg_write_cr4(struct cpu *cpu, uint32_t value) {
    const uint64_t paging = CR4_PSE | CR4_PAE | CR4_PGE;
    if (value & ~cr4_writable(cpu))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    uint64_t changed = cpu->cr4 ^ value;
    if (changed & paging)
        check_pdptes(cpu, cpu->cr0, cpu->cr3, value);
    cpu->cr4 = value;
    if (changed & paging)
        cpu_update_paging(cpu, true);
}
