/*
 * Lengths against Capstone over random bytes. The lawful differences are in
 * tests/support/capstone_differences.c; anything else is an error in one of them.
 *
 * DECODE_RANDOM in the environment: how many instructions (default 200000).
 */
#include "tests/unit/decode/decode_fixture.h"

#include "interp/decode/disasm.h"
#include "softmmu/base/bits.h"
#include "tests/support/capstone_differences.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* xorshift64*: the same bytes in every run. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static void print_difference(const uint8_t *bytes, enum decode_mode mode, unsigned ours,
                             size_t theirs, const char *text, const struct insn *insn) {
    char hex[2 * DECODE_MAX_LENGTH + 1];
    for (unsigned n = 0; n < DECODE_MAX_LENGTH; n++)
        snprintf(hex + 2 * n, 3, "%02x", bytes[n]);
    cr_expect(false, "%d-bit %s: we say %u (%s), Capstone %zu (%s)", mode == DECODE_32 ? 32 : 16,
              hex, ours, op_name(insn->op), theirs, text);
}

Test(decode_capstone, lengths_agree_on_random_bytes) {
    const char *wanted = getenv("DECODE_RANDOM");
    unsigned long count = wanted ? strtoul(wanted, NULL, 0) : 200000;
    struct disasm *disasm = disasm_create();
    struct error error;
    struct decode_index *index = decode_index_create(ALL_FEATURES, &error);
    cr_assert(disasm && index);
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    unsigned reported = 0;
    for (unsigned long n = 0; n < count && reported < 40; n++) {
        uint8_t bytes[24];
        for (unsigned i = 0; i < sizeof(bytes); i += 8)
            store_le64(bytes + i, next_random(&state));
        /* Half of the time in the 0F map, and often with a prefix: random bytes seldom are. */
        static const uint8_t prefixes[] = {0x66, 0xf2, 0xf3, 0x67};
        if (n & 2)
            bytes[0] = prefixes[(n >> 2) & 3];
        if (n & 1)
            bytes[(n >> 1) & 1] = 0x0f;
        for (unsigned mode = DECODE_16; mode <= DECODE_32; mode++) {
            struct decode_context context = {index, bytes, DECODE_MAX_LENGTH, mode};
            struct insn insn;
            enum decode_status status = decode(&context, &insn);
            unsigned ours = status == DECODE_OK ? insn.length : 0;
            char text[DISASM_TEXT_SIZE];
            size_t theirs = disasm_insn(disasm, mode == DECODE_32 ? DISASM_32 : DISASM_16, bytes,
                                        DECODE_MAX_LENGTH, 0, text);
            if (ours == theirs || capstone_may_differ(bytes, ours, theirs))
                continue;
            reported++;
            print_difference(bytes, mode, ours, theirs, text, &insn);
        }
    }
    decode_index_destroy(index);
    disasm_destroy(disasm);
}
