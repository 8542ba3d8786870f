/*
 * Entering an interrupt handler through the IVT, the IDT or a task gate. For exceptions and events
 * use interp/cpu/exception.h; this is what stands behind it.
 */
#ifndef INTERP_CPU_INTERRUPT_H
#define INTERP_CPU_INTERRUPT_H

#include "interp/cpu/cpu.h"

struct interrupt_event {
    uint8_t vector;
    bool has_error_code;
    bool is_software; /* INT n, INT3 or INTO: the gate's DPL is checked */
    bool pushes_rf;   /* the EFLAGS image has RF set */
    uint32_t error_code;
};

/** Enter the handler of `event`; cpu->eip is the return address. May raise, having changed
 *  nothing but accessed bits. */
void cpu_deliver(struct cpu *cpu, const struct interrupt_event *event);

/** INT n in virtual-8086 mode: with CR4.VME and the redirection bitmap's bit clear, enter the 8086
 *  program's own handler and return true. Raises #GP(0) when IOPL forbids the instruction. */
bool cpu_redirect_v86_interrupt(struct cpu *cpu, uint8_t vector);

#endif
