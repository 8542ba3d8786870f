/*
 * Arithmetic with 128-bit significands; see wide_float.h.
 */
#include "interp/fpu/wide_float.h"

/* Steps of a series in 128 bits. */
#define WIDE_STEPS 4

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

/*
 * A significand counts in units of its coefficient's last bit. A term's weight falls with each
 * step, so all but the first few need no more than 64 bits.
 */
struct uint128 wide_series(struct uint128 x, bool alternates, const struct wide *coefficients,
                           unsigned count) {
    unsigned i = count - 1;
    uint64_t tail = coefficients[i].hi;
    for (; i > WIDE_STEPS; i--) {
        int shift = coefficients[i - 1].exponent - coefficients[i].exponent;
        uint64_t term = multiply_64(tail, x.hi).hi >> shift;
        tail = alternates ? coefficients[i - 1].hi - term : coefficients[i - 1].hi + term;
    }
    struct uint128 sum = {tail, 0};
    for (; i > 0; i--) {
        int shift = coefficients[i - 1].exponent - coefficients[i].exponent;
        struct uint128 next = {coefficients[i - 1].hi, coefficients[i - 1].lo};
        struct uint128 term = multiply_high_128(sum, x);
        term.lo = term.hi << 1 << (63 - shift) | term.lo >> shift;
        term.hi >>= shift;
        if (i == 1)
            term.lo |= (x.hi | x.lo) != 0;
        sum = alternates ? subtract_128(next, term) : add_128(next, term);
    }
    return sum;
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
