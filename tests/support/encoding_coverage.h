/*
 * Which rows of the encoding tables a test executed. docs/generate_instruction_coverage.py merges
 * the files that tests write and makes the page of covered instructions.
 */
#ifndef TESTS_SUPPORT_ENCODING_COVERAGE_H
#define TESTS_SUPPORT_ENCODING_COVERAGE_H

#include "interp/decode/decode.h"
#include "interp/run.h"

#define ENCODING_NONE SIZE_MAX

struct encoding_coverage;

/** The row of encoding_table() that these bytes begin with, or ENCODING_NONE. */
size_t encoding_find(const struct decode_index *index, const uint8_t *bytes, size_t available);

/** A new record for all encodings; aborts when the host has no memory. */
struct encoding_coverage *encoding_coverage_create(void);
/** A new record when the environment names a file in ENCODING_COVERAGE, else NULL: how unit tests
 *  are asked. All functions below take NULL and do nothing. */
struct encoding_coverage *encoding_coverage_from_environment(void);
/** Append to the environment's file (if it was made by encoding_coverage_from_environment) and
 *  free. */
void encoding_coverage_destroy(struct encoding_coverage *coverage);

/** Instructions of a row, or that these bytes begin with, were executed. */
void encoding_coverage_mark(struct encoding_coverage *coverage, size_t row);
void encoding_coverage_mark_bytes(struct encoding_coverage *coverage, const uint8_t *bytes,
                                  size_t available);
/** How often. */
uint64_t encoding_coverage_count(const struct encoding_coverage *coverage, size_t row);

/** As interp_run for at most `count` instructions, one at a time, but for cpu_lower_limit, which
 * has no effect; marks those that complete, and INT3 and INTO. Those behind which a debug trap
 * comes are not marked: it might be the trap of a fault's handler. */
enum cpu_exit encoding_coverage_run(struct encoding_coverage *coverage, struct cpu *cpu,
                                    uint64_t count);

/** Append one line for each executed row to a file: its number, the name of its operation, and how
 *  often it was executed.
 *  False when the file cannot be written. */
bool encoding_coverage_append(const struct encoding_coverage *coverage, const char *path);

#endif
