/* The keyboard controller with its keyboard and mouse. */
#include "hw/kbc_i8042.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"
#include "tests/support/fake_clock.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct fixture {
    struct port_map *ports;
    struct fake_clock time;
    struct kbc_i8042 kbc;
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    struct irq_probe irq1, irq12, a20, reset;
};

static struct fixture *start(void) {
    struct fixture *f = calloc(1, sizeof *f);
    f->ports = port_map_create(NULL);
    fake_clock_init(&f->time);
    ps2_keyboard_init(&f->keyboard, f->time.clock);
    ps2_mouse_init(&f->mouse, f->time.clock);
    struct kbc_i8042_wiring wiring = {.keyboard = &f->keyboard.port,
                                      .mouse = &f->mouse.port,
                                      .irq1 = irq_probe_line(&f->irq1),
                                      .irq12 = irq_probe_line(&f->irq12),
                                      .a20 = irq_probe_line(&f->a20),
                                      .reset = irq_probe_line(&f->reset)};
    kbc_i8042_init(&f->kbc, f->ports, f->time.clock, &wiring);
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

/* Wait for the bytes and compare them. */
static void expect_bytes(struct fixture *f, const uint8_t *expected, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fake_clock_advance(&f->time, 2000000);
        cr_assert(in(f, 0x64) & 1, "byte %zu (%02x) did not come", i, expected[i]);
        uint8_t byte = in(f, 0x60);
        cr_assert_eq(byte, expected[i], "byte %zu: expected %02x, got %02x", i, expected[i], byte);
    }
    fake_clock_advance(&f->time, 2000000);
    cr_assert_not(in(f, 0x64) & 1, "one byte too many: %02x", in(f, 0x60));
}
#define EXPECT(f, ...)                                                                             \
    expect_bytes(f, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void key(struct fixture *f, uint8_t number, bool pressed) {
    f->keyboard.input.key(f->keyboard.input.opaque, number, pressed);
}

static void set_command_byte(struct fixture *f, uint8_t value) {
    out(f, 0x64, 0x60);
    out(f, 0x60, value);
}

static void to_mouse(struct fixture *f, uint8_t byte) {
    out(f, 0x64, 0xd4);
    out(f, 0x60, byte);
}

Test(kbc_i8042, key_is_translated_to_set_1_and_interrupts) {
    struct fixture *f = start();
    key(f, 0x1e, true);
    cr_assert(f->irq1.level);
    EXPECT(f, 0x1e);
    cr_assert_not(f->irq1.level);
    key(f, 0x1e, false);
    EXPECT(f, 0x9e);
    stop(f);
}

Test(kbc_i8042, extended_key_keeps_its_prefix) {
    struct fixture *f = start();
    key(f, 0xc8, true);
    key(f, 0xc8, false);
    EXPECT(f, 0xe0, 0x48, 0xe0, 0xc8);
    stop(f);
}

Test(kbc_i8042, every_set_1_code_survives_translation) {
    struct fixture *f = start();
    for (uint8_t code = 1; code <= 0x58; code++) {
        if (code == 0x54 || code == 0x55 || code == 0x37)
            continue;
        key(f, code, true);
        key(f, code, false);
        EXPECT(f, code, code | 0x80);
    }
    stop(f);
}

Test(kbc_i8042, without_translation_set_2_comes_through) {
    struct fixture *f = start();
    set_command_byte(f, 0x01);
    key(f, 0x1e, true);
    key(f, 0x1e, false);
    key(f, 0x41, true);
    EXPECT(f, 0x1c, 0xf0, 0x1c, 0x83);
    stop(f);
}

Test(kbc_i8042, pause_and_print_screen_have_their_sequences) {
    struct fixture *f = start();
    key(f, 0xc5, true);
    key(f, 0xc5, false);
    EXPECT(f, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    key(f, 0xb7, true);
    key(f, 0xb7, false);
    EXPECT(f, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    stop(f);
}

Test(kbc_i8042, byte_can_be_read_twice_before_the_next_one) {
    struct fixture *f = start();
    key(f, 0x1e, true);
    key(f, 0x30, true);
    cr_assert_eq(in(f, 0x60), 0x1e);
    cr_assert_eq(in(f, 0x60), 0x1e);
    EXPECT(f, 0x30);
    stop(f);
}

Test(kbc_i8042, self_test_and_line_tests) {
    struct fixture *f = start();
    out(f, 0x64, 0xaa);
    EXPECT(f, 0x55);
    cr_assert(in(f, 0x64) & 0x04);
    out(f, 0x64, 0xab);
    EXPECT(f, 0x00);
    out(f, 0x64, 0xa9);
    EXPECT(f, 0x00);
    stop(f);
}

Test(kbc_i8042, command_byte_reads_back) {
    struct fixture *f = start();
    set_command_byte(f, 0x65);
    out(f, 0x64, 0x20);
    EXPECT(f, 0x65);
    stop(f);
}

Test(kbc_i8042, disabled_keyboard_keeps_its_bytes) {
    struct fixture *f = start();
    out(f, 0x64, 0xad);
    key(f, 0x1e, true);
    fake_clock_advance(&f->time, 5000000);
    cr_assert_not(in(f, 0x64) & 1);
    out(f, 0x64, 0xae);
    EXPECT(f, 0x1e);
    stop(f);
}

Test(kbc_i8042, output_port_drives_a20) {
    struct fixture *f = start();
    cr_assert(f->a20.level);
    out(f, 0x64, 0xd1);
    out(f, 0x60, 0xdd);
    cr_assert_not(f->a20.level);
    out(f, 0x64, 0xd0);
    cr_assert_not(in(f, 0x60) & 0x02);
    out(f, 0x64, 0xd1);
    out(f, 0x60, 0xdf);
    cr_assert(f->a20.level);
    cr_assert_eq(f->reset.rises, 0);
    stop(f);
}

Test(kbc_i8042, command_fe_pulses_reset) {
    struct fixture *f = start();
    out(f, 0x64, 0xff);
    cr_assert_eq(f->reset.rises, 0);
    out(f, 0x64, 0xfe);
    cr_assert_eq(f->reset.rises, 1);
    cr_assert_not(f->reset.level);
    stop(f);
}

Test(kbc_i8042, command_d3_makes_a_mouse_byte) {
    struct fixture *f = start();
    out(f, 0x64, 0xd3);
    out(f, 0x60, 0x5a);
    cr_assert_eq(in(f, 0x64) & 0x21, 0x21);
    cr_assert(f->irq12.level);
    EXPECT(f, 0x5a);
    stop(f);
}

Test(ps2_keyboard, reset_acknowledges_and_passes_its_test) {
    struct fixture *f = start();
    out(f, 0x60, 0xff);
    EXPECT(f, 0xfa, 0xaa);
    stop(f);
}

Test(ps2_keyboard, identifies_itself) {
    struct fixture *f = start();
    out(f, 0x60, 0xf2);
    EXPECT(f, 0xfa, 0xab, 0x41); /* 83h, translated */
    stop(f);
}

Test(ps2_keyboard, echoes_and_resends) {
    struct fixture *f = start();
    out(f, 0x60, 0xee);
    EXPECT(f, 0xee);
    out(f, 0x60, 0xfe);
    EXPECT(f, 0xee);
    stop(f);
}

Test(ps2_keyboard, takes_leds_and_typematic_rate) {
    struct fixture *f = start();
    out(f, 0x60, 0xed);
    EXPECT(f, 0xfa);
    out(f, 0x60, 0x05);
    EXPECT(f, 0xfa);
    cr_assert_eq(f->keyboard.leds, 5);
    out(f, 0x60, 0xf3);
    out(f, 0x60, 0x7f);
    EXPECT(f, 0xfa, 0xfa);
    stop(f);
}

Test(ps2_keyboard, unknown_command_asks_for_resend) {
    struct fixture *f = start();
    out(f, 0x60, 0x12);
    EXPECT(f, 0xfe);
    stop(f);
}

Test(ps2_keyboard, disabled_scanning_is_silent) {
    struct fixture *f = start();
    out(f, 0x60, 0xf5);
    EXPECT(f, 0xfa);
    key(f, 0x1e, true);
    fake_clock_advance(&f->time, 5000000);
    cr_assert_not(in(f, 0x64) & 1);
    stop(f);
}

Test(ps2_keyboard, scan_set_3_with_make_only_keys) {
    struct fixture *f = start();
    set_command_byte(f, 0x01);
    out(f, 0x60, 0xf0);
    out(f, 0x60, 0x03);
    EXPECT(f, 0xfa, 0xfa);
    key(f, 0x1e, true);
    key(f, 0x1e, false);
    EXPECT(f, 0x1c, 0xf0, 0x1c);
    out(f, 0x60, 0xf9);
    EXPECT(f, 0xfa);
    key(f, 0x1e, true);
    key(f, 0x1e, false);
    EXPECT(f, 0x1c);
    stop(f);
}

Test(ps2_keyboard, scan_set_can_be_asked_for) {
    struct fixture *f = start();
    set_command_byte(f, 0x01);
    out(f, 0x60, 0xf0);
    out(f, 0x60, 0x00);
    EXPECT(f, 0xfa, 0xfa, 0x02);
    stop(f);
}

Test(ps2_keyboard, held_key_repeats_after_the_delay) {
    struct fixture *f = start();
    key(f, 0x1e, true);
    EXPECT(f, 0x1e);
    fake_clock_advance(&f->time, 520000000);
    EXPECT(f, 0x1e);
    key(f, 0x1e, false);
    EXPECT(f, 0x9e);
    fake_clock_advance(&f->time, 600000000);
    cr_assert_not(in(f, 0x64) & 1);
    stop(f);
}

Test(ps2_keyboard, full_buffer_gives_the_overrun_code) {
    struct fixture *f = start();
    set_command_byte(f, 0x11);
    for (uint8_t code = 2; code < 24; code++)
        key(f, code, true);
    set_command_byte(f, 0x01);
    uint8_t last = 0xee;
    for (unsigned i = 0; i < 40; i++) {
        fake_clock_advance(&f->time, 2000000);
        if (!(in(f, 0x64) & 1))
            break;
        last = in(f, 0x60);
    }
    cr_assert_eq(last, 0x00, "got %02x", last);
    stop(f);
}

Test(ps2_mouse, reset_gives_test_result_and_id) {
    struct fixture *f = start();
    to_mouse(f, 0xff);
    EXPECT(f, 0xfa, 0xaa, 0x00);
    stop(f);
}

Test(ps2_mouse, motion_makes_a_report_and_irq_12) {
    struct fixture *f = start();
    to_mouse(f, 0xf4);
    EXPECT(f, 0xfa);
    f->mouse.input.move(&f->mouse, 5, 3, 0, 1);
    cr_assert(f->irq12.level);
    EXPECT(f, 0x29, 0x05, 0xfd);
    stop(f);
}

Test(ps2_mouse, large_motion_is_split) {
    struct fixture *f = start();
    to_mouse(f, 0xf4);
    EXPECT(f, 0xfa);
    f->mouse.input.move(&f->mouse, -300, 0, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        fake_clock_advance(&f->time, 2000000);
        in(f, 0x60);
    }
    fake_clock_advance(&f->time, 20000000);
    EXPECT(f, 0x18, 0xd3, 0x00);
    stop(f);
}

static void set_rates(struct fixture *f, uint8_t a, uint8_t b, uint8_t c) {
    const uint8_t rates[3] = {a, b, c};
    for (unsigned i = 0; i < 3; i++) {
        to_mouse(f, 0xf3);
        EXPECT(f, 0xfa);
        to_mouse(f, rates[i]);
        EXPECT(f, 0xfa);
    }
    to_mouse(f, 0xf2);
}

Test(ps2_mouse, wheel_is_switched_on_by_the_sequence) {
    struct fixture *f = start();
    set_rates(f, 200, 100, 80);
    EXPECT(f, 0xfa, 0x03);
    to_mouse(f, 0xf4);
    EXPECT(f, 0xfa);
    f->mouse.input.move(&f->mouse, 0, 0, -1, 0);
    EXPECT(f, 0x08, 0x00, 0x00, 0xff);
    stop(f);
}

Test(ps2_mouse, five_buttons_are_switched_on_by_the_sequence) {
    struct fixture *f = start();
    set_rates(f, 200, 200, 80);
    EXPECT(f, 0xfa, 0x04);
    to_mouse(f, 0xf4);
    EXPECT(f, 0xfa);
    f->mouse.input.move(&f->mouse, 0, 0, 1, 0x08);
    EXPECT(f, 0x08, 0x00, 0x00, 0x11);
    stop(f);
}

Test(ps2_mouse, status_tells_settings) {
    struct fixture *f = start();
    to_mouse(f, 0xe7);
    EXPECT(f, 0xfa);
    to_mouse(f, 0xe8);
    EXPECT(f, 0xfa);
    to_mouse(f, 0x03);
    EXPECT(f, 0xfa);
    to_mouse(f, 0xe9);
    EXPECT(f, 0xfa, 0x10, 0x03, 100);
    stop(f);
}

Test(ps2_mouse, remote_mode_reports_when_asked) {
    struct fixture *f = start();
    to_mouse(f, 0xf0);
    EXPECT(f, 0xfa);
    f->mouse.input.move(&f->mouse, 2, 0, 0, 0);
    fake_clock_advance(&f->time, 20000000);
    cr_assert_not(in(f, 0x64) & 1);
    to_mouse(f, 0xeb);
    EXPECT(f, 0xfa, 0x08, 0x02, 0x00);
    stop(f);
}

Test(ps2_mouse, wrap_mode_echoes_until_it_ends) {
    struct fixture *f = start();
    to_mouse(f, 0xee);
    EXPECT(f, 0xfa);
    to_mouse(f, 0xf4);
    EXPECT(f, 0xf4);
    to_mouse(f, 0xec);
    EXPECT(f, 0xfa);
    stop(f);
}
