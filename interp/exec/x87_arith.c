/*
 * x87 arithmetic: FADD, FMUL, FSUB, FSUBR, FDIV and FDIVR in all their operand forms, and the
 * operations on ST(0) and ST(1) that are exact or correctly rounded.
 *
 * Source: SDM vol. 2, the instructions; vol. 1, "Stack Overflow or Underflow Exception (#IS)".
 */
#include "interp/exec/x87.h"

typedef struct float80 binary_function(struct float80 a, struct float80 b, struct float_env *env);
typedef struct float80 unary_function(struct float80 a, struct float_env *env);

static struct float80 subtract_reversed(struct float80 a, struct float80 b, struct float_env *env) {
    return f80_sub(b, a, env);
}

static struct float80 divide_reversed(struct float80 a, struct float80 b, struct float_env *env) {
    return f80_div(b, a, env);
}

/* ST(destination) = ST(destination) op ST(source). */
static const struct insn *between_registers(struct cpu *cpu, const struct insn *insn,
                                            unsigned destination, unsigned source, bool pops,
                                            binary_function *function) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    bool is_stored;
    if (UNLIKELY(x87_is_empty(cpu, destination) || x87_is_empty(cpu, source))) {
        is_stored = x87_stack_underflow(cpu, destination);
    } else {
        struct float_env env = x87_env(cpu);
        struct float80 result = function(x87_get(cpu, destination), x87_get(cpu, source), &env);
        is_stored = x87_settle(cpu, &env);
        if (is_stored)
            x87_set(cpu, destination, result);
    }
    if (pops && is_stored)
        x87_pop(cpu);
    return x87_end(cpu, insn);
}

/* ST(0) = ST(0) op operand, once the memory operand is loaded. */
static const struct insn *with_memory(struct cpu *cpu, const struct insn *insn,
                                      struct float80 operand, struct float_env *env,
                                      binary_function *function) {
    x87_record(cpu, insn);
    if (UNLIKELY(x87_is_empty(cpu, 0))) {
        x87_stack_underflow(cpu, 0);
        return x87_end(cpu, insn);
    }
    struct float80 result = function(x87_get(cpu, 0), operand, env);
    if (x87_settle(cpu, env))
        x87_set(cpu, 0, result);
    return x87_end(cpu, insn);
}

static const struct insn *with_m32(struct cpu *cpu, const struct insn *insn,
                                   binary_function *function) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    uint32_t bits = cpu_load32(cpu, insn->seg, insn_ea(cpu, insn));
    return with_memory(cpu, insn, f80_operand_from_f32(bits, &env), &env, function);
}

static const struct insn *with_m64(struct cpu *cpu, const struct insn *insn,
                                   binary_function *function) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    uint64_t bits = cpu_load64(cpu, insn->seg, insn_ea(cpu, insn));
    return with_memory(cpu, insn, f80_operand_from_f64(bits, &env), &env, function);
}

static const struct insn *with_i16(struct cpu *cpu, const struct insn *insn,
                                   binary_function *function) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int16_t value = (int16_t)cpu_load16(cpu, insn->seg, insn_ea(cpu, insn));
    return with_memory(cpu, insn, f80_from_i64(value), &env, function);
}

static const struct insn *with_i32(struct cpu *cpu, const struct insn *insn,
                                   binary_function *function) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int32_t value = (int32_t)cpu_load32(cpu, insn->seg, insn_ea(cpu, insn));
    return with_memory(cpu, insn, f80_from_i64(value), &env, function);
}

#define HANDLER(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *insn)

#define DEFINE_ARITHMETIC(name, integer_name, function)                                            \
    HANDLER(name##_ST) {                                                                           \
        return between_registers(cpu, insn, 0, insn->rm, false, function);                         \
    }                                                                                              \
    HANDLER(name##_STI) {                                                                          \
        return between_registers(cpu, insn, insn->rm, 0, false, function);                         \
    }                                                                                              \
    HANDLER(name##P) {                                                                             \
        return between_registers(cpu, insn, insn->rm, 0, true, function);                          \
    }                                                                                              \
    HANDLER(name##_M32) {                                                                          \
        return with_m32(cpu, insn, function);                                                      \
    }                                                                                              \
    HANDLER(name##_M64) {                                                                          \
        return with_m64(cpu, insn, function);                                                      \
    }                                                                                              \
    HANDLER(integer_name##_M16) {                                                                  \
        return with_i16(cpu, insn, function);                                                      \
    }                                                                                              \
    HANDLER(integer_name##_M32) {                                                                  \
        return with_i32(cpu, insn, function);                                                      \
    }

