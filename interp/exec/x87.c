/*
 * State and exceptions of the x87 unit; see x87.h.
 *
 * Reporting with CR0.NE clear: an unmasked exception asserts FERR# at once, and the handler leaves
 * the block so that IRQ 13 may come next. Hardware would stop at the next waiting instruction
 * until an interrupt arrives; this one goes on, which differs only for a guest that has IRQ 13
 * masked, and cannot hang.
 */
#include "interp/exec/x87.h"

static void set_ferr(struct cpu *cpu, bool asserted) {
    if (cpu->bus.set_ferr)
        cpu->bus.set_ferr(cpu->bus.opaque, asserted);
}

void x87_signal_pending(struct cpu *cpu) {
    if (cpu->cr0 & CR0_NE)
        cpu_raise(cpu, VECTOR_MF);
    if (!cpu->bus.ignne || !cpu->bus.ignne(cpu->bus.opaque))
        set_ferr(cpu, true);
}

/* ES, B and FERR# follow flags and masks. */
static void update_summary(struct cpu *cpu) {
    struct x87_state *x = &cpu->x87;
    bool was_pending = (x->status & X87_ES) != 0;
    bool is_pending = (x->status & ~x->control & FLOAT_ALL_FLAGS) != 0;
    x->status &= (uint16_t) ~(X87_ES | X87_B);
    if (is_pending)
        x->status |= X87_ES | X87_B;
    if (is_pending != was_pending && (was_pending || !(cpu->cr0 & CR0_NE)))
        set_ferr(cpu, is_pending);
}

void x87_raise(struct cpu *cpu, unsigned flags) {
    cpu->x87.status |= (uint16_t)flags;
    if (!x87_is_masked(cpu, flags))
        update_summary(cpu);
}

bool x87_stack_fault(struct cpu *cpu, bool is_overflow) {
    cpu->x87.status &= (uint16_t)~X87_C1;
    x87_raise(cpu, FLOAT_IE | X87_SF | (is_overflow ? X87_C1 : 0));
    return x87_is_masked(cpu, FLOAT_IE);
}

bool x87_stack_underflow(struct cpu *cpu, unsigned destination) {
    bool is_masked = x87_stack_fault(cpu, false);
    if (is_masked)
        x87_set(cpu, destination, F80_INDEFINITE);
    return is_masked;
}

uint16_t x87_status_word(const struct cpu *cpu) {
    return (uint16_t)(cpu->x87.status | cpu->x87.top << 11);
}

void x87_set_words(struct cpu *cpu, uint16_t control, uint16_t status) {
    uint16_t summary = cpu->x87.status & (X87_ES | X87_B);
    cpu->x87.control = (control & X87_CONTROL_WRITABLE) | X87_CONTROL_ALWAYS;
    cpu->x87.top = status >> 11 & 7;
    cpu->x87.status = (uint16_t)((status & ~(X87_TOP | X87_ES | X87_B)) | summary);
    update_summary(cpu);
}

enum x87_tag { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static enum x87_tag tag_of(struct float80 value) {
    unsigned exponent = value.sign_exponent & F80_EXPONENT_MASK;
    if (exponent == 0)
        return value.significand == 0 ? TAG_ZERO : TAG_SPECIAL;
    if (exponent == F80_EXPONENT_MASK || !(value.significand & F80_INTEGER_BIT))
        return TAG_SPECIAL;
    return TAG_VALID;
}

uint16_t x87_tag_word(const struct cpu *cpu) {
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        bool is_valid = cpu->x87.is_valid >> i & 1;
        tags |= (unsigned)(is_valid ? tag_of(cpu->x87.st[i]) : TAG_EMPTY) << (2 * i);
    }
    return (uint16_t)tags;
}

void x87_set_tag_word(struct cpu *cpu, uint16_t tags) {
    cpu->x87.is_valid = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((tags >> (2 * i) & 3) != TAG_EMPTY)
            cpu->x87.is_valid |= (uint8_t)(1u << i);
}

void x87_init(struct cpu *cpu) {
    struct x87_state *x = &cpu->x87;
    x87_set_words(cpu, X87_CONTROL_RESET, 0);
    x->is_valid = 0;
    x->opcode = 0;
    x->code_selector = x->data_selector = 0;
    x->code_offset = x->data_offset = 0;
}

void x87_check_mmx(struct cpu *cpu) {
    if (cpu->cr0 & CR0_EM)
        cpu_raise(cpu, VECTOR_UD);
    if (cpu->cr0 & CR0_TS)
        cpu_raise(cpu, VECTOR_NM);
    if (cpu->x87.status & X87_ES)
        x87_signal_pending(cpu);
}

void x87_enter_mmx(struct cpu *cpu) {
    cpu->x87.top = 0;
    cpu->x87.is_valid = 0xff;
}

void x87_leave_mmx(struct cpu *cpu) {
    cpu->x87.is_valid = 0;
}

void x87_store_f80(struct cpu *cpu, unsigned seg, uint32_t offset, struct float80 value) {
    linear_addr linear = cpu_linear_write(cpu, seg, offset, 10);
    cpu_probe_write(cpu, linear, 10);
    cpu_store_linear64(cpu, linear, value.significand);
    cpu_store_linear16(cpu, (uint32_t)(linear + 8), value.sign_exponent);
}

struct float80 x87_load_f80(struct cpu *cpu, unsigned seg, uint32_t offset) {
    linear_addr linear = cpu_linear_read(cpu, seg, offset, 10);
    uint64_t significand = cpu_load_linear64(cpu, linear);
    return (struct float80){significand, cpu_load_linear16(cpu, (uint32_t)(linear + 8))};
}
