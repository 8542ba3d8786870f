/*
 * FSIN, FCOS, FPTAN and FPATAN in 128-bit arithmetic, rounded once.
 *
 * The argument of the first three is reduced by a pi of 66 significant bits, as x87 hardware does;
 * programs see this in sin(pi). FPATAN has no reduction and uses pi at full precision.
 *
 * Source: SDM vol. 1, "Approximation of Pi"; vol. 2, the instructions' tables of special operands.
 */
#include "interp/fpu/softfloat.h"

#include "interp/fpu/wide_constants.h"
#include "softmmu/base/bits.h"

#include <stddef.h>

/* pi/2 with 66 significant bits, in units of 2^-65; half of it; and 2/pi in units of 2^-64. */
static const struct uint128 half_pi_66 = {3, UINT64_C(0x243f6a8885a308d3)};
static const struct uint128 quarter_pi_66 = {1, UINT64_C(0x921fb54442d18469)};
static const uint64_t two_over_pi = UINT64_C(0xa2f9836e4e441529);

static bool is_negative(struct uint128 a) {
    return a.hi >> 63;
}

/* Magnitude of x as quadrant * pi/2 + the returned rest, |rest| <= pi/4; 0 < x < 2^63. The quotient
   is good to a unit or two of 64 bits, and the rest says how far it is off. */
static inline struct wide reduce(struct wide x, unsigned *quadrant) {
    *quadrant = 0;
    x.negative = false;
    if (x.exponent < -1)
        return x;
    uint64_t product = multiply_64(x.hi, two_over_pi).hi, quotient = product >> 63;
    if (x.exponent >= 0)
        quotient = (product + (UINT64_C(1) << (62 - x.exponent))) >> (63 - x.exponent);
    struct uint128 multiple = multiply_64(quotient, half_pi_66.lo);
    multiple.hi += quotient * half_pi_66.hi;
    struct uint128 rest = shift_left_128((struct uint128){0, x.hi}, (unsigned)x.exponent + 2);
    rest = subtract_128(rest, multiple);
    while (!is_negative(rest) && less_128(quarter_pi_66, rest)) {
        rest = subtract_128(rest, half_pi_66);
        quotient++;
    }
    while (is_negative(rest) && is_negative(add_128(rest, quarter_pi_66))) {
        rest = add_128(rest, half_pi_66);
        quotient--;
    }
    *quadrant = (unsigned)quotient;
    bool negative = is_negative(rest);
    if (negative)
        rest = subtract_128((struct uint128){0, 0}, rest);
    return wide_normalise(negative, 127 - 65, rest);
}

static struct wide sine_of(struct wide r) {
    struct uint128 series = wide_series(wide_fixed_square(r), true, wide_sin_coefficients,
                                        ARRAY_SIZE(wide_sin_coefficients));
    return wide_multiply_series(r, series);
}

static struct wide cosine_of(struct wide r) {
    return wide_normalise(false, 0,
                          wide_series(wide_fixed_square(r), true, wide_cos_coefficients,
                                      ARRAY_SIZE(wide_cos_coefficients)));
}

enum operand_outcome { OPERAND_FINITE, OPERAND_SETTLED, OPERAND_TOO_LARGE };

/* Operands that are not finite numbers other than zero below 2^63. */
static enum operand_outcome classify(struct float80 a, struct fp_number *x, struct float80 *result,
                                     struct float_env *env) {
    struct fp_number special;
    *x = fp_unpack_f80(a);
    *result = a;
    if (fp_x87_nan(x, NULL, &special, env)) {
        *result = fp_pack_f80(&special);
        return OPERAND_SETTLED;
    }
    if (x->kind == FP_NUMBER_INFINITY) {
        special = fp_invalid(env);
        *result = fp_pack_f80(&special);
        return OPERAND_SETTLED;
    }
    if (fp_x87_denormal(x, NULL, env) || x->kind == FP_NUMBER_ZERO)
        return OPERAND_SETTLED;
    return x->exponent >= 63 ? OPERAND_TOO_LARGE : OPERAND_FINITE;
}

/* The sine of quadrant * pi/2 + rest. Which of both series it is nobody can predict, so that is no
   branch. */
static inline struct wide sine_in_quadrant(struct wide rest, unsigned quadrant) {
    bool is_cosine = quadrant & 1;
    const struct wide *const coefficients[2] = {wide_sin_coefficients, wide_cos_coefficients};
    _Static_assert(ARRAY_SIZE(wide_sin_coefficients) == ARRAY_SIZE(wide_cos_coefficients),
                   "series of one length");
    struct uint128 series = wide_series(wide_fixed_square(rest), true, coefficients[is_cosine],
                                        ARRAY_SIZE(wide_sin_coefficients));
    struct wide factor = {
        .negative = (!is_cosine && rest.negative) != (quadrant >> 1 & 1),
        .exponent = is_cosine ? 0 : rest.exponent,
        .hi = is_cosine ? F80_INTEGER_BIT : rest.hi,
        .lo = is_cosine ? 0 : rest.lo,
    };
    return wide_multiply_series(factor, series);
}

