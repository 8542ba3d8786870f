/*
 * What a run of the host oracle reached: how often each encoding was generated and completed, and
 * how often each exception was raised.
 */
#ifndef TESTS_CONFORMANCE_ORACLE_REACH_H
#define TESTS_CONFORMANCE_ORACLE_REACH_H

#include "tests/conformance/oracle_case.h"
#include "tests/support/encoding_coverage.h"

struct oracle_reach;

/** Aborts when the host has no memory. */
struct oracle_reach *oracle_reach_create(void);
void oracle_reach_destroy(struct oracle_reach *reach);

/** Count a case on which both sides agreed. The end marker's #GP is not counted. */
void oracle_reach_count(struct oracle_reach *reach, const struct oracle_case *c,
                        const struct oracle_outcome *outcome);
/** The record of completed instructions. */
struct encoding_coverage *oracle_reach_completed(struct oracle_reach *reach);

/** Print how often each exception was raised. */
void oracle_reach_print_faults(const struct oracle_reach *reach, FILE *file);
/** Print what user mode can run but no case did: encodings never generated or never completed
 *  (accepted.def names those that need not be), exceptions never raised. True when there is none.
 */
bool oracle_reach_print_gaps(const struct oracle_reach *reach, FILE *file);

#endif
