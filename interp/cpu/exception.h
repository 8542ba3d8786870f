/*
 * Leaving a handler with an architectural exception, and delivering it.
 * Handlers commit state after their last access that may fault: cpu_raise* restore nothing.
 */
#ifndef INTERP_CPU_EXCEPTION_H
#define INTERP_CPU_EXCEPTION_H

#include "interp/cpu/cpu.h"

#include <stdnoreturn.h>

/** Raise an exception at the running instruction and leave through the run loop's setjmp. */
noreturn void cpu_raise(struct cpu *cpu, enum exception_vector vector);
/** The same for exceptions with an error code (#DF #TS #NP #SS #GP #AC). */
noreturn void cpu_raise_error(struct cpu *cpu, enum exception_vector vector, uint32_t error_code);
/** #PF from what the MMU reported in cpu->mmu.fault. */
noreturn void cpu_raise_page_fault(struct cpu *cpu);
/** #DB with the DR6 bits that tell why; traps push the next instruction's IP. */
noreturn void cpu_raise_debug(struct cpu *cpu, uint64_t dr6_bits, bool is_trap);

/**
 * Deliver cpu->fault through the IVT, IDT or a task gate: run loop only, with its setjmp armed.
 * A fault during delivery becomes #DF or shutdown as SDM vol. 3A "Double Fault Exception" says.
 * cpu->eip must hold the faulting (or, for traps, next) instruction's IP.
 */
void cpu_deliver_fault(struct cpu *cpu);
/** Enter the shutdown state, which RESET, INIT and NMI end. */
void cpu_shut_down(struct cpu *cpu);

enum interrupt_source {
    INTERRUPT_SOFTWARE,
    INTERRUPT_INT3,
    INTERRUPT_INTO,
    INTERRUPT_ICEBP,
    INTERRUPT_EXTERNAL,
    INTERRUPT_NMI
};
/** Deliver an external interrupt, NMI or software INT; cpu->eip is the return IP. */
void cpu_deliver_interrupt(struct cpu *cpu, uint8_t vector, enum interrupt_source source);

/** Take pending NMI or INTR if allowed at this instruction boundary; true when one was delivered.
 *  Wakes a halted CPU. Also handles INIT/SIPI/RESET events. Run loop only. */
bool cpu_service_events(struct cpu *cpu);

#endif
