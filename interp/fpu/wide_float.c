/*
 * Arithmetic with 128-bit significands; see wide_float.h.
 */
#include "interp/fpu/wide_float.h"

struct wide wide_normalise(bool negative, int32_t exponent, struct uint128 significand) {
    if ((significand.hi | significand.lo) == 0)
        return (struct wide){.negative = negative};
    unsigned shift =
        significand.hi ? leading_zeros_64(significand.hi) : 64 + leading_zeros_64(significand.lo);
    significand = shift_left_128(significand, shift);
    return (struct wide){negative, exponent - (int)shift, significand.hi, significand.lo};
}

struct wide wide_from_number(const struct fp_number *n) {
    if (n->kind != FP_NUMBER_FINITE)
        return (struct wide){.negative = n->negative};
    return (struct wide){n->negative, n->exponent, n->hi, n->lo};
}

struct wide wide_from_integer(int64_t value, int exponent) {
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return wide_normalise(value < 0, exponent + 63, (struct uint128){magnitude, 0});
}

/* The exponent difference as a shift count; beyond 128 all counts mean the same. */
static unsigned alignment(struct wide large, struct wide small) {
    int32_t difference = large.exponent - small.exponent;
    return difference > 128 ? 128 : (unsigned)difference;
}

static bool magnitude_less(struct wide a, struct wide b) {
    if (a.exponent != b.exponent)
        return a.exponent < b.exponent;
    return less_128((struct uint128){a.hi, a.lo}, (struct uint128){b.hi, b.lo});
}

struct wide wide_add(struct wide a, struct wide b) {
    if (wide_is_zero(a))
        return b;
    if (wide_is_zero(b))
        return a;
    if (magnitude_less(a, b)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    struct uint128 x = {a.hi, a.lo};
    struct uint128 y = shift_right_jam_128((struct uint128){b.hi, b.lo}, alignment(a, b));
    if (a.negative != b.negative)
        return wide_normalise(a.negative, a.exponent, subtract_128(x, y));
    x = add_128(x, y);
    if (!less_128(x, y))
        return (struct wide){a.negative, a.exponent, x.hi, x.lo};
    x = shift_right_jam_128(x, 1);
    return (struct wide){a.negative, a.exponent + 1, x.hi | F80_INTEGER_BIT, x.lo};
}

struct wide wide_subtract(struct wide a, struct wide b) {
    return wide_add(a, wide_negate(b));
}

struct wide wide_multiply(struct wide a, struct wide b) {
    if (wide_is_zero(a) || wide_is_zero(b))
        return (struct wide){.negative = a.negative != b.negative};
    struct uint128 high = multiply_64(a.hi, b.hi), low = multiply_64(a.lo, b.lo);
    struct uint128 cross1 = multiply_64(a.hi, b.lo), cross2 = multiply_64(a.lo, b.hi);
    struct uint128 middle = add_128(cross1, (struct uint128){0, low.hi});
    struct uint128 sum = add_128(middle, cross2);
    high = add_128(high, (struct uint128){less_128(sum, cross2), sum.hi});
    bool lost = (sum.lo | low.lo) != 0;
    int32_t exponent = a.exponent + b.exponent + 1;
    if (!(high.hi & F80_INTEGER_BIT)) {
        high = shift_left_128(high, 1);
        high.lo |= sum.lo >> 63;
        exponent--;
    }
    return (struct wide){a.negative != b.negative, exponent, high.hi, high.lo | lost};
}

/*
 * The next 64 bits of the quotient *rest / divisor, with *rest < divisor (Knuth, The Art of
 * Computer Programming vol. 2, algorithm D, with two-digit divisors).
 */
static uint64_t divide_word(struct uint128 *rest, struct uint128 divisor) {
    uint64_t digit = ~UINT64_C(0), left = rest->lo + divisor.hi;
    bool is_exact = rest->hi == divisor.hi && left < rest->lo;
    if (rest->hi != divisor.hi)
        digit = divide_128_by_64(rest->hi, rest->lo, divisor.hi, &left);
    while (!is_exact && less_128((struct uint128){left, 0}, multiply_64(digit, divisor.lo))) {
        digit--;
        left += divisor.hi;
        is_exact = left < divisor.hi;
    }
    struct uint128 product = multiply_64(digit, divisor.lo);
    product.hi += digit * divisor.hi;
    *rest = subtract_128((struct uint128){rest->lo, 0}, product);
    return digit;
}

struct wide wide_divide(struct wide a, struct wide b) {
    bool negative = a.negative != b.negative;
    if (wide_is_zero(a))
        return (struct wide){.negative = negative};
    struct uint128 rest = {a.hi, a.lo}, divisor = {b.hi, b.lo}, quotient;
    int32_t exponent = a.exponent - b.exponent;
    bool has_integer_bit = !less_128(rest, divisor);
    if (has_integer_bit)
        rest = subtract_128(rest, divisor);
    quotient.hi = divide_word(&rest, divisor);
    quotient.lo = divide_word(&rest, divisor);
    if (has_integer_bit) {
        quotient = shift_right_jam_128(quotient, 1);
        quotient.hi |= F80_INTEGER_BIT;
    } else {
        exponent--;
    }
    bool lost = (rest.hi | rest.lo) != 0;
    return (struct wide){negative, exponent, quotient.hi, quotient.lo | lost};
}

struct wide wide_polynomial(struct wide x, const struct wide *coefficients, unsigned count) {
    struct wide sum = coefficients[count - 1];
    for (unsigned i = count - 1; i > 0; i--)
        sum = wide_add(coefficients[i - 1], wide_multiply(sum, x));
    return sum;
}

struct fp_number wide_to_number(struct wide a) {
    if (wide_is_zero(a))
        return fp_zero(a.negative);
    return (struct fp_number){.kind = FP_NUMBER_FINITE,
                              .negative = a.negative,
                              .exponent = a.exponent,
                              .hi = a.hi,
                              .lo = a.lo};
}

struct float80 wide_round_f80(struct wide a, struct float_env *env) {
    struct fp_number n = wide_to_number(a);
    fp_round(&n, &fp_format_f80, env);
    if (!wide_is_zero(a))
        env->flags |= FLOAT_PE;
    if (n.kind == FP_NUMBER_FINITE && !(n.hi & F80_INTEGER_BIT))
        env->flags |= FLOAT_UE;
    return fp_pack_f80(&n);
}
