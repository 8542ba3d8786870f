/* The pair of interrupt controllers. */
#include "hw/pic_i8259.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct fixture {
    struct port_map *ports;
    struct pic_i8259 pic;
    struct irq_probe intr;
};

static void out(struct fixture *f, uint16_t port, uint8_t value) {
    port_map_write(f->ports, port, 1, value);
}

static uint8_t in(struct fixture *f, uint16_t port) {
    return (uint8_t)port_map_read(f->ports, port, 1);
}

static void initialise(struct fixture *f, uint8_t master_icw4, uint8_t slave_icw4) {
    out(f, 0x20, 0x11);
    out(f, 0x21, 0x08);
    out(f, 0x21, 0x04);
    out(f, 0x21, master_icw4);
    out(f, 0xa0, 0x11);
    out(f, 0xa1, 0x70);
    out(f, 0xa1, 0x02);
    out(f, 0xa1, slave_icw4);
}

static struct fixture *start(void) {
    struct fixture *f = calloc(1, sizeof *f);
    f->ports = port_map_create(NULL);
    pic_i8259_init(&f->pic, f->ports, irq_probe_line(&f->intr));
    initialise(f, 1, 1);
    return f;
}

static void stop(struct fixture *f) {
    port_map_destroy(f->ports);
    free(f);
}

static void line(struct fixture *f, unsigned irq, bool level) {
    struct irq_line l = pic_i8259_line(&f->pic, irq);
    irq_set(&l, level);
}

static void expect_vector(struct fixture *f, uint8_t expected) {
    uint8_t vector = pic_i8259_acknowledge(&f->pic);
    cr_assert_eq(vector, expected, "expected vector %02x, got %02x", expected, vector);
}

Test(pic_i8259, edge_raises_intr_and_gives_its_vector) {
    struct fixture *f = start();
    line(f, 1, true);
    cr_assert(f->intr.level);
    expect_vector(f, 0x09);
    cr_assert_not(f->intr.level);
    out(f, 0x20, 0x0b);
    cr_assert_eq(in(f, 0x20), 0x02);
    stop(f);
}

Test(pic_i8259, held_edge_line_requests_once) {
    struct fixture *f = start();
    line(f, 1, true);
    expect_vector(f, 0x09);
    out(f, 0x20, 0x20);
    cr_assert_not(f->intr.level);
    line(f, 1, false);
    line(f, 1, true);
    cr_assert(f->intr.level);
    stop(f);
}

Test(pic_i8259, held_level_line_requests_again_after_eoi) {
    struct fixture *f = start();
    out(f, 0x4d0, 0x20);
    line(f, 5, true);
    expect_vector(f, 0x0d);
    out(f, 0x20, 0x20);
    cr_assert(f->intr.level);
    line(f, 5, false);
    cr_assert_not(f->intr.level);
    stop(f);
}

Test(pic_i8259, elcr_keeps_system_interrupts_edge_triggered) {
    struct fixture *f = start();
    out(f, 0x4d0, 0xff);
    out(f, 0x4d1, 0xff);
    cr_assert_eq(in(f, 0x4d0), 0xf8);
    cr_assert_eq(in(f, 0x4d1), 0xde);
    stop(f);
}

Test(pic_i8259, slave_request_comes_through_the_cascade) {
    struct fixture *f = start();
    line(f, 12, true);
    expect_vector(f, 0x74);
    out(f, 0x20, 0x0b);
    out(f, 0xa0, 0x0b);
    cr_assert_eq(in(f, 0x20), 0x04);
    cr_assert_eq(in(f, 0xa0), 0x10);
    stop(f);
}

Test(pic_i8259, second_slave_request_makes_a_new_edge) {
    struct fixture *f = start();
    line(f, 8, true);
    line(f, 12, true);
    expect_vector(f, 0x70);
    out(f, 0xa0, 0x20);
    out(f, 0x20, 0x20);
    cr_assert(f->intr.level);
    expect_vector(f, 0x74);
    stop(f);
}

