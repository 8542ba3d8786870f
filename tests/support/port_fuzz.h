/*
 * One driver for the fuzz targets of all chips. Input bytes are commands: read or write a port or
 * a memory-mapped register, let time pass, or poke the chip's other inputs (lines, host bytes).
 *
 * A target file tests/fuzz/fuzz_ports_<chip>.c defines a `static const struct port_fuzz_target`
 * and ends with PORT_FUZZ(chip, target). Built with -DPORT_FUZZ_LIBFUZZER it is a libFuzzer target;
 * otherwise it is a Criterion test over a fixed pseudo-random stream.
 */
#ifndef TESTS_SUPPORT_PORT_FUZZ_H
#define TESTS_SUPPORT_PORT_FUZZ_H

#include "hw/core/port_map.h"
#include "softmmu/physmem.h"
#include "tests/support/fake_clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_FUZZ_RAM_BYTES (1u << 20) /* RAM of the little machine, at physical 0 */

/** What a chip under test may touch. Made afresh for every input. */
struct port_fuzz {
    struct log log; /* everything off */
    struct port_map *ports;
    struct fake_clock time;
    struct physmem *physmem;
    void *chip; /* what create() returned */
};

struct port_fuzz_range {
    bool is_memory; /* physical addresses instead of ports */
    uint64_t first;
    uint32_t count;
    unsigned sizes; /* access sizes allowed, ored (1|2|4|8); 0: 1, 2 and 4 */
};

struct port_fuzz_target {
    const char *name;
    /** Make the chip (and whatever it is wired to) and claim its ports. */
    void *(*create)(struct port_fuzz *machine);
    void (*destroy)(void *chip);
    /** Drive an input of the chip: the meaning is the target's. May be NULL. */
    void (*poke)(void *chip, uint8_t what, uint32_t value);
    const struct port_fuzz_range *ranges;
    size_t range_count;
    uint64_t longest_step_ns; /* longest time step; 0: 20 ms */
};

/** Run one input against a fresh machine. */
void port_fuzz_run(const struct port_fuzz_target *target, const uint8_t *bytes, size_t count);
/** Run `inputs` pseudo-random inputs that depend on `seed` alone. */
void port_fuzz_random(const struct port_fuzz_target *target, uint32_t seed, unsigned inputs);

#ifdef PORT_FUZZ_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
#define PORT_FUZZ(chip, target)                                                                    \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {                               \
        port_fuzz_run(&(target), bytes, count);                                                    \
        return 0;                                                                                  \
    }
#else
#include <criterion/criterion.h>
#define PORT_FUZZ(chip, target)                                                                    \
    Test(fuzz_ports, chip) {                                                                       \
        port_fuzz_random(&(target), 1, 256);                                                       \
    }
#endif

#endif
