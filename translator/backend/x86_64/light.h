/*
 * C functions that translated code calls with most guest registers in place. Built without vector
 * registers, and calling nothing that was not, they need neither XMM registers nor MXCSR saved;
 * they raise nothing and decline what is not common, with nothing changed.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_LIGHT_H
#define TRANSLATOR_BACKEND_X86_64_LIGHT_H

#include "interp/cpu/cpu.h"

/* What translated code calls: `flags` are the guest's as x64_context has them; ESP is in its slot.
 */
typedef bool light_fn(struct cpu *cpu, uint32_t a, uint32_t b, uint16_t *flags);

/**
 * Load ES, DS, FS or GS in protected mode, with the supervisor's view of memory in force: with a
 * null selector, or an accessed data segment that the privileges allow. ES and DS must stay what
 * blocks take for granted of them (helper_segment_check).
 * @return  true when the handler must do it instead
 */
bool light_declines_segment(struct cpu *cpu, uint32_t selector, uint32_t number, uint16_t *flags);

/** INT in real mode, with a 16-bit stack and CS as that mode makes it, behind which IP would be
 *  `next_ip`. */
bool light_declines_interrupt(struct cpu *cpu, uint32_t vector, uint32_t next_ip, uint16_t *flags);
/** IRET of 16 bits there, which changes neither TF nor DF and lets no event in. */
bool light_declines_interrupt_return(struct cpu *cpu, uint32_t a, uint32_t b, uint16_t *flags);

#endif
