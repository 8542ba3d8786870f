/*
 * Flags as system state: PUSHF, POPF, CLI, STI and HLT, with the rules of IOPL, of virtual-8086
 * mode and of the virtual interrupt flag (CR4.VME, CR4.PVI).
 * Sources: SDM vol. 2 "PUSHF", "POPF", "CLI", "STI"; vol. 3A "Virtual-8086 Mode Extensions",
 * "Protected-Mode Virtual Interrupts".
 */
#include "interp/exec/sensitive.h"
#include "interp/exec/stack.h"

#define FLAGS_OF_POPF16 (FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT)
#define FLAGS_OF_POPF32 (FLAGS_OF_POPF16 | FLAG_AC | FLAG_ID)

/* Virtual-8086 mode with IOPL < 3: PUSHF, POPF and the like work on VIF or fault. */
static bool uses_virtual_if(struct cpu *cpu, bool is_32) {
    if (!cpu->is_v86 || cpu_iopl(cpu) == 3)
        return false;
    if (!(cpu->cr4 & CR4_VME) || is_32)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    return true;
}

static void push_flags(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    uint32_t image = cpu_eflags(cpu) & ~(uint32_t)(FLAG_VM | FLAG_RF);
    if (uses_virtual_if(cpu, is_32)) {
        image = (image | FLAG_IOPL) & ~(uint32_t)FLAG_IF;
        image |= (image & FLAG_VIF) ? FLAG_IF : 0;
    }
    if (is_32)
        stack_push32(cpu, image);
    else
        stack_push16(cpu, (uint16_t)image);
}
EXEC_SYSTEM_VSIZED(PUSHF, push_flags)

static void pop_flags(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    bool is_virtual = uses_virtual_if(cpu, is_32);
    uint32_t image = is_32 ? stack_peek32(cpu) : stack_peek16(cpu);
    uint32_t mask = is_32 ? FLAGS_OF_POPF32 : FLAGS_OF_POPF16;
    if (is_virtual) {
        bool enables = (image & FLAG_IF) != 0;
        if ((image & FLAG_TF) || (enables && (cpu->eflags & FLAG_VIP)))
            cpu_raise_error(cpu, VECTOR_GP, 0);
        image = enables ? image | FLAG_VIF : image & ~(uint32_t)FLAG_VIF;
        mask |= FLAG_VIF;
    } else {
        if (cpu->cpl <= cpu_iopl(cpu))
            mask |= FLAG_IF;
        if (cpu->cpl == 0)
            mask |= FLAG_IOPL;
    }
    stack_drop(cpu, is_32 ? 4 : 2);
    cpu_set_eflags(cpu, image & ~(uint32_t)FLAG_RF, mask | FLAG_RF);
}
EXEC_SYSTEM_VSIZED(POPF, pop_flags)

/* Which flag CLI and STI change: FLAG_IF, FLAG_VIF, or #GP(0). */
static uint32_t interrupt_flag(struct cpu *cpu) {
    if (cpu->cpl <= cpu_iopl(cpu)) /* real mode has CPL 0, virtual-8086 mode CPL 3 */
        return FLAG_IF;
    bool is_virtual =
        cpu->is_v86 ? (cpu->cr4 & CR4_VME) != 0 : cpu->cpl == 3 && (cpu->cr4 & CR4_PVI) != 0;
    if (!is_virtual)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    return FLAG_VIF;
}

EXEC_SYSTEM(CLI) {
    note_sensitive(cpu, i);
    cpu->eflags &= ~interrupt_flag(cpu);
    RESUME(cpu, i);
}

EXEC_SYSTEM(STI) {
    note_sensitive(cpu, i);
    uint32_t flag = interrupt_flag(cpu);
    if (flag == FLAG_VIF && (cpu->eflags & FLAG_VIP))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    if (flag == FLAG_IF && !(cpu->eflags & FLAG_IF))
        cpu->interrupt_shadow = true;
    cpu->eflags |= flag;
    RESUME(cpu, i);
}

EXEC_SYSTEM(HLT) {
    note_sensitive(cpu, i);
    require_cpl0(cpu);
    cpu->activity = CPU_HALTED;
    RESUME(cpu, i);
}
