/* Putting a CPU back into a state that it, or another one, was in: lockstep runs code again. */
#ifndef INTERP_CPU_CPU_COPY_H
#define INTERP_CPU_CPU_COPY_H

#include "interp/cpu/cpu.h"

/**
 * Take over all state and pending events of a CPU between instructions. Memory is not touched, but
 * must already be what `from` saw: PAE's directory pointers are read again.
 * @from  a CPU of the same model, or a copy of its struct, of which only state is read
 */
void cpu_take_state(struct cpu *cpu, const struct cpu *from);

#endif
