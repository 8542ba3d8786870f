/* Transfers through call gates, with the switch to an inner stack and its copied parameters. */
#include "interp/cpu/call_gate.h"
#include "interp/cpu/push_frame.h"
#include "interp/cpu/stack_return.h"
#include "interp/cpu/task.h"

#define GATE_PARAMETER_COUNT 0x1f

/* Check the code segment behind the gate; returns the CPL that it runs at. */
static uint8_t check_target(struct cpu *cpu, uint16_t selector, bool is_call,
                            struct descriptor *code) {
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    descriptor_read(cpu, selector, VECTOR_GP, code);
    uint8_t dpl = descriptor_dpl(code);
    bool may_change_cpl = is_call && !descriptor_is_conforming(code);
    bool is_allowed =
        descriptor_is_conforming(code) || may_change_cpl ? dpl <= cpu->cpl : dpl == cpu->cpl;
    if (!descriptor_is_code(code) || !is_allowed)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    if (!descriptor_is_present(code))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    return may_change_cpl ? dpl : cpu->cpl;
}

void call_gate_read_stack(struct cpu *cpu, uint8_t cpl, struct segment *ss, uint32_t *esp) {
    uint16_t selector;
    struct descriptor d;
    task_read_stack(cpu, cpl, &selector, esp);
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_TS, 0);
    cpu_read_stack_descriptor(cpu, selector, cpl, VECTOR_TS, &d);
    segment_load(cpu, ss, selector, &d);
}

static void call_inner(struct cpu *cpu, const struct descriptor *gate, struct descriptor *code,
                       uint8_t cpl) {
    bool is_32 = (descriptor_type(gate) & TYPE_32BIT) != 0;
    uint16_t selector = gate_selector(gate);
    unsigned parameters = gate->high & GATE_PARAMETER_COUNT;
    struct segment ss;
    uint32_t esp;
    struct push_frame frame;
    call_gate_read_stack(cpu, cpl, &ss, &esp);
    push_frame_begin(&frame, is_32);
    push_frame_add(&frame, cpu->seg[SEG_SS].selector);
    push_frame_add(&frame, cpu_reg32(cpu, GPR_ESP));
    for (unsigned n = parameters; n-- > 0;)
        push_frame_add(&frame, stack_return_peek(cpu, n, is_32));
    push_frame_add(&frame, cpu->seg[SEG_CS].selector);
    push_frame_add(&frame, (uint32_t)cpu->eip);
    cpu_check_code_limit(cpu, code, gate_offset(gate));
    descriptor_mark_accessed(cpu, selector, code);
    push_frame_probe(cpu, &frame, &ss, esp, ss.selector & SELECTOR_INDEX, true);

    cpu->seg[SEG_SS] = ss;
    cpu_enter_code(cpu, selector, code, cpl, gate_offset(gate));
    push_frame_commit(cpu, &frame);
}

void call_gate_enter(struct cpu *cpu, uint16_t selector, const struct descriptor *gate,
                     bool is_call) {
    if (!descriptor_is_present(gate))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    struct descriptor code;
    uint16_t target = gate_selector(gate);
    uint8_t cpl = check_target(cpu, target, is_call, &code);
    if (cpl < cpu->cpl) {
        call_inner(cpu, gate, &code, cpl);
        return;
    }
    struct push_frame frame;
    push_frame_begin(&frame, (descriptor_type(gate) & TYPE_32BIT) != 0);
    if (is_call) {
        push_frame_add(&frame, cpu->seg[SEG_CS].selector);
        push_frame_add(&frame, (uint32_t)cpu->eip);
        push_frame_probe_current(cpu, &frame);
    }
    cpu_check_code_limit(cpu, &code, gate_offset(gate));
    descriptor_mark_accessed(cpu, target, &code);
    if (is_call)
        push_frame_commit(cpu, &frame);
    cpu_enter_code(cpu, target, &code, cpl, gate_offset(gate));
}
