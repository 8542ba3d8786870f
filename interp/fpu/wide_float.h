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
struct wide wide_from_number(const struct fp_number *n);

/** value * 2^exponent, exactly. */
struct wide wide_from_integer(int64_t value, int exponent);

/** hi:lo / 2^127 * 2^exponent for any significand, brought into normal form. */
struct wide wide_normalise(bool negative, int32_t exponent, struct uint128 significand);

struct wide wide_add(struct wide a, struct wide b);
struct wide wide_subtract(struct wide a, struct wide b);
struct wide wide_multiply(struct wide a, struct wide b);

/** a / b; b is not zero. */
struct wide wide_divide(struct wide a, struct wide b);

/** coefficients[0] + x * (coefficients[1] + x * (...)). */
struct wide wide_polynomial(struct wide x, const struct wide *coefficients, unsigned count);

/** The number for rounding. */
struct fp_number wide_to_number(struct wide a);

/**
 * Round the result of a transcendental function to 80 bits. Whatever is not zero counts as
 * inexact, as on hardware, even where it happens to be exact.
 */
struct float80 wide_round_f80(struct wide a, struct float_env *env);

#endif
