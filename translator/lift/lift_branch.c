/* Lifters of near control transfers other than Jcc. */
#include "translator/lift/lift_internal.h"

static bool is_32(const struct lift *lift) {
    return (lift->insn->flags & INSN_OPSIZE_32) != 0;
}

/** Whether a near jump to any IP of the operand size stays below the CS limit. Else the handler
 *  checks, which raises #GP with the jump as the faulting instruction. */
static bool is_any_target_valid(const struct lift *lift) {
    return lift->block->mode.code_limit >= (is_32(lift) ? UINT32_MAX : 0xffff);
}

static bool is_target_valid(const struct lift *lift, uint32_t target) {
    return target <= lift->block->mode.code_limit;
}

static uint32_t branch_target(const struct lift *lift) {
    uint32_t target = lift_next_ip(lift) + lift->insn->imm;
    return is_32(lift) ? target : target & 0xffff;
}

static struct ir_insn *end_with(struct lift *lift, enum ir_op op) {
    struct ir_insn *insn = lift_emit(lift, op, IR_I32);
    lift->is_ended = true;
    return insn;
}

bool lift_JMP(struct lift *lift) {
    if (!is_target_valid(lift, branch_target(lift)))
        return false;
    end_with(lift, IR_JUMP)->imm = branch_target(lift);
    return true;
}

/** Returns what was pushed. */
static uint32_t push_return_ip(struct lift *lift) {
    uint32_t ip = is_32(lift) ? lift_next_ip(lift) : lift_next_ip(lift) & 0xffff;
    enum ir_type type = is_32(lift) ? IR_I32 : IR_I16;
    uint32_t delta = is_32(lift) ? (uint32_t)-4 : (uint32_t)-2;
    struct ir_memory slot = lift_stack_memory(lift, delta);
    lift_store(lift, type, &slot, ir_constant(ip));
    lift_adjust_stack(lift, delta);
    return ip;
}

bool lift_CALL(struct lift *lift) {
    if (!is_target_valid(lift, branch_target(lift)))
        return false;
    uint32_t return_ip = push_return_ip(lift);
    struct ir_insn *call = end_with(lift, IR_CALL);
    call->imm = branch_target(lift);
    call->imm2 = return_ip;
    return true;
}

/** The jump target as a 32-bit value: loaded, or a copy made before ESP changes. */
static struct ir_value indirect_target(struct lift *lift) {
    struct ir_value value;
    enum ir_type type = is_32(lift) ? IR_I32 : IR_I16;
    if (lift_is_memory(lift)) {
        struct ir_memory memory = lift_memory(lift);
        value = lift_load(lift, IR_LOAD, type, &memory);
    } else {
        value = lift_temp(lift);
        lift_move(lift, type, value, ir_register(lift->insn->rm));
    }
    if (is_32(lift))
        return value;
    struct ir_value wide = lift_temp(lift);
    lift_unary(lift, IR_ZEXT16, IR_I32, wide, value);
    return wide;
}

bool lift_JMPI(struct lift *lift) {
    if (!is_any_target_valid(lift))
        return false;
    struct ir_value target = indirect_target(lift);
    end_with(lift, IR_JUMP_INDIRECT)->a = target;
    return true;
}

bool lift_CALLI(struct lift *lift) {
    if (!is_any_target_valid(lift))
        return false;
    struct ir_value target = indirect_target(lift);
    uint32_t return_ip = push_return_ip(lift);
    struct ir_insn *call = end_with(lift, IR_CALL_INDIRECT);
    call->a = target;
    call->imm2 = return_ip;
    return true;
}

static bool lift_return(struct lift *lift, uint32_t extra) {
    if (!is_any_target_valid(lift))
        return false;
    enum ir_type type = is_32(lift) ? IR_I32 : IR_I16;
    struct ir_memory slot = lift_stack_memory(lift, 0);
    struct ir_value target = lift_load(lift, IR_LOAD, type, &slot);
    lift_adjust_stack(lift, (is_32(lift) ? 4 : 2) + extra);
    if (!is_32(lift)) {
        struct ir_value wide = lift_temp(lift);
        lift_unary(lift, IR_ZEXT16, IR_I32, wide, target);
        target = wide;
    }
    end_with(lift, IR_RETURN)->a = target;
    return true;
}

bool lift_RET(struct lift *lift) {
    return lift_return(lift, 0);
}
bool lift_RETI(struct lift *lift) {
    return lift_return(lift, lift->insn->imm);
}

/** The counter register by address size. */
static enum ir_type counter_type(const struct lift *lift) {
    return lift->insn->flags & INSN_ADDRSIZE_32 ? IR_I32 : IR_I16;
}

static void branch_on_zero(struct lift *lift, struct ir_value counter, enum ir_type type,
                           uint32_t if_zero, uint32_t if_not_zero) {
    struct ir_insn *insn = end_with(lift, IR_BRANCH_ZERO);
    insn->type = type;
    insn->a = counter;
    insn->imm = if_zero;
    insn->imm2 = if_not_zero;
}

bool lift_LOOP(struct lift *lift) {
    if (!is_target_valid(lift, branch_target(lift)))
        return false;
    enum ir_type type = counter_type(lift);
    struct ir_value counter = ir_register(GPR_ECX);
    struct ir_insn *count = lift_emit(lift, IR_LEA, type);
    count->dst = counter;
    count->memory.base = counter;
    count->memory.displacement = UINT32_MAX;
    count->memory.is_16_bit = type == IR_I16;
    count->memory.segment = SEG_DS;
    branch_on_zero(lift, counter, type, lift_next_ip(lift), branch_target(lift));
    return true;
}

bool lift_JCXZ(struct lift *lift) {
    if (!is_target_valid(lift, branch_target(lift)))
        return false;
    branch_on_zero(lift, ir_register(GPR_ECX), counter_type(lift), branch_target(lift),
                   lift_next_ip(lift));
    return true;
}
