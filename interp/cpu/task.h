/*
 * Task state segments: hardware task switches, and what other mechanisms read from the current TSS
 * (SDM vol. 3A, "Task Management").
 */
#ifndef INTERP_CPU_TASK_H
#define INTERP_CPU_TASK_H

#include "interp/cpu/descriptor.h"

enum task_switch_kind {
    TASK_JUMP,
    TASK_CALL, /* CALL, or an interrupt through a task gate: the new task is nested */
    TASK_RETURN,
};

/** Raise unless `d` describes a present, available TSS: `vector` for a wrong type, else #NP. */
void task_check_available(struct cpu *cpu, uint16_t selector, const struct descriptor *d,
                          enum exception_vector vector);

/**
 * Switch to the task whose TSS `selector` and `d` name, after the caller's privilege and type
 * checks. Faults up to the point where the new state is complete happen in the old task, with
 * nothing changed; those while its segments are loaded happen in the new one. The old task's
 * return address is cpu->eip.
 */
void task_switch(struct cpu *cpu, uint16_t selector, const struct descriptor *d,
                 enum task_switch_kind kind);
/** IRET with NT set: switch back to the task that the current TSS links to. */
void task_return(struct cpu *cpu);
/** Push an exception's error code on the stack of the task just entered. */
void task_push_error_code(struct cpu *cpu, bool is_32, uint32_t error_code);

/** Stack selector and pointer for privilege `cpl` (0-2) from the current TSS; #TS when the TSS is
 *  too small. */
void task_read_stack(struct cpu *cpu, uint8_t cpl, uint16_t *ss, uint32_t *esp);
/** Offset of the I/O permission bitmap in the current TSS; 0 when it has none (not a 32-bit TSS
 *  or too small). */
uint32_t task_io_map_base(struct cpu *cpu);

#endif
