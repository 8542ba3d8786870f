/* Returns through a frame on the stack; SDM vol. 2 "RET" and "IRET", protected-mode parts. */
#include "interp/cpu/stack_return.h"
#include "interp/cpu/guest_access.h"

static uint32_t stack_offset(const struct cpu *cpu, uint32_t distance) {
    uint32_t offset = cpu_reg32(cpu, GPR_ESP) + distance;
    return cpu->stack_is_32 ? offset : offset & 0xffff;
}

static uint32_t load_at(struct cpu *cpu, uint32_t distance, bool is_32) {
    uint32_t offset = stack_offset(cpu, distance);
    return is_32 ? cpu_load32(cpu, SEG_SS, offset) : cpu_load16(cpu, SEG_SS, offset);
}

uint32_t stack_return_peek(struct cpu *cpu, uint32_t index, bool is_32) {
    return load_at(cpu, index * (is_32 ? 4 : 2), is_32);
}

void stack_return_drop(struct cpu *cpu, uint32_t bytes) {
    cpu_set_stack_pointer(cpu, cpu_reg32(cpu, GPR_ESP) + bytes);
}

void stack_return_read_code(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    descriptor_read(cpu, selector, VECTOR_GP, d);
    unsigned rpl = selector & SELECTOR_RPL, dpl = descriptor_dpl(d);
    bool is_allowed = descriptor_is_conforming(d) ? dpl <= rpl : dpl == rpl;
    if (rpl < cpu->cpl || !descriptor_is_code(d) || !is_allowed)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    if (!descriptor_is_present(d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
}

void stack_return_read_outer(struct cpu *cpu, uint32_t offset, bool is_32, uint8_t cpl,
                             struct outer_stack *outer) {
    outer->esp = load_at(cpu, offset, is_32);
    outer->selector = (uint16_t)load_at(cpu, offset + (is_32 ? 4 : 2), is_32);
    if (selector_is_null(outer->selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    cpu_read_stack_descriptor(cpu, outer->selector, cpl, VECTOR_GP, &outer->ss);
}

static void drop_inner_segment(struct cpu *cpu, enum segment_name name) {
    struct segment *s = &cpu->seg[name];
    bool is_conforming = (s->attributes & (SEG_CODE | SEG_DOWN)) == (SEG_CODE | SEG_DOWN);
    unsigned dpl = (s->attributes & SEG_DPL) >> SEG_DPL_SHIFT;
    if (s->is_usable && !is_conforming && dpl < cpu->cpl)
        segment_set_null(s, 0);
}

void stack_return_enter_outer(struct cpu *cpu, const struct outer_stack *outer) {
    segment_load(cpu, &cpu->seg[SEG_SS], outer->selector, &outer->ss);
    cpu_set_stack_pointer(cpu, outer->esp);
    drop_inner_segment(cpu, SEG_ES);
    drop_inner_segment(cpu, SEG_DS);
    drop_inner_segment(cpu, SEG_FS);
    drop_inner_segment(cpu, SEG_GS);
    cpu_update_mode(cpu);
}
