/*
 * SSE in the x86-64 back end: native code must leave what the interpreter's handlers leave, in
 * registers, memory, EFLAGS and MXCSR, with and without a window, through faults in the middle.
 */
#include "softmmu/base/bits.h"
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS         24 /* encodings of one opcode */
#define REPEATS        3  /* runs of one encoding, on different states */
#define TAIL_SIZE      10
#define DATA_BYTES     0x2000
#define ALL_MASKED     UINT32_C(0x1f80)
#define MXCSR_ROUND_UP UINT32_C(0x4000)
#define MISSING_PAGE   (FLAT_DATA + 0x1000)

static void earn_window(struct engine_pair *pair) {
    struct mmu *mmu = &pair->tested->cpu.mmu;
    for (unsigned i = 0; i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
}

static void set_up(struct engine_pair *pair, bool has_paging) {
    engine_pair_create(pair, NULL);
    struct flat_machine *const machines[] = {pair->reference, pair->tested};
    for (unsigned i = 0; i < 2; i++) {
        machines[i]->cpu.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
        if (has_paging) {
            flat_machine_enable_paging(machines[i]);
            flat_machine_set_pte(machines[i], MISSING_PAGE, 0);
        }
    }
}

/** Zeros, infinities, NaNs of both kinds, denormals, integers, or anything. */
static uint64_t random_quadword(struct engine_pair *pair) {
    static const uint64_t edges[] = {
        0,
        UINT64_C(0x8000000000000000),
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0xfff8000000000000),
        UINT64_C(0x7ff0000000000001),
        UINT64_C(0x000fffffffffffff),
        UINT64_C(0x3ff0000000000000),
        UINT64_C(0x4059000000000001),
        UINT64_C(0xc1e0000000000000),
        UINT64_C(0x36a0000000000001),
        UINT64_C(0x7f8000003f800000),
        UINT64_C(0xffc000007f800001),
        UINT64_C(0x00000001007fffff),
        UINT64_C(0x4f000000cf000000),
        UINT64_C(0x3fc00000bf000000),
        3,
    };
    uint32_t choice = engine_pair_random(pair);
    if (choice & 1)
        return edges[choice >> 1 & 15];
    uint64_t high = engine_pair_random(pair);
    return high << 32 | engine_pair_random(pair);
}

static void load_simd_state(struct engine_pair *pair) {
    struct cpu *a = &pair->reference->cpu, *b = &pair->tested->cpu;
    for (unsigned i = 0; i < 16; i++)
        a->xmm[i / 2].u64[i % 2] = b->xmm[i / 2].u64[i % 2] = random_quadword(pair);
    uint32_t choice = engine_pair_random(pair);
    uint32_t masks = choice >> 16 & 7 ? ALL_MASKED : choice >> 20 & ALL_MASKED;
    a->mxcsr = b->mxcsr = (choice & 0xe07f) | masks;
    for (unsigned i = 0; i < 64; i++) {
        uint32_t at = FLAT_DATA + 8 * (engine_pair_random(pair) % (DATA_BYTES / 8));
        uint64_t value = random_quadword(pair);
        store_le64(pair->reference->ram + at, value);
        store_le64(pair->tested->ram + at, value);
    }
}

static bool agrees(const struct engine_pair *pair, char *message, size_t size) {
    const struct cpu *a = &pair->reference->cpu, *b = &pair->tested->cpu;
    for (unsigned i = 0; i < 16; i++) {
        uint64_t expected = a->xmm[i / 2].u64[i % 2], actual = b->xmm[i / 2].u64[i % 2];
        if (expected != actual) {
            snprintf(message, size, "XMM%u: quadword %u is %016llx, translated %016llx", i / 2,
                     i % 2, (unsigned long long)expected, (unsigned long long)actual);
            return false;
        }
    }
    if (a->mxcsr != b->mxcsr) {
        snprintf(message, size, "MXCSR %08x, translated %08x", a->mxcsr, b->mxcsr);
        return false;
    }
    return engine_pair_agrees(pair, message, size);
}

static void describe(char *text, size_t size, const uint8_t *code, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count && at + 4 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%02x ", code[i]);
}

/* The prefixes that choose among the operations of one opcode; 0: none. */
static const uint8_t prefixes[4] = {0, 0x66, 0xf2, 0xf3};

static void check_opcode(struct engine_pair *pair, uint8_t opcode) {
    uint8_t code[4 + TAIL_SIZE];
    char bytes[64], message[200];
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t choice = engine_pair_random(pair);
        size_t size = 0;
        if (choice % 8 == 0)
            code[size++] = 0x67;
        if (prefixes[round % 4] != 0)
            code[size++] = prefixes[round % 4];
        code[size++] = 0x0f;
        code[size++] = opcode;
        for (unsigned i = 0; i < TAIL_SIZE; i++)
            code[size++] = (uint8_t)engine_pair_random(pair);
        bool is_32 = (choice >> 8) % 4 != 0;
        describe(bytes, sizeof(bytes), code, size);
        for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
            engine_pair_load(pair, code, size, is_32);
            load_simd_state(pair);
            engine_pair_run(pair, 16);
            cr_assert(agrees(pair, message, sizeof(message)), "%d-bit code %s: %s", is_32 ? 32 : 16,
                      bytes, message);
        }
    }
}

static void check_range(unsigned first, unsigned last) {
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        set_up(&pair, false);
        if (has_window)
            earn_window(&pair);
        for (unsigned opcode = first; opcode <= last; opcode++)
            check_opcode(&pair, (uint8_t)opcode);
        engine_pair_destroy(&pair);
    }
}

#define FAMILY(name, first, last)                                                                  \
    Test(x86_64_sse, name) {                                                                       \
        check_range(first, last);                                                                  \
    }
