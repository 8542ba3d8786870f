/* The real-time clock and CMOS memory. */
#include "hw/rtc_mc146818.h"
#include "tests/support/fake_clock.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SECOND NS_PER_SECOND

/* 1999-12-31 23:59:58 UTC, a Friday. */
#define END_OF_1999 INT64_C(946684798)

struct fixture {
    struct port_map *ports;
    struct fake_clock time;
    struct rtc_mc146818 rtc;
    struct irq_probe irq8, nmi_mask;
};

static struct fixture *start(int64_t seconds) {
    struct fixture *f = calloc(1, sizeof *f);
    f->ports = port_map_create(NULL);
    fake_clock_init(&f->time);
    rtc_mc146818_init(&f->rtc, f->ports, f->time.clock, irq_probe_line(&f->irq8),
                      irq_probe_line(&f->nmi_mask), seconds, true);
    return f;
}

static void stop(struct fixture *f) {
    fake_clock_free(&f->time);
    port_map_destroy(f->ports);
    free(f);
}

static uint8_t get(struct fixture *f, uint8_t index) {
    port_map_write(f->ports, 0x70, 1, index);
    return (uint8_t)port_map_read(f->ports, 0x71, 1);
}

static void set(struct fixture *f, uint8_t index, uint8_t value) {
    port_map_write(f->ports, 0x70, 1, index);
    port_map_write(f->ports, 0x71, 1, value);
}

static void expect(struct fixture *f, uint8_t index, uint8_t expected) {
    uint8_t value = get(f, index);
    cr_assert_eq(value, expected, "register %02x: expected %02x, got %02x", index, expected, value);
}

Test(rtc_mc146818, shows_the_date_in_bcd) {
    struct fixture *f = start(END_OF_1999);
    expect(f, 0, 0x58);
    expect(f, 2, 0x59);
    expect(f, 4, 0x23);
    expect(f, 6, 6); /* Friday */
    expect(f, 7, 0x31);
    expect(f, 8, 0x12);
    expect(f, 9, 0x99);
    expect(f, 0x32, 0x19);
    stop(f);
}

Test(rtc_mc146818, rolls_over_into_the_next_century) {
    struct fixture *f = start(END_OF_1999);
    fake_clock_advance(&f->time, 2 * SECOND);
    expect(f, 0, 0);
    expect(f, 4, 0);
    expect(f, 7, 1);
    expect(f, 8, 1);
    expect(f, 9, 0);
    expect(f, 0x32, 0x20);
    stop(f);
}

Test(rtc_mc146818, leap_day_exists_in_2000) {
    struct fixture *f = start(END_OF_1999 + 2 + 59 * INT64_C(86400));
    expect(f, 7, 0x29);
    expect(f, 8, 0x02);
    stop(f);
}

Test(rtc_mc146818, binary_twelve_hour_format) {
    struct fixture *f = start(END_OF_1999);
    set(f, 11, 0x04);
    expect(f, 0, 58);
    expect(f, 4, 0x80 | 11);
    expect(f, 9, 99);
    stop(f);
}

Test(rtc_mc146818, set_holds_the_time_and_takes_the_new_one) {
    struct fixture *f = start(END_OF_1999);
    set(f, 11, 0x82);
    set(f, 0, 0x30);
    set(f, 2, 0x15);
    set(f, 4, 0x12);
    set(f, 7, 0x04);
    set(f, 8, 0x07);
    set(f, 9, 0x76);
    set(f, 6, 0x03);
    fake_clock_advance(&f->time, 5 * SECOND);
    expect(f, 0, 0x30);
    set(f, 11, 0x02);
    fake_clock_advance(&f->time, 2 * SECOND);
    expect(f, 0, 0x32);
    expect(f, 2, 0x15);
    expect(f, 4, 0x12);
    expect(f, 9, 0x76);
    expect(f, 6, 0x03);
    stop(f);
}

