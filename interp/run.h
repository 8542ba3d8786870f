/*
 * The interpreter's run loop: find or decode a block, execute it, service events between blocks.
 */
#ifndef INTERP_RUN_H
#define INTERP_RUN_H

#include "interp/cpu/cpu.h"

enum cpu_exit {
    CPU_EXIT_LIMIT,    /* cpu->icount reached the limit */
    CPU_EXIT_KICK,     /* CPU_EVENT_KICK was set (and is now clear) */
    CPU_EXIT_HALTED,   /* HLT, and no event wakes the CPU */
    CPU_EXIT_SHUTDOWN, /* triple fault */
};

/**
 * Run guest code until `icount_limit` instructions have completed in all (exact), or another
 * reason to return. A REP string instruction counts as one instruction for each 4096 iterations
 * begun, so that an interrupt never waits longer; a fault that is delivered counts as one, so that
 * a guest that does nothing but fault reaches the limit too. vCPU thread only.
 */
enum cpu_exit interp_run(struct cpu *cpu, uint64_t icount_limit);

/** Execute exactly one instruction (or deliver one pending event). */
enum cpu_exit interp_step(struct cpu *cpu);

/**
 * Lower cpu->icount_limit while guest code may be running: what the instruction under way did to a
 * chip concerns a later one, at the earliest the next. Every engine that counts instructions obeys
 * the new limit exactly. vCPU thread, or any other while no guest code runs.
 */
void cpu_lower_limit(struct cpu *cpu, uint64_t icount_limit);

/** Run guest code from an instruction boundary for at most `budget` instructions. */
typedef void run_stretch_fn(void *engine, uint64_t budget);

/**
 * The loop under every engine: at each boundary events, halt states and debug traps are dealt with,
 * then `stretch` runs some guest code. What it raises is delivered here. As interp_run otherwise.
 */
enum cpu_exit cpu_run(struct cpu *cpu, uint64_t icount_limit, run_stretch_fn *stretch,
                      void *engine);

/** A number that changes whenever the code that linear addresses lead to may have changed: paging,
 *  privilege view, code size. Up to date inside a stretch. */
uint64_t interp_context(const struct cpu *cpu);

/** A stretch by interpretation, for engines that cannot do it their way: inside cpu_run only. */
void interp_execute(struct cpu *cpu, uint64_t budget);

#endif
