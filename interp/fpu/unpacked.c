/*
 * Unpacking, rounding and packing of the binary floating-point formats, and the arithmetic core
 * on unpacked numbers. Rounding is the one place that raises overflow, underflow and inexact.
 *
 * Source: SDM vol. 1, "Rounding", "Numeric Overflow Exception (#O)" and "Numeric Underflow
 * Exception (#U)".
 */
#include "interp/fpu/unpacked.h"

#include <stddef.h>

#define TOP_BIT  UINT64_C(0x8000000000000000)
#define WRAP_X87 24576

const struct fp_format fp_format_f32 = {24, -126, 127, 0};
const struct fp_format fp_format_f64 = {53, -1022, 1023, 0};
const struct fp_format fp_format_f80 = {64, -16382, 16383, WRAP_X87};

/* Precision control shortens the significand; the exponent keeps its 15 bits. */
static const struct fp_format f80_rounded_to_24 = {24, -16382, 16383, WRAP_X87};
static const struct fp_format f80_rounded_to_53 = {53, -16382, 16383, WRAP_X87};

const struct fp_format *fp_format_f80_of(const struct float_env *env) {
    switch (env->precision) {
    case 24:
        return &f80_rounded_to_24;
    case 53:
        return &f80_rounded_to_53;
    default:
        return &fp_format_f80;
    }
}

/* A denormal: `significand` with its integer bit in bit 63, at the smallest exponent. */
static void set_denormal(struct fp_number *n, uint64_t significand, int min_exponent) {
    if (significand == 0) {
        n->kind = FP_NUMBER_ZERO;
        return;
    }
    unsigned shift = leading_zeros_64(significand);
    n->kind = FP_NUMBER_FINITE;
    n->denormal = true;
    n->exponent = min_exponent - (int)shift;
    n->hi = significand << shift;
}

static void set_nan(struct fp_number *n, uint64_t significand) {
    n->kind = significand & F80_QUIET_BIT ? FP_NUMBER_QUIET_NAN : FP_NUMBER_SIGNALLING_NAN;
    n->hi = significand | F80_INTEGER_BIT;
}

struct fp_number fp_unpack_f80(struct float80 a) {
    struct fp_number n = {.negative = (a.sign_exponent & F80_SIGN_BIT) != 0};
    unsigned field = a.sign_exponent & F80_EXPONENT_MASK;
    if (field == 0) {
        set_denormal(&n, a.significand, fp_format_f80.min_exponent);
    } else if (!(a.significand & F80_INTEGER_BIT)) {
        n.kind = FP_NUMBER_UNSUPPORTED;
    } else if (field != F80_EXPONENT_MASK) {
        n.kind = FP_NUMBER_FINITE;
        n.exponent = (int)field - F80_BIAS;
        n.hi = a.significand;
    } else if (a.significand == F80_INTEGER_BIT) {
        n.kind = FP_NUMBER_INFINITY;
    } else {
        set_nan(&n, a.significand);
    }
    return n;
}

struct fp_number fp_unpack(uint64_t bits, const struct fp_format *format) {
    unsigned fraction_bits = format->precision - 1u;
    unsigned field_max = (unsigned)format->max_exponent * 2 + 1;
    unsigned field = (unsigned)(bits >> fraction_bits) & field_max;
    uint64_t fraction = (bits << (64 - fraction_bits)) >> 1;
    struct fp_number n = {.negative = ((bits >> fraction_bits) & (field_max + 1)) != 0};
    if (field == 0) {
        set_denormal(&n, fraction, format->min_exponent);
    } else if (field != field_max) {
        n.kind = FP_NUMBER_FINITE;
        n.exponent = (int)field - format->max_exponent;
        n.hi = fraction | F80_INTEGER_BIT;
    } else if (fraction == 0) {
        n.kind = FP_NUMBER_INFINITY;
    } else {
        set_nan(&n, fraction);
    }
    return n;
}

