/*
 * LOCK over the whole of both opcode maps, each group number, memory and register operands.
 * Source: SDM vol. 2, "LOCK-Assert LOCK# Signal Prefix": the prefix goes with ADD, ADC, AND, BTC,
 * BTR, BTS, CMPXCHG, CMPXCHG8B, DEC, INC, NEG, NOT, OR, SBB, SUB, XOR, XADD and XCHG, and only
 * where the destination is in memory; else #UD.
 */
#include "tests/unit/decode/decode_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static bool one_byte_takes_lock(unsigned opcode, unsigned group) {
    switch (opcode) {
    case 0x00: /* ADD Eb,Gb and so on up to XOR; CMP (38h) is none of them */
    case 0x01:
    case 0x08:
    case 0x09:
    case 0x10:
    case 0x11:
    case 0x18:
    case 0x19:
    case 0x20:
    case 0x21:
    case 0x28:
    case 0x29:
    case 0x30:
    case 0x31:
    case 0x86: /* XCHG */
    case 0x87:
        return true;
    case 0x80: /* the same by group number, without CMP */
    case 0x81:
    case 0x82:
    case 0x83:
        return group != 7;
    case 0xf6: /* NOT, NEG */
    case 0xf7:
        return group == 2 || group == 3;
    case 0xfe: /* INC, DEC */
    case 0xff:
        return group < 2;
    default:
        return false;
    }
}

static bool two_byte_takes_lock(unsigned opcode, unsigned group) {
    switch (opcode) {
    case 0xab: /* BTS, BTR, BTC */
    case 0xb3:
    case 0xbb:
    case 0xb0: /* CMPXCHG */
    case 0xb1:
    case 0xc0: /* XADD */
    case 0xc1:
        return true;
    case 0xba: /* BTS, BTR, BTC with an immediate */
        return group >= 5;
    case 0xc7: /* CMPXCHG8B */
        return group == 1;
    default:
        return false;
    }
}

static bool is_prefix(unsigned opcode) {
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                       0x66, 0x67, 0xf0, 0xf2, 0xf3};
    return memchr(prefixes, (int)opcode, sizeof(prefixes)) != NULL;
}

static void check(const struct decode_index *index, bool is_two_byte, unsigned opcode,
                  unsigned modrm) {
    uint8_t bytes[DECODE_MAX_LENGTH + 4] = {0xf0};
    unsigned at = 1;
    if (is_two_byte)
        bytes[at++] = 0x0f;
    bytes[at++] = (uint8_t)opcode;
    bytes[at] = (uint8_t)modrm;
    struct decode_context context = {
        .index = index, .bytes = bytes, .available = DECODE_MAX_LENGTH, .mode = DECODE_32};
    struct insn insn;
    bool is_taken = decode(&context, &insn) == DECODE_OK;
    unsigned group = modrm >> 3 & 7;
    bool is_memory = modrm < 0xc0;
    bool expected = is_memory && (is_two_byte ? two_byte_takes_lock(opcode, group)
                                              : one_byte_takes_lock(opcode, group));
    cr_expect_eq(is_taken, expected, "F0 %s%02X %02X: taken %d, expected %d",
                 is_two_byte ? "0F " : "", opcode, modrm, is_taken, expected);
}

Test(decode_lock, goes_with_the_manuals_instructions_alone) {
    struct error error;
    struct decode_index *index = decode_index_create(ALL_FEATURES, &error);
    cr_assert_not_null(index, "%s", error.message);
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        for (unsigned group = 0; group < 8; group++) {
            for (unsigned mod = 0; mod < 0x100; mod += 0xc0) {
                if (opcode != 0x0f && !is_prefix(opcode))
                    check(index, false, opcode, mod | group << 3);
                check(index, true, opcode, mod | group << 3);
            }
        }
    }
    decode_index_destroy(index);
}
