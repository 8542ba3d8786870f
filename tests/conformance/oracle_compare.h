/* Compares what the host and an engine made of a case, under the rules of accepted.def. */
#ifndef TESTS_CONFORMANCE_ORACLE_COMPARE_H
#define TESTS_CONFORMANCE_ORACLE_COMPARE_H

#include "tests/conformance/accepted.h"
#include "tests/conformance/oracle_case.h"

/** True when both agree: then the accepted differences are added to `uses`. Every other difference
 *  is printed to `report` unless that is NULL. */
bool oracle_compare(const struct oracle_case *c, const struct oracle_outcome *host,
                    const struct oracle_outcome *engine, struct accepted_uses *uses, FILE *report);

#endif
