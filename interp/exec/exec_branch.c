/*
 * Near control transfers, BOUND and UD. A target beyond the CS limit is a #GP of the branch itself
 * (SDM vol. 2, "Jcc", "JMP", "CALL", "RET", "LOOP").
 */
#include "interp/exec/condition.h"
#include "interp/exec/operand.h"
#include "interp/exec/stack.h"

#define LIMIT_EXCEEDED(cpu, target) UNLIKELY((target) > (cpu)->seg[SEG_CS].limit)

EXEC_COLD const struct insn *raise_target(struct cpu *cpu) {
    cpu_raise_error(cpu, VECTOR_GP, 0);
}

/** Where a direct branch goes; eip is already behind it. */
static inline uint32_t branch_target(const struct cpu *cpu, const struct insn *i) {
    uint32_t target = (uint32_t)cpu->eip + i->imm;
    return (i->flags & INSN_OPSIZE_32) ? target : target & 0xffff;
}

#define TAKE_BRANCH(target)                                                                        \
    do {                                                                                           \
        uint32_t taken = (target);                                                                 \
        if (LIMIT_EXCEEDED(cpu, taken))                                                            \
            return raise_target(cpu);                                                              \
        cpu->eip = taken;                                                                          \
    } while (0)

#define DEFINE_JCC(name)                                                                           \
    EXEC(J##name) {                                                                                \
        if (condition_##name(&cpu->lazy))                                                          \
            TAKE_BRANCH(branch_target(cpu, i));                                                    \
        NEXT(cpu, i);                                                                              \
    }
CONDITIONS(DEFINE_JCC)

EXEC(JMP) {
    TAKE_BRANCH(branch_target(cpu, i));
    NEXT(cpu, i);
}

static inline uint32_t count_register(const struct cpu *cpu, const struct insn *i) {
    return cpu_reg32(cpu, GPR_ECX) & i->ea_mask;
}

static inline void set_count_register(struct cpu *cpu, const struct insn *i, uint32_t count) {
    cpu->gpr[GPR_ECX] = (cpu_reg32(cpu, GPR_ECX) & ~i->ea_mask) | (count & i->ea_mask);
}

#define DEFINE_LOOP(name, condition)                                                               \
    EXEC(name) {                                                                                   \
        uint32_t count = (count_register(cpu, i) - 1) & i->ea_mask;                                \
        if (count != 0 && (condition))                                                             \
            TAKE_BRANCH(branch_target(cpu, i));                                                    \
        set_count_register(cpu, i, count);                                                         \
        NEXT(cpu, i);                                                                              \
    }
DEFINE_LOOP(LOOP, true)
DEFINE_LOOP(LOOPE, lazy_zf(&cpu->lazy))
DEFINE_LOOP(LOOPNE, !lazy_zf(&cpu->lazy))

EXEC(JCXZ) {
    if (count_register(cpu, i) == 0)
        TAKE_BRANCH(branch_target(cpu, i));
    NEXT(cpu, i);
}

/* The return address of a 16-bit CALL is the low half of the next IP. */
#define DEFINE_CALL(bits)                                                                          \
    EXEC_COLD const struct insn *call_##bits##_slow(struct cpu *cpu, const struct insn *i,         \
                                                    uint32_t target) {                             \
        stack_push##bits(cpu, (uint##bits##_t)cpu->eip);                                           \
        cpu->eip = target;                                                                         \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(CALL_##bits) {                                                                            \
        uint32_t target = (uint##bits##_t)(cpu->eip + i->imm);                                     \
        if (LIMIT_EXCEEDED(cpu, target))                                                           \
            return raise_target(cpu);                                                              \
        struct stack_slot slot = stack_slot_push(cpu, bits / 8);                                   \
        if (UNLIKELY(slot.host == NULL))                                                           \
            return call_##bits##_slow(cpu, i, target);                                             \
        host_store##bits(slot.host, (uint##bits##_t)cpu->eip);                                     \
        cpu->gpr[GPR_ESP] = slot.new_esp;                                                          \
        cpu->eip = target;                                                                         \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(JMPI_##bits) {                                                                            \
        uint32_t target =                                                                          \
            (i->flags & INSN_MEM) ? operand_load##bits(cpu, i) : cpu_reg##bits(cpu, i->rm);        \
        TAKE_BRANCH(target);                                                                       \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(CALLI_##bits) {                                                                           \
        uint32_t target =                                                                          \
            (i->flags & INSN_MEM) ? operand_load##bits(cpu, i) : cpu_reg##bits(cpu, i->rm);        \
        if (LIMIT_EXCEEDED(cpu, target))                                                           \
            return raise_target(cpu);                                                              \
        stack_push##bits(cpu, (uint##bits##_t)cpu->eip);                                           \
        cpu->eip = target;                                                                         \
        NEXT(cpu, i);                                                                              \
    }
DEFINE_CALL(16)
DEFINE_CALL(32)

/** RET and RET imm16: `extra` bytes of arguments go with the return address. */
#define DEFINE_RET(bits)                                                                           \
    EXEC_COLD const struct insn *ret_##bits##_slow(struct cpu *cpu, const struct insn *i,          \
                                                   uint32_t extra) {                               \
        uint32_t target = stack_peek##bits(cpu);                                                   \
        TAKE_BRANCH(target);                                                                       \
        stack_drop(cpu, bits / 8 + extra);                                                         \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    static inline const struct insn *ret_##bits(struct cpu *cpu, const struct insn *i,             \
                                                uint32_t extra) {                                  \
        const uint8_t *host = stack_host_top(cpu, bits / 8);                                       \
        if (UNLIKELY(host == NULL))                                                                \
            return ret_##bits##_slow(cpu, i, extra);                                               \
        uint32_t target = host_load##bits(host);                                                   \
        TAKE_BRANCH(target);                                                                       \
        stack_drop(cpu, bits / 8 + extra);                                                         \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(RET_##bits) {                                                                             \
        return ret_##bits(cpu, i, 0);                                                              \
    }                                                                                              \
    EXEC(RETI_##bits) {                                                                            \
        return ret_##bits(cpu, i, i->imm & 0xffff);                                                \
    }
DEFINE_RET(16)
DEFINE_RET(32)

/* BOUND: signed index in reg, the bounds in memory; both are inclusive. */
EXEC(BOUND_16) {
    uint32_t ea = insn_ea(cpu, i);
    int16_t lower = (int16_t)cpu_load16(cpu, i->seg, ea);
    int16_t upper = (int16_t)cpu_load16(cpu, i->seg, (ea + 2) & i->ea_mask);
    int16_t index = (int16_t)cpu_reg16(cpu, i->reg);
    if (index < lower || index > upper)
        cpu_raise(cpu, VECTOR_BR);
    NEXT(cpu, i);
}

EXEC(BOUND_32) {
    uint32_t ea = insn_ea(cpu, i);
    int32_t lower = (int32_t)cpu_load32(cpu, i->seg, ea);
    int32_t upper = (int32_t)cpu_load32(cpu, i->seg, (ea + 4) & i->ea_mask);
    int32_t index = (int32_t)cpu_reg32(cpu, i->reg);
    if (index < lower || index > upper)
        cpu_raise(cpu, VECTOR_BR);
    NEXT(cpu, i);
}

EXEC(UD) {
    cpu_raise(cpu, VECTOR_UD);
}