static bool rounds_away(enum float_rounding rounding, bool negative, bool odd, uint64_t rest) {
    switch (rounding) {
    case FLOAT_ROUND_NEAREST:
        return rest > TOP_BIT || (rest == TOP_BIT && odd);
    case FLOAT_ROUND_DOWN:
        return negative && rest != 0;
    case FLOAT_ROUND_UP:
        return !negative && rest != 0;
    default:
        return false;
    }
}

/* Keep the top `precision` bits of n. Returns true when that was inexact. */
static bool round_significand(struct fp_number *n, unsigned precision, enum float_rounding rounding,
                              bool *up) {
    uint64_t unit = UINT64_C(1) << (64 - precision);
    uint64_t rest = n->lo;
    if (precision < 64)
        rest = n->hi << precision | (n->lo != 0);
    *up = rounds_away(rounding, n->negative, (n->hi & unit) != 0, rest);
    n->hi &= ~(unit - 1);
    n->lo = 0;
    if (*up) {
        n->hi += unit;
        if (n->hi == 0) {
            n->hi = F80_INTEGER_BIT;
            n->exponent++;
        }
    }
    return rest != 0;
}

/* n is rounded and its exponent is too large. */
static void overflow(struct fp_number *n, const struct fp_format *format, bool inexact,
                     struct float_env *env) {
    env->flags |= FLOAT_OE;
    if (!(env->masked & FLOAT_OE)) {
        env->flags |= inexact ? FLOAT_PE : 0;
        n->exponent -= format->wrap;
        /* Only FSCALE gets here: too large even for the wrapped exponent. */
        if (n->exponent > format->max_exponent && format->wrap) {
            env->flags |= FLOAT_PE;
            env->rounded_up = true;
            *n = fp_infinity(n->negative);
        }
        return;
    }
    env->flags |= FLOAT_PE;
    if (rounds_away(env->rounding, n->negative, true, TOP_BIT)) {
        env->rounded_up = true;
        *n = fp_infinity(n->negative);
    } else {
        env->rounded_up = false;
        n->hi = ~UINT64_C(0) << (64 - format->precision);
        n->exponent = format->max_exponent;
    }
}

/* n is below the smallest normal number, before rounding. */
static void round_small(struct fp_number *n, const struct fp_format *format,
                        struct float_env *env) {
    /* x86 detects tininess after rounding, as if the exponent had no lower bound. */
    struct fp_number unbounded = *n;
    bool up;
    bool inexact = round_significand(&unbounded, format->precision, env->rounding, &up);
    bool tiny = unbounded.exponent < format->min_exponent;
    if (tiny && !(env->masked & FLOAT_UE)) {
        env->flags |= FLOAT_UE | (inexact ? FLOAT_PE : 0);
        env->rounded_up = up;
        *n = unbounded;
        n->exponent += format->wrap;
        if (n->exponent < format->min_exponent && format->wrap) {
            env->flags |= FLOAT_PE;
            env->rounded_up = false;
            *n = fp_zero(n->negative);
        }
        return;
    }
    if (tiny && env->flush_to_zero) {
        env->flags |= FLOAT_UE | FLOAT_PE;
        *n = fp_zero(n->negative);
        return;
    }
    struct uint128 significand = shift_right_jam_128(
        (struct uint128){n->hi, n->lo}, (unsigned)(format->min_exponent - n->exponent));
    n->hi = significand.hi;
    n->lo = significand.lo;
    n->exponent = format->min_exponent;
    if (round_significand(n, format->precision, env->rounding, &env->rounded_up))
        env->flags |= FLOAT_PE | (tiny ? FLOAT_UE : 0);
    if (n->hi == 0)
        n->kind = FP_NUMBER_ZERO;
}

void fp_round(struct fp_number *n, const struct fp_format *format, struct float_env *env) {
    env->rounded_up = false;
    if (n->kind != FP_NUMBER_FINITE)
        return;
    if (n->exponent < format->min_exponent) {
        round_small(n, format, env);
        return;
    }
    bool inexact = round_significand(n, format->precision, env->rounding, &env->rounded_up);
    if (n->exponent > format->max_exponent)
        overflow(n, format, inexact, env);
    else if (inexact)
        env->flags |= FLOAT_PE;
}

