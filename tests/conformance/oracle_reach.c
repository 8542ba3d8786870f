/* See oracle_reach.h. */
#include "tests/conformance/oracle_reach.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/accepted.h"

#include <inttypes.h>
#include <stdlib.h>

struct oracle_reach {
    struct encoding_coverage *generated, *completed;
    uint64_t faults[32];
};

static const struct {
    const char *name;
    uint8_t vector;
} exceptions[] = {
    {"#DE", VECTOR_DE}, {"#DB", VECTOR_DB}, {"#BP", VECTOR_BP}, {"#OF", VECTOR_OF},
    {"#BR", VECTOR_BR}, {"#UD", VECTOR_UD}, {"#NP", VECTOR_NP}, {"#SS", VECTOR_SS},
    {"#GP", VECTOR_GP}, {"#PF", VECTOR_PF}, {"#MF", VECTOR_MF}, {"#AC", VECTOR_AC},
    {"#XM", VECTOR_XM},
};

struct oracle_reach *oracle_reach_create(void) {
    struct oracle_reach *reach = calloc(1, sizeof(*reach));
    if (reach == NULL)
        abort();
    reach->generated = encoding_coverage_create();
    reach->completed = encoding_coverage_create();
    return reach;
}

void oracle_reach_destroy(struct oracle_reach *reach) {
    encoding_coverage_destroy(reach->generated);
    encoding_coverage_destroy(reach->completed);
    free(reach);
}

static bool is_at_end(const struct oracle_case *c, uint32_t eip) {
    uint32_t end = c->initial.eip;
    for (unsigned i = 0; i < c->count; i++)
        end += c->insns[i].length;
    return eip == end;
}

void oracle_reach_count(struct oracle_reach *reach, const struct oracle_case *c,
                        const struct oracle_outcome *outcome) {
    for (unsigned i = 0; i < c->count; i++)
        encoding_coverage_mark(reach->generated, c->insns[i].row);
    if (outcome->vector < ARRAY_SIZE(reach->faults) &&
        !(outcome->vector == VECTOR_GP && is_at_end(c, outcome->state.eip)))
        reach->faults[outcome->vector]++;
}

struct encoding_coverage *oracle_reach_completed(struct oracle_reach *reach) {
    return reach->completed;
}

void oracle_reach_print_faults(const struct oracle_reach *reach, FILE *file) {
    fprintf(file, "exceptions:");
    for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
        fprintf(file, " %s %" PRIu64, exceptions[i].name, reach->faults[exceptions[i].vector]);
    fprintf(file, "\n");
}

static bool is_left_out(const struct encoding *row) {
    enum op op = (enum op)row->op;
    bool loads_fs = row->operands[0] == OPERAND_FS || row->modrm == (MODRM_REG | SEG_FS);
    return accepted_find(NOT_RUN, op) != ACCEPTED_NONE ||
           (loads_fs && (accepted_detail(NOT_WITH, op) & WITH_FS));
}

static bool may_complete(const struct encoding *row) {
    uint8_t sensitivity = op_info((enum op)row->op)->sensitivity;
    return sensitivity != PRIVILEGED && sensitivity != IO &&
           accepted_find(ALWAYS_FAULTS, (enum op)row->op) == ACCEPTED_NONE;
}

/* What is wrong with the counts of a row, or NULL. */
static const char *gap_of(const struct encoding *row, uint64_t generated, uint64_t completed) {
    if (is_left_out(row))
        return generated != 0 ? "generated, although accepted.def leaves it out" : NULL;
    if (generated == 0)
        return "never generated";
    if (may_complete(row))
        return completed == 0 ? "never completed" : NULL;
    bool is_either = accepted_find(MAY_FAULT, (enum op)row->op) != ACCEPTED_NONE;
    return completed != 0 && !is_either ? "completed, although it should always fault" : NULL;
}

bool oracle_reach_print_gaps(const struct oracle_reach *reach, FILE *file) {
    size_t count, gaps = 0;
    const struct encoding *rows = encoding_table(&count);
    for (size_t i = 0; i < count; i++) {
        const char *gap = gap_of(&rows[i], encoding_coverage_count(reach->generated, i),
                                 encoding_coverage_count(reach->completed, i));
        if (gap == NULL)
            continue;
        gaps++;
        fprintf(file, "encoding %zu (%s%02x %s): %s\n", i, rows[i].map == MAP_M2 ? "0f " : "",
                rows[i].first, op_info((enum op)rows[i].op)->name, gap);
    }
    for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
        if (reach->faults[exceptions[i].vector] == 0) {
            gaps++;
            fprintf(file, "%s: never raised\n", exceptions[i].name);
        }
    return gaps == 0;
}
