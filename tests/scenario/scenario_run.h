/* Running scenarios on one engine. */
#ifndef TESTS_SCENARIO_SCENARIO_RUN_H
#define TESTS_SCENARIO_SCENARIO_RUN_H

#include "interp/run.h"
#include "softmmu/base/error.h"
#include "tests/scenario/scenario.h"

/* The second time, translations exist already, and links between them. */
#define SCENARIO_PASSES 2

struct scenario_board;

/** A board whose CPU is run by an engine: "interp", or a back end of the translator. */
struct scenario_board *scenario_board_create(const char *engine, const uint8_t *supervisor,
                                             size_t supervisor_bytes, struct error *error);
void scenario_board_destroy(struct scenario_board *board);

/** Run a scenario from reset to its end, once, beginning with step `first`. */
enum cpu_exit scenario_board_run(struct scenario_board *board, const struct scenario *scenario,
                                 unsigned first);

/** What the last run left: the CPU, all of RAM, and whether the last step was reached. */
const struct cpu *scenario_board_cpu(const struct scenario_board *board);
const uint8_t *scenario_board_ram(const struct scenario_board *board);
/** Records in the log. */
unsigned scenario_board_records(const struct scenario_board *board);
/** The step that was begun last. */
unsigned scenario_board_step(const struct scenario_board *board);
/** Whether the scenario ended behind its last step (else it was halted, shut down or stopped). */
bool scenario_board_has_ended(const struct scenario_board *board);
/** Print the code that the engine ran last (translators only). */
void scenario_board_explain(const struct scenario_board *board, FILE *out);

/** Whether two boards came to the same end; if not, `text` says what differs first. */
bool scenario_boards_agree(const struct scenario_board *reference,
                           const struct scenario_board *tested, char *text, size_t size);

#endif
