/* The invariants of translator/ir/ir.h, checked over one block. */
#include "translator/ir/ir.h"

#include <string.h>

struct verifier {
    const struct ir_block *block;
    bool is_written[IR_MAX_TEMPS];
    unsigned at;
    unsigned exits; /* side exits seen, and IR_FIRST_SIDE_EXIT */
    char *message;
    size_t size;
};

static bool broken(struct verifier *v, const char *what) {
    const struct ir_insn *insn = &v->block->insn[v->at];
    snprintf(v->message, v->size, "op %u (%s, guest instruction %u): %s", v->at,
             insn->op < IR_OP_COUNT ? ir_op_info((enum ir_op)insn->op)->name : "?", insn->guest,
             what);
    return false;
}

static bool source_is_good(struct verifier *v, const struct ir_value *value) {
    switch (value->kind) {
    case IR_CONSTANT:
        return true;
    case IR_REGISTER:
        return value->number < 8 || broken(v, "no such register");
    case IR_TEMP:
        if (value->number >= v->block->temps)
            return broken(v, "no such temporary");
        return v->is_written[value->number] || broken(v, "temporary read before it is written");
    default:
        return broken(v, "a source is missing");
    }
}

static bool address_part_is_good(struct verifier *v, const struct ir_value *value) {
    return value->kind == IR_NOTHING || source_is_good(v, value);
}

static bool destination_is_good(struct verifier *v, const struct ir_value *value) {
    if (value->kind == IR_REGISTER)
        return value->number < 8 || broken(v, "no such register");
    if (value->kind != IR_TEMP || value->number >= v->block->temps)
        return broken(v, "bad destination");
    if (v->is_written[value->number])
        return broken(v, "temporary written twice");
    v->is_written[value->number] = true;
    return true;
}

static bool operands_are_good(struct verifier *v, const struct ir_insn *insn, const char *shape) {
    if (strchr(shape, 'A') != NULL && !source_is_good(v, &insn->a))
        return false;
    if (strchr(shape, 'B') != NULL && !source_is_good(v, &insn->b))
        return false;
    if (strchr(shape, 'C') != NULL && !source_is_good(v, &insn->c))
        return false;
    if (strchr(shape, 'M') != NULL && (!address_part_is_good(v, &insn->memory.base) ||
                                       !address_part_is_good(v, &insn->memory.index)))
        return false;
    return strchr(shape, 'D') == NULL || destination_is_good(v, &insn->dst);
}

/** Invariant 4: nothing architectural is written before a later operation of the same guest
 *  instruction may still fault. */
static bool commits_last(struct verifier *v) {
    const struct ir_insn *insn = &v->block->insn[v->at];
    const struct ir_op_info *info = ir_op_info((enum ir_op)insn->op);
    bool commits = (strchr(info->shape, 'D') != NULL && insn->dst.kind == IR_REGISTER) ||
                   (info->sets_flags && insn->flags_out != 0 && info->effects == IR_PURE);
    if (!commits)
        return true;
    for (unsigned i = v->at + 1; i < v->block->count; i++) {
        const struct ir_insn *later = &v->block->insn[i];
        if (later->guest != insn->guest)
            return true;
        uint8_t effects = ir_op_info((enum ir_op)later->op)->effects;
        /* The STORE that completes a LOAD_RMW cannot fault any more. */
        if (effects == IR_LOADS || effects == IR_CALLS)
            return broken(v, "state is written before a later operation that may fault");
    }
    return true;
}

/** Invariant 5. */
static bool exit_is_good(struct verifier *v, const struct ir_insn *insn) {
    if (insn->imm2 != v->exits++)
        return broken(v, "side exits are not numbered in order");
    bool is_last = insn[1].guest != insn->guest || insn[1].op == IR_JUMP;
    return is_last || broken(v, "a side exit before its instruction's end");
}

static bool insn_is_good(struct verifier *v) {
    const struct ir_insn *insn = &v->block->insn[v->at];
    if (insn->op >= IR_OP_COUNT)
        return broken(v, "no such operation");
    if (insn->type > IR_I32)
        return broken(v, "no such type");
    const struct ir_op_info *info = ir_op_info((enum ir_op)insn->op);
    if ((info->effects == IR_ENDS) != (v->at + 1 == v->block->count))
        return broken(v, "a block has one END operation, its last");
    if (insn->guest >= v->block->guest_count ||
        (v->at > 0 && insn->guest < v->block->insn[v->at - 1].guest))
        return broken(v, "guest instructions out of order");
    if (info->effects == IR_EXITS && !exit_is_good(v, insn))
        return false;
    return operands_are_good(v, insn, info->shape) && commits_last(v);
}

bool ir_verify(const struct ir_block *block, char *message, size_t size) {
    struct verifier v = {
        .block = block, .exits = IR_FIRST_SIDE_EXIT, .message = message, .size = size};
    if (block->count == 0 || block->count > IR_MAX_INSNS || block->temps > IR_MAX_TEMPS) {
        snprintf(message, size, "block size out of range");
        return false;
    }
    for (v.at = 0; v.at < block->count; v.at++)
        if (!insn_is_good(&v))
            return false;
    v.at = block->count - 1;
    return v.exits == block->exit_count || broken(&v, "the number of exits is wrong");
}
