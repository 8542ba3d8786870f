/* Event timer: registers in all sizes, and time. */
#include "hw/hpet.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

static void *create(struct port_fuzz *machine) {
    struct hpet *hpet = malloc(sizeof *hpet);
    struct hpet_wiring wiring = {.route_capability = 0x00f00000};

    hpet_init(hpet, machine->physmem, machine->time.clock, &wiring);
    return hpet;
}

static const struct port_fuzz_range ranges[] = {{true, HPET_BASE, 0x180, 4 | 8},
                                                {true, HPET_BASE, 0x180, 0xf}};

static const struct port_fuzz_target target = {
    .name = "hpet",
    .create = create,
    .destroy = free,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
    .longest_step_ns = UINT64_C(1000000),
};

PORT_FUZZ(hpet, target)
