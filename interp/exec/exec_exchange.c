/*
 * XCHG, XADD, CMPXCHG and CMPXCHG8B. With a memory operand the write cycle always happens, also
 * when a comparison fails, so a read-only page always faults.
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

#define DEFINE_XCHG(bits)                                                                          \
    EXEC(XCHG_##bits##_RR) {                                                                       \
        uint##bits##_t value = cpu_reg##bits(cpu, i->rm);                                          \
        cpu_set_reg##bits(cpu, i->rm, cpu_reg##bits(cpu, i->reg));                                 \
        cpu_set_reg##bits(cpu, i->reg, value);                                                     \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(XCHG_##bits##_MR) {                                                                       \
        linear_addr linear = operand_probe_write(cpu, i, bits / 8);                                \
        uint##bits##_t value = cpu_load_linear##bits(cpu, linear);                                 \
        cpu_store_linear##bits(cpu, linear, cpu_reg##bits(cpu, i->reg));                           \
        cpu_set_reg##bits(cpu, i->reg, value);                                                     \
        NEXT(cpu, i);                                                                              \
    }

/* When both operands of XADD are one register, the sum stays in it. */
#define DEFINE_XADD(bits)                                                                          \
    EXEC(XADD_##bits) {                                                                            \
        uint##bits##_t addend = cpu_reg##bits(cpu, i->reg);                                        \
        if (i->flags & INSN_MEM) {                                                                 \
            linear_addr linear = operand_probe_write(cpu, i, bits / 8);                            \
            uint##bits##_t value = cpu_load_linear##bits(cpu, linear);                             \
            uint32_t sum = alu_add(&cpu->lazy, bits, value, addend);                               \
            cpu_store_linear##bits(cpu, linear, (uint##bits##_t)sum);                              \
            cpu_set_reg##bits(cpu, i->reg, value);                                                 \
        } else {                                                                                   \
            uint##bits##_t value = cpu_reg##bits(cpu, i->rm);                                      \
            uint32_t sum = alu_add(&cpu->lazy, bits, value, addend);                               \
            cpu_set_reg##bits(cpu, i->reg, value);                                                 \
            cpu_set_reg##bits(cpu, i->rm, (uint##bits##_t)sum);                                    \
        }                                                                                          \
        NEXT(cpu, i);                                                                              \
    }

#define DEFINE_CMPXCHG(bits)                                                                       \
    EXEC(CMPXCHG_##bits) {                                                                         \
        uint##bits##_t accumulator = cpu_reg##bits(cpu, GPR_EAX);                                  \
        uint##bits##_t source = cpu_reg##bits(cpu, i->reg), value;                                 \
        if (i->flags & INSN_MEM) {                                                                 \
            linear_addr linear = operand_probe_write(cpu, i, bits / 8);                            \
            value = cpu_load_linear##bits(cpu, linear);                                            \
            cpu_store_linear##bits(cpu, linear, value == accumulator ? source : value);            \
        } else {                                                                                   \
            value = cpu_reg##bits(cpu, i->rm);                                                     \
            if (value == accumulator)                                                              \
                cpu_set_reg##bits(cpu, i->rm, source);                                             \
        }                                                                                          \
        alu_sub(&cpu->lazy, bits, accumulator, value);                                             \
        if (value != accumulator)                                                                  \
            cpu_set_reg##bits(cpu, GPR_EAX, value);                                                \
        NEXT(cpu, i);                                                                              \
    }

#define DEFINE_EXCHANGE(bits)                                                                      \
    DEFINE_XCHG(bits)                                                                              \
    DEFINE_XADD(bits)                                                                              \
    DEFINE_CMPXCHG(bits)
DEFINE_EXCHANGE(8)
DEFINE_EXCHANGE(16)
DEFINE_EXCHANGE(32)

EXEC(CMPXCHG8B) {
    linear_addr linear = operand_probe_write(cpu, i, 8);
    uint64_t value = cpu_load_linear64(cpu, linear);
    uint64_t expected = (uint64_t)cpu_reg32(cpu, GPR_EDX) << 32 | cpu_reg32(cpu, GPR_EAX);
    uint64_t desired = (uint64_t)cpu_reg32(cpu, GPR_ECX) << 32 | cpu_reg32(cpu, GPR_EBX);
    uint32_t flags = lazy_flags_get(&cpu->lazy) & ~(uint32_t)FLAG_ZF;

    cpu_store_linear64(cpu, linear, value == expected ? desired : value);
    if (value != expected) {
        cpu_set_reg32(cpu, GPR_EAX, (uint32_t)value);
        cpu_set_reg32(cpu, GPR_EDX, (uint32_t)(value >> 32));
    }
    lazy_flags_set(&cpu->lazy, flags | (value == expected ? FLAG_ZF : 0));
    NEXT(cpu, i);
}
