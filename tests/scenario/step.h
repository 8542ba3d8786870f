/*
 * Building one step of a scenario: random choices, machine code, and the set-up that all steps
 * share. Private to the generator.
 */
#ifndef TESTS_SCENARIO_STEP_H
#define TESTS_SCENARIO_STEP_H

#include "tests/scenario/scenario.h"

enum paging_kind { PAGING_NONE, PAGING_32, PAGING_LARGE, PAGING_WITH_PAE, PAGING_KINDS };

/* Selectors of the fixed GDT; supervisor.asm. */
enum {
    S_CODE0 = 0x08,
    S_DATA0 = 0x10,
    S_CODE0_HIGH = 0x18,
    S_TASK = 0x20,
    S_TASK32 = 0x28,
    S_TASK16 = 0x30,
    S_LDT = 0x38,
    S_CONFORMING = 0x70,
    S_CODE16 = 0x78,
    S_DATA16 = 0x80,
    S_CODE16_USER = 0x88,
    S_DATA16_USER = 0x90,
    S_SPARE = 0x98, /* thirteen more */
    S_END = 0x100,
};

struct step {
    struct scenario *scenario;
    uint64_t dice;
    bool is_16; /* code emitted now is 16-bit code */
    uint32_t cr0, cr4, efer;
    enum paging_kind paging;
    unsigned cpl; /* of the code under test */
    bool is_v86;
    uint32_t eflags;
};

uint32_t roll(struct step *step, uint32_t sides);
uint32_t roll32(struct step *step);
#define PICK(step, array) ((array)[roll((step), sizeof(array) / sizeof((array)[0]))])
/** True once in `n`. */
static inline bool once_in(struct step *step, uint32_t n) {
    return roll(step, n) == 0;
}

/** Append bytes of code; numbers little-endian. */
void emit(struct step *step, unsigned count, const uint8_t *bytes);
#define EMIT(step, ...)                                                                            \
    emit((step), sizeof((const uint8_t[]){__VA_ARGS__}), (const uint8_t[]){__VA_ARGS__})
void emit16(struct step *step, uint32_t value);
void emit32(struct step *step, uint32_t value);
/** Where the next byte goes, as a linear address. */
uint32_t here(const struct step *step);

/** The prefix that makes the next instruction one with 32-bit operands, or 32-bit addresses. */
void prefix_operand(struct step *step);
void prefix_address(struct step *step);

/** MOV r32, imm32. */
void load(struct step *step, unsigned reg, uint32_t value);
/** MOV sreg, selector, by way of AX. */
void load_segment(struct step *step, unsigned segment, uint16_t selector);
/** MOV dword [address], value: flat 32-bit code only. */
void poke(struct step *step, uint32_t address, uint32_t value);
/** The same for a descriptor of the GDT, LDT or IDT. */
void poke_descriptor(struct step *step, uint32_t at, uint32_t low, uint32_t high);
/** PUSH imm32, with 32-bit operand size. */
void push(struct step *step, uint32_t value);
/** INT 30h: the step went as far as it could. */
void arrive(struct step *step);

/** Vectors after which the handler returns, and how often. */
void resume_after(struct step *step, uint64_t vectors, unsigned times);
/** Set CR4, EFER, CR3 and CR0 for step->paging, cr0, cr4 and efer. */
void enter_paging(struct step *step);
/** Go to ring step->cpl with step->eflags, in 16- or 32-bit code, or V86 mode; the code under test
 *  follows at once. Registers get values that depend on nothing but the step. */
void enter_ring(struct step *step, bool is_16);
void enter_v86(struct step *step);

/** Any descriptor of memory: valid, invalid, or with a limit at an edge. */
void random_memory_descriptor(struct step *step, uint32_t *low, uint32_t *high);
/** A gate of a random kind to a random target. */
void random_gate(struct step *step, uint32_t *low, uint32_t *high);
/** A selector that is often good and sometimes anything. */
uint16_t random_selector(struct step *step);
/** Fill some spare GDT and LDT entries with random descriptors. */
void random_tables(struct step *step);

/* The kinds of steps. Each emits a whole one. */
void step_segment_load(struct step *step);
void step_far_transfer(struct step *step);
void step_gate(struct step *step);
void step_task(struct step *step);
void step_paging(struct step *step);
void step_v86(struct step *step);
void step_privileged(struct step *step);
void step_debug(struct step *step);
void step_interrupt(struct step *step);

#endif
