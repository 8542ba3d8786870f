/*
 * Interrupt delivery in real, protected and virtual-8086 mode.
 * Sources: SDM vol. 2 "INT n/INTO/INT3", vol. 3A "Interrupt and Exception Handling".
 */
#include "interp/cpu/interrupt.h"
#include "interp/cpu/call_gate.h"
#include "interp/cpu/descriptor.h"
#include "interp/cpu/guest_access.h"
#include "interp/cpu/push_frame.h"
#include "interp/cpu/task.h"

#define ERROR_CODE_IDT 2

/* Flags that every handler starts without. */
#define FLAGS_CLEARED_BY_GATE (FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM)

static void log_delivery(const struct cpu *cpu, const struct interrupt_event *event) {
    if (!log_is_on(cpu->log, LOG_INT))
        return;
    log_write(cpu->log, LOG_INT,
              "int %02x%s err=%04x at %04x:%08x ss:esp=%04x:%08x cpl=%u eflags=%08x eax=%08x "
              "cr2=%08x",
              event->vector, event->is_software ? " (soft)" : "", event->error_code,
              cpu->seg[SEG_CS].selector, (uint32_t)cpu->eip, cpu->seg[SEG_SS].selector,
              cpu_reg32(cpu, GPR_ESP), cpu->cpl, cpu_eflags(cpu), cpu_reg32(cpu, GPR_EAX),
              (uint32_t)cpu->cr2);
}

