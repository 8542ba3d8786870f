/*
 * Lifters of stack operations. The store or load comes first and may fault; ESP and the
 * destination are written after it.
 */
#include "translator/lift/lift_internal.h"

static uint32_t slot_bytes(const struct lift *lift) {
    return lift_type(lift) == IR_I32 ? 4 : 2;
}

static void push_value(struct lift *lift, struct ir_value value) {
    uint32_t delta = 0 - slot_bytes(lift);
    struct ir_memory slot = lift_stack_memory(lift, delta);
    lift_store(lift, lift_type(lift), &slot, value);
    lift_adjust_stack(lift, delta);
}

bool lift_PUSHR(struct lift *lift) {
    push_value(lift, ir_register(lift->insn->rm));
    return true;
}

bool lift_PUSHI(struct lift *lift) {
    push_value(lift, ir_constant(lift->insn->imm));
    return true;
}

bool lift_PUSH(struct lift *lift) {
    if (!lift_is_memory(lift)) {
        push_value(lift, ir_register(lift->insn->rm));
        return true;
    }
    struct ir_memory memory = lift_memory(lift);
    push_value(lift, lift_load(lift, IR_LOAD, lift_type(lift), &memory));
    return true;
}

bool lift_POPR(struct lift *lift) {
    struct ir_memory slot = lift_stack_memory(lift, 0);
    struct ir_value value = lift_load(lift, IR_LOAD, lift_type(lift), &slot);
    lift_adjust_stack(lift, slot_bytes(lift));
    lift_move(lift, lift_type(lift), ir_register(lift->insn->rm), value);
    return true;
}

/** POP to memory: an address based on ESP uses the incremented ESP, which the handler knows. */
bool lift_POP(struct lift *lift) {
    if (!lift_is_memory(lift))
        return lift_POPR(lift);
    if (lift->insn->base == GPR_ESP)
        return false;
    struct ir_memory slot = lift_stack_memory(lift, 0);
    struct ir_value value = lift_load(lift, IR_LOAD, lift_type(lift), &slot);
    struct ir_memory memory = lift_memory(lift);
    lift_store(lift, lift_type(lift), &memory, value);
    lift_adjust_stack(lift, slot_bytes(lift));
    return true;
}

/** ESP = EBP, then POP EBP; the load from the new stack top comes first because it may fault. */
bool lift_LEAVE(struct lift *lift) {
    enum ir_type type = lift_type(lift);
    enum ir_type stack_type = lift->block->mode.stack_is_32 ? IR_I32 : IR_I16;
    struct ir_memory slot = lift_stack_memory(lift, 0);
    slot.base = ir_register(GPR_EBP);
    struct ir_value value = lift_load(lift, IR_LOAD, type, &slot);
    lift_move(lift, stack_type, ir_register(GPR_ESP), ir_register(GPR_EBP));
    lift_adjust_stack(lift, slot_bytes(lift));
    lift_move(lift, type, ir_register(GPR_EBP), value);
    return true;
}
