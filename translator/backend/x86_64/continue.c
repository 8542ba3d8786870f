/*
 * From a handler that ended its block straight into the next one. The run loop and the dispatcher
 * look at much that handlers seldom change; what they would find is checked here, and the block is
 * one that the dispatcher found before. All else is left to them.
 */
#include "interp/run.h"
#include "translator/backend/x86_64/window.h"
#include "translator/mode.h"

#include <stdatomic.h>

static struct bt_block **known_at(struct backend *backend, uint32_t linear) {
    return &backend->known[(linear ^ linear >> 10) % KNOWN_BLOCKS];
}

/** Let far transfers lead to a block that runs now, if CS is as real mode has it. */
static void know_far_entry(struct backend *backend, const struct bt_block *block) {
    const struct segment *code = &backend->cpu->seg[SEG_CS];
    if (block->mode.is_protected || block->mode.code_limit != 0xffff ||
        code->base != (uint32_t)code->selector << 4)
        return;
    uint64_t key = (uint64_t)block->mode_key << 32 | (uint32_t)code->selector << 16 | block->ip;
    *x64_far_entry(backend, block->linear) = (struct far_entry){
        .negated_key = 0 - key,
        .entry = block->guarded_entry,
        .jump_bias = ((const struct x64_block *)block->host)->jump_bias,
        .block = block,
    };
}

void x64_know_block(struct backend *backend, struct bt_block *block) {
    know_far_entry(backend, block);
    *known_at(backend, block->linear) = block;
}

void x64_forget_block(struct backend *backend, const struct bt_block *block) {
    struct bt_block **known = known_at(backend, block->linear);
    struct far_entry *far_entry = x64_far_entry(backend, block->linear);
    if (*known == block)
        *known = NULL;
    if (far_entry->block == block)
        *far_entry = (struct far_entry){0};
}

/** Nothing is to be done at this instruction boundary but to go on. */
static bool is_boundary_quiet(const struct cpu *cpu) {
    /* An event may come at any time, and must find the shadow of one instruction in force. */
    return !cpu->debug_active && cpu->activity == CPU_RUNNING && !helper_event_waits(cpu) &&
           !cpu->interrupt_shadow && !cpu->debug_shadow;
}

/** The known block at CS:EIP; its linear address and IP tell that CS has the base it had. */
static struct bt_block *find(struct backend *backend, bool uses_window) {
    const struct cpu *cpu = backend->cpu;
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    struct bt_block *block = *known_at(backend, linear);
    bool is_here = block != NULL && !block->was_stopped && block->linear == linear &&
                   block->ip == (uint32_t)cpu->eip &&
                   cpu->mmu.read_table[linear >> GUEST_PAGE_SHIFT] == block->addend &&
                   mode_fits(cpu, block, uses_window);
    return is_here ? block : NULL;
}

static bool has_same_mappings(const struct x64_context *context) {
    uint64_t mapping = interp_context(context->backend->cpu);
    return mapping == context->mapping && mapping != 0;
}

void x64_keep_returns(struct x64_context *context) {
    if (has_same_mappings(context))
        return;
    uint64_t *base = (uint64_t *)(void *)x64_return_base(&context->backend->memory);
    base[-1] = *(const uint64_t *)(uintptr_t)context->return_stack;
    context->return_stack = (uintptr_t)&base[-1];
}

/** Returns find their landings as long as mode, CS base and mappings are what they were when the
 *  calls were made; else the return stack is emptied. */
static void prepare_returns(struct x64_context *context, uint32_t jump_bias) {
    const struct backend *backend = context->backend;
    if (jump_bias == context->jump_bias && has_same_mappings(context))
        context->return_stack += sizeof(uint64_t); /* the callout does not return */
    else
        context->return_stack = (uintptr_t)x64_return_base(&backend->memory);
    context->jump_bias = jump_bias;
}

uint64_t x64_continue(struct x64_context *context) {
    struct backend *backend = context->backend;
    struct cpu *cpu = backend->cpu;
    uint64_t icount = context->limit - (uint64_t)x64_instructions_left(context);
    bool is_cut_short = cpu->icount_limit < context->limit;
    x64_count_executed(backend, icount);
    if (is_cut_short || !is_boundary_quiet(cpu))
        return LEAVE_BY(EXIT_NEXT);
    bool uses_window = x64_window_in_force(backend);
    const struct bt_block *block = find(backend, uses_window);
    if (block == NULL || icount + block->guest_count > cpu->icount_limit)
        return LEAVE_BY(EXIT_NEXT);
    cpu->eflags &= ~(uint32_t)FLAG_RF;
    prepare_returns(context, ((const struct x64_block *)block->host)->jump_bias);
    x64_begin_stretch(backend, block, icount);
    x64_load_window(backend, uses_window);
    backend->counters->continuations++;
    return (uintptr_t)block->entry;
}
