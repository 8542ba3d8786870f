/* Virtual time from instructions and from the host. */
#include "hw/machine/time_source.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define expect_eq(actual, expected)                                                                \
    do {                                                                                           \
        uint64_t got_ = (actual), want_ = (expected);                                              \
        cr_expect_eq(got_, want_, #actual ": expected %" PRIx64 ", got %" PRIx64, want_, got_);    \
    } while (0)

struct fixture {
    struct cpu cpu;
    struct time_source source;
    struct clock_timer timer;
    unsigned expired;
};

static void expire(void *opaque) {
    struct fixture *f = opaque;
    f->expired++;
}

static struct fixture *set_up(enum machine_clock kind, unsigned shift) {
    static struct fixture fixture;
    struct fixture *f = &fixture;
    time_source_init(&f->source, kind, shift, &f->cpu);
    struct clock_source clock = time_source_clock(&f->source);
    f->source.clock = clock_create(&clock);
    cr_assert_not_null(f->source.clock);
    clock_timer_init(&f->timer, f->source.clock, expire, f);
    return f;
}

static void tear_down(struct fixture *f) {
    time_source_destroy(&f->source);
    clock_destroy(f->source.clock);
}

Test(time_source, an_instruction_lasts_two_to_the_shift) {
    struct fixture *f = set_up(CLOCK_ICOUNT, 3);
    expect_eq(time_source_now(&f->source), 0);
    f->cpu.icount = 1000;
    expect_eq(time_source_now(&f->source), 8000);
    tear_down(f);
}

Test(time_source, the_run_limit_is_the_first_instruction_at_or_past_the_deadline) {
    struct fixture *f = set_up(CLOCK_ICOUNT, 3);
    clock_timer_set(&f->timer, 801);
    expect_eq(time_source_run_limit(&f->source, UINT64_MAX), 101);
    clock_timer_set(&f->timer, 800);
    expect_eq(time_source_run_limit(&f->source, UINT64_MAX), 100);
    expect_eq(time_source_run_limit(&f->source, 7), 7);
    clock_timer_cancel(&f->timer);
    expect_eq(time_source_run_limit(&f->source, UINT64_MAX), UINT64_MAX);
    tear_down(f);
}

Test(time_source, idle_time_is_skipped) {
    struct fixture *f = set_up(CLOCK_ICOUNT, 0);
    f->cpu.icount = 50;
    cr_expect_not(time_source_skip(&f->source), "there is no deadline to go to");
    clock_timer_set(&f->timer, 1000);
    cr_expect(time_source_skip(&f->source));
    expect_eq(time_source_now(&f->source), 1000);
    expect_eq(f->cpu.icount, 50);
    clock_run(f->source.clock);
    cr_expect_eq(f->expired, 1);
    clock_timer_set(&f->timer, 1020);
    expect_eq(time_source_run_limit(&f->source, UINT64_MAX), 70);
    tear_down(f);
}

Test(time_source, host_time_stands_still_until_it_may_go) {
    struct fixture *f = set_up(CLOCK_HOST, 0);
    expect_eq(time_source_now(&f->source), 0);
    expect_eq(time_source_host_deadline(&f->source), UINT64_MAX);
    time_source_go(&f->source);
    while (time_source_now(&f->source) == 0)
        continue;
    time_source_stop(&f->source);
    uint64_t stopped = time_source_now(&f->source);
    cr_expect_gt(stopped, 0);
    expect_eq(time_source_now(&f->source), stopped);
    tear_down(f);
}

Test(time_source, time_that_the_host_lost_is_given_up) {
    struct fixture *f = set_up(CLOCK_HOST, 0);
    clock_timer_set(&f->timer, 1000);
    time_source_go(&f->source);
    f->source.offset_ns -= 10 * NS_PER_SECOND; /* as if the process had been stopped that long */
    cr_expect_lt(time_source_now(&f->source), NS_PER_SECOND);
    cr_expect_geq(f->source.lost_ns, 8 * NS_PER_SECOND);
    clock_timer_cancel(&f->timer);
    cr_expect_geq(time_source_now(&f->source), NS_PER_SECOND);
    tear_down(f);
}

Test(time_source, after_a_stall_time_waits_for_each_tick) {
    struct fixture *f = set_up(CLOCK_HOST, 0);
    const uint64_t tick = 4000000;
    clock_timer_set(&f->timer, tick);
    time_source_go(&f->source);
    f->source.offset_ns -= 100 * tick;
    for (unsigned made_up = 0; made_up < 50; made_up++) {
        uint64_t now = time_source_now(&f->source);
        cr_expect(now >= (made_up + 1) * tick && now < (made_up + 2) * tick,
                  "at tick %u the time is %" PRIu64 " ns", made_up, now);
        clock_run(f->source.clock);
        cr_expect_eq(f->expired, made_up + 1);
        clock_timer_set(&f->timer, (made_up + 2) * tick);
    }
    clock_timer_cancel(&f->timer);
    cr_expect_geq(time_source_now(&f->source), 100 * tick);
    tear_down(f);
}

Test(time_source, a_deadline_in_the_past_does_not_turn_time_back) {
    struct fixture *f = set_up(CLOCK_HOST, 0);
    time_source_go(&f->source);
    f->source.offset_ns -= 100000000;
    uint64_t before = time_source_now(&f->source);
    clock_timer_set(&f->timer, 1000);
    cr_expect_geq(time_source_now(&f->source), before);
    tear_down(f);
}

Test(time_source, a_deadline_kicks_the_cpu) {
    struct fixture *f = set_up(CLOCK_HOST, 0);
    struct error error = {{0}};
    cr_assert(time_source_start(&f->source, &error), "%s", error.message);
    time_source_go(&f->source);
    clock_timer_set(&f->timer, time_source_now(&f->source) + 1000000);
    time_source_run_limit(&f->source, UINT64_MAX);
    while ((atomic_load(&f->cpu.events) & CPU_EVENT_KICK) == 0)
        continue;
    tear_down(f);
}

Test(time_source, an_overdue_deadline_ends_code_that_counts_no_instructions_too, .timeout = 60) {
    struct fixture *f = set_up(CLOCK_HOST, 0);
    struct error error = {{0}};
    cr_assert(time_source_start(&f->source, &error), "%s", error.message);
    time_source_go(&f->source);
    clock_timer_set(&f->timer, 1);
    while (time_source_now(&f->source) < 1)
        continue;
    cr_expect_lt(time_source_run_limit(&f->source, UINT64_MAX), UINT64_MAX);
    while ((atomic_load(&f->cpu.events) & CPU_EVENT_KICK) == 0)
        continue;
    tear_down(f);
}
