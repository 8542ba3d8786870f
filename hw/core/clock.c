/*
 * Virtual time and its timers: a list sorted by deadline. A machine has some twenty timers, most
 * of them re-armed near the front, so a list beats a heap.
 *
 * While clock_run works, the timers that are due sit in a list of their own. A callback may set or
 * cancel any timer, due or not, because unlinking needs no knowledge of the list.
 */
#include "hw/core/clock.h"

#include <stdlib.h>

struct clock {
    struct clock_source source;
    struct clock_timer *waiting; /* sorted by deadline; equal deadlines in order of arming */
    struct clock_timer *due;     /* only while clock_run works */
    uint64_t announced_ns;       /* the deadline that the source was last told */
    bool is_running;
};

struct clock *clock_create(const struct clock_source *source) {
    struct clock *clock = calloc(1, sizeof *clock);

    if (clock == NULL)
        return NULL;
    clock->source = *source;
    clock->announced_ns = CLOCK_NEVER;
    return clock;
}

void clock_destroy(struct clock *clock) {
    free(clock);
}

uint64_t clock_now(const struct clock *clock) {
    return clock->source.now(clock->source.opaque);
}

void clock_timer_init(struct clock_timer *timer, struct clock *clock, void (*expired)(void *opaque),
                      void *opaque) {
    timer->clock = clock;
    timer->expired = expired;
    timer->opaque = opaque;
    timer->deadline_ns = CLOCK_NEVER;
    timer->next = NULL;
    timer->link = NULL;
}

static void unlink_timer(struct clock_timer *timer) {
    if (timer->link == NULL)
        return;
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    timer->next = NULL;
    timer->link = NULL;
}

static void insert_timer(struct clock *clock, struct clock_timer *timer) {
    struct clock_timer **link = &clock->waiting;

    while (*link != NULL && (*link)->deadline_ns <= timer->deadline_ns)
        link = &(*link)->next;
    timer->next = *link;
    timer->link = link;
    if (timer->next != NULL)
        timer->next->link = &timer->next;
    *link = timer;
}

/* Tell the source, but not from inside clock_run: there one call at the end is enough. */
static void announce(struct clock *clock) {
    uint64_t deadline_ns;

    if (clock->is_running)
        return;
    deadline_ns = clock_next_deadline(clock);
    if (deadline_ns == clock->announced_ns)
        return;
    clock->announced_ns = deadline_ns;
    if (clock->source.deadline_changed != NULL)
        clock->source.deadline_changed(clock->source.opaque, deadline_ns);
}

void clock_timer_set(struct clock_timer *timer, uint64_t deadline_ns) {
    unlink_timer(timer);
    timer->deadline_ns = deadline_ns;
    if (deadline_ns != CLOCK_NEVER)
        insert_timer(timer->clock, timer);
    announce(timer->clock);
}

void clock_timer_cancel(struct clock_timer *timer) {
    if (timer->deadline_ns == CLOCK_NEVER)
        return;
    clock_timer_set(timer, CLOCK_NEVER);
}

uint64_t clock_next_deadline(const struct clock *clock) {
    if (clock->due != NULL)
        return clock->due->deadline_ns;
    return clock->waiting != NULL ? clock->waiting->deadline_ns : CLOCK_NEVER;
}

void clock_run(struct clock *clock) {
    uint64_t now = clock_now(clock);
    struct clock_timer **end = &clock->waiting;

    if (clock->is_running || clock->waiting == NULL || clock->waiting->deadline_ns > now)
        return;
    while (*end != NULL && (*end)->deadline_ns <= now)
        end = &(*end)->next;

    clock->due = clock->waiting;
    clock->due->link = &clock->due;
    clock->waiting = *end;
    if (clock->waiting != NULL)
        clock->waiting->link = &clock->waiting;
    *end = NULL;

    clock->is_running = true;
    while (clock->due != NULL) {
        struct clock_timer *timer = clock->due;

        unlink_timer(timer);
        timer->deadline_ns = CLOCK_NEVER;
        timer->expired(timer->opaque);
    }
    clock->is_running = false;
    announce(clock);
}

uint64_t clock_scale(uint64_t value, uint32_t multiplier, uint32_t divisor) {
    uint64_t low = (value & UINT32_MAX) * multiplier;
    uint64_t high = (value >> 32) * multiplier + (low >> 32);
    uint64_t rest = high % divisor;

    return (high / divisor << 32) + (rest << 32 | (low & UINT32_MAX)) / divisor;
}
