/*
 * PUSH, POP, PUSHA, POPA, ENTER and LEAVE (SDM vol. 2).
 */
#include "interp/exec/stack.h"

/* Push an expression that is evaluated before ESP changes, as PUSH ESP wants since the 286. */
#define DEFINE_PUSH(name, bits, expression)                                                        \
    EXEC_COLD const struct insn *push_##name(struct cpu *cpu, const struct insn *i) {              \
        stack_push##bits(cpu, (uint##bits##_t)(expression));                                       \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(name) {                                                                                   \
        struct stack_slot slot = stack_slot_push(cpu, bits / 8);                                   \
        if (UNLIKELY(slot.host == NULL))                                                           \
            return push_##name(cpu, i);                                                            \
        host_store##bits(slot.host, (uint##bits##_t)(expression));                                 \
        cpu->gpr[GPR_ESP] = slot.new_esp;                                                          \
        NEXT(cpu, i);                                                                              \
    }

/* POP ESP and POP SP leave the popped value in ESP: the increment comes first. */
#define DEFINE_POP_REGISTER(bits)                                                                  \
    EXEC_COLD const struct insn *pop_register##bits##_slow(struct cpu *cpu,                        \
                                                           const struct insn *i) {                 \
        uint##bits##_t value = stack_peek##bits(cpu);                                              \
        stack_drop(cpu, bits / 8);                                                                 \
        cpu_set_reg##bits(cpu, i->rm, value);                                                      \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    EXEC(POPR_##bits) {                                                                            \
        const uint8_t *host = stack_host_top(cpu, bits / 8);                                       \
        if (UNLIKELY(host == NULL))                                                                \
            return pop_register##bits##_slow(cpu, i);                                              \
        uint##bits##_t value = host_load##bits(host);                                              \
        stack_drop(cpu, bits / 8);                                                                 \
        cpu_set_reg##bits(cpu, i->rm, value);                                                      \
        NEXT(cpu, i);                                                                              \
    }

/* POP to memory computes its address with the incremented ESP, and keeps the old one on a fault. */
#define DEFINE_POP_OPERAND(bits)                                                                   \
    EXEC(POP_##bits) {                                                                             \
        uint##bits##_t value = stack_peek##bits(cpu);                                              \
        if (i->flags & INSN_MEM) {                                                                 \
            uint32_t ea = insn_ea(cpu, i);                                                         \
            if (i->base == GPR_ESP)                                                                \
                ea = (ea + bits / 8) & i->ea_mask;                                                 \
            cpu_store##bits(cpu, i->seg, ea, value);                                               \
            stack_drop(cpu, bits / 8);                                                             \
        } else {                                                                                   \
            stack_drop(cpu, bits / 8);                                                             \
            cpu_set_reg##bits(cpu, i->rm, value);                                                  \
        }                                                                                          \
        NEXT(cpu, i);                                                                              \
    }

#define DEFINE_PUSH_OPERAND(bits)                                                                  \
    EXEC(PUSH_##bits) {                                                                            \
        uint##bits##_t value = (i->flags & INSN_MEM) ? (uint##bits##_t)operand_load##bits(cpu, i)  \
                                                     : cpu_reg##bits(cpu, i->rm);                  \
        stack_push##bits(cpu, value);                                                              \
        NEXT(cpu, i);                                                                              \
    }

/* The whole area is probed first, so that a fault in the middle leaves memory as it was. */
#define DEFINE_PUSHA(bits)                                                                         \
    EXEC(PUSHA_##bits) {                                                                           \
        uint32_t mask = stack_mask(cpu), top = stack_top(cpu);                                     \
        for (unsigned r = 0; r < 8; r++) {                                                         \
            uint32_t offset = (top - (r + 1) * (bits / 8)) & mask;                                 \
            cpu_probe_write(cpu, cpu_linear_write(cpu, SEG_SS, offset, bits / 8), bits / 8);       \
        }                                                                                          \
        for (unsigned r = 0; r < 8; r++)                                                           \
            cpu_store##bits(cpu, SEG_SS, (top - (r + 1) * (bits / 8)) & mask,                      \
                            cpu_reg##bits(cpu, r));                                                \
        stack_set_top(cpu, top - 8 * (bits / 8));                                                  \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC(POPA_##bits) {                                                                            \
        uint32_t mask = stack_mask(cpu), top = stack_top(cpu);                                     \
        uint##bits##_t values[8];                                                                  \
        for (unsigned r = 0; r < 8; r++)                                                           \
            values[7 - r] = cpu_load##bits(cpu, SEG_SS, (top + r * (bits / 8)) & mask);            \
        stack_set_top(cpu, top + 8 * (bits / 8));                                                  \
        for (unsigned r = 0; r < 8; r++)                                                           \
            if (r != GPR_ESP)                                                                      \
                cpu_set_reg##bits(cpu, r, values[r]);                                              \
        RESUME(cpu, i);                                                                            \
    }

/* ENTER size, level: the frame pointers of the enclosing procedures are copied from the old frame.
   Registers change at the end only; the last store is followed by a probe of the new top, because
   the processor checks that a push there would succeed. */
#define DEFINE_ENTER(bits)                                                                         \
    EXEC(ENTER_##bits) {                                                                           \
        const unsigned size = bits / 8;                                                            \
        uint32_t mask = stack_mask(cpu), level = i->imm2 & 31;                                     \
        uint32_t top = (stack_top(cpu) - size) & mask, frame = top;                                \
        uint32_t old_frame = cpu_reg32(cpu, GPR_EBP);                                              \
        cpu_store##bits(cpu, SEG_SS, top, (uint##bits##_t)old_frame);                              \
        for (uint32_t n = 1; n < level; n++) {                                                     \
            uint32_t from = (old_frame - n * size) & mask;                                         \
            top = (top - size) & mask;                                                             \
            cpu_store##bits(cpu, SEG_SS, top, cpu_load##bits(cpu, SEG_SS, from));                  \
        }                                                                                          \
        if (level > 0) {                                                                           \
            top = (top - size) & mask;                                                             \
            cpu_store##bits(cpu, SEG_SS, top, (uint##bits##_t)frame);                              \
        }                                                                                          \
        top = (top - (i->imm & 0xffff)) & mask;                                                    \
        cpu_probe_write(cpu, cpu_linear_write(cpu, SEG_SS, top, size), size);                      \
        cpu_set_reg##bits(cpu, GPR_EBP, (uint##bits##_t)frame);                                    \
        stack_set_top(cpu, top);                                                                   \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC(LEAVE_##bits) {                                                                           \
        uint32_t frame = cpu_reg32(cpu, GPR_EBP) & stack_mask(cpu);                                \
        uint##bits##_t value = cpu_load##bits(cpu, SEG_SS, frame);                                 \
        stack_set_top(cpu, frame + bits / 8);                                                      \
        cpu_set_reg##bits(cpu, GPR_EBP, value);                                                    \
        NEXT(cpu, i);                                                                              \
    }

#define DEFINE_STACK_WIDTH(bits)                                                                   \
    DEFINE_PUSH(PUSHR_##bits, bits, cpu->gpr[i->rm])                                               \
    DEFINE_PUSH(PUSHI_##bits, bits, i->imm)                                                        \
    DEFINE_POP_REGISTER(bits)                                                                      \
    DEFINE_POP_OPERAND(bits)                                                                       \
    DEFINE_PUSH_OPERAND(bits)                                                                      \
    DEFINE_PUSHA(bits)                                                                             \
    DEFINE_ENTER(bits)
DEFINE_STACK_WIDTH(16)
DEFINE_STACK_WIDTH(32)
