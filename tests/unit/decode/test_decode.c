/*
 * decode(): lengths, operands, prefixes and what is refused.
 */
#include "tests/unit/decode/decode_fixture.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- Operations, lengths and forms --------------------------------------------------------- */

struct shape_case {
    const char *hex;
    enum decode_mode mode;
    uint16_t op;
    uint8_t length, width, form;
};

static void check_shapes(const struct shape_case *cases, size_t count) {
    for (size_t n = 0; n < count; n++) {
        const struct shape_case *c = &cases[n];
        struct insn insn;
        cr_expect_eq(decode_hex(c->mode, c->hex, &insn), DECODE_OK, "%s", c->hex);
        cr_expect_eq(insn.op, c->op, "%s: %s, expected %s", c->hex, op_name(insn.op),
                     op_name(c->op));
        cr_expect_eq(insn.length, c->length, "%s: length %u", c->hex, insn.length);
        cr_expect_eq(insn.width, c->width, "%s: width %u", c->hex, insn.width);
        cr_expect_eq(insn.form, c->form, "%s: form %u", c->hex, insn.form);
    }
}

Test(decode, finds_operation_length_width_and_form) {
    static const struct shape_case cases[] = {
        {"00c8", DECODE_32, OP_ADD, 2, WIDTH_8, FORM_RR},
        {"01c8", DECODE_32, OP_ADD, 2, WIDTH_32, FORM_RR},
        {"01c8", DECODE_16, OP_ADD, 2, WIDTH_16, FORM_RR},
        {"6601c8", DECODE_32, OP_ADD, 3, WIDTH_16, FORM_RR},
        {"6601c8", DECODE_16, OP_ADD, 3, WIDTH_32, FORM_RR},
        {"0308", DECODE_32, OP_ADD, 2, WIDTH_32, FORM_RM},
        {"0108", DECODE_32, OP_ADD, 2, WIDTH_32, FORM_MR},
        {"810512345678 9abcdef0", DECODE_32, OP_ADD, 10, WIDTH_32, FORM_MI},
        {"81c3 9abcdef0", DECODE_32, OP_ADD, 6, WIDTH_32, FORM_RI},
        {"81c3 9abc", DECODE_16, OP_ADD, 4, WIDTH_16, FORM_RI},
        {"82c3 9a", DECODE_16, OP_ADD, 3, WIDTH_8, FORM_RI},
        {"83fb 9a", DECODE_16, OP_CMP, 3, WIDTH_16, FORM_RI},
        {"3c9a", DECODE_16, OP_CMP, 2, WIDTH_8, FORM_RI},
        {"f6ca 9a", DECODE_16, OP_TEST, 3, WIDTH_8, FORM_RI},
        {"f7cb 12345678", DECODE_32, OP_TEST, 6, WIDTH_32, FORM_RI},
        {"f7db", DECODE_32, OP_NEG, 2, WIDTH_32, FORM_RR},
        {"f71b", DECODE_32, OP_NEG, 2, WIDTH_32, FORM_MR},
        {"d0f0", DECODE_32, OP_SHL, 2, WIDTH_8, FORM_RI},
        {"d1e0", DECODE_32, OP_SHL, 2, WIDTH_32, FORM_RI},
        {"d320", DECODE_32, OP_SHL, 2, WIDTH_32, FORM_MR},
        {"c12005", DECODE_32, OP_SHL, 3, WIDTH_32, FORM_MI},
        {"6bc8 9a", DECODE_32, OP_IMUL3, 3, WIDTH_32, FORM_RR},
        {"69 08 12345678", DECODE_32, OP_IMUL3, 6, WIDTH_32, FORM_RM},
        {"0fb608", DECODE_32, OP_MOVZX8, 3, WIDTH_32, FORM_RM},
        {"0fbfc8", DECODE_16, OP_MOVSX16, 3, WIDTH_16, FORM_RR},
        {"0f94c1", DECODE_16, OP_SETZ, 3, WIDTH_8, FORM_RR},
        {"0f9401", DECODE_16, OP_SETZ, 3, WIDTH_8, FORM_MR},
        {"a1 12345678", DECODE_32, OP_MOV, 5, WIDTH_32, FORM_RM},
        {"a2 1234", DECODE_16, OP_MOV, 3, WIDTH_8, FORM_MR},
        {"67a3 12345678", DECODE_16, OP_MOV, 6, WIDTH_16, FORM_MR},
        {"b1 7f", DECODE_32, OP_MOV, 2, WIDTH_8, FORM_RI},
        {"c705 12345678 12345678", DECODE_32, OP_MOV, 10, WIDTH_32, FORM_MI},
        {"c8 123456", DECODE_32, OP_ENTER, 4, WIDTH_32, FORM_RI},
        {"68 12345678", DECODE_32, OP_PUSHI, 5, WIDTH_32, FORM_RR},
        {"0fa4c805", DECODE_32, OP_SHLD, 4, WIDTH_32, FORM_RR},
        {"8ed0", DECODE_32, OP_MOV_TO_SS, 2, WIDTH_16, FORM_RR},
        {"8cd8", DECODE_32, OP_MOV_FROM_SEG, 2, WIDTH_32, FORM_RR},
        {"8c18", DECODE_32, OP_MOV_FROM_SEG, 2, WIDTH_16, FORM_MR},
        {"e5 80", DECODE_32, OP_IN_IMM, 2, WIDTH_32, FORM_RI},
        {"ee", DECODE_32, OP_OUT_DX, 1, WIDTH_8, FORM_RR},
        {"6f", DECODE_16, OP_OUTS, 1, WIDTH_16, FORM_RR},
        {"f3a4", DECODE_16, OP_MOVS, 2, WIDTH_8, FORM_RR},
        {"66cf", DECODE_16, OP_IRET, 2, WIDTH_32, FORM_RR},
        {"0fb9c0", DECODE_32, OP_UD, 3, WIDTH_32, FORM_RR},
        {"f1", DECODE_32, OP_ICEBP, 1, WIDTH_32, FORM_RR},
        {"d6", DECODE_32, OP_SALC, 1, WIDTH_32, FORM_RR},
    };
    check_shapes(cases, ARRAY_SIZE(cases));
}

