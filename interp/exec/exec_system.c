/*
 * System registers: descriptor table registers, control, debug and model-specific registers,
 * caches, time and identification (SDM vol. 2).
 */
#include "interp/cpu/control_reg.h"
#include "interp/cpu/cpuid.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/msr.h"
#include "interp/exec/sensitive.h"
#include "interp/insn_cache.h"

#define RDPMC_COUNTERS 2

void exec_log_sensitive(struct cpu *cpu, const struct insn *i) {
    log_write(cpu->log, LOG_SENSITIVE, "%04x:%08x cpl=%u %s", cpu->seg[SEG_CS].selector,
              insn_ip(cpu, i), cpu->cpl, op_info((enum op)i->op)->mnemonic);
}

/* Descriptor table registers. With a 16-bit operand LGDT and LIDT take 24 bits of base, while SGDT
   and SIDT store all 32, as the 386 and its successors do. */

static void store_table(struct cpu *cpu, const struct insn *i,
                        const struct descriptor_table *table) {
    note_sensitive(cpu, i);
    uint32_t ea = insn_ea(cpu, i), base_ea = (ea + 2) & i->ea_mask;
    linear_addr base = cpu_linear_write(cpu, i->seg, base_ea, 4);
    cpu_probe_write(cpu, base, 4);
    cpu_store16(cpu, i->seg, ea, (uint16_t)table->limit);
    cpu_store_linear32(cpu, base, (uint32_t)table->base);
}

static void load_table(struct cpu *cpu, const struct insn *i, bool is_32,
                       struct descriptor_table *table) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    uint32_t ea = insn_ea(cpu, i);
    uint16_t limit = cpu_load16(cpu, i->seg, ea);
    uint32_t base = cpu_load32(cpu, i->seg, (ea + 2) & i->ea_mask);
    table->limit = limit;
    table->base = is_32 ? base : base & 0xffffff;
}

static void sgdt(struct cpu *cpu, const struct insn *i, bool is_32) {
    (void)is_32;
    store_table(cpu, i, &cpu->gdtr);
}
EXEC_SYSTEM_VSIZED(SGDT, sgdt)

static void sidt(struct cpu *cpu, const struct insn *i, bool is_32) {
    (void)is_32;
    store_table(cpu, i, &cpu->idtr);
}
EXEC_SYSTEM_VSIZED(SIDT, sidt)

static void lgdt(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_table(cpu, i, is_32, &cpu->gdtr);
}
EXEC_SYSTEM_VSIZED(LGDT, lgdt)

static void lidt(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_table(cpu, i, is_32, &cpu->idtr);
}
EXEC_SYSTEM_VSIZED(LIDT, lidt)

/* Control registers */

static void smsw(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    operand_store_word(cpu, i, is_32, (uint32_t)cpu->cr0);
}
EXEC_SYSTEM_VSIZED(SMSW, smsw)

EXEC_SYSTEM(LMSW) {
    const uint32_t changeable = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    uint32_t value = operand_read16(cpu, i) & changeable;
    uint32_t old = (uint32_t)cpu->cr0;
    control_reg_write_cr0(cpu, (old & ~changeable) | value | (old & (uint32_t)CR0_PE));
    RESUME(cpu, i);
}

EXEC_SYSTEM(CLTS) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    cpu->cr0 &= ~CR0_TS;
    RESUME(cpu, i);
}

EXEC_SYSTEM(MOV_FROM_CR) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    const uint64_t values[5] = {cpu->cr0, 0, cpu->cr2, cpu->cr3, cpu->cr4};
    if (i->reg > 4 || i->reg == 1)
        cpu_raise(cpu, VECTOR_UD);
    cpu_set_reg32(cpu, i->rm, (uint32_t)values[i->reg]);
    RESUME(cpu, i);
}

