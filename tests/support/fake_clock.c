/* See fake_clock.h. */
#include "tests/support/fake_clock.h"

static uint64_t fake_now(void *opaque) {
    const struct fake_clock *fake = opaque;

    return fake->now_ns;
}

static void fake_deadline(void *opaque, uint64_t deadline_ns) {
    struct fake_clock *fake = opaque;

    fake->deadline_ns = deadline_ns;
}

void fake_clock_init(struct fake_clock *fake) {
    struct clock_source source = {fake_now, fake_deadline, fake};

    fake->now_ns = 0;
    fake->deadline_ns = CLOCK_NEVER;
    fake->clock = clock_create(&source);
}

void fake_clock_free(struct fake_clock *fake) {
    clock_destroy(fake->clock);
}

void fake_clock_advance(struct fake_clock *fake, uint64_t ns) {
    uint64_t end = fake->now_ns + ns;
    uint64_t next;

    while ((next = clock_next_deadline(fake->clock)) <= end) {
        /* A timer may be overdue; and one that re-arms itself for "now" must not hang us. */
        fake->now_ns = next > fake->now_ns ? next : fake->now_ns + 1;
        if (fake->now_ns > end)
            fake->now_ns = end;
        clock_run(fake->clock);
        if (fake->now_ns == end)
            break;
    }
    fake->now_ns = end;
}

void fake_clock_jump(struct fake_clock *fake, uint64_t ns) {
    fake->now_ns += ns;
    clock_run(fake->clock);
}
