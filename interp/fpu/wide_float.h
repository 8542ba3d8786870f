/*
 * Floating point with a 128-bit significand, for the transcendental functions. Truncating, with a
 * sticky last bit, so that a term too small to matter still tells which way a result lies.
 * Internal to interp/fpu.
 *
 * value = hi:lo / 2^127 * 2^exponent, bit 63 of hi set; zero has hi = lo = 0.
 */
#ifndef INTERP_FPU_WIDE_FLOAT_H
#define INTERP_FPU_WIDE_FLOAT_H

#include "interp/fpu/unpacked.h"

struct wide {
    bool negative;
    int32_t exponent;
    uint64_t hi;
    uint64_t lo;
};

static inline bool wide_is_zero(struct wide a) {
    return a.hi == 0;
}

static inline struct wide wide_negate(struct wide a) {
    a.negative = !a.negative;
    return a;
}

/** a * 2^count. */
static inline struct wide wide_scale(struct wide a, int count) {
    a.exponent += count;
    return a;
}

/** A finite number or zero, exactly. */
static inline struct wide wide_from_number(const struct fp_number *n) {
    if (n->kind != FP_NUMBER_FINITE)
        return (struct wide){.negative = n->negative};
    return (struct wide){n->negative, n->exponent, n->hi, n->lo};
}

/** value * 2^exponent, exactly. */
struct wide wide_from_integer(int64_t value, int exponent);

/** hi:lo / 2^127 * 2^exponent for any significand, brought into normal form. */
static inline struct wide wide_normalise(bool negative, int32_t exponent,
                                         struct uint128 significand) {
    if ((significand.hi | significand.lo) == 0)
        return (struct wide){.negative = negative};
    unsigned shift =
        significand.hi ? leading_zeros_64(significand.hi) : 64 + leading_zeros_64(significand.lo);
    significand = shift_left_128(significand, shift);
    return (struct wide){negative, exponent - (int)shift, significand.hi, significand.lo};
}

struct wide wide_add(struct wide a, struct wide b);
struct wide wide_subtract(struct wide a, struct wide b);
static inline struct wide wide_multiply(struct wide a, struct wide b) {
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

/** a / b; b is not zero. */
struct wide wide_divide(struct wide a, struct wide b);

/** The magnitude of a, below 1, in units of 2^-128, sticky. */
static inline struct uint128 wide_fixed(struct wide a) {
    return shift_right_jam_128((struct uint128){a.hi, a.lo}, (unsigned)(-1 - a.exponent));
}

/** Its square, some units too small, but not 0 unless a is. */
static inline struct uint128 wide_fixed_square(struct wide a) {
    struct uint128 x = wide_fixed(a);
    struct uint128 square = multiply_high_128(x, x);
    square.lo |= !wide_is_zero(a);
    return square;
}

/**
 * c[0] + x * (c[1] + x * (...)), relative error below 2^-80 for the series in wide_constants.h; in
 * units of 2^-127, for all of these begin with 1.
 *
 * @x           in units of 2^-128
 * @alternates  every second term is subtracted
 */
struct uint128 wide_series(struct uint128 x, bool alternates, const struct wide *coefficients,
                           unsigned count);

/** a * series, which is what wide_series returned. */
static inline struct wide wide_multiply_series(struct wide a, struct uint128 series) {
    return wide_multiply(a, wide_normalise(false, 0, series));
}

/** The number for rounding. */
static inline struct fp_number wide_to_number(struct wide a) {
    if (wide_is_zero(a))
        return fp_zero(a.negative);
    return (struct fp_number){.kind = FP_NUMBER_FINITE,
                              .negative = a.negative,
                              .exponent = a.exponent,
                              .hi = a.hi,
                              .lo = a.lo};
}

/**
 * Round the result of a transcendental function to 80 bits. Whatever is not zero counts as
 * inexact, as on hardware, even where it happens to be exact.
 */
struct float80 wide_round_f80(struct wide a, struct float_env *env);

#endif
