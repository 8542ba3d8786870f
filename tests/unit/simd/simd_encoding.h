/*
 * Instances of the encodings_simd.def rows, for tests that go through all of them.
 */
#ifndef TESTS_UNIT_SIMD_SIMD_ENCODING_H
#define TESTS_UNIT_SIMD_SIMD_ENCODING_H

#include "interp/decode/decode_index.h"
#include "interp/decode/op.h"

#include <string.h>

struct simd_bytes {
    uint8_t bytes[8];
    size_t count;
};

static inline bool simd_is_simd_row(const struct encoding *row) {
    return row->op >= OP_PADDB && row->op <= OP_CLFLUSH;
}

static inline enum operand_place simd_place_of(uint8_t kind) {
    static const uint8_t places[] = {
#define OPERAND_KIND(name, place, size) [OPERAND_##name] = PLACE_##place,
        OPERAND_KINDS(OPERAND_KIND)
#undef OPERAND_KIND
    };
    return (enum operand_place)places[kind];
}

static inline bool simd_has_operand(const struct encoding *row, unsigned kind) {
    return row->operands[0] == kind || row->operands[1] == kind || row->operands[2] == kind;
}

static inline bool simd_has_place(const struct encoding *row, enum operand_place place) {
    return simd_place_of(row->operands[0]) == place || simd_place_of(row->operands[1]) == place ||
           simd_place_of(row->operands[2]) == place;
}

static inline bool simd_may_be_memory(const struct encoding *row) {
    unsigned form = row->modrm & MODRM_FORM_MASK;
    return form != MODRM_REG_XREG && form != MODRM_NONE && !simd_has_place(row, PLACE_RM_REG);
}

static inline bool simd_may_be_register(const struct encoding *row) {
    unsigned form = row->modrm & MODRM_FORM_MASK;
    return form != MODRM_REG_MEM && form != MODRM_MEM && !simd_has_place(row, PLACE_MEM);
}

/** Encode a row with these registers (0-7) or memory at (%eax), and this immediate. */
static inline struct simd_bytes simd_encode(const struct encoding *row, bool memory, unsigned reg,
                                            unsigned rm, uint8_t imm) {
    static const uint8_t prefixes[] = {
        [PREFIX_P66] = 0x66, [PREFIX_PF3] = 0xf3, [PREFIX_PF2] = 0xf2};
    struct simd_bytes code = {.count = 0};
    unsigned form = row->modrm & MODRM_FORM_MASK;
    if (row->prefix != PREFIX_NP)
        code.bytes[code.count++] = prefixes[row->prefix];
    code.bytes[code.count++] = 0x0f;
    code.bytes[code.count++] = row->first;
    if (form == MODRM_REG || form == MODRM_REG_MEM || form == MODRM_REG_XREG)
        reg = row->modrm & 7;
    if (form != MODRM_NONE)
        code.bytes[code.count++] = (uint8_t)(reg << 3 | (memory ? 0 : 0xc0 | rm));
    if (simd_has_place(row, PLACE_IMM_U8))
        code.bytes[code.count++] = imm;
    return code;
}

#endif
