/*
 * The cold paths of simd.h: when SSE may not run, and 16-byte stores that need the MMU.
 *
 * Source: SDM vol. 3A, "Enabling SSE Extensions" and the table of exceptions beside it.
 */
#include "interp/cpu/debug.h"
#include "interp/exec/simd.h"

noreturn void sse_refuse(struct cpu *cpu) {
    if ((cpu->cr0 & CR0_EM) || !(cpu->cr4 & CR4_OSFXSR))
        cpu_raise(cpu, VECTOR_UD);
    cpu_raise(cpu, VECTOR_NM);
}

void xmm_store_slow(struct cpu *cpu, linear_addr linear, union xmm value) {
    cpu_probe_write(cpu, linear, 16);
    cpu_store_linear64(cpu, linear, value.u64[0]);
    cpu_store_linear64(cpu, (uint32_t)(linear + 8), value.u64[1]);
}

void xmm_misaligned(struct cpu *cpu, bool aligned) {
    if (aligned)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    if (cpu_alignment_is_checked(cpu))
        cpu_raise_error(cpu, VECTOR_AC, 0);
}