FAMILY(moves, 0x10, 0x17)
FAMILY(conversions_and_comparisons, 0x28, 0x2f)
FAMILY(arithmetic, 0x50, 0x5f)
FAMILY(packing_and_shuffles, 0x60, 0x7f)
FAMILY(mxcsr, 0xae, 0xae)
FAMILY(predicates_and_words, 0xc2, 0xc6)
FAMILY(shifts_and_logic, 0xd0, 0xdf)
FAMILY(packed_integers, 0xe0, 0xef)
FAMILY(packed_sums, 0xf0, 0xfe)
#undef FAMILY

/* Operations for sequences: prefix, opcode, and whether an immediate follows. */
static const struct {
    uint8_t prefix, opcode;
    bool has_immediate;
} choices[] = {
    {0, 0x28, false},    {0x66, 0x6f, false}, {0xf3, 0x6f, false}, {0xf3, 0x7f, false},
    {0, 0x29, false},    {0, 0x10, false},    {0, 0x11, false},    {0xf2, 0x10, false},
    {0xf2, 0x11, false}, {0xf3, 0x10, false}, {0xf3, 0x11, false}, {0xf2, 0x58, false},
    {0, 0x58, false},    {0x66, 0x59, false}, {0xf3, 0x5e, false}, {0xf2, 0x51, false},
    {0xf2, 0x5a, false}, {0xf3, 0x5a, false}, {0xf2, 0x2c, false}, {0xf2, 0x2d, false},
    {0xf2, 0x2a, false}, {0xf3, 0x2a, false}, {0x66, 0x2e, false}, {0, 0x2f, false},
    {0x66, 0x6e, false}, {0x66, 0x7e, false}, {0xf3, 0x7e, false}, {0x66, 0xd6, false},
    {0x66, 0xef, false}, {0x66, 0xfe, false}, {0x66, 0xd4, false}, {0x66, 0x70, true},
    {0, 0xc6, true},     {0, 0xc2, true},     {0x66, 0x62, false}, {0x66, 0xc4, true},
    {0, 0x53, false},    {0x66, 0x2b, false}, {0x66, 0xe7, false}, {0, 0x57, false},
    {0, 0xae, false},
};

static size_t add_choice(struct engine_pair *pair, uint8_t *code) {
    uint32_t choice = engine_pair_random(pair);
    unsigned n = choice % (sizeof(choices) / sizeof(choices[0]));
    size_t size = 0;
    uint8_t reg = choice >> 8 & 7;
    bool is_streaming = choices[n].opcode == 0x2b || choices[n].opcode == 0xe7;
    bool writes_general = choices[n].opcode == 0x2c || choices[n].opcode == 0x2d;
    bool is_mxcsr = choices[n].opcode == 0xae;
    if (is_mxcsr)
        reg = 2 | (reg & 1);                      /* LDMXCSR, STMXCSR */
    if (writes_general && (reg == 4 || reg == 6)) /* ESI and ESP stay */
        reg = 0;
    if (choices[n].prefix != 0)
        code[size++] = choices[n].prefix;
    code[size++] = 0x0f;
    code[size++] = choices[n].opcode;
    if (is_streaming || is_mxcsr || (choice >> 12) % 2 == 0) { /* [esi + disp8] */
        bool is_misaligned = (choice >> 16) % 32 == 0;
        code[size++] = (uint8_t)(0x46 | reg << 3);
        code[size++] = (uint8_t)((choice >> 24 & 0x70) | (is_misaligned ? 4 : 0));
    } else {
        unsigned rm = choices[n].opcode == 0x7e && choices[n].prefix == 0x66 ? 1 : choice >> 20 & 7;
        code[size++] = (uint8_t)(0xc0 | reg << 3 | rm);
    }
    if (choices[n].has_immediate)
        code[size++] = (uint8_t)(choice >> 13);
    return size;
}

/** Sequences around the end of a page behind which nothing is mapped. */
static void check_sequences(bool has_window, uint32_t data) {
    struct engine_pair pair;
    char bytes[200], message[200];
    uint8_t code[120];
    set_up(&pair, true);
    if (has_window)
        earn_window(&pair);
    for (unsigned round = 0; round < 300; round++) {
        size_t size = 0;
        while (size < 48) {
            size += add_choice(&pair, code + size);
            if (engine_pair_random(&pair) % 4 == 0) {
                code[size++] = 0x11; /* adc ecx, eax */
                code[size++] = 0xc1;
            }
        }
        describe(bytes, sizeof(bytes), code, size);
        for (unsigned repeat = 0; repeat < 5; repeat++) {
            engine_pair_load(&pair, code, size, true);
            load_simd_state(&pair);
            /* Something to load MXCSR from. */
            store_le32(pair.reference->ram + FLAT_DATA + 0x120, ALL_MASKED | MXCSR_ROUND_UP);
            store_le32(pair.tested->ram + FLAT_DATA + 0x120, ALL_MASKED | MXCSR_ROUND_UP);
            pair.reference->cpu.gpr[GPR_ESI] = pair.tested->cpu.gpr[GPR_ESI] = data;
            engine_pair_run(&pair, 64);
            cr_assert(agrees(&pair, message, sizeof(message)), "round %u: %s: %s", round, bytes,
                      message);
        }
    }
    engine_pair_destroy(&pair);
}

Test(x86_64_sse, sequences_in_the_window) {
    check_sequences(true, FLAT_DATA + 0x100);
}

Test(x86_64_sse, sequences_without_window) {
    check_sequences(false, FLAT_DATA + 0x100);
}

Test(x86_64_sse, page_faults_in_the_middle) {
    check_sequences(true, MISSING_PAGE - 0x60);
}

Test(x86_64_sse, page_faults_without_window) {
    check_sequences(false, MISSING_PAGE - 0x60);
}
