/*
 * Operands of handlers, and macros that make the handlers of one shape from one value function.
 *
 * The memory forms come in two parts: a leaf with the fast path alone (segment bounds, look-up
 * table, page crossing), which needs no stack frame and so stays cheap to thread, and a cold copy
 * that does everything and may raise. A read-modify-write translates once, for writing, so that a
 * page fault shows W=1 and nothing is half done.
 */
#ifndef INTERP_EXEC_OPERAND_H
#define INTERP_EXEC_OPERAND_H

#include "interp/exec/exec.h"

#define EXEC_COLD static __attribute__((noinline, cold))

/** Host address of [offset, offset + size) of a segment when no check of any kind can fail, or
 *  NULL: the slow path decides. `table` is the MMU's read or write table. */
static inline uintptr_t segment_host(const struct segment *s, uint64_t end, const uintptr_t *table,
                                     uint32_t offset, unsigned size) {
    if (UNLIKELY((uint64_t)offset + size > end))
        return 0;
    uint32_t linear = (uint32_t)(s->base + offset);
    uintptr_t addend = table[linear >> GUEST_PAGE_SHIFT];
    if (UNLIKELY(addend == 0 || !page_holds(linear, size)))
        return 0;
    return addend + linear;
}

static inline const uint8_t *segment_host_read(const struct cpu *cpu, unsigned seg, uint32_t offset,
                                               unsigned size) {
    const struct segment *s = &cpu->seg[seg];
    return (const uint8_t *)segment_host(s, s->read_end, cpu->mmu.read_table, offset, size);
}

static inline uint8_t *segment_host_write(const struct cpu *cpu, unsigned seg, uint32_t offset,
                                          unsigned size) {
    const struct segment *s = &cpu->seg[seg];
    return (uint8_t *)segment_host(s, s->write_end, cpu->mmu.write_table, offset, size);
}

static inline uint8_t host_load8(const uint8_t *host) {
    return *host;
}
static inline uint16_t host_load16(const uint8_t *host) {
    return load_le16(host);
}
static inline uint32_t host_load32(const uint8_t *host) {
    return load_le32(host);
}
static inline void host_store8(uint8_t *host, uint32_t value) {
    *host = (uint8_t)value;
}
static inline void host_store16(uint8_t *host, uint32_t value) {
    store_le16(host, (uint16_t)value);
}
static inline void host_store32(uint8_t *host, uint32_t value) {
    store_le32(host, value);
}

static inline uint32_t operand_load8(struct cpu *cpu, const struct insn *i) {
    return cpu_load8(cpu, i->seg, insn_ea(cpu, i));
}
static inline uint32_t operand_load16(struct cpu *cpu, const struct insn *i) {
    return cpu_load16(cpu, i->seg, insn_ea(cpu, i));
}
static inline uint32_t operand_load32(struct cpu *cpu, const struct insn *i) {
    return cpu_load32(cpu, i->seg, insn_ea(cpu, i));
}

/** Linear address of the memory operand, checked for writing all of it: what may raise is over. */
static inline linear_addr operand_probe_write(struct cpu *cpu, const struct insn *i,
                                              unsigned size) {
    linear_addr linear = cpu_linear_write(cpu, i->seg, insn_ea(cpu, i), size);
    cpu_probe_write(cpu, linear, size);
    return linear;
}

/* SOURCE of the macros below, by where the second operand is. */
#define SOURCE_RM(bits)   cpu_reg##bits(cpu, i->rm)
#define SOURCE_REG(bits)  cpu_reg##bits(cpu, i->reg)
#define SOURCE_IMM(bits)  (uint##bits##_t) i->imm
#define SOURCE_CL(bits)   cpu_reg8(cpu, GPR_ECX)
#define SOURCE_NONE(bits) 0

#define EXEC(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *i)

/* first register op= source */
#define DEFINE_REGISTER(name, bits, function, first, source)                                       \
    EXEC(name) {                                                                                   \
        unsigned to = i->first;                                                                    \
        uint32_t result = function(&cpu->lazy, bits, cpu_reg##bits(cpu, to), source(bits));        \
        cpu_set_reg##bits(cpu, to, (uint##bits##_t)result);                                        \
        NEXT(cpu, i);                                                                              \
    }

/* `statement` with the memory operand's value in `value` */
#define DEFINE_LOAD(name, bits, statement)                                                         \
    EXEC_COLD const struct insn *load_##name(struct cpu *cpu, const struct insn *i) {              \
        uint32_t value = operand_load##bits(cpu, i);                                               \
        statement;                                                                                 \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name) {                                                                                   \
        const uint8_t *host = segment_host_read(cpu, i->seg, insn_ea(cpu, i), bits / 8);           \
        if (UNLIKELY(host == NULL))                                                                \
            return load_##name(cpu, i);                                                            \
        uint32_t value = host_load##bits(host);                                                    \
        statement;                                                                                 \
        NEXT(cpu, i);                                                                              \
    }

/* store the value of an expression that cannot fault */
#define DEFINE_STORE(name, bits, expression)                                                       \
    EXEC_COLD const struct insn *store_##name(struct cpu *cpu, const struct insn *i) {             \
        cpu_store##bits(cpu, i->seg, insn_ea(cpu, i), (uint##bits##_t)(expression));               \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name) {                                                                                   \
        uint8_t *host = segment_host_write(cpu, i->seg, insn_ea(cpu, i), bits / 8);                \
        if (UNLIKELY(host == NULL))                                                                \
            return store_##name(cpu, i);                                                           \
        host_store##bits(host, expression);                                                        \
        NEXT(cpu, i);                                                                              \
    }

