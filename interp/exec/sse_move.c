/*
 * Moves of XMM registers, aligned or not, whole or in part, and streaming stores.
 *
 * Source: SDM vol. 2, under the mnemonics.
 */
#include "interp/exec/simd.h"

/* ---- 16 bytes ------------------------------------------------------------------------------ */

#define DEFINE_MOVE(name, aligned)                                                                 \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        cpu->xmm[i->reg] = xmm_source_at(cpu, i, aligned);                                         \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name##_STORE) {                                                                           \
        sse_require(cpu);                                                                          \
        if (i->flags & INSN_MEM)                                                                   \
            xmm_store(cpu, i, cpu->xmm[i->reg], aligned);                                          \
        else                                                                                       \
            cpu->xmm[i->rm] = cpu->xmm[i->reg];                                                    \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_MOVE(MOVAPS, true)
DEFINE_MOVE(MOVAPD, true)
DEFINE_MOVE(MOVDQA, true)
DEFINE_MOVE(MOVUPS, false)
DEFINE_MOVE(MOVUPD, false)
DEFINE_MOVE(MOVDQU, false)

#define DEFINE_STREAMING_STORE(name)                                                               \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        xmm_store(cpu, i, cpu->xmm[i->reg], true);                                                 \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_STREAMING_STORE(MOVNTPS)
DEFINE_STREAMING_STORE(MOVNTPD)
DEFINE_STREAMING_STORE(MOVNTDQ)

/* Of integers only: CR0.EM, CR0.TS and CR4.OSFXSR do not matter. */
EXEC(MOVNTI) {
    cpu_store32(cpu, i->seg, insn_ea(cpu, i), cpu_reg32(cpu, i->reg));
    NEXT(cpu, i);
}

/* ---- 4 or 8 bytes: from memory the rest becomes zero, from a register it stays -------------- */

EXEC(MOVSS) {
    sse_require(cpu);
    uint32_t value = xmm_source32(cpu, i);
    union xmm *x = &cpu->xmm[i->reg];
    if (i->flags & INSN_MEM)
        *x = (union xmm){.u64 = {value, 0}};
    else
        xmm_set32(x, 0, value);
    NEXT(cpu, i);
}

EXEC(MOVSS_STORE) {
    sse_require(cpu);
    uint32_t value = (uint32_t)cpu->xmm[i->reg].u64[0];
    if (i->flags & INSN_MEM)
        cpu_store32(cpu, i->seg, insn_ea(cpu, i), value);
    else
        xmm_set32(&cpu->xmm[i->rm], 0, value);
    NEXT(cpu, i);
}

EXEC(MOVSD) {
    sse_require(cpu);
    cpu->xmm[i->reg].u64[0] = xmm_source64(cpu, i);
    if (i->flags & INSN_MEM)
        cpu->xmm[i->reg].u64[1] = 0;
    NEXT(cpu, i);
}

EXEC(MOVSD_STORE) {
    sse_require(cpu);
    if (i->flags & INSN_MEM)
        cpu_store64(cpu, i->seg, insn_ea(cpu, i), cpu->xmm[i->reg].u64[0]);
    else
        cpu->xmm[i->rm].u64[0] = cpu->xmm[i->reg].u64[0];
    NEXT(cpu, i);
}

/* ---- 4 or 8 bytes as integers: the rest becomes zero always -------------------------------- */

EXEC(MOVD_X) {
    sse_require(cpu);
    uint32_t value = simd_source_general(cpu, i);
    cpu->xmm[i->reg] = (union xmm){.u64 = {value, 0}};
    NEXT(cpu, i);
}

EXEC(MOVD_STORE_X) {
    sse_require(cpu);
    uint32_t value = (uint32_t)cpu->xmm[i->reg].u64[0];
    if (i->flags & INSN_MEM)
        cpu_store32(cpu, i->seg, insn_ea(cpu, i), value);
    else
        cpu_set_reg32(cpu, i->rm, value);
    NEXT(cpu, i);
}

EXEC(MOVQ_X) {
    sse_require(cpu);
    uint64_t value = xmm_source64(cpu, i);
    cpu->xmm[i->reg] = (union xmm){.u64 = {value, 0}};
    NEXT(cpu, i);
}

EXEC(MOVQ_STORE_X) {
    sse_require(cpu);
    uint64_t value = cpu->xmm[i->reg].u64[0];
    if (i->flags & INSN_MEM)
        cpu_store64(cpu, i->seg, insn_ea(cpu, i), value);
    else
        cpu->xmm[i->rm] = (union xmm){.u64 = {value, 0}};
    NEXT(cpu, i);
}

/* ---- One half, the other stays ------------------------------------------------------------- */

#define DEFINE_MOVE_HALF(name, half)                                                               \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        cpu->xmm[i->reg].u64[half] = cpu_load64(cpu, i->seg, insn_ea(cpu, i));                     \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name##_STORE) {                                                                           \
        sse_require(cpu);                                                                          \
        cpu_store64(cpu, i->seg, insn_ea(cpu, i), cpu->xmm[i->reg].u64[half]);                     \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_MOVE_HALF(MOVLPS, 0)
DEFINE_MOVE_HALF(MOVLPD, 0)
DEFINE_MOVE_HALF(MOVHPS, 1)
DEFINE_MOVE_HALF(MOVHPD, 1)

EXEC(MOVHLPS) {
    sse_require(cpu);
    cpu->xmm[i->reg].u64[0] = cpu->xmm[i->rm].u64[1];
    NEXT(cpu, i);
}

EXEC(MOVLHPS) {
    sse_require(cpu);
    cpu->xmm[i->reg].u64[1] = cpu->xmm[i->rm].u64[0];
    NEXT(cpu, i);
}
