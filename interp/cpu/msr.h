/* Model-specific registers (SDM vol. 4, "Model-Specific Registers"). */
#ifndef INTERP_CPU_MSR_H
#define INTERP_CPU_MSR_H

#include "interp/cpu/cpu.h"

/** Read an MSR. False when this CPU has none of that number: the caller raises #GP(0). */
bool msr_read(struct cpu *cpu, uint32_t index, uint64_t *value);
/** Write an MSR. False for an unknown or read-only one and for reserved bits. */
bool msr_write(struct cpu *cpu, uint32_t index, uint64_t value);
/** Values after power-on. */
void msr_reset(struct cpu *cpu);

/** The time stamp counter as the guest sees it. */
uint64_t cpu_read_tsc(struct cpu *cpu);

#endif
