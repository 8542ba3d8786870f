/*
 * Constants and copies: a temporary that holds a constant is replaced by it where it is read, and
 * an operation on constants whose flags nobody needs becomes a move.
 */
#include "translator/opt/passes.h"

struct known {
    bool is_known[IR_MAX_TEMPS];
    uint32_t value[IR_MAX_TEMPS];
};

static void substitute(const struct known *known, struct ir_value *value) {
    if (value->kind != IR_TEMP || !known->is_known[value->number])
        return;
    value->constant = known->value[value->number];
    value->kind = IR_CONSTANT;
}

static bool evaluate(const struct ir_insn *insn, uint32_t *result) {
    uint32_t a = insn->a.constant, b = insn->b.constant;
    switch (insn->op) {
    case IR_MOV:
        *result = a;
        return true;
    case IR_ADD:
        *result = a + b;
        return true;
    case IR_SUB:
        *result = a - b;
        return true;
    case IR_AND:
        *result = a & b;
        return true;
    case IR_OR:
        *result = a | b;
        return true;
    case IR_XOR:
        *result = a ^ b;
        return true;
    case IR_NOT:
        *result = ~a;
        return true;
    case IR_ZEXT8:
        *result = (uint8_t)a;
        return true;
    case IR_ZEXT16:
        *result = (uint16_t)a;
        return true;
    default:
        return false;
    }
}

static bool has_constant_sources(const struct ir_insn *insn) {
    return insn->a.kind == IR_CONSTANT &&
           (insn->b.kind == IR_CONSTANT || insn->b.kind == IR_NOTHING);
}

/** Turn an operation on constants into a move; narrow types keep garbage above, so only I32. */
static void fold(struct ir_insn *insn, struct known *known) {
    uint32_t result;
    if (insn->type != IR_I32 || insn->flags_out != 0 || insn->flags_in != 0 ||
        !has_constant_sources(insn) || !evaluate(insn, &result))
        return;
    insn->op = IR_MOV;
    insn->a = (struct ir_value){.kind = IR_CONSTANT, .constant = result};
    insn->b = (struct ir_value){.kind = IR_NOTHING};
    if (insn->dst.kind == IR_TEMP) {
        known->is_known[insn->dst.number] = true;
        known->value[insn->dst.number] = result;
    }
}

/** A constant base or index becomes part of the displacement. */
static void fold_address(const struct known *known, struct ir_memory *memory) {
    substitute(known, &memory->base);
    substitute(known, &memory->index);
    if (memory->base.kind == IR_CONSTANT) {
        memory->displacement += memory->base.constant;
        memory->base.kind = IR_NOTHING;
    }
    if (memory->index.kind == IR_CONSTANT) {
        memory->displacement += memory->index.constant << memory->scale;
        memory->index.kind = IR_NOTHING;
    }
}

void pass_fold_constants(struct ir_block *block) {
    struct known known = {0};
    for (unsigned i = 0; i < block->count; i++) {
        struct ir_insn *insn = &block->insn[i];
        substitute(&known, &insn->a);
        substitute(&known, &insn->b);
        substitute(&known, &insn->c);
        fold_address(&known, &insn->memory);
        if (ir_op_info((enum ir_op)insn->op)->effects == IR_PURE)
            fold(insn, &known);
    }
}
