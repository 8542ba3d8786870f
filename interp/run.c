/*
 * The run loop, and the handlers of sentinels, which lead from block to block without it.
 *
 * The loop holds the only setjmp: cpu_raise() comes back here, the fault is delivered, and
 * execution goes on. Between blocks cpu->insn is NULL and cpu->eip is the next instruction's IP.
 */
#include "interp/run.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/exception.h"
#include "interp/exec/chain.h"
#include "interp/exec/quick.h"
#include "interp/insn_cache.h"

static inline uint32_t pending_events(const struct cpu *cpu) {
    return atomic_load_explicit(&cpu->events, memory_order_relaxed);
}

const struct insn *chain_next_slow(struct cpu *cpu, struct block *from) {
    struct insn_cache *cache = cpu->insn_cache;
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    struct block *to = insn_cache_known(cache, linear);
    if (to == NULL || !chain_may_enter(cpu, cache, to))
        return chain_leave(cpu, from);
    insn_cache_link(cache, from, to, linear);
    const struct insn *first = chain_begin(cpu, to, cpu->eip);
    RUN_INSN(cpu, first);
}

const struct insn *exec_next_block(struct cpu *cpu, const struct insn *sentinel) {
    cpu->icount += sentinel->index;
    return chain_next(cpu, sentinel);
}

const struct insn *exec_next_block_checked(struct cpu *cpu, const struct insn *sentinel) {
    cpu->icount += sentinel->index;
    insn_cache_update_context(cpu);
    /* RF stays set until the next instruction runs: an interrupt before it pushes it. */
    if (cpu->debug_active || cpu->interrupt_shadow || cpu->debug_shadow ||
        cpu->activity != CPU_RUNNING)
        return chain_leave(cpu, NULL);
    cpu->eflags &= ~(uint32_t)FLAG_RF; /* has no effect while no breakpoint is active */
    return chain_next(cpu, sentinel);
}

const struct insn *exec_stop_behind(struct cpu *cpu, const struct insn *sentinel) {
    cpu->icount += sentinel->index;
    cpu->insn = NULL;
    return NULL;
}

const struct insn *exec_leave_before(struct cpu *cpu, const struct insn *insn) {
    cpu->eip = insn_ip(cpu, insn);
    cpu->icount += insn->index;
    cpu->insn = NULL;
    return NULL;
}

/* A bounded run replaces the handler of the insn behind the last one that may run, and takes back
   the quick handlers, which would go past it or leave flags out. */
static void patch_stop(struct insn_cache *cache, struct block *block, unsigned count) {
    quick_remove(block->insns, block->count);
    struct insn *insn = &block->insns[count];
    cache->patched = insn;
    cache->patched_block = block;
    cache->patched_exec = insn->exec;
    insn->exec = count == block->count ? exec_stop_behind : exec_leave_before;
}

/* A block that has become stale meanwhile keeps leaving before each of its insns. */
static void unpatch_stop(struct insn_cache *cache) {
    if (cache->patched == NULL)
        return;
    struct block *block = cache->patched_block;
    if (!block->is_stale || cache->patched == &block->insns[block->count])
        cache->patched->exec = cache->patched_exec;
    if (!block->is_stale)
        quick_apply(block->insns, block->count);
    cache->patched = NULL;
}

/* The limit was lowered by the instruction that runs: stop its block in time. The sentinel looks at
 * the limit by itself. */
static void patch_running_block(struct cpu *cpu) {
    struct insn_cache *cache = cpu->insn_cache;
    const struct insn *sentinel = cpu->insn;
    while (sentinel->length != 0)
        sentinel++;
    struct block *block = block_of_sentinel(sentinel);
    uint64_t count = cpu->icount_limit - cpu->icount;
    if (count >= block->count)
        return;
    unpatch_stop(cache);
    patch_stop(cache, block, (unsigned)count);
}

void cpu_lower_limit(struct cpu *cpu, uint64_t icount_limit) {
    uint64_t earliest = cpu->insn == NULL ? 0 : cpu_icount(cpu) + 1;
    if (icount_limit < earliest)
        icount_limit = earliest;
    if (icount_limit >= cpu->icount_limit)
        return;
    cpu->icount_limit = icount_limit;
    if (cpu->insn_cache->chain_limit > icount_limit)
        cpu->insn_cache->chain_limit = icount_limit;
    if (cpu->insn != NULL && cpu->insn_cache->is_executing)
        patch_running_block(cpu);
}

static void log_exec(struct cpu *cpu, const struct block *block) {
    if (log_is_on(cpu->log, LOG_EXEC))
        log_write(cpu->log, LOG_EXEC, "exec %04x:%08x %u instructions", cpu->seg[SEG_CS].selector,
                  (uint32_t)cpu->eip, block->count);
}

void interp_execute(struct cpu *cpu, uint64_t budget) {
    struct insn_cache *cache = cpu->insn_cache;
    struct block *block = insn_cache_find(cpu);
    struct block *from = cache->link_from; /* NULL also when the look-up dropped everything */
    cache->link_from = NULL;
    cache->chain_limit = cpu->icount + budget;
    uint64_t room = (uint64_t)cpu->seg[SEG_CS].limit + 1 - cpu->eip;
    bool is_logged = log_is_on(cpu->log, LOG_EXEC);
    if (block == NULL || block->length > room) {
        block = insn_cache_decode_one(cpu);
    } else if (budget < block->count || budget == 1 || is_logged) {
        patch_stop(cache, block, budget < block->count ? (unsigned)budget : block->count);
    } else {
        insn_cache_link(cache, from, block, (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip));
    }
    if (is_logged)
        log_exec(cpu, block);
    cache->is_executing = true;
    const struct insn *insn = chain_begin(cpu, block, cpu->eip);
    do
        insn = insn->exec(cpu, insn);
    while (insn != NULL);
    cache->is_executing = false;
    unpatch_stop(cache);
}