EXEC_SYSTEM(MOV_TO_CR) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    uint32_t value = cpu_reg32(cpu, i->rm);
    switch (i->reg) {
    case 0:
        control_reg_write_cr0(cpu, value);
        break;
    case 2:
        cpu->cr2 = value;
        break;
    case 3:
        control_reg_write_cr3(cpu, value);
        break;
    case 4:
        control_reg_write_cr4(cpu, value);
        break;
    default:
        cpu_raise(cpu, VECTOR_UD);
    }
    RESUME(cpu, i);
}

/* Debug registers: 4 and 5 are 6 and 7 unless CR4.DE makes them #UD. */
static unsigned debug_register(struct cpu *cpu, const struct insn *i) {
    note_sensitive(cpu, i);
    unsigned number = i->reg & 7;
    if (number == 4 || number == 5) {
        if (cpu->cr4 & CR4_DE)
            cpu_raise(cpu, VECTOR_UD);
        number += 2;
    }
    require_cpl0(cpu);
    if (cpu->dr[7] & DR7_GD)
        cpu_raise_debug(cpu, DR6_BD, false);
    return number;
}

EXEC_SYSTEM(MOV_FROM_DR) {
    cpu_set_reg32(cpu, i->rm, (uint32_t)cpu->dr[debug_register(cpu, i)]);
    RESUME(cpu, i);
}

EXEC_SYSTEM(MOV_TO_DR) {
    cpu_write_debug_register(cpu, debug_register(cpu, i), cpu_reg32(cpu, i->rm));
    RESUME(cpu, i);
}

/* Caches and TLB. There are no caches; what WBINVD would write back is in memory already. */

EXEC_SYSTEM(INVD) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    RESUME(cpu, i);
}

EXEC_SYSTEM(WBINVD) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    RESUME(cpu, i);
}

EXEC_SYSTEM(INVLPG) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    mmu_invalidate_page(&cpu->mmu, (uint32_t)(cpu->seg[i->seg].base + insn_ea(cpu, i)));
    insn_cache_remapped(cpu->insn_cache);
    RESUME(cpu, i);
}

/* Model-specific registers, time, identification */

static void set_edx_eax(struct cpu *cpu, uint64_t value) {
    cpu_set_reg32(cpu, GPR_EAX, (uint32_t)value);
    cpu_set_reg32(cpu, GPR_EDX, (uint32_t)(value >> 32));
}

EXEC_SYSTEM(RDMSR) {
    uint64_t value = 0;
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    if (!msr_read(cpu, cpu_reg32(cpu, GPR_ECX), &value))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    set_edx_eax(cpu, value);
    RESUME(cpu, i);
}

EXEC_SYSTEM(WRMSR) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    uint64_t value = (uint64_t)cpu_reg32(cpu, GPR_EDX) << 32 | cpu_reg32(cpu, GPR_EAX);
    if (!msr_write(cpu, cpu_reg32(cpu, GPR_ECX), value))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    RESUME(cpu, i);
}

EXEC_SYSTEM(RDTSC) {
    note_sensitive(cpu, i);
    if (cpu->cr4 & CR4_TSD)
        require_cpl0(cpu);
    set_edx_eax(cpu, cpu_read_tsc(cpu));
    RESUME(cpu, i);
}

EXEC_SYSTEM(RDPMC) {
    note_sensitive(cpu, i);
    if (!(cpu->cr4 & CR4_PCE))
        require_cpl0(cpu);
    if (cpu_reg32(cpu, GPR_ECX) >= RDPMC_COUNTERS)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    set_edx_eax(cpu, 0);
    RESUME(cpu, i);
}

EXEC_SYSTEM(CPUID) {
    struct cpuid_result result = cpuid_read(cpu, cpu_reg32(cpu, GPR_EAX));
    cpu_set_reg32(cpu, GPR_EAX, result.eax);
    cpu_set_reg32(cpu, GPR_EBX, result.ebx);
    cpu_set_reg32(cpu, GPR_ECX, result.ecx);
    cpu_set_reg32(cpu, GPR_EDX, result.edx);
    RESUME(cpu, i);
}
