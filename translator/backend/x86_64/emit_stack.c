/*
 * Changes of ESP by PUSH, POP, CALL and RET are not made one by one: the emitter adds them up, puts
 * them into the displacements of what ESP addresses meanwhile, and makes them by one LEA before
 * something needs ESP itself. Stubs make it exact for as long as a C function runs.
 */
#include "translator/backend/x86_64/emit.h"

static bool is_esp(const struct ir_value *value) {
    return value->kind == IR_REGISTER && value->number == GPR_ESP;
}

/** ESP = ESP + constant. */
static bool is_adjustment(const struct ir_insn *insn) {
    return insn->op == IR_LEA && insn->type == IR_I32 && is_esp(&insn->dst) &&
           is_esp(&insn->memory.base) && insn->memory.index.kind == IR_NOTHING &&
           !insn->memory.is_16_bit;
}

/** Whether the operation needs ESP otherwise than as the base of a 32-bit address; AH counts, too.
 */
static bool needs_esp(const struct ir_insn *insn) {
    const struct ir_memory *memory = &insn->memory;
    return ir_op_info((enum ir_op)insn->op)->effects > IR_STORES || is_esp(&insn->a) ||
           is_esp(&insn->b) || is_esp(&insn->c) || is_esp(&insn->dst) || is_esp(&memory->index) ||
           (is_esp(&memory->base) && memory->is_16_bit);
}

void emit_move_stack(struct emitter *e, int32_t delta) {
    struct x64_mem moved = x64_at(HOST_ESP, delta);
    if (delta != 0)
        x64_reg_mem(&e->as, 0x8d, X64_32, HOST_ESP, &moved);
}

void emit_settle_stack(struct emitter *e) {
    emit_move_stack(e, e->stack_pending);
    e->stack_pending = 0;
}

bool emit_fold_stack(struct emitter *e) {
    const struct ir_insn *insn = &e->ir->insn[e->at];
    if (is_adjustment(insn)) {
        e->stack_pending += (int32_t)insn->memory.displacement;
        return true;
    }
    /* A load that begins a read-modify-write may become one instruction with what follows. */
    unsigned count = insn->op == IR_LOAD_RMW ? 3 : 1;
    for (unsigned i = 0; i < count && e->at + i < e->ir->count; i++)
        if (needs_esp(&insn[i]))
            emit_settle_stack(e);
    return false;
}
