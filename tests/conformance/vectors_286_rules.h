/*
 * The table accepted_286.def as code: which cases are left out, and which parts of a case are not
 * compared.
 */
#ifndef TESTS_CONFORMANCE_VECTORS_286_RULES_H
#define TESTS_CONFORMANCE_VECTORS_286_RULES_H

#include "interp/decode/decode.h"
#include "tests/conformance/moo.h"

/* Rows. 0: no row, the case is compared as a whole. */
enum rule_286 {
    RULE_286_NONE,
#define ACCEPT_286(rule, scope, where, why) RULE_286_##rule,
#include "tests/conformance/accepted_286.def"
#undef ACCEPT_286
    RULE_286_COUNT,
};

/* The texts that come with the vectors. */
struct vectors_286 {
    char *metadata;    /* metadata.json */
    char *revocations; /* revocation_list.txt */
};

const char *rule_286_name(enum rule_286 rule);

/** Bytes before the opcode. */
unsigned case_286_opcode_at(const struct moo_case *one);

/** The rule that leaves the case out as a whole, or RULE_286_NONE. `index`: of the later CPU. */
enum rule_286 case_286_left_out(const struct vectors_286 *vectors, const struct decode_index *index,
                                const struct moo_case *one);

/** Bits of FLAGS to compare. `uses` (RULE_286_COUNT of them) counts the rules that took some away.
 *  `form` is the name of the case's file, such as F6.7. */
uint16_t case_286_flags(const struct vectors_286 *vectors, const struct moo_case *one,
                        const char *form, uint64_t *uses);

/** A register that the case leaves behind differs lawfully. */
bool case_286_ignores_register(const struct moo_case *one, enum moo_register r);

/** Limit faults of the stack segment must reach the handler of vector 13. */
bool case_286_merges_stack_faults(const struct moo_case *one);

#endif
