/*
 * Moving lanes about: packing with saturation, interleaving, shuffles, single words and masks.
 */
#include "interp/exec/simd.h"

/* ---- Packing: the destination's lanes narrowed, below the source's ------------------------- */

#define PACK(name, from, to, from_bits, to_bits, low, high)                                        \
    static uint64_t name(uint64_t first, uint64_t second) {                                        \
        union lanes source[2] = {{.u64 = first}, {.u64 = second}}, result;                         \
        for (unsigned n = 0; n < 128 / (from_bits); n++) {                                         \
            unsigned each = 64 / (from_bits);                                                      \
            int32_t value = source[n / each].from[LANE(from_bits, n % each)];                      \
            value = value < (low) ? (low) : value > (high) ? (high) : value;                       \
            result.to[LANE(to_bits, n)] = (__typeof__(result.to[0]))value;                         \
        }                                                                                          \
        return result.u64;                                                                         \
    }

PACK(pack_words_signed, s16, s8, 16, 8, INT8_MIN, INT8_MAX)
PACK(pack_words_unsigned, s16, u8, 16, 8, 0, UINT8_MAX)
PACK(pack_dwords, s32, s16, 32, 16, INT16_MIN, INT16_MAX)

#define DEFINE_PACK(name, function)                                                                \
    DEFINE_MMX(name, function)                                                                     \
    EXEC(name##_X) {                                                                               \
        sse_require(cpu);                                                                          \
        union xmm source = xmm_source(cpu, i), *x = &cpu->xmm[i->reg];                             \
        x->u64[0] = function(x->u64[0], x->u64[1]);                                                \
        x->u64[1] = function(source.u64[0], source.u64[1]);                                        \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_PACK(PACKSSWB, pack_words_signed)
DEFINE_PACK(PACKUSWB, pack_words_unsigned)
DEFINE_PACK(PACKSSDW, pack_dwords)

/* ---- Interleaving the low or the high halves ----------------------------------------------- */

#define INTERLEAVE(name, lane, bits, first_lane)                                                   \
    static uint64_t name(uint64_t first, uint64_t second) {                                        \
        union lanes a = {.u64 = first}, b = {.u64 = second}, result;                               \
        for (unsigned n = 0; n < 32 / (bits); n++) {                                               \
            result.lane[LANE(bits, 2 * n)] = a.lane[LANE(bits, (first_lane) + n)];                 \
            result.lane[LANE(bits, 2 * n + 1)] = b.lane[LANE(bits, (first_lane) + n)];             \
        }                                                                                          \
        return result.u64;                                                                         \
    }

INTERLEAVE(interleave_low_bytes, u8, 8, 0)
INTERLEAVE(interleave_low_words, u16, 16, 0)
INTERLEAVE(interleave_low_dwords, u32, 32, 0)
INTERLEAVE(interleave_high_bytes, u8, 8, 4)
INTERLEAVE(interleave_high_words, u16, 16, 2)
INTERLEAVE(interleave_high_dwords, u32, 32, 1)

/* `half`: which quadword of each operand an XMM form takes apart. */
#define DEFINE_UNPACK_XMM(name, size, half)                                                        \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        uint64_t b = xmm_source(cpu, i).u64[half];                                                 \
        union xmm *x = &cpu->xmm[i->reg];                                                          \
        uint64_t a = x->u64[half];                                                                 \
        x->u64[0] = interleave_low_##size(a, b);                                                   \
        x->u64[1] = interleave_high_##size(a, b);                                                  \
        NEXT(cpu, i);                                                                              \
    }
