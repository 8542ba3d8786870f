/*
 * What translated code calls for memory accesses that it cannot do itself, whatever the host.
 * All raise on a fault, with memory unchanged; cpu->insn must name the guest instruction.
 */
#ifndef TRANSLATOR_HELPERS_H
#define TRANSLATOR_HELPERS_H

#include "translator/backend/backend.h"

/* A guest instruction that is called alone, and behind it the sentinel that stops: handlers go on
   to what follows. One for a back end: blocks would need one for each instruction. */
struct helper_call {
    struct insn insn[2];
};

/** Stop behind an instruction that was called alone. */
exec_fn helper_stop;

/** Prepare a guest instruction of a block, for its handler or a fault: what cpu->insn must be. */
static inline const struct insn *helper_call_of(struct helper_call *call,
                                                const struct bt_block *block, unsigned guest) {
    const struct insn *insn = &block->guest[guest];
    call->insn[0] = *insn;
    call->insn[1].exec = helper_stop;
    call->insn[1].ip_offset = (uint16_t)(insn->ip_offset + insn->length);
    call->insn[1].index = (uint8_t)(insn->index + 1);
    return call->insn;
}

/** Load 1, 2 or 4 bytes (by type) at seg:offset, zero-extended. */
uint32_t helper_load(struct cpu *cpu, unsigned segment, uint32_t offset, enum ir_type type);
/** Store the low 1, 2 or 4 bytes of value at seg:offset. */
void helper_store(struct cpu *cpu, unsigned segment, uint32_t offset, enum ir_type type,
                  uint32_t value);
/** Fault now if a write at seg:offset would. */
void helper_probe_write(struct cpu *cpu, unsigned segment, uint32_t offset, enum ir_type type);
/** Whether the block must leave before a write at seg:offset, which was probed, so that the
 *  interpreter does it: it would change the block's own bytes, or, where instructions are counted,
 *  it goes to registers, and a chip may ask for attention at the next instruction. */
bool helper_write_leaves_block(struct cpu *cpu, const struct bt_block *block, unsigned segment,
                               uint32_t offset, enum ir_type type);

/** How accesses through the segment must be checked, as struct block_mode has it. */
static inline enum ir_segment_check helper_segment_check(const struct segment *segment,
                                                         bool needs_write) {
    bool is_whole = segment->read_end == UINT64_C(0x100000000) &&
                    (!needs_write || segment->write_end == segment->read_end);
    if (!is_whole)
        return IR_SEG_CHECKED;
    return segment->base == 0 ? IR_SEG_FLAT : IR_SEG_BASE;
}

/** Whether something is to be dealt with at the next instruction boundary: an interrupt that a chip
 *  has just raised, or what another thread asks for. */
bool helper_event_waits(const struct cpu *cpu);

/** Whether the block must end behind `insn`, whose handler was called in its middle: because the
 *  block takes for granted what is no longer so, or an event may have to be dealt with.
 *  `eflags`: cpu->eflags before the instruction. */
bool helper_call_ends_block(const struct cpu *cpu, const struct bt_block *block,
                            const struct insn *insn, uint32_t eflags);

/** Whether x87 and MMX instructions can neither fault by themselves nor report an exception: CR0
 *  allows them, all exceptions are masked and none is pending. */
static inline bool helper_x87_is_quiet(const struct cpu *cpu) {
    const uint16_t masks = 0x3f, error_summary = 0x80; /* in the control and status words */
    return (cpu->cr0 & (CR0_EM | CR0_TS)) == 0 && cpu_has(cpu, FEATURE_FPU) &&
           (cpu->x87.control & masks) == masks && (cpu->x87.status & error_summary) == 0;
}

#endif
