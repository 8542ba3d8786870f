/*
 * One x87 instruction on the host (x86-64 only): a stub of machine code loads the whole x87 state
 * and the flags, executes the instruction's bytes, and stores the state again.
 */
#ifndef TESTS_UNIT_EXEC_HOST_X86_64_X87_H
#define TESTS_UNIT_EXEC_HOST_X86_64_X87_H

#include "tests/unit/fpu/host_x86_64_fpu.h"

#include <sys/mman.h>

struct host_x87_stub {
    uint8_t *code; /* one page, writable and executable: this is a test */
};

static inline int host_x87_stub_create(struct host_x87_stub *stub) {
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stub->code = page == MAP_FAILED ? NULL : page;
    return stub->code ? 0 : -1;
}

static inline void host_x87_stub_destroy(struct host_x87_stub *stub) {
    munmap(stub->code, 4096);
}

/**
 * Execute one instruction.
 *
 * @modrm   its memory operand, if any, becomes [rsi]: mod 0, rm 6
 * @image   in and out: as FNSAVE stores it
 * @memory  what rsi points to
 * @eflags  in and out
 */
static inline void host_x87_stub_run(struct host_x87_stub *stub, uint8_t first, uint8_t modrm,
                                     struct host_x87_image *image, void *memory, uint64_t *eflags) {
    const uint8_t code[] = {
        0xdd,  0x27, /* frstor [rdi] */
        0xff,  0x32, /* push qword [rdx] */
        0x9d,        /* popfq */
        first, (uint8_t)(modrm < 0xc0 ? (modrm & 0x38) | 6 : modrm),
        0x9c,        /* pushfq */
        0x8f,  0x02, /* pop qword [rdx] */
        0xdd,  0x37, /* fnsave [rdi] */
        0xc3,        /* ret */
    };
    memcpy(stub->code, code, sizeof(code));
    void (*run)(struct host_x87_image *, void *, uint64_t *);
    memcpy(&run, &stub->code, sizeof(run));
    run(image, memory, eflags);
}

#endif
