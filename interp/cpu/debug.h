/*
 * Breakpoints and single-stepping (SDM vol. 3B, "Debug Registers" and "Debug Exceptions").
 *
 * While cpu->debug_active is set (TF, an enabled breakpoint, or a trap to report), the run loop
 * executes one instruction at a time:
 *     cpu_debug_begin(cpu);   at a boundary, cpu->insn == NULL, cpu->eip valid
 *     ...one instruction...
 *     cpu_debug_end(cpu);     at the next boundary
 * Both raise #DB through cpu_raise_debug() when there is something to report.
 *
 * Data breakpoints work by making all segment bounds 0 (cpu->checks_every_access), so that each
 * access reaches cpu_check_segment(). They are reported after the instruction.
 */
#ifndef INTERP_CPU_DEBUG_H
#define INTERP_CPU_DEBUG_H

#include "interp/cpu/cpu.h"

#define DR6_BD    UINT32_C(0x2000) /* a debug register was accessed while DR7.GD was set */
#define DR6_BS    UINT32_C(0x4000) /* single step */
#define DR6_BT    UINT32_C(0x8000) /* task switch to a TSS with its T bit set */
#define DR6_FIXED UINT32_C(0xffff0ff0)
#define DR7_FIXED UINT32_C(0x00000400)
#define DR7_GD    UINT32_C(0x2000)

/** Recompute debug_active and checks_every_access from EFLAGS, CR0, CPL and DR7. */
void cpu_update_debug(struct cpu *cpu);

/** Report traps left over from a task switch and instruction breakpoints at CS:EIP. May raise. */
void cpu_debug_begin(struct cpu *cpu);
/** Report single step and matched breakpoints of the instruction that has just run; clear RF.
 *  May raise. Nothing is reported after MOV SS or POP SS. */
void cpu_debug_end(struct cpu *cpu);

/** A repeated string instruction goes on later: until then RF is set, so that a breakpoint on it is
 *  not hit again (SDM vol. 3, "Instruction-Breakpoint Exception Condition"). */
static inline void cpu_debug_repeat(struct cpu *cpu) {
    if (!cpu->debug_active)
        return;
    cpu->eflags |= FLAG_RF;
    cpu->resume_flag_was_set = false;
}

/** Note the data breakpoints that an access of `size` bytes at `linear` hits. */
void cpu_match_data_breakpoints(struct cpu *cpu, linear_addr linear, unsigned size,
                                enum mmu_access access);
/** Note the I/O breakpoints (CR4.DE) that an access of `size` bytes at `port` hits. */
void cpu_match_io_breakpoints(struct cpu *cpu, uint16_t port, unsigned size);

/** True when DR7 enables any breakpoint. */
bool cpu_has_breakpoints(const struct cpu *cpu);
/** True when misaligned accesses raise #AC: CR0.AM, EFLAGS.AC and CPL 3. */
static inline bool cpu_alignment_is_checked(const struct cpu *cpu) {
    return cpu->cpl == 3 && (cpu->cr0 & CR0_AM) && (cpu->eflags & FLAG_AC);
}

/** Write DR0-DR3, DR6 or DR7 (numbers 0-3, 6, 7), with fixed bits forced. */
void cpu_write_debug_register(struct cpu *cpu, unsigned number, uint32_t value);

#endif
