/* Cases as text, for people. */
#ifndef TESTS_CONFORMANCE_ORACLE_REPORT_H
#define TESTS_CONFORMANCE_ORACLE_REPORT_H

#include "tests/conformance/oracle_case.h"

#include <stdio.h>

/** Print the instructions with addresses and what of the initial state is not zero. */
void oracle_print_case(const struct oracle_case *c, FILE *file);

#endif
