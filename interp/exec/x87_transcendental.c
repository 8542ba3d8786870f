/*
 * F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS and FPTAN.
 *
 * Source: SDM vol. 2, the instructions; vol. 1, "Transcendental Instruction Accuracy".
 */
#include "interp/exec/x87.h"

#define HANDLER(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *insn)

HANDLER(F2XM1) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    if (UNLIKELY(x87_is_empty(cpu, 0))) {
        x87_stack_underflow(cpu, 0);
        return x87_end(cpu, insn);
    }
    struct float_env env = x87_env(cpu);
    struct float80 result = f80_exp2_minus_1(x87_get(cpu, 0), &env);
    if (x87_settle(cpu, &env))
        x87_set(cpu, 0, result);
    return x87_end(cpu, insn);
}

/* ST(1) = function(ST(1), ST(0)), then pop. */
static const struct insn *into_st1(struct cpu *cpu, const struct insn *insn,
                                   struct float80 (*function)(struct float80 st1,
                                                              struct float80 st0,
                                                              struct float_env *env)) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    bool is_stored;
    if (UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1))) {
        is_stored = x87_stack_underflow(cpu, 1);
    } else {
        struct float_env env = x87_env(cpu);
        struct float80 result = function(x87_get(cpu, 1), x87_get(cpu, 0), &env);
        is_stored = x87_settle(cpu, &env);
        if (is_stored)
            x87_set(cpu, 1, result);
    }
    if (is_stored)
        x87_pop(cpu);
    return x87_end(cpu, insn);
}

HANDLER(FYL2X) {
    return into_st1(cpu, insn, f80_y_log2_x);
}

HANDLER(FYL2XP1) {
    return into_st1(cpu, insn, f80_y_log2_x_plus_1);
}

HANDLER(FPATAN) {
    return into_st1(cpu, insn, f80_arctan);
}

/* ST(0) = function(ST(0)), or C2 when the argument is out of range. */
static const struct insn *trigonometric(struct cpu *cpu, const struct insn *insn,
                                        bool (*function)(struct float80 a, struct float80 *result,
                                                         struct float_env *env)) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    cpu->x87.status &= (uint16_t)~X87_C2;
    if (UNLIKELY(x87_is_empty(cpu, 0))) {
        x87_stack_underflow(cpu, 0);
        return x87_end(cpu, insn);
    }
    struct float_env env = x87_env(cpu);
    struct float80 result;
    if (!function(x87_get(cpu, 0), &result, &env))
        cpu->x87.status |= X87_C2;
    else if (x87_settle(cpu, &env))
        x87_set(cpu, 0, result);
    return x87_end(cpu, insn);
}

HANDLER(FSIN) {
    return trigonometric(cpu, insn, f80_sin);
}

HANDLER(FCOS) {
    return trigonometric(cpu, insn, f80_cos);
}

/* FSINCOS and FPTAN replace ST(0) and push: two results from one. Returns false when they end. */
static bool start_pair(struct cpu *cpu, const struct insn *insn) {
    x87_record(cpu, insn);
    cpu->x87.status &= (uint16_t)~X87_C2;
    if (LIKELY(!x87_is_empty(cpu, 0) && x87_is_empty(cpu, 7)))
        return true;
    if (x87_stack_fault(cpu, !x87_is_empty(cpu, 0))) {
        x87_set(cpu, 0, F80_INDEFINITE);
        x87_push(cpu, F80_INDEFINITE);
    }
    return false;
}

HANDLER(FSINCOS) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    if (!start_pair(cpu, insn))
        return x87_end(cpu, insn);
    struct float_env env = x87_env(cpu);
    struct float80 sine, cosine;
    if (!f80_sincos(x87_get(cpu, 0), &sine, &cosine, &env)) {
        cpu->x87.status |= X87_C2;
    } else if (x87_settle(cpu, &env)) {
        x87_set(cpu, 0, sine);
        x87_push(cpu, cosine);
    }
    return x87_end(cpu, insn);
}

HANDLER(FPTAN) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    if (!start_pair(cpu, insn))
        return x87_end(cpu, insn);
    struct float_env env = x87_env(cpu);
    struct float80 tangent;
    if (!f80_tan(x87_get(cpu, 0), &tangent, &env)) {
        cpu->x87.status |= X87_C2;
    } else if (x87_settle(cpu, &env)) {
        /* A NaN goes to both registers; the tangent of a finite angle is never one. */
        bool is_nan = (tangent.sign_exponent & F80_EXPONENT_MASK) == F80_EXPONENT_MASK &&
                      tangent.significand != F80_INTEGER_BIT;
        x87_set(cpu, 0, tangent);
        x87_push(cpu, is_nan ? tangent : F80_ONE);
    }
    return x87_end(cpu, insn);
}