static void deliver_real(struct cpu *cpu, const struct interrupt_event *event) {
    if (event->vector * 4u + 3 > cpu->idtr.limit)
        cpu_raise_error(cpu, VECTOR_GP, event->vector * 8u + ERROR_CODE_IDT);
    uint32_t entry = cpu_system_load(cpu, cpu->idtr.base + event->vector * 4u, 4);
    struct push_frame frame;
    push_frame_begin(&frame, false);
    push_frame_add(&frame, cpu_eflags(cpu));
    push_frame_add(&frame, cpu->seg[SEG_CS].selector);
    push_frame_add(&frame, (uint32_t)cpu->eip);
    push_frame_probe_current(cpu, &frame);
    push_frame_commit(cpu, &frame);
    cpu_load_segment_real(cpu, SEG_CS, (uint16_t)(entry >> 16));
    cpu->eip = entry & 0xffff;
    cpu_set_eflags(cpu, 0, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
}

struct gate {
    struct descriptor code;
    uint16_t selector;
    uint32_t offset;
    bool is_32;
    bool clears_if;
};

/* Check the code segment that a gate names; returns the CPL of the handler. */
static uint8_t check_handler(struct cpu *cpu, struct gate *gate) {
    if (selector_is_null(gate->selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    descriptor_read(cpu, gate->selector, VECTOR_GP, &gate->code);
    uint8_t dpl = descriptor_dpl(&gate->code);
    if (!descriptor_is_code(&gate->code) || dpl > cpu->cpl)
        cpu_raise_selector(cpu, VECTOR_GP, gate->selector);
    if (!descriptor_is_present(&gate->code))
        cpu_raise_selector(cpu, VECTOR_NP, gate->selector);
    uint8_t cpl = descriptor_is_conforming(&gate->code) ? cpu->cpl : dpl;
    if (cpu->is_v86 && cpl != 0)
        cpu_raise_selector(cpu, VECTOR_GP, gate->selector);
    return cpl;
}

/* A software interrupt is an instruction that completed, behind which RF is clear. */
static uint32_t flags_image(const struct cpu *cpu, const struct interrupt_event *event) {
    uint32_t image = cpu_eflags(cpu);
    if (event->is_software)
        image &= ~(uint32_t)FLAG_RF;
    return image | (event->pushes_rf ? FLAG_RF : 0);
}

static void push_return(struct cpu *cpu, struct push_frame *frame,
                        const struct interrupt_event *event) {
    push_frame_add(frame, flags_image(cpu, event));
    push_frame_add(frame, cpu->seg[SEG_CS].selector);
    push_frame_add(frame, (uint32_t)cpu->eip);
    if (event->has_error_code)
        push_frame_add(frame, event->error_code);
}

static void enter_handler(struct cpu *cpu, const struct gate *gate, uint8_t cpl) {
    cpu_enter_code(cpu, gate->selector, &gate->code, cpl, gate->offset);
    cpu_set_eflags(cpu, 0, FLAGS_CLEARED_BY_GATE | (gate->clears_if ? FLAG_IF : 0));
}

static void enter_same_privilege(struct cpu *cpu, struct gate *gate,
                                 const struct interrupt_event *event) {
    struct push_frame frame;
    push_frame_begin(&frame, gate->is_32);
    push_return(cpu, &frame, event);
    cpu_check_code_limit(cpu, &gate->code, gate->offset);
    descriptor_mark_accessed(cpu, gate->selector, &gate->code);
    push_frame_probe_current(cpu, &frame);
    push_frame_commit(cpu, &frame);
    enter_handler(cpu, gate, cpu->cpl);
}

static void enter_inner_privilege(struct cpu *cpu, struct gate *gate, uint8_t cpl,
                                  const struct interrupt_event *event) {
    static const enum segment_name v86_order[4] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    struct segment ss;
    uint32_t esp;
    struct push_frame frame;
    bool from_v86 = cpu->is_v86;
    call_gate_read_stack(cpu, cpl, &ss, &esp);
    push_frame_begin(&frame, gate->is_32);
    for (unsigned n = 0; from_v86 && n < 4; n++)
        push_frame_add(&frame, cpu->seg[v86_order[n]].selector);
    push_frame_add(&frame, cpu->seg[SEG_SS].selector);
    push_frame_add(&frame, cpu_reg32(cpu, GPR_ESP));
    push_return(cpu, &frame, event);
    cpu_check_code_limit(cpu, &gate->code, gate->offset);
    descriptor_mark_accessed(cpu, gate->selector, &gate->code);
    push_frame_probe(cpu, &frame, &ss, esp, ss.selector & SELECTOR_INDEX, true);

    for (unsigned n = 0; from_v86 && n < 4; n++)
        segment_set_null(&cpu->seg[v86_order[n]], 0);
    cpu->eflags &= ~(uint32_t)FLAG_VM;
    cpu->seg[SEG_SS] = ss;
    cpu->cpl = cpl;
    cpu_update_mode(cpu);
    push_frame_commit(cpu, &frame);
    enter_handler(cpu, gate, cpl);
}

static void enter_task(struct cpu *cpu, const struct descriptor *d,
                       const struct interrupt_event *event) {
    uint16_t selector = gate_selector(d);
    struct descriptor tss;
    if (selector & SELECTOR_LDT)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    descriptor_read(cpu, selector, VECTOR_GP, &tss);
    task_check_available(cpu, selector, &tss, VECTOR_GP);
    task_switch(cpu, selector, &tss, TASK_CALL);
    if (event->has_error_code)
        task_push_error_code(cpu, descriptor_type(&tss) & TYPE_32BIT, event->error_code);
}

static bool is_gate_type(uint8_t type) {
    return type == TYPE_TASK_GATE || type == TYPE_INTERRUPT_GATE16 || type == TYPE_TRAP_GATE16 ||
           type == TYPE_INTERRUPT_GATE32 || type == TYPE_TRAP_GATE32;
}

static void deliver_protected(struct cpu *cpu, const struct interrupt_event *event) {
    uint32_t entry = event->vector * 8u;
    uint32_t error = entry + ERROR_CODE_IDT;
    if (entry + 7 > cpu->idtr.limit)
        cpu_raise_error(cpu, VECTOR_GP, error);
    struct descriptor d = {
        .low = cpu_system_load(cpu, cpu->idtr.base + entry, 4),
        .high = cpu_system_load(cpu, cpu->idtr.base + entry + 4, 4),
    };
    uint8_t type = descriptor_type(&d);
    if (descriptor_is_memory(&d) || !is_gate_type(type) ||
        (event->is_software && descriptor_dpl(&d) < cpu->cpl))
        cpu_raise_error(cpu, VECTOR_GP, error);
    if (!descriptor_is_present(&d))
        cpu_raise_error(cpu, VECTOR_NP, error);
    if (type == TYPE_TASK_GATE) {
        enter_task(cpu, &d, event);
        return;
    }
    struct gate gate = {
        .selector = gate_selector(&d),
        .offset = gate_offset(&d),
        .is_32 = (type & TYPE_32BIT) != 0,
        .clears_if = (type & 1) == 0, /* interrupt gates, as opposed to trap gates */
    };
    uint8_t cpl = check_handler(cpu, &gate);
    if (cpl < cpu->cpl)
        enter_inner_privilege(cpu, &gate, cpl, event);
    else
        enter_same_privilege(cpu, &gate, event);
}

void cpu_deliver(struct cpu *cpu, const struct interrupt_event *event) {
    log_delivery(cpu, event);
    if (cpu->is_protected || cpu->is_v86)
        deliver_protected(cpu, event);
    else
        deliver_real(cpu, event);
    cpu->interrupt_shadow = false;
    cpu->debug_shadow = false;
}

/* The bit of the software interrupt redirection bitmap, which ends where the I/O bitmap begins
   (SDM vol. 3A, "Software Interrupt Redirection Bitmap"). */
static bool is_redirected(struct cpu *cpu, uint8_t vector) {
    uint32_t map = task_io_map_base(cpu);
    if (map < 32 || map > cpu->tr.limit)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    uint32_t byte = cpu_system_load(cpu, cpu->tr.base + map - 32 + vector / 8, 1);
    return !(byte >> (vector & 7) & 1);
}

bool cpu_redirect_v86_interrupt(struct cpu *cpu, uint8_t vector) {
    bool is_allowed = cpu_iopl(cpu) == 3;
    if (!(cpu->cr4 & CR4_VME) || !is_redirected(cpu, vector)) {
        if (!is_allowed)
            cpu_raise_error(cpu, VECTOR_GP, 0);
        return false;
    }
    uint32_t entry = (uint32_t)cpu_load_slow(cpu, vector * 4u, 4);
    uint32_t image = cpu_eflags(cpu);
    if (!is_allowed) {
        image = (image & ~(uint32_t)FLAG_IF) | FLAG_IOPL;
        image |= (cpu->eflags & FLAG_VIF) ? FLAG_IF : 0;
    }
    struct push_frame frame;
    push_frame_begin(&frame, false);
    push_frame_add(&frame, image);
    push_frame_add(&frame, cpu->seg[SEG_CS].selector);
    push_frame_add(&frame, (uint32_t)cpu->eip);
    push_frame_probe_current(cpu, &frame);
    push_frame_commit(cpu, &frame);
    cpu_load_segment_real(cpu, SEG_CS, (uint16_t)(entry >> 16));
    cpu->eip = entry & 0xffff;
    cpu_set_eflags(cpu, 0, FLAG_TF | FLAG_RF | (is_allowed ? FLAG_IF : FLAG_VIF));
    return true;
}
