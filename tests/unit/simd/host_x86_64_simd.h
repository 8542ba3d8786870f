/*
 * The host's own MMX and SSE units as oracle, on x86-64 hosts only: one instruction, given as
 * bytes, runs from an executable page on a register file loaded by FXRSTOR and stored by FXSAVE.
 * Registers 0 to 7 and memory at (%eax) or (%rax) are encoded alike in 32- and 64-bit mode.
 */
#ifndef TESTS_UNIT_SIMD_HOST_X86_64_SIMD_H
#define TESTS_UNIT_SIMD_HOST_X86_64_SIMD_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* As FXSAVE lays it out; vol. 1, "Non-64-bit Mode Layout of FXSAVE map". */
struct host_simd_image {
    uint16_t control, status;
    uint8_t valid, reserved;
    uint16_t opcode;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    struct {
        uint64_t significand;
        uint16_t sign_exponent, padding[3];
    } st[8];
    uint64_t xmm[16][2];
    uint8_t unused[96];
} __attribute__((aligned(16)));

struct host_simd_state {
    struct host_simd_image image;
    uint64_t rax, rcx, rdx, rdi, rflags; /* at 512 to 544 */
};

static sigjmp_buf host_simd_fault;
static struct host_simd_image host_simd_fault_image;

static inline void host_simd_catch(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    const ucontext_t *machine = context;
    memcpy(&host_simd_fault_image, machine->uc_mcontext.fpregs, sizeof(host_simd_fault_image));
    siglongjmp(host_simd_fault, 1);
}

/** A page to run code from, or NULL; arms the handler for unmasked exceptions. */
static inline uint8_t *host_simd_open(void) {
    struct sigaction action = {.sa_sigaction = host_simd_catch, .sa_flags = SA_SIGINFO};
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || sigaction(SIGFPE, &action, NULL) != 0)
        return NULL;
    return page;
}

static inline void host_simd_place(uint8_t *page, const uint8_t *bytes, size_t count) {
    memcpy(page, bytes, count);
    page[count] = 0xc3; /* RET */
}

/** Run the code in `page`. False when it raised #XM: then only the image is valid. */
static inline bool host_simd_run(struct host_simd_state *state, const uint8_t *page) {
    static const uint32_t usual_mxcsr = 0x1f80;
    if (sigsetjmp(host_simd_fault, 1) != 0) {
        state->image = host_simd_fault_image;
        return false;
    }
    __asm__ volatile("sub $256, %%rsp\n\t"
                     "fxrstor64 (%0)\n\t"
                     "mov 512(%0), %%rax\n\t"
                     "mov 520(%0), %%rcx\n\t"
                     "mov 528(%0), %%rdx\n\t"
                     "mov 536(%0), %%rdi\n\t"
                     "call *%1\n\t"
                     "pushfq\n\t"
                     "popq 544(%0)\n\t"
                     "mov %%rcx, 520(%0)\n\t"
                     "mov %%rdx, 528(%0)\n\t"
                     "fxsave64 (%0)\n\t"
                     "fninit\n\t"
                     "ldmxcsr %2\n\t"
                     "add $256, %%rsp"
                     :
                     : "b"(state), "S"(page), "m"(usual_mxcsr)
                     : "memory", "cc", "rax", "rcx", "rdx", "rdi", "xmm0", "xmm1", "xmm2", "xmm3",
                       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",
                       "st(6)", "st(7)");
    return true;
}

#endif
