/* Makes a failing case small: fewer instructions, then a simpler initial state. */
#ifndef TESTS_CONFORMANCE_ORACLE_SHRINK_H
#define TESTS_CONFORMANCE_ORACLE_SHRINK_H

#include "tests/conformance/oracle_case.h"

#include <stdio.h>

typedef bool oracle_differs_fn(void *opaque, const struct oracle_case *c, FILE *report);

/** Replace `c`, which differs, by the smallest case found that still does. */
void oracle_shrink(struct oracle_case *c, oracle_differs_fn *differs, void *opaque);

#endif
