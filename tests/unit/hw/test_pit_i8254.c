/* The interval timer. Times are in input clocks of 1.193182 MHz. */
#include "hw/pit_i8254.h"
#include "tests/support/fake_clock.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct fixture {
    struct port_map *ports;
    struct fake_clock time;
    struct pit_i8254 pit;
    struct irq_probe irq0;
};

static struct fixture *start(void) {
    struct fixture *f = calloc(1, sizeof *f);
    f->ports = port_map_create(NULL);
    fake_clock_init(&f->time);
    pit_i8254_init(&f->pit, f->ports, f->time.clock, irq_probe_line(&f->irq0));
    return f;
}

static void stop(struct fixture *f) {
    fake_clock_free(&f->time);
    port_map_destroy(f->ports);
    free(f);
}

static void out(struct fixture *f, uint16_t port, uint8_t value) {
    port_map_write(f->ports, port, 1, value);
}

static uint8_t in(struct fixture *f, uint16_t port) {
    return (uint8_t)port_map_read(f->ports, port, 1);
}

/* Move to the first nanosecond of an input clock counted from reset. */
static void at_clock(struct fixture *f, uint64_t clock) {
    uint64_t ns = (clock * NS_PER_SECOND + PIT_HZ - 1) / PIT_HZ;
    fake_clock_advance(&f->time, ns - f->time.now_ns);
}

static void program(struct fixture *f, unsigned counter, uint8_t control, uint16_t count) {
    out(f, 0x43, (uint8_t)(counter << 6 | 0x30 | control));
    out(f, (uint16_t)(0x40 + counter), (uint8_t)count);
    out(f, (uint16_t)(0x40 + counter), (uint8_t)(count >> 8));
}

static uint16_t count_of(struct fixture *f, unsigned counter) {
    out(f, 0x43, (uint8_t)(counter << 6));
    uint8_t low = in(f, (uint16_t)(0x40 + counter));
    return (uint16_t)(low | in(f, (uint16_t)(0x40 + counter)) << 8);
}

static uint8_t status_of(struct fixture *f, unsigned counter) {
    out(f, 0x43, (uint8_t)(0xe0 | 2u << counter));
    return in(f, (uint16_t)(0x40 + counter));
}

static void expect_count(struct fixture *f, unsigned counter, uint16_t expected) {
    uint16_t count = count_of(f, counter);
    cr_assert_eq(count, expected, "expected count %04x, got %04x", expected, count);
}

Test(pit_i8254, mode_2_interrupts_once_a_period) {
    struct fixture *f = start();
    program(f, 0, 0x04, 1000);
    at_clock(f, 1000);
    cr_assert_eq(f->irq0.rises, 0);
    at_clock(f, 1001);
    cr_assert_eq(f->irq0.rises, 1, "got %u", f->irq0.rises);
    at_clock(f, 1001 + 99 * 1000);
    cr_assert_eq(f->irq0.rises, 100, "got %u", f->irq0.rises);
    stop(f);
}

Test(pit_i8254, mode_2_counts_down_to_one_and_reloads) {
    struct fixture *f = start();
    program(f, 0, 0x04, 1000);
    at_clock(f, 1);
    expect_count(f, 0, 1000);
    at_clock(f, 1000);
    expect_count(f, 0, 1);
    cr_assert_eq(status_of(f, 0) & 0x80, 0);
    at_clock(f, 1001);
    expect_count(f, 0, 1000);
    cr_assert_eq(status_of(f, 0) & 0x80, 0x80);
    stop(f);
}

Test(pit_i8254, mode_2_takes_a_new_count_at_the_end_of_the_period) {
    struct fixture *f = start();
    program(f, 0, 0x04, 1000);
    at_clock(f, 500);
    out(f, 0x40, 200);
    out(f, 0x40, 0);
    expect_count(f, 0, 501);
    at_clock(f, 1001);
    expect_count(f, 0, 200);
    stop(f);
}

