/*
 * Single bits and bit scans (SDM vol. 2, "BT", "BTS", "BTR", "BTC", "BSF", "BSR").
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

/** Offset of the word that holds bit `index` (signed) of the bit string at the memory operand. */
static inline uint32_t bit_string_ea(const struct cpu *cpu, const struct insn *i, int32_t index,
                                     unsigned bits) {
    int32_t words = bits == 32 ? index >> 5 : index >> 4;
    return (insn_ea(cpu, i) + (uint32_t)words * (bits / 8)) & i->ea_mask;
}

/* `modified` is the new value made from `value` and `bit`. An immediate index stays within the
   operand; a register reaches the whole bit string around it. */
#define DEFINE_BIT_WIDTH(name, bits, modified)                                                     \
    EXEC_COLD const struct insn *name##_##bits##_memory(struct cpu *cpu, const struct insn *i) {   \
        bool has_imm = i->flags & INSN_IMM;                                                        \
        int32_t index =                                                                            \
            has_imm ? (int32_t)(i->imm & (bits - 1)) : (int##bits##_t)cpu_reg##bits(cpu, i->reg);  \
        uint32_t ea = bit_string_ea(cpu, i, index, bits);                                          \
        linear_addr linear = cpu_linear_write(cpu, i->seg, ea, bits / 8);                          \
        cpu_probe_write(cpu, linear, bits / 8);                                                    \
        uint32_t bit = UINT32_C(1) << (index & (bits - 1));                                        \
        uint32_t value = cpu_load_linear##bits(cpu, linear);                                       \
        cpu_store_linear##bits(cpu, linear, (uint##bits##_t)(modified));                           \
        alu_set_cf(&cpu->lazy, value &bit);                                                        \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name##_##bits) {                                                                          \
        if (i->flags & INSN_MEM)                                                                   \
            return name##_##bits##_memory(cpu, i);                                                 \
        uint32_t index = (i->flags & INSN_IMM) ? i->imm : cpu_reg32(cpu, i->reg);                  \
        uint32_t bit = UINT32_C(1) << (index & (bits - 1));                                        \
        uint32_t value = cpu_reg##bits(cpu, i->rm);                                                \
        cpu_set_reg##bits(cpu, i->rm, (uint##bits##_t)(modified));                                 \
        alu_set_cf(&cpu->lazy, value &bit);                                                        \
        NEXT(cpu, i);                                                                              \
    }
#define DEFINE_BIT(name, modified)                                                                 \
    DEFINE_BIT_WIDTH(name, 16, modified)                                                           \
    DEFINE_BIT_WIDTH(name, 32, modified)
DEFINE_BIT(BTS, value | bit)
DEFINE_BIT(BTR, value & ~bit)
DEFINE_BIT(BTC, value ^ bit)

#define DEFINE_BT(bits)                                                                            \
    EXEC(BT_##bits) {                                                                              \
        int32_t index = (i->flags & INSN_IMM) ? (int32_t)(i->imm & (bits - 1))                     \
                                              : (int##bits##_t)cpu_reg##bits(cpu, i->reg);         \
        uint32_t value = (i->flags & INSN_MEM)                                                     \
                             ? cpu_load##bits(cpu, i->seg, bit_string_ea(cpu, i, index, bits))     \
                             : cpu_reg##bits(cpu, i->rm);                                          \
        alu_set_cf(&cpu->lazy, value >> (index & (bits - 1)) & 1);                                 \
        NEXT(cpu, i);                                                                              \
    }
DEFINE_BT(16)
DEFINE_BT(32)

/* With a source of 0 the destination keeps its value on all processors known. */
#define DEFINE_SCAN(name, bits, scan)                                                              \
    EXEC(name##_##bits) {                                                                          \
        uint32_t value =                                                                           \
            (i->flags & INSN_MEM) ? operand_load##bits(cpu, i) : cpu_reg##bits(cpu, i->rm);        \
        if (value == 0) {                                                                          \
            alu_set_flags(&cpu->lazy, 32, 0, 0);                                                   \
        } else {                                                                                   \
            uint32_t position = (uint32_t)(scan);                                                  \
            cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)position);                              \
            lazy_flags_set(&cpu->lazy,                                                             \
                           (0x9669u >> (position & 15) & 1) != (position >> 4) ? FLAG_PF : 0);     \
        }                                                                                          \
        NEXT(cpu, i);                                                                              \
    }
DEFINE_SCAN(BSF, 16, __builtin_ctz(value))
DEFINE_SCAN(BSF, 32, __builtin_ctz(value))
DEFINE_SCAN(BSR, 16, 31 - __builtin_clz(value))
DEFINE_SCAN(BSR, 32, 31 - __builtin_clz(value))