struct float80 fp_pack_f80(const struct fp_number *n) {
    struct float80 a = {0, n->negative ? F80_SIGN_BIT : 0};
    switch (n->kind) {
    case FP_NUMBER_ZERO:
        break;
    case FP_NUMBER_FINITE:
        a.significand = n->hi;
        if (n->hi & F80_INTEGER_BIT)
            a.sign_exponent |= (uint16_t)(n->exponent + F80_BIAS);
        break;
    case FP_NUMBER_INFINITY:
        a.significand = F80_INTEGER_BIT;
        a.sign_exponent |= F80_EXPONENT_MASK;
        break;
    default:
        a.significand = n->hi;
        a.sign_exponent |= F80_EXPONENT_MASK;
        break;
    }
    return a;
}

uint64_t fp_pack(const struct fp_number *n, const struct fp_format *format) {
    unsigned fraction_bits = format->precision - 1u;
    uint64_t field_max = (uint64_t)format->max_exponent * 2 + 1;
    uint64_t field = 0, fraction = 0;
    switch (n->kind) {
    case FP_NUMBER_ZERO:
        break;
    case FP_NUMBER_FINITE:
        if (n->hi & F80_INTEGER_BIT)
            field = (uint64_t)(n->exponent + format->max_exponent) & field_max;
        fraction = n->hi << 1;
        break;
    case FP_NUMBER_INFINITY:
        field = field_max;
        break;
    default:
        field = field_max;
        fraction = n->hi << 1;
        break;
    }
    uint64_t sign = n->negative ? field_max + 1 : 0;
    return (sign | field) << fraction_bits | fraction >> (64 - fraction_bits);
}

uint64_t fp_integer(const struct fp_number *n, enum float_rounding rounding, bool *inexact,
                    bool *up) {
    struct uint128 value =
        shift_right_jam_128((struct uint128){n->hi, n->lo}, (unsigned)(63 - n->exponent));
    *inexact = value.lo != 0;
    *up = rounds_away(rounding, n->negative, value.hi & 1, value.lo);
    return value.hi + *up;
}

static struct fp_number subtract_magnitudes(const struct fp_number *a, const struct fp_number *b,
                                            const struct float_env *env) {
    struct uint128 x = {a->hi, a->lo}, y = {b->hi, b->lo};
    bool swap = a->exponent != b->exponent ? a->exponent < b->exponent : less_128(x, y);
    const struct fp_number *large = swap ? b : a, *small = swap ? a : b;
    if (swap) {
        struct uint128 t = x;
        x = y;
        y = t;
    }
    y = shift_right_jam_128(y, (unsigned)(large->exponent - small->exponent));
    x = subtract_128(x, y);
    if ((x.hi | x.lo) == 0)
        return fp_zero(env->rounding == FLOAT_ROUND_DOWN);
    unsigned shift = x.hi ? leading_zeros_64(x.hi) : 64 + leading_zeros_64(x.lo);
    x = shift_left_128(x, shift);
    return (struct fp_number){.kind = FP_NUMBER_FINITE,
                              .negative = large->negative,
                              .exponent = large->exponent - (int)shift,
                              .hi = x.hi,
                              .lo = x.lo};
}

struct fp_number fp_add_finite(const struct fp_number *a, const struct fp_number *b,
                               const struct float_env *env) {
    if (a->negative != b->negative)
        return subtract_magnitudes(a, b, env);
    const struct fp_number *large = a->exponent < b->exponent ? b : a;
    const struct fp_number *small = large == a ? b : a;
    struct uint128 x = {large->hi, large->lo};
    struct uint128 y = shift_right_jam_128((struct uint128){small->hi, small->lo},
                                           (unsigned)(large->exponent - small->exponent));
    struct fp_number sum = *large;
    sum.denormal = false;
    x = add_128(x, y);
    if (!(x.hi & TOP_BIT) || less_128(x, y)) {
        x = shift_right_jam_128(x, 1);
        x.hi |= TOP_BIT;
        sum.exponent++;
    }
    sum.hi = x.hi;
    sum.lo = x.lo;
    return sum;
}

