/*
 * IRET in every mode (SDM vol. 2, "IRET/IRETD"; vol. 3A, "Virtual-8086 Mode" for VME).
 */
#include "interp/cpu/debug.h"
#include "interp/cpu/guest_access.h"
#include "interp/cpu/stack_return.h"
#include "interp/cpu/task.h"

#define FLAGS_ALWAYS (FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT)

struct return_frame {
    uint32_t eip, eflags;
    uint16_t cs;
};

static struct return_frame peek_frame(struct cpu *cpu, bool is_32) {
    struct return_frame frame;
    frame.eip = stack_return_peek(cpu, 0, is_32);
    frame.cs = (uint16_t)stack_return_peek(cpu, 1, is_32);
    frame.eflags = stack_return_peek(cpu, 2, is_32);
    return frame;
}

/* Flags that IRET may change at the present CPL. */
static uint32_t writable_flags(const struct cpu *cpu, bool is_32) {
    uint32_t mask = FLAGS_ALWAYS;
    if (is_32)
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    if (cpu->cpl <= cpu_iopl(cpu))
        mask |= FLAG_IF;
    if (cpu->cpl == 0)
        mask |= FLAG_IOPL | (is_32 ? FLAG_VIF | FLAG_VIP : 0);
    return mask;
}

/* RF only matters while breakpoints are enabled; it would otherwise linger, as it is cleared by
   the instruction-at-a-time loop alone. */
static void set_flags(struct cpu *cpu, uint32_t value, uint32_t mask) {
    if (!cpu_has_breakpoints(cpu))
        value &= ~(uint32_t)FLAG_RF;
    cpu_set_eflags(cpu, value, mask);
}

static void enter_real_frame(struct cpu *cpu, const struct return_frame *frame, bool is_32,
                             uint32_t mask) {
    if (frame->eip > cpu->seg[SEG_CS].limit)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    stack_return_drop(cpu, is_32 ? 12 : 6);
    cpu_load_segment_real(cpu, SEG_CS, frame->cs);
    cpu->eip = frame->eip;
    set_flags(cpu, frame->eflags, mask);
}

static void return_in_real_mode(struct cpu *cpu, bool is_32) {
    struct return_frame frame = peek_frame(cpu, is_32);
    uint32_t mask = FLAGS_ALWAYS | FLAG_IF | FLAG_IOPL;
    if (is_32)
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    enter_real_frame(cpu, &frame, is_32, mask);
}

static void return_in_v86_mode(struct cpu *cpu, bool is_32) {
    bool is_allowed = cpu_iopl(cpu) == 3;
    bool is_virtual = !is_allowed && (cpu->cr4 & CR4_VME) && !is_32;
    if (!is_allowed && !is_virtual)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    struct return_frame frame = peek_frame(cpu, is_32);
    uint32_t mask = FLAGS_ALWAYS | (is_32 ? FLAG_RF | FLAG_AC | FLAG_ID : 0);
    if (is_virtual) {
        bool enables = (frame.eflags & FLAG_IF) != 0;
        if ((frame.eflags & FLAG_TF) || (enables && (cpu->eflags & FLAG_VIP)))
            cpu_raise_error(cpu, VECTOR_GP, 0);
        frame.eflags |= enables ? FLAG_VIF : 0;
        mask |= FLAG_VIF;
    } else {
        mask |= FLAG_IF;
    }
    enter_real_frame(cpu, &frame, is_32, mask);
}

static void return_to_v86_mode(struct cpu *cpu, const struct return_frame *frame) {
    static const enum segment_name order[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    uint32_t esp = stack_return_peek(cpu, 3, true);
    uint16_t ss = (uint16_t)stack_return_peek(cpu, 4, true);
    uint16_t data[4];
    for (unsigned n = 0; n < 4; n++)
        data[n] = (uint16_t)stack_return_peek(cpu, 5 + n, true);
    if (frame->eip > 0xffff)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    set_flags(cpu, frame->eflags, UINT32_MAX);
    cpu->cpl = 3;
    cpu_update_mode(cpu);
    cpu_load_segment_real(cpu, SEG_CS, frame->cs);
    cpu_load_segment_real(cpu, SEG_SS, ss);
    for (unsigned n = 0; n < 4; n++)
        cpu_load_segment_real(cpu, order[n], data[n]);
    cpu->gpr[GPR_ESP] = esp;
    cpu->eip = frame->eip;
}

static void return_in_protected_mode(struct cpu *cpu, bool is_32) {
    struct return_frame frame = peek_frame(cpu, is_32);
    if (is_32 && (frame.eflags & FLAG_VM) && cpu->cpl == 0) {
        return_to_v86_mode(cpu, &frame);
        return;
    }
    struct descriptor code;
    struct outer_stack outer;
    uint32_t size = is_32 ? 4 : 2;
    uint32_t mask = writable_flags(cpu, is_32);
    stack_return_read_code(cpu, frame.cs, &code);
    uint8_t rpl = frame.cs & SELECTOR_RPL;
    bool is_outer = rpl != cpu->cpl;
    if (is_outer)
        stack_return_read_outer(cpu, 3 * size, is_32, rpl, &outer);
    cpu_check_code_limit(cpu, &code, frame.eip);
    descriptor_mark_accessed(cpu, frame.cs, &code);
    if (!is_outer)
        stack_return_drop(cpu, 3 * size);
    set_flags(cpu, frame.eflags, mask);
    cpu_enter_code(cpu, frame.cs, &code, rpl, frame.eip);
    if (is_outer)
        stack_return_enter_outer(cpu, &outer);
}

void cpu_interrupt_return(struct cpu *cpu, bool operand_is_32) {
    if (cpu->is_v86)
        return_in_v86_mode(cpu, operand_is_32);
    else if (!cpu->is_protected)
        return_in_real_mode(cpu, operand_is_32);
    else if (cpu->eflags & FLAG_NT)
        task_return(cpu);
    else
        return_in_protected_mode(cpu, operand_is_32);
    cpu->nmi_blocked = false;
}