DEFINE_ARITHMETIC(FADD, FIADD, f80_add)
DEFINE_ARITHMETIC(FMUL, FIMUL, f80_mul)
DEFINE_ARITHMETIC(FSUB, FISUB, f80_sub)
DEFINE_ARITHMETIC(FSUBR, FISUBR, subtract_reversed)
DEFINE_ARITHMETIC(FDIV, FIDIV, f80_div)
DEFINE_ARITHMETIC(FDIVR, FIDIVR, divide_reversed)

/* ST(0) = op ST(0). */
static const struct insn *on_top(struct cpu *cpu, const struct insn *insn,
                                 unary_function *function) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    if (UNLIKELY(x87_is_empty(cpu, 0))) {
        x87_stack_underflow(cpu, 0);
        return x87_end(cpu, insn);
    }
    struct float_env env = x87_env(cpu);
    struct float80 result = function(x87_get(cpu, 0), &env);
    if (x87_settle(cpu, &env))
        x87_set(cpu, 0, result);
    return x87_end(cpu, insn);
}

HANDLER(FSQRT) {
    return on_top(cpu, insn, f80_sqrt);
}

HANDLER(FRNDINT) {
    return on_top(cpu, insn, f80_round_to_integral);
}

HANDLER(FSCALE) {
    return between_registers(cpu, insn, 0, 1, false, f80_scale);
}

static struct float80 negate(struct float80 a, struct float_env *env) {
    (void)env;
    return f80_negate(a);
}

static struct float80 absolute(struct float80 a, struct float_env *env) {
    (void)env;
    return f80_absolute(a);
}

HANDLER(FCHS) {
    return on_top(cpu, insn, negate);
}

HANDLER(FABS) {
    return on_top(cpu, insn, absolute);
}

HANDLER(FXTRACT) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    bool is_overflow = !x87_is_empty(cpu, 7);
    if (UNLIKELY(x87_is_empty(cpu, 0) || is_overflow)) {
        if (x87_stack_fault(cpu, !x87_is_empty(cpu, 0))) {
            x87_set(cpu, 0, F80_INDEFINITE);
            x87_push(cpu, F80_INDEFINITE);
        }
        return x87_end(cpu, insn);
    }
    struct float_env env = x87_env(cpu);
    struct float80 exponent;
    struct float80 significand = f80_extract(x87_get(cpu, 0), &exponent, &env);
    if (x87_settle(cpu, &env)) {
        x87_set(cpu, 0, exponent);
        x87_push(cpu, significand);
    }
    return x87_end(cpu, insn);
}

/* C2 for a partial remainder, else the low quotient bits 2, 1 and 0 in C0, C3 and C1. */
static void set_quotient_codes(struct cpu *cpu, const struct float_remainder *r) {
    unsigned codes = X87_C2;
    if (!r->is_partial)
        codes = (r->quotient & 4 ? X87_C0 : 0) | (r->quotient & 2 ? X87_C3 : 0) |
                (r->quotient & 1 ? X87_C1 : 0);
    cpu->x87.status = (uint16_t)((cpu->x87.status & ~X87_CODES) | codes);
}

static const struct insn *remainder_step(
    struct cpu *cpu, const struct insn *insn,
    struct float_remainder (*function)(struct float80 a, struct float80 b, struct float_env *env)) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    cpu->x87.status &= (uint16_t)~X87_C2;
    if (UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1))) {
        x87_stack_underflow(cpu, 0);
        return x87_end(cpu, insn);
    }
    struct float_env env = x87_env(cpu);
    struct float_remainder r = function(x87_get(cpu, 0), x87_get(cpu, 1), &env);
    env.rounded_up = false;
    if (x87_settle(cpu, &env)) {
        x87_set(cpu, 0, r.value);
        /* A remainder is never infinite: this is a NaN, which leaves C0 and C3 alone. */
        bool is_nan = (r.value.sign_exponent & F80_EXPONENT_MASK) == F80_EXPONENT_MASK;
        if (!is_nan)
            set_quotient_codes(cpu, &r);
    }
    return x87_end(cpu, insn);
}

HANDLER(FPREM) {
    return remainder_step(cpu, insn, f80_remainder_truncate);
}

HANDLER(FPREM1) {
    return remainder_step(cpu, insn, f80_remainder_nearest);
}