struct fp_number fp_mul_finite(const struct fp_number *a, const struct fp_number *b) {
    struct uint128 product = multiply_64(a->hi, b->hi);
    struct fp_number n = {.kind = FP_NUMBER_FINITE,
                          .negative = a->negative != b->negative,
                          .exponent = a->exponent + b->exponent + 1};
    if (!(product.hi & TOP_BIT)) {
        product = shift_left_128(product, 1);
        n.exponent--;
    }
    n.hi = product.hi;
    n.lo = product.lo;
    return n;
}

struct fp_number fp_div_finite(const struct fp_number *a, const struct fp_number *b) {
    struct fp_number n = {.kind = FP_NUMBER_FINITE,
                          .negative = a->negative != b->negative,
                          .exponent = a->exponent - b->exponent};
    uint64_t remainder;
    if (a->hi < b->hi) {
        n.exponent--;
        n.hi = divide_128_by_64(a->hi, 0, b->hi, &remainder);
    } else {
        n.hi = divide_128_by_64(a->hi >> 1, a->hi << 63, b->hi, &remainder);
    }
    /* The next quotient bit, and whether anything follows it, is all that rounding needs. */
    bool half = remainder >= b->hi - remainder;
    bool more = remainder != 0 && remainder != b->hi - remainder;
    n.lo = (half ? TOP_BIT : 0) | more;
    return n;
}

struct fp_number fp_sqrt_finite(const struct fp_number *a) {
    /* With the exponent made even, the radicand is hi:lo and its root fills 64 bits. */
    bool odd = (a->exponent & 1) != 0;
    struct uint128 radicand = shift_right_jam_128((struct uint128){a->hi, 0}, odd ? 0 : 1);
    struct uint128 rest = {0, 0};
    uint64_t root = 0;
    for (int step = 0; step < 64; step++) {
        rest = shift_left_128(rest, 2);
        rest.lo |= radicand.hi >> 62;
        radicand = shift_left_128(radicand, 2);
        struct uint128 trial = {root >> 62, root << 2 | 1};
        root <<= 1;
        if (!less_128(rest, trial)) {
            rest = subtract_128(rest, trial);
            root |= 1;
        }
    }
    /* A root is never half-way between two 64-bit numbers; rest > root means above half. */
    bool above_half = less_128((struct uint128){0, root}, rest);
    return (struct fp_number){.kind = FP_NUMBER_FINITE,
                              .exponent = (a->exponent - odd) / 2,
                              .hi = root,
                              .lo = (above_half ? TOP_BIT : 0) | ((rest.hi | rest.lo) != 0)};
}

struct fp_number fp_add(const struct fp_number *a, const struct fp_number *b,
                        struct float_env *env) {
    if (a->kind == FP_NUMBER_INFINITY)
        return b->kind == FP_NUMBER_INFINITY && a->negative != b->negative ? fp_invalid(env) : *a;
    if (b->kind == FP_NUMBER_INFINITY)
        return *b;
    if (a->kind == FP_NUMBER_ZERO && b->kind == FP_NUMBER_ZERO)
        return fp_zero(a->negative == b->negative ? a->negative
                                                  : env->rounding == FLOAT_ROUND_DOWN);
    if (a->kind == FP_NUMBER_ZERO)
        return *b;
    if (b->kind == FP_NUMBER_ZERO)
        return *a;
    return fp_add_finite(a, b, env);
}

struct fp_number fp_mul(const struct fp_number *a, const struct fp_number *b,
                        struct float_env *env) {
    bool negative = a->negative != b->negative;
    bool zero = a->kind == FP_NUMBER_ZERO || b->kind == FP_NUMBER_ZERO;
    if (a->kind == FP_NUMBER_INFINITY || b->kind == FP_NUMBER_INFINITY)
        return zero ? fp_invalid(env) : fp_infinity(negative);
    return zero ? fp_zero(negative) : fp_mul_finite(a, b);
}

