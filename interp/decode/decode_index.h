/*
 * The encodings_*.def tables, and an index over them for one set of CPU features: opcode bytes,
 * mandatory prefix and ModRM byte to what the decoder must do. A value that many CPUs may share.
 */
#ifndef INTERP_DECODE_DECODE_INDEX_H
#define INTERP_DECODE_DECODE_INDEX_H

#include "interp/decode/decode_operand.h"
#include "interp/decode/insn.h"
#include "softmmu/base/error.h"

#include <stddef.h>

enum encoding_map { MAP_M1, MAP_M2, MAP_COUNT };

/* Selected by the last F2 or F3, else by 66, else NP. */
enum encoding_prefix { PREFIX_NP, PREFIX_P66, PREFIX_PF3, PREFIX_PF2, PREFIX_ANY };
#define PREFIX_COUNT 4

enum encoding_attribute { ATTRIBUTE_NONE, ATTRIBUTE_LOCKABLE, ATTRIBUTE_ESC };

/* encoding.modrm: a form, with the register number or the whole byte in the low 8 bits. */
enum modrm_form {
    MODRM_NONE = 0x000,
    MODRM_ANY = 0x100,
    MODRM_REG = 0x200,      /* R0..R7 */
    MODRM_REG_MEM = 0x300,  /* M0..M7 */
    MODRM_REG_XREG = 0x400, /* X0..X7 */
    MODRM_MEM = 0x500,      /* MM */
    MODRM_XREG = 0x600,     /* XX */
    MODRM_BYTE = 0x700,     /* B(0xNN) */
    MODRM_FORM_MASK = 0xf00,
};

/* One row of encodings_*.def. */
struct encoding {
    uint16_t op;    /* enum op */
    uint16_t modrm; /* enum modrm_form | number */
    uint8_t map, prefix, first, last;
    uint8_t operands[3]; /* enum operand_kind */
    uint8_t feature;     /* enum cpu_feature */
    uint8_t attribute;
};

/** All rows; *count receives their number. */
const struct encoding *encoding_table(size_t *count);

enum decode_row_flag {
    ROW_RM_REG = 1 << 0, /* rm is a register whatever mod says */
    ROW_LOCKABLE = 1 << 1,
    ROW_SWAP = 1 << 2,   /* Gv,Ev of a BINARY operation: with registers, decode as Ev,Gv */
    ROW_MIRROR = 1 << 3, /* the only register operand is in rm: put it in reg too */
    ROW_OPCODE_REG = 1 << 4,
    ROW_MOFFS = 1 << 5,
    ROW_IMM = 1 << 6, /* INSN_IMM */
    ROW_ESC = 1 << 7,
};

enum decode_imm { IMM_NONE, IMM_S8, IMM_U8, IMM_U16, IMM_Z, IMM_FAR, IMM_ONE, IMM_ENTER };

/* What the decoder needs of an encoding; indices are [32-bit operand size] and [memory]. */
struct decode_row {
    exec_fn *exec[2][2];
    uint8_t width[2][2];
    uint8_t form[2];
    uint16_t op;
    uint8_t flags;
    uint8_t imm;
    uint8_t fixed_reg; /* reg and rm when the encoding names no register */
};

enum decode_slot_kind {
    SLOT_ROW,   /* one row, in cells[first] */
    SLOT_TABLE, /* cells[first + prefix * stride + ModRM cell] */
    SLOT_PREFIX,
    SLOT_ESCAPE, /* 0F */
};

struct decode_slot {
    uint16_t first;
    uint8_t kind;
    uint8_t has_modrm;
};

/* Cells of one ModRM byte: reg for memory; then each of the 64 register forms. */
#define MODRM_CELLS 72
static inline unsigned modrm_cell(uint8_t modrm) {
    return modrm < 0xc0 ? (modrm >> 3) & 7 : 8 + (modrm & 0x3f);
}

struct decode_index {
    struct decode_slot slots[MAP_COUNT][256];
    uint16_t *cells; /* row numbers; 0: invalid encoding */
    size_t cell_count;
    struct decode_row *rows; /* rows[0] is invalid; rows[n + 1] belongs to table[n] */
};

/**
 * Index the encodings that a CPU with `features` (FEATURE_BIT mask; BASE is implied) has.
 * NULL with *error set when memory is short or the table contradicts itself: two rows that claim
 * the same bytes, or an opcode that both has and has not a ModRM byte.
 */
struct decode_index *decode_index_create(uint64_t features, struct error *error);
/** The same for any table: what the tests use. */
struct decode_index *decode_index_create_from(const struct encoding *table, size_t count,
                                              uint64_t features, struct error *error);
void decode_index_destroy(struct decode_index *index);

#endif
