/*
 * Small machines that run random code: what the fuzz targets of the IR and of the engines start
 * from. The first bytes of an input say how the machine is set up, the others are code.
 */
#ifndef TESTS_FUZZ_RANDOM_GUEST_H
#define TESTS_FUZZ_RANDOM_GUEST_H

#include "tests/support/test_cpu.h"

#define RANDOM_GUEST_RAM        UINT64_C(0x48000)
#define RANDOM_GUEST_HEADER     4   /* bytes of an input before its code */
#define RANDOM_GUEST_CODE_BYTES 256 /* at most, at TEST_CODE */

enum random_guest_mode {
    GUEST_REAL,
    GUEST_FLAT,      /* protected, CPL 0 */
    GUEST_FLAT_USER, /* CPL 3 */
    GUEST_V86,
    GUEST_PAGED,
    GUEST_PAGED_USER,
    GUEST_16_BIT,    /* protected, 16-bit code and stack */
    GUEST_SEGMENTED, /* protected, DS, ES and SS with bases and limits */
    GUEST_MODES,
};

struct random_guest {
    enum random_guest_mode mode;
    bool has_window; /* let translated code have an address window */
    uint32_t seed;   /* of the registers */
    unsigned size;
    uint8_t code[RANDOM_GUEST_CODE_BYTES];
};

/** Take an input apart; false when it is too short. Structured inputs name instructions that random
 *  bytes hardly hit, with operands that mean something to the machine. */
bool random_guest_parse(struct random_guest *guest, const uint8_t *data, size_t size);

/** Put a machine into the guest's start state. `round` varies the registers. */
void random_guest_reset(const struct random_guest *guest, struct test_cpu *t, unsigned round);

/** Whether the guest, in its first `instructions` instructions, maps the page elsewhere that it
 * runs in, or takes rights to it away, and goes on in it without a flush. A processor may go on in
 *  either page then, and so may engines. Leaves the machine in any state. */
bool random_guest_remaps_its_page(const struct random_guest *guest, struct test_cpu *t,
                                  unsigned round, unsigned instructions);

/** Whether two machines are in the same state, memory included; says on stderr what differs. */
bool random_guest_same(const struct random_guest *guest, const struct test_cpu *reference,
                       const struct test_cpu *tested, const char *name);

#endif
