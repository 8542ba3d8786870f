/*
 * Lifters of string instructions without a REP prefix, and of the flag that gives their direction,
 * which is part of the block's mode. Repeated ones are the handlers' business: they copy in chunks.
 */
#include "translator/lift/lift_internal.h"

/* One operand: the address in ESI or EDI. */
static struct ir_memory pointed_to(const struct lift *lift, unsigned pointer, unsigned segment) {
    return (struct ir_memory){
        .base = ir_register((uint8_t)pointer),
        .is_16_bit = lift->insn->ea_mask == 0xffff,
        .segment = (uint8_t)segment,
        .check = lift->block->mode.segment_check[segment % SEG_COUNT],
    };
}

static struct ir_memory source_memory(const struct lift *lift) {
    return pointed_to(lift, GPR_ESI, lift->insn->seg);
}

static struct ir_memory destination_memory(const struct lift *lift) {
    return pointed_to(lift, GPR_EDI, SEG_ES);
}

static void advance(struct lift *lift, unsigned pointer) {
    uint32_t size = UINT32_C(1) << lift_type(lift);
    struct ir_memory memory = pointed_to(lift, pointer, SEG_DS);
    memory.displacement = lift->block->mode.moves_down ? 0 - size : size;
    struct ir_insn *insn = lift_emit(lift, IR_LEA, memory.is_16_bit ? IR_I16 : IR_I32);
    insn->dst = ir_register((uint8_t)pointer);
    insn->memory = memory;
}

static bool is_repeated(const struct lift *lift) {
    return (lift->insn->flags & (INSN_REP | INSN_REPNE)) != 0;
}

bool lift_MOVS(struct lift *lift) {
    if (is_repeated(lift))
        return false;
    struct ir_memory from = source_memory(lift), to = destination_memory(lift);
    struct ir_value value = lift_load(lift, IR_LOAD, lift_type(lift), &from);
    lift_store(lift, lift_type(lift), &to, value);
    advance(lift, GPR_ESI);
    advance(lift, GPR_EDI);
    return true;
}

bool lift_STOS(struct lift *lift) {
    if (is_repeated(lift))
        return false;
    struct ir_memory to = destination_memory(lift);
    lift_store(lift, lift_type(lift), &to, ir_register(GPR_EAX));
    advance(lift, GPR_EDI);
    return true;
}

bool lift_LODS(struct lift *lift) {
    if (is_repeated(lift))
        return false;
    struct ir_memory from = source_memory(lift);
    struct ir_value value = lift_load(lift, IR_LOAD, lift_type(lift), &from);
    lift_move(lift, lift_type(lift), ir_register(GPR_EAX), value);
    advance(lift, GPR_ESI);
    return true;
}

bool lift_CMPS(struct lift *lift) {
    if (is_repeated(lift))
        return false;
    struct ir_memory first = source_memory(lift), second = destination_memory(lift);
    struct ir_value a = lift_load(lift, IR_LOAD, lift_type(lift), &first);
    struct ir_value b = lift_load(lift, IR_LOAD, lift_type(lift), &second);
    lift_binary(lift, IR_CMP, lift_type(lift), ir_none(), a, b);
    advance(lift, GPR_ESI);
    advance(lift, GPR_EDI);
    return true;
}

bool lift_SCAS(struct lift *lift) {
    if (is_repeated(lift))
        return false;
    struct ir_memory memory = destination_memory(lift);
    struct ir_value value = lift_load(lift, IR_LOAD, lift_type(lift), &memory);
    lift_binary(lift, IR_CMP, lift_type(lift), ir_none(), ir_register(GPR_EAX), value);
    advance(lift, GPR_EDI);
    return true;
}

/** Nothing to do where the direction is that already; otherwise the handler ends the block. */
bool lift_CLD(struct lift *lift) {
    return !lift->block->mode.moves_down;
}

bool lift_STD(struct lift *lift) {
    return lift->block->mode.moves_down;
}
