/*
 * SSE arithmetic on one 32- or 64-bit element: + - * / sqrt min max and comparisons, with MXCSR's
 * DAZ and FTZ. The two widths differ in nothing but the format they unpack and round to.
 *
 * Source: SDM vol. 1, "SSE and SSE2 Exception Conditions"; vol. 2, "MINSS", "COMISS", "CMPPS".
 */
#include "interp/fpu/unpacked.h"

#include <stddef.h>

typedef struct fp_number (*binary_operation)(const struct fp_number *a, const struct fp_number *b,
                                             struct float_env *env);

/* DAZ replaces denormals before anything else looks at the operand. */
static struct fp_number operand(uint64_t bits, const struct fp_format *format,
                                const struct float_env *env) {
    struct fp_number n = fp_unpack(bits, format);
    return n.denormal && env->denormals_are_zero ? fp_zero(n.negative) : n;
}

/* IE for signalling NaNs, else the first NaN made quiet. Returns true when there was a NaN. */
static bool nan_operands(const struct fp_number *a, const struct fp_number *b,
                         struct fp_number *result, struct float_env *env) {
    bool b_is_nan = b && fp_is_nan(b);
    if (!fp_is_nan(a) && !b_is_nan)
        return false;
    if (a->kind == FP_NUMBER_SIGNALLING_NAN || (b && b->kind == FP_NUMBER_SIGNALLING_NAN))
        env->flags |= FLOAT_IE;
    *result = fp_is_nan(a) ? *a : *b;
    result->kind = FP_NUMBER_QUIET_NAN;
    result->hi |= F80_QUIET_BIT;
    return true;
}

/* Raise DE. Returns true when that ends the operation. */
static bool denormal_operands(bool denormal, struct float_env *env) {
    if (!denormal)
        return false;
    env->flags |= FLOAT_DE;
    return !(env->masked & FLOAT_DE);
}

static uint64_t binary(uint64_t a, uint64_t b, bool negate_b, binary_operation operation,
                       const struct fp_format *format, struct float_env *env) {
    struct fp_number x = operand(a, format, env), y = operand(b, format, env), result;
    if (nan_operands(&x, &y, &result, env))
        return fp_pack(&result, format);
    y.negative ^= negate_b;
    uint8_t flags_before = env->flags;
    env->flags = 0;
    result = operation(&x, &y, env);
    bool settled = env->flags != 0;
    env->flags |= flags_before;
    if (!settled && denormal_operands(x.denormal || y.denormal, env))
        return a;
    fp_round(&result, format, env);
    return fp_pack(&result, format);
}

static uint64_t square_root(uint64_t a, const struct fp_format *format, struct float_env *env) {
    struct fp_number x = operand(a, format, env), result;
    if (nan_operands(&x, NULL, &result, env))
        return fp_pack(&result, format);
    result = fp_sqrt(&x, env);
    if (!fp_is_nan(&result) && denormal_operands(x.denormal, env))
        return a;
    fp_round(&result, format, env);
    return fp_pack(&result, format);
}

static enum float_relation compare(uint64_t a, uint64_t b, bool quiet,
                                   const struct fp_format *format, struct float_env *env) {
    struct fp_number x = operand(a, format, env), y = operand(b, format, env), ignored;
    if (nan_operands(&x, &y, &ignored, env)) {
        if (!quiet)
            env->flags |= FLOAT_IE;
        return FLOAT_UNORDERED;
    }
    denormal_operands(x.denormal || y.denormal, env);
    return fp_compare(&x, &y);
}

/* The operand that compares as `wanted` against the second one, else the second one. */
static uint64_t select_operand(uint64_t a, uint64_t b, enum float_relation wanted,
                               const struct fp_format *format, struct float_env *env) {
    uint64_t chosen = compare(a, b, false, format, env) == wanted ? a : b;
    struct fp_number n = operand(chosen, format, env);
    return n.kind == FP_NUMBER_ZERO ? fp_pack(&n, format) : chosen;
}

uint32_t f32_add(uint32_t a, uint32_t b, struct float_env *env) {
    return (uint32_t)binary(a, b, false, fp_add, &fp_format_f32, env);
}

uint32_t f32_sub(uint32_t a, uint32_t b, struct float_env *env) {
    return (uint32_t)binary(a, b, true, fp_add, &fp_format_f32, env);
}

uint32_t f32_mul(uint32_t a, uint32_t b, struct float_env *env) {
    return (uint32_t)binary(a, b, false, fp_mul, &fp_format_f32, env);
}

uint32_t f32_div(uint32_t a, uint32_t b, struct float_env *env) {
    return (uint32_t)binary(a, b, false, fp_div, &fp_format_f32, env);
}

uint32_t f32_sqrt(uint32_t a, struct float_env *env) {
    return (uint32_t)square_root(a, &fp_format_f32, env);
}

uint32_t f32_min(uint32_t a, uint32_t b, struct float_env *env) {
    return (uint32_t)select_operand(a, b, FLOAT_LESS, &fp_format_f32, env);
}

uint32_t f32_max(uint32_t a, uint32_t b, struct float_env *env) {
    return (uint32_t)select_operand(a, b, FLOAT_GREATER, &fp_format_f32, env);
}

enum float_relation f32_compare(uint32_t a, uint32_t b, bool quiet, struct float_env *env) {
    return compare(a, b, quiet, &fp_format_f32, env);
}

uint64_t f64_add(uint64_t a, uint64_t b, struct float_env *env) {
    return binary(a, b, false, fp_add, &fp_format_f64, env);
}

uint64_t f64_sub(uint64_t a, uint64_t b, struct float_env *env) {
    return binary(a, b, true, fp_add, &fp_format_f64, env);
}

uint64_t f64_mul(uint64_t a, uint64_t b, struct float_env *env) {
    return binary(a, b, false, fp_mul, &fp_format_f64, env);
}

uint64_t f64_div(uint64_t a, uint64_t b, struct float_env *env) {
    return binary(a, b, false, fp_div, &fp_format_f64, env);
}

uint64_t f64_sqrt(uint64_t a, struct float_env *env) {
    return square_root(a, &fp_format_f64, env);
}

uint64_t f64_min(uint64_t a, uint64_t b, struct float_env *env) {
    return select_operand(a, b, FLOAT_LESS, &fp_format_f64, env);
}

uint64_t f64_max(uint64_t a, uint64_t b, struct float_env *env) {
    return select_operand(a, b, FLOAT_GREATER, &fp_format_f64, env);
}

enum float_relation f64_compare(uint64_t a, uint64_t b, bool quiet, struct float_env *env) {
    return compare(a, b, quiet, &fp_format_f64, env);
}
