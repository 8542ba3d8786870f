/*
 * Operands for differential floating-point tests: a seeded generator that favours special values,
 * exponents at the edges of the formats, and pairs that are close to each other.
 */
#ifndef TESTS_UNIT_FPU_OPERANDS_H
#define TESTS_UNIT_FPU_OPERANDS_H

#include "interp/fpu/float80.h"
#include "softmmu/base/bits.h"

struct operand_source {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators"). */
static inline uint64_t operand_random(struct operand_source *source) {
    uint64_t z = source->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned operand_below(struct operand_source *source, unsigned limit) {
    return (unsigned)(operand_random(source) % limit);
}

/* A significand: random, sparse, or a run of ones with a few random low bits. */
static inline uint64_t operand_significand(struct operand_source *source) {
    uint64_t r = operand_random(source);
    switch (operand_below(source, 6)) {
    case 0:
        return F80_INTEGER_BIT | UINT64_C(1) << (r & 63);
    case 1:
        return ~(UINT64_C(1) << (r & 63)) | F80_INTEGER_BIT;
    case 2:
        return F80_INTEGER_BIT | r << (r & 63);
    case 3:
        return F80_INTEGER_BIT;
    default:
        return F80_INTEGER_BIT | r;
    }
}

static inline struct float80 operand_special(struct operand_source *source) {
    static const struct float80 specials[] = {
        {0, 0},
        {UINT64_C(0x8000000000000000), 0x7fff}, /* infinity */
        {UINT64_C(0xc000000000000000), 0x7fff}, /* quiet NaN */
        {UINT64_C(0xc000000000001234), 0x7fff},
        {UINT64_C(0x8000000000000001), 0x7fff}, /* signalling NaN */
        {UINT64_C(0xa000000000000000), 0x7fff},
        {UINT64_C(0x0000000000000000), 0x7fff}, /* pseudo-infinity */
        {UINT64_C(0x4000000000000000), 0x7fff}, /* pseudo-NaN */
        {UINT64_C(0x4000000000000000), 0x3fff}, /* unnormal */
        {UINT64_C(0x0000000000000000), 0x3fff},
        {UINT64_C(0x8000000000000000), 0x0000}, /* pseudo-denormals */
        {UINT64_C(0xffffffffffffffff), 0x0000},
        {UINT64_C(0x0000000000000001), 0x0000}, /* denormals */
        {UINT64_C(0x7fffffffffffffff), 0x0000},
        {UINT64_C(0x8000000000000000), 0x0001}, /* smallest normal */
        {UINT64_C(0xffffffffffffffff), 0x7ffe}, /* largest */
        {UINT64_C(0x8000000000000000), 0x3fff}, /* one */
        {UINT64_C(0x8000000000000000), 0x3ffe},
        {UINT64_C(0xc000000000000000), 0x3fff},
        {UINT64_C(0x8000000000000000), 0x403e}, /* 2^63 */
        {UINT64_C(0xc90fdaa22168c235), 0x4000}, /* pi */
    };
    struct float80 value = specials[operand_below(source, ARRAY_SIZE(specials))];
    if (operand_random(source) & 1)
        value = f80_negate(value);
    return value;
}

static inline struct float80 operand_f80(struct operand_source *source) {
    uint16_t sign = operand_random(source) & 1 ? F80_SIGN_BIT : 0;
    uint64_t significand = operand_significand(source);
    unsigned exponent;
    switch (operand_below(source, 10)) {
    case 0:
    case 1:
        return operand_special(source);
    case 2: /* near the bottom and denormal */
        exponent = operand_below(source, 80);
        break;
    case 3: /* near the top */
        exponent = 0x7ffe - operand_below(source, 80);
        break;
    case 4: /* near the edges of the 32- and 64-bit formats */
        exponent = F80_BIAS + 150 - operand_below(source, 300);
        break;
    case 5:
        exponent = (operand_random(source) & 1 ? F80_BIAS + 1100 : F80_BIAS - 900) -
                   operand_below(source, 200);
        break;
    case 6:
        exponent = operand_below(source, 0x7fff);
        break;
    default: /* around one and up to large integers */
        exponent = F80_BIAS - 6 + operand_below(source, 76);
        break;
    }
    if (exponent == 0 && operand_random(source) & 3)
        significand = significand << 1 >> (1 + operand_below(source, 62));
    return (struct float80){significand, (uint16_t)(sign | exponent)};
}

/* A second operand, often close to the first in exponent or equal to it. */
static inline struct float80 operand_f80_near(struct operand_source *source, struct float80 a) {
    struct float80 b = operand_f80(source);
    unsigned field = a.sign_exponent & F80_EXPONENT_MASK;
    switch (operand_below(source, 4)) {
    case 0:
        field = (field + operand_below(source, 140) + 0x7fff - 70) & F80_EXPONENT_MASK;
        b.sign_exponent = (uint16_t)((b.sign_exponent & F80_SIGN_BIT) | field);
        b.significand = field ? operand_significand(source) : b.significand;
        return b;
    case 1:
        if (operand_random(source) & 7)
            return b;
        return operand_random(source) & 1 ? a : f80_negate(a);
    default:
        return b;
    }
}

/* Distance of two numbers in units of the last place; huge when they are not comparable. */
static inline uint64_t operand_distance(struct float80 a, struct float80 b) {
    if (a.significand == b.significand && a.sign_exponent == b.sign_exponent)
        return 0;
    int exponents = a.sign_exponent - b.sign_exponent;
    if ((a.sign_exponent ^ b.sign_exponent) & F80_SIGN_BIT || exponents < -1 || exponents > 1)
        return UINT64_MAX;
    if (exponents < 0)
        return b.significand * 2 - a.significand;
    if (exponents > 0)
        return a.significand * 2 - b.significand;
    return a.significand > b.significand ? a.significand - b.significand
                                         : b.significand - a.significand;
}

static inline uint32_t operand_f32(struct operand_source *source) {
    static const uint32_t specials[] = {0x00000000, 0x7f800000, 0x7fc00000, 0x7fc01234, 0x7f800001,
                                        0x7fa00000, 0x00000001, 0x007fffff, 0x00800000, 0x7f7fffff,
                                        0x3f800000, 0x4f000000, 0x5f000000, 0x3f000000};
    uint32_t r = (uint32_t)operand_random(source);
    switch (operand_below(source, 5)) {
    case 0:
        return specials[operand_below(source, ARRAY_SIZE(specials))] | (r & 0x80000000);
    case 1:
        return (r & 0x807fffff) | (operand_below(source, 30)) << 23;
    case 2:
        return (r & 0x807fff00) | (120 + operand_below(source, 48)) << 23;
    default:
        return r;
    }
}

static inline uint64_t operand_f64(struct operand_source *source) {
    static const uint64_t specials[] = {
        UINT64_C(0x0000000000000000), UINT64_C(0x7ff0000000000000), UINT64_C(0x7ff8000000000000),
        UINT64_C(0x7ff8000000001234), UINT64_C(0x7ff0000000000001), UINT64_C(0x7ff4000000000000),
        UINT64_C(0x0000000000000001), UINT64_C(0x000fffffffffffff), UINT64_C(0x0010000000000000),
        UINT64_C(0x7fefffffffffffff), UINT64_C(0x3ff0000000000000), UINT64_C(0x41e0000000000000),
        UINT64_C(0x43e0000000000000), UINT64_C(0x3fe0000000000000)};
    uint64_t r = operand_random(source);
    uint64_t fraction_and_sign = r & UINT64_C(0x800fffffffffffff);
    switch (operand_below(source, 6)) {
    case 0:
        return specials[operand_below(source, ARRAY_SIZE(specials))] |
               (r & UINT64_C(0x8000000000000000));
    case 1:
        return fraction_and_sign | (uint64_t)operand_below(source, 60) << 52;
    case 2:
        return (fraction_and_sign & ~UINT64_C(0xffffffff)) |
               (uint64_t)(1016 + operand_below(source, 80)) << 52;
    case 3: /* near the edges of the 32-bit format */
        return fraction_and_sign | (uint64_t)(1023 - 155 + operand_below(source, 290)) << 52;
    default:
        return r;
    }
}

#endif
