/*
 * x87 comparisons: into the condition codes (FCOM, FUCOM, FICOM, FTST, FXAM) and into EFLAGS
 * (FCOMI, FUCOMI).
 *
 * Source: SDM vol. 2, "FCOM/FCOMP/FCOMPP", "FUCOM", "FCOMI", "FTST", "FXAM".
 */
#include "interp/exec/x87.h"

#define HANDLER(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *insn)

static void set_codes(struct cpu *cpu, unsigned codes) {
    cpu->x87.status = (uint16_t)((cpu->x87.status & ~X87_CODES) | codes);
}

static const uint16_t relation_codes[] = {
    [FLOAT_LESS] = X87_C0,
    [FLOAT_EQUAL] = X87_C3,
    [FLOAT_GREATER] = 0,
    [FLOAT_UNORDERED] = X87_C0 | X87_C2 | X87_C3,
};

static const uint8_t relation_flags[] = {
    [FLOAT_LESS] = FLAG_CF,
    [FLOAT_EQUAL] = FLAG_ZF,
    [FLOAT_GREATER] = 0,
    [FLOAT_UNORDERED] = FLAG_CF | FLAG_PF | FLAG_ZF,
};

static void pop_times(struct cpu *cpu, unsigned pops) {
    for (unsigned i = 0; i < pops; i++)
        x87_pop(cpu);
}

/* ST(0) against an operand; `is_empty`: one of the two is. Sets C0, C2 and C3, and pops. */
static const struct insn *compare(struct cpu *cpu, const struct insn *insn, struct float80 operand,
                                  bool is_empty, bool quiet, unsigned pops, struct float_env *env) {
    x87_record(cpu, insn);
    if (UNLIKELY(is_empty)) {
        set_codes(cpu, relation_codes[FLOAT_UNORDERED]);
        if (x87_stack_fault(cpu, false))
            pop_times(cpu, pops);
        return x87_end(cpu, insn);
    }
    enum float_relation relation = f80_compare(x87_get(cpu, 0), operand, quiet, env);
    set_codes(cpu, relation_codes[relation]);
    if (x87_settle(cpu, env))
        pop_times(cpu, pops);
    return x87_end(cpu, insn);
}

static const struct insn *compare_register(struct cpu *cpu, const struct insn *insn, bool quiet,
                                           unsigned pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    bool is_empty = x87_is_empty(cpu, 0) || x87_is_empty(cpu, insn->rm);
    return compare(cpu, insn, x87_get(cpu, insn->rm), is_empty, quiet, pops, &env);
}

static const struct insn *compare_m32(struct cpu *cpu, const struct insn *insn, unsigned pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    uint32_t bits = cpu_load32(cpu, insn->seg, insn_ea(cpu, insn));
    return compare(cpu, insn, f80_operand_from_f32(bits, &env), x87_is_empty(cpu, 0), false, pops,
                   &env);
}

static const struct insn *compare_m64(struct cpu *cpu, const struct insn *insn, unsigned pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    uint64_t bits = cpu_load64(cpu, insn->seg, insn_ea(cpu, insn));
    return compare(cpu, insn, f80_operand_from_f64(bits, &env), x87_is_empty(cpu, 0), false, pops,
                   &env);
}

static const struct insn *compare_i16(struct cpu *cpu, const struct insn *insn, unsigned pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int16_t value = (int16_t)cpu_load16(cpu, insn->seg, insn_ea(cpu, insn));
    return compare(cpu, insn, f80_from_i64(value), x87_is_empty(cpu, 0), false, pops, &env);
}

static const struct insn *compare_i32(struct cpu *cpu, const struct insn *insn, unsigned pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int32_t value = (int32_t)cpu_load32(cpu, insn->seg, insn_ea(cpu, insn));
    return compare(cpu, insn, f80_from_i64(value), x87_is_empty(cpu, 0), false, pops, &env);
}

HANDLER(FCOM_ST) {
    return compare_register(cpu, insn, false, 0);
}

HANDLER(FCOMP_ST) {
    return compare_register(cpu, insn, false, 1);
}

HANDLER(FCOMPP) {
    return compare_register(cpu, insn, false, 2);
}

HANDLER(FUCOM) {
    return compare_register(cpu, insn, true, 0);
}

HANDLER(FUCOMP) {
    return compare_register(cpu, insn, true, 1);
}

HANDLER(FUCOMPP) {
    return compare_register(cpu, insn, true, 2);
}

HANDLER(FCOM_M32) {
    return compare_m32(cpu, insn, 0);
}

HANDLER(FCOMP_M32) {
    return compare_m32(cpu, insn, 1);
}

HANDLER(FCOM_M64) {
    return compare_m64(cpu, insn, 0);
}

HANDLER(FCOMP_M64) {
    return compare_m64(cpu, insn, 1);
}

HANDLER(FICOM_M16) {
    return compare_i16(cpu, insn, 0);
}

HANDLER(FICOMP_M16) {
    return compare_i16(cpu, insn, 1);
}

HANDLER(FICOM_M32) {
    return compare_i32(cpu, insn, 0);
}

HANDLER(FICOMP_M32) {
    return compare_i32(cpu, insn, 1);
}

HANDLER(FTST) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    return compare(cpu, insn, F80_ZERO, x87_is_empty(cpu, 0), false, 0, &env);
}

/*
 * FCOMI and FUCOMI: OF, SF and AF become 0. C1 is cleared only by a stack fault. EFLAGS are set
 * even when an unmasked exception keeps the operands on the stack: AMD processors do this (Zen 4
 * was measured), while the SDM says that an unmasked IE leaves EFLAGS alone.
 */
static const struct insn *compare_to_eflags(struct cpu *cpu, const struct insn *insn, bool quiet,
                                            bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record_pointers(cpu, insn);
    enum float_relation relation = FLOAT_UNORDERED;
    bool is_settled;
    if (UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, insn->rm))) {
        is_settled = x87_stack_fault(cpu, false);
    } else {
        struct float_env env = x87_env(cpu);
        relation = f80_compare(x87_get(cpu, 0), x87_get(cpu, insn->rm), quiet, &env);
        is_settled = x87_settle(cpu, &env);
    }
    lazy_flags_set(&cpu->lazy, relation_flags[relation]);
    if (pops && is_settled)
        x87_pop(cpu);
    return x87_end(cpu, insn);
}

HANDLER(FCOMI) {
    return compare_to_eflags(cpu, insn, false, false);
}

HANDLER(FCOMIP) {
    return compare_to_eflags(cpu, insn, false, true);
}

HANDLER(FUCOMI) {
    return compare_to_eflags(cpu, insn, true, false);
}

HANDLER(FUCOMIP) {
    return compare_to_eflags(cpu, insn, true, true);
}

static unsigned examine(const struct cpu *cpu) {
    if (x87_is_empty(cpu, 0))
        return X87_C3 | X87_C0;
    struct float80 value = x87_get(cpu, 0);
    unsigned exponent = value.sign_exponent & F80_EXPONENT_MASK;
    if (exponent == 0)
        return value.significand == 0 ? X87_C3 : X87_C3 | X87_C2;
    if (!(value.significand & F80_INTEGER_BIT))
        return 0;
    if (exponent != F80_EXPONENT_MASK)
        return X87_C2;
    return value.significand == F80_INTEGER_BIT ? X87_C2 | X87_C0 : X87_C0;
}

HANDLER(FXAM) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    unsigned sign = x87_get(cpu, 0).sign_exponent & F80_SIGN_BIT ? X87_C1 : 0;
    set_codes(cpu, examine(cpu) | sign);
    return x87_end(cpu, insn);
}
