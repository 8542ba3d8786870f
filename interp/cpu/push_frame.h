/*
 * Several values pushed as one: far calls and interrupt delivery collect what they push, check and
 * probe the whole frame, commit the new mode, and only then write. So a fault leaves the stack,
 * ESP and everything else as they were.
 */
#ifndef INTERP_CPU_PUSH_FRAME_H
#define INTERP_CPU_PUSH_FRAME_H

#include "interp/cpu/segment.h"

#define PUSH_FRAME_MAX 36 /* a call gate's 31 parameters, SS, ESP, CS and EIP */

struct push_frame {
    uint32_t value[PUSH_FRAME_MAX];
    linear_addr linear[PUSH_FRAME_MAX];
    unsigned count;
    unsigned size;          /* bytes of each value: 2 or 4 */
    uint32_t stack_pointer; /* ESP after the pushes, filled in by push_frame_probe */
};

static inline void push_frame_begin(struct push_frame *frame, bool is_32) {
    frame->count = 0;
    frame->size = is_32 ? 4 : 2;
}

static inline void push_frame_add(struct push_frame *frame, uint32_t value) {
    frame->value[frame->count++] = value;
}

/**
 * Check that the frame fits below `esp` in the stack segment and that its pages can be written;
 * what user code pushes must also be aligned when alignment is checked.
 *
 * @ss         the stack segment that will be in force; not necessarily cpu->seg[SEG_SS]
 * @esp        stack pointer before the pushes, all 32 bits
 * @ss_error   error code of the #SS raised when the frame does not fit
 * @is_system  pages are written with supervisor rights (the new CPL is not 3)
 */
void push_frame_probe(struct cpu *cpu, struct push_frame *frame, const struct segment *ss,
                      uint32_t esp, uint32_t ss_error, bool is_system);
/** The same for the stack in force. */
void push_frame_probe_current(struct cpu *cpu, struct push_frame *frame);

/** Write the probed frame and set ESP. The new CPL, and so the MMU's view, must be in force. */
void push_frame_commit(struct cpu *cpu, const struct push_frame *frame);

#endif