Test(pit_i8254, mode_3_is_a_square_wave) {
    struct fixture *f = start();
    program(f, 0, 0x06, 1000);
    at_clock(f, 500);
    cr_assert_eq(status_of(f, 0) & 0x80, 0x80);
    expect_count(f, 0, 2);
    at_clock(f, 501);
    cr_assert_eq(status_of(f, 0) & 0x80, 0);
    expect_count(f, 0, 1000);
    at_clock(f, 1001);
    cr_assert_eq(status_of(f, 0) & 0x80, 0x80);
    cr_assert_eq(f->irq0.rises, 1, "got %u", f->irq0.rises);
    stop(f);
}

Test(pit_i8254, mode_3_with_odd_count_is_high_one_clock_longer) {
    struct fixture *f = start();
    program(f, 0, 0x06, 5);
    for (unsigned i = 0; i < 10; i++) {
        at_clock(f, 1 + i);
        bool high = (status_of(f, 0) & 0x80) != 0;
        cr_assert_eq(high, i % 5 < 3, "clock %u", i);
        expect_count(f, 0, (uint16_t[]){4, 2, 0, 4, 2}[i % 5]);
    }
    stop(f);
}

Test(pit_i8254, mode_0_interrupts_once_at_terminal_count) {
    struct fixture *f = start();
    program(f, 0, 0x00, 100);
    cr_assert_not(f->irq0.level);
    at_clock(f, 100);
    cr_assert_eq(f->irq0.rises, 0);
    at_clock(f, 101);
    cr_assert_eq(f->irq0.rises, 1);
    at_clock(f, 102);
    expect_count(f, 0, 0xffff);
    at_clock(f, 200000);
    cr_assert_eq(f->irq0.rises, 1);
    stop(f);
}

Test(pit_i8254, mode_0_stops_at_the_first_byte_of_a_count) {
    struct fixture *f = start();
    program(f, 0, 0x00, 100);
    at_clock(f, 51);
    out(f, 0x40, 50);
    at_clock(f, 500);
    cr_assert_eq(f->irq0.rises, 0);
    out(f, 0x40, 0);
    at_clock(f, 551);
    cr_assert_eq(f->irq0.rises, 1);
    stop(f);
}

Test(pit_i8254, mode_0_pauses_while_the_gate_is_low) {
    struct fixture *f = start();
    out(f, 0x61, 1);
    program(f, 2, 0x00, 100);
    at_clock(f, 51);
    out(f, 0x61, 0);
    at_clock(f, 1000);
    expect_count(f, 2, 50);
    out(f, 0x61, 1);
    at_clock(f, 1050);
    cr_assert_eq(in(f, 0x61) & 0x20, 0x20);
    stop(f);
}

Test(pit_i8254, mode_1_starts_at_the_gate_and_is_low_for_the_count) {
    struct fixture *f = start();
    program(f, 2, 0x02, 100);
    at_clock(f, 500);
    cr_assert_eq(in(f, 0x61) & 0x20, 0x20);
    out(f, 0x61, 1);
    at_clock(f, 501);
    cr_assert_eq(in(f, 0x61) & 0x20, 0);
    at_clock(f, 600);
    cr_assert_eq(in(f, 0x61) & 0x20, 0);
    at_clock(f, 601);
    cr_assert_eq(in(f, 0x61) & 0x20, 0x20);
    stop(f);
}

Test(pit_i8254, mode_1_trigger_restarts_the_pulse) {
    struct fixture *f = start();
    program(f, 2, 0x02, 100);
    out(f, 0x61, 1);
    at_clock(f, 50);
    out(f, 0x61, 0);
    out(f, 0x61, 1);
    at_clock(f, 150);
    cr_assert_eq(in(f, 0x61) & 0x20, 0);
    at_clock(f, 151);
    cr_assert_eq(in(f, 0x61) & 0x20, 0x20);
    stop(f);
}

Test(pit_i8254, mode_4_strobes_for_one_clock) {
    struct fixture *f = start();
    program(f, 0, 0x08, 100);
    at_clock(f, 100);
    cr_assert_eq(status_of(f, 0) & 0x80, 0x80);
    at_clock(f, 101);
    cr_assert_eq(status_of(f, 0) & 0x80, 0);
    at_clock(f, 102);
    cr_assert_eq(status_of(f, 0) & 0x80, 0x80);
    cr_assert_eq(f->irq0.rises, 1, "got %u", f->irq0.rises);
    stop(f);
}