Test(pic_i8259, lower_priority_waits_for_eoi) {
    struct fixture *f = start();
    line(f, 3, true);
    expect_vector(f, 0x0b);
    line(f, 4, true);
    cr_assert_not(f->intr.level);
    line(f, 1, true);
    cr_assert(f->intr.level);
    expect_vector(f, 0x09);
    out(f, 0x20, 0x61);
    out(f, 0x20, 0x63);
    expect_vector(f, 0x0c);
    stop(f);
}

Test(pic_i8259, request_that_goes_away_is_spurious_irq_7) {
    struct fixture *f = start();
    line(f, 3, true);
    line(f, 3, false);
    cr_assert_not(f->intr.level);
    expect_vector(f, 0x0f);
    out(f, 0x20, 0x0b);
    cr_assert_eq(in(f, 0x20), 0);
    stop(f);
}

Test(pic_i8259, slave_request_that_goes_away_is_spurious_irq_15) {
    struct fixture *f = start();
    /* The master saw the cascade; the slave's request vanishes under its mask. */
    line(f, 10, true);
    f->pic.chip[1].imr = 0xff;
    expect_vector(f, 0x77);
    out(f, 0xa0, 0x0b);
    cr_assert_eq(in(f, 0xa0), 0);
    out(f, 0x20, 0x0b);
    cr_assert_eq(in(f, 0x20), 0x04);
    stop(f);
}

Test(pic_i8259, rotation_on_eoi_makes_the_served_input_last) {
    struct fixture *f = start();
    line(f, 1, true);
    expect_vector(f, 0x09);
    out(f, 0x20, 0xa0);
    line(f, 1, false);
    line(f, 1, true);
    line(f, 3, true);
    expect_vector(f, 0x0b);
    stop(f);
}

Test(pic_i8259, set_priority_chooses_the_lowest_input) {
    struct fixture *f = start();
    out(f, 0x20, 0xc0 | 4);
    line(f, 0, true);
    line(f, 5, true);
    expect_vector(f, 0x0d);
    stop(f);
}

Test(pic_i8259, special_mask_mode_lets_lower_inputs_through) {
    struct fixture *f = start();
    line(f, 1, true);
    expect_vector(f, 0x09);
    out(f, 0x21, 0x02);
    out(f, 0x20, 0x68);
    line(f, 6, true);
    cr_assert(f->intr.level);
    expect_vector(f, 0x0e);
    stop(f);
}

Test(pic_i8259, auto_eoi_leaves_nothing_in_service) {
    struct fixture *f = start();
    initialise(f, 3, 1);
    line(f, 4, true);
    expect_vector(f, 0x0c);
    out(f, 0x20, 0x0b);
    cr_assert_eq(in(f, 0x20), 0);
    stop(f);
}

Test(pic_i8259, special_fully_nested_slave_interrupts_itself) {
    struct fixture *f = start();
    initialise(f, 0x11, 1);
    line(f, 12, true);
    expect_vector(f, 0x74);
    line(f, 8, true);
    cr_assert(f->intr.level);
    expect_vector(f, 0x70);
    stop(f);
}

Test(pic_i8259, fully_nested_slave_waits_for_the_master) {
    struct fixture *f = start();
    line(f, 12, true);
    expect_vector(f, 0x74);
    line(f, 8, true);
    cr_assert_not(f->intr.level);
    stop(f);
}

Test(pic_i8259, poll_acknowledges_and_names_the_input) {
    struct fixture *f = start();
    line(f, 4, true);
    out(f, 0x20, 0x0c);
    uint8_t answer = in(f, 0x20);
    cr_assert_eq(answer, 0x84, "got %02x", answer);
    cr_assert_not(f->intr.level);
    out(f, 0x20, 0x0c);
    cr_assert_eq(in(f, 0x20), 0);
    stop(f);
}

Test(pic_i8259, masked_input_does_not_raise_intr) {
    struct fixture *f = start();
    out(f, 0x21, 0x02);
    cr_assert_eq(in(f, 0x21), 0x02);
    line(f, 1, true);
    cr_assert_not(f->intr.level);
    cr_assert_eq(in(f, 0x20), 0x02);
    out(f, 0x21, 0);
    cr_assert(f->intr.level);
    stop(f);
}
