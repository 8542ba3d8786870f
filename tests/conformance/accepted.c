/* See accepted.h. */
#include "tests/conformance/accepted.h"

#include <inttypes.h>

struct row {
    const char *kind, *subject;
    uint32_t detail;
    bool is_counted; /* the comparison uses it, not the generator */
};

static const struct row rows[ACCEPTED_COUNT] = {
#define ACCEPT(kind_, op, detail_, where, why)                                                     \
    [ACCEPTED_##kind_##_##                                                                         \
        op] = {#kind_, #op, detail_,                                                               \
               (kind_) != NOT_RUN && (kind_) != NOT_WITH && (kind_) != ALWAYS_FAULTS},
#define ACCEPT_ANYWHERE(rule, where, why) [ACCEPTED_##rule] = {"ANYWHERE", #rule, 0, true},
#include "tests/conformance/accepted.def"
#undef ACCEPT
#undef ACCEPT_ANYWHERE
};

static const uint8_t by_op[ACCEPTED_KINDS][OP_COUNT] = {
#define ACCEPT(kind, op, detail, where, why) [kind][OP_##op] = ACCEPTED_##kind##_##op,
#define ACCEPT_ANYWHERE(rule, where, why)
#include "tests/conformance/accepted.def"
#undef ACCEPT
#undef ACCEPT_ANYWHERE
};
_Static_assert(ACCEPTED_COUNT <= UINT8_MAX, "row numbers fit by_op");

enum accepted_id accepted_find(enum accepted_kind kind, enum op op) {
    return (enum accepted_id)by_op[kind][op];
}

uint32_t accepted_detail(enum accepted_kind kind, enum op op) {
    return rows[by_op[kind][op]].detail;
}

void accepted_print_uses(const struct accepted_uses *uses, FILE *file) {
    fprintf(file, "accepted differences (accepted.def):\n");
    for (unsigned i = 1; i < ACCEPTED_COUNT; i++)
        if (rows[i].is_counted)
            fprintf(file, "  %-11s %-15s %" PRIu64 "%s\n", rows[i].kind, rows[i].subject,
                    uses->count[i], uses->count[i] == 0 ? "  (not needed)" : "");
}
