/*
 * MXCSR, memory ordering and CLFLUSH. Guest memory is strongly ordered and uncached here, so
 * fences and flushes have nothing to do; the hints PREFETCHh are among the integer NOPs.
 */
#include "interp/exec/sse.h"

EXEC(LDMXCSR) {
    sse_require(cpu);
    uint32_t value = operand_load32(cpu, i);
    if (value & ~sse_mxcsr_mask(cpu))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    cpu->mxcsr = value;
    NEXT(cpu, i);
}

EXEC(STMXCSR) {
    sse_require(cpu);
    cpu_store32(cpu, i->seg, insn_ea(cpu, i), cpu->mxcsr);
    NEXT(cpu, i);
}

#define DEFINE_FENCE(name)                                                                         \
    EXEC(name) {                                                                                   \
        NEXT(cpu, i);                                                                              \
    }

DEFINE_FENCE(LFENCE)
DEFINE_FENCE(MFENCE)
DEFINE_FENCE(SFENCE)

/* Faults as a load of one byte would, without reading what may be a device's register. */
EXEC(CLFLUSH) {
    linear_addr linear = cpu_linear_read(cpu, i->seg, insn_ea(cpu, i), 1);
    if (cpu_host_read(cpu, linear, 1) == NULL &&
        mmu_probe(&cpu->mmu, linear, 1, MMU_READ, false) != MMU_OK)
        cpu_raise_page_fault(cpu);
    NEXT(cpu, i);
}
