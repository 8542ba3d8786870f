#include "tests/unit/decode/decode_fixture.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

static size_t parse_hex(const char *hex, uint8_t *bytes, size_t limit) {
    size_t count = 0;
    for (; *hex; hex++) {
        if (isspace((unsigned char)*hex))
            continue;
        unsigned byte;
        cr_assert(count < limit && sscanf(hex, "%2x", &byte) == 1, "bad hex in test: %s", hex);
        bytes[count++] = (uint8_t)byte;
        hex++;
    }
    return count;
}

static enum decode_status decode_bytes(uint64_t features, enum decode_mode mode,
                                       const uint8_t *bytes, size_t available, struct insn *insn) {
    struct error error;
    struct decode_index *index = decode_index_create(features, &error);
    cr_assert(index, "%s", error.message);
    struct decode_context context = {
        .index = index, .bytes = bytes, .available = available, .mode = mode};
    enum decode_status status = decode(&context, insn);
    decode_index_destroy(index);
    return status;
}

enum decode_status decode_hex_with(uint64_t features, enum decode_mode mode, const char *hex,
                                   struct insn *insn) {
    uint8_t bytes[64];
    size_t count = parse_hex(hex, bytes, sizeof(bytes) - DECODE_MAX_LENGTH);
    memset(bytes + count, 0x90, DECODE_MAX_LENGTH);
    return decode_bytes(features, mode, bytes, count + DECODE_MAX_LENGTH, insn);
}

enum decode_status decode_hex(enum decode_mode mode, const char *hex, struct insn *insn) {
    return decode_hex_with(ALL_FEATURES, mode, hex, insn);
}

enum decode_status decode_hex_unpadded(enum decode_mode mode, const char *hex, struct insn *insn) {
    uint8_t bytes[64];
    size_t count = parse_hex(hex, bytes, sizeof(bytes));
    return decode_bytes(ALL_FEATURES, mode, bytes, count, insn);
}

const char *op_name(unsigned op) {
    static const char *const names[] = {
#define OP(name, ...) #name,
#include "interp/decode/ops.def"
#undef OP
    };
    return op < OP_COUNT ? names[op] : "?";
}
