/*
 * From the end of one block into the next without the run loop. Used by the sentinel that most
 * blocks end with, and by branches that know they are followed by it.
 */
#ifndef INTERP_EXEC_CHAIN_H
#define INTERP_EXEC_CHAIN_H

#include "interp/exec/exec.h"
#include "interp/insn_cache.h"

/** Point the CPU at a block's first instruction. */
static inline const struct insn *chain_begin(struct cpu *cpu, const struct block *block,
                                             uint64_t eip) {
    cpu->ip_base = eip;
    cpu->eip = eip + block->length;
    cpu->insn = block->insns;
    return block->insns;
}

/** True when the whole block may run now: CS limit, instruction budget and events. */
static inline bool chain_may_enter(const struct cpu *cpu, const struct insn_cache *cache,
                                   const struct block *block) {
    uint32_t events = atomic_load_explicit(&cpu->events, memory_order_relaxed);
    return cpu->eip + block->length <= (uint64_t)cpu->seg[SEG_CS].limit + 1 &&
           cpu->icount + block->count <= cache->chain_limit &&
           (events & cache->watched_events) == 0;
}

/** Return to the run loop, which will link `from` (may be NULL) with what it finds. */
static inline const struct insn *chain_leave(struct cpu *cpu, struct block *from) {
    cpu->insn_cache->link_from = from;
    cpu->insn = NULL;
    return NULL;
}

/** The successor was not among the block's links, or not in this context. */
const struct insn *chain_next_slow(struct cpu *cpu, struct block *from);

/** Behind a block whose instructions are counted: go on with the next one if nothing is in the way,
 *  else return to the run loop. */
static inline const struct insn *chain_next(struct cpu *cpu, const struct insn *sentinel) {
    struct block *from = block_of_sentinel(sentinel);
    struct insn_cache *cache = cpu->insn_cache;
    uint64_t eip = cpu->eip;
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + eip);
    const struct chain_link *link = &from->links[0];
    if (link->linear != linear)
        link = &from->links[1];
    if (UNLIKELY(link->linear != linear || link->context != cache->context))
        return chain_next_slow(cpu, from);
    const struct block *to = link->target;
    if (UNLIKELY(!chain_may_enter(cpu, cache, to)))
        return chain_leave(cpu, NULL);
    const struct insn *first = chain_begin(cpu, to, eip);
    RUN_INSN(cpu, first);
}

#endif
