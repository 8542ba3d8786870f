/*
 * Runs a case on the host's own CPU: a 64-bit Linux process enters 32-bit code by IRET to the
 * kernel's selector 23h, and every exception comes back as a signal. No 32-bit libraries needed.
 */
#ifndef TESTS_CONFORMANCE_HOST_X86_64_NATIVE_H
#define TESTS_CONFORMANCE_HOST_X86_64_NATIVE_H

#include "softmmu/base/error.h"
#include "tests/conformance/oracle_case.h"

struct native;

/** NULL with *error set when this host cannot run 32-bit code, or lacks LDT or low memory. */
struct native *native_create(struct error *error);
void native_destroy(struct native *native);
/** Run a case from its initial state. outcome->memory stays valid until the next run. */
void native_run(struct native *native, const struct oracle_case *c, struct oracle_outcome *outcome);
/** What LAR and LSL say of a selector on the host; false when it is not visible. */
bool native_descriptor(uint16_t selector, uint32_t *attributes, uint32_t *limit);

#endif
