/*
 * System management mode (SDM vol. 3A, "System Management"): SMI saves the CPU's state in SMRAM and
 * runs the handler there, RSM takes the state back.
 */
#ifndef INTERP_CPU_SMM_H
#define INTERP_CPU_SMM_H

#include "interp/cpu/cpu.h"

/** Answer an SMI, between instructions: save the state and go on at SMBASE + 8000h. */
void smm_enter(struct cpu *cpu);
/** RSM: take the saved state back. A state that no CPU can be in leads to shutdown. */
void smm_leave(struct cpu *cpu);

#endif