/* The low MMX forms read 32 bits of memory only. */
#define DEFINE_UNPACK(suffix, size)                                                                \
    EXEC(PUNPCKL##suffix) {                                                                        \
        mmx_require(cpu);                                                                          \
        uint64_t b = i->flags & INSN_MEM ? operand_load32(cpu, i) : mmx_get(cpu, i->rm);           \
        mmx_set(cpu, i->reg, interleave_low_##size(mmx_get(cpu, i->reg), b));                      \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_MMX(PUNPCKH##suffix, interleave_high_##size)                                            \
    DEFINE_UNPACK_XMM(PUNPCKL##suffix##_X, size, 0)                                                \
    DEFINE_UNPACK_XMM(PUNPCKH##suffix##_X, size, 1)

DEFINE_UNPACK(BW, bytes)
DEFINE_UNPACK(WD, words)
DEFINE_UNPACK(DQ, dwords)
DEFINE_UNPACK_XMM(UNPCKLPS, dwords, 0)
DEFINE_UNPACK_XMM(UNPCKHPS, dwords, 1)

#define DEFINE_UNPACK_QUADWORDS(name, half)                                                        \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        uint64_t b = xmm_source(cpu, i).u64[half];                                                 \
        union xmm *x = &cpu->xmm[i->reg];                                                          \
        *x = (union xmm){.u64 = {x->u64[half], b}};                                                \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_UNPACK_QUADWORDS(PUNPCKLQDQ_X, 0)
DEFINE_UNPACK_QUADWORDS(PUNPCKHQDQ_X, 1)
DEFINE_UNPACK_QUADWORDS(UNPCKLPD, 0)
DEFINE_UNPACK_QUADWORDS(UNPCKHPD, 1)

/* ---- Shuffles: two bits of the immediate choose each lane ---------------------------------- */

static uint64_t shuffle_words(uint64_t value, unsigned order) {
    uint64_t result = 0;
    for (unsigned n = 0; n < 4; n++)
        result |= (value >> (order >> 2 * n & 3) * 16 & 0xffff) << 16 * n;
    return result;
}

EXEC(PSHUFW) {
    mmx_require(cpu);
    uint64_t source = mmx_source(cpu, i);
    mmx_set(cpu, i->reg, shuffle_words(source, i->imm));
    NEXT(cpu, i);
}

EXEC(PSHUFLW_X) {
    sse_require(cpu);
    union xmm source = xmm_source(cpu, i);
    cpu->xmm[i->reg].u64[0] = shuffle_words(source.u64[0], i->imm);
    cpu->xmm[i->reg].u64[1] = source.u64[1];
    NEXT(cpu, i);
}

EXEC(PSHUFHW_X) {
    sse_require(cpu);
    union xmm source = xmm_source(cpu, i);
    cpu->xmm[i->reg].u64[0] = source.u64[0];
    cpu->xmm[i->reg].u64[1] = shuffle_words(source.u64[1], i->imm);
    NEXT(cpu, i);
}

/* Two doublewords of x, chosen by two bits of `order` each. */
static uint64_t pick_dwords(const union xmm *x, unsigned order) {
    return xmm_get32(x, order & 3) | (uint64_t)xmm_get32(x, order >> 2 & 3) << 32;
}

EXEC(PSHUFD_X) {
    sse_require(cpu);
    union xmm source = xmm_source(cpu, i);
    uint64_t low = pick_dwords(&source, i->imm), high = pick_dwords(&source, i->imm >> 4);
    cpu->xmm[i->reg] = (union xmm){.u64 = {low, high}};
    RESUME(cpu, i);
}

EXEC(SHUFPS) {
    sse_require(cpu);
    union xmm source = xmm_source(cpu, i);
    uint64_t low = pick_dwords(&cpu->xmm[i->reg], i->imm);
    cpu->xmm[i->reg] = (union xmm){.u64 = {low, pick_dwords(&source, i->imm >> 4)}};
    RESUME(cpu, i);
}

EXEC(SHUFPD) {
    sse_require(cpu);
    union xmm source = xmm_source(cpu, i);
    uint64_t low = cpu->xmm[i->reg].u64[i->imm & 1];
    cpu->xmm[i->reg] = (union xmm){.u64 = {low, source.u64[i->imm >> 1 & 1]}};
    NEXT(cpu, i);
}

/* ---- Single words -------------------------------------------------------------------------- */

static uint64_t insert_word(uint64_t into, uint16_t word, unsigned n) {
    unsigned shift = (n & 3) * 16;
    return (into & ~(UINT64_C(0xffff) << shift)) | (uint64_t)word << shift;
}

static uint16_t word_source(struct cpu *cpu, const struct insn *i) {
    return (uint16_t)(i->flags & INSN_MEM ? operand_load16(cpu, i) : cpu_reg16(cpu, i->rm));
}

EXEC(PINSRW) {
    mmx_require(cpu);
    uint16_t word = word_source(cpu, i);
    mmx_set(cpu, i->reg, insert_word(mmx_get(cpu, i->reg), word, i->imm));
    NEXT(cpu, i);
}

EXEC(PINSRW_X) {
    sse_require(cpu);
    uint16_t word = word_source(cpu, i);
    uint64_t *half = &cpu->xmm[i->reg].u64[i->imm >> 2 & 1];
    *half = insert_word(*half, word, i->imm);
    NEXT(cpu, i);
}

EXEC(PEXTRW) {
    mmx_require(cpu);
    x87_enter_mmx(cpu);
    cpu_set_reg32(cpu, i->reg, (uint16_t)(mmx_get(cpu, i->rm) >> (i->imm & 3) * 16));
    NEXT(cpu, i);
}

EXEC(PEXTRW_X) {
    sse_require(cpu);
    uint64_t half = cpu->xmm[i->rm].u64[i->imm >> 2 & 1];
    cpu_set_reg32(cpu, i->reg, (uint16_t)(half >> (i->imm & 3) * 16));
    NEXT(cpu, i);
}

/* ---- Sign bits to a general register ------------------------------------------------------- */

/* Bits 7, 15, ... 63, gathered: the multiplication moves bit 8n to bit 56 + n, with no two
   partial products in one place. */
static uint32_t byte_signs(uint64_t value) {
    value = value >> 7 & UINT64_C(0x0101010101010101);
    return (uint32_t)(value * UINT64_C(0x0102040810204080) >> 56);
}

EXEC(PMOVMSKB) {
    mmx_require(cpu);
    x87_enter_mmx(cpu);
    cpu_set_reg32(cpu, i->reg, byte_signs(mmx_get(cpu, i->rm)));
    NEXT(cpu, i);
}

EXEC(PMOVMSKB_X) {
    sse_require(cpu);
    const union xmm *x = &cpu->xmm[i->rm];
    cpu_set_reg32(cpu, i->reg, byte_signs(x->u64[0]) | byte_signs(x->u64[1]) << 8);
    NEXT(cpu, i);
}

EXEC(MOVMSKPS) {
    sse_require(cpu);
    const union xmm *x = &cpu->xmm[i->rm];
    uint64_t low = (x->u64[0] >> 31 & 1) | (x->u64[0] >> 63) << 1;
    uint64_t high = (x->u64[1] >> 31 & 1) | (x->u64[1] >> 63) << 1;
    cpu_set_reg32(cpu, i->reg, (uint32_t)(low | high << 2));
    NEXT(cpu, i);
}

EXEC(MOVMSKPD) {
    sse_require(cpu);
    const union xmm *x = &cpu->xmm[i->rm];
    cpu_set_reg32(cpu, i->reg, (uint32_t)(x->u64[0] >> 63 | (x->u64[1] >> 63) << 1));
    NEXT(cpu, i);
}
