/*
 * What each IR arithmetic operation computes, as plain functions that the portable back end calls
 * through libffi. Written from the manual's definitions with wide integers, apart from interp's
 * lazy flags, so that lockstep compares two independent implementations.
 */
#ifndef TRANSLATOR_BACKEND_PORTABLE_IR_OPS_H
#define TRANSLATOR_BACKEND_PORTABLE_IR_OPS_H

#include "translator/ir/ir.h"

/* Flags in EFLAGS positions; in: before the operation, out: all six after it. */
struct ir_operands {
    uint32_t a, b, c;
    uint32_t flags;
    uint32_t bits; /* 8, 16 or 32 */
};

/** Operands are zero-extended from their type; the result's upper bits are to be ignored. */
typedef uint32_t ir_helper(struct ir_operands *operands);

/** The function of a PURE operation, or NULL when the back end does it inline. */
ir_helper *ir_helper_of(enum ir_op op);

/** Whether condition code 0..15 holds for these flags. */
bool ir_condition_holds(unsigned condition, uint32_t flags);

#endif
