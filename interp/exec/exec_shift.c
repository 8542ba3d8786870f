/*
 * Shifts and rotates (SDM vol. 2, "RCL/RCR/ROL/ROR", "SAL/SAR/SHL/SHR", "SHLD", "SHRD").
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

DEFINE_SHIFT(ROL, alu_rol)
DEFINE_SHIFT(ROR, alu_ror)
DEFINE_SHIFT(RCL, alu_rcl)
DEFINE_SHIFT(RCR, alu_rcr)
DEFINE_SHIFT(SHL, alu_shl)
DEFINE_SHIFT(SHR, alu_shr)
DEFINE_SHIFT(SAR, alu_sar)

static unsigned double_shift_count(const struct cpu *cpu, const struct insn *i) {
    return (i->flags & INSN_IMM) ? i->imm : cpu_reg8(cpu, GPR_ECX);
}

/* SHLD/SHRD: E operand in rm or memory, G operand in reg. */
#define DEFINE_DOUBLE_SHIFT(name, bits, function)                                                  \
    EXEC(name##_##bits) {                                                                          \
        unsigned count = double_shift_count(cpu, i);                                               \
        uint32_t source = cpu_reg##bits(cpu, i->reg);                                              \
        if (i->flags & INSN_MEM) {                                                                 \
            linear_addr linear = operand_probe_write(cpu, i, bits / 8);                            \
            uint32_t value = cpu_load_linear##bits(cpu, linear);                                   \
            value = function(&cpu->lazy, bits, value, source, count);                              \
            cpu_store_linear##bits(cpu, linear, (uint##bits##_t)value);                            \
        } else {                                                                                   \
            uint32_t value = cpu_reg##bits(cpu, i->rm);                                            \
            value = function(&cpu->lazy, bits, value, source, count);                              \
            cpu_set_reg##bits(cpu, i->rm, (uint##bits##_t)value);                                  \
        }                                                                                          \
        NEXT(cpu, i);                                                                              \
    }
DEFINE_DOUBLE_SHIFT(SHLD, 16, alu_shld)
DEFINE_DOUBLE_SHIFT(SHLD, 32, alu_shld)
DEFINE_DOUBLE_SHIFT(SHRD, 16, alu_shrd)
DEFINE_DOUBLE_SHIFT(SHRD, 32, alu_shrd)
