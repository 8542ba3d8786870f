/*
 * A CPU in real mode that runs one case of the 80286 vectors on an engine and compares.
 */
#ifndef TESTS_CONFORMANCE_VECTORS_286_RIG_H
#define TESTS_CONFORMANCE_VECTORS_286_RIG_H

#include "interp/decode/decode_index.h"
#include "softmmu/base/error.h"
#include "tests/conformance/moo.h"

struct rig;

/** `engine` is "interp", "portable" or "x86_64". NULL with *error set on failure. */
struct rig *rig_create(const char *engine, struct error *error);
void rig_destroy(struct rig *rig);
/** The encodings that this CPU has. */
const struct decode_index *rig_encodings(const struct rig *rig);

/** What the translator did so far; nothing for the interpreter. */
void rig_print_statistics(const struct rig *rig);

/** Run the case and compare with what the chip left: registers, memory, FLAGS under the mask
 *  `flags`. With `is_verbose`, print what differs. `ignored` counts registers that a rule let
 *  differ. */
bool rig_run_case(struct rig *rig, const struct moo_case *one, uint16_t flags, bool is_verbose,
                  uint64_t *ignored);

#endif
