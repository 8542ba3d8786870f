/* Call gates (SDM vol. 3A, "Call Gates" and "Accessing a Code Segment Through a Call Gate"). */
#ifndef INTERP_CPU_CALL_GATE_H
#define INTERP_CPU_CALL_GATE_H

#include "interp/cpu/descriptor.h"

/** JMP or CALL through a 16- or 32-bit call gate whose own privilege has been checked. */
void call_gate_enter(struct cpu *cpu, uint16_t selector, const struct descriptor *gate,
                     bool is_call);
/** Read and check the stack that the current TSS has for privilege `cpl`. */
void call_gate_read_stack(struct cpu *cpu, uint8_t cpl, struct segment *ss, uint32_t *esp);

#endif
