/*
 * Far JMP, CALL and RET (SDM vol. 2 "JMP", "CALL", "RET"; vol. 3A, "Privilege Checking When
 * Transferring Program Control Between Code Segments").
 */
#include "interp/cpu/call_gate.h"
#include "interp/cpu/guest_access.h"
#include "interp/cpu/push_frame.h"
#include "interp/cpu/stack_return.h"
#include "interp/cpu/task.h"

/* Real and virtual-8086 mode: the limit of CS does not change with its selector. */
static void check_real_target(struct cpu *cpu, uint32_t offset) {
    if (offset > cpu->seg[SEG_CS].limit)
        cpu_raise_error(cpu, VECTOR_GP, 0);
}

static void enter_real(struct cpu *cpu, uint16_t selector, uint32_t offset) {
    cpu_load_segment_real(cpu, SEG_CS, selector);
    cpu->eip = offset;
}

/* A direct JMP or CALL to a code segment keeps the CPL. */
static void check_direct_target(struct cpu *cpu, uint16_t selector, const struct descriptor *d) {
    unsigned rpl = selector & SELECTOR_RPL, dpl = descriptor_dpl(d);
    bool is_allowed =
        descriptor_is_conforming(d) ? dpl <= cpu->cpl : rpl <= cpu->cpl && dpl == cpu->cpl;
    if (!is_allowed)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    if (!descriptor_is_present(d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
}

static void push_far_return(struct cpu *cpu, struct push_frame *frame, bool is_32) {
    push_frame_begin(frame, is_32);
    push_frame_add(frame, cpu->seg[SEG_CS].selector);
    push_frame_add(frame, (uint32_t)cpu->eip);
    push_frame_probe_current(cpu, frame);
}

/* JMP or CALL through a system descriptor: gate or TSS. */
static void transfer_through_system(struct cpu *cpu, uint16_t selector, struct descriptor *d,
                                    bool is_call) {
    unsigned rpl = selector & SELECTOR_RPL, dpl = descriptor_dpl(d);
    if (dpl < cpu->cpl || dpl < rpl)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    struct descriptor tss;
    uint16_t tss_selector = selector;
    switch (descriptor_type(d)) {
    case TYPE_CALL_GATE16:
    case TYPE_CALL_GATE32:
        call_gate_enter(cpu, selector, d, is_call);
        return;
    case TYPE_TASK_GATE:
        if (!descriptor_is_present(d))
            cpu_raise_selector(cpu, VECTOR_NP, selector);
        tss_selector = gate_selector(d);
        if (tss_selector & SELECTOR_LDT)
            cpu_raise_selector(cpu, VECTOR_GP, tss_selector);
        descriptor_read(cpu, tss_selector, VECTOR_GP, &tss);
        break;
    case TYPE_TSS16:
    case TYPE_TSS32:
        if (selector & SELECTOR_LDT)
            cpu_raise_selector(cpu, VECTOR_GP, selector);
        tss = *d;
        break;
    default:
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    }
    task_check_available(cpu, tss_selector, &tss, VECTOR_GP);
    task_switch(cpu, tss_selector, &tss, is_call ? TASK_CALL : TASK_JUMP);
}

void cpu_far_jump(struct cpu *cpu, uint16_t selector, uint32_t offset, bool operand_is_32) {
    struct descriptor d;
    if (!operand_is_32)
        offset &= 0xffff;
    if (!cpu->is_protected) {
        check_real_target(cpu, offset);
        enter_real(cpu, selector, offset);
        return;
    }
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    descriptor_read(cpu, selector, VECTOR_GP, &d);
    if (!descriptor_is_memory(&d)) {
        transfer_through_system(cpu, selector, &d, false);
        return;
    }
    if (!descriptor_is_code(&d))
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    check_direct_target(cpu, selector, &d);
    cpu_check_code_limit(cpu, &d, offset);
    descriptor_mark_accessed(cpu, selector, &d);
    cpu_enter_code(cpu, selector, &d, cpu->cpl, offset);
}

void cpu_far_call(struct cpu *cpu, uint16_t selector, uint32_t offset, bool operand_is_32) {
    struct descriptor d;
    struct push_frame frame;
    if (!operand_is_32)
        offset &= 0xffff;
    if (!cpu->is_protected) {
        push_far_return(cpu, &frame, operand_is_32);
        check_real_target(cpu, offset);
        push_frame_commit(cpu, &frame);
        enter_real(cpu, selector, offset);
        return;
    }
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    descriptor_read(cpu, selector, VECTOR_GP, &d);
    if (!descriptor_is_memory(&d)) {
        transfer_through_system(cpu, selector, &d, true);
        return;
    }
    if (!descriptor_is_code(&d))
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    check_direct_target(cpu, selector, &d);
    push_far_return(cpu, &frame, operand_is_32);
    cpu_check_code_limit(cpu, &d, offset);
    descriptor_mark_accessed(cpu, selector, &d);
    push_frame_commit(cpu, &frame);
    cpu_enter_code(cpu, selector, &d, cpu->cpl, offset);
}

static void return_real(struct cpu *cpu, uint32_t pop_bytes, bool operand_is_32) {
    uint32_t offset = stack_return_peek(cpu, 0, operand_is_32);
    uint16_t selector = (uint16_t)stack_return_peek(cpu, 1, operand_is_32);
    check_real_target(cpu, offset);
    stack_return_drop(cpu, (operand_is_32 ? 8 : 4) + pop_bytes);
    enter_real(cpu, selector, offset);
}

void cpu_far_return(struct cpu *cpu, uint32_t pop_bytes, bool operand_is_32) {
    if (!cpu->is_protected) {
        return_real(cpu, pop_bytes, operand_is_32);
        return;
    }
    struct descriptor code;
    uint32_t size = operand_is_32 ? 4 : 2;
    uint32_t offset = stack_return_peek(cpu, 0, operand_is_32);
    uint16_t selector = (uint16_t)stack_return_peek(cpu, 1, operand_is_32);
    stack_return_read_code(cpu, selector, &code);
    uint8_t rpl = selector & SELECTOR_RPL;
    if (rpl == cpu->cpl) {
        cpu_check_code_limit(cpu, &code, offset);
        descriptor_mark_accessed(cpu, selector, &code);
        stack_return_drop(cpu, 2 * size + pop_bytes);
        cpu_enter_code(cpu, selector, &code, rpl, offset);
        return;
    }
    struct outer_stack outer;
    uint32_t at = 2 * size + pop_bytes;
    stack_return_read_outer(cpu, at, operand_is_32, rpl, &outer);
    cpu_check_code_limit(cpu, &code, offset);
    descriptor_mark_accessed(cpu, selector, &code);
    outer.esp += pop_bytes;
    cpu_enter_code(cpu, selector, &code, rpl, offset);
    stack_return_enter_outer(cpu, &outer);
}
