/*
 * x87 instructions on the x86-64 back end, which runs most of them on the host's unit: random
 * sequences on special values must leave what the interpreter leaves, pointers included.
 */
#include "softmmu/base/bits.h"
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS    6000
#define CODE_SIZE 48
#define SLOTS     64 /* of 16 bytes, at FLAT_DATA */
#define HOLE      UINT32_C(0x123000)
#define MASKED    0x3f
#define LONGEST   7

static const uint64_t doubles[] = {
    0,
    UINT64_C(1) << 63,
    0x3ff0000000000000,
    0xbff0000000000000,
    0x3fe0000000000001,
    0x7ff0000000000000,
    0xfff0000000000000,
    0x7ff8000000000000,
    0x7ff0000000000001,
    1,
    0x000fffffffffffff,
    0x7fefffffffffffff,
    0x4330000000000001,
    0x43e0000000000000,
    0xc1e0000000200000,
    0x40dfffe000000000,
};
static const uint64_t significands[] = {
    0, 1, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, UINT64_MAX, UINT64_C(3) << 62, 0x123456789,
};
static const uint16_t exponents[] = {0,      1,      0x3fff, 0x4000, 0x3ffe, 0x401e,
                                     0x403e, 0x7ffe, 0x7fff, 0x3bcd, 0x43fe, 0x3f81};

#define PICK(table, random) (table)[(random) % (sizeof(table) / sizeof((table)[0]))]

static struct float80 special(struct engine_pair *pair) {
    uint32_t random = engine_pair_random(pair);
    struct float80 value = {PICK(significands, random >> 4), PICK(exponents, random >> 8)};
    if (random % 4 == 0)
        value.significand = (uint64_t)engine_pair_random(pair) << 32 | random | UINT64_C(1) << 63;
    else if (random % 4 != 1)
        value.significand |= UINT64_C(1) << 63;
    value.sign_exponent |= (uint16_t)(random >> 31 << 15);
    return value;
}

static void fill_memory(struct engine_pair *pair) {
    uint8_t *at = pair->reference->ram + FLAT_DATA;
    for (unsigned i = 0; i < SLOTS; i++) {
        uint32_t random = engine_pair_random(pair);
        struct float80 value = special(pair);
        store_le64(at + 16 * i, random % 2 ? PICK(doubles, random >> 4) : value.significand);
        store_le64(at + 16 * i + 8, value.sign_exponent);
        if (random % 8 < 2)
            store_le32(at + 16 * i, engine_pair_operand(pair));
    }
    memcpy(pair->tested->ram + FLAT_DATA, at, SLOTS * 16);
}

static void set_x87(struct engine_pair *pair) {
    struct x87_state *x = &pair->reference->cpu.x87;
    uint32_t random = engine_pair_random(pair);
    for (unsigned i = 0; i < 8; i++)
        x->st[i] = special(pair);
    x->control = (uint16_t)((random & 0x0f00) | 0x40 | MASKED);
    if (random >> 28 == 0)
        x->control &= (uint16_t) ~(random >> 16 & MASKED);
    x->status = (uint16_t)(random >> 12 & 0x477f);
    if (x->status & ~x->control & MASKED)
        x->status |= 0x8080;
    x->top = random >> 4 & 7;
    x->is_valid = random % 4 == 0 ? (uint8_t)engine_pair_random(pair) : 0x7e;
    pair->tested->cpu.x87 = *x;
}

static const uint8_t mmx_opcodes[] = {
    0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6e, 0x6f,
    0x70, 0x74, 0x75, 0x76, 0x77, 0x7e, 0x7f, 0xc4, 0xc5, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5,
    0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4,
    0xe5, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf2, 0xf3, 0xf4,
    0xf5, 0xf6, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0x71, 0x72, 0x73,
};

/** Opcode, ModRM of a register or [ebx + disp8], and an immediate where there is one. */
static size_t make_mmx(struct engine_pair *pair, uint8_t *code) {
    uint32_t random = engine_pair_random(pair);
    size_t size = 0;
    code[size++] = 0x0f;
    code[size++] = PICK(mmx_opcodes, random);
    uint8_t opcode = code[1];
    if (opcode == 0x77)
        return size;
    bool is_shift = opcode >= 0x71 && opcode <= 0x73;
    bool has_imm = is_shift || opcode == 0x70 || opcode == 0xc4 || opcode == 0xc5;
    uint8_t reg = random >> 8 & 0x38;
    if (is_shift)
        reg = PICK(((const uint8_t[]){0x10, 0x20, 0x30}), random >> 8);
    if (is_shift || random >> 16 & 1) {
        code[size++] = 0xc0 | reg | (random >> 17 & 7);
    } else {
        code[size++] = 0x43 | reg;
        code[size++] = random >> 17 & 0x7c;
    }
    if (has_imm)
        code[size++] = random >> 24 & 31;
    return size;
}

