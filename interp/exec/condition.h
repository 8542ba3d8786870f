/*
 * The sixteen conditions of Jcc, SETcc and CMOVcc on lazy flags (SDM vol. 1, appendix "EFLAGS
 * Condition Codes").
 */
#ifndef INTERP_EXEC_CONDITION_H
#define INTERP_EXEC_CONDITION_H

#include "interp/cpu/eflags.h"

/* X(name) for each condition, in encoding order. */
#define CONDITIONS(X)                                                                              \
    X(O) X(NO) X(B) X(NB) X(Z) X(NZ) X(BE) X(NBE) X(S) X(NS) X(P) X(NP) X(L) X(NL) X(LE) X(NLE)

#define DEFINE_CONDITION(name, not_name, expression)                                               \
    static inline bool condition_##name(const struct lazy_flags *f) {                              \
        return expression;                                                                         \
    }                                                                                              \
    static inline bool condition_##not_name(const struct lazy_flags *f) {                          \
        return !(expression);                                                                      \
    }

DEFINE_CONDITION(O, NO, lazy_of(f))
DEFINE_CONDITION(B, NB, lazy_cf(f))
DEFINE_CONDITION(Z, NZ, lazy_zf(f))
DEFINE_CONDITION(BE, NBE, lazy_cf(f) || lazy_zf(f))
DEFINE_CONDITION(S, NS, lazy_sf(f))
DEFINE_CONDITION(P, NP, lazy_pf(f))
DEFINE_CONDITION(L, NL, lazy_sf(f) != lazy_of(f))
DEFINE_CONDITION(LE, NLE, lazy_zf(f) || lazy_sf(f) != lazy_of(f))
#undef DEFINE_CONDITION

#endif
