/*
 * The x87's 80-bit extended-precision format as it lies in a register: an explicit integer bit
 * (bit 63 of the significand), a 15-bit exponent biased by 16383, and a sign.
 *
 * Source: SDM vol. 1, "x87 FPU Data Registers" and "Unsupported Double Extended-Precision
 * Floating-Point Encodings and Pseudo-Denormals".
 */
#ifndef INTERP_FPU_FLOAT80_H
#define INTERP_FPU_FLOAT80_H

#include <stdbool.h>
#include <stdint.h>

struct float80 {
    uint64_t significand;
    uint16_t sign_exponent; /* bit 15: sign; bits 14..0: biased exponent */
};

#define F80_SIGN_BIT      UINT16_C(0x8000)
#define F80_EXPONENT_MASK UINT16_C(0x7fff)
#define F80_INTEGER_BIT   UINT64_C(0x8000000000000000)
#define F80_QUIET_BIT     UINT64_C(0x4000000000000000)
#define F80_BIAS          16383

/* Initialisers for the values that instructions deliver or load by themselves. */
#define F80_INDEFINITE ((struct float80){UINT64_C(0xc000000000000000), 0xffff})
#define F80_ZERO       ((struct float80){0, 0})
#define F80_ONE        ((struct float80){F80_INTEGER_BIT, F80_BIAS})

/** The number with its sign reversed, whatever it is (NaN and unsupported encodings too). */
static inline struct float80 f80_negate(struct float80 a) {
    a.sign_exponent ^= F80_SIGN_BIT;
    return a;
}

/** The number with its sign cleared, whatever it is. */
static inline struct float80 f80_absolute(struct float80 a) {
    a.sign_exponent &= F80_EXPONENT_MASK;
    return a;
}

#endif
