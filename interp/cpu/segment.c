/*
 * Segment registers: loads with their checks, bounds for the inline fast path, and the full check
 * of an access that the fast path refused.
 *
 * Sources: SDM vol. 2 "MOV", vol. 3A "Protection"; real-mode loads keep limit and big flag, which
 * is what makes "unreal" mode work.
 */
#include "interp/cpu/segment.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/descriptor.h"

/* Attributes that a real-mode load forces; granularity and size survive. */
#define REAL_MODE_ATTRIBUTES (SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED)
#define V86_ATTRIBUTES       (REAL_MODE_ATTRIBUTES | SEG_DPL)

static bool is_expand_down(const struct segment *segment) {
    return (segment->attributes & (SEG_CODE | SEG_DOWN)) == SEG_DOWN;
}

static bool may_read(const struct segment *segment) {
    return !(segment->attributes & SEG_CODE) || (segment->attributes & SEG_WRITABLE);
}

static bool may_write(const struct segment *segment) {
    return (segment->attributes & (SEG_CODE | SEG_WRITABLE)) == SEG_WRITABLE;
}

void segment_update_bounds(struct segment *segment) {
    segment->read_end = segment->write_end = 0;
    if (!segment->is_usable || !(segment->attributes & SEG_S) || is_expand_down(segment))
        return;
    uint64_t end = (uint64_t)segment->limit + 1;
    if (may_read(segment))
        segment->read_end = end;
    if (may_write(segment))
        segment->write_end = end;
}

void segment_refresh_bounds(const struct cpu *cpu, struct segment *segment) {
    if (cpu->checks_every_access)
        segment->read_end = segment->write_end = 0;
    else
        segment_update_bounds(segment);
}

void segment_set_null(struct segment *segment, uint16_t selector) {
    segment->selector = selector;
    segment->is_usable = false;
    segment->read_end = segment->write_end = 0;
}

bool segment_holds(const struct segment *segment, uint32_t offset, unsigned size) {
    uint64_t last = (uint64_t)offset + size - 1;
    if (!is_expand_down(segment))
        return last <= segment->limit;
    uint32_t top = (segment->attributes & SEG_DB) ? UINT32_MAX : 0xffff;
    return offset > segment->limit && last <= top;
}

/* Natural alignment of an access of `size` bytes for #AC (SDM vol. 3A, "Alignment Check Exception
   (#AC)"): 80-bit values align to 8; 16-byte operands have rules of their own. */
static unsigned alignment_of(unsigned size) {
    switch (size) {
    case 2:
        return 2;
    case 4:
        return 4;
    case 8:
    case 10:
        return 8;
    default:
        return 1;
    }
}

linear_addr cpu_check_segment(struct cpu *cpu, enum segment_name name, uint32_t offset,
                              unsigned size, enum mmu_access access) {
    const struct segment *s = &cpu->seg[name];
    bool allowed = s->is_usable && (s->attributes & SEG_S) &&
                   (access == MMU_WRITE ? may_write(s) : may_read(s)) &&
                   segment_holds(s, offset, size);
    if (!allowed)
        cpu_raise_error(cpu, name == SEG_SS ? VECTOR_SS : VECTOR_GP, 0);
    linear_addr linear = (uint32_t)(s->base + offset);
    if (cpu->checks_every_access) {
        if (cpu_alignment_is_checked(cpu) && (linear & (alignment_of(size) - 1)))
            cpu_raise_error(cpu, VECTOR_AC, 0);
        cpu_match_data_breakpoints(cpu, linear, size, access);
    }
    return linear;
}

/* What follows from a new CS or SS for decoding and the stack. */
static void segment_changed(struct cpu *cpu, enum segment_name name) {
    if (name == SEG_CS)
        cpu->code_is_32 = (cpu->seg[SEG_CS].attributes & SEG_DB) != 0;
    else if (name == SEG_SS)
        cpu->stack_is_32 = (cpu->seg[SEG_SS].attributes & SEG_DB) != 0;
}

void cpu_load_segment_real(struct cpu *cpu, enum segment_name name, uint16_t selector) {
    struct segment *s = &cpu->seg[name];
    s->selector = selector;
    s->base = (uint32_t)selector << 4;
    s->is_usable = true;
    if (cpu->is_v86) {
        s->limit = 0xffff;
        s->attributes = V86_ATTRIBUTES;
    } else {
        s->attributes = (s->attributes & (SEG_DB | SEG_GRANULAR | SEG_AVL)) | REAL_MODE_ATTRIBUTES;
    }
    segment_refresh_bounds(cpu, s);
    segment_changed(cpu, name);
}

static void load_stack_segment(struct cpu *cpu, uint16_t selector) {
    struct descriptor d;
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    cpu_read_stack_descriptor(cpu, selector, cpu->cpl, VECTOR_GP, &d);
    segment_load(cpu, &cpu->seg[SEG_SS], selector, &d);
    segment_changed(cpu, SEG_SS);
}

static void load_data_segment(struct cpu *cpu, enum segment_name name, uint16_t selector) {
    struct descriptor d;
    if (selector_is_null(selector)) {
        segment_set_null(&cpu->seg[name], selector);
        return;
    }
    descriptor_read(cpu, selector, VECTOR_GP, &d);
    unsigned rpl = selector & SELECTOR_RPL, dpl = descriptor_dpl(&d);
    if (!descriptor_is_readable(&d) ||
        (!descriptor_is_conforming(&d) && (rpl > dpl || cpu->cpl > dpl)))
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    if (!descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    descriptor_mark_accessed(cpu, selector, &d);
    segment_load(cpu, &cpu->seg[name], selector, &d);
}

void cpu_load_segment(struct cpu *cpu, enum segment_name name, uint16_t selector) {
    if (!cpu->is_protected)
        cpu_load_segment_real(cpu, name, selector);
    else if (name == SEG_SS)
        load_stack_segment(cpu, selector);
    else
        load_data_segment(cpu, name, selector);
}

void cpu_read_stack_descriptor(struct cpu *cpu, uint16_t selector, uint8_t cpl,
                               enum exception_vector vector, struct descriptor *d) {
    descriptor_read(cpu, selector, vector, d);
    if ((selector & SELECTOR_RPL) != cpl || descriptor_dpl(d) != cpl ||
        !descriptor_is_writable_data(d))
        cpu_raise_selector(cpu, vector, selector);
    if (!descriptor_is_present(d))
        cpu_raise_selector(cpu, VECTOR_SS, selector);
    descriptor_mark_accessed(cpu, selector, d);
}

void cpu_check_code_limit(struct cpu *cpu, const struct descriptor *d, uint32_t offset) {
    if (offset > descriptor_limit(d))
        cpu_raise_error(cpu, VECTOR_GP, 0);
}

void cpu_enter_code(struct cpu *cpu, uint16_t selector, const struct descriptor *d, uint8_t cpl,
                    uint32_t offset) {
    uint16_t with_rpl = (uint16_t)((selector & SELECTOR_INDEX) | cpl);
    segment_load(cpu, &cpu->seg[SEG_CS], with_rpl, d);
    cpu->eip = offset;
    if (cpl != cpu->cpl) {
        cpu->cpl = cpl;
        cpu_update_mode(cpu);
    } else {
        segment_changed(cpu, SEG_CS);
    }
}

void cpu_set_stack_pointer(struct cpu *cpu, uint32_t value) {
    if (cpu->seg[SEG_SS].attributes & SEG_DB)
        cpu_set_reg32(cpu, GPR_ESP, value);
    else
        cpu_set_reg16(cpu, GPR_ESP, (uint16_t)value);
}
