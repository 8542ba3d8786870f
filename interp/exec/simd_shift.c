/*
 * Packed shifts. The count is a whole quadword (the low one of an XMM or 16-byte operand) or an
 * immediate byte; counts beyond the lane give zeros, or sign bits for the arithmetic shifts.
 */
#include "interp/exec/simd.h"

#define SHIFT(name, lane, width, shift)                                                            \
    static uint64_t name(uint64_t value, uint64_t count) {                                         \
        if (count >= (width))                                                                      \
            return 0;                                                                              \
        union lanes x = {.u64 = value};                                                            \
        for (unsigned n = 0; n < 64 / (width); n++)                                                \
            x.lane[n] = (__typeof__(x.lane[0]))(x.lane[n] shift count);                            \
        return x.u64;                                                                              \
    }
#define SHIFT_SIGNED(name, lane, width)                                                            \
    static uint64_t name(uint64_t value, uint64_t count) {                                         \
        unsigned places = count >= (width) ? (width)-1 : (unsigned)count;                          \
        union lanes x = {.u64 = value};                                                            \
        for (unsigned n = 0; n < 64 / (width); n++)                                                \
            x.lane[n] = (__typeof__(x.lane[0]))(x.lane[n] >> places);                              \
        return x.u64;                                                                              \
    }

SHIFT(left_words, u16, 16, <<)
SHIFT(left_dwords, u32, 32, <<)
SHIFT(right_words, u16, 16, >>)
SHIFT(right_dwords, u32, 32, >>)
SHIFT_SIGNED(arithmetic_words, s16, 16)
SHIFT_SIGNED(arithmetic_dwords, s32, 32)

static uint64_t left_qwords(uint64_t value, uint64_t count) {
    return count > 63 ? 0 : value << count;
}

static uint64_t right_qwords(uint64_t value, uint64_t count) {
    return count > 63 ? 0 : value >> count;
}

#define DEFINE_SHIFTS(name, function)                                                              \
    DEFINE_MMX(name, function)                                                                     \
    EXEC(name##_X) {                                                                               \
        sse_require(cpu);                                                                          \
        uint64_t count = xmm_source(cpu, i).u64[0];                                                \
        union xmm *x = &cpu->xmm[i->reg];                                                          \
        x->u64[0] = function(x->u64[0], count);                                                    \
        x->u64[1] = function(x->u64[1], count);                                                    \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name##_I) {                                                                               \
        mmx_require(cpu);                                                                          \
        mmx_set(cpu, i->rm, function(mmx_get(cpu, i->rm), i->imm));                                \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name##_XI) {                                                                              \
        sse_require(cpu);                                                                          \
        union xmm *x = &cpu->xmm[i->rm];                                                           \
        x->u64[0] = function(x->u64[0], i->imm);                                                   \
        x->u64[1] = function(x->u64[1], i->imm);                                                   \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_SHIFTS(PSLLW, left_words)
DEFINE_SHIFTS(PSLLD, left_dwords)
DEFINE_SHIFTS(PSLLQ, left_qwords)
DEFINE_SHIFTS(PSRLW, right_words)
DEFINE_SHIFTS(PSRLD, right_dwords)
DEFINE_SHIFTS(PSRLQ, right_qwords)
DEFINE_SHIFTS(PSRAW, arithmetic_words)
DEFINE_SHIFTS(PSRAD, arithmetic_dwords)

/* Whole-register shifts by bytes. */

EXEC(PSLLDQ_XI) {
    sse_require(cpu);
    union xmm *x = &cpu->xmm[i->rm];
    uint64_t bits = UINT64_C(8) * i->imm;
    if (bits >= 64)
        *x = (union xmm){.u64 = {0, left_qwords(x->u64[0], bits - 64)}};
    else if (bits != 0)
        *x = (union xmm){.u64 = {x->u64[0] << bits, x->u64[1] << bits | x->u64[0] >> (64 - bits)}};
    NEXT(cpu, i);
}

EXEC(PSRLDQ_XI) {
    sse_require(cpu);
    union xmm *x = &cpu->xmm[i->rm];
    uint64_t bits = UINT64_C(8) * i->imm;
    if (bits >= 64)
        *x = (union xmm){.u64 = {right_qwords(x->u64[1], bits - 64), 0}};
    else if (bits != 0)
        *x = (union xmm){.u64 = {x->u64[0] >> bits | x->u64[1] << (64 - bits), x->u64[1] >> bits}};
    NEXT(cpu, i);
}
