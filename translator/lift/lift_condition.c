/* Lifters of Jcc, SETcc and CMOVcc: sixteen conditions, one body each. */
#include "translator/lift/lift_internal.h"

enum condition {
#define X(name) CONDITION_##name,
    LIFTERS_CONDITION(X)
#undef X
};

uint16_t condition_flags(unsigned condition) {
    static const uint16_t flags[8] = {
        FLAG_OF, FLAG_CF, FLAG_ZF,           FLAG_CF | FLAG_ZF,
        FLAG_SF, FLAG_PF, FLAG_SF | FLAG_OF, FLAG_SF | FLAG_OF | FLAG_ZF,
    };
    return flags[condition >> 1 & 7];
}

static bool lift_jcc(struct lift *lift, unsigned condition) {
    uint32_t target = lift_next_ip(lift) + lift->insn->imm;
    if (!(lift->insn->flags & INSN_OPSIZE_32))
        target &= 0xffff;
    if (target > lift->block->mode.code_limit)
        return false; /* the handler raises #GP if the jump is taken */
    struct ir_insn *insn = lift_emit(lift, IR_BRANCH, IR_I32);
    insn->cond = (uint8_t)condition;
    insn->flags_in = condition_flags(condition);
    insn->imm2 = lift_next_ip(lift);
    insn->imm = target;
    lift->is_ended = true;
    return true;
}

static bool lift_setcc(struct lift *lift, unsigned condition) {
    bool is_memory = lift_is_memory(lift);
    struct ir_value dst = is_memory ? lift_temp(lift) : ir_register(lift->insn->rm);
    struct ir_insn *insn = lift_emit(lift, IR_SETCC, IR_I8);
    insn->cond = (uint8_t)condition;
    insn->flags_in = condition_flags(condition);
    insn->dst = dst;
    if (is_memory) {
        struct ir_memory memory = lift_memory(lift);
        lift_store(lift, IR_I8, &memory, dst);
    }
    return true;
}

static bool lift_cmov(struct lift *lift, unsigned condition) {
    enum ir_type type = lift_type(lift);
    struct ir_value source;
    if (lift_is_memory(lift)) { /* the load happens, and may fault, whatever the condition */
        struct ir_memory memory = lift_memory(lift);
        source = lift_load(lift, IR_LOAD, type, &memory);
    } else {
        source = ir_register(lift->insn->rm);
    }
    struct ir_insn *insn = lift_emit(lift, IR_CMOV, type);
    insn->cond = (uint8_t)condition;
    insn->flags_in = condition_flags(condition);
    insn->dst = ir_register(lift->insn->reg);
    insn->a = insn->dst;
    insn->b = source;
    return true;
}

#define X(name)                                                                                    \
    bool lift_J##name(struct lift *lift) {                                                         \
        return lift_jcc(lift, CONDITION_##name);                                                   \
    }                                                                                              \
    bool lift_SET##name(struct lift *lift) {                                                       \
        return lift_setcc(lift, CONDITION_##name);                                                 \
    }                                                                                              \
    bool lift_CMOV##name(struct lift *lift) {                                                      \
        return lift_cmov(lift, CONDITION_##name);                                                  \
    }
LIFTERS_CONDITION(X)
#undef X
