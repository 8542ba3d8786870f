/*
 * What the vCPU thread is doing, in a byte that another thread may sample: so the host time of each
 * part is known without reading a clock at each change.
 */
#ifndef INTERP_CPU_PART_H
#define INTERP_CPU_PART_H

#include "interp/cpu/cpu.h"

enum cpu_part {
    PART_OTHER,       /* the run loop, interrupts and faults, timers */
    PART_INTERPRETER, /* interpreting, its decoding included */
    PART_TRANSLATED,  /* translated code, and what the host's kernel does for it */
    PART_HANDLERS,    /* the interpreter's handlers, called by translated code */
    PART_ACCESSES,    /* memory accesses by C functions, called by translated code */
    PART_TRANSLATOR,  /* from guest bytes to host code */
    PART_WINDOWS,     /* mapping pages into windows */
    PART_MMU,         /* page walks, shadow page tables, registers in memory */
    PART_PORTS,       /* chips at their ports */
    PART_WAITING,     /* others have the machine lock */
    PART_HALTED,      /* asleep in HLT */
    PART_COUNT
};

/** The thread now does `part`. vCPU thread only, like all of these. */
static inline void cpu_set_part(struct cpu *cpu, enum cpu_part part) {
    atomic_store_explicit(&cpu->part, (uint8_t)part, memory_order_relaxed);
}

/** The same; what it did before, to go back to. */
static inline enum cpu_part cpu_enter_part(struct cpu *cpu, enum cpu_part part) {
    uint8_t before = atomic_load_explicit(&cpu->part, memory_order_relaxed);
    cpu_set_part(cpu, part);
    return (enum cpu_part)before;
}

#endif
