/* Interval timer: ports and time. */
#include "hw/pit_i8254.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

static void *create(struct port_fuzz *machine) {
    struct pit_i8254 *pit = malloc(sizeof *pit);

    pit_i8254_init(pit, machine->ports, machine->time.clock, (struct irq_line){0});
    return pit;
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    uint64_t half_ns;

    pit_i8254_set_catch_up(chip, what, value);
    pit_i8254_speaker(chip, &half_ns);
}

static const struct port_fuzz_range ranges[] = {{false, 0x40, 4, 0}, {false, 0x61, 1, 0}};

static const struct port_fuzz_target target = {
    .name = "pit_i8254",
    .create = create,
    .destroy = free,
    .poke = poke,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
};

PORT_FUZZ(pit_i8254, target)