/** Mostly x87, on registers or memory that may fault; some integer instructions between. */
static size_t make_insn(struct engine_pair *pair, uint8_t *code) {
    uint32_t random = engine_pair_random(pair);
    if (random % 8 == 0) {
        static const uint8_t others[] = {0x9b, 0x40, 0x43, 0x4b, 0x9c};
        code[0] = PICK(others, random >> 3);
        return 1;
    }
    if ((random >> 24) % 4 == 0)
        return make_mmx(pair, code);
    code[0] = 0xd8 | (random >> 3 & 7);
    if (random >> 6 & 1) {
        code[1] = 0xc0 | (random >> 7 & 63);
        return 2;
    }
    uint32_t slot = random >> 10 & (SLOTS - 1);
    if (random >> 16 & 1) { /* [ebx + disp8] */
        code[1] = (uint8_t)(0x43 | (random >> 7 & 0x38));
        code[2] = (uint8_t)(slot << 2 & 0x70);
        return 3;
    }
    code[1] = (uint8_t)(0x05 | (random >> 7 & 0x38));
    uint32_t address = FLAT_DATA + 16 * slot;
    if ((random >> 17) % 32 == 0)
        address = HOLE - 4 + (random >> 22 & 3);
    store_le32(code + 2, address);
    return 6;
}

static void expect_same_x87(const struct engine_pair *pair, unsigned round, const char *text) {
    const struct x87_state *a = &pair->reference->cpu.x87, *b = &pair->tested->cpu.x87;
    cr_assert_eq(a->control, b->control, "round %u:%s control %04x, translated %04x", round, text,
                 a->control, b->control);
    cr_assert(a->status == b->status && a->top == b->top && a->is_valid == b->is_valid,
              "round %u:%s status %04x top %u valid %02x, translated %04x %u %02x", round, text,
              a->status, a->top, a->is_valid, b->status, b->top, b->is_valid);
    cr_assert(a->opcode == b->opcode && a->code_offset == b->code_offset &&
                  a->code_selector == b->code_selector,
              "round %u:%s FOP %03x at %x:%" PRIx64 ", translated %03x at %x:%" PRIx64, round, text,
              a->opcode, a->code_selector, a->code_offset, b->opcode, b->code_selector,
              b->code_offset);
    cr_assert(a->data_offset == b->data_offset && a->data_selector == b->data_selector,
              "round %u:%s FDP %x:%" PRIx64 ", translated %x:%" PRIx64, round, text,
              a->data_selector, a->data_offset, b->data_selector, b->data_offset);
    for (unsigned i = 0; i < 8; i++)
        cr_assert(a->st[i].significand == b->st[i].significand &&
                      a->st[i].sign_exponent == b->st[i].sign_exponent,
                  "round %u:%s register %u is %04x:%016" PRIx64 ", translated %04x:%016" PRIx64,
                  round, text, i, a->st[i].sign_exponent, a->st[i].significand,
                  b->st[i].sign_exponent, b->st[i].significand);
}

