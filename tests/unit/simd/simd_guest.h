/*
 * A CPU with flat segments and 16 MiB of RAM that executes single MMX, SSE and SSE2 instructions
 * given as bytes: decoder and handlers together.
 */
#ifndef TESTS_UNIT_SIMD_SIMD_GUEST_H
#define TESTS_UNIT_SIMD_SIMD_GUEST_H

#include "interp/cpu/cpu.h"
#include "interp/decode/decode.h"
#include "tests/support/encoding_coverage.h"

#include <criterion/criterion.h>

#define GUEST_RAM_BYTES UINT64_C(0x1000000)
/* Where EAX and EDI point, and guest_set_memory() writes. */
#define GUEST_BUFFER UINT32_C(0x10000)

struct simd_guest {
    struct cpu cpu;
    struct log log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    uint8_t *ram;
    struct decode_index *index;
    struct encoding_coverage *coverage; /* NULL: not wanted */
};

/** All features, SSE enabled, paging off, all exceptions masked; EAX and EDI at GUEST_BUFFER. */
void simd_guest_start(struct simd_guest *guest);
void simd_guest_stop(struct simd_guest *guest);
/** Identity-map the first 4 MiB, the page at `absent` excepted, and the page after it read-only
 *  for everybody. */
void simd_guest_page(struct simd_guest *guest, uint32_t absent);

/** Execute one instruction. False when it raised: see cpu.fault. Invalid encodings raise #UD. */
bool simd_guest_execute(struct simd_guest *guest, const uint8_t *bytes, size_t count);
/** The same with the bytes as hex digits. */
bool simd_guest_execute_hex(struct simd_guest *guest, const char *hex);

/** Execute and require this exception. */
void simd_guest_expect_fault(struct simd_guest *guest, const char *hex, unsigned vector);
void simd_guest_expect_no_fault(struct simd_guest *guest, const char *hex);

#define EXPECT_HEX(actual, expected)                                                               \
    do {                                                                                           \
        unsigned long long actual_ = (unsigned long long)(actual);                                 \
        unsigned long long expected_ = (unsigned long long)(expected);                             \
        cr_expect(actual_ == expected_, "%s: expected %llx, actual %llx", #actual, expected_,      \
                  actual_);                                                                        \
    } while (0)

#endif
