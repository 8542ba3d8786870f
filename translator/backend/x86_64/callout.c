/*
 * The C side of call thunks. Guest registers are in struct cpu; flags, budget and temporaries in
 * the context. While a callout runs, struct cpu is as the interpreter's handlers expect it within
 * a block, so that they may raise.
 */
#include "interp/cpu/exception.h"
#include "interp/cpu/part.h"
#include "softmmu/base/bits.h"
#include "translator/backend/x86_64/window.h"
#include "translator/backend/x86_64/x87.h"
#include "translator/helpers.h"

/* What a handler call costs for want of a window, in accesses out of line: a repeated string
   instruction runs in line there, whatever its count. */
#define INSTRUCTIONS_PER_REP 10

static struct bt_block *block_of(uint64_t what) {
    return (struct bt_block *)(uintptr_t)(what & ((UINT64_C(1) << CALLOUT_GUEST) - 1));
}

static unsigned guest_of(uint64_t what) {
    return what >> CALLOUT_GUEST & (IR_MAX_GUEST - 1);
}

/** Make struct cpu exact at the guest instruction. */
static struct cpu *settle(struct x64_context *context, uint64_t what) {
    struct cpu *cpu = context->backend->cpu;
    const struct bt_block *block = block_of(what);
    lazy_flags_set(&cpu->lazy, x64_flags_to_eflags(context->flags));
    cpu->ip_base = block->page_ip;
    cpu->insn = helper_call_of(&context->backend->call, block, guest_of(what));
    cpu->icount = context->limit - (uint64_t)x64_instructions_left(context) - block->guest_count;
    return cpu;
}

/** Leave before the guest instruction: the interpreter shall execute it. */
static uint64_t leave_before(struct x64_context *context, struct cpu *cpu, uint64_t what) {
    cpu->eip = insn_ip(cpu, cpu->insn);
    int64_t not_done = block_of(what)->guest_count - (int64_t)guest_of(what);
    x64_set_instructions_left(context, x64_instructions_left(context) + not_done);
    return LEAVE_BY(EXIT_INTERPRET);
}

static uint64_t call_access(struct x64_context *context, uint32_t offset, uint64_t what) {
    struct cpu *cpu = settle(context, what);
    struct bt_block *block = block_of(what);
    context->backend->counters->access_calls++;
    cpu_set_part(cpu, PART_ACCESSES);
    unsigned segment = what >> CALLOUT_SEGMENT & 7;
    enum ir_type type = (enum ir_type)(what >> CALLOUT_TYPE & 3);
    enum access_kind kind = (enum access_kind)(what >> CALLOUT_KIND & 3);
    if (kind != ACCESS_LOAD) {
        helper_probe_write(cpu, segment, offset, type);
        if (helper_write_leaves_block(cpu, block, segment, offset, type))
            return leave_before(context, cpu, what);
    }
    if (kind == ACCESS_STORE)
        helper_store(cpu, segment, offset, type, (uint32_t)context->value);
    else
        context->value = helper_load(cpu, segment, offset, type);
    /* A register may have made a chip raise its interrupt, which running code does not look for. */
    if (!block->mode.counts_instructions && UNLIKELY(helper_event_waits(cpu)))
        backend_x86_64.request_exit(context->backend);
    cpu_set_part(cpu, PART_TRANSLATED);
    return CONTINUE;
}

static uint64_t call_guest(struct x64_context *context, uint64_t what) {
    struct cpu *cpu = settle(context, what);
    struct bt_block *block = block_of(what);
    const struct insn *insn = cpu->insn;
    const struct lazy_flags lazy = cpu->lazy;
    uint32_t eflags = cpu->eflags;
    context->backend->counters->handler_calls[insn->op]++;
    cpu->eip = insn_next_ip(cpu, insn);
    if (x87_evaluate(context, insn))
        return CONTINUE;
    bool uses_x87 = (what >> CALLOUT_X87 & 1) != 0;
    if (uses_x87)
        x87_make_absent(context);
    if (!block->mode.uses_window && (insn->flags & (INSN_REP | INSN_REPNE)) != 0)
        cpu->mmu.executed[block->mode.is_user] += INSTRUCTIONS_PER_REP;
    cpu_set_part(cpu, PART_HANDLERS);
    insn->exec(cpu, insn);
    cpu_set_part(cpu, PART_TRANSLATED);
    if (cpu->lazy.result != lazy.result || cpu->lazy.aux != lazy.aux)
        context->flags = x64_flags_from_eflags(lazy_flags_get(&cpu->lazy));
    /* The handler itself left the block (an unfinished REP), or the block changed under it, or a
       chip wants to be heard at the next instruction (cpu_lower_limit), or x87 exceptions became
       masked or not, which is part of the mode. */
    bool has_left = cpu->insn == NULL;
    bool is_cut_short = block->mode.counts_instructions && cpu->icount_limit < context->limit;
    bool changes_mode = uses_x87 && helper_x87_is_quiet(cpu) != block->mode.x87_usable;
    bool ends = (what >> CALLOUT_ENDS & 1) != 0;
    if (ends || has_left || is_cut_short || changes_mode || !block->is_valid ||
        helper_call_ends_block(cpu, block, insn, eflags)) {
        uint64_t done = has_left ? cpu->icount : cpu->icount + guest_of(what) + 1;
        x64_set_instructions_left(context, (int64_t)(context->limit - done));
        return x64_continue(context);
    }
    /* What changes the address space or the view ends the block, so the window is still right. */
    x64_keep_returns(context);
    return CONTINUE;
}

static uint64_t call_divide(struct x64_context *context, uint64_t what) {
    cpu_raise(settle(context, what), VECTOR_DE);
}

static uint64_t call_x87(struct x64_context *context, uint64_t what) {
    x87_make_resident(context);
    return CONTINUE;
}

void x64_callout_install(struct x64_context *context) {
    context->call_access = call_access;
    context->call_guest = call_guest;
    context->call_divide = call_divide;
    context->call_x87 = call_x87;
    context->x87_is_absent = 1;
}
