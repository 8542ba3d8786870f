/*
 * Segment registers as operands: MOV, PUSH, POP and the far pointer loads (SDM vol. 2).
 * i->reg is the segment register. After a load of SS neither interrupts nor debug exceptions are
 * taken before the next instruction is done, so that the guest can load ESP.
 */
#include "interp/exec/sensitive.h"
#include "interp/exec/stack.h"

static void shadow_next_instruction(struct cpu *cpu) {
    cpu->interrupt_shadow = true;
    cpu->debug_shadow = true;
}

static void mov_from_seg(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    operand_store_word(cpu, i, is_32, cpu->seg[i->reg].selector);
}
EXEC_SYSTEM_VSIZED(MOV_FROM_SEG, mov_from_seg)

EXEC_SYSTEM(MOV_TO_SEG) {
    note_sensitive(cpu, i);
    cpu_load_segment(cpu, (enum segment_name)i->reg, operand_read16(cpu, i));
    RESUME(cpu, i);
}

EXEC_SYSTEM(MOV_TO_SS) {
    note_sensitive(cpu, i);
    cpu_load_segment(cpu, SEG_SS, operand_read16(cpu, i));
    shadow_next_instruction(cpu);
    RESUME(cpu, i);
}

static void push_seg(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    if (is_32)
        stack_push32(cpu, cpu->seg[i->reg].selector);
    else
        stack_push16(cpu, cpu->seg[i->reg].selector);
}
EXEC_SYSTEM_VSIZED(PUSH_SEG, push_seg)

/* ESP moves by the size of the stack it was popped from, also when SS changes that size. */
static void pop_seg(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    uint16_t selector = is_32 ? (uint16_t)stack_peek32(cpu) : stack_peek16(cpu);
    uint32_t mask = stack_mask(cpu), esp = cpu_reg32(cpu, GPR_ESP);
    cpu_load_segment(cpu, (enum segment_name)i->reg, selector);
    cpu->gpr[GPR_ESP] = (esp & ~mask) | ((esp + (is_32 ? 4 : 2)) & mask);
}
EXEC_SYSTEM_VSIZED(POP_SEG, pop_seg)

static void pop_ss(struct cpu *cpu, const struct insn *i, bool is_32) {
    pop_seg(cpu, i, is_32);
    shadow_next_instruction(cpu);
}
EXEC_SYSTEM_VSIZED(POP_SS, pop_ss)

static void load_far_pointer(struct cpu *cpu, const struct insn *i, bool is_32,
                             enum segment_name name) {
    note_sensitive(cpu, i);
    uint32_t ea = insn_ea(cpu, i);
    uint32_t offset = is_32 ? cpu_load32(cpu, i->seg, ea) : cpu_load16(cpu, i->seg, ea);
    uint16_t selector = cpu_load16(cpu, i->seg, (ea + (is_32 ? 4 : 2)) & i->ea_mask);
    cpu_load_segment(cpu, name, selector);
    if (is_32)
        cpu_set_reg32(cpu, i->reg, offset);
    else
        cpu_set_reg16(cpu, i->reg, (uint16_t)offset);
}

static void les(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_far_pointer(cpu, i, is_32, SEG_ES);
}
EXEC_SYSTEM_VSIZED(LES, les)

static void lds(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_far_pointer(cpu, i, is_32, SEG_DS);
}
EXEC_SYSTEM_VSIZED(LDS, lds)

static void lfs(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_far_pointer(cpu, i, is_32, SEG_FS);
}
EXEC_SYSTEM_VSIZED(LFS, lfs)

static void lgs(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_far_pointer(cpu, i, is_32, SEG_GS);
}
EXEC_SYSTEM_VSIZED(LGS, lgs)

static void lss(struct cpu *cpu, const struct insn *i, bool is_32) {
    load_far_pointer(cpu, i, is_32, SEG_SS);
}
EXEC_SYSTEM_VSIZED(LSS, lss)