/* ---- Registers ----------------------------------------------------------------------------- */

struct register_case {
    const char *hex;
    uint8_t reg, rm;
};

Test(decode, puts_registers_where_the_form_says) {
    static const struct register_case cases[] = {
        {"01d1", GPR_EDX, GPR_ECX},    /* add ecx, edx */
        {"03ca", GPR_EDX, GPR_ECX},    /* the same, encoded the other way round */
        {"0fafca", GPR_ECX, GPR_EDX},  /* imul ecx, edx */
        {"83e9 01", GPR_ECX, GPR_ECX}, /* sub ecx, 1 */
        {"f7d1", GPR_ECX, GPR_ECX},    /* not ecx */
        {"41", GPR_ECX, GPR_ECX},      /* inc ecx */
        {"51", GPR_ECX, GPR_ECX},      /* push ecx */
        {"91", GPR_EAX, GPR_ECX},      /* xchg ecx, eax */
        {"87d1", GPR_EDX, GPR_ECX},    /* xchg ecx, edx */
        {"0501000000", GPR_EAX, GPR_EAX}, {"b901000000", GPR_ECX, GPR_ECX},
        {"0fc9", GPR_ECX, GPR_ECX},                                  /* bswap ecx */
        {"0fbcca", GPR_ECX, GPR_EDX},     {"8ed9", SEG_DS, GPR_ECX}, /* mov ds, cx */
        {"8ce1", SEG_FS, GPR_ECX},                                   /* mov cx, fs */
        {"0e", SEG_CS, SEG_CS},                                      /* push cs */
        {"0fa9", SEG_GS, SEG_GS},                                    /* pop gs */
        {"0f22d9", 3, GPR_ECX},                                      /* mov cr3, ecx */
        {"0f23f9", 7, GPR_ECX},                                      /* mov dr7, ecx */
    };
    for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
        struct insn insn;
        cr_expect_eq(decode_hex(DECODE_32, cases[n].hex, &insn), DECODE_OK, "%s", cases[n].hex);
        cr_expect_eq(insn.reg, cases[n].reg, "%s: reg %u", cases[n].hex, insn.reg);
        cr_expect_eq(insn.rm, cases[n].rm, "%s: rm %u", cases[n].hex, insn.rm);
    }
}

Test(decode, ignores_mod_of_moves_to_control_registers) {
    struct insn insn;
    cr_expect_eq(decode_hex(DECODE_32, "0f2245", &insn), DECODE_OK);
    cr_expect_eq(insn.op, OP_MOV_TO_CR);
    cr_expect_eq(insn.length, 3);
    cr_expect_eq(insn.rm, GPR_EBP);
    cr_expect_eq(insn.flags & INSN_MEM, 0);
}

