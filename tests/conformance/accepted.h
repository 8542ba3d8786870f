/*
 * The host oracle's table of accepted differences, accepted.def: what is left out and what may
 * differ. The generator and the comparison ask here; nothing else is let pass.
 */
#ifndef TESTS_CONFORMANCE_ACCEPTED_H
#define TESTS_CONFORMANCE_ACCEPTED_H

#include "interp/decode/op.h"

#include <stdio.h>

enum accepted_kind {
    NOT_RUN,
    NOT_WITH,
    ALWAYS_FAULTS,
    APPROXIMATE,
    ANY_FAULT,
    MAY_FAULT,
    REFUSED,
    CANCELLED,
    PARTIAL,
    ACCEPTED_KINDS,
};

/* Details of NOT_WITH. */
#define WITH_REP       0x1u
#define WITH_LOCK      0x2u
#define WITH_FS        0x4u
#define WITH_VECTOR_80 0x8u
/* Details of APPROXIMATE. */
#define BY_ULPS           1u
#define BY_RELATIVE_ERROR 2u
#define BY_IMAGE          3u
/* Details of PARTIAL. */
#define IN_MEMORY    1u
#define IN_MMX_STATE 2u
/* Details of MAY_FAULT: exception n is bit n. */
#define MAY_UD (1u << VECTOR_UD)
#define MAY_GP (1u << VECTOR_GP)
#define MAY_PF (1u << VECTOR_PF)
#define MAY_AC (1u << VECTOR_AC)

/* Rows. 0: no row, the difference is not accepted. */
enum accepted_id {
    ACCEPTED_NONE,
#define ACCEPT(kind, op, detail, where, why) ACCEPTED_##kind##_##op,
#define ACCEPT_ANYWHERE(rule, where, why)    ACCEPTED_##rule,
#include "tests/conformance/accepted.def"
#undef ACCEPT
#undef ACCEPT_ANYWHERE
    ACCEPTED_COUNT,
};

/* How often each row was needed. */
struct accepted_uses {
    uint64_t count[ACCEPTED_COUNT];
};

/** The row of this kind about `op` (< OP_COUNT), or ACCEPTED_NONE. */
enum accepted_id accepted_find(enum accepted_kind kind, enum op op);
/** Its detail; 0 without a row. */
uint32_t accepted_detail(enum accepted_kind kind, enum op op);

/** Print every row with a count, and the rows of the comparison that nothing needed. */
void accepted_print_uses(const struct accepted_uses *uses, FILE *file);

#endif
