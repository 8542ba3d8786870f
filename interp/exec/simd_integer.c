/*
 * Packed integer arithmetic, comparison and logic, MMX and XMM alike; and the bitwise operations
 * on packed floating-point values, which are the same.
 */
#include "interp/exec/simd.h"

static int32_t saturate(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

/* A function of two quadwords from an expression in the lanes a and b, both of type `type`. */
#define LANEWISE(name, lane, type, expression)                                                     \
    static uint64_t name(uint64_t first, uint64_t second) {                                        \
        union lanes x = {.u64 = first}, y = {.u64 = second}, result;                               \
        for (unsigned n = 0; n < sizeof(x) / sizeof(x.lane[0]); n++) {                             \
            type a = x.lane[n], b = y.lane[n];                                                     \
            result.lane[n] = (__typeof__(result.lane[0]))(expression);                             \
        }                                                                                          \
        return result.u64;                                                                         \
    }
#define QUADWORD(name, expression)                                                                 \
    static uint64_t name(uint64_t a, uint64_t b) {                                                 \
        return expression;                                                                         \
    }

LANEWISE(add_bytes, u8, uint32_t, a + b)
LANEWISE(add_words, u16, uint32_t, a + b)
LANEWISE(add_dwords, u32, uint32_t, a + b)
QUADWORD(add_qwords, a + b)
LANEWISE(add_signed_bytes, s8, int32_t, saturate(a + b, INT8_MIN, INT8_MAX))
LANEWISE(add_signed_words, s16, int32_t, saturate(a + b, INT16_MIN, INT16_MAX))
LANEWISE(add_unsigned_bytes, u8, int32_t, saturate(a + b, 0, UINT8_MAX))
LANEWISE(add_unsigned_words, u16, int32_t, saturate(a + b, 0, UINT16_MAX))
LANEWISE(subtract_bytes, u8, uint32_t, a - b)
LANEWISE(subtract_words, u16, uint32_t, a - b)
LANEWISE(subtract_dwords, u32, uint32_t, a - b)
QUADWORD(subtract_qwords, a - b)
LANEWISE(subtract_signed_bytes, s8, int32_t, saturate(a - b, INT8_MIN, INT8_MAX))
LANEWISE(subtract_signed_words, s16, int32_t, saturate(a - b, INT16_MIN, INT16_MAX))
LANEWISE(subtract_unsigned_bytes, u8, int32_t, saturate(a - b, 0, UINT8_MAX))
LANEWISE(subtract_unsigned_words, u16, int32_t, saturate(a - b, 0, UINT16_MAX))
LANEWISE(multiply_low, s16, int32_t, a *b)
LANEWISE(multiply_high, s16, int32_t, (a * b) >> 16)
LANEWISE(multiply_high_unsigned, u16, uint32_t, (a * b) >> 16)
LANEWISE(average_bytes, u8, uint32_t, (a + b + 1) >> 1)
LANEWISE(average_words, u16, uint32_t, (a + b + 1) >> 1)
LANEWISE(maximum_bytes, u8, uint32_t, a > b ? a : b)
LANEWISE(maximum_words, s16, int32_t, a > b ? a : b)
LANEWISE(minimum_bytes, u8, uint32_t, a < b ? a : b)
LANEWISE(minimum_words, s16, int32_t, a < b ? a : b)
LANEWISE(equal_bytes, s8, int32_t, -(a == b))
LANEWISE(equal_words, s16, int32_t, -(a == b))
LANEWISE(equal_dwords, s32, int32_t, -(a == b))
LANEWISE(greater_bytes, s8, int32_t, -(a > b))
LANEWISE(greater_words, s16, int32_t, -(a > b))
LANEWISE(greater_dwords, s32, int32_t, -(a > b))
QUADWORD(and_bits, a &b)
QUADWORD(and_not_bits, ~a &b)
QUADWORD(or_bits, a | b)
QUADWORD(xor_bits, a ^ b)
QUADWORD(multiply_even_dwords, (uint64_t)(uint32_t)a *(uint32_t)b)

/* Neighbouring products added; only -32768 four times overflows, and wraps to 80000000h. */
static uint64_t multiply_and_add(uint64_t first, uint64_t second) {
    union lanes a = {.u64 = first}, b = {.u64 = second}, result;
    for (unsigned n = 0; n < 2; n++) {
        int32_t low = a.s16[2 * n] * b.s16[2 * n];
        int32_t high = a.s16[2 * n + 1] * b.s16[2 * n + 1];
        result.u32[n] = (uint32_t)low + (uint32_t)high;
    }
    return result.u64;
}

static uint64_t sum_of_differences(uint64_t first, uint64_t second) {
    union lanes a = {.u64 = first}, b = {.u64 = second};
    uint32_t sum = 0;
    for (unsigned n = 0; n < 8; n++)
        sum += (uint32_t)(a.u8[n] > b.u8[n] ? a.u8[n] - b.u8[n] : b.u8[n] - a.u8[n]);
    return sum;
}

DEFINE_MMX_AND_XMM(PADDB, add_bytes)
DEFINE_MMX_AND_XMM(PADDW, add_words)
DEFINE_MMX_AND_XMM(PADDD, add_dwords)
DEFINE_MMX_AND_XMM(PADDQ, add_qwords)
DEFINE_MMX_AND_XMM(PADDSB, add_signed_bytes)
DEFINE_MMX_AND_XMM(PADDSW, add_signed_words)
DEFINE_MMX_AND_XMM(PADDUSB, add_unsigned_bytes)
DEFINE_MMX_AND_XMM(PADDUSW, add_unsigned_words)
DEFINE_MMX_AND_XMM(PSUBB, subtract_bytes)
DEFINE_MMX_AND_XMM(PSUBW, subtract_words)
DEFINE_MMX_AND_XMM(PSUBD, subtract_dwords)
DEFINE_MMX_AND_XMM(PSUBQ, subtract_qwords)
DEFINE_MMX_AND_XMM(PSUBSB, subtract_signed_bytes)
DEFINE_MMX_AND_XMM(PSUBSW, subtract_signed_words)
DEFINE_MMX_AND_XMM(PSUBUSB, subtract_unsigned_bytes)
DEFINE_MMX_AND_XMM(PSUBUSW, subtract_unsigned_words)
DEFINE_MMX_AND_XMM(PMULLW, multiply_low)
DEFINE_MMX_AND_XMM(PMULHW, multiply_high)
DEFINE_MMX_AND_XMM(PMULHUW, multiply_high_unsigned)
DEFINE_MMX_AND_XMM(PMULUDQ, multiply_even_dwords)
DEFINE_MMX_AND_XMM(PMADDWD, multiply_and_add)
DEFINE_MMX_AND_XMM(PAVGB, average_bytes)
DEFINE_MMX_AND_XMM(PAVGW, average_words)
DEFINE_MMX_AND_XMM(PMAXUB, maximum_bytes)
DEFINE_MMX_AND_XMM(PMAXSW, maximum_words)
DEFINE_MMX_AND_XMM(PMINUB, minimum_bytes)
DEFINE_MMX_AND_XMM(PMINSW, minimum_words)
DEFINE_MMX_AND_XMM(PSADBW, sum_of_differences)
DEFINE_MMX_AND_XMM(PCMPEQB, equal_bytes)
DEFINE_MMX_AND_XMM(PCMPEQW, equal_words)
DEFINE_MMX_AND_XMM(PCMPEQD, equal_dwords)
DEFINE_MMX_AND_XMM(PCMPGTB, greater_bytes)
DEFINE_MMX_AND_XMM(PCMPGTW, greater_words)
DEFINE_MMX_AND_XMM(PCMPGTD, greater_dwords)
DEFINE_MMX_AND_XMM(PAND, and_bits)
DEFINE_MMX_AND_XMM(PANDN, and_not_bits)
DEFINE_MMX_AND_XMM(POR, or_bits)
DEFINE_MMX_AND_XMM(PXOR, xor_bits)
DEFINE_XMM(ANDPS, and_bits)
DEFINE_XMM(ANDPD, and_bits)
DEFINE_XMM(ANDNPS, and_not_bits)
DEFINE_XMM(ANDNPD, and_not_bits)
DEFINE_XMM(ORPS, or_bits)
DEFINE_XMM(ORPD, or_bits)
DEFINE_XMM(XORPS, xor_bits)
DEFINE_XMM(XORPD, xor_bits)