/* ---- Memory operands ----------------------------------------------------------------------- */

struct memory_case {
    const char *hex; /* the ModRM byte and what follows, with reg = 0 */
    enum decode_mode mode;
    uint8_t base, index, scale, seg;
    uint32_t disp;
};

#define NONE GPR_ZERO

Test(decode, decodes_every_kind_of_address) {
    static const struct memory_case cases[] = {
        {"00", DECODE_16, GPR_EBX, GPR_ESI, 0, SEG_DS, 0},
        {"01", DECODE_16, GPR_EBX, GPR_EDI, 0, SEG_DS, 0},
        {"02", DECODE_16, GPR_EBP, GPR_ESI, 0, SEG_SS, 0},
        {"03", DECODE_16, GPR_EBP, GPR_EDI, 0, SEG_SS, 0},
        {"04", DECODE_16, GPR_ESI, NONE, 0, SEG_DS, 0},
        {"05", DECODE_16, GPR_EDI, NONE, 0, SEG_DS, 0},
        {"06 3412", DECODE_16, NONE, NONE, 0, SEG_DS, 0x1234},
        {"06 feff", DECODE_16, NONE, NONE, 0, SEG_DS, 0xfffffffe},
        {"07", DECODE_16, GPR_EBX, NONE, 0, SEG_DS, 0},
        {"46 fe", DECODE_16, GPR_EBP, NONE, 0, SEG_SS, 0xfffffffe},
        {"82 3412", DECODE_16, GPR_EBP, GPR_ESI, 0, SEG_SS, 0x1234},
        {"00", DECODE_32, GPR_EAX, NONE, 0, SEG_DS, 0},
        {"45 80", DECODE_32, GPR_EBP, NONE, 0, SEG_SS, 0xffffff80},
        {"05 78563412", DECODE_32, NONE, NONE, 0, SEG_DS, 0x12345678},
        {"85 78563412", DECODE_32, GPR_EBP, NONE, 0, SEG_SS, 0x12345678},
        {"04 24", DECODE_32, GPR_ESP, NONE, 0, SEG_SS, 0},
        {"04 e4", DECODE_32, GPR_ESP, NONE, 0, SEG_SS, 0},
        {"04 88", DECODE_32, GPR_EAX, GPR_ECX, 2, SEG_DS, 0},
        {"04 c5 78563412", DECODE_32, NONE, GPR_EAX, 3, SEG_DS, 0x12345678},
        {"44 6d 10", DECODE_32, GPR_EBP, GPR_EBP, 1, SEG_SS, 0x10},
        {"04 68", DECODE_32, GPR_EAX, GPR_EBP, 1, SEG_DS, 0},
        {"84 24 78563412", DECODE_32, GPR_ESP, NONE, 0, SEG_SS, 0x12345678},
    };
    for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
        const struct memory_case *c = &cases[n];
        char hex[64] = "8b";
        struct insn insn;
        strcat(hex, c->hex);
        cr_expect_eq(decode_hex(c->mode, hex, &insn), DECODE_OK, "%s", hex);
        cr_expect(insn.flags & INSN_MEM, "%s: no memory operand", hex);
        cr_expect_eq(insn.base, c->base, "%s: base %u", hex, insn.base);
        cr_expect_eq(insn.index_reg, c->index, "%s: index %u", hex, insn.index_reg);
        cr_expect_eq(insn.scale, c->scale, "%s: scale %u", hex, insn.scale);
        cr_expect_eq(insn.seg, c->seg, "%s: segment %u", hex, insn.seg);
        cr_expect_eq(insn.disp, c->disp, "%s: displacement %#x", hex, insn.disp);
        cr_expect_eq(insn.ea_mask, c->mode == DECODE_32 ? 0xffffffff : 0xffff, "%s", hex);
    }
}

