/*
 * A whole block: its head, its guest instructions one by one, its stubs. A guest instruction whose
 * operations have no emitter in their form becomes a call of the interpreter's handler.
 */
#include "translator/backend/x86_64/emit.h"

#include <string.h>

/* Superblocks, most of them loops, begin where the host fetches a new line. */
#define LOOP_ALIGNMENT 64u

static emit_fn *const emitters[IR_OP_COUNT] = {
    [IR_MOV] = emit_MOV,
    [IR_LEA] = emit_LEA,
    [IR_LOAD] = emit_LOAD,
    [IR_LOAD_RMW] = emit_LOAD,
    [IR_STORE] = emit_STORE,
    [IR_ADD] = emit_alu,
    [IR_ADC] = emit_alu,
    [IR_SUB] = emit_alu,
    [IR_SBB] = emit_alu,
    [IR_AND] = emit_alu,
    [IR_OR] = emit_alu,
    [IR_XOR] = emit_alu,
    [IR_CMP] = emit_compare,
    [IR_TEST] = emit_compare,
    [IR_INC] = emit_in_place,
    [IR_DEC] = emit_in_place,
    [IR_NEG] = emit_in_place,
    [IR_NOT] = emit_in_place,
    [IR_SHL] = emit_shift,
    [IR_SHR] = emit_shift,
    [IR_SAR] = emit_shift,
    [IR_ROL] = emit_shift,
    [IR_ROR] = emit_shift,
    [IR_RCL] = emit_shift,
    [IR_RCR] = emit_shift,
    [IR_SHLD] = emit_double_shift,
    [IR_SHRD] = emit_double_shift,
    [IR_MUL] = emit_multiply,
    [IR_IMUL_WIDE] = emit_multiply,
    [IR_IMUL] = emit_IMUL,
    [IR_DIV] = emit_divide,
    [IR_IDIV] = emit_divide,
    [IR_BT] = emit_bit,
    [IR_BTS] = emit_bit,
    [IR_BTR] = emit_bit,
    [IR_BTC] = emit_bit,
    [IR_BSF] = emit_scan,
    [IR_BSR] = emit_scan,
    [IR_BSWAP] = emit_BSWAP,
    [IR_ZEXT8] = emit_extend,
    [IR_ZEXT16] = emit_extend,
    [IR_SEXT8] = emit_extend,
    [IR_SEXT16] = emit_extend,
    [IR_SIGN] = emit_SIGN,
    [IR_SETCC] = emit_SETCC,
    [IR_CMOV] = emit_CMOV,
    [IR_GET_FLAGS] = emit_GET_FLAGS,
    [IR_SET_FLAGS] = emit_SET_FLAGS,
    [IR_CLC] = emit_carry,
    [IR_STC] = emit_carry,
    [IR_CMC] = emit_carry,
    [IR_JUMP] = emit_jump,
    [IR_BRANCH] = emit_branch,
    [IR_BRANCH_ZERO] = emit_branch_zero,
    [IR_EXIT_IF] = emit_exit_if,
    [IR_JUMP_INDIRECT] = emit_jump_indirect,
    [IR_CALL] = emit_call,
    [IR_CALL_INDIRECT] = emit_call_indirect,
    [IR_RETURN] = emit_return,
    [IR_LEAVE_BLOCK] = emit_leave_block,
    [IR_FALL_OUT] = emit_fall_out,
};

/** Flags that the host instruction changes because the x86 instruction defines them. */
static uint16_t flags_defined(unsigned op) {
    switch (op) {
    case IR_INC:
    case IR_DEC:
        return FLAGS_ARITHMETIC & ~FLAG_CF;
    case IR_ROL:
    case IR_ROR:
    case IR_RCL:
    case IR_RCR:
    case IR_MUL:
    case IR_IMUL_WIDE:
    case IR_IMUL:
        return FLAG_CF | FLAG_OF;
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC:
    case IR_CLC:
    case IR_STC:
    case IR_CMC:
        return FLAG_CF;
    case IR_BSF:
    case IR_BSR:
        return FLAG_ZF;
    case IR_SET_FLAGS:
        return 0; /* touches only what it is asked for */
    default:
        return ir_op_info((enum ir_op)op)->sets_flags ? FLAGS_ARITHMETIC : 0;
    }
}

/** Whether the host instruction would destroy flags that the IR keeps. */
static bool spoils_flags(const struct ir_insn *insn) {
    return (flags_defined(insn->op) & insn->flags_live & ~insn->flags_out) != 0;
}

static void emit_operation(struct emitter *e) {
    const struct ir_insn *insn = &e->ir->insn[e->at];
    const struct ir_insn *fused = e->fused;
    bool is_x87 = insn->op == IR_GUEST && emit_x87_is_native(e, insn->guest);
    if (!is_x87)
        emit_x87_pass(e, insn);
    if (emit_fold_stack(e))
        return;
    if (is_x87) {
        emit_x87(e, insn->guest);
    } else if (insn->op == IR_GUEST) {
        if (!emit_sse(e, insn->guest) && !emit_exchange(e, insn->guest) &&
            !emit_system(e, insn->guest) && !emit_bit_string(e, insn->guest) &&
            !emit_string(e, insn->guest))
            emit_guest_call(e, insn->guest);
    } else if (emitters[insn->op] == NULL || spoils_flags(insn))
        e->is_unsupported = true;
    else
        emitters[insn->op](e, insn);
    if (fused != NULL)
        e->fused = NULL;
    emit_free_temps(e);
}

