/* Remove pure operations on temporaries that nobody reads, and flag operations without effect. */
#include "translator/opt/passes.h"

#include <string.h>

static void mark(bool *is_used, const struct ir_value *value) {
    if (value->kind == IR_TEMP)
        is_used[value->number] = true;
}

/** Whether leaving the operation out changes nothing that anybody can see. */
static bool is_dead(const struct ir_insn *insn, const bool *is_used) {
    const struct ir_op_info *info = ir_op_info((enum ir_op)insn->op);
    if (info->effects != IR_PURE || (info->sets_flags && insn->flags_out != 0))
        return false;
    switch (insn->op) {
    case IR_MUL: /* write the accumulator without naming it */
    case IR_IMUL_WIDE:
        return false;
    default:
        break;
    }
    if (strchr(info->shape, 'D') == NULL)
        return true;
    return insn->dst.kind == IR_TEMP && !is_used[insn->dst.number];
}

void pass_dead_code(struct ir_block *block) {
    bool is_used[IR_MAX_TEMPS] = {false};
    bool keep[IR_MAX_INSNS];
    for (unsigned i = block->count; i-- > 0;) {
        const struct ir_insn *insn = &block->insn[i];
        keep[i] = !is_dead(insn, is_used);
        if (!keep[i])
            continue;
        mark(is_used, &insn->a);
        mark(is_used, &insn->b);
        mark(is_used, &insn->c);
        mark(is_used, &insn->memory.base);
        mark(is_used, &insn->memory.index);
    }
    unsigned count = 0;
    for (unsigned i = 0; i < block->count; i++)
        if (keep[i])
            block->insn[count++] = block->insn[i];
    block->count = count;
}
