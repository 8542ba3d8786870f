/*
 * Packed decimal numbers: 18 digits, two in a byte, least significant first, and a sign byte.
 *
 * Source: SDM vol. 1, "BCD and Packed BCD Integers"; vol. 2, "FBLD" and "FBSTP".
 */
#include "interp/fpu/unpacked.h"

#define BCD_DIGIT_BYTES 9
#define BCD_LIMIT       UINT64_C(1000000000000000000)

struct float80 f80_from_bcd(const uint8_t bcd[10]) {
    /* Digits above 9 are undefined; they enter with their weight, as on hardware. */
    uint64_t magnitude = 0;
    for (int i = BCD_DIGIT_BYTES - 1; i >= 0; i--)
        magnitude = magnitude * 100 + (bcd[i] >> 4) * 10u + (bcd[i] & 15u);
    struct float80 value = f80_from_i64((int64_t)magnitude);
    if (bcd[BCD_DIGIT_BYTES] & 0x80)
        value.sign_exponent |= F80_SIGN_BIT;
    return value;
}

static void store_indefinite(uint8_t bcd[10]) {
    for (int i = 0; i < 7; i++)
        bcd[i] = 0;
    bcd[7] = 0xc0;
    bcd[8] = bcd[9] = 0xff;
}

void f80_to_bcd(struct float80 a, uint8_t bcd[10], struct float_env *env) {
    struct fp_number n = fp_unpack_f80(a);
    bool inexact = false, up = false;
    uint64_t magnitude = 0;
    env->rounded_up = false;
    if (n.kind == FP_NUMBER_FINITE && n.exponent < 64)
        magnitude = fp_integer(&n, env->rounding, &inexact, &up);
    else if (n.kind != FP_NUMBER_ZERO)
        magnitude = BCD_LIMIT;
    if (magnitude >= BCD_LIMIT) {
        env->flags |= FLOAT_IE;
        store_indefinite(bcd);
        return;
    }
    env->rounded_up = up;
    env->flags |= inexact ? FLOAT_PE : 0;
    for (int i = 0; i < BCD_DIGIT_BYTES; i++) {
        unsigned pair = (unsigned)(magnitude % 100);
        magnitude /= 100;
        bcd[i] = (uint8_t)(pair / 10 << 4 | pair % 10);
    }
    bcd[BCD_DIGIT_BYTES] = n.negative ? 0x80 : 0;
}