static void create(struct engine_pair *pair, bool has_window) {
    engine_pair_create(pair, "x86_64");
    struct flat_machine *const machines[] = {pair->reference, pair->tested};
    for (unsigned i = 0; i < 2; i++) {
        flat_machine_enable_paging(machines[i]);
        flat_machine_set_pte(machines[i], HOLE, 0);
    }
    struct mmu *mmu = &pair->tested->cpu.mmu;
    for (unsigned i = 0; has_window && i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
}

static void check_round(struct engine_pair *pair, unsigned round) {
    uint8_t code[CODE_SIZE + LONGEST];
    char text[4 * sizeof(code)] = "", message[200];
    size_t size = 0, printed = 0;
    while (size < CODE_SIZE)
        size += make_insn(pair, code + size);
    for (size_t i = 0; i < size; i++)
        printed += (size_t)snprintf(text + printed, sizeof(text) - printed, " %02x", code[i]);
    engine_pair_load(pair, code, size, true);
    fill_memory(pair);
    set_x87(pair);
    struct cpu *a = &pair->reference->cpu, *b = &pair->tested->cpu;
    a->gpr[GPR_EBX] = b->gpr[GPR_EBX] = FLAT_DATA + (engine_pair_random(pair) & 0x1f0);
    uint32_t random = engine_pair_random(pair);
    engine_pair_run(pair, random % 4 == 0 ? 2 + (random >> 8) % 20 : 100);
    expect_same_x87(pair, round, text);
    cr_assert(engine_pair_agrees(pair, message, sizeof(message)), "round %u:%s: %s", round, text,
              message);
}

static void check(bool has_window) {
    struct engine_pair pair;
    create(&pair, has_window);
    for (unsigned round = 0; round < ROUNDS; round++)
        check_round(&pair, round);
    engine_pair_destroy(&pair);
}

Test(x86_64_x87, random_sequences_with_a_window) {
    check(true);
}

Test(x86_64_x87, random_sequences_without_a_window) {
    check(false);
}

/* fxch, which brings the registers to the host's unit; the instruction; fnstsw ax; fxch. */
static void check_function(struct engine_pair *pair, unsigned round) {
    static const uint8_t functions[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff};
    uint8_t code[] = {0xd9, 0xc8, 0xd9, 0, 0xdf, 0xe0, 0xd9, 0xc9};
    uint32_t random = engine_pair_random(pair);
    char text[40];
    code[3] = PICK(functions, random);
    snprintf(text, sizeof(text), " d9 %02x", code[3]);
    engine_pair_load(pair, code, sizeof(code), true);
    set_x87(pair);
    struct x87_state *x = &pair->reference->cpu.x87;
    if (random >> 3 & 7) { /* as a rule ordinary numbers in the usual mode, and room */
        for (unsigned i = 0; i < 8; i++) {
            x->st[i].significand = (uint64_t)engine_pair_random(pair) << 32 | UINT64_C(1) << 63;
            x->st[i].significand |= engine_pair_random(pair);
            x->st[i].sign_exponent = (uint16_t)(0x3ff0 + (engine_pair_random(pair) & 0x801f));
        }
        x->control = 0x37f;
        x->status &= random >> 6 & 1 ? 0x4100 : 0x4120;
        x->is_valid = (uint8_t)(3u << x->top | 3u << x->top >> 8);
        pair->tested->cpu.x87 = *x;
    }
    engine_pair_run(pair, 100);
    expect_same_x87(pair, round, text);
    char message[200];
    cr_assert(engine_pair_agrees(pair, message, sizeof(message)), "round %u:%s: %s", round, text,
              message);
}

Test(x86_64_x87, transcendental_instructions_set_status_and_registers_as_the_interpreter) {
    struct engine_pair pair;
    create(&pair, true);
    for (unsigned round = 0; round < 4 * ROUNDS; round++)
        check_function(&pair, round);
    engine_pair_destroy(&pair);
}

/** The code begins with an x87 load by the register, and then changes that. */
static void check_data_pointer(const uint8_t *code, size_t size, unsigned reg, const char *name) {
    struct engine_pair pair;
    create(&pair, true);
    translator_skip_warm_up(pair.translator);
    for (unsigned round = 0; round < 3; round++) {
        engine_pair_load(&pair, code, size, true);
        fill_memory(&pair);
        set_x87(&pair);
        pair.reference->cpu.gpr[reg] = pair.tested->cpu.gpr[reg] = FLAT_DATA;
        engine_pair_run(&pair, 100);
        expect_same_x87(&pair, round, name);
    }
    engine_pair_destroy(&pair);
}

Test(x86_64_x87, the_data_pointer_is_that_of_the_register_before_it_is_loaded_anew) {
    static const uint8_t code[] = {0xd9, 0x03, 0x8b, 0x5b, 0x04};
    check_data_pointer(code, sizeof(code), GPR_EBX, "fld dword [ebx]; mov ebx,[ebx+4]");
}

Test(x86_64_x87, the_data_pointer_is_that_of_the_register_before_flags_are_loaded_into_it) {
    static const uint8_t code[] = {0xd9, 0x00, 0x9f};
    check_data_pointer(code, sizeof(code), GPR_EAX, "fld dword [eax]; lahf");
}
