/*
 * The x87's basic operations on 80-bit numbers: + - * / sqrt under precision control, and
 * FRNDINT, FSCALE, FXTRACT and the comparisons, which ignore it.
 *
 * Source: SDM vol. 2, the instructions' tables of special operands; corners measured on hardware.
 */
#include "interp/fpu/unpacked.h"

#include <stddef.h>

typedef struct fp_number (*binary_operation)(const struct fp_number *a, const struct fp_number *b,
                                             struct float_env *env);

/* What an operation leaves behind goes through DE, unless IE or ZE settled it, and rounding. */
static struct float80 finish(struct fp_number *n, const struct fp_number *a,
                             const struct fp_number *b, uint8_t flags_before,
                             struct float_env *env) {
    bool is_settled = env->flags != 0;
    env->flags |= flags_before;
    if (is_settled)
        env->denormal_operand = false;
    else if (fp_x87_denormal(a, b, env))
        return fp_pack_f80(a);
    fp_round(n, fp_format_f80_of(env), env);
    return fp_pack_f80(n);
}

static struct float80 binary(struct float80 a, struct float80 b, bool negate_b,
                             binary_operation operation, struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), y = fp_unpack_f80(b), result;
    if (fp_x87_nan(&x, &y, &result, env))
        return fp_pack_f80(&result);
    y.negative ^= negate_b;
    uint8_t flags_before = env->flags;
    env->flags = 0;
    result = operation(&x, &y, env);
    return finish(&result, &x, &y, flags_before, env);
}

struct float80 f80_add(struct float80 a, struct float80 b, struct float_env *env) {
    return binary(a, b, false, fp_add, env);
}

struct float80 f80_sub(struct float80 a, struct float80 b, struct float_env *env) {
    return binary(a, b, true, fp_add, env);
}

struct float80 f80_mul(struct float80 a, struct float80 b, struct float_env *env) {
    return binary(a, b, false, fp_mul, env);
}

struct float80 f80_div(struct float80 a, struct float80 b, struct float_env *env) {
    return binary(a, b, false, fp_div, env);
}

struct float80 f80_sqrt(struct float80 a, struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), result;
    if (fp_x87_nan(&x, NULL, &result, env))
        return fp_pack_f80(&result);
    uint8_t flags_before = env->flags;
    env->flags = 0;
    result = fp_sqrt(&x, env);
    return finish(&result, &x, NULL, flags_before, env);
}

struct float80 f80_round_to_integral(struct float80 a, struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), result;
    if (fp_x87_nan(&x, NULL, &result, env))
        return fp_pack_f80(&result);
    if (fp_x87_denormal(&x, NULL, env) || x.kind != FP_NUMBER_FINITE || x.exponent >= 63)
        return a;
    bool inexact;
    uint64_t magnitude = fp_integer(&x, env->rounding, &inexact, &env->rounded_up);
    if (inexact)
        env->flags |= FLOAT_PE;
    if (magnitude == 0) {
        result = fp_zero(x.negative);
    } else {
        unsigned shift = leading_zeros_64(magnitude);
        result = (struct fp_number){.kind = FP_NUMBER_FINITE,
                                    .negative = x.negative,
                                    .exponent = 63 - (int)shift,
                                    .hi = magnitude << shift};
    }
    return fp_pack_f80(&result);
}

/* trunc(n), limited to what drives any exponent out of its range. */
static int32_t scale_count(const struct fp_number *n) {
    const int32_t limit = 0x10000;
    if (n->kind == FP_NUMBER_ZERO || n->exponent < 0)
        return 0;
    int32_t magnitude = n->exponent >= 16 ? limit : (int32_t)(n->hi >> (63 - n->exponent));
    return n->negative ? -magnitude : magnitude;
}

struct float80 f80_scale(struct float80 a, struct float80 b, struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), y = fp_unpack_f80(b), result;
    if (fp_x87_nan(&x, &y, &result, env))
        return fp_pack_f80(&result);
    if (y.kind == FP_NUMBER_INFINITY) {
        if (x.kind == (y.negative ? FP_NUMBER_INFINITY : FP_NUMBER_ZERO))
            result = fp_invalid(env);
        else if (fp_x87_denormal(&x, NULL, env))
            return a;
        else
            result = y.negative ? fp_zero(x.negative) : fp_infinity(x.negative);
        return fp_pack_f80(&result);
    }
    if (fp_x87_denormal(&x, &y, env) || x.kind != FP_NUMBER_FINITE)
        return a;
    x.exponent += scale_count(&y);
    fp_round(&x, &fp_format_f80, env);
    return fp_pack_f80(&x);
}

struct float80 f80_extract(struct float80 a, struct float80 *exponent, struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), result;
    if (fp_x87_nan(&x, NULL, &result, env)) {
        *exponent = fp_pack_f80(&result);
        return *exponent;
    }
    if (x.kind == FP_NUMBER_FINITE) {
        fp_x87_denormal(&x, NULL, env);
        *exponent = f80_from_i64(x.exponent);
        x.exponent = 0;
        return fp_pack_f80(&x);
    }
    result = fp_infinity(x.kind == FP_NUMBER_ZERO);
    *exponent = fp_pack_f80(&result);
    if (x.kind == FP_NUMBER_ZERO)
        env->flags |= FLOAT_ZE;
    return a;
}

enum float_relation f80_compare(struct float80 a, struct float80 b, bool quiet,
                                struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), y = fp_unpack_f80(b), ignored;
    if (fp_x87_nan(&x, &y, &ignored, env)) {
        if (!quiet)
            env->flags |= FLOAT_IE;
        return FLOAT_UNORDERED;
    }
    fp_x87_denormal(&x, &y, env);
    return fp_compare(&x, &y);
}
