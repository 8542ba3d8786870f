/*
 * LDTR, TR and the instructions that ask what a selector allows: LAR, LSL, VERR, VERW, ARPL
 * (SDM vol. 2). All are #UD outside protected mode.
 */
#include "interp/cpu/descriptor.h"
#include "interp/exec/sensitive.h"

static void sldt(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    operand_store_word(cpu, i, is_32, cpu->ldtr.selector);
}
EXEC_SYSTEM_VSIZED(SLDT, sldt)

static void str(struct cpu *cpu, const struct insn *i, bool is_32) {
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    operand_store_word(cpu, i, is_32, cpu->tr.selector);
}
EXEC_SYSTEM_VSIZED(STR, str)

/* Read a system descriptor of the GDT for LLDT and LTR. */
static void read_gdt(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    if (selector & SELECTOR_LDT)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    descriptor_read(cpu, selector, VECTOR_GP, d);
    if (descriptor_is_memory(d))
        cpu_raise_selector(cpu, VECTOR_GP, selector);
}

EXEC_SYSTEM(LLDT) {
    struct descriptor d;
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    require_cpl0(cpu);
    uint16_t selector = operand_read16(cpu, i);
    if (selector_is_null(selector)) {
        segment_set_null(&cpu->ldtr, selector);
        RESUME(cpu, i);
    }
    read_gdt(cpu, selector, &d);
    if (descriptor_type(&d) != TYPE_LDT)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    if (!descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    segment_load(cpu, &cpu->ldtr, selector, &d);
    RESUME(cpu, i);
}

EXEC_SYSTEM(LTR) {
    struct descriptor d;
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    require_cpl0(cpu);
    uint16_t selector = operand_read16(cpu, i);
    if (selector_is_null(selector))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    read_gdt(cpu, selector, &d);
    if (descriptor_type(&d) != TYPE_TSS16 && descriptor_type(&d) != TYPE_TSS32)
        cpu_raise_selector(cpu, VECTOR_GP, selector);
    if (!descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    descriptor_set_busy(cpu, selector, true);
    segment_load(cpu, &cpu->tr, selector, &d);
    cpu->tr.attributes |= TYPE_BUSY;
    RESUME(cpu, i);
}

static void set_zf(struct cpu *cpu, bool value) {
    cpu_set_eflags(cpu, value ? FLAG_ZF : 0, FLAG_ZF);
}

/* The descriptor that the operand's selector names, if it exists and both CPL and RPL may use it.
   Conforming code may be used from anywhere. */
static bool find_visible(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    if (!descriptor_find(cpu, selector, d))
        return false;
    unsigned dpl = descriptor_dpl(d), rpl = selector & SELECTOR_RPL;
    return descriptor_is_conforming(d) || (cpu->cpl <= dpl && rpl <= dpl);
}

EXEC_SYSTEM(VERR) {
    struct descriptor d;
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    uint16_t selector = operand_read16(cpu, i);
    set_zf(cpu, find_visible(cpu, selector, &d) && descriptor_is_readable(&d));
    RESUME(cpu, i);
}

EXEC_SYSTEM(VERW) {
    struct descriptor d;
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    uint16_t selector = operand_read16(cpu, i);
    set_zf(cpu, find_visible(cpu, selector, &d) && descriptor_is_writable_data(&d));
    RESUME(cpu, i);
}

/* Sets of system types, as bit masks. */
#define HAS_LIMIT                                                                                  \
    (1u << TYPE_TSS16 | 1u << TYPE_LDT | 1u << TYPE_TSS16_BUSY | 1u << TYPE_TSS32 |                \
     1u << TYPE_TSS32_BUSY)
#define HAS_RIGHTS                                                                                 \
    (HAS_LIMIT | 1u << TYPE_CALL_GATE16 | 1u << TYPE_TASK_GATE | 1u << TYPE_CALL_GATE32)

static void store_result(struct cpu *cpu, const struct insn *i, bool is_32, uint32_t value) {
    if (is_32)
        cpu_set_reg32(cpu, i->reg, value);
    else
        cpu_set_reg16(cpu, i->reg, (uint16_t)value);
}

static bool find_of_types(struct cpu *cpu, const struct insn *i, unsigned types,
                          struct descriptor *d) {
    note_sensitive(cpu, i);
    require_protected_mode(cpu);
    uint16_t selector = operand_read16(cpu, i);
    bool is_found = find_visible(cpu, selector, d) &&
                    (descriptor_is_memory(d) || (types >> descriptor_type(d) & 1));
    set_zf(cpu, is_found);
    return is_found;
}

static void lar(struct cpu *cpu, const struct insn *i, bool is_32) {
    struct descriptor d;
    if (find_of_types(cpu, i, HAS_RIGHTS, &d))
        store_result(cpu, i, is_32, d.high & 0x00ffff00); /* limit bits too, as processors do */
}
EXEC_SYSTEM_VSIZED(LAR, lar)

static void lsl(struct cpu *cpu, const struct insn *i, bool is_32) {
    struct descriptor d;
    if (find_of_types(cpu, i, HAS_LIMIT, &d))
        store_result(cpu, i, is_32, descriptor_limit(&d));
}
EXEC_SYSTEM_VSIZED(LSL, lsl)

EXEC_SYSTEM(ARPL) {
    require_protected_mode(cpu);
    uint16_t source = cpu_reg16(cpu, i->reg), target = operand_read16(cpu, i);
    bool is_lower = (target & SELECTOR_RPL) < (source & SELECTOR_RPL);
    if (is_lower)
        operand_store_word(cpu, i, false,
                           (target & ~(uint32_t)SELECTOR_RPL) | (source & SELECTOR_RPL));
    set_zf(cpu, is_lower);
    RESUME(cpu, i);
}
