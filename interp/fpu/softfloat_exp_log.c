/*
 * F2XM1, FYL2X and FYL2XP1 in 128-bit arithmetic, rounded once.
 *
 * Source: SDM vol. 2, the instructions' tables of special operands; results outside the documented
 * ranges were measured on hardware.
 */
#include "interp/fpu/softfloat.h"

#include "interp/fpu/wide_constants.h"
#include "softmmu/base/bits.h"

#include <stddef.h>

/* 2^x - 1 for finite x in [-1, 1]. */
static struct wide exp2_minus_1(struct wide x) {
    /* The nearest multiple of 1/16 comes from a table, the rest is at most 1/32. */
    struct fp_number scaled = wide_to_number(wide_scale(x, 4));
    bool inexact, up;
    int sixteenths = 0;
    if (!wide_is_zero(x) && scaled.exponent >= -1)
        sixteenths = (int)fp_integer(&scaled, FLOAT_ROUND_NEAREST, &inexact, &up);
    if (x.negative)
        sixteenths = -sixteenths;
    struct wide rest = wide_subtract(x, wide_from_integer(sixteenths, -4));
    struct wide y = wide_multiply(rest, wide_ln2);
    struct wide small =
        wide_multiply_series(y, wide_series(wide_fixed(y), y.negative, wide_expm1_coefficients,
                                            ARRAY_SIZE(wide_expm1_coefficients)));
    if (sixteenths == 0)
        return small;
    struct wide power_minus_1 = wide_exp2m1_sixteenths[sixteenths + 16];
    struct wide power = wide_add(power_minus_1, wide_from_integer(1, 0));
    return wide_add(power_minus_1, wide_multiply(power, small));
}

struct float80 f80_exp2_minus_1(struct float80 a, struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), result;
    if (fp_x87_nan(&x, NULL, &result, env))
        return fp_pack_f80(&result);
    if (fp_x87_denormal(&x, NULL, env) || x.kind == FP_NUMBER_ZERO)
        return a;
    if (x.kind == FP_NUMBER_INFINITY)
        return x.negative ? f80_negate(F80_ONE) : a;
    bool is_one = x.exponent == 0 && x.hi == F80_INTEGER_BIT;
    if (x.exponent >= 0 && !is_one) {
        env->flags |= FLOAT_PE;
        return a;
    }
    return wide_round_f80(exp2_minus_1(wide_from_number(&x)), env);
}

/* log2((1 + z) / (1 - z)) for |z| < 0.18. */
static struct wide log2_ratio(struct wide z) {
    struct uint128 series = wide_series(wide_fixed_square(z), false, wide_atanh_coefficients,
                                        ARRAY_SIZE(wide_atanh_coefficients));
    return wide_scale(wide_multiply(wide_multiply_series(z, series), wide_log2e), 1);
}

/* log2(x) for positive x. */
static struct wide log2_of(struct wide x) {
    const uint64_t square_root_of_2 = UINT64_C(0xb504f333f9de6484);
    int32_t exponent = x.exponent + (x.hi > square_root_of_2);
    struct wide mantissa = wide_scale(x, -exponent), one = wide_from_integer(1, 0);
    struct wide z = wide_divide(wide_subtract(mantissa, one), wide_add(mantissa, one));
    return wide_add(wide_from_integer(exponent, 0), log2_ratio(z));
}

/* Operands that leave nothing to compute: x is log2's argument, y the factor. */
static bool log2_special(const struct fp_number *y, const struct fp_number *x,
                         struct fp_number *result, struct float_env *env) {
    bool x_is_one = x->kind == FP_NUMBER_FINITE && x->exponent == 0 && x->hi == F80_INTEGER_BIT;
    bool log_is_negative =
        x->kind == FP_NUMBER_ZERO || (x->kind == FP_NUMBER_FINITE && x->exponent < 0);
    bool negative = y->negative != log_is_negative;
    if (x->negative && x->kind != FP_NUMBER_ZERO) {
        *result = fp_invalid(env);
        return true;
    }
    if (x->kind == FP_NUMBER_ZERO && y->kind == FP_NUMBER_FINITE) {
        env->flags |= FLOAT_ZE;
        *result = fp_infinity(negative);
        return true;
    }
    bool log_is_infinite = x->kind == FP_NUMBER_INFINITY || x->kind == FP_NUMBER_ZERO;
    if ((log_is_infinite && y->kind == FP_NUMBER_ZERO) ||
        (x_is_one && y->kind == FP_NUMBER_INFINITY)) {
        *result = fp_invalid(env);
        return true;
    }
    if (fp_x87_denormal(x, y, env)) {
        *result = *y;
        return true;
    }
    if (log_is_infinite || y->kind == FP_NUMBER_INFINITY) {
        *result = fp_infinity(negative);
        return true;
    }
    *result = fp_zero(negative);
    return x_is_one || y->kind == FP_NUMBER_ZERO;
}

struct float80 f80_y_log2_x(struct float80 y, struct float80 x, struct float_env *env) {
    struct fp_number argument = fp_unpack_f80(x), factor = fp_unpack_f80(y), result;
    if (fp_x87_nan(&argument, &factor, &result, env) ||
        log2_special(&factor, &argument, &result, env))
        return fp_pack_f80(&result);
    struct wide logarithm = log2_of(wide_from_number(&argument));
    return wide_round_f80(wide_multiply(wide_from_number(&factor), logarithm), env);
}

/* log2(1 + x) for finite x > -1. */
static struct wide log2_plus_1(struct wide x) {
    /* Near 0 the sum 1 + x would lose x's last bits; the ratio x / (2 + x) does not. */
    if (x.exponent < -2)
        return log2_ratio(wide_divide(x, wide_add(wide_from_integer(2, 0), x)));
    return log2_of(wide_add(wide_from_integer(1, 0), x));
}

struct float80 f80_y_log2_x_plus_1(struct float80 y, struct float80 x, struct float_env *env) {
    struct fp_number argument = fp_unpack_f80(x), factor = fp_unpack_f80(y), result;
    if (fp_x87_nan(&argument, &factor, &result, env))
        return fp_pack_f80(&result);
    bool is_invalid = argument.kind == FP_NUMBER_INFINITY
                          ? argument.negative || factor.kind == FP_NUMBER_ZERO
                          : argument.kind == FP_NUMBER_ZERO && factor.kind == FP_NUMBER_INFINITY;
    if (is_invalid) {
        result = fp_invalid(env);
        return fp_pack_f80(&result);
    }
    if (fp_x87_denormal(&argument, &factor, env))
        return x;
    if (argument.kind != FP_NUMBER_FINITE || factor.kind != FP_NUMBER_FINITE) {
        result = fp_mul(&argument, &factor, env);
        return fp_pack_f80(&result);
    }
    if (argument.negative && argument.exponent >= 0) {
        env->flags |= FLOAT_PE;
        return x;
    }
    struct wide logarithm = log2_plus_1(wide_from_number(&argument));
    return wide_round_f80(wide_multiply(wide_from_number(&factor), logarithm), env);
}
