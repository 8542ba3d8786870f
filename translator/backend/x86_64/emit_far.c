/*
 * Far JMP, CALL and RET of 16 bits in real and virtual-8086 mode, where they change the selector
 * and base of CS and nothing else of the mode, and INT and IRET in real mode. The next block is
 * found in a table by mode and CS:IP (struct far_entry), since neither links nor the jump table
 * know another CS base.
 *
 * Source: SDM vol. 2, "JMP", "CALL", "RET"; vol. 3B, "8086 Emulation".
 */
#include "translator/backend/x86_64/emit_system.h"

#define REAL_LIMIT 0xffffu
#define MOV_LOAD   0x8b
#define MOV_STORE  0x89
#define MOVZX_WORD 0x0fb7
#define LEA        0x8d
#define JMP        0xff
#define JMP_NEAR   4 /* extension of JMP */

/** Continue at the selector and IP in R8: R10 addresses the table's entry. The return stack is
 *  emptied, since its landings are right for the CS that was. A guard expects RCX in R11. */
static void enter(struct emitter *e) {
    struct x64_asm *as = &e->as;
    struct x64_mem key = x64_at(X64_R10, offsetof(struct far_entry, negated_key));
    struct x64_mem entry = x64_at(X64_R10, offsetof(struct far_entry, entry));
    struct x64_mem bias = x64_at(X64_R10, offsetof(struct far_entry, jump_bias));
    struct x64_mem bias_in_force = x64_near(&e->backend->context->jump_bias);
    struct x64_mem return_base = x64_near(x64_return_base(&e->backend->memory));
    struct x64_mem sum = {.base = X64_R9, .index = X64_R8};
    struct x64_mem difference = {.base = X64_RCX, .index = X64_R9};
    x64_mov_imm64(as, X64_R9, (uint64_t)e->block->mode_key << 32);
    x64_reg_mem(as, LEA, X64_64, X64_R9, &sum);
    emit_move64(e, X64_R11, X64_RCX);
    x64_reg_mem(as, MOV_LOAD, X64_64, X64_RCX, &key);
    x64_reg_mem(as, LEA, X64_64, X64_RCX, &difference);
    uint8_t *hit = x64_short_jump(as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R11);
    x64_reg_reg(as, MOVZX_WORD, X64_32, X64_R11, X64_R8);
    x64_mov_imm32(as, X64_R10, 0);
    x64_jmp(as, e->backend->thunks.exit_next);
    x64_land(as, hit);
    emit_load32(e, X64_R9, bias);
    emit_store32(e, X64_R9, bias_in_force);
    x64_reg_mem(as, LEA, X64_64, X64_RSP, &return_base);
    x64_reg_mem(as, JMP, X64_32, JMP_NEAR, &entry);
}

static void enter_constant(struct emitter *e, uint16_t selector, uint16_t ip) {
    uint32_t linear = ((uint32_t)selector << 4) + ip;
    x64_mov_imm32(&e->as, X64_R8, (uint32_t)selector << 16 | ip);
    x64_mov_imm64(&e->as, X64_R10, (uintptr_t)x64_far_entry(e->backend, linear));
    enter(e);
}

/** The base of CS is in R9. */
static void enter_variable(struct emitter *e) {
    const unsigned entry_bits = 5;
    const unsigned drop = 32 - FAR_ENTRY_BITS;
    struct x64_mem sum = {.base = X64_R10, .index = X64_R11};
    _Static_assert(sizeof(struct far_entry) == 1 << 5, "entries are found by a shift");
    x64_reg_reg(&e->as, MOVZX_WORD, X64_32, X64_R10, X64_R8);
    emit_add(e, X64_R10, X64_R10, X64_R9, 0);
    x64_mov_imm32(&e->as, X64_R11, drop);
    x64_shlx(&e->as, X64_32, X64_R10, X64_R10, X64_R11);
    x64_mov_imm32(&e->as, X64_R11, drop - entry_bits);
    x64_shrx(&e->as, X64_32, X64_R10, X64_R10, X64_R11);
    x64_mov_imm64(&e->as, X64_R11, (uintptr_t)x64_far_entry(e->backend, 0));
    x64_reg_mem(&e->as, LEA, X64_64, X64_R10, &sum);
    enter(e);
}

/** To the handler if the four bytes at SP plus `displacement` wrap at the end of a 16-bit stack. */
static void check_wrap(struct emitter *e, int32_t displacement, unsigned slow) {
    if (e->ir->mode.stack_is_32)
        return;
    struct x64_mem last = x64_at(X64_RCX, 3);
    emit_move64(e, X64_R10, X64_RCX);
    emit_add(e, X64_RCX, HOST_ESP, X64_NO_REG, displacement);
    x64_reg_reg(&e->as, MOVZX_WORD, X64_32, X64_RCX, X64_RCX);
    x64_reg_mem(&e->as, LEA, X64_32, X64_RCX, &last);
    x64_rorx(&e->as, X64_32, X64_RCX, X64_RCX, 16);
    x64_reg_reg(&e->as, MOVZX_WORD, X64_32, X64_RCX, X64_RCX);
    uint8_t *within = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R10);
    x64_jmp(&e->as, x64_here(&e->as));
    emit_lead_to_handler(e, slow);
    x64_land(&e->as, within);
    emit_move64(e, X64_RCX, X64_R10);
}

