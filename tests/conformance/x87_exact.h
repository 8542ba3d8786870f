/*
 * How far a transcendental result is from the exact value, by arithmetic with 113-bit significands
 * that has nothing to do with either side.
 */
#ifndef TESTS_CONFORMANCE_X87_EXACT_H
#define TESTS_CONFORMANCE_X87_EXACT_H

#include "tests/unit/fpu/x87_operations.h"

/**
 * The larger error of the results in ST0 and ST1, in units in the last place of the exact value; -1
 * when the operation is not transcendental, has no ordinary result, or raised an unmasked
 * exception. The exact value of FSIN, FCOS and FPTAN is that of the argument reduced by the 66-bit
 * pi.
 *
 * Source: SDM vol. 1, "Approximation of Pi" and "Transcendental Instruction Accuracy".
 */
double x87_exact_error(const struct x87_operation *operation, const struct x87_vector *given,
                       const struct x87_outcome *outcome);

#endif
