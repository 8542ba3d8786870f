/*
 * The host's own x87 and SSE units as oracles, on x86-64 hosts only. An x87 operation runs with
 * given operands and control word and leaves the whole register file behind through FNSAVE, which
 * does not trip over a pending unmasked exception.
 */
#ifndef TESTS_UNIT_FPU_HOST_X86_64_FPU_H
#define TESTS_UNIT_FPU_HOST_X86_64_FPU_H

#include "interp/fpu/float80.h"

#include <stdint.h>
#include <string.h>

/* The 108 bytes that FNSAVE stores outside 16-bit code. */
struct host_x87_image {
    uint32_t control, status, tags, fip, fcs_fop, fdp, fds;
    uint8_t registers[80];
};

typedef void host_x87_operation(struct host_x87_image *image, const struct float80 *st0,
                                const struct float80 *st1, const void *memory,
                                const uint16_t *control);

#define HOST_X87(name, instruction)                                                                \
    static inline void host_##name(struct host_x87_image *image, const struct float80 *st0,        \
                                   const struct float80 *st1, const void *memory,                  \
                                   const uint16_t *control) {                                      \
        __asm__ volatile(                                                                          \
            "fninit\n\tfldt (%2)\n\tfldt (%1)\n\tfldcw (%4)\n\t" instruction "\n\tfnsave (%0)"     \
            :                                                                                      \
            : "r"(image), "r"(st0), "r"(st1), "r"(memory), "r"(control)                            \
            : "memory", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");      \
    }

HOST_X87(fadd, "fadd %%st(1), %%st")
HOST_X87(fsub, "fsub %%st(1), %%st")
HOST_X87(fmul, "fmul %%st(1), %%st")
HOST_X87(fdiv, "fdiv %%st(1), %%st")
HOST_X87(fsqrt, "fsqrt")
HOST_X87(frndint, "frndint")
HOST_X87(fscale, "fscale")
HOST_X87(fxtract, "fxtract")
HOST_X87(fcom, "fcom %%st(1)")
HOST_X87(fucom, "fucom %%st(1)")
HOST_X87(fprem, "fprem")
HOST_X87(fprem1, "fprem1")
HOST_X87(f2xm1, "f2xm1")
HOST_X87(fyl2x, "fyl2x")
HOST_X87(fyl2xp1, "fyl2xp1")
HOST_X87(fpatan, "fpatan")
HOST_X87(fsin, "fsin")
HOST_X87(fcos, "fcos")
HOST_X87(fptan, "fptan")
HOST_X87(fsincos, "fsincos")
HOST_X87(fld_m32, "flds (%3)")
HOST_X87(fld_m64, "fldl (%3)")
HOST_X87(fild_m16, "filds (%3)")
HOST_X87(fild_m32, "fildl (%3)")
HOST_X87(fild_m64, "fildq (%3)")
HOST_X87(fadd_m32, "fadds (%3)")
HOST_X87(fadd_m64, "faddl (%3)")
HOST_X87(fdiv_m32, "fdivs (%3)")
HOST_X87(fdivr_m64, "fdivrl (%3)")
HOST_X87(fcom_m64, "fcoml (%3)")
HOST_X87(fst_m32, "fsts (%3)")
HOST_X87(fst_m64, "fstl (%3)")
HOST_X87(fist_m16, "fists (%3)")
HOST_X87(fist_m32, "fistl (%3)")
HOST_X87(fistp_m64, "fistpll (%3)")
HOST_X87(fbstp, "fbstp (%3)")
HOST_X87(fbld, "fbld (%3)")

static inline struct float80 host_x87_register(const struct host_x87_image *image, unsigned i) {
    struct float80 value;
    memcpy(&value.significand, image->registers + 10 * i, 8);
    memcpy(&value.sign_exponent, image->registers + 10 * i + 8, 2);
    return value;
}

/* SSE: both operands are 64-bit containers; *mxcsr goes in with modes and comes out with flags. */
typedef void host_sse_operation(uint64_t *a, const uint64_t *b, uint32_t *mxcsr);

#define HOST_SSE(name, instruction)                                                                \
    static inline void host_##name(uint64_t *a, const uint64_t *b, uint32_t *mxcsr) {              \
        uint32_t saved;                                                                            \
        __asm__ volatile(                                                                          \
            "stmxcsr %3\n\tldmxcsr %2\n\tmovq %0, %%xmm0\n\tmovq %1, %%xmm1\n\t" instruction       \
            "\n\tmovq %%xmm0, %0\n\tstmxcsr %2\n\tldmxcsr %3"                                      \
            : "+m"(*a)                                                                             \
            : "m"(*b), "m"(*mxcsr), "m"(saved)                                                     \
            : "memory", "xmm0", "xmm1", "rax");                                                    \
    }

HOST_SSE(addss, "addss %%xmm1, %%xmm0")
HOST_SSE(subss, "subss %%xmm1, %%xmm0")
HOST_SSE(mulss, "mulss %%xmm1, %%xmm0")
HOST_SSE(divss, "divss %%xmm1, %%xmm0")
HOST_SSE(sqrtss, "sqrtss %%xmm1, %%xmm0")
HOST_SSE(minss, "minss %%xmm1, %%xmm0")
HOST_SSE(maxss, "maxss %%xmm1, %%xmm0")
HOST_SSE(addsd, "addsd %%xmm1, %%xmm0")
HOST_SSE(subsd, "subsd %%xmm1, %%xmm0")
HOST_SSE(mulsd, "mulsd %%xmm1, %%xmm0")
HOST_SSE(divsd, "divsd %%xmm1, %%xmm0")
HOST_SSE(sqrtsd, "sqrtsd %%xmm1, %%xmm0")
HOST_SSE(minsd, "minsd %%xmm1, %%xmm0")
HOST_SSE(maxsd, "maxsd %%xmm1, %%xmm0")
HOST_SSE(cvtss2sd, "cvtss2sd %%xmm1, %%xmm0")
HOST_SSE(cvtsd2ss, "cvtsd2ss %%xmm1, %%xmm0")
HOST_SSE(cvtss2si, "cvtss2si %%xmm1, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(cvttss2si, "cvttss2si %%xmm1, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(cvtsd2si, "cvtsd2si %%xmm1, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(cvttsd2si, "cvttsd2si %%xmm1, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(cvtss2siq, "cvtss2si %%xmm1, %%rax\n\tmovq %%rax, %%xmm0")
HOST_SSE(cvtsd2siq, "cvtsd2si %%xmm1, %%rax\n\tmovq %%rax, %%xmm0")
HOST_SSE(cvtsi2ss, "movq %%xmm1, %%rax\n\tcvtsi2ssq %%rax, %%xmm0")
HOST_SSE(cvtsi2sd, "movq %%xmm1, %%rax\n\tcvtsi2sdq %%rax, %%xmm0")
HOST_SSE(comiss, "comiss %%xmm1, %%xmm0\n\tlahf\n\tshr $8, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(ucomiss, "ucomiss %%xmm1, %%xmm0\n\tlahf\n\tshr $8, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(comisd, "comisd %%xmm1, %%xmm0\n\tlahf\n\tshr $8, %%eax\n\tmovq %%rax, %%xmm0")
HOST_SSE(ucomisd, "ucomisd %%xmm1, %%xmm0\n\tlahf\n\tshr $8, %%eax\n\tmovq %%rax, %%xmm0")

#endif
