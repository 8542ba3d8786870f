/*
 * Moves without flags: MOV, LEA, MOVZX, MOVSX, sign extensions, XLAT, BSWAP.
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

#define DEFINE_MOV(bits)                                                                           \
    EXEC(MOV_##bits##_RR) {                                                                        \
        cpu_set_reg##bits(cpu, i->rm, cpu_reg##bits(cpu, i->reg));                                 \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(MOV_##bits##_RI) {                                                                        \
        cpu_set_reg##bits(cpu, i->rm, (uint##bits##_t)i->imm);                                     \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_LOAD(MOV_##bits##_RM, bits, cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)value))      \
    DEFINE_STORE(MOV_##bits##_MR, bits, cpu_reg##bits(cpu, i->reg))                                \
    DEFINE_STORE(MOV_##bits##_MI, bits, (uint##bits##_t)i->imm)
DEFINE_MOV(8)
DEFINE_MOV(16)
DEFINE_MOV(32)

/* MOVZX and MOVSX from `from` bits to `bits` bits. */
#define DEFINE_EXTEND(name, from, bits, type)                                                      \
    EXEC(name##_##bits##_RR) {                                                                     \
        cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)(type)cpu_reg##from(cpu, i->rm));           \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_LOAD(name##_##bits##_RM, from,                                                          \
                cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)(type)value))
DEFINE_EXTEND(MOVZX8, 8, 16, uint8_t)
DEFINE_EXTEND(MOVZX8, 8, 32, uint8_t)
DEFINE_EXTEND(MOVZX16, 16, 16, uint16_t)
DEFINE_EXTEND(MOVZX16, 16, 32, uint16_t)
DEFINE_EXTEND(MOVSX8, 8, 16, int8_t)
DEFINE_EXTEND(MOVSX8, 8, 32, int8_t)
DEFINE_EXTEND(MOVSX16, 16, 16, int16_t)
DEFINE_EXTEND(MOVSX16, 16, 32, int16_t)

EXEC(LEA_16) {
    cpu_set_reg16(cpu, i->reg, (uint16_t)insn_ea(cpu, i));
    NEXT(cpu, i);
}

EXEC(LEA_32) {
    cpu_set_reg32(cpu, i->reg, insn_ea(cpu, i));
    NEXT(cpu, i);
}

EXEC(CBW_16) {
    cpu_set_reg16(cpu, GPR_EAX, (uint16_t)(int8_t)cpu->gpr[GPR_EAX]);
    NEXT(cpu, i);
}

EXEC(CBW_32) {
    cpu_set_reg32(cpu, GPR_EAX, (uint32_t)(int16_t)cpu->gpr[GPR_EAX]);
    NEXT(cpu, i);
}

EXEC(CWD_16) {
    cpu_set_reg16(cpu, GPR_EDX, (cpu->gpr[GPR_EAX] & 0x8000) ? 0xffff : 0);
    NEXT(cpu, i);
}

EXEC(CWD_32) {
    cpu_set_reg32(cpu, GPR_EDX, (cpu->gpr[GPR_EAX] & 0x80000000) ? UINT32_MAX : 0);
    NEXT(cpu, i);
}

/* With a 16-bit operand the result is undefined; processors since the Pentium clear the register.
 */
EXEC(BSWAP_16) {
    cpu_set_reg16(cpu, i->rm, 0);
    NEXT(cpu, i);
}

EXEC(BSWAP_32) {
    cpu_set_reg32(cpu, i->rm, __builtin_bswap32(cpu_reg32(cpu, i->rm)));
    NEXT(cpu, i);
}

EXEC(XLAT) {
    uint32_t offset = (cpu_reg32(cpu, GPR_EBX) + cpu_reg8(cpu, GPR_EAX)) & i->ea_mask;
    cpu_set_reg8(cpu, GPR_EAX, cpu_load8(cpu, i->seg, offset));
    NEXT(cpu, i);
}
