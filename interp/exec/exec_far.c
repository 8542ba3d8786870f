/*
 * Far transfers, software interrupts, SYSENTER and SYSEXIT. These rows end their block, so while
 * they run cpu->eip holds the next instruction's IP: the return address.
 */
#include "interp/cpu/smm.h"
#include "interp/exec/sensitive.h"

/* SYSENTER and SYSEXIT make flat segments without reading descriptors. */
#define FLAT_CODE                                                                                  \
    (SEG_GRANULAR | SEG_DB | SEG_PRESENT | SEG_S | SEG_CODE | SEG_WRITABLE | SEG_ACCESSED)
#define FLAT_DATA (SEG_GRANULAR | SEG_DB | SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED)

static void jump_direct(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    cpu_far_jump(cpu, i->imm2, i->imm, is_32);
}
EXEC_SYSTEM_VSIZED(JMPF, jump_direct)

static void call_direct(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    cpu_far_call(cpu, i->imm2, i->imm, is_32);
}
EXEC_SYSTEM_VSIZED(CALLF, call_direct)

static uint16_t load_pointer(struct cpu *cpu, const struct insn *i, bool is_32, uint32_t *offset) {
    uint32_t ea = insn_ea(cpu, i);
    *offset = is_32 ? cpu_load32(cpu, i->seg, ea) : cpu_load16(cpu, i->seg, ea);
    return cpu_load16(cpu, i->seg, (ea + (is_32 ? 4 : 2)) & i->ea_mask);
}

static void jump_indirect(struct cpu *cpu, const struct insn *i, bool is_32) {
    uint32_t offset;
    note_sensitive(cpu, i);
    uint16_t selector = load_pointer(cpu, i, is_32, &offset);
    cpu_far_jump(cpu, selector, offset, is_32);
}
EXEC_SYSTEM_VSIZED(JMPFI, jump_indirect)

static void call_indirect(struct cpu *cpu, const struct insn *i, bool is_32) {
    uint32_t offset;
    note_sensitive(cpu, i);
    uint16_t selector = load_pointer(cpu, i, is_32, &offset);
    cpu_far_call(cpu, selector, offset, is_32);
}
EXEC_SYSTEM_VSIZED(CALLFI, call_indirect)

static void return_far(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    cpu_far_return(cpu, 0, is_32);
}
EXEC_SYSTEM_VSIZED(RETF, return_far)

static void return_far_pop(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    cpu_far_return(cpu, i->imm & 0xffff, is_32);
}
EXEC_SYSTEM_VSIZED(RETFI, return_far_pop)

static void interrupt_return(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    cpu_interrupt_return(cpu, is_32);
}
EXEC_SYSTEM_VSIZED(IRET, interrupt_return)

EXEC_SYSTEM(INT) {
    note_sensitive(cpu, i);
    cpu_deliver_interrupt(cpu, (uint8_t)i->imm, INTERRUPT_SOFTWARE);
    RESUME(cpu, i);
}

EXEC_SYSTEM(INT3) {
    cpu_deliver_interrupt(cpu, VECTOR_BP, INTERRUPT_INT3);
    RESUME(cpu, i);
}

EXEC_SYSTEM(INTO) {
    if (lazy_of(&cpu->lazy))
        cpu_deliver_interrupt(cpu, VECTOR_OF, INTERRUPT_INTO);
    RESUME(cpu, i);
}

EXEC_SYSTEM(ICEBP) {
    cpu_deliver_interrupt(cpu, VECTOR_DB, INTERRUPT_ICEBP);
    RESUME(cpu, i);
}

static void load_flat(struct cpu *cpu, enum segment_name name, uint16_t selector,
                      uint16_t attributes) {
    struct segment *s = &cpu->seg[name];
    unsigned rpl = selector & 3u;
    s->selector = selector;
    s->attributes = (uint16_t)(attributes | rpl << SEG_DPL_SHIFT);
    s->base = 0;
    s->limit = UINT32_MAX;
    s->is_usable = true;
    segment_refresh_bounds(cpu, s);
}

static void enter_flat(struct cpu *cpu, uint16_t code_selector, uint8_t cpl) {
    load_flat(cpu, SEG_CS, (uint16_t)(code_selector | cpl), FLAT_CODE);
    load_flat(cpu, SEG_SS, (uint16_t)((code_selector + 8) | cpl), FLAT_DATA);
    cpu->cpl = cpl;
    cpu_update_mode(cpu);
}

/* SDM vol. 2, "SYSENTER-Fast System Call". */
EXEC_SYSTEM(SYSENTER) {
    uint16_t selector = (uint16_t)cpu->msr.sysenter_cs & 0xfffc;
    bool is_real = !cpu->is_protected && !cpu->is_v86;
    if (is_real || selector == 0)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    cpu_set_eflags(cpu, 0, FLAG_VM | FLAG_IF | FLAG_RF);
    enter_flat(cpu, selector, 0);
    cpu_set_reg32(cpu, GPR_ESP, (uint32_t)cpu->msr.sysenter_esp);
    cpu->eip = (uint32_t)cpu->msr.sysenter_eip;
    RESUME(cpu, i);
}

/* SDM vol. 2, "SYSEXIT-Fast Return from Fast System Call". */
EXEC_SYSTEM(SYSEXIT) {
    uint16_t selector = (uint16_t)cpu->msr.sysenter_cs & 0xfffc;
    note_sensitive(cpu, i);
    if (!cpu->is_protected || cpu->cpl != 0 || selector == 0)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    enter_flat(cpu, (uint16_t)(selector + 16), 3);
    cpu_set_reg32(cpu, GPR_ESP, cpu_reg32(cpu, GPR_ECX));
    cpu->eip = cpu_reg32(cpu, GPR_EDX);
    RESUME(cpu, i);
}

/* SDM vol. 2, "RSM-Resume from System Management Mode". */
EXEC_SYSTEM(RSM) {
    note_sensitive(cpu, i);
    if (!cpu->in_smm)
        cpu_raise(cpu, VECTOR_UD);
    smm_leave(cpu);
    RESUME(cpu, i);
}
