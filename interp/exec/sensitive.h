/*
 * What every handler of a sensitive instruction does first: count it, and log it with
 * -d sensitive. The counters exist only when somebody asked for them.
 */
#ifndef INTERP_EXEC_SENSITIVE_H
#define INTERP_EXEC_SENSITIVE_H

#include "interp/exec/exec.h"

/** The half of note_sensitive() that logs. */
void exec_log_sensitive(struct cpu *cpu, const struct insn *i);

static inline void note_sensitive(struct cpu *cpu, const struct insn *i) {
    if (cpu->sensitive_counts != NULL)
        cpu->sensitive_counts[i->op]++;
    if (UNLIKELY(log_is_on(cpu->log, LOG_SENSITIVE)))
        exec_log_sensitive(cpu, i);
}

/** #GP(0) unless at CPL 0, which real mode always is and virtual-8086 mode never. */
static inline void require_cpl0(struct cpu *cpu) {
    if (UNLIKELY(cpu->cpl != 0))
        cpu_raise_error(cpu, VECTOR_GP, 0);
}

/** #UD in real and virtual-8086 mode. */
static inline void require_protected_mode(struct cpu *cpu) {
    if (UNLIKELY(!cpu->is_protected))
        cpu_raise(cpu, VECTOR_UD);
}

/** An Ew operand. */
static inline uint16_t operand_read16(struct cpu *cpu, const struct insn *i) {
    return (i->flags & INSN_MEM) ? cpu_load16(cpu, i->seg, insn_ea(cpu, i)) : cpu_reg16(cpu, i->rm);
}

/** A register of the operand size, or a word in memory: where selectors and MSW are stored. */
static inline void operand_store_word(struct cpu *cpu, const struct insn *i, bool is_32,
                                      uint32_t value) {
    if (i->flags & INSN_MEM)
        cpu_store16(cpu, i->seg, insn_ea(cpu, i), (uint16_t)value);
    else if (is_32)
        cpu_set_reg32(cpu, i->rm, value);
    else
        cpu_set_reg16(cpu, i->rm, (uint16_t)value);
}

#define EXEC_SYSTEM(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *i)
/* The two handlers of a VSIZED row, from one function (cpu, i, is_32). */
#define EXEC_SYSTEM_VSIZED(name, function)                                                         \
    EXEC_SYSTEM(name##_16) {                                                                       \
        function(cpu, i, false);                                                                   \
        RESUME(cpu, i);                                                                            \
    }                                                                                              \
    EXEC_SYSTEM(name##_32) {                                                                       \
        function(cpu, i, true);                                                                    \
        RESUME(cpu, i);                                                                            \
    }

#endif
