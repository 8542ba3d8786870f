/* See vectors_286_rules.h. */
#include "tests/conformance/vectors_286_rules.h"
#include "softmmu/base/bits.h"

#include <stdio.h>
#include <stdlib.h>

#define FLAGS_OF_286   0x0fff
#define LENGTH_OF_286  10
#define HASH_BYTES     20
#define OPCODE_POP_M   0x8f
#define OPCODE_HLT     0xf4
#define OPCODE_ESC     0xd8 /* to DF */
#define OPCODE_FROM_SR 0x8c
#define OPCODE_TO_SR   0x8e

const char *rule_286_name(enum rule_286 rule) {
    static const char *const names[RULE_286_COUNT] = {
#define ACCEPT_286(rule, scope, where, why) [RULE_286_##rule] = #rule,
#include "tests/conformance/accepted_286.def"
#undef ACCEPT_286
    };
    return names[rule];
}

static bool is_prefix(uint8_t byte) {
    return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0xf0 ||
           byte == 0xf2 || byte == 0xf3;
}

unsigned case_286_opcode_at(const struct moo_case *one) {
    unsigned at = 0;
    while (at < one->length && is_prefix(one->bytes[at]))
        at++;
    return at;
}

static uint8_t opcode_of(const struct moo_case *one) {
    return one->bytes[case_286_opcode_at(one)];
}

static bool is_locked(const struct moo_case *one) {
    return memchr(one->bytes, 0xf0, case_286_opcode_at(one)) != NULL;
}

static bool decodes(const struct decode_index *index, const struct moo_case *one) {
    struct insn insn;
    const struct decode_context context = {
        .index = index,
        .bytes = one->bytes,
        .available = one->length,
        .mode = DECODE_16,
    };
    return decode(&context, &insn) == DECODE_OK;
}

static bool is_revoked(const struct vectors_286 *vectors, const struct moo_case *one) {
    char digits[2 * HASH_BYTES + 1];
    for (unsigned i = 0; i < HASH_BYTES; i++)
        snprintf(digits + 2 * i, 3, "%02x", one->hash[i]);
    return vectors->revocations != NULL && strstr(vectors->revocations, digits) != NULL;
}

static bool names_fs_or_gs(const struct moo_case *one) {
    unsigned at = case_286_opcode_at(one);
    unsigned reg = one->bytes[at + 1] >> 3 & 7;
    bool is_segment_move = one->bytes[at] == OPCODE_FROM_SR || one->bytes[at] == OPCODE_TO_SR;
    return is_segment_move && (reg == SEG_FS || reg == SEG_GS);
}

enum rule_286 case_286_left_out(const struct vectors_286 *vectors, const struct decode_index *index,
                                const struct moo_case *one) {
    uint8_t opcode = opcode_of(one);
    if (is_revoked(vectors, one))
        return RULE_286_REVOKED;
    if (is_locked(one) && !decodes(index, one))
        return RULE_286_LOCK;
    if (one->length - 1 > LENGTH_OF_286)
        return RULE_286_TOO_LONG;
    if (names_fs_or_gs(one))
        return RULE_286_FS_GS;
    if (opcode == OPCODE_POP_M && one->has_exception && one->vector == VECTOR_GP)
        return RULE_286_POP_FAULT;
    if (opcode == OPCODE_HLT || (opcode & 0xf8) == OPCODE_ESC)
        return RULE_286_BOARD;
    return RULE_286_NONE;
}

/** "flags-mask" of a form in metadata.json; ffff when it names none. */
static uint16_t metadata_mask(const char *metadata, const char *form) {
    char key[32];
    snprintf(key, sizeof(key), "\"%.*s\": {", (int)strcspn(form, "."), form);
    const char *opcodes = strstr(metadata, "\"opcodes\"");
    const char *at = opcodes == NULL ? NULL : strstr(opcodes, key);
    if (at == NULL)
        return 0xffff;
    at += strlen(key);
    const char *dot = strchr(form, '.');
    if (dot != NULL) {
        snprintf(key, sizeof(key), "\"%s\": {", dot + 1);
        at = strstr(at, key);
        if (at == NULL)
            return 0xffff;
        at += strlen(key);
    }
    const char *end = strchr(at, '}');
    const char *mask = strstr(at, "\"flags-mask\":");
    return mask != NULL && mask < end ? (uint16_t)atoi(mask + strlen("\"flags-mask\":")) : 0xffff;
}

static bool is_long_rotation(const struct moo_case *one, const char *form) {
    bool is_rotation = strncmp(form, "C0.", 3) == 0 && form[3] <= '3';
    return is_rotation && (one->bytes[one->length - 2] & 31) > 1;
}

uint16_t case_286_flags(const struct vectors_286 *vectors, const struct moo_case *one,
                        const char *form, uint64_t *uses) {
    uint16_t mask = metadata_mask(vectors->metadata, form);
    uses[RULE_286_FLAGS_HIGH]++;
    uses[RULE_286_FLAGS_UNDEFINED] += (mask & FLAGS_OF_286) != FLAGS_OF_286;
    mask &= FLAGS_OF_286;
    if (one->has_exception && one->vector == VECTOR_DE) {
        uses[RULE_286_FLAGS_DIVIDE]++;
        mask &= (uint16_t)~FLAGS_ARITHMETIC;
    }
    if (is_long_rotation(one, form)) {
        uses[RULE_286_FLAGS_ROTATE]++;
        mask &= (uint16_t)~FLAG_OF;
    }
    return mask;
}

bool case_286_ignores_register(const struct moo_case *one, enum moo_register r) {
    uint8_t opcode = opcode_of(one);
    bool is_string = (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
                     (opcode >= 0xaa && opcode <= 0xaf);
    return is_string && one->has_exception && (r == MOO_SI || r == MOO_DI || r == MOO_CX);
}

bool case_286_merges_stack_faults(const struct moo_case *one) {
    return one->has_exception && one->vector == VECTOR_GP;
}
