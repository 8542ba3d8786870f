/*
 * Pushes and pops on the current stack, whose pointer is ESP or SP as SS.B says. With a 16-bit
 * stack the upper half of ESP stays as it is.
 */
#ifndef INTERP_EXEC_STACK_H
#define INTERP_EXEC_STACK_H

#include "interp/exec/operand.h"

static inline uint32_t stack_mask(const struct cpu *cpu) {
    return cpu->stack_is_32 ? UINT32_MAX : 0xffff;
}

/** Offset of the stack's top in SS. */
static inline uint32_t stack_top(const struct cpu *cpu) {
    return cpu_reg32(cpu, GPR_ESP) & stack_mask(cpu);
}

/** Set the stack pointer to an offset, within its width. */
static inline void stack_set_top(struct cpu *cpu, uint32_t offset) {
    uint32_t mask = stack_mask(cpu);
    cpu->gpr[GPR_ESP] = (cpu_reg32(cpu, GPR_ESP) & ~mask) | (offset & mask);
}

static inline void stack_drop(struct cpu *cpu, uint32_t bytes) {
    stack_set_top(cpu, stack_top(cpu) + bytes);
}

struct stack_slot {
    uint8_t *host;    /* NULL: take the slow path */
    uint32_t new_esp; /* what ESP becomes once the value is stored */
};

/** The slot that a push of `size` bytes would fill. */
static inline struct stack_slot stack_slot_push(const struct cpu *cpu, unsigned size) {
    uint32_t mask = stack_mask(cpu);
    uint32_t esp = cpu_reg32(cpu, GPR_ESP);
    uint32_t offset = (esp - size) & mask;
    return (struct stack_slot){segment_host_write(cpu, SEG_SS, offset, size),
                               (esp & ~mask) | offset};
}

/** Host address of the topmost `size` bytes, or NULL. */
static inline const uint8_t *stack_host_top(const struct cpu *cpu, unsigned size) {
    return segment_host_read(cpu, SEG_SS, stack_top(cpu), size);
}

#define DEFINE_STACK_ACCESS(bits)                                                                  \
    static inline void stack_push##bits(struct cpu *cpu, uint##bits##_t value) {                   \
        uint32_t offset = (stack_top(cpu) - bits / 8) & stack_mask(cpu);                           \
        cpu_store##bits(cpu, SEG_SS, offset, value);                                               \
        stack_set_top(cpu, offset);                                                                \
    }                                                                                              \
    static inline uint##bits##_t stack_peek##bits(struct cpu *cpu) {                               \
        return cpu_load##bits(cpu, SEG_SS, stack_top(cpu));                                        \
    }
DEFINE_STACK_ACCESS(16)
DEFINE_STACK_ACCESS(32)
#undef DEFINE_STACK_ACCESS

#endif
