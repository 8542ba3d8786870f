/*
 * All x87 instructions but those that store pointers, from random states, against the host:
 * registers, tags, TOP, status, memory operand and flags.
 * FPU_VECTORS in the environment sets the number of vectors for each encoding; X87_CASE=d8c1:17
 * chooses one encoding and vector, as a failure prints it.
 */
#include "interp/decode/decode_index.h"
#include "tests/unit/exec/host_x86_64_x87.h"
#include "tests/unit/exec/x87_fixture.h"
#include "tests/unit/fpu/operands.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_REPORTS   4
#define OPERAND_BYTES 16

static exec_fn *const handlers[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = exec_##name,
#include "interp/decode/ops_x87.def"
#undef OP
};

/* This test is linked without the decoder, so it writes its own lines of encoding coverage. */
static void report_coverage(size_t row, enum op op) {
    static const char *const names[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = #name,
#include "interp/decode/ops_x87.def"
#undef OP
    };
    const char *path = getenv("ENCODING_COVERAGE");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "%zu %s\n", row, names[op]);
    fclose(file);
}

/* Everything that an instruction may change. */
struct state {
    struct host_x87_image image;
    uint8_t memory[OPERAND_BYTES];
    uint64_t eflags;
};

static void random_state(struct operand_source *source, struct state *s) {
    static const uint8_t precisions[] = {0, 2, 3, 3};
    memset(s, 0, sizeof(*s));
    unsigned masks = operand_random(source) & 3 ? 0x3f : operand_random(source) & 0x3f;
    s->image.control = (uint32_t)(0x40 | masks | (operand_random(source) & 3) << 10 |
                                  (unsigned)precisions[operand_random(source) & 3] << 8);
    /* Only masked exceptions may be set already, or the host would fault. */
    s->image.status =
        (uint32_t)((operand_random(source) & 0x7f00) | (operand_random(source) & masks & 0x3f));
    uint32_t filled = (uint32_t)operand_random(source);
    s->image.tags = operand_random(source) & 1 ? filled & filled << 1 : 0;
    if (operand_random(source) & 1) /* room to push */
        s->image.tags |= 3u << 2 * (((s->image.status >> 11) - 1) & 7);
    for (unsigned i = 0; i < 8; i++) {
        struct float80 value = operand_f80(source);
        memcpy(s->image.registers + 10 * i, &value.significand, 8);
        memcpy(s->image.registers + 10 * i + 8, &value.sign_exponent, 2);
    }
    switch (operand_random(source) & 3) {
    case 0:
        store_le32(s->memory, operand_f32(source));
        break;
    case 1:
        store_le64(s->memory, operand_f64(source));
        break;
    case 2: {
        struct float80 value = operand_f80(source);
        memcpy(s->memory, &value.significand, 8);
        memcpy(s->memory + 8, &value.sign_exponent, 2);
        break;
    }
    default:
        store_le64(s->memory, operand_random(source));
        store_le16(s->memory + 8, (uint16_t)operand_random(source));
        break;
    }
    s->eflags = 0x202 | (operand_random(source) & FLAGS_ARITHMETIC);
}

static void run_model(struct x87_fixture *f, const struct insn *insn, exec_fn *handler,
                      struct state *s) {
    struct cpu *cpu = &f->cpu;
    x87_init(cpu);
    x87_set_words(cpu, (uint16_t)s->image.control, (uint16_t)s->image.status);
    x87_set_tag_word(cpu, (uint16_t)s->image.tags);
    for (unsigned i = 0; i < 8; i++)
        cpu->x87.st[x87_physical(cpu, i)] = host_x87_register(&s->image, i);
    lazy_flags_set(&cpu->lazy, (uint32_t)s->eflags);
    memcpy(f->memory, s->memory, OPERAND_BYTES);
    cr_assert_eq(x87_fixture_run(f, handler, insn), -1);
    s->image.control = cpu->x87.control;
    s->image.status = x87_status_word(cpu);
    s->image.tags = x87_tag_word(cpu);
    for (unsigned i = 0; i < 8; i++) {
        struct float80 value = x87_get(cpu, i);
        memcpy(s->image.registers + 10 * i, &value.significand, 8);
        memcpy(s->image.registers + 10 * i + 8, &value.sign_exponent, 2);
    }
    memcpy(s->memory, f->memory, OPERAND_BYTES);
    s->eflags = (s->eflags & ~(uint64_t)FLAGS_ARITHMETIC) | lazy_flags_get(&cpu->lazy);
}

static bool same_register(const struct state *a, const struct state *b, unsigned i, uint64_t ulps) {
    return operand_distance(host_x87_register(&a->image, i), host_x87_register(&b->image, i)) <=
           ulps;
}

