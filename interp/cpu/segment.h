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
/** The same for a segment of this CPU: the bounds stay 0 while every access must be checked (#AC,
 *  data breakpoints). */
void segment_refresh_bounds(const struct cpu *cpu, struct segment *segment);
/** Leave a segment register without a usable segment, as a null selector does. */
void segment_set_null(struct segment *segment, uint16_t selector);
/** True when [offset, offset + size) lies inside the segment's limit; rights are not looked at. */
bool segment_holds(const struct segment *segment, uint32_t offset, unsigned size);
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

/** Continue at `offset` in a code segment that passed all checks but this one: #GP(0) when the
 *  offset is outside `d`. The CPL becomes `cpl`; CS shows it as its RPL. */
void cpu_check_code_limit(struct cpu *cpu, const struct descriptor *d, uint32_t offset);
void cpu_enter_code(struct cpu *cpu, uint16_t selector, const struct descriptor *d, uint8_t cpl,
                    uint32_t offset);
/** Check that `selector` names a stack segment for privilege `cpl`, and mark it accessed.
 *  Raises `vector` with the selector, or #SS when not present. */
void cpu_read_stack_descriptor(struct cpu *cpu, uint16_t selector, uint8_t cpl,
                               enum exception_vector vector, struct descriptor *d);
/** Set ESP or, for a 16-bit stack segment, only SP. Uses SS as it stands. */
void cpu_set_stack_pointer(struct cpu *cpu, uint32_t value);

/** #GP(0) unless the I/O privilege level or the TSS's I/O bitmap allows the port. */
void cpu_check_io_permission(struct cpu *cpu, uint16_t port, unsigned size);

#endif
