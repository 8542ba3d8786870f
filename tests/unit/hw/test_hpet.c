/* The event timer. */
#include "hw/hpet.h"
#include "tests/support/fake_clock.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define CONFIG    0x010
#define STATUS    0x020
#define COUNTER   0x0f0
#define TIMER(n)  (0x100 + 0x20 * (n))
#define TARGET(n) (0x108 + 0x20 * (n))

struct fixture {
    struct log log;
    struct fake_clock time;
    struct physmem *physmem;
    struct hpet hpet;
    struct irq_probe irq0, irq8, legacy, pin20;
};

static struct fixture *start(void) {
    struct fixture *f = calloc(1, sizeof *f);
    log_init(&f->log);
    fake_clock_init(&f->time);
    f->physmem = physmem_create(1 << 20, &f->log, NULL);
    struct hpet_wiring wiring = {.irq0 = irq_probe_line(&f->irq0),
                                 .irq8 = irq_probe_line(&f->irq8),
                                 .legacy = irq_probe_line(&f->legacy),
                                 .route_capability = 1 << 20};
    wiring.pins[20] = irq_probe_line(&f->pin20);
    hpet_init(&f->hpet, f->physmem, f->time.clock, &wiring);
    return f;
}

static void stop(struct fixture *f) {
    physmem_destroy(f->physmem);
    fake_clock_free(&f->time);
    free(f);
}

static uint64_t rd(struct fixture *f, unsigned offset, unsigned size) {
    return physmem_read(f->physmem, HPET_BASE + offset, size);
}

static void wr(struct fixture *f, unsigned offset, unsigned size, uint64_t value) {
    physmem_write(f->physmem, HPET_BASE + offset, size, value);
}

Test(hpet, tells_period_and_timers) {
    struct fixture *f = start();
    cr_assert_eq(rd(f, 0, 4), 0x8086a201);
    cr_assert_eq(rd(f, 4, 4), 10000000);
    cr_assert_eq(rd(f, TIMER(0) + 4, 4), 1 << 20);
    stop(f);
}

Test(hpet, counts_at_100_mhz_while_running) {
    struct fixture *f = start();
    fake_clock_advance(&f->time, 1000);
    cr_assert_eq(rd(f, COUNTER, 8), 0);
    wr(f, CONFIG, 4, 1);
    fake_clock_advance(&f->time, 1000);
    cr_assert_eq(rd(f, COUNTER, 8), 100);
    wr(f, CONFIG, 4, 0);
    fake_clock_advance(&f->time, 1000);
    cr_assert_eq(rd(f, COUNTER, 4), 100);
    stop(f);
}

Test(hpet, counter_halves_can_be_written) {
    struct fixture *f = start();
    wr(f, COUNTER, 4, 0x11111111);
    wr(f, COUNTER + 4, 4, 0x22222222);
    cr_assert_eq(rd(f, COUNTER, 8), UINT64_C(0x2222222211111111));
    stop(f);
}

Test(hpet, one_shot_edge_on_its_route) {
    struct fixture *f = start();
    wr(f, CONFIG, 4, 1);
    wr(f, TIMER(2), 4, 0x04 | 20 << 9);
    wr(f, TARGET(2), 8, 500);
    fake_clock_advance(&f->time, 4999);
    cr_assert_eq(f->pin20.rises, 0);
    fake_clock_advance(&f->time, 1);
    cr_assert_eq(f->pin20.rises, 1);
    fake_clock_advance(&f->time, 1000000);
    cr_assert_eq(f->pin20.rises, 1);
    stop(f);
}

Test(hpet, periodic_in_legacy_mode_takes_irq_0) {
    struct fixture *f = start();
    wr(f, CONFIG, 4, 3);
    cr_assert(f->legacy.level);
    wr(f, TIMER(0), 4, 0x4c);
    wr(f, TARGET(0), 4, 1000);
    wr(f, TARGET(0), 4, 2000);
    fake_clock_advance(&f->time, 10000);
    cr_assert_eq(f->irq0.rises, 1);
    fake_clock_advance(&f->time, 100000);
    cr_assert_eq(f->irq0.rises, 6, "got %u", f->irq0.rises);
    stop(f);
}

Test(hpet, level_interrupt_stays_until_status_is_cleared) {
    struct fixture *f = start();
    wr(f, CONFIG, 4, 1);
    wr(f, TIMER(1), 4, 0x06 | 20 << 9);
    wr(f, TARGET(1), 8, 100);
    fake_clock_advance(&f->time, 2000);
    cr_assert(f->pin20.level);
    cr_assert_eq(rd(f, STATUS, 4), 2);
    wr(f, STATUS, 4, 2);
    cr_assert_not(f->pin20.level);
    stop(f);
}

Test(hpet, comparator_of_32_bits_wraps) {
    struct fixture *f = start();
    wr(f, COUNTER, 8, UINT64_C(0xfffffff0));
    wr(f, TIMER(2), 4, 0x104 | 20 << 9);
    wr(f, TARGET(2), 4, 0x10);
    wr(f, CONFIG, 4, 1);
    fake_clock_advance(&f->time, 319);
    cr_assert_eq(f->pin20.rises, 0);
    fake_clock_advance(&f->time, 1);
    cr_assert_eq(f->pin20.rises, 1);
    stop(f);
}

Test(hpet, late_periodic_timer_keeps_its_phase) {
    struct fixture *f = start();
    wr(f, CONFIG, 4, 3);
    wr(f, TIMER(0), 4, 0x4c);
    wr(f, TARGET(0), 8, 1000);
    fake_clock_jump(&f->time, 55000);
    cr_assert_eq(f->irq0.rises, 1);
    cr_assert_eq(rd(f, TARGET(0), 8), 6000);
    stop(f);
}
