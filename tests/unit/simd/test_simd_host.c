/*
 * Every MMX, SSE and SSE2 encoding against the host's own units: random and special operands,
 * register and memory forms, all rounding modes, DAZ, FTZ, masked and unmasked exceptions. Compared
 * are all registers, the x87 state that MMX touches, MXCSR, EFLAGS and memory. SIMD_VECTORS in the
 * environment sets the number of vectors for each encoding; SIMD_CASE=ADDPS:17 chooses one
 * operation and vector, as a failure prints it.
 */
#include "tests/unit/fpu/operands.h"
#include "tests/unit/simd/host_x86_64_simd.h"
#include "tests/unit/simd/simd_encoding.h"
#include "tests/unit/simd/simd_guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_BYTES 64
#define MAX_REPORTS  4

struct vector {
    struct host_simd_state state;
    uint8_t buffer[BUFFER_BYTES] __attribute__((aligned(16)));
};

static void random_quadwords(struct operand_source *source, uint64_t *to) {
    static const uint16_t edges[] = {0x0000, 0x0001, 0x7fff, 0x8000, 0x8001, 0xffff, 0x00ff,
                                     0x0080, 0x007f, 0xff80, 0xff7f, 0x0100, 0x8080, 0x7f80};
    unsigned kind = operand_below(source, 8);
    for (unsigned n = 0; n < 2; n++) {
        switch (kind) {
        case 0:
        case 1:
            to[n] = operand_f32(source) | (uint64_t)operand_f32(source) << 32;
            break;
        case 2:
        case 3:
            to[n] = operand_f64(source);
            break;
        case 4: /* shift counts */
            to[n] = operand_below(source, 70) | (uint64_t)(operand_below(source, 9) == 0) << 40;
            break;
        case 5:
            to[n] = 0;
            for (unsigned lane = 0; lane < 4; lane++)
                to[n] = to[n] << 16 | edges[operand_below(source, ARRAY_SIZE(edges))];
            break;
        default:
            to[n] = operand_random(source);
            break;
        }
    }
}

static void random_vector(struct operand_source *source, struct vector *v, bool unmask) {
    struct host_simd_image *image = &v->state.image;
    uint64_t r = operand_random(source), pair[2];
    memset(v, 0, sizeof *v);
    image->control = 0x037f;
    image->status = (uint16_t)(r & 0x3800);
    image->valid = (uint8_t)(r >> 16);
    for (unsigned i = 0; i < 8; i++) {
        random_quadwords(source, image->xmm[i]);
        random_quadwords(source, pair);
        image->st[i].significand = pair[0];
        image->st[i].sign_exponent = (uint16_t)operand_random(source);
    }
    r = operand_random(source);
    image->mxcsr = (uint32_t)(r & 0x603f) | ((r >> 20 & 3) == 3 ? 0x0040 : 0) |
                   ((r >> 22 & 3) == 3 ? 0x8000 : 0) | (unmask ? r >> 32 & 0x1f80 : 0x1f80);
    for (unsigned n = 0; n < BUFFER_BYTES; n += 16) {
        random_quadwords(source, pair);
        memcpy(v->buffer + n, pair, 16);
    }
    v->state.rcx = (uint32_t)operand_random(source);
    v->state.rdx = (uint32_t)operand_random(source);
}

static void load_guest(struct simd_guest *guest, const struct vector *v) {
    struct cpu *cpu = &guest->cpu;
    const struct host_simd_image *image = &v->state.image;
    cpu->x87.status = 0;
    cpu->x87.top = image->status >> 11 & 7;
    cpu->x87.is_valid = image->valid;
    for (unsigned i = 0; i < 8; i++) {
        unsigned physical = (cpu->x87.top + i) & 7;
        cpu->x87.st[physical].significand = image->st[i].significand;
        cpu->x87.st[physical].sign_exponent = image->st[i].sign_exponent;
        memcpy(cpu->xmm[i].u64, image->xmm[i], 16);
    }
    cpu->mxcsr = image->mxcsr;
    lazy_flags_set(&cpu->lazy, 0);
    cpu->gpr[GPR_EAX] = cpu->gpr[GPR_EDI] = GUEST_BUFFER + 16;
    cpu->gpr[GPR_ECX] = v->state.rcx;
    cpu->gpr[GPR_EDX] = v->state.rdx;
    memcpy(guest->ram + GUEST_BUFFER, v->buffer, BUFFER_BYTES);
}

