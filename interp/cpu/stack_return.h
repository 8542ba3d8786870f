/*
 * What far RET and IRET share: reading the frame on the stack without popping it, checking where
 * it leads, and going back to an outer privilege level.
 */
#ifndef INTERP_CPU_STACK_RETURN_H
#define INTERP_CPU_STACK_RETURN_H

#include "interp/cpu/descriptor.h"

/** Slot `index` (0 is topmost) of the current stack, in units of 2 or 4 bytes. */
uint32_t stack_return_peek(struct cpu *cpu, uint32_t index, bool is_32);
/** Add to ESP or SP. */
void stack_return_drop(struct cpu *cpu, uint32_t bytes);

/** Read and check the code segment that a return names: privilege (RPL >= CPL), type, presence. */
void stack_return_read_code(struct cpu *cpu, uint16_t selector, struct descriptor *d);

struct outer_stack {
    struct descriptor ss;
    uint16_t selector;
    uint32_t esp;
};
/** Read the outer ESP and SS that lie `offset` bytes above the stack's top, and check SS for
 *  privilege `cpl`. */
void stack_return_read_outer(struct cpu *cpu, uint32_t offset, bool is_32, uint8_t cpl,
                             struct outer_stack *outer);
/** Load the outer stack and take away data segments that the new CPL may not have. The new CPL
 *  must be in force. */
void stack_return_enter_outer(struct cpu *cpu, const struct outer_stack *outer);

#endif
