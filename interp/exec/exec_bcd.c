/*
 * Decimal adjustments (SDM vol. 2, "AAA", "AAD", "AAM", "AAS", "DAA", "DAS"). Undefined flags: OF
 * is cleared; AAA and AAS set SF, ZF and PF from AL; AAM and AAD clear CF and AF.
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

static void set_decimal_flags(struct cpu *cpu, uint8_t al, bool cf, bool af) {
    alu_set_flags(&cpu->lazy, 8, al, 0);
    cpu->lazy.aux = (cf ? LAZY_CF | LAZY_PO : 0) | (af ? LAZY_AF : 0);
}

static void adjust_packed(struct cpu *cpu, bool subtracts) {
    uint8_t old_al = cpu_reg8(cpu, GPR_EAX), al = old_al;
    bool old_cf = lazy_cf(&cpu->lazy);
    bool cf = false, af = (old_al & 15) > 9 || lazy_af(&cpu->lazy);

    if (af) {
        cf = old_cf || (subtracts ? old_al < 6 : old_al > 0xf9);
        al = (uint8_t)(subtracts ? al - 6 : al + 6);
    }
    if (old_al > 0x99 || old_cf) {
        al = (uint8_t)(subtracts ? al - 0x60 : al + 0x60);
        cf = true;
    } else if (!subtracts) {
        cf = false;
    }
    cpu_set_reg8(cpu, GPR_EAX, al);
    set_decimal_flags(cpu, al, cf, af);
}

EXEC(DAA) {
    adjust_packed(cpu, false);
    NEXT(cpu, i);
}

EXEC(DAS) {
    adjust_packed(cpu, true);
    NEXT(cpu, i);
}

/* AX as a whole is adjusted, so that a carry out of AL + 6 also reaches AH, as since the 286. */
static void adjust_unpacked(struct cpu *cpu, uint16_t delta) {
    uint8_t al = cpu_reg8(cpu, GPR_EAX);
    bool adjusts = (al & 15) > 9 || lazy_af(&cpu->lazy);
    uint16_t ax = cpu_reg16(cpu, GPR_EAX);
    if (adjusts)
        ax = (uint16_t)(ax + delta);
    cpu_set_reg16(cpu, GPR_EAX, ax & 0xff0f);
    set_decimal_flags(cpu, ax & 15, adjusts, adjusts);
}

EXEC(AAA) {
    adjust_unpacked(cpu, 0x106);
    NEXT(cpu, i);
}

EXEC(AAS) {
    adjust_unpacked(cpu, (uint16_t)-0x106);
    NEXT(cpu, i);
}

EXEC(AAM) {
    uint8_t base = (uint8_t)i->imm, al = cpu_reg8(cpu, GPR_EAX);
    if (base == 0)
        cpu_raise(cpu, VECTOR_DE);
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)(al / base << 8 | al % base));
    set_decimal_flags(cpu, al % base, false, false);
    NEXT(cpu, i);
}

EXEC(AAD) {
    uint16_t ax = cpu_reg16(cpu, GPR_EAX);
    uint8_t al = (uint8_t)(ax + (ax >> 8) * (i->imm & 0xff));
    cpu_set_reg16(cpu, GPR_EAX, al);
    set_decimal_flags(cpu, al, false, false);
    NEXT(cpu, i);
}
