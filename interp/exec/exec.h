/*
 * How a handler ends. Every handler has the type exec_fn and ends with one of these:
 *
 *   NEXT    for small hot handlers: continue with the next instruction. In optimised builds this is
 *           a tail call (direct-threaded code), so the handler must not have locals whose address
 *           escapes; otherwise it returns to the run loop.
 *   RESUME  for everything else: return to the run loop, which continues with the next one.
 *   LEAVE   the instruction is complete for now, but cpu->eip, which the handler has set, is not
 *           behind it although it does not end its block (an unfinished REP): leave the block.
 *
 * Invariant: while a block runs, cpu->eip already holds the address behind its last instruction.
 * So an instruction that does not branch leaves cpu->eip alone, and a branch, which is always the
 * last instruction of its block, changes it only when it is taken and ends with NEXT or RESUME: the
 * next insn is the block's sentinel, whose handler finds the next block. The translator, which
 * calls a handler on a pair {insn, stop sentinel}, sets cpu->eip and cpu->ip_base the same way.
 * Between blocks cpu->insn is NULL.
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

static inline const struct insn *leave_after(struct cpu *cpu, const struct insn *insn) {
    cpu->icount += insn->index + 1u;
    cpu->insn = NULL;
    return NULL;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EXEC_IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EXEC_IS_SANITIZED 1
#endif

/* RUN_INSN: how a handler passes control to an insn to which cpu->insn already points. */
#if defined(__OPTIMIZE__) && !defined(EXEC_IS_SANITIZED) && !defined(INTERP_NO_THREADING)
#define RUN_INSN(cpu, i) return (i)->exec((cpu), (i))
#else
#define RUN_INSN(cpu, i) return (i)
#endif
#define NEXT(cpu, i)                                                                               \
    do {                                                                                           \
        const struct insn *following = resume_at((cpu), (i) + 1);                                  \
        RUN_INSN((cpu), following);                                                                \
    } while (0)
#define RESUME(cpu, i) return resume_at((cpu), (i) + 1)
#define LEAVE(cpu, i)  return leave_after((cpu), (i))

#endif