Test(decode, applies_the_last_segment_override) {
    static const char *const prefixes[] = {"26", "2e", "36", "3e", "64", "65"};
    struct insn insn;
    for (unsigned seg = 0; seg < SEG_COUNT; seg++) {
        char hex[16] = "2e";
        strcat(strcat(hex, prefixes[seg]), "8b4500");
        cr_expect_eq(decode_hex(DECODE_32, hex, &insn), DECODE_OK);
        cr_expect_eq(insn.seg, seg, "%s: segment %u", hex, insn.seg);
        cr_expect(insn.flags & INSN_SEG_OVERRIDE);
    }
    cr_expect_eq(decode_hex(DECODE_32, "64a4", &insn), DECODE_OK);
    cr_expect_eq(insn.seg, SEG_FS, "source of MOVS");
    cr_expect_eq(decode_hex(DECODE_32, "ac", &insn), DECODE_OK);
    cr_expect_eq(insn.seg, SEG_DS, "source of LODS");
    cr_expect_eq(decode_hex(DECODE_32, "36d7", &insn), DECODE_OK);
    cr_expect_eq(insn.seg, SEG_SS, "table of XLAT");
}

Test(decode, addresses_with_the_other_size_under_67) {
    struct insn insn;
    cr_expect_eq(decode_hex(DECODE_32, "678b063412", &insn), DECODE_OK);
    cr_expect_eq(insn.length, 5);
    cr_expect_eq(insn.ea_mask, 0xffff, "mask %#x", insn.ea_mask);
    cr_expect_eq(insn.width, WIDTH_32);
    cr_expect_eq(decode_hex(DECODE_16, "676767 8b80 78563412", &insn), DECODE_OK);
    cr_expect_eq(insn.length, 9, "repeated prefixes count once");
    cr_expect_eq(insn.disp, 0x12345678, "displacement %#x", insn.disp);
}

/* ---- Immediates ---------------------------------------------------------------------------- */

struct imm_case {
    const char *hex;
    enum decode_mode mode;
    uint32_t imm;
    uint16_t imm2;
    bool is_last_operand;
};

Test(decode, extends_immediates) {
    static const struct imm_case cases[] = {
        {"83c0 80", DECODE_32, 0xffffff80, 0, true},
        {"80c0 80", DECODE_32, 0xffffff80, 0, true},
        {"81c0 0080", DECODE_16, 0xffff8000, 0, true},
        {"6a 80", DECODE_16, 0xffffff80, 0, true},
        {"c1e0 80", DECODE_32, 0x80, 0, true},
        {"d1e0", DECODE_32, 1, 0, true},
        {"d3e0", DECODE_32, 0, 0, false},
        {"e4 ed", DECODE_32, 0xed, 0, true},
        {"e6 ed", DECODE_32, 0xed, 0, false},
        {"cd 80", DECODE_32, 0x80, 0, true},
        {"c2 00f0", DECODE_32, 0xf000, 0, true},
        {"c8 00f0 83", DECODE_32, 0xf000, 0x83, true},
        {"ea 0080 00f0", DECODE_16, 0x8000, 0xf000, true},
        {"ea 78563412 00f0", DECODE_32, 0x12345678, 0xf000, true},
        {"66ea 78563412 00f0", DECODE_16, 0x12345678, 0xf000, true},
        {"eb fe", DECODE_16, 0xfffffffe, 0, true},
        {"e8 feff", DECODE_16, 0xfffffffe, 0, true},
        {"0f85 feffffff", DECODE_32, 0xfffffffe, 0, true},
        {"0fa4c8 85", DECODE_32, 0x85, 0, true},
        {"0fa5c8", DECODE_32, 0, 0, false},
        {"6bc1 ff", DECODE_32, 0xffffffff, 0, true},
        {"d4 8a", DECODE_32, 0x8a, 0, true},
    };
    for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
        const struct imm_case *c = &cases[n];
        struct insn insn;
        cr_expect_eq(decode_hex(c->mode, c->hex, &insn), DECODE_OK, "%s", c->hex);
        cr_expect_eq(insn.imm, c->imm, "%s: imm %#x", c->hex, insn.imm);
        cr_expect_eq(insn.imm2, c->imm2, "%s: imm2 %#x", c->hex, insn.imm2);
        cr_expect_eq((insn.flags & INSN_IMM) != 0, c->is_last_operand, "%s: INSN_IMM", c->hex);
    }
}

/* ---- Prefixes and refusals ----------------------------------------------------------------- */

Test(decode, keeps_the_last_repeat_prefix) {
    struct insn insn;
    decode_hex(DECODE_32, "f2f3a6", &insn);
    cr_expect_eq(insn.flags & (INSN_REP | INSN_REPNE), INSN_REP, "flags %#x", insn.flags);
    decode_hex(DECODE_32, "f3f2a6", &insn);
    cr_expect_eq(insn.flags & (INSN_REP | INSN_REPNE), INSN_REPNE, "flags %#x", insn.flags);
}