/** The operations of one guest instruction, [e->at, end). */
static void emit_guest_insn(struct emitter *e, unsigned end, bool calls_all) {
    const struct emitter_mark {
        uint8_t *at;
        unsigned slow_count, site_count;
        int32_t stack_pending;
        struct x87_pending x87;
    } mark = {e->as.at, e->slow_count, e->site_count, e->stack_pending, e->x87};
    unsigned guest = e->ir->insn[e->at].guest;
    e->is_unsupported = calls_all;
    for (; e->at < end && !e->is_unsupported; e->at++)
        emit_operation(e);
    bool is_last = end == e->ir->count;
    if (!e->is_unsupported || e->as.has_overflown)
        return;
    e->as.at = mark.at;
    e->slow_count = mark.slow_count;
    e->site_count = mark.site_count;
    e->stack_pending = mark.stack_pending;
    e->x87 = mark.x87;
    e->fused = NULL;
    e->is_temp_used[0] = e->is_temp_used[1] = false;
    e->exit_jump[0] = e->exit_jump[1] = 0;
    e->has_landing = false;
    e->page_jumps = NO_PAGE_JUMPS;
    const struct ir_insn *last = &e->ir->insn[end - 1];
    e->at = end - 1;
    emit_settle_stack(e);
    emit_x87_settle(e);
    emit_guest_call(e, guest);
    if (is_last && last->op == IR_FALL_OUT)
        emit_fall_out(e, last);
    else if (is_last && last->op == IR_JUMP)
        emit_jump(e, last);
    else if (is_last)
        emit_leave_block(e, last);
    e->at = end;
}

static void emit_instructions(struct emitter *e, bool calls_all) {
    while (e->at < e->ir->count) {
        unsigned end = e->at + 1;
        while (end < e->ir->count && e->ir->insn[end].guest == e->ir->insn[e->at].guest)
            end++;
        emit_guest_insn(e, end, calls_all);
    }
}

static struct x64_block *write_record(struct emitter *e, uint32_t end) {
    while ((uintptr_t)e->as.at % _Alignof(struct x64_block) != 0 && !e->as.has_overflown)
        x64_byte(&e->as, 0xcc);
    size_t size = sizeof(struct x64_block) + e->site_count * sizeof(struct x64_site);
    if (e->as.has_overflown || (size_t)(e->as.end - e->as.at) < size) {
        e->as.at = e->as.end;
        return NULL;
    }
    struct x64_block *record = (struct x64_block *)(void *)e->as.at;
    *record = (struct x64_block){
        .guard = e->guard,
        .start = e->start,
        .past_poll = e->past_poll,
        .end = end,
        .jump_bias = e->jump_bias,
        .has_landing = e->has_landing,
        .page_jumps = e->page_jumps,
        .exit_stub = {e->exit_stub[0], e->exit_stub[1]},
        .site_count = e->site_count,
    };
    memcpy(record->sites, e->finished, e->site_count * sizeof(struct x64_site));
    e->as.at += size;
    return record;
}

static struct x64_block *emit_all(struct emitter *e, bool calls_all) {
    struct code_memory *memory = &e->backend->memory;
    memory->used = (memory->used + 15) & ~(size_t)15;
    e->as = (struct x64_asm){
        .at = memory->writable + memory->used,
        .end = memory->writable + memory->bytes,
        .to_code = (intptr_t)memory->code - (intptr_t)memory->writable,
    };
    e->at = e->slow_count = e->site_count = 0;
    e->stack_pending = 0;
    e->fused = NULL;
    e->is_temp_used[0] = e->is_temp_used[1] = false;
    e->exit_jump[0] = e->exit_jump[1] = e->exit_stub[0] = e->exit_stub[1] = 0;
    e->has_landing = false;
    e->page_jumps = NO_PAGE_JUMPS;
    if (memory->used >= memory->bytes)
        return NULL;
    emit_count_uses(e);
    emit_x87_begin(e);
    e->guard = emit_here(e);
    emit_guard(e);
    if (e->ir->is_superblock)
        x64_align(&e->as, LOOP_ALIGNMENT);
    e->start = emit_here(e);
    emit_block_head(e);
    emit_instructions(e, calls_all);
    uint32_t end = emit_here(e);
    e->at = e->ir->count - 1;
    emit_stubs(e);
    emit_exit_stubs(e);
    return write_record(e, end);
}

struct x64_block *x64_emit_block(struct backend *backend, const struct ir_block *ir,
                                 struct bt_block *block) {
    struct emitter *e = backend->emitter;
    struct code_memory *memory = &backend->memory;
    e->backend = backend;
    e->ir = ir;
    e->block = block;
    struct x64_block *record = emit_all(e, false);
    bool is_full = e->as.at == e->as.end;
    /* A superblock, which could not go on behind a branch that is called, is not worth it. */
    if (record == NULL && !is_full && !ir->is_superblock)
        record = emit_all(e, true);
    if (record == NULL)
        return NULL;
    block->entry = memory->code + record->start;
    block->guarded_entry = memory->code + e->jump_guard;
    block->host = record;
    block->host_bytes = (uint32_t)((size_t)(e->as.at - memory->writable) - memory->used);
    for (unsigned i = 0; i < block->link_count; i++)
        block->link[i].host_offset = e->exit_jump[i];
    memory->used = (size_t)(e->as.at - memory->writable);
    return record;
}
