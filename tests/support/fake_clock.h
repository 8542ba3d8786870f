/* A machine clock whose time the test sets. Timers run at their exact deadlines on the way. */
#ifndef TESTS_SUPPORT_FAKE_CLOCK_H
#define TESTS_SUPPORT_FAKE_CLOCK_H

#include "hw/core/clock.h"

struct fake_clock {
    struct clock *clock;
    uint64_t now_ns;
    uint64_t deadline_ns; /* what the clock announced last */
};

void fake_clock_init(struct fake_clock *fake);
void fake_clock_free(struct fake_clock *fake);
/** Let time pass, stopping at every deadline (as -clock icount does). */
void fake_clock_advance(struct fake_clock *fake, uint64_t ns);
/** Let time jump, then run what is overdue once (as a host that was busy does). */
void fake_clock_jump(struct fake_clock *fake, uint64_t ns);

#endif