Test(pit_i8254, mode_5_strobes_after_a_trigger) {
    struct fixture *f = start();
    program(f, 2, 0x0a, 100);
    at_clock(f, 500);
    out(f, 0x61, 1);
    at_clock(f, 601);
    cr_assert_eq(in(f, 0x61) & 0x20, 0);
    at_clock(f, 602);
    cr_assert_eq(in(f, 0x61) & 0x20, 0x20);
    stop(f);
}

Test(pit_i8254, count_of_zero_is_the_longest) {
    struct fixture *f = start();
    program(f, 0, 0x04, 0);
    at_clock(f, 65536);
    cr_assert_eq(f->irq0.rises, 0);
    at_clock(f, 65537);
    cr_assert_eq(f->irq0.rises, 1);
    stop(f);
}

Test(pit_i8254, bcd_counts_in_decimal) {
    struct fixture *f = start();
    program(f, 0, 0x05, 0x1000);
    at_clock(f, 2);
    expect_count(f, 0, 0x0999);
    at_clock(f, 1001);
    cr_assert_eq(f->irq0.rises, 1);
    stop(f);
}

Test(pit_i8254, latch_holds_the_count) {
    struct fixture *f = start();
    program(f, 0, 0x04, 1000);
    at_clock(f, 11);
    out(f, 0x43, 0x00);
    at_clock(f, 500);
    out(f, 0x43, 0x00);
    unsigned count = in(f, 0x40);
    count |= (unsigned)in(f, 0x40) << 8;
    cr_assert_eq(count, 990, "got %u", count);
    stop(f);
}

Test(pit_i8254, read_back_gives_status_then_count) {
    struct fixture *f = start();
    program(f, 0, 0x04, 1000);
    out(f, 0x43, 0xc2);
    uint8_t status = in(f, 0x40);
    cr_assert_eq(status, 0xf4, "expected OUT, null count, access 3, mode 2: got %02x", status);
    in(f, 0x40);
    in(f, 0x40);
    at_clock(f, 1);
    cr_assert_eq(status_of(f, 0), 0xb4);
    stop(f);
}

Test(pit_i8254, refresh_bit_toggles_with_time) {
    struct fixture *f = start();
    uint8_t before = in(f, 0x61) & 0x10;
    at_clock(f, 18);
    cr_assert_neq(in(f, 0x61) & 0x10, before);
    at_clock(f, 36);
    cr_assert_eq(in(f, 0x61) & 0x10, before);
    stop(f);
}

Test(pit_i8254, late_ticks_are_made_up_for) {
    struct fixture *f = start();
    program(f, 0, 0x04, 1000);
    at_clock(f, 1001);
    fake_clock_jump(&f->time, UINT64_C(10000) * NS_PER_SECOND / PIT_HZ + 1);
    cr_assert_eq(f->irq0.rises, 2, "one at once: got %u", f->irq0.rises);
    fake_clock_advance(&f->time, UINT64_C(5000) * NS_PER_SECOND / PIT_HZ);
    cr_assert_eq(f->irq0.rises, 16, "all soon: got %u", f->irq0.rises);
    stop(f);
}

Test(pit_i8254, late_ticks_are_dropped_when_told_so) {
    struct fixture *f = start();
    pit_i8254_set_catch_up(&f->pit, 0, 0);
    program(f, 0, 0x04, 1000);
    at_clock(f, 1001);
    fake_clock_jump(&f->time, UINT64_C(10000) * NS_PER_SECOND / PIT_HZ + 1);
    fake_clock_advance(&f->time, UINT64_C(5000) * NS_PER_SECOND / PIT_HZ);
    cr_assert_eq(f->irq0.rises, 7, "got %u", f->irq0.rises);
    stop(f);
}

Test(pit_i8254, speaker_tells_its_tone) {
    struct fixture *f = start();
    uint64_t half_ns = 0;
    program(f, 2, 0x06, 1193);
    cr_assert_not(pit_i8254_speaker(&f->pit, &half_ns));
    out(f, 0x61, 3);
    at_clock(f, 10);
    cr_assert(pit_i8254_speaker(&f->pit, &half_ns));
    cr_assert(half_ns > 499000 && half_ns < 501000, "got %lu", (unsigned long)half_ns);
    stop(f);
}