static bool same_state(const struct state *a, const struct state *b, uint16_t status_mask,
                       uint64_t ulps) {
    bool same = !((a->image.status ^ b->image.status) & status_mask) &&
                !((a->image.tags ^ b->image.tags) & 0xffff) &&
                !((a->image.control ^ b->image.control) & 0xffff) && a->eflags == b->eflags &&
                memcmp(a->memory, b->memory, OPERAND_BYTES) == 0;
    for (unsigned i = 0; i < 8; i++)
        same = same && same_register(a, b, i, ulps);
    return same;
}

static void print_state(const char *title, const struct state *s) {
    fprintf(stderr,
            "  %s cw %04x sw %04x tags %04x eflags %03x memory %016" PRIx64 ":%016" PRIx64 "\n   ",
            title, s->image.control & 0xffff, s->image.status & 0xffff, s->image.tags & 0xffff,
            (unsigned)s->eflags, load_le64(s->memory + 8), load_le64(s->memory));
    for (unsigned i = 0; i < 8; i++) {
        struct float80 value = host_x87_register(&s->image, i);
        fprintf(stderr, " %04x:%016" PRIx64 "%s", value.sign_exponent, value.significand,
                i == 3 ? "\n   " : "");
    }
    fprintf(stderr, "\n");
}

static bool is_transcendental(enum op op) {
    return op == OP_F2XM1 || op == OP_FYL2X || op == OP_FYL2XP1 || op == OP_FPATAN ||
           op == OP_FPTAN || op == OP_FSIN || op == OP_FCOS || op == OP_FSINCOS;
}

/* Not comparable: the images hold pointers, AX is not in the state, FNOP_NO_WAIT may be #UD. */
static bool is_skipped(enum op op) {
    return op == OP_FLDENV || op == OP_FNSTENV || op == OP_FNSAVE || op == OP_FRSTOR ||
           op == OP_FNSTSW_AX;
}

/* Whether X87_CASE, if set, names this vector. */
static bool is_chosen(const char *choice, uint8_t first, uint8_t modrm, unsigned number) {
    unsigned bytes, chosen;
    return choice == NULL || (sscanf(choice, "%x:%u", &bytes, &chosen) == 2 &&
                              bytes == (unsigned)(first << 8 | modrm) && chosen == number);
}

static void compare_encoding(struct host_x87_stub *stub, struct x87_fixture *f, enum op op,
                             uint8_t first, uint8_t modrm, unsigned count) {
    const char *choice = getenv("X87_CASE");
    struct operand_source source = {(uint64_t)first << 8 | modrm};
    struct insn insn = x87_fixture_insn(first, modrm, 0);
    uint16_t status_mask = is_transcendental(op) ? (uint16_t)~X87_C1 : 0xffff;
    uint64_t ulps = is_transcendental(op) ? 1 : 0;
    unsigned failures = 0;
    for (unsigned i = 0; i < count; i++) {
        struct state given, expected, actual;
        random_state(&source, &given);
        if (!is_chosen(choice, first, modrm, i))
            continue;
        expected = actual = given;
        host_x87_stub_run(stub, first, modrm, &expected.image, expected.memory, &expected.eflags);
        run_model(f, &insn, handlers[op], &actual);
        if (same_state(&expected, &actual, status_mask, ulps) || failures++ >= MAX_REPORTS)
            continue;
        fprintf(stderr, "%02x %02x; again: X87_CASE=%02x%02x:%u test_x87 --filter 'x87_host/*'\n",
                first, modrm, first, modrm, i);
        print_state("given   ", &given);
        print_state("expected", &expected);
        print_state("actual  ", &actual);
    }
    cr_expect_eq(failures, 0, "%02x %02x: %u of %u vectors differ from the host", first, modrm,
                 failures, count);
}

Test(x87_host, every_encoding_does_what_the_host_does) {
    const char *text = getenv("FPU_VECTORS");
    unsigned vectors = text ? (unsigned)strtoul(text, NULL, 0) : 400;
    struct host_x87_stub stub;
    struct x87_fixture *f = x87_fixture_create();
    cr_assert_eq(host_x87_stub_create(&stub), 0);
    size_t count;
    const struct encoding *table = encoding_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (table[i].attribute != ATTRIBUTE_ESC || is_skipped(table[i].op))
            continue;
        report_coverage(i, table[i].op);
        unsigned low = table[i].modrm & 0xff, kind = table[i].modrm & ~0xffu;
        if (kind == MODRM_BYTE)
            compare_encoding(&stub, f, table[i].op, table[i].first, (uint8_t)low, vectors);
        else if (kind == MODRM_REG_MEM)
            compare_encoding(&stub, f, table[i].op, table[i].first, (uint8_t)(low << 3), vectors);
        else
            for (unsigned rm = 0; rm < 8; rm++)
                compare_encoding(&stub, f, table[i].op, table[i].first,
                                 (uint8_t)(0xc0 | low << 3 | rm), vectors / 4);
    }
    host_x87_stub_destroy(&stub);
    x87_fixture_destroy(f);
}
