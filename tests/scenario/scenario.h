/*
 * System-mode scenarios: small ring-0 programs that follow from (seed, number), and what becomes of
 * them on an engine.
 *
 * A scenario is a list of steps around the fixed part in supervisor.asm. A step pokes tables,
 * sets control registers, enters a mode with IRETD and does something there that a CPU must get
 * right; it ends in a handler, which appends a record to a log in the guest's memory. The outcome
 * is that log, all of memory and all CPU state at the end.
 */
#ifndef TESTS_SCENARIO_SCENARIO_H
#define TESTS_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Physical addresses, as in supervisor.asm. */
#define SCENARIO_BASE      UINT32_C(0x20000) /* the fixed part */
#define SCENARIO_GDT       UINT32_C(0x21000)
#define SCENARIO_IDT       UINT32_C(0x22000)
#define SCENARIO_TSS       UINT32_C(0x23000) /* then 32-bit and 16-bit ones, 400h bytes apart */
#define SCENARIO_LDT       UINT32_C(0x24100)
#define SCENARIO_DIRECTORY UINT32_C(0x25000)
#define SCENARIO_TABLE     UINT32_C(0x26000)
#define SCENARIO_POINTERS  UINT32_C(0x27000)
#define SCENARIO_PAE_DIR   UINT32_C(0x28000)
#define SCENARIO_PAE_TABLE UINT32_C(0x29000)
#define SCENARIO_STACKS    UINT32_C(0x2a000) /* two pages */
#define SCENARIO_DATA      UINT32_C(0x2c000) /* four pages for steps to play with */
#define SCENARIO_SMALL     UINT32_C(0x30000) /* base of 16-bit segments and of V86 code */
#define SCENARIO_CODE      UINT32_C(0x34000) /* the generated part; begins with INT 30h */
#define SCENARIO_VARIABLES UINT32_C(0x3c000)
#define SCENARIO_START     (SCENARIO_VARIABLES + 36) /* first step to run */
#define SCENARIO_STEPS     (SCENARIO_VARIABLES + 64)
#define SCENARIO_LOG       UINT32_C(0x55000)
#define SCENARIO_RAM       UINT64_C(0x68000)

#define SCENARIO_CODE_BYTES   0x4000
#define SCENARIO_MAX_STEPS    24
#define SCENARIO_RECORD_BYTES 128
#define SCENARIO_INSTRUCTIONS 1000000 /* only those that never end take as many */

/* Places that far transfers lead to: offsets in segments with base 0, or base SCENARIO_SMALL. */
#define SCENARIO_ARRIVE       SCENARIO_CODE
#define SCENARIO_ARRIVE_SMALL (SCENARIO_CODE - SCENARIO_SMALL)

/* Ports: end of the scenario; request of an external interrupt (bits 0-7) behind so many further
   instructions (bits 8-31). */
#define SCENARIO_PORT_END       0xf4
#define SCENARIO_PORT_INTERRUPT 0xf5

struct scenario {
    uint64_t seed, number;
    bool is_portable; /* asks for nothing that only our board has, nor for what peers lack */
    unsigned count;
    uint32_t steps[SCENARIO_MAX_STEPS]; /* addresses */
    char what[SCENARIO_MAX_STEPS][40];  /* for people */
    unsigned code_bytes;
    uint8_t code[SCENARIO_CODE_BYTES];
};

/** Make scenario `number` of the sequence that `seed` starts. `only` names the one step to keep, or
 *  is negative for all. */
void scenario_generate(struct scenario *scenario, uint64_t seed, uint64_t number, bool is_portable,
                       int only);

#define SCENARIO_VARIABLE_BYTES 0x200

/** Fill in the variables that supervisor.asm starts from. */
void scenario_variables(const struct scenario *scenario, uint8_t bytes[SCENARIO_VARIABLE_BYTES]);

/** Print what is in a log, one line a record. */
void scenario_print_log(const struct scenario *scenario, const uint8_t *log, unsigned records,
                        FILE *out);

#endif
