/*
 * Moves of MMX registers, to and from XMM registers too; masked and streaming stores; EMMS.
 *
 * Source: SDM vol. 2, under the mnemonics; vol. 1, "Effect of MMX, x87 FPU, FXSAVE, and FXRSTOR
 * Instructions on the x87 FPU Tag Word".
 */
#include "interp/exec/simd.h"

EXEC(MOVD) {
    mmx_require(cpu);
    uint32_t value = simd_source_general(cpu, i);
    mmx_set(cpu, i->reg, value);
    NEXT(cpu, i);
}

EXEC(MOVD_STORE) {
    mmx_require(cpu);
    uint32_t value = (uint32_t)mmx_get(cpu, i->reg);
    if (i->flags & INSN_MEM)
        cpu_store32(cpu, i->seg, insn_ea(cpu, i), value);
    else
        cpu_set_reg32(cpu, i->rm, value);
    x87_enter_mmx(cpu);
    NEXT(cpu, i);
}

EXEC(MOVQ) {
    mmx_require(cpu);
    uint64_t value = mmx_source(cpu, i);
    mmx_set(cpu, i->reg, value);
    NEXT(cpu, i);
}

EXEC(MOVQ_STORE) {
    mmx_require(cpu);
    if (i->flags & INSN_MEM)
        cpu_store64(cpu, i->seg, insn_ea(cpu, i), mmx_get(cpu, i->reg));
    else
        mmx_set(cpu, i->rm, mmx_get(cpu, i->reg));
    x87_enter_mmx(cpu);
    NEXT(cpu, i);
}

EXEC(MOVNTQ) {
    mmx_require(cpu);
    cpu_store64(cpu, i->seg, insn_ea(cpu, i), mmx_get(cpu, i->reg));
    x87_enter_mmx(cpu);
    NEXT(cpu, i);
}

EXEC(MOVQ2DQ) {
    sse_require(cpu);
    mmx_require(cpu);
    x87_enter_mmx(cpu);
    cpu->xmm[i->reg] = (union xmm){.u64 = {mmx_get(cpu, i->rm), 0}};
    NEXT(cpu, i);
}

EXEC(MOVDQ2Q) {
    sse_require(cpu);
    mmx_require(cpu);
    mmx_set(cpu, i->reg, cpu->xmm[i->rm].u64[0]);
    NEXT(cpu, i);
}

/* TOP becomes 0, as measured on hardware; the SDM speaks of the tags only. */
EXEC(EMMS) {
    mmx_require(cpu);
    x87_leave_mmx(cpu);
    cpu->x87.top = 0;
    NEXT(cpu, i);
}

/* ---- Byte-masked stores to DS:(E)DI -------------------------------------------------------- */

/* An all-zero mask touches no page: whether it may fault is up to the processor. */
static void store_masked(struct cpu *cpu, const struct insn *i, const uint64_t *values,
                         const uint64_t *masks, unsigned quadwords) {
    uint32_t offset = cpu_reg32(cpu, GPR_EDI) & i->ea_mask;
    linear_addr linear = cpu_linear_write(cpu, i->seg, offset, 8 * quadwords);
    uint64_t any = 0;
    for (unsigned n = 0; n < quadwords; n++)
        any |= masks[n] & UINT64_C(0x8080808080808080);
    if (any == 0)
        return;
    cpu_probe_write(cpu, linear, 8 * quadwords);
    for (unsigned n = 0; n < 8 * quadwords; n++)
        if (masks[n / 8] >> (8 * (n % 8) + 7) & 1)
            cpu_store_linear8(cpu, (uint32_t)(linear + n), (uint8_t)(values[n / 8] >> 8 * (n % 8)));
}

EXEC(MASKMOVQ) {
    mmx_require(cpu);
    uint64_t value = mmx_get(cpu, i->reg), mask = mmx_get(cpu, i->rm);
    store_masked(cpu, i, &value, &mask, 1);
    x87_enter_mmx(cpu);
    RESUME(cpu, i);
}

EXEC(MASKMOVDQU) {
    sse_require(cpu);
    store_masked(cpu, i, cpu->xmm[i->reg].u64, cpu->xmm[i->rm].u64, 2);
    RESUME(cpu, i);
}
