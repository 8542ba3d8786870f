/*
 * Ports: IN, OUT, INS and OUTS (SDM vol. 1, "Input/Output").
 * Memory is probed before the port is touched, as a port access cannot be taken back.
 */
#include "interp/cpu/debug.h"
#include "interp/exec/sensitive.h"

/* Iterations before the run loop looks at events again (see interp/run.h). */
#define REP_BUDGET 4096

static void check_port(struct cpu *cpu, const struct insn *i, uint16_t port, unsigned size) {
    note_sensitive(cpu, i);
    cpu_check_io_permission(cpu, port, size);
    if (UNLIKELY(cpu->debug_active))
        cpu_match_io_breakpoints(cpu, port, size);
}

static inline uint32_t port_read(struct cpu *cpu, uint16_t port, unsigned size) {
    return cpu->bus.port_read(cpu->bus.opaque, port, size);
}

static inline void port_write(struct cpu *cpu, uint16_t port, unsigned size, uint32_t value) {
    cpu->bus.port_write(cpu->bus.opaque, port, size, value);
}

#define DEFINE_IN_OUT(suffix, port)                                                                \
    EXEC_SYSTEM(IN_##suffix##_8) {                                                                 \
        check_port(cpu, i, port, 1);                                                               \
        cpu_set_reg8(cpu, GPR_EAX, (uint8_t)port_read(cpu, port, 1));                              \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC_SYSTEM(IN_##suffix##_16) {                                                                \
        check_port(cpu, i, port, 2);                                                               \
        cpu_set_reg16(cpu, GPR_EAX, (uint16_t)port_read(cpu, port, 2));                            \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC_SYSTEM(IN_##suffix##_32) {                                                                \
        check_port(cpu, i, port, 4);                                                               \
        cpu_set_reg32(cpu, GPR_EAX, port_read(cpu, port, 4));                                      \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC_SYSTEM(OUT_##suffix##_8) {                                                                \
        check_port(cpu, i, port, 1);                                                               \
        port_write(cpu, port, 1, cpu_reg8(cpu, GPR_EAX));                                          \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC_SYSTEM(OUT_##suffix##_16) {                                                               \
        check_port(cpu, i, port, 2);                                                               \
        port_write(cpu, port, 2, cpu_reg16(cpu, GPR_EAX));                                         \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC_SYSTEM(OUT_##suffix##_32) {                                                               \
        check_port(cpu, i, port, 4);                                                               \
        port_write(cpu, port, 4, cpu_reg32(cpu, GPR_EAX));                                         \
        RESUME(cpu, i);                                                                            \
    }

#define PORT_IMM ((uint16_t)(i->imm & 0xff))
#define PORT_DX  cpu_reg16(cpu, GPR_EDX)
DEFINE_IN_OUT(IMM, PORT_IMM)
DEFINE_IN_OUT(DX, PORT_DX)

static inline uint32_t masked_reg(const struct cpu *cpu, const struct insn *i, unsigned r) {
    return cpu_reg32(cpu, r) & i->ea_mask;
}

static inline void set_masked_reg(struct cpu *cpu, const struct insn *i, unsigned r,
                                  uint32_t value) {
    cpu->gpr[r] = (cpu_reg32(cpu, r) & ~i->ea_mask) | (value & i->ea_mask);
}

/* One element, with its pointer moved. */
static inline void ins_element(struct cpu *cpu, const struct insn *i, uint16_t port,
                               unsigned size) {
    uint32_t offset = masked_reg(cpu, i, GPR_EDI);
    linear_addr linear = cpu_linear_write(cpu, SEG_ES, offset, size);
    if (UNLIKELY(cpu_host_write(cpu, linear, size) == NULL))
        cpu_probe_write(cpu, linear, size);
    uint32_t value = port_read(cpu, port, size);
    if (size == 1)
        cpu_store_linear8(cpu, linear, (uint8_t)value);
    else if (size == 2)
        cpu_store_linear16(cpu, linear, (uint16_t)value);
    else
        cpu_store_linear32(cpu, linear, value);
    set_masked_reg(cpu, i, GPR_EDI, (cpu->eflags & FLAG_DF) ? offset - size : offset + size);
}

static inline void outs_element(struct cpu *cpu, const struct insn *i, uint16_t port,
                                unsigned size) {
    uint32_t offset = masked_reg(cpu, i, GPR_ESI);
    uint32_t value = size == 1   ? cpu_load8(cpu, i->seg, offset)
                     : size == 2 ? cpu_load16(cpu, i->seg, offset)
                                 : cpu_load32(cpu, i->seg, offset);
    port_write(cpu, port, size, value);
    set_masked_reg(cpu, i, GPR_ESI, (cpu->eflags & FLAG_DF) ? offset - size : offset + size);
}

typedef void element_fn(struct cpu *cpu, const struct insn *i, uint16_t port, unsigned size);

/* Registers are committed element by element, so a fault in the middle finds them exact. */
static inline __attribute__((always_inline)) const struct insn *
string_io(struct cpu *cpu, const struct insn *i, unsigned size, element_fn *element) {
    uint16_t port = PORT_DX;
    bool is_repeated = (i->flags & (INSN_REP | INSN_REPNE)) != 0;
    if (is_repeated && masked_reg(cpu, i, GPR_ECX) == 0)
        RESUME(cpu, i);
    check_port(cpu, i, port, size);
    if (!is_repeated) {
        element(cpu, i, port, size);
        RESUME(cpu, i);
    }
    unsigned budget = cpu->debug_active ? 1 : REP_BUDGET;
    uint32_t left;
    do {
        element(cpu, i, port, size);
        left = (masked_reg(cpu, i, GPR_ECX) - 1) & i->ea_mask;
        set_masked_reg(cpu, i, GPR_ECX, left);
    } while (left != 0 && --budget != 0);
    if (left == 0)
        RESUME(cpu, i);
    cpu->eip = insn_ip(cpu, i);
    cpu_debug_repeat(cpu);
    LEAVE(cpu, i);
}

#define DEFINE_STRING_IO(name, element)                                                            \
    EXEC_SYSTEM(name##_8) {                                                                        \
        return string_io(cpu, i, 1, element);                                                      \
    }                                                                                              \
    EXEC_SYSTEM(name##_16) {                                                                       \
        return string_io(cpu, i, 2, element);                                                      \
    }                                                                                              \
    EXEC_SYSTEM(name##_32) {                                                                       \
        return string_io(cpu, i, 4, element);                                                      \
    }
DEFINE_STRING_IO(INS, ins_element)
DEFINE_STRING_IO(OUTS, outs_element)
