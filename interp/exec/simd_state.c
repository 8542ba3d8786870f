/*
 * When MMX and SSE instructions may not run, and the slow path of 16-byte stores.
 *
 * Sources: SDM vol. 3A, "Emulation of the MMX Instruction Set", "Enabling SSE Extensions";
 * vol. 1, "MS-DOS Compatibility Sub-mode".
 */
#include "interp/exec/simd.h"

void mmx_refuse(struct cpu *cpu) {
    if (cpu->cr0 & CR0_EM)
        cpu_raise(cpu, VECTOR_UD);
    if (cpu->cr0 & CR0_TS)
        cpu_raise(cpu, VECTOR_NM);
    if (cpu->cr0 & CR0_NE)
        cpu_raise(cpu, VECTOR_MF);
    if (!cpu->bus.ignne(cpu->bus.opaque))
        cpu->bus.set_ferr(cpu->bus.opaque, true);
}

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
