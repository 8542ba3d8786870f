/*
 * Runs a case in one of Pentimento's engines, with the memory layout that native code has: PAE
 * paging with NX, flat segments and an LDT at CPL 3, a kernel of HLT instructions above.
 */
#ifndef TESTS_CONFORMANCE_ORACLE_ENGINE_H
#define TESTS_CONFORMANCE_ORACLE_ENGINE_H

#include "softmmu/base/error.h"
#include "tests/conformance/oracle_case.h"
#include "tests/support/encoding_coverage.h"

#include <stdio.h>

struct engine;

/* Pages that only the emulated kernel has: on the host nothing is there. */
#define ORACLE_KERNEL       UINT32_C(0xd7a30000)
#define ORACLE_KERNEL_BYTES UINT32_C(0x10000)

/** `name` is "interp", "portable" or "x86_64" (back ends of the translator). */
struct engine *engine_create(const char *name, struct error *error);
void engine_destroy(struct engine *engine);
/** Write a GDT entry from what LAR and LSL say of it (base 0). */
void engine_set_descriptor(struct engine *engine, uint16_t selector, uint32_t attributes,
                           uint32_t limit);
/** Run a case from its initial state. outcome->memory stays valid until the next run. */
void engine_run(struct engine *engine, const struct oracle_case *c, struct oracle_outcome *outcome);
/** Interpret a case step by step and mark the encodings of the instructions that complete. */
void engine_trace(struct engine *engine, const struct oracle_case *c,
                  struct encoding_coverage *completed);
/** What the translator did so far; nothing for the interpreter. */
void engine_print_statistics(const struct engine *engine, FILE *file);
/** Instructions that all runs so far completed. */
uint64_t engine_instructions(const struct engine *engine);

#endif
