/*
 * One case of the host oracle: a short sequence of user-mode instructions with the state it starts
 * from, and what became of it on the host or in an engine. A case follows from (seed, number)
 * alone.
 *
 * Memory as both sides see it, linear addresses; flat segments at CPL 3 unless a case says so:
 *   ORACLE_CODE   two pages that may be executed and read, unmapped pages on both sides
 *   ORACLE_DATA   two pages of data and stack, then one that may only be read, then nothing
 */
#ifndef TESTS_CONFORMANCE_ORACLE_CASE_H
#define TESTS_CONFORMANCE_ORACLE_CASE_H

#include "interp/decode/op.h"

#include <stdbool.h>
#include <stdint.h>

#define ORACLE_CODE        UINT32_C(0x10000000)
#define ORACLE_CODE_BYTES  UINT32_C(0x2000)
#define ORACLE_DATA        UINT32_C(0x20000000)
#define ORACLE_DATA_BYTES  UINT32_C(0x2000)
#define ORACLE_CONST       (ORACLE_DATA + ORACLE_DATA_BYTES)
#define ORACLE_CONST_BYTES UINT32_C(0x1000)

/* Selectors that user code may load: the Linux kernel's flat ones, and LDT entries over the data
   and the code pages. */
#define ORACLE_CS          0x23
#define ORACLE_DS          0x2b
#define ORACLE_LONG_CS     0x33
#define ORACLE_LDT_DATA    0x07 /* base ORACLE_DATA, limit 1fffh */
#define ORACLE_LDT_READ    0x0f /* the same, read-only, limit 2fffh */
#define ORACLE_LDT_DOWN    0x17 /* the same, expand-down: offsets above fffh */
#define ORACLE_LDT_CODE    0x1f /* code that may only be executed */
#define ORACLE_LDT_ABSENT  0x27 /* data that is not present */
#define ORACLE_LDT_CODE_16 0x2f /* 16-bit code: base ORACLE_CODE, limit 1fffh */
#define ORACLE_LDT_ENTRIES 6

#define ORACLE_MAX_INSNS 16

struct oracle_insn {
    uint8_t bytes[15];
    uint8_t length;
    uint8_t target_at;    /* offset of a branch displacement or address in bytes; 0: none */
    uint8_t target_bytes; /* its size; 4 with target_is_absolute for an address */
    bool target_is_absolute;
    bool is_simd;   /* MMX, SSE or SSE2 */
    uint8_t target; /* instruction it leads to, relative to this one: 1 is the next */
    uint16_t op;    /* enum op */
    uint16_t row;   /* in encoding_table() */
};

/* The FXSAVE image, as much as both sides have of it. */
struct oracle_fpu {
    uint16_t control, status;
    uint8_t tags; /* abridged */
    uint16_t opcode;
    uint32_t ip, dp;
    uint32_t mxcsr;
    struct {
        uint64_t significand;
        uint16_t sign_exponent;
    } st[8];
    uint64_t xmm[8][2];
};

struct oracle_state {
    uint32_t gpr[8], eip, eflags;
    uint16_t selector[6]; /* enum segment_name */
    struct oracle_fpu fpu;
};

struct oracle_case {
    uint64_t seed, number;
    struct oracle_state initial;
    uint64_t memory_seed; /* 0: all zeros */
    unsigned count;
    struct oracle_insn insns[ORACLE_MAX_INSNS];
};

/** The sequence runs in the 16-bit code segment; then EIP counts from ORACLE_CODE. */
static inline bool oracle_is_16_bit(const struct oracle_case *c) {
    return c->initial.selector[SEG_CS] == ORACLE_LDT_CODE_16;
}
/** Offset of the first instruction in the code pages. */
static inline uint32_t oracle_code_start(const struct oracle_case *c) {
    return c->initial.eip - (oracle_is_16_bit(c) ? 0 : ORACLE_CODE);
}

/* Not an exception: the sequence did not come to an end. */
#define ORACLE_VECTOR_TIMEOUT 255
/* Not an exception: the host's kernel was called. */
#define ORACLE_VECTOR_SYSCALL 254

struct oracle_outcome {
    struct oracle_state state;
    uint8_t vector;
    uint32_t error_code;
    uint32_t cr2;
    const uint8_t *memory; /* ORACLE_DATA_BYTES */
};

/** Fill the code pages: the sequence at its initial EIP, cut off at their end, and HLT (which
 * faults in user mode) everywhere else.
 *  @return  length of the sequence in bytes */
unsigned oracle_case_code(const struct oracle_case *c, uint8_t *pages);
/** Fill the data and read-only pages from the case's memory seed. */
void oracle_case_memory(const struct oracle_case *c, uint8_t *bytes);

/** 64 random bits: everything random about a case comes from here. */
static inline uint64_t oracle_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
