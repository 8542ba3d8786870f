/*
 * Segment registers, descriptors and privilege checks (SDM vol. 3A chapters "Protected-Mode
 * Memory Management" and "Protection").
 */
#ifndef INTERP_CPU_SEGMENT_H
#define INTERP_CPU_SEGMENT_H

#include "interp/cpu/cpu.h"

struct descriptor {
    uint32_t low, high;
};

/** Recompute read_end, write_end from limit, attributes and is_usable. */
void segment_update_bounds(struct segment *segment);
/** Load a segment register as MOV/POP/LDS do, in the current mode, with all checks and faults. */
void cpu_load_segment(struct cpu *cpu, enum segment_name name, uint16_t selector);
/** Real-mode or V86 load: base = selector << 4; limit and attributes as the mode says. */
void cpu_load_segment_real(struct cpu *cpu, enum segment_name name, uint16_t selector);

/** Linear address of an access that the fast check refused: full checks, #GP/#SS on failure. */
linear_addr cpu_check_segment(struct cpu *cpu, enum segment_name name, uint32_t offset,
                              unsigned size, enum mmu_access access);

/** Far control transfers: JMP, CALL, RET, IRET in every mode, with gates and task switches.
 *  They change CS:EIP, the stack and CPL, or raise. */
void cpu_far_jump(struct cpu *cpu, uint16_t selector, uint32_t offset, bool operand_is_32);
void cpu_far_call(struct cpu *cpu, uint16_t selector, uint32_t offset, bool operand_is_32);
void cpu_far_return(struct cpu *cpu, uint32_t pop_bytes, bool operand_is_32);
void cpu_interrupt_return(struct cpu *cpu, bool operand_is_32);

/** #GP(0) unless the I/O privilege level or the TSS's I/O bitmap allows the port. */
void cpu_check_io_permission(struct cpu *cpu, uint16_t port, unsigned size);

#endif
