/* Lifters of arithmetic and logic: two operands, one operand, multiplication and division. */
#include "translator/lift/lift_internal.h"

static uint32_t constant_for(enum ir_type type, uint32_t value) {
    return type == IR_I8    ? (uint32_t)(int8_t)value
           : type == IR_I16 ? (uint32_t)(int16_t)value
                            : value;
}

/** Second operand of a BINARY operation: immediate, register, or memory (loaded). */
static struct ir_value second_operand(struct lift *lift) {
    const struct insn *insn = lift->insn;
    switch (insn->form) {
    case FORM_RI:
    case FORM_MI:
        return ir_constant(constant_for(lift_type(lift), insn->imm));
    case FORM_RM: {
        struct ir_memory memory = lift_memory(lift);
        return lift_load(lift, IR_LOAD, lift_type(lift), &memory);
    }
    default:
        return ir_register(insn->reg);
    }
}

static unsigned first_register(const struct insn *insn) {
    return insn->form == FORM_RM ? insn->reg : insn->rm;
}

/** first = op(first, second), through memory when the first operand is there. */
static bool lift_alu(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    if (lift->insn->form == FORM_MR || lift->insn->form == FORM_MI) {
        struct ir_memory memory = lift_memory(lift);
        struct ir_value old = lift_load(lift, IR_LOAD_RMW, type, &memory);
        struct ir_value result = lift_temp(lift);
        lift_binary(lift, op, type, result, old, second_operand(lift));
        lift_store(lift, type, &memory, result);
        return true;
    }
    struct ir_value second = second_operand(lift);
    struct ir_value first = ir_register(first_register(lift->insn));
    lift_binary(lift, op, type, first, first, second);
    return true;
}

/** Flags of op(first, second), nothing written. */
static bool lift_compare(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    struct ir_value first;
    if (lift->insn->form == FORM_MR || lift->insn->form == FORM_MI) {
        struct ir_memory memory = lift_memory(lift);
        first = lift_load(lift, IR_LOAD, type, &memory);
    } else {
        first = ir_register(first_register(lift->insn));
    }
    struct ir_value second = second_operand(lift);
    lift_binary(lift, op, type, ir_none(), first, second);
    return true;
}

/** operand = op(operand). */
static bool lift_in_place(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    if (!lift_is_memory(lift)) {
        struct ir_value operand = ir_register(lift->insn->rm);
        lift_unary(lift, op, type, operand, operand);
        return true;
    }
    struct ir_memory memory = lift_memory(lift);
    struct ir_value old = lift_load(lift, IR_LOAD_RMW, type, &memory);
    struct ir_value result = lift_temp(lift);
    lift_unary(lift, op, type, result, old);
    lift_store(lift, type, &memory, result);
    return true;
}

#define ALU(name)                                                                                  \
    bool lift_##name(struct lift *lift) {                                                          \
        return lift_alu(lift, IR_##name);                                                          \
    }
ALU(ADD)
ALU(ADC)
ALU(SUB)
ALU(SBB)
ALU(AND)
ALU(OR)
ALU(XOR)
#undef ALU

bool lift_CMP(struct lift *lift) {
    return lift_compare(lift, IR_CMP);
}
bool lift_TEST(struct lift *lift) {
    return lift_compare(lift, IR_TEST);
}

#define IN_PLACE(name)                                                                             \
    bool lift_##name(struct lift *lift) {                                                          \
        return lift_in_place(lift, IR_##name);                                                     \
    }
IN_PLACE(INC)
IN_PLACE(DEC)
IN_PLACE(NEG)
IN_PLACE(NOT)
#undef IN_PLACE

/** The E operand as a value, loaded when it is in memory. */
static struct ir_value e_operand(struct lift *lift, enum ir_type type) {
    if (!lift_is_memory(lift))
        return ir_register(lift->insn->rm);
    struct ir_memory memory = lift_memory(lift);
    return lift_load(lift, IR_LOAD, type, &memory);
}

/** Accumulator operations: the destination is implied by the type. */
static bool lift_accumulator(struct lift *lift, enum ir_op op) {
    enum ir_type type = lift_type(lift);
    struct ir_value operand = e_operand(lift, type);
    lift_unary(lift, op, type, ir_none(), operand);
    return true;
}

bool lift_MUL(struct lift *lift) {
    return lift_accumulator(lift, IR_MUL);
}
bool lift_IMUL1(struct lift *lift) {
    return lift_accumulator(lift, IR_IMUL_WIDE);
}
bool lift_DIV(struct lift *lift) {
    return lift_accumulator(lift, IR_DIV);
}
bool lift_IDIV(struct lift *lift) {
    return lift_accumulator(lift, IR_IDIV);
}

bool lift_IMUL2(struct lift *lift) {
    enum ir_type type = lift_type(lift);
    struct ir_value dst = ir_register(lift->insn->reg);
    struct ir_value operand = e_operand(lift, type);
    lift_binary(lift, IR_IMUL, type, dst, dst, operand);
    return true;
}

bool lift_IMUL3(struct lift *lift) {
    enum ir_type type = lift_type(lift);
    struct ir_value operand = e_operand(lift, type);
    lift_binary(lift, IR_IMUL, type, ir_register(lift->insn->reg), operand,
                ir_constant(constant_for(type, lift->insn->imm)));
    return true;
}
