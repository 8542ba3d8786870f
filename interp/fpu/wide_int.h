/*
 * Two-word unsigned integers for the floating-point code: products, quotients and shifts that do
 * not fit 64 bits. Pure functions.
 */
#ifndef INTERP_FPU_WIDE_INT_H
#define INTERP_FPU_WIDE_INT_H

#include <stdbool.h>
#include <stdint.h>

struct uint128 {
    uint64_t hi;
    uint64_t lo;
};

/** Zero bits above the highest one bit; value must not be 0. */
static inline unsigned leading_zeros_64(uint64_t value) {
    return (unsigned)__builtin_clzll(value);
}

/** The full 128-bit product. */
static inline struct uint128 multiply_64(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (struct uint128){(uint64_t)(product >> 64), (uint64_t)product};
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t middle2 = a0 * b1 + (uint32_t)middle;
    return (struct uint128){a1 * b1 + (middle >> 32) + (middle2 >> 32),
                            middle2 << 32 | (uint32_t)low};
#endif
}

/*
 * One 32-bit digit of a quotient, with the divisor's top bit set (Knuth, The Art of Computer
 * Programming vol. 2, algorithm D): *remainder < divisor, and the dividend is
 * *remainder * 2^32 + next.
 */
static inline uint64_t divide_digit(uint64_t *remainder, uint32_t next, uint64_t divisor) {
    uint64_t d1 = divisor >> 32, d0 = (uint32_t)divisor;
    uint64_t digit = *remainder / d1, rest = *remainder % d1;
    while (digit >> 32 || digit * d0 > (rest << 32 | next)) {
        digit--;
        rest += d1;
        if (rest >> 32)
            break;
    }
    *remainder = (*remainder << 32 | next) - digit * divisor;
    return digit;
}

/**
 * Quotient of hi:lo by divisor, whose top bit must be set and which must exceed hi.
 *
 * @remainder  out
 */
static inline uint64_t divide_128_by_64(uint64_t hi, uint64_t lo, uint64_t divisor,
                                        uint64_t *remainder) {
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 dividend = (unsigned __int128)hi << 64 | lo;
    uint64_t quotient = (uint64_t)(dividend / divisor);
    *remainder = lo - quotient * divisor;
    return quotient;
#else
    *remainder = hi;
    uint64_t q1 = divide_digit(remainder, (uint32_t)(lo >> 32), divisor);
    uint64_t q0 = divide_digit(remainder, (uint32_t)lo, divisor);
    return q1 << 32 | q0;
#endif
}

static inline struct uint128 add_128(struct uint128 a, struct uint128 b) {
    uint64_t lo = a.lo + b.lo;
    return (struct uint128){a.hi + b.hi + (lo < a.lo), lo};
}

static inline struct uint128 subtract_128(struct uint128 a, struct uint128 b) {
    return (struct uint128){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

/** a * b / 2^128, up to two too small. */
static inline struct uint128 multiply_high_128(struct uint128 a, struct uint128 b) {
    struct uint128 high = multiply_64(a.hi, b.hi);
    high = add_128(high, (struct uint128){0, multiply_64(a.hi, b.lo).hi});
    return add_128(high, (struct uint128){0, multiply_64(a.lo, b.hi).hi});
}

static inline bool less_128(struct uint128 a, struct uint128 b) {
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/** Shift left by 0..127. */
static inline struct uint128 shift_left_128(struct uint128 a, unsigned count) {
    if (count == 0)
        return a;
    if (count < 64)
        return (struct uint128){a.hi << count | a.lo >> (64 - count), a.lo << count};
    return (struct uint128){a.lo << (count - 64), 0};
}

/** Shift right by any count; bits that fall out are remembered in bit 0 ("sticky"). */
static inline struct uint128 shift_right_jam_128(struct uint128 a, unsigned count) {
    if (count == 0)
        return a;
    if (count < 64) {
        bool lost = (a.lo << (64 - count)) != 0;
        return (struct uint128){a.hi >> count, (a.hi << (64 - count) | a.lo >> count) | lost};
    }
    if (count == 64)
        return (struct uint128){0, a.hi | (a.lo != 0)};
    if (count < 128) {
        bool lost = (a.hi << (128 - count)) != 0 || a.lo != 0;
        return (struct uint128){0, a.hi >> (count - 64) | lost};
    }
    return (struct uint128){0, (a.hi | a.lo) != 0};
}

#endif