/* RCPPS and RSQRTPS: within 1.5 * 2^-12 of the exact value, as the host is. */
static bool is_approximately(uint32_t actual, uint32_t expected) {
    if (actual == expected)
        return true;
    int32_t difference = (int32_t)(actual - expected);
    bool is_finite = (actual & 0x7f800000) != 0x7f800000 && (expected & 0x7f800000) != 0;
    return is_finite && difference > -0x1801 && difference < 0x1801;
}

static bool xmm_agrees(const union xmm *actual, const uint64_t *expected, bool approximate) {
    if (!approximate)
        return memcmp(actual->u64, expected, 16) == 0;
    for (unsigned n = 0; n < 4; n++)
        if (!is_approximately((uint32_t)(actual->u64[n >> 1] >> (n & 1) * 32),
                              (uint32_t)(expected[n >> 1] >> (n & 1) * 32)))
            return false;
    return true;
}

/* What differs from the host, or NULL. */
static const char *difference(const struct simd_guest *guest, const struct vector *host,
                              const struct encoding *row) {
    const struct cpu *cpu = &guest->cpu;
    const struct host_simd_image *image = &host->state.image;
    bool approximate = row->first == 0x52 || row->first == 0x53;
    if (cpu->mxcsr != image->mxcsr)
        return "MXCSR";
    if (cpu->x87.top != (image->status >> 11 & 7) || cpu->x87.is_valid != image->valid)
        return "x87 TOP or tags";
    for (unsigned i = 0; i < 8; i++) {
        unsigned physical = (cpu->x87.top + i) & 7;
        if (!xmm_agrees(&cpu->xmm[i], image->xmm[i], approximate))
            return "XMM register";
        if (cpu->x87.st[physical].significand != image->st[i].significand)
            return "MMX register";
        if (cpu->x87.st[physical].sign_exponent != image->st[i].sign_exponent)
            return "exponent of an MMX register";
    }
    if (memcmp(guest->ram + GUEST_BUFFER, host->buffer, BUFFER_BYTES) != 0)
        return "memory";
    if (cpu->gpr[GPR_ECX] != host->state.rcx || cpu->gpr[GPR_EDX] != host->state.rdx)
        return "general register";
    bool sets_flags = row->first == 0x2e || row->first == 0x2f;
    if (sets_flags && lazy_flags_get(&cpu->lazy) != (host->state.rflags & FLAGS_ARITHMETIC))
        return "EFLAGS";
    return NULL;
}

static void report(const struct vector *before, const struct vector *host,
                   const struct simd_guest *guest, const struct encoding *row,
                   const struct simd_bytes *code, const char *what) {
    unsigned reg = code->bytes[code->count - 1] >> 3 & 7, rm = code->bytes[code->count - 1] & 7;
    if (simd_has_place(row, PLACE_IMM_U8)) {
        reg = code->bytes[code->count - 2] >> 3 & 7;
        rm = code->bytes[code->count - 2] & 7;
    }
    fprintf(stderr, "%s (", op_info(row->op)->mnemonic);
    for (size_t i = 0; i < code->count; i++)
        fprintf(stderr, "%02x", code->bytes[i]);
    fprintf(stderr,
            "): %s differs\n top expected %u, actual %u; valid expected %02x, actual %02x\n mxcsr "
            "%04x, expected %04x, actual %04x\n reg xmm %016" PRIx64 "%016" PRIx64
            ", expected %016" PRIx64 "%016" PRIx64 ", actual %016" PRIx64 "%016" PRIx64
            "\n rm xmm %016" PRIx64 "%016" PRIx64 " mm %016" PRIx64 " memory %016" PRIx64
            "%016" PRIx64 "\n",
            what, host->state.image.status >> 11 & 7, guest->cpu.x87.top, host->state.image.valid,
            guest->cpu.x87.is_valid, before->state.image.mxcsr, host->state.image.mxcsr,
            guest->cpu.mxcsr, before->state.image.xmm[reg][1], before->state.image.xmm[reg][0],
            host->state.image.xmm[reg][1], host->state.image.xmm[reg][0],
            guest->cpu.xmm[reg].u64[1], guest->cpu.xmm[reg].u64[0], before->state.image.xmm[rm][1],
            before->state.image.xmm[rm][0],
            before->state.image.st[(rm - (before->state.image.status >> 11)) & 7].significand,
            load_le64(before->buffer + 24), load_le64(before->buffer + 16));
}

