/*
 * BT, BTS, BTR and BTC of a bit string: memory with the index in a register, which reaches beyond
 * the operand. The address of the word with the bit is computed first, so that the host
 * instruction, with an index within that word, is one access that faults as the guest's does. Also
 * fences, which one CPU does not need.
 *
 * Source: SDM vol. 2, "BT", "LFENCE".
 */
#include "translator/backend/x86_64/emit_system.h"

#define BT         0x0fa3
#define BTS        0x0fab
#define BTR        0x0fb3
#define BTC        0x0fbb
#define MOVSX_WORD 0x0fbf

static uint32_t opcode_of(unsigned op) {
    switch (op) {
    case OP_BT:
        return BT;
    case OP_BTS:
        return BTS;
    case OP_BTR:
        return BTR;
    case OP_BTC:
        return BTC;
    default:
        return 0;
    }
}

/** R8 = offset of the word that holds the bit; R9 = number of the bit in it. */
static void find_word(struct emitter *e, const struct insn *insn, bool is_32) {
    const uint8_t index_bits = is_32 ? 5 : 4;
    uint8_t index = emit_guest_register(insn->reg, is_32 ? IR_I32 : IR_I16);
    struct host_address operand = emit_operand_address(e, insn);
    struct x64_mem word = {.base = X64_R8, .index = X64_R9, .scale = is_32 ? 2 : 1};
    emit_offset(e, &operand, X64_R8);
    x64_reg_reg(&e->as, is_32 ? 0x8b : MOVSX_WORD, X64_32, X64_R11, index);
    x64_mov_imm32(&e->as, X64_R9, index_bits);
    x64_sarx(&e->as, X64_32, X64_R9, X64_R11, X64_R9);
    x64_reg_mem(&e->as, 0x8d, X64_32, X64_R8, &word);
    x64_mov_imm32(&e->as, X64_R10, 32u - index_bits);
    x64_shlx(&e->as, X64_32, X64_R9, X64_R11, X64_R10);
    x64_shrx(&e->as, X64_32, X64_R9, X64_R9, X64_R10);
}

static bool emit_bits(struct emitter *e, const struct insn *insn) {
    bool is_32 = insn->width == IR_I32;
    if ((insn->flags & INSN_MEM) == 0 || (insn->flags & INSN_IMM) != 0 || !emit_reaches_memory(e) ||
        !e->backend->has_bmi2)
        return false;
    struct x64_insn host = {
        .opcode = opcode_of(insn->op), .size = is_32 ? X64_32 : X64_16, .reg = X64_R9};
    find_word(e, insn, is_32);
    struct host_address address = emit_operand_address(e, insn);
    address.base = X64_R8;
    address.index = X64_NO_REG;
    address.scale = 0;
    address.displacement = 0;
    emit_handled_access(e, insn->op == OP_BT ? ACCESS_LOAD : ACCESS_RMW, is_32 ? 4 : 2, &address,
                        host);
    return true;
}

bool emit_bit_string(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    switch (insn->op) {
    case OP_BT:
    case OP_BTS:
    case OP_BTR:
    case OP_BTC:
        return emit_bits(e, insn);
    case OP_LFENCE:
    case OP_MFENCE:
    case OP_SFENCE:
        return true;
    default:
        return false;
    }
}
