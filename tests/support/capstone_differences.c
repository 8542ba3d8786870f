/* See capstone_differences.h. */
#include "tests/support/capstone_differences.h"

#include "interp/decode/decode.h"

#include <string.h>

static bool is_prefix(uint8_t byte) {
    return (byte & 0xe7) == 0x26 || (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 ||
           byte == 0xf2 || byte == 0xf3;
}

static bool has_row(unsigned map, uint8_t opcode) {
    size_t count;
    const struct encoding *table = encoding_table(&count);
    for (size_t n = 0; n < count; n++)
        if (table[n].map == map && opcode >= table[n].first && opcode <= table[n].last)
            return true;
    return false;
}

/* The mandatory prefix among prefix bytes: the last F2 or F3, else 66. */
static enum encoding_prefix prefix_of(const uint8_t *bytes, size_t count) {
    enum encoding_prefix prefix = memchr(bytes, 0x66, count) ? PREFIX_P66 : PREFIX_NP;
    for (size_t n = 0; n < count; n++)
        if (bytes[n] == 0xf2 || bytes[n] == 0xf3)
            prefix = bytes[n] == 0xf2 ? PREFIX_PF2 : PREFIX_PF3;
    return prefix;
}

static bool has_row_with_prefix(unsigned map, uint8_t opcode, enum encoding_prefix prefix) {
    size_t count;
    const struct encoding *table = encoding_table(&count);
    for (size_t n = 0; n < count; n++)
        if (table[n].map == map && opcode >= table[n].first && opcode <= table[n].last &&
            (table[n].prefix == prefix || table[n].prefix == PREFIX_ANY))
            return true;
    return false;
}

/* Opcodes for which only one of the two is right, or both are. */
struct known_difference {
    uint8_t map, first, last;
    bool ours_only, theirs_only, lengths; /* what may happen */
    const char *why;
};

static const struct known_difference known_differences[] = {
    {MAP_M1, 0x62, 0x62, false, true, false, "EVEX prefixes"},
    {MAP_M1, 0x8f, 0x8f, false, true, false, "XOP prefixes"},
    {MAP_M1, 0x8e, 0x8e, false, true, false, "Capstone prints MOV to CS"},
    {MAP_M1, 0xc4, 0xc5, false, true, false, "VEX prefixes"},
    {MAP_M1, 0xc6, 0xc7, false, true, false, "XABORT and XBEGIN"},
    {MAP_M1, 0xdb, 0xdf, false, true, false, "FISTTP of SSE3"},
    {MAP_M2, 0x01, 0x01, false, true, false, "VMX, SVM and SMAP instructions of group 7"},
    {MAP_M2, 0x12, 0x16, false, true, false, "Capstone prints MOVHLPS and MOVLHPS with 66"},
    {MAP_M2, 0x18, 0x1f, true, false, false, "Capstone lacks most hint NOPs"},
    {MAP_M2, 0x20, 0x22, false, true, false, "Capstone prints control registers that do not exist"},
    {MAP_M2, 0x6c, 0x6d, true, false, false, "Capstone lacks some XMM forms in 16-bit code"},
    {MAP_M2, 0x73, 0x73, true, false, false, "the same"},
    {MAP_M2, 0xae, 0xae, true, true, false, "fences ignore ModRM.rm; XSAVE and its kin"},
    {MAP_M2, 0xb9, 0xb9, true, true, true,
     "Capstone reads no ModRM byte for UD1, not even the 16th"},
    {MAP_M2, 0xc7, 0xc7, false, true, false, "VMX and RDRAND in group 9"},
    {MAP_M2, 0xd6, 0xd6, true, false, false, "as 6C"},
    {MAP_M2, 0xe6, 0xe6, true, false, false, "as 6C"},
    {MAP_M2, 0xff, 0xff, true, false, false, "Capstone does not know UD0"},
};

bool capstone_may_differ(const uint8_t *bytes, unsigned ours, size_t theirs) {
    const uint8_t *at = bytes;
    while (at < bytes + DECODE_MAX_LENGTH && is_prefix(*at))
        at++;
    if (!ours && memchr(bytes, 0xf0, (size_t)(at - bytes)))
        return true; /* Capstone is lax about LOCK */
    size_t prefixes = (size_t)(at - bytes);
    if (memchr(bytes, 0x66, prefixes) &&
        (memchr(bytes, 0xf2, prefixes) || memchr(bytes, 0xf3, prefixes)))
        return true; /* Capstone forgets that 66 changes the operand size */
    unsigned map = *at == 0x0f ? MAP_M2 : MAP_M1;
    uint8_t opcode = map == MAP_M2 ? at[1] : at[0];
    if (!ours && !has_row(map, opcode)) /* Capstone knows later extensions */
        return true;
    /* Capstone ignores prefixes that name no MMX or SSE instruction. Hardware does not: measured
       for all opcodes in encodings_simd.def. */
    if (!ours && !has_row_with_prefix(map, opcode, prefix_of(bytes, prefixes)))
        return true;
    for (size_t n = 0; n < sizeof(known_differences) / sizeof(known_differences[0]); n++) {
        const struct known_difference *d = &known_differences[n];
        if (d->map != map || opcode < d->first || opcode > d->last)
            continue;
        if (!theirs ? d->ours_only : !ours ? d->theirs_only : d->lengths)
            return true;
    }
    return false;
}
