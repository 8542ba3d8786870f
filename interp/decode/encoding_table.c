/*
 * The rows of encodings_*.def as an array, and the names that their columns use.
 */
#include "interp/decode/decode_index.h"
#include "interp/decode/op.h"
#include "softmmu/base/bits.h"

/* The modrm column. */
#define MODRM_COLUMN_NONE MODRM_NONE
#define MODRM_COLUMN_ANY  MODRM_ANY
#define MODRM_COLUMN_MM   MODRM_MEM
#define MODRM_COLUMN_XX   MODRM_XREG
#define MODRM_COLUMN_R0   MODRM_REG | 0
#define MODRM_COLUMN_R1   MODRM_REG | 1
#define MODRM_COLUMN_R2   MODRM_REG | 2
#define MODRM_COLUMN_R3   MODRM_REG | 3
#define MODRM_COLUMN_R4   MODRM_REG | 4
#define MODRM_COLUMN_R5   MODRM_REG | 5
#define MODRM_COLUMN_R6   MODRM_REG | 6
#define MODRM_COLUMN_R7   MODRM_REG | 7
#define MODRM_COLUMN_M0   MODRM_REG_MEM | 0
#define MODRM_COLUMN_M1   MODRM_REG_MEM | 1
#define MODRM_COLUMN_M2   MODRM_REG_MEM | 2
#define MODRM_COLUMN_M3   MODRM_REG_MEM | 3
#define MODRM_COLUMN_M4   MODRM_REG_MEM | 4
#define MODRM_COLUMN_M5   MODRM_REG_MEM | 5
#define MODRM_COLUMN_M6   MODRM_REG_MEM | 6
#define MODRM_COLUMN_M7   MODRM_REG_MEM | 7
#define MODRM_COLUMN_X0   MODRM_REG_XREG | 0
#define MODRM_COLUMN_X1   MODRM_REG_XREG | 1
#define MODRM_COLUMN_X2   MODRM_REG_XREG | 2
#define MODRM_COLUMN_X3   MODRM_REG_XREG | 3
#define MODRM_COLUMN_X4   MODRM_REG_XREG | 4
#define MODRM_COLUMN_X5   MODRM_REG_XREG | 5
#define MODRM_COLUMN_X6   MODRM_REG_XREG | 6
#define MODRM_COLUMN_X7   MODRM_REG_XREG | 7

#define MODRM_COLUMN_B(byte) MODRM_BYTE | (byte)

static const struct encoding table[] = {
#define ENC(map_, prefix_, first_, last_, modrm_, op_, o1, o2, o3, feature_, attribute_)           \
    {.op = OP_##op_,                                                                               \
     .modrm = MODRM_COLUMN_##modrm_,                                                               \
     .map = MAP_##map_,                                                                            \
     .prefix = PREFIX_##prefix_,                                                                   \
     .first = first_,                                                                              \
     .last = last_,                                                                                \
     .operands = {OPERAND_##o1, OPERAND_##o2, OPERAND_##o3},                                       \
     .feature = FEATURE_##feature_,                                                                \
     .attribute = ATTRIBUTE_##attribute_},
#include "interp/decode/encodings.def"
#undef ENC
};

const struct encoding *encoding_table(size_t *count) {
    *count = ARRAY_SIZE(table);
    return table;
}