enum verdict { GO_ON, LOOK_AGAIN, EXIT };

/** What happens at an instruction boundary before the next instruction: debug traps, events, halt
 *  states. `*is_shadowed`: events wait for one instruction to complete, also one that comes from
 *  now on: between STI and HLT it would leave the CPU halted. */
static enum verdict boundary(struct cpu *cpu, enum cpu_exit *exit, bool *is_shadowed) {
    struct insn_cache *cache = cpu->insn_cache;
    uint32_t events = pending_events(cpu);
    if (events & CPU_EVENT_CODE_WRITTEN)
        insn_cache_settle(cache);
    if (events & CPU_EVENT_KICK) {
        cpu_clear_event(cpu, CPU_EVENT_KICK);
        *exit = CPU_EXIT_KICK;
        return EXIT;
    }
    if (cpu->icount >= cpu->icount_limit) {
        *exit = CPU_EXIT_LIMIT;
        return EXIT;
    }
    if (cpu->debug_active && cpu->activity == CPU_RUNNING)
        cpu_debug_begin(cpu);
    insn_cache_update_context(cpu);
    events &= cache->watched_events;
    if (events != 0 || cpu->interrupt_shadow || cpu->debug_shadow) {
        *is_shadowed = cpu->interrupt_shadow;
        if (cpu_service_events(cpu)) {
            *exit = CPU_EXIT_LIMIT;
            return cache->stops_after_event ? EXIT : LOOK_AGAIN;
        }
    }
    if (cpu->activity != CPU_RUNNING) {
        *exit = cpu->activity == CPU_SHUTDOWN ? CPU_EXIT_SHUTDOWN : CPU_EXIT_HALTED;
        return EXIT;
    }
    return GO_ON;
}

/** From one boundary to the next; true when the run ends, with *exit saying why. */
static bool run_on(struct cpu *cpu, run_stretch_fn *stretch, void *engine, enum cpu_exit *exit) {
    bool is_shadowed = false;
    enum verdict verdict = boundary(cpu, exit, &is_shadowed);
    if (verdict != GO_ON)
        return verdict == EXIT;
    bool is_debugged = cpu->debug_active;
    if (!is_debugged)
        cpu->eflags &= ~(uint32_t)FLAG_RF;
    stretch(engine, is_debugged || is_shadowed ? 1 : cpu->icount_limit - cpu->icount);
    if (is_debugged)
        cpu_debug_end(cpu);
    return false;
}

/** After cpu_raise(): undo what a bounded run patched, settle IP and count at the instruction that
 *  raised (faults) or behind it (traps), and deliver. Delivery may raise in its turn. */
static void take_fault(struct cpu *cpu) {
    const struct insn *insn = cpu->insn;
    bool is_first = !cpu->delivery.is_active;
    unpatch_stop(cpu->insn_cache);
    cpu->insn_cache->is_executing = false;
    cpu->insn_cache->link_from = NULL;
    if (insn != NULL) {
        bool is_trap = cpu->fault.is_trap;
        cpu->eip = is_trap ? insn_next_ip(cpu, insn) : insn_ip(cpu, insn);
        cpu->icount += insn->index + (is_trap ? 1u : 0u);
        cpu->insn = NULL;
    }
    /* A fault takes the time of an instruction, or an endless series of them would stop the clock.
     */
    cpu->icount += is_first && !cpu->fault.is_trap;
    cpu_deliver_fault(cpu);
}

static enum cpu_exit run(struct cpu *cpu, uint64_t icount_limit, bool stops_after_event,
                         run_stretch_fn *stretch, void *engine) {
    enum cpu_exit exit;
    cpu->insn = NULL;
    cpu->icount_limit = icount_limit;
    insn_cache_enter(cpu->insn_cache);
    cpu->insn_cache->link_from = NULL;
    cpu->insn_cache->stops_after_event = stops_after_event;
    if (setjmp(cpu->run_env) != 0)
        take_fault(cpu);
    while (!run_on(cpu, stretch, engine, &exit))
        continue;
    insn_cache_exit(cpu->insn_cache);
    return exit;
}

uint64_t interp_context(const struct cpu *cpu) {
    return cpu->insn_cache->context;
}

static void interpret_stretch(void *engine, uint64_t budget) {
    interp_execute(engine, budget);
}

enum cpu_exit cpu_run(struct cpu *cpu, uint64_t icount_limit, run_stretch_fn *stretch,
                      void *engine) {
    return run(cpu, icount_limit, false, stretch, engine);
}

enum cpu_exit interp_run(struct cpu *cpu, uint64_t icount_limit) {
    return run(cpu, icount_limit, false, interpret_stretch, cpu);
}

enum cpu_exit interp_step(struct cpu *cpu) {
    return run(cpu, cpu->icount + 1, true, interpret_stretch, cpu);
}
