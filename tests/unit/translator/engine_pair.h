/*
 * Two small machines with the same contents, one interpreted and one translated, for tests that
 * compare the engines on single instructions.
 */
#ifndef TESTS_UNIT_TRANSLATOR_ENGINE_PAIR_H
#define TESTS_UNIT_TRANSLATOR_ENGINE_PAIR_H

#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <stdbool.h>
#include <stddef.h>

struct engine_pair {
    struct flat_machine *reference, *tested;
    struct translator *translator; /* of `tested` */
    uint64_t random;
};

/** Two machines with gates for all exceptions; `backend` as for translator_create. */
void engine_pair_create(struct engine_pair *pair, const char *backend);
void engine_pair_destroy(struct engine_pair *pair);

/** A pseudo-random number; the sequence is the same in every run. */
uint32_t engine_pair_random(struct engine_pair *pair);
/** A random number of the kind that breaks arithmetic: small, near a sign change, or any. */
uint32_t engine_pair_operand(struct engine_pair *pair);
/** Put the code at FLAT_CODE of both, before HLTs, with the same random registers and flags. */
void engine_pair_load(struct engine_pair *pair, const uint8_t *code, size_t size, bool is_32);
/** Run both for at most `limit` instructions. */
void engine_pair_run(struct engine_pair *pair, uint64_t limit);
/** Whether both are in the same state; if not, `message` says what differs. */
bool engine_pair_agrees(const struct engine_pair *pair, char *message, size_t size);

#endif