struct fp_number fp_div(const struct fp_number *a, const struct fp_number *b,
                        struct float_env *env) {
    bool negative = a->negative != b->negative;
    if (a->kind == FP_NUMBER_INFINITY)
        return b->kind == FP_NUMBER_INFINITY ? fp_invalid(env) : fp_infinity(negative);
    if (b->kind == FP_NUMBER_INFINITY)
        return fp_zero(negative);
    if (b->kind == FP_NUMBER_ZERO) {
        if (a->kind == FP_NUMBER_ZERO)
            return fp_invalid(env);
        env->flags |= FLOAT_ZE;
        return fp_infinity(negative);
    }
    return a->kind == FP_NUMBER_ZERO ? fp_zero(negative) : fp_div_finite(a, b);
}

struct fp_number fp_sqrt(const struct fp_number *a, struct float_env *env) {
    if (a->kind == FP_NUMBER_ZERO)
        return *a;
    if (a->negative)
        return fp_invalid(env);
    return a->kind == FP_NUMBER_INFINITY ? *a : fp_sqrt_finite(a);
}

enum float_relation fp_compare(const struct fp_number *a, const struct fp_number *b) {
    if (a->kind == FP_NUMBER_ZERO && b->kind == FP_NUMBER_ZERO)
        return FLOAT_EQUAL;
    if (a->kind == FP_NUMBER_ZERO)
        return b->negative ? FLOAT_GREATER : FLOAT_LESS;
    if (b->kind == FP_NUMBER_ZERO || a->negative != b->negative)
        return a->negative ? FLOAT_LESS : FLOAT_GREATER;
    bool greater, equal;
    if (a->kind == FP_NUMBER_INFINITY || b->kind == FP_NUMBER_INFINITY) {
        equal = a->kind == b->kind;
        greater = a->kind == FP_NUMBER_INFINITY;
    } else {
        equal = a->exponent == b->exponent && a->hi == b->hi;
        greater = a->exponent != b->exponent ? a->exponent > b->exponent : a->hi > b->hi;
    }
    if (equal)
        return FLOAT_EQUAL;
    return greater != a->negative ? FLOAT_GREATER : FLOAT_LESS;
}

/* SDM vol. 1, "Rules for Handling NaNs": which of two operands an x87 NaN result comes from. */
static const struct fp_number *x87_choose_nan(const struct fp_number *a,
                                              const struct fp_number *b) {
    if (!b || !fp_is_nan(b))
        return a;
    if (!fp_is_nan(a))
        return b;
    if (a->kind != b->kind)
        return a->kind == FP_NUMBER_QUIET_NAN ? a : b;
    if (a->hi != b->hi)
        return a->hi > b->hi ? a : b;
    return a->negative ? b : a;
}

bool fp_x87_nan(const struct fp_number *a, const struct fp_number *b, struct fp_number *result,
                struct float_env *env) {
    env->rounded_up = false;
    if (a->kind == FP_NUMBER_UNSUPPORTED || (b && b->kind == FP_NUMBER_UNSUPPORTED)) {
        env->denormal_operand = false;
        *result = fp_invalid(env);
        return true;
    }
    if (!fp_is_nan(a) && !(b && fp_is_nan(b)))
        return false;
    env->denormal_operand = false;
    if (a->kind == FP_NUMBER_SIGNALLING_NAN || (b && b->kind == FP_NUMBER_SIGNALLING_NAN))
        env->flags |= FLOAT_IE;
    *result = *x87_choose_nan(a, b);
    result->kind = FP_NUMBER_QUIET_NAN;
    result->hi |= F80_QUIET_BIT;
    return true;
}

bool fp_x87_denormal(const struct fp_number *a, const struct fp_number *b, struct float_env *env) {
    bool denormal = a->denormal || (b && b->denormal) || env->denormal_operand;
    env->denormal_operand = false;
    if (!denormal)
        return false;
    env->flags |= FLOAT_DE;
    return !(env->masked & FLOAT_DE);
}
