/* Lifters of shifts, rotates, double shifts and bit operations. */
#include "translator/lift/lift_internal.h"

static struct ir_value shift_count(const struct lift *lift) {
    bool is_immediate = lift->insn->form == FORM_RI || lift->insn->form == FORM_MI ||
                        (lift->insn->flags & INSN_IMM) != 0;
    return is_immediate ? ir_constant(lift->insn->imm & 31) : ir_register(GPR_ECX);
}

static bool lift_shift(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    if (!lift_is_memory(lift)) {
        struct ir_value operand = ir_register(lift->insn->rm);
        lift_binary(lift, op, type, operand, operand, shift_count(lift));
        return true;
    }
    struct ir_memory memory = lift_memory(lift);
    struct ir_value old = lift_load(lift, IR_LOAD_RMW, type, &memory);
    struct ir_value result = lift_temp(lift);
    lift_binary(lift, op, type, result, old, shift_count(lift));
    lift_store(lift, type, &memory, result);
    return true;
}

#define SHIFT(name)                                                                                \
    bool lift_##name(struct lift *lift) {                                                          \
        return lift_shift(lift, IR_##name);                                                        \
    }
SHIFT(ROL)
SHIFT(ROR)
SHIFT(RCL)
SHIFT(RCR)
SHIFT(SHL)
SHIFT(SHR)
SHIFT(SAR)
#undef SHIFT

static void emit_double_shift(struct lift *lift, enum ir_op op, struct ir_value dst,
                              struct ir_value a) {
    struct ir_insn *insn = lift_emit(lift, op, lift_type(lift));
    insn->dst = dst;
    insn->a = a;
    insn->b = ir_register(lift->insn->reg);
    insn->c = shift_count(lift);
    insn->flags_out = FLAGS_ARITHMETIC;
}

/** Counts above 16 of a 16-bit double shift are undefined; the handler knows what chips do. */
static bool lift_double_shift(struct lift *lift, enum ir_op op) {
    if (lift_type(lift) != IR_I32)
        return false;
    if (!lift_is_memory(lift)) {
        struct ir_value operand = ir_register(lift->insn->rm);
        emit_double_shift(lift, op, operand, operand);
        return true;
    }
    struct ir_memory memory = lift_memory(lift);
    struct ir_value old = lift_load(lift, IR_LOAD_RMW, IR_I32, &memory);
    struct ir_value result = lift_temp(lift);
    emit_double_shift(lift, op, result, old);
    lift_store(lift, IR_I32, &memory, result);
    return true;
}

bool lift_SHLD(struct lift *lift) {
    return lift_double_shift(lift, IR_SHLD);
}
bool lift_SHRD(struct lift *lift) {
    return lift_double_shift(lift, IR_SHRD);
}

/** Bit test with a register offset addresses memory beyond the operand: left to the handler. */
static bool lift_bit(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    bool is_immediate = (lift->insn->flags & INSN_IMM) != 0;
    struct ir_value bit = is_immediate ? ir_constant(lift->insn->imm & (type == IR_I16 ? 15 : 31))
                                       : ir_register(lift->insn->reg);
    if (!lift_is_memory(lift)) {
        struct ir_value operand = ir_register(lift->insn->rm);
        lift_binary(lift, op, type, op == IR_BT ? ir_none() : operand, operand, bit);
        return true;
    }
    if (!is_immediate)
        return false;
    struct ir_memory memory = lift_memory(lift);
    if (op == IR_BT) {
        struct ir_value value = lift_load(lift, IR_LOAD, type, &memory);
        lift_binary(lift, op, type, ir_none(), value, bit);
        return true;
    }
    struct ir_value old = lift_load(lift, IR_LOAD_RMW, type, &memory);
    struct ir_value result = lift_temp(lift);
    lift_binary(lift, op, type, result, old, bit);
    lift_store(lift, type, &memory, result);
    return true;
}

bool lift_BT(struct lift *lift) {
    return lift_bit(lift, IR_BT);
}
bool lift_BTS(struct lift *lift) {
    return lift_bit(lift, IR_BTS);
}
bool lift_BTR(struct lift *lift) {
    return lift_bit(lift, IR_BTR);
}
bool lift_BTC(struct lift *lift) {
    return lift_bit(lift, IR_BTC);
}

static bool lift_scan(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    struct ir_value source;
    if (lift_is_memory(lift)) {
        struct ir_memory memory = lift_memory(lift);
        source = lift_load(lift, IR_LOAD, type, &memory);
    } else {
        source = ir_register(lift->insn->rm);
    }
    struct ir_value dst = ir_register(lift->insn->reg);
    lift_binary(lift, op, type, dst, source, dst);
    return true;
}

bool lift_BSF(struct lift *lift) {
    return lift_scan(lift, IR_BSF);
}
bool lift_BSR(struct lift *lift) {
    return lift_scan(lift, IR_BSR);
}

bool lift_BSWAP(struct lift *lift) {
    if (lift_type(lift) != IR_I32)
        return false;
    struct ir_value operand = ir_register(lift->insn->rm);
    lift_unary(lift, IR_BSWAP, IR_I32, operand, operand);
    return true;
}
