/*
 * Virtual time of one machine in nanoseconds since reset, and timers on it. Where time comes from
 * (host clock or executed instructions) is the source's business; chips only ask clock_now() and
 * set timers. Callbacks run under the machine lock, in deadline order, with clock_now() at or
 * after the deadline.
 */
#ifndef HW_CORE_CLOCK_H
#define HW_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define CLOCK_NEVER   UINT64_MAX

struct clock_source {
    uint64_t (*now)(void *opaque); /* ns, never goes backwards */
    /** The earliest deadline changed (CLOCK_NEVER: none); the run loop must not run past it. */
    void (*deadline_changed)(void *opaque, uint64_t deadline_ns);
    void *opaque;
};

struct clock;

struct clock_timer {
    struct clock *clock;
    void (*expired)(void *opaque);
    void *opaque;
    uint64_t deadline_ns; /* CLOCK_NEVER while not set */
    struct clock_timer *next, **link;
};

struct clock *clock_create(const struct clock_source *source);
void clock_destroy(struct clock *clock);
uint64_t clock_now(const struct clock *clock);

void clock_timer_init(struct clock_timer *timer, struct clock *clock, void (*expired)(void *opaque),
                      void *opaque);
/** (Re)arm for an absolute time; a time in the past expires at the next clock_run. */
void clock_timer_set(struct clock_timer *timer, uint64_t deadline_ns);
void clock_timer_cancel(struct clock_timer *timer);
static inline bool clock_timer_is_set(const struct clock_timer *timer) {
    return timer->deadline_ns != CLOCK_NEVER;
}

/** Earliest deadline, or CLOCK_NEVER. */
uint64_t clock_next_deadline(const struct clock *clock);
/** Run every timer whose deadline has come. Bounded: a timer that re-arms itself in the past runs
 *  once a call. */
void clock_run(struct clock *clock);

/** value * multiplier / divisor without overflow of the product (96-bit intermediate). */
uint64_t clock_scale(uint64_t value, uint32_t multiplier, uint32_t divisor);

#endif