Test(rtc_mc146818, update_in_progress_precedes_the_second) {
    struct fixture *f = start(END_OF_1999);
    fake_clock_advance(&f->time, SECOND / 2);
    expect(f, 10, 0x26);
    fake_clock_advance(&f->time, SECOND / 2 - 1000000);
    expect(f, 10, 0xa6);
    fake_clock_advance(&f->time, 1000000);
    expect(f, 10, 0x26);
    stop(f);
}

Test(rtc_mc146818, periodic_interrupt_at_1024_hz) {
    struct fixture *f = start(END_OF_1999);
    set(f, 11, 0x42);
    for (unsigned i = 1; i <= 10; i++) {
        fake_clock_advance(&f->time, SECOND / 1024 + 1);
        cr_assert_eq(f->irq8.rises, i, "expected %u, got %u", i, f->irq8.rises);
        expect(f, 12, 0xc0);
        cr_assert_not(f->irq8.level);
    }
    stop(f);
}

Test(rtc_mc146818, periodic_interrupt_waits_for_register_c) {
    struct fixture *f = start(END_OF_1999);
    set(f, 11, 0x42);
    fake_clock_advance(&f->time, SECOND / 100);
    cr_assert_eq(f->irq8.rises, 1);
    cr_assert(f->irq8.level);
    stop(f);
}

Test(rtc_mc146818, update_ended_interrupt_every_second) {
    struct fixture *f = start(END_OF_1999);
    set(f, 11, 0x12);
    fake_clock_advance(&f->time, SECOND - 1);
    cr_assert_not(f->irq8.level);
    fake_clock_advance(&f->time, 1);
    cr_assert(f->irq8.level);
    expect(f, 12, 0xd0); /* the periodic flag is set too, but not enabled */
    stop(f);
}

Test(rtc_mc146818, alarm_at_a_time_of_day) {
    struct fixture *f = start(END_OF_1999);
    set(f, 1, 0x01);
    set(f, 3, 0x00);
    set(f, 5, 0x00);
    set(f, 11, 0x22);
    fake_clock_advance(&f->time, 3 * SECOND - 1);
    cr_assert_not(f->irq8.level);
    fake_clock_advance(&f->time, 1);
    cr_assert(f->irq8.level);
    cr_assert_eq(get(f, 12) & 0xa0, 0xa0);
    stop(f);
}

Test(rtc_mc146818, alarm_with_dont_care_fields_every_minute) {
    struct fixture *f = start(END_OF_1999);
    set(f, 1, 0x10);
    set(f, 3, 0xff);
    set(f, 5, 0xc0);
    set(f, 11, 0x22);
    for (unsigned i = 1; i <= 3; i++) {
        fake_clock_advance(&f->time, 60 * SECOND);
        cr_assert_eq(f->irq8.rises, i, "expected %u, got %u", i, f->irq8.rises);
        get(f, 12);
    }
    stop(f);
}

Test(rtc_mc146818, flags_are_set_without_interrupts) {
    struct fixture *f = start(END_OF_1999);
    fake_clock_advance(&f->time, SECOND);
    expect(f, 12, 0x50);
    expect(f, 12, 0x00);
    cr_assert_eq(f->irq8.rises, 0);
    stop(f);
}

Test(rtc_mc146818, port_70_bit_7_masks_nmi) {
    struct fixture *f = start(END_OF_1999);
    port_map_write(f->ports, 0x70, 1, 0x8f);
    cr_assert(f->nmi_mask.level);
    port_map_write(f->ports, 0x70, 1, 0x0f);
    cr_assert_not(f->nmi_mask.level);
    stop(f);
}

Test(rtc_mc146818, memory_keeps_bytes_in_both_banks) {
    struct fixture *f = start(END_OF_1999);
    rtc_mc146818_set(&f->rtc, 0x10, 0x40);
    expect(f, 0x10, 0x40);
    port_map_write(f->ports, 0x72, 1, 0x10);
    port_map_write(f->ports, 0x73, 1, 0x55);
    cr_assert_eq(port_map_read(f->ports, 0x73, 1), 0x55);
    expect(f, 0x10, 0x40);
    expect(f, 0x0d, 0x80);
    stop(f);
}
