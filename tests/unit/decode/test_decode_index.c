/*
 * The encoding tables: they agree with the operations and with themselves, and the index refuses
 * tables that do not.
 */
#include "tests/unit/decode/decode_fixture.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct encoding ud_row = {.op = OP_UD, .map = MAP_M1, .prefix = PREFIX_ANY};

static bool builds(const struct encoding *rows, size_t count, struct error *error) {
    struct decode_index *index = decode_index_create_from(rows, count, ALL_FEATURES, error);
    decode_index_destroy(index);
    return index;
}

Test(decode_index, accepts_the_tables) {
    struct error error;
    struct decode_index *index = decode_index_create(ALL_FEATURES, &error);
    cr_assert(index, "%s", error.message);
    decode_index_destroy(index);
}

Test(decode_index, every_operation_has_an_encoding) {
    size_t count;
    const struct encoding *table = encoding_table(&count);
    bool seen[OP_COUNT] = {0};
    for (size_t n = 0; n < count; n++)
        seen[table[n].op] = true;
    for (unsigned op = 0; op < OP_COUNT; op++)
        cr_expect(seen[op], "OP(%s) has no encoding", op_name(op));
}

Test(decode_index, every_row_is_well_formed) {
    size_t count;
    const struct encoding *table = encoding_table(&count);
    for (size_t n = 0; n < count; n++) {
        const struct encoding *e = &table[n];
        cr_expect(e->first <= e->last, "%s: %02x > %02x", op_name(e->op), e->first, e->last);
        bool names_register = false;
        for (unsigned o = 0; o < 3; o++)
            names_register |= e->operands[o] == OPERAND_Zb || e->operands[o] == OPERAND_Zv;
        cr_expect(!names_register || e->modrm == MODRM_NONE, "%s: Z with ModRM", op_name(e->op));
        if ((e->modrm & MODRM_FORM_MASK) == MODRM_BYTE)
            cr_expect((e->modrm & 0xff) >= 0xc0, "%s: B(%02x)", op_name(e->op), e->modrm & 0xff);
    }
}

static bool shape_has_width(unsigned shape, unsigned width) {
    switch (shape) {
    case SHAPE_VSIZED:
    case SHAPE_LOADS:
        return width != WIDTH_8;
    case SHAPE_SETCC:
        return width == WIDTH_8;
    default:
        return true;
    }
}

Test(decode_index, every_row_leads_to_a_handler_that_exists) {
    static const uint8_t shapes[] = {
#define OP(name, mnemonic, shape, ...) SHAPE_##shape,
#include "interp/decode/ops.def"
#undef OP
    };
    size_t count;
    const struct encoding *table = encoding_table(&count);
    struct decode_index *index = decode_index_create(ALL_FEATURES, NULL);
    cr_assert(index);
    for (size_t n = 0; n < count; n++)
        for (unsigned is_32 = 0; is_32 < 2; is_32++)
            for (unsigned memory = 0; memory < 2; memory++) {
                unsigned width = index->rows[n + 1].width[is_32][memory];
                cr_expect(shape_has_width(shapes[table[n].op], width), "%s %02X: width %u",
                          op_name(table[n].op), table[n].first, width);
            }
    decode_index_destroy(index);
}

Test(decode_index, refuses_two_rows_for_the_same_bytes) {
    struct encoding rows[] = {ud_row, ud_row};
    struct error error = {""};
    cr_expect(!builds(rows, 2, &error));
    cr_expect(strstr(error.message, "two rows"), "%s", error.message);
}

Test(decode_index, refuses_a_group_row_beside_a_row_for_any_modrm) {
    struct encoding rows[] = {ud_row, ud_row};
    rows[0].modrm = MODRM_ANY;
    rows[1].modrm = MODRM_REG_MEM | 3;
    struct error error = {""};
    cr_expect(!builds(rows, 2, &error));
}

Test(decode_index, refuses_an_opcode_with_and_without_modrm) {
    struct encoding rows[] = {ud_row, ud_row};
    rows[0].modrm = MODRM_ANY;
    rows[1].prefix = PREFIX_PF3;
    struct error error = {""};
    cr_expect(!builds(rows, 2, &error));
    cr_expect(strstr(error.message, "ModRM"), "%s", error.message);
}

Test(decode_index, accepts_memory_and_register_rows_of_one_group_number) {
    struct encoding rows[] = {ud_row, ud_row};
    rows[0].modrm = MODRM_REG_MEM | 3;
    rows[1].modrm = MODRM_REG_XREG | 3;
    struct error error = {""};
    cr_expect(builds(rows, 2, &error), "%s", error.message);
}

Test(decode_index, lets_a_row_with_a_prefix_outrank_one_without) {
    struct insn insn;
    cr_expect_eq(decode_hex(DECODE_32, "90", &insn), DECODE_OK);
    cr_expect_eq(insn.op, OP_NOP);
    cr_expect_eq(decode_hex(DECODE_32, "f390", &insn), DECODE_OK);
    cr_expect_eq(insn.op, OP_PAUSE);
    cr_expect_eq(decode_hex(DECODE_32, "f290", &insn), DECODE_OK);
    cr_expect_eq(insn.op, OP_NOP);
    cr_expect_eq(decode_hex(DECODE_32, "f3f290", &insn), DECODE_OK);
    cr_expect_eq(insn.op, OP_NOP, "the last of F2 and F3 counts");
}

struct feature_case {
    const char *hex;
    uint64_t feature;
};

Test(decode_index, an_encoding_needs_its_feature) {
    static const struct feature_case cases[] = {
        {"0fc8", FEATURE_BIT(I486)},      {"0fb0c8", FEATURE_BIT(I486)},
        {"0fc108", FEATURE_BIT(I486)},    {"0f08", FEATURE_BIT(I486)},
        {"0f0138", FEATURE_BIT(I486)},    {"0fa2", FEATURE_BIT(PENTIUM)},
        {"0f31", FEATURE_BIT(TSC)},       {"0f32", FEATURE_BIT(MSR)},
        {"0f30", FEATURE_BIT(MSR)},       {"0fc70e", FEATURE_BIT(CX8)},
        {"0f44c1", FEATURE_BIT(CMOV)},    {"0f34", FEATURE_BIT(SEP)},
        {"0f1f440000", FEATURE_BIT(P6)},  {"0f33", FEATURE_BIT(P6)},
        {"0f20e0", FEATURE_BIT(PENTIUM)}, {"0f22e0", FEATURE_BIT(PENTIUM)},
    };
    struct insn insn;
    for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
        cr_expect_eq(
            decode_hex_with(ALL_FEATURES & ~cases[n].feature, DECODE_32, cases[n].hex, &insn),
            DECODE_INVALID, "%s without its feature", cases[n].hex);
        cr_expect_eq(decode_hex_with(cases[n].feature, DECODE_32, cases[n].hex, &insn), DECODE_OK,
                     "%s with its feature", cases[n].hex);
    }
}
