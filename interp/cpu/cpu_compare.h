/* Whether two CPUs are in the same state: what lockstep and the tests of the engines ask. */
#ifndef INTERP_CPU_CPU_COMPARE_H
#define INTERP_CPU_CPU_COMPARE_H

#include "interp/cpu/cpu.h"
#include "softmmu/base/state.h"

/**
 * Compare all saved state and the pending events of two CPUs between instructions, undefined flags
 * included. Cheap when they are equal.
 * @text    out, only when they differ: the first difference with both values, "reference, twin"
 * @return  true when they are equal
 */
bool cpu_same(const struct cpu *reference, const struct cpu *twin, char *text, size_t size);

/** The same for any two objects with a state table; `what` begins the text. */
bool state_same(const char *what, const struct state_table *table, const void *reference,
                const void *twin, char *text, size_t size);

#endif