/* One vector on both sides; returns what differs. */
static const char *run_both(struct simd_guest *guest, struct vector *v, const struct encoding *row,
                            const struct simd_bytes *code, const uint8_t *page) {
    if (row->op == OP_LDMXCSR)
        store_le32(v->buffer + 16, load_le16(v->buffer + 16));
    v->state.rax = v->state.rdi = (uintptr_t)v->buffer + 16;
    load_guest(guest, v);
    bool completed = simd_guest_execute(guest, code->bytes, code->count);
    bool expected = host_simd_run(&v->state, page);
    if (!expected)
        v->state.rflags = 0;
    if (completed != expected || (!completed && guest->cpu.fault.vector != VECTOR_XM))
        return "exception";
    return difference(guest, v, row);
}

/* Whether SIMD_CASE, if set, names this operation and vector. */
static bool is_chosen(const char *choice, const struct encoding *row, unsigned number) {
    char name[32];
    unsigned chosen;
    return choice == NULL || (sscanf(choice, "%31[^:]:%u", name, &chosen) == 2 &&
                              strcmp(name, op_info(row->op)->name) == 0 && chosen == number);
}

static void compare_row(struct simd_guest *guest, uint8_t *page, const struct encoding *row,
                        unsigned count, bool unmask) {
    const char *choice = getenv("SIMD_CASE");
    struct operand_source source = {row->op + 1999u};
    bool is_general = simd_has_operand(row, OPERAND_Gd) || simd_has_operand(row, OPERAND_Ed) ||
                      simd_has_operand(row, OPERAND_Ew);
    unsigned failures = 0;
    for (unsigned n = 0; n < count; n++) {
        uint64_t r = operand_random(&source);
        /* ECX and EDX are the general registers that an instruction may name. */
        unsigned reg = is_general ? 1 + (r & 1) : r & 7;
        unsigned rm = is_general ? 1 + (r >> 3 & 1) : r >> 3 & 7;
        bool memory = simd_may_be_memory(row) && (!simd_may_be_register(row) || (r >> 6 & 3) == 0);
        struct simd_bytes code = simd_encode(row, memory, reg, rm, (uint8_t)(r >> 8));
        host_simd_place(page, code.bytes, code.count);
        struct vector before, v;
        random_vector(&source, &before, unmask);
        v = before;
        if (!is_chosen(choice, row, n))
            continue;
        const char *what = run_both(guest, &v, row, &code, page);
        if (what == NULL || failures++ >= MAX_REPORTS)
            continue;
        fprintf(stderr, "again: SIMD_CASE=%s:%u test_simd --filter 'simd_host/%s*'\n",
                op_info(row->op)->name, n, unmask ? "unmasked" : "every");
        report(&before, &v, guest, row, &code, what);
    }
    cr_expect_eq(failures, 0, "%s: %u of %u vectors differ from the host",
                 op_info(row->op)->mnemonic, failures, count);
}

static void compare_all(unsigned usual, bool unmask) {
    const char *text = getenv("SIMD_VECTORS");
    unsigned count = text ? (unsigned)strtoul(text, NULL, 0) : usual;
    uint8_t *page = host_simd_open();
    if (page == NULL)
        cr_skip_test("the host allows no executable memory");
    struct simd_guest guest;
    simd_guest_start(&guest);
    size_t rows;
    const struct encoding *table = encoding_table(&rows);
    for (size_t i = 0; i < rows; i++)
        if (simd_is_simd_row(&table[i]))
            compare_row(&guest, page, &table[i], count, unmask);
    simd_guest_stop(&guest);
    munmap(page, 4096);
}

Test(simd_host, every_encoding_does_what_the_host_does) {
    compare_all(1500, false);
}

Test(simd_host, unmasked_exceptions_are_those_of_the_host) {
    compare_all(300, true);
}
