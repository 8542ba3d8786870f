/*
 * From a handler that ended its block straight into the next one. The run loop and the dispatcher
 * look at much that handlers seldom change; what they would find is checked here, and the block is
 * one that the dispatcher found before. All else is left to them.
 */
#include "translator/backend/x86_64/window.h"
#include "translator/mode.h"

#include <stdatomic.h>

static struct bt_block **known_at(struct backend *backend, uint32_t linear) {
    return &backend->known[(linear ^ linear >> 10) % KNOWN_BLOCKS];
}

void x64_know_block(struct backend *backend, struct bt_block *block) {
    *known_at(backend, block->linear) = block;
}

void x64_forget_block(struct backend *backend, const struct bt_block *block) {
    struct bt_block **known = known_at(backend, block->linear);
    if (*known == block)
        *known = NULL;
}

/** Nothing is to be done at this instruction boundary but to go on. */
static bool is_boundary_quiet(const struct cpu *cpu) {
    if (cpu->debug_active || cpu->activity != CPU_RUNNING || helper_event_waits(cpu))
        return false;
    /* Only an event makes the shadow of one instruction matter. */
    bool is_shadowed = cpu->interrupt_shadow || cpu->debug_shadow;
    return !is_shadowed || atomic_load_explicit(&cpu->events, memory_order_relaxed) == 0;
}

/** The known block at CS:EIP; its linear address and IP tell that CS has the base it had. */
static struct bt_block *find(struct backend *backend, bool uses_window) {
    const struct cpu *cpu = backend->cpu;
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    struct bt_block *block = *known_at(backend, linear);
    bool is_here = block != NULL && block->linear == linear && block->ip == (uint32_t)cpu->eip &&
                   cpu->mmu.read_table[linear >> GUEST_PAGE_SHIFT] == block->addend &&
                   mode_fits(cpu, block, uses_window);
    return is_here ? block : NULL;
}

uint64_t x64_continue(struct x64_context *context) {
    struct backend *backend = context->backend;
    struct cpu *cpu = backend->cpu;
    uint64_t icount = context->limit - (uint64_t)x64_instructions_left(context);
    bool is_cut_short = cpu->icount_limit < context->limit;
    x64_count_executed(backend, icount);
    if (is_cut_short || !is_boundary_quiet(cpu))
        return LEAVE(EXIT_NEXT);
    bool uses_window = x64_window_in_force(backend);
    const struct bt_block *block = find(backend, uses_window);
    if (block == NULL || icount + block->guest_count > cpu->icount_limit)
        return LEAVE(EXIT_NEXT);
    cpu->interrupt_shadow = cpu->debug_shadow = false;
    cpu->eflags &= ~(uint32_t)FLAG_RF;
    x64_begin_stretch(backend, block, icount);
    x64_load_window(backend, uses_window);
    backend->counters->continuations++;
    return (uintptr_t)block->entry;
}
