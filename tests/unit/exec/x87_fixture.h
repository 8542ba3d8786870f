/*
 * A CPU just complete enough for x87 handlers: flat data segments over one page of memory, and
 * exceptions that come back as a vector instead of being delivered.
 */
#ifndef TESTS_UNIT_EXEC_X87_FIXTURE_H
#define TESTS_UNIT_EXEC_X87_FIXTURE_H

#include "interp/exec/x87.h"

#include <setjmp.h>

#define X87_FIXTURE_MEMORY 0x1000u /* linear address of the page */

struct x87_fixture {
    struct cpu cpu;
    uint8_t memory[GUEST_PAGE_SIZE];
    uintptr_t table[4];
    unsigned ferr_changes;
    bool ferr;
    bool ignne;
};

/** A protected-mode CPU with FPU, CMOV, FXSR, SSE and SSE2, CR0.NE set, after FNINIT. */
struct x87_fixture *x87_fixture_create(void);
void x87_fixture_destroy(struct x87_fixture *f);

/** An instruction of `first` and `modrm`; its memory operand is `offset` bytes into the page. */
struct insn x87_fixture_insn(uint8_t first, uint8_t modrm, uint32_t offset);

/** Run a handler. Returns the vector it raised, or -1. */
int x87_fixture_run(struct x87_fixture *f, exec_fn *handler, const struct insn *insn);

#endif
