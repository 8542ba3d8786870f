/* Random cases for the host oracle, drawn from the rows of the encoding tables. */
#ifndef TESTS_CONFORMANCE_ORACLE_GENERATE_H
#define TESTS_CONFORMANCE_ORACLE_GENERATE_H

#include "tests/conformance/oracle_case.h"

/** Case `number` of the sequence that `seed` starts. */
void oracle_generate(struct oracle_case *c, uint64_t seed, uint64_t number);

/** Flags that the manual leaves undefined before instruction `count` of the case is executed. */
uint32_t oracle_undefined_flags(const struct oracle_case *c, unsigned count);

/** False when an instruction reads a flag that the manual leaves undefined there. */
bool oracle_is_valid(const struct oracle_case *c);

#endif