/* memory op= source */
#define DEFINE_MODIFY(name, bits, function, source)                                                \
    EXEC_COLD const struct insn *modify_##name(struct cpu *cpu, const struct insn *i) {            \
        linear_addr linear = operand_probe_write(cpu, i, bits / 8);                                \
        uint32_t value = (uint32_t)cpu_load_slow(cpu, linear, bits / 8);                           \
        value = function(&cpu->lazy, bits, value, source(bits));                                   \
        cpu_store_slow(cpu, linear, bits / 8, (uint##bits##_t)value);                              \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name) {                                                                                   \
        uint8_t *host = segment_host_write(cpu, i->seg, insn_ea(cpu, i), bits / 8);                \
        if (UNLIKELY(host == NULL))                                                                \
            return modify_##name(cpu, i);                                                          \
        host_store##bits(host, function(&cpu->lazy, bits, host_load##bits(host), source(bits)));   \
        NEXT(cpu, i);                                                                              \
    }

/* BINARY with a result, for one width */
#define DEFINE_BINARY_WIDTH(name, bits, function)                                                  \
    DEFINE_REGISTER(name##_##bits##_RR, bits, function, rm, SOURCE_REG)                            \
    DEFINE_REGISTER(name##_##bits##_RI, bits, function, rm, SOURCE_IMM)                            \
    DEFINE_LOAD(name##_##bits##_RM, bits,                                                          \
                cpu_set_reg##bits(cpu, i->reg,                                                     \
                                  (uint##bits##_t)function(&cpu->lazy, bits,                       \
                                                           cpu_reg##bits(cpu, i->reg), value)))    \
    DEFINE_MODIFY(name##_##bits##_MR, bits, function, SOURCE_REG)                                  \
    DEFINE_MODIFY(name##_##bits##_MI, bits, function, SOURCE_IMM)
#define DEFINE_BINARY(name, function)                                                              \
    DEFINE_BINARY_WIDTH(name, 8, function)                                                         \
    DEFINE_BINARY_WIDTH(name, 16, function)                                                        \
    DEFINE_BINARY_WIDTH(name, 32, function)

/* BINARY that only sets flags (CMP, TEST), for one width */
#define DEFINE_COMPARE_REGISTER(name, bits, function, source)                                      \
    EXEC(name) {                                                                                   \
        function(&cpu->lazy, bits, cpu_reg##bits(cpu, i->rm), source(bits));                       \
        NEXT(cpu, i);                                                                              \
    }
#define DEFINE_COMPARE_WIDTH(name, bits, function)                                                 \
    DEFINE_COMPARE_REGISTER(name##_##bits##_RR, bits, function, SOURCE_REG)                        \
    DEFINE_COMPARE_REGISTER(name##_##bits##_RI, bits, function, SOURCE_IMM)                        \
    DEFINE_LOAD(name##_##bits##_RM, bits,                                                          \
                function(&cpu->lazy, bits, cpu_reg##bits(cpu, i->reg), value))                     \
    DEFINE_LOAD(name##_##bits##_MR, bits, function(&cpu->lazy, bits, value, SOURCE_REG(bits)))     \
    DEFINE_LOAD(name##_##bits##_MI, bits, function(&cpu->lazy, bits, value, SOURCE_IMM(bits)))
#define DEFINE_COMPARE(name, function)                                                             \
    DEFINE_COMPARE_WIDTH(name, 8, function)                                                        \
    DEFINE_COMPARE_WIDTH(name, 16, function)                                                       \
    DEFINE_COMPARE_WIDTH(name, 32, function)

/* UNARY that changes its operand */
#define DEFINE_UNARY_WIDTH(name, bits, function)                                                   \
    DEFINE_REGISTER(name##_##bits##_RR, bits, function, rm, SOURCE_NONE)                           \
    DEFINE_MODIFY(name##_##bits##_MR, bits, function, SOURCE_NONE)
#define DEFINE_UNARY(name, function)                                                               \
    DEFINE_UNARY_WIDTH(name, 8, function)                                                          \
    DEFINE_UNARY_WIDTH(name, 16, function)                                                         \
    DEFINE_UNARY_WIDTH(name, 32, function)

/* SHIFT */
#define DEFINE_SHIFT_WIDTH(name, bits, function)                                                   \
    DEFINE_REGISTER(name##_##bits##_RR, bits, function, rm, SOURCE_CL)                             \
    DEFINE_REGISTER(name##_##bits##_RI, bits, function, rm, SOURCE_IMM)                            \
    DEFINE_MODIFY(name##_##bits##_MR, bits, function, SOURCE_CL)                                   \
    DEFINE_MODIFY(name##_##bits##_MI, bits, function, SOURCE_IMM)
#define DEFINE_SHIFT(name, function)                                                               \
    DEFINE_SHIFT_WIDTH(name, 8, function)                                                          \
    DEFINE_SHIFT_WIDTH(name, 16, function)                                                         \
    DEFINE_SHIFT_WIDTH(name, 32, function)

#endif
