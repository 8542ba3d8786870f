/*
 * How a handler ends. Every handler has the type exec_fn and ends with one of two macros:
 *
 *   NEXT    for small hot handlers: continue with the next instruction. In optimised builds this is
 *           a tail call (direct-threaded code), so the handler must not have locals whose address
 *           escapes; otherwise it returns to the run loop.
 *   RESUME  for everything else: return to the run loop, which continues with the next one.
 *
 * A branch sets cpu->eip and ends the same way: the next insn is the block's sentinel, whose
 * handler finds the next block. Translated code calls a handler on a pair {insn, stop sentinel}.
 */
#ifndef INTERP_EXEC_EXEC_H
#define INTERP_EXEC_EXEC_H

#include "interp/cpu/guest_access.h"
#include "interp/decode/insn.h"
#include "interp/decode/op.h"

static inline const struct insn *resume_at(struct cpu *cpu, const struct insn *next) {
    cpu->insn = next;
    return next;
}

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(INTERP_NO_THREADING)
#define NEXT(cpu, i)                                                                               \
    do {                                                                                           \
        (cpu)->insn = (i) + 1;                                                                     \
        return (i)[1].exec((cpu), (i) + 1);                                                        \
    } while (0)
#else
#define NEXT(cpu, i) return resume_at((cpu), (i) + 1)
#endif
#define RESUME(cpu, i) return resume_at((cpu), (i) + 1)

#endif