static void set_code_segment(struct emitter *e, uint16_t selector) {
    x64_mov_imm32(&e->as, X64_R9, selector);
    emit_set_real_segment(e, SEG_CS, X64_R9);
}

static void emit_jump_far(struct emitter *e, const struct insn *insn, unsigned guest) {
    unsigned slow = emit_prepare_handler(e, guest);
    emit_check_real_segment(e, SEG_CS, slow);
    set_code_segment(e, (uint16_t)insn->imm2);
    emit_count_sensitive(e, OP_JMPF);
    enter_constant(e, (uint16_t)insn->imm2, (uint16_t)insn->imm);
    e->slow[slow].resume = x64_here(&e->as);
}

/** CS and IP are pushed by one store, so that nothing is written when either push faults. */
static void emit_call_far(struct emitter *e, const struct insn *insn, unsigned guest) {
    struct x64_mem selector = emit_segment_slot(SEG_CS, offsetof(struct segment, selector));
    uint16_t return_ip = (uint16_t)(e->ir->page_ip + insn->ip_offset + insn->length);
    unsigned slow = emit_prepare_handler(e, guest);
    emit_check_real_segment(e, SEG_CS, slow);
    check_wrap(e, -4, slow);
    x64_reg_mem(&e->as, MOVZX_WORD, X64_32, X64_R8, &selector);
    x64_rorx(&e->as, X64_32, X64_R8, X64_R8, 16);
    emit_add(e, X64_R8, X64_R8, X64_NO_REG, return_ip);
    struct host_address top = emit_stack_address(e, -4);
    struct x64_insn store = {.opcode = MOV_STORE, .size = X64_32, .reg = X64_R8};
    struct slow_access *access = emit_handled_access(e, ACCESS_STORE, 4, &top, store);
    set_code_segment(e, (uint16_t)insn->imm2);
    emit_adjust_stack(e, -4);
    emit_count_sensitive(e, OP_CALLF);
    enter_constant(e, (uint16_t)insn->imm2, (uint16_t)insn->imm);
    access->resume = e->slow[slow].resume = x64_here(&e->as);
}

static void emit_return_far(struct emitter *e, const struct insn *insn, unsigned guest) {
    unsigned slow = emit_prepare_handler(e, guest);
    emit_check_real_segment(e, SEG_CS, slow);
    check_wrap(e, 0, slow);
    struct host_address top = emit_stack_address(e, 0);
    struct x64_insn load = {.opcode = MOV_LOAD, .size = X64_32, .reg = X64_R8};
    struct slow_access *access = emit_handled_access(e, ACCESS_LOAD, 4, &top, load);
    x64_rorx(&e->as, X64_32, X64_R9, X64_R8, 16);
    x64_reg_reg(&e->as, MOVZX_WORD, X64_32, X64_R9, X64_R9);
    emit_set_real_segment(e, SEG_CS, X64_R9);
    emit_adjust_stack(e, 4 + (insn->op == OP_RETFI ? (int32_t)(insn->imm & 0xffff) : 0));
    emit_count_sensitive(e, (enum op)insn->op);
    enter_variable(e);
    access->resume = e->slow[slow].resume = x64_here(&e->as);
}

/** INT or IRET by a light function, which sets CS and IP. */
static void emit_interrupt(struct emitter *e, const struct insn *insn, unsigned guest) {
    const struct thunks *thunks = &e->backend->thunks;
    struct x64_mem selector = emit_segment_slot(SEG_CS, offsetof(struct segment, selector));
    struct x64_mem times_8 = {.base = X64_NO_REG, .index = X64_R9, .scale = 3};
    uint16_t next_ip = (uint16_t)(e->ir->page_ip + insn->ip_offset + insn->length);
    bool is_return = insn->op == OP_IRET;
    unsigned slow = emit_prepare_handler(e, guest);
    x64_mov_imm32(&e->as, X64_R8, insn->imm & 0xff);
    x64_mov_imm32(&e->as, X64_R10, next_ip);
    emit_light_call(e, is_return ? thunks->interrupt_return : thunks->interrupt, slow);
    emit_count_sensitive(e, (enum op)insn->op);
    x64_reg_mem(&e->as, MOVZX_WORD, X64_32, X64_R9, &selector);
    emit_load32(e, X64_R10, emit_cpu_slot(offsetof(struct cpu, eip)));
    x64_rorx(&e->as, X64_32, X64_R8, X64_R9, 16);
    emit_add(e, X64_R8, X64_R8, X64_R10, 0);
    x64_reg_mem(&e->as, LEA, X64_32, X64_R9, &times_8);
    emit_add(e, X64_R9, X64_R9, X64_R9, 0);
    enter_variable(e);
    e->slow[slow].resume = x64_here(&e->as);
}

bool emit_far(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    const struct block_mode *mode = &e->ir->mode;
    if (mode->is_protected || mode->code_limit != REAL_LIMIT || !emit_reaches_memory(e) ||
        (insn->flags & INSN_OPSIZE_32) != 0)
        return false;
    switch (insn->op) {
    case OP_JMPF:
        emit_jump_far(e, insn, guest);
        return true;
    case OP_CALLF:
        emit_call_far(e, insn, guest);
        return true;
    case OP_RETF:
    case OP_RETFI:
        emit_return_far(e, insn, guest);
        return true;
    case OP_INT:
    case OP_IRET:
        if (!mode->is_v86)
            emit_interrupt(e, insn, guest);
        return !mode->is_v86;
    default:
        return false;
    }
}
