/* See encoding_coverage.h. */
#include "tests/support/encoding_coverage.h"
#include "interp/decode/op.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT "ENCODING_COVERAGE"

struct encoding_coverage {
    struct decode_index *index;
    const struct encoding *table;
    size_t rows;
    const char *path; /* to append to at the end, or NULL */
    uint64_t executed[];
};

/* Prefixes, then the opcode; SIZE_MAX when the bytes end before it. */
static size_t skip_prefixes(const struct decode_index *index, const uint8_t *bytes,
                            size_t available, enum encoding_prefix *prefix) {
    bool has_66 = false;
    *prefix = PREFIX_NP;
    for (size_t at = 0; at < available; at++) {
        if (index->slots[MAP_M1][bytes[at]].kind != SLOT_PREFIX) {
            if (*prefix == PREFIX_NP && has_66)
                *prefix = PREFIX_P66;
            return at;
        }
        has_66 |= bytes[at] == 0x66;
        if (bytes[at] == 0xf2 || bytes[at] == 0xf3)
            *prefix = bytes[at] == 0xf2 ? PREFIX_PF2 : PREFIX_PF3;
    }
    return SIZE_MAX;
}

size_t encoding_find(const struct decode_index *index, const uint8_t *bytes, size_t available) {
    enum encoding_prefix prefix;
    size_t at = skip_prefixes(index, bytes, available, &prefix);
    if (at == SIZE_MAX)
        return ENCODING_NONE;
    const struct decode_slot *slot = &index->slots[MAP_M1][bytes[at++]];
    if (slot->kind == SLOT_ESCAPE) {
        if (at == available)
            return ENCODING_NONE;
        slot = &index->slots[MAP_M2][bytes[at++]];
    }
    size_t row = slot->first;
    if (slot->kind == SLOT_TABLE) {
        if (slot->has_modrm && at == available)
            return ENCODING_NONE;
        size_t cell = slot->has_modrm ? prefix * MODRM_CELLS + modrm_cell(bytes[at]) : prefix;
        row = index->cells[slot->first + cell];
    }
    return row == 0 ? ENCODING_NONE : row - 1;
}

struct encoding_coverage *encoding_coverage_create(void) {
    struct error error;
    size_t rows;
    const struct encoding *table = encoding_table(&rows);
    struct encoding_coverage *coverage =
        calloc(1, sizeof(*coverage) + rows * sizeof(coverage->executed[0]));
    struct decode_index *index = decode_index_create(~UINT64_C(0), &error);
    if (coverage == NULL || index == NULL)
        abort();
    coverage->index = index;
    coverage->table = table;
    coverage->rows = rows;
    return coverage;
}

struct encoding_coverage *encoding_coverage_from_environment(void) {
    const char *path = getenv(ENVIRONMENT);
    if (path == NULL)
        return NULL;
    struct encoding_coverage *coverage = encoding_coverage_create();
    coverage->path = path;
    return coverage;
}

void encoding_coverage_destroy(struct encoding_coverage *coverage) {
    if (coverage == NULL)
        return;
    if (coverage->path != NULL && !encoding_coverage_append(coverage, coverage->path))
        abort();
    decode_index_destroy(coverage->index);
    free(coverage);
}

void encoding_coverage_mark(struct encoding_coverage *coverage, size_t row) {
    if (coverage != NULL && row < coverage->rows)
        coverage->executed[row]++;
}

void encoding_coverage_mark_bytes(struct encoding_coverage *coverage, const uint8_t *bytes,
                                  size_t available) {
    if (coverage != NULL)
        encoding_coverage_mark(coverage, encoding_find(coverage->index, bytes, available));
}

uint64_t encoding_coverage_count(const struct encoding_coverage *coverage, size_t row) {
    return coverage->executed[row];
}

/* The bytes at CS:EIP, up to the end of their page: those behind it hold no opcode, as a rule. */
static size_t fetch(struct cpu *cpu, uint8_t *bytes) {
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    size_t count = GUEST_PAGE_SIZE - (linear & GUEST_PAGE_MASK);
    struct fetch_page page;
    if (cpu->activity != CPU_RUNNING || mmu_fetch_page(&cpu->mmu, linear, &page) != MMU_OK ||
        page.host == NULL)
        return 0;
    if (count > DECODE_MAX_LENGTH)
        count = DECODE_MAX_LENGTH;
    memcpy(bytes, page.host + (linear & GUEST_PAGE_MASK), count);
    return count;
}

#define NO_FAULT 0xff

enum cpu_exit encoding_coverage_run(struct encoding_coverage *coverage, struct cpu *cpu,
                                    uint64_t count) {
    enum cpu_exit exit = CPU_EXIT_LIMIT;
    uint64_t end = cpu->icount + count;
    while (cpu->icount < end && exit == CPU_EXIT_LIMIT) {
        uint8_t bytes[DECODE_MAX_LENGTH];
        size_t available = fetch(cpu, bytes);
        uint64_t before = cpu->icount;
        cpu->fault.vector = NO_FAULT;
        exit = interp_step(cpu);
        /* What was counted may be a fault. */
        bool is_own_trap = cpu->fault.vector == VECTOR_BP || cpu->fault.vector == VECTOR_OF;
        if (cpu->icount != before && (cpu->fault.vector == NO_FAULT || is_own_trap))
            encoding_coverage_mark_bytes(coverage, bytes, available);
    }
    return exit;
}

bool encoding_coverage_append(const struct encoding_coverage *coverage, const char *path) {
    FILE *file = fopen(path, "a");
    if (file == NULL)
        return false;
    for (size_t row = 0; row < coverage->rows; row++)
        if (coverage->executed[row] != 0)
            fprintf(file, "%zu %s %" PRIu64 "\n", row,
                    op_info((enum op)coverage->table[row].op)->name, coverage->executed[row]);
    return fclose(file) == 0;
}
