/* Lifters of moves, extensions, exchanges, condition moves and flag moves. */
#include "translator/lift/lift_internal.h"

bool lift_MOV(struct lift *lift) {
    const struct insn *insn = lift->insn;
    enum ir_type type = lift_type(lift);
    struct ir_memory memory = lift_memory(lift);
    switch (insn->form) {
    case FORM_RR:
        lift_move(lift, type, ir_register(insn->rm), ir_register(insn->reg));
        return true;
    case FORM_RI:
        lift_move(lift, type, ir_register(insn->rm), ir_constant(insn->imm));
        return true;
    case FORM_RM: {
        struct ir_value value = lift_load(lift, IR_LOAD, type, &memory);
        lift_move(lift, type, ir_register(insn->reg), value);
        return true;
    }
    case FORM_MR:
        lift_store(lift, type, &memory, ir_register(insn->reg));
        return true;
    default:
        lift_store(lift, type, &memory, ir_constant(insn->imm));
        return true;
    }
}

bool lift_LEA(struct lift *lift) {
    struct ir_insn *insn = lift_emit(lift, IR_LEA, lift_type(lift));
    insn->dst = ir_register(lift->insn->reg);
    insn->memory = lift_memory(lift);
    return true;
}

bool lift_XCHG(struct lift *lift) {
    enum ir_type type = lift_type(lift);
    struct ir_value reg = ir_register(lift->insn->reg);
    if (lift_is_memory(lift)) {
        struct ir_memory memory = lift_memory(lift);
        struct ir_value old = lift_load(lift, IR_LOAD_RMW, type, &memory);
        lift_store(lift, type, &memory, reg);
        lift_move(lift, type, reg, old);
        return true;
    }
    struct ir_value other = ir_register(lift->insn->rm);
    struct ir_value temp = lift_temp(lift);
    lift_move(lift, type, temp, other);
    lift_move(lift, type, other, reg);
    lift_move(lift, type, reg, temp);
    return true;
}

/** Loads of a narrow operand and its extension to the instruction's width. */
static bool lift_extend(struct lift *lift, enum ir_op op, enum ir_type from) {
    struct ir_value source;
    if (lift_is_memory(lift)) {
        struct ir_memory memory = lift_memory(lift);
        source = lift_load(lift, IR_LOAD, from, &memory);
    } else {
        source = ir_register(lift->insn->rm);
        if (from == IR_I8 && lift->insn->rm >= 4) { /* AH..BH: name the byte by a move */
            struct ir_value byte = lift_temp(lift);
            lift_move(lift, IR_I8, byte, source);
            source = byte;
        }
    }
    lift_unary(lift, op, lift_type(lift), ir_register(lift->insn->reg), source);
    return true;
}

bool lift_MOVZX8(struct lift *lift) {
    return lift_extend(lift, IR_ZEXT8, IR_I8);
}
bool lift_MOVZX16(struct lift *lift) {
    return lift_extend(lift, IR_ZEXT16, IR_I16);
}
bool lift_MOVSX8(struct lift *lift) {
    return lift_extend(lift, IR_SEXT8, IR_I8);
}
bool lift_MOVSX16(struct lift *lift) {
    return lift_extend(lift, IR_SEXT16, IR_I16);
}

bool lift_CBW(struct lift *lift) {
    enum ir_op op = lift_type(lift) == IR_I16 ? IR_SEXT8 : IR_SEXT16;
    lift_unary(lift, op, lift_type(lift), ir_register(GPR_EAX), ir_register(GPR_EAX));
    return true;
}

bool lift_CWD(struct lift *lift) {
    lift_unary(lift, IR_SIGN, lift_type(lift), ir_register(GPR_EDX), ir_register(GPR_EAX));
    return true;
}

bool lift_NOP(struct lift *lift) {
    lift_move(lift, IR_I32, lift_temp(lift), ir_constant(0));
    return true;
}

/* AH is register 4 as an 8-bit operand. EFLAGS' low byte has bit 1 set. */
bool lift_LAHF(struct lift *lift) {
    struct ir_value flags = lift_temp(lift), byte = lift_temp(lift);
    struct ir_insn *get = lift_emit(lift, IR_GET_FLAGS, IR_I32);
    get->dst = flags;
    get->flags_in = FLAGS_ARITHMETIC & ~FLAG_OF;
    lift_binary(lift, IR_OR, IR_I8, byte, flags, ir_constant(FLAG_RESERVED_1));
    lift->block->insn[lift->block->count - 1].flags_out = 0;
    lift_move(lift, IR_I8, ir_register(4), byte);
    return true;
}

bool lift_SAHF(struct lift *lift) {
    struct ir_value byte = lift_temp(lift);
    lift_move(lift, IR_I8, byte, ir_register(4));
    struct ir_insn *set = lift_emit(lift, IR_SET_FLAGS, IR_I32);
    set->a = byte;
    set->flags_out = FLAGS_ARITHMETIC & ~FLAG_OF;
    return true;
}

static bool lift_carry(struct lift *lift, enum ir_op op) {
    struct ir_insn *insn = lift_emit(lift, op, IR_I32);
    insn->flags_out = FLAG_CF;
    insn->flags_in = op == IR_CMC ? FLAG_CF : 0;
    return true;
}

bool lift_CLC(struct lift *lift) {
    return lift_carry(lift, IR_CLC);
}
bool lift_STC(struct lift *lift) {
    return lift_carry(lift, IR_STC);
}
bool lift_CMC(struct lift *lift) {
    return lift_carry(lift, IR_CMC);
}
