/*
 * FPREM and FPREM1: exact remainders, at most 64 quotient bits per step.
 *
 * Source: SDM vol. 2, "FPREM" and "FPREM1".
 */
#include "interp/fpu/unpacked.h"

/* A step that cannot finish reduces the exponent difference by this many bits: 32 to 63. */
static int partial_bits(int difference) {
    return (difference & 31) | 32;
}

/*
 * x mod y for finite numbers with x's exponent at least y's, quotient truncated; only the top
 * `bits` of the quotient when the exponents are further apart.
 */
static struct fp_number reduce(const struct fp_number *x, const struct fp_number *y, unsigned bits,
                               uint64_t *quotient) {
    struct fp_number r = {.kind = FP_NUMBER_FINITE, .negative = x->negative};
    struct uint128 shifted = shift_left_128((struct uint128){0, x->hi}, bits);
    if (shifted.hi == 0) {
        *quotient = shifted.lo >= y->hi;
        r.hi = *quotient ? shifted.lo - y->hi : shifted.lo;
    } else {
        *quotient = divide_128_by_64(shifted.hi, shifted.lo, y->hi, &r.hi);
    }
    if (r.hi == 0)
        return fp_zero(x->negative);
    unsigned shift = leading_zeros_64(r.hi);
    r.hi <<= shift;
    r.exponent = x->exponent - (int)bits - (int)shift;
    return r;
}

/* Special operands. Returns true when the remainder is complete. */
static bool special(struct float80 a, struct fp_number *x, struct fp_number *y,
                    struct float_remainder *out, struct float_env *env) {
    struct fp_number result;
    *out = (struct float_remainder){.value = a};
    if (fp_x87_nan(x, y, &result, env)) {
        out->value = fp_pack_f80(&result);
        return true;
    }
    if (x->kind == FP_NUMBER_INFINITY || y->kind == FP_NUMBER_ZERO) {
        result = fp_invalid(env);
        out->value = fp_pack_f80(&result);
        return true;
    }
    return fp_x87_denormal(x, y, env) || x->kind == FP_NUMBER_ZERO;
}

static struct float_remainder finish(struct fp_number *r, struct float_remainder *out,
                                     struct float_env *env) {
    fp_round(r, &fp_format_f80, env);
    out->value = fp_pack_f80(r);
    return *out;
}

struct float_remainder f80_remainder_truncate(struct float80 a, struct float80 b,
                                              struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), y = fp_unpack_f80(b);
    struct float_remainder out;
    if (special(a, &x, &y, &out, env))
        return out;
    int difference = x.exponent - y.exponent;
    if (y.kind == FP_NUMBER_INFINITY || difference < 0)
        return finish(&x, &out, env);
    out.is_partial = difference >= 64;
    int bits = out.is_partial ? partial_bits(difference) : difference;
    struct fp_number r = reduce(&x, &y, (unsigned)bits, &out.quotient);
    return finish(&r, &out, env);
}

/* Twice r against y: is the quotient to be rounded up? */
static bool exceeds_half(const struct fp_number *r, const struct fp_number *y, uint64_t quotient) {
    if (r->kind == FP_NUMBER_ZERO || r->exponent + 1 < y->exponent)
        return false;
    if (r->exponent + 1 > y->exponent)
        return true;
    return r->hi > y->hi || (r->hi == y->hi && (quotient & 1));
}

struct float_remainder f80_remainder_nearest(struct float80 a, struct float80 b,
                                             struct float_env *env) {
    struct fp_number x = fp_unpack_f80(a), y = fp_unpack_f80(b);
    struct float_remainder out;
    if (special(a, &x, &y, &out, env))
        return out;
    int difference = x.exponent - y.exponent;
    if (y.kind == FP_NUMBER_INFINITY || difference < -1)
        return finish(&x, &out, env);
    out.is_partial = difference >= 64;
    struct fp_number r = x;
    if (difference >= 0) {
        int bits = out.is_partial ? partial_bits(difference) : difference;
        r = reduce(&x, &y, (unsigned)bits, &out.quotient);
    }
    if (!out.is_partial && exceeds_half(&r, &y, out.quotient)) {
        out.quotient++;
        y.negative = !r.negative;
        bool negative = r.negative;
        r = fp_add_finite(&r, &y, env);
        if (r.kind == FP_NUMBER_ZERO)
            r.negative = negative;
    }
    return finish(&r, &out, env);
}
