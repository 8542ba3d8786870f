/*
 * Property test of lifters, passes and the portable back end: random encodings of every operation
 * that has a lifter, on random states, must leave what the interpreter's handler leaves, undefined
 * flags included.
 */
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS    12 /* encodings of one opcode */
#define REPEATS   3  /* runs of one encoding, on different states */
#define TAIL_SIZE 10 /* ModRM, SIB, displacement and immediate, at most */

/* An opcode: one byte, or 0F and one byte. */
#define TWO(byte) (0x100 | (byte))

static size_t make_code(struct engine_pair *pair, unsigned opcode, uint8_t *code) {
    uint32_t choice = engine_pair_random(pair);
    size_t size = 0;
    if (choice % 4 == 0)
        code[size++] = 0x66;
    if (choice / 4 % 8 == 0)
        code[size++] = 0x67;
    if (opcode & 0x100)
        code[size++] = 0x0f;
    code[size++] = (uint8_t)opcode;
    for (unsigned i = 0; i < TAIL_SIZE; i++)
        code[size++] = (uint8_t)engine_pair_random(pair);
    return size;
}

static void describe(char *text, size_t size, const uint8_t *code, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count && at + 4 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%02x ", code[i]);
}

static void check_opcode(struct engine_pair *pair, unsigned opcode) {
    uint8_t code[3 + TAIL_SIZE + 1];
    char bytes[64], message[200];
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t size = make_code(pair, opcode, code);
        bool is_32 = engine_pair_random(pair) % 4 != 0;
        describe(bytes, sizeof(bytes), code, size);
        for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
            engine_pair_load(pair, code, size, is_32);
            engine_pair_run(pair, 16);
            cr_assert(engine_pair_agrees(pair, message, sizeof(message)), "%d-bit code %s: %s",
                      is_32 ? 32 : 16, bytes, message);
        }
    }
}

/** The address space in force gets a window, where the host has them. */
static void earn_window(struct engine_pair *pair) {
    struct mmu *mmu = &pair->tested->cpu.mmu;
    for (unsigned i = 0; i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
}

static void check_backend(const char *backend, bool has_window, unsigned first, unsigned last) {
    struct engine_pair pair;
    engine_pair_create(&pair, backend);
    if (has_window)
        earn_window(&pair);
    for (unsigned opcode = first; opcode <= last; opcode++)
        check_opcode(&pair, opcode);
    engine_pair_destroy(&pair);
}

/** All opcodes of a range, on the portable back end and on the host's, which may have two ways to
 *  reach memory; stops at the first that differs. */
static void check_range(unsigned first, unsigned last) {
    check_backend("portable", false, first, last);
    check_backend(NULL, false, first, last);
    check_backend(NULL, true, first, last);
}

#define FAMILY(name, first, last)                                                                  \
    Test(lift, name) {                                                                             \
        check_range(first, last);                                                                  \
    }
FAMILY(add_and_or, 0x00, 0x0d)
FAMILY(adc_and_sbb, 0x10, 0x1d)
FAMILY(and_and_sub, 0x20, 0x2d)
FAMILY(xor_and_cmp, 0x30, 0x3d)
FAMILY(inc_dec_push_and_pop, 0x40, 0x5f)
FAMILY(push_and_multiply_by_immediate, 0x68, 0x6b)
FAMILY(short_conditional_jumps, 0x70, 0x7f)
FAMILY(groups_with_immediates, 0x80, 0x83)
FAMILY(test_xchg_and_mov, 0x84, 0x8b)
FAMILY(lea, 0x8d, 0x8d)
FAMILY(segment_loads, 0x8e, 0x8e)
FAMILY(pop_to_memory, 0x8f, 0x8f)
FAMILY(exchange_extend_accumulator, 0x90, 0x99)
FAMILY(flags_on_the_stack, 0x9c, 0x9d)
FAMILY(flags_in_ah, 0x9e, 0x9f)
FAMILY(mov_and_test_of_accumulator, 0xa0, 0xa3)
FAMILY(strings, 0xa4, 0xaf)
FAMILY(mov_of_immediates, 0xb0, 0xbf)
FAMILY(shifts_by_immediates, 0xc0, 0xc1)
FAMILY(near_returns, 0xc2, 0xc3)
FAMILY(mov_of_immediates_to_operands, 0xc6, 0xc7)
FAMILY(leave, 0xc9, 0xc9)
FAMILY(shifts_by_one_and_cl, 0xd0, 0xd3)
FAMILY(loops, 0xe0, 0xe3)
FAMILY(near_calls_and_jumps, 0xe8, 0xe9)
FAMILY(short_jump, 0xeb, 0xeb)
FAMILY(carry_and_unary_groups, 0xf5, 0xf9)
FAMILY(interrupt_and_direction_flags, 0xfa, 0xfd)
FAMILY(inc_dec_and_indirect, 0xfe, 0xff)
FAMILY(conditional_moves, TWO(0x40), TWO(0x4f))
FAMILY(near_conditional_jumps, TWO(0x80), TWO(0x8f))
FAMILY(conditional_sets, TWO(0x90), TWO(0x9f))
FAMILY(bit_test_and_double_shifts, TWO(0xa3), TWO(0xa5))
FAMILY(bit_set_and_double_shifts, TWO(0xab), TWO(0xaf))
FAMILY(bit_reset_and_zero_extension, TWO(0xb3), TWO(0xb3))
FAMILY(zero_extensions, TWO(0xb6), TWO(0xb7))
FAMILY(bits_and_sign_extensions, TWO(0xba), TWO(0xbf))
FAMILY(exchange_and_add, TWO(0xc0), TWO(0xc1))
FAMILY(compare_and_exchange, TWO(0xb0), TWO(0xb1))
FAMILY(compare_and_exchange_eight_bytes, TWO(0xc7), TWO(0xc7))
FAMILY(byte_swaps, TWO(0xc8), TWO(0xcf))
#undef FAMILY

/* Several instructions together, where dead flags and constants are removed. */
Test(lift, sequences_of_instructions) {
    static const uint8_t opcodes[] = {0x01, 0x03, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39,
                                      0x85, 0x40, 0x48, 0xd3, 0xc1, 0xf5, 0xf8, 0xf9};
    struct engine_pair pair;
    char message[200];
    engine_pair_create(&pair, "portable");
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t code[32];
        size_t size = 0;
        while (size < 24) {
            uint32_t choice = engine_pair_random(&pair);
            uint8_t opcode = opcodes[choice % sizeof(opcodes)];
            code[size++] = opcode | (opcode < 0x80 && opcode >= 0x40 ? choice >> 8 & 7 : 0);
            if (opcode == 0xf5 || opcode == 0xf8 || opcode == 0xf9 || (opcode & 0xf0) == 0x40)
                continue;
            code[size++] = (uint8_t)(0xc0 | choice >> 12);
            if (opcode == 0xc1)
                code[size++] = (uint8_t)(choice >> 20);
        }
        engine_pair_load(&pair, code, size, true);
        engine_pair_run(&pair, 64);
        cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "round %u: %s", round,
                  message);
    }
    engine_pair_destroy(&pair);
}
