/* The parts of a case that both sides share: its code bytes and its memory. */
#include "tests/conformance/oracle_case.h"
#include "softmmu/base/bits.h"

#define END_MARKER 0xf4 /* HLT: #GP(0) */

/* Put branch displacements and addresses where they belong, now that all lengths are known. */
static void resolve_targets(const struct oracle_case *c, const uint32_t *at, uint8_t *code) {
    for (unsigned i = 0; i < c->count; i++) {
        const struct oracle_insn *insn = &c->insns[i];
        if (insn->target_at == 0)
            continue;
        unsigned to = i + insn->target > c->count ? c->count : i + insn->target;
        uint32_t value = at[to] - at[i] - insn->length;
        if (insn->target_is_absolute)
            value = c->initial.eip + at[to];
        for (unsigned b = 0; b < insn->target_bytes; b++)
            code[at[i] + insn->target_at + b] = (uint8_t)(value >> 8 * b);
    }
}

unsigned oracle_case_code(const struct oracle_case *c, uint8_t *pages) {
    uint8_t code[ORACLE_MAX_INSNS * 15];
    uint32_t at[ORACLE_MAX_INSNS + 1];
    uint32_t length = 0;
    for (unsigned i = 0; i < c->count; i++) {
        at[i] = length;
        memcpy(code + length, c->insns[i].bytes, c->insns[i].length);
        length += c->insns[i].length;
    }
    at[c->count] = length;
    resolve_targets(c, at, code);
    uint32_t start = oracle_code_start(c);
    uint32_t room = ORACLE_CODE_BYTES - start;
    memset(pages, END_MARKER, ORACLE_CODE_BYTES);
    memcpy(pages + start, code, length < room ? length : room);
    return length;
}

/* Floating-point numbers at the borders of their formats, and patterns for integers. */
static const uint64_t special_values[] = {
    UINT64_C(0x0000000000000000), UINT64_C(0x8000000000000000), UINT64_C(0x3ff0000000000000),
    UINT64_C(0xbff0000000000000), UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000),
    UINT64_C(0x7ff8000000000001), UINT64_C(0x7ff0000000000001), UINT64_C(0x0000000000000001),
    UINT64_C(0x000fffffffffffff), UINT64_C(0x7fefffffffffffff), UINT64_C(0x0010000000000000),
    UINT64_C(0x3f8000003f800000), UINT64_C(0x7f8000007f800000), UINT64_C(0x7fc000007f800001),
    UINT64_C(0x007fffff00800000), UINT64_C(0x7f7fffff00000001), UINT64_C(0x41e0000000000000),
    UINT64_C(0x43e0000000000000), UINT64_C(0xffffffffffffffff), UINT64_C(0x7fffffff80000000),
    UINT64_C(0x00ff00ff00ff00ff), UINT64_C(0x8000800080008000), UINT64_C(0x7f7f7f7f7f7f7f7f),
    UINT64_C(0x4f0000004effffff), UINT64_C(0x0000002b20000100), UINT64_C(0x0000000720000040),
    UINT64_C(0x9999999999999999),
};

void oracle_case_memory(const struct oracle_case *c, uint8_t *bytes) {
    uint32_t size = ORACLE_DATA_BYTES + ORACLE_CONST_BYTES;
    if (c->memory_seed == 0) {
        memset(bytes, 0, size);
        return;
    }
    /* 256 bytes are drawn, the rest repeats them with a step: cheap, and never equal by page. */
    uint64_t random = c->memory_seed;
    uint64_t words[32];
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        uint64_t r = oracle_random(&random);
        words[i] =
            r & 1 ? oracle_random(&random) : special_values[(r >> 1) % ARRAY_SIZE(special_values)];
    }
    for (uint32_t i = 0; i < size / 8; i++) {
        uint64_t word = words[(i + (i >> 5)) % ARRAY_SIZE(words)];
        memcpy(bytes + 8 * i, &word, 8);
    }
}