bool f80_sincos(struct float80 a, struct float80 *sine, struct float80 *cosine,
                struct float_env *env) {
    struct fp_number x;
    enum operand_outcome outcome = classify(a, &x, sine, env);
    if (outcome != OPERAND_FINITE) {
        *cosine = x.kind == FP_NUMBER_ZERO ? F80_ONE : *sine;
        return outcome == OPERAND_SETTLED;
    }
    unsigned quadrant;
    struct wide rest = reduce(wide_from_number(&x), &quadrant);
    struct wide value = sine_in_quadrant(rest, quadrant);
    value.negative ^= x.negative;
    *cosine = wide_round_f80(sine_in_quadrant(rest, quadrant + 1), env);
    *sine = wide_round_f80(value, env);
    return true;
}

bool f80_sin(struct float80 a, struct float80 *sine, struct float_env *env) {
    struct fp_number x;
    enum operand_outcome outcome = classify(a, &x, sine, env);
    if (outcome != OPERAND_FINITE)
        return outcome == OPERAND_SETTLED;
    unsigned quadrant;
    struct wide rest = reduce(wide_from_number(&x), &quadrant);
    struct wide value = sine_in_quadrant(rest, quadrant);
    value.negative ^= x.negative;
    *sine = wide_round_f80(value, env);
    return true;
}

bool f80_cos(struct float80 a, struct float80 *cosine, struct float_env *env) {
    struct fp_number x;
    enum operand_outcome outcome = classify(a, &x, cosine, env);
    if (x.kind == FP_NUMBER_ZERO)
        *cosine = F80_ONE;
    if (outcome != OPERAND_FINITE)
        return outcome == OPERAND_SETTLED;
    unsigned quadrant;
    struct wide rest = reduce(wide_from_number(&x), &quadrant);
    *cosine = wide_round_f80(sine_in_quadrant(rest, quadrant + 1), env);
    return true;
}

bool f80_tan(struct float80 a, struct float80 *tangent, struct float_env *env) {
    struct fp_number x;
    enum operand_outcome outcome = classify(a, &x, tangent, env);
    if (outcome != OPERAND_FINITE)
        return outcome == OPERAND_SETTLED;
    unsigned quadrant;
    struct wide rest = reduce(wide_from_number(&x), &quadrant);
    struct wide sine = sine_of(rest), cosine = cosine_of(rest);
    struct wide value =
        quadrant & 1 ? wide_negate(wide_divide(cosine, sine)) : wide_divide(sine, cosine);
    value.negative ^= x.negative;
    *tangent = wide_round_f80(value, env);
    return true;
}

/* atan(t) for t in [0, 1]. */
static struct wide arctan_of(struct wide t) {
    struct fp_number scaled = wide_to_number(wide_scale(t, 4));
    bool inexact, up;
    unsigned sixteenths = 0;
    if (!wide_is_zero(t) && scaled.exponent >= -1)
        sixteenths = (unsigned)fp_integer(&scaled, FLOAT_ROUND_NEAREST, &inexact, &up);
    if (sixteenths != 0) {
        struct wide near = wide_from_integer(sixteenths, -4);
        t = wide_divide(wide_subtract(t, near),
                        wide_add(wide_from_integer(1, 0), wide_multiply(t, near)));
    }
    struct wide value =
        wide_multiply_series(t, wide_series(wide_fixed_square(t), true, wide_atan_coefficients,
                                            ARRAY_SIZE(wide_atan_coefficients)));
    return wide_add(wide_atan_sixteenths[sixteenths], value);
}

/* The angle of (x, y) in [0, pi] for y >= 0, from magnitudes; neither is infinite nor are both 0.
 */
static struct wide angle_of(struct wide y, struct wide x, bool x_is_negative) {
    y.negative = x.negative = false;
    bool is_steep = wide_is_zero(x) || (!wide_is_zero(y) && !wide_subtract(y, x).negative);
    struct wide angle = arctan_of(is_steep ? wide_divide(x, y) : wide_divide(y, x));
    if (is_steep) {
        struct wide quarter = wide_scale(wide_pi, -1);
        return x_is_negative ? wide_add(quarter, angle) : wide_subtract(quarter, angle);
    }
    return x_is_negative ? wide_subtract(wide_pi, angle) : angle;
}

/* Both infinite count as both one, and one infinite makes the other one zero. */
static void replace_infinities(struct fp_number *y, struct fp_number *x) {
    bool y_infinite = y->kind == FP_NUMBER_INFINITY, x_infinite = x->kind == FP_NUMBER_INFINITY;
    if (!y_infinite && !x_infinite)
        return;
    y->kind = y_infinite ? FP_NUMBER_FINITE : FP_NUMBER_ZERO;
    x->kind = x_infinite ? FP_NUMBER_FINITE : FP_NUMBER_ZERO;
    y->exponent = x->exponent = 0;
    y->hi = x->hi = F80_INTEGER_BIT;
}

struct float80 f80_arctan(struct float80 y, struct float80 x, struct float_env *env) {
    struct fp_number a = fp_unpack_f80(y), b = fp_unpack_f80(x), result;
    if (fp_x87_nan(&b, &a, &result, env))
        return fp_pack_f80(&result);
    if (fp_x87_denormal(&a, &b, env))
        return y;
    replace_infinities(&a, &b);
    if (a.kind == FP_NUMBER_ZERO && b.kind == FP_NUMBER_ZERO) {
        b.kind = FP_NUMBER_FINITE;
        b.hi = F80_INTEGER_BIT;
    }
    struct wide angle = angle_of(wide_from_number(&a), wide_from_number(&b), b.negative);
    angle.negative = a.negative;
    return wide_round_f80(angle, env);
}
