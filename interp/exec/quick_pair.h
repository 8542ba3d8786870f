/*
 * Handlers of two instructions that compute one register after the other, as in MOV EDX,EAX and
 * SHR EDX,5: one dispatch, and the value between them stays in a host register.
 */
#ifndef INTERP_EXEC_QUICK_PAIR_H
#define INTERP_EXEC_QUICK_PAIR_H

#include "interp/decode/insn.h"

/**
 * The handler of first[0] and first[1] together, or NULL.
 *
 * @first_is_dead, second_is_dead   nobody sees the flags of that instruction
 */
exec_fn *quick_pair(const struct insn *first, bool first_is_dead, bool second_is_dead);

#endif