Test(decode, refuses_lock_without_a_lockable_memory_destination) {
    static const char *const good[] = {"f00108",   "f0832801",   "f0fe00",   "f0f718",
                                       "f00fab08", "f00fba2801", "f00fb108", "f00fc108",
                                       "f00fc708", "f08708",     "66f0ff08"};
    static const char *const bad[] = {"f001c8", "f00308",   "f03908", "f08b08",     "f08908",
                                      "f090",   "f00fa308", "f0f720", "f00fba2001", "f08500",
                                      "f0ff30", "f087c8",   "f0a4",   "f0d120",     "f00f1f00"};
    struct insn insn;
    for (size_t n = 0; n < ARRAY_SIZE(good); n++) {
        cr_expect_eq(decode_hex(DECODE_32, good[n], &insn), DECODE_OK, "%s", good[n]);
        cr_expect(insn.flags & INSN_LOCK, "%s", good[n]);
    }
    for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
        cr_expect_eq(decode_hex(DECODE_32, bad[n], &insn), DECODE_INVALID, "%s", bad[n]);
        cr_expect_eq(insn.op, OP_UD, "%s: %s", bad[n], op_name(insn.op));
    }
}

Test(decode, refuses_what_is_not_encoded) {
    static const char *const bad[] = {
        "8fc8",   "8f08",   "c6c8",   "c708",   "fed0",   "fe38",   "ffe8",   "ffd8",
        "fff8",   "8dc0",   "62c0",   "c4c0",   "c5c0",   "8ec8",   "8ef0",   "8cf8",
        "0f24c0", "0f20c8", "0f22e8", "0f01c0", "0f01f8", "0fbac0", "0fc7c8", "0fc700",
        "0f0f00", "0f0d00", "0f04",   "0f0a",   "0f00f0", "0f01e8", "0fb2c0", "0fa6c0",
    };
    struct insn insn;
    for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
        cr_expect_eq(decode_hex(DECODE_32, bad[n], &insn), DECODE_INVALID, "%s is %s", bad[n],
                     op_name(insn.op));
        cr_expect_eq(insn.op, OP_UD);
        cr_expect(insn.length >= 1 && insn.length <= 15, "%s: length %u", bad[n], insn.length);
    }
}

/* ---- Lengths ------------------------------------------------------------------------------- */

Test(decode, takes_fifteen_bytes_and_no_more) {
    struct insn insn;
    cr_expect_eq(decode_hex(DECODE_32, "666666666666666666666666666690", &insn), DECODE_OK);
    cr_expect_eq(insn.length, 15);
    cr_expect_eq(decode_hex(DECODE_32, "66666666666666666666666666666690", &insn), DECODE_TOO_LONG);
    /* 2 + ModRM, SIB, disp32, imm32 = 11; 4 prefixes fit, the fifth does not. */
    cr_expect_eq(decode_hex(DECODE_32, "3e3e3e3e 81848d11223344 55667788", &insn), DECODE_OK);
    cr_expect_eq(insn.length, 15);
    cr_expect_eq(decode_hex(DECODE_32, "3e3e3e3e3e 81848d11223344 55667788", &insn),
                 DECODE_TOO_LONG);
}

Test(decode, asks_for_more_when_the_span_ends_within_the_instruction) {
    static const char *const whole[] = {
        "90",         "0fa2",         "81848d1122334455667788",        "c8112233", "ea112233445566",
        "a111223344", "0fa44424080a", "666666666666666666666666666690"};
    struct insn insn;
    cr_expect_eq(decode_hex_unpadded(DECODE_32, "", &insn), DECODE_NEED_MORE);
    for (size_t n = 0; n < ARRAY_SIZE(whole); n++) {
        char hex[64];
        strcpy(hex, whole[n]);
        cr_expect_eq(decode_hex_unpadded(DECODE_32, hex, &insn), DECODE_OK, "%s", hex);
        for (size_t length = strlen(hex); length > 2;) {
            hex[length -= 2] = '\0';
            cr_expect_eq(decode_hex_unpadded(DECODE_32, hex, &insn), DECODE_NEED_MORE, "%s", hex);
        }
    }
}
