/*
 * Single flags (CMC, CLC, STC, CLD, STD), LAHF and SAHF, SALC, and the instructions that do
 * nothing.
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

EXEC(CMC) {
    alu_set_cf(&cpu->lazy, !lazy_cf(&cpu->lazy));
    NEXT(cpu, i);
}

EXEC(CLC) {
    alu_set_cf(&cpu->lazy, false);
    NEXT(cpu, i);
}

EXEC(STC) {
    alu_set_cf(&cpu->lazy, true);
    NEXT(cpu, i);
}

EXEC(CLD) {
    cpu->eflags &= ~(uint32_t)FLAG_DF;
    NEXT(cpu, i);
}

EXEC(STD) {
    cpu->eflags |= FLAG_DF;
    NEXT(cpu, i);
}

EXEC(LAHF) {
    uint32_t flags = lazy_flags_get(&cpu->lazy);
    cpu_set_reg8(cpu, GPR_EAX + 4, (uint8_t)((flags & 0xff) | FLAG_RESERVED_1));
    NEXT(cpu, i);
}

EXEC(SAHF) {
    uint32_t of = lazy_of(&cpu->lazy) ? FLAG_OF : 0;
    lazy_flags_set(&cpu->lazy, cpu_reg8(cpu, GPR_EAX + 4) | of);
    NEXT(cpu, i);
}

/* Undocumented: AL = CF ? FF : 0. */
EXEC(SALC) {
    cpu_set_reg8(cpu, GPR_EAX, lazy_cf(&cpu->lazy) ? 0xff : 0);
    NEXT(cpu, i);
}

EXEC(NOP) {
    NEXT(cpu, i);
}

EXEC(PAUSE) {
    NEXT(cpu, i);
}
