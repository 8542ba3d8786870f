/* Real-time clock: ports and time, long steps included. */
#include "hw/rtc_mc146818.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

static void *create(struct port_fuzz *machine) {
    struct rtc_mc146818 *rtc = malloc(sizeof *rtc);

    rtc_mc146818_init(rtc, machine->ports, machine->time.clock, (struct irq_line){0},
                      (struct irq_line){0}, 946684799, true);
    return rtc;
}

static const struct port_fuzz_range ranges[] = {{false, 0x70, 4, 0}};

static const struct port_fuzz_target target = {
    .name = "rtc_mc146818",
    .create = create,
    .destroy = free,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
    .longest_step_ns = UINT64_C(100000000),
};

PORT_FUZZ(rtc_mc146818, target)
