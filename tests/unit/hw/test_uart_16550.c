/* The serial port. */
#include "hw/uart_16550.h"
#include "tests/support/fake_clock.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define CHARACTER_NS UINT64_C(86806) /* 10 bits at 115200 */

struct fixture {
    struct port_map *ports;
    struct fake_clock time;
    struct uart_16550 uart;
    struct irq_probe irq;
    struct char_backend backend;
    char sent[64];
    size_t sent_count;
};

static void sent(void *opaque, const uint8_t *bytes, size_t count) {
    struct fixture *f = opaque;
    for (size_t i = 0; i < count && f->sent_count < sizeof f->sent; i++)
        f->sent[f->sent_count++] = (char)bytes[i];
}

static void out(struct fixture *f, unsigned index, uint8_t value) {
    port_map_write(f->ports, (uint16_t)(0x3f8 + index), 1, value);
}

static uint8_t in(struct fixture *f, unsigned index) {
    return (uint8_t)port_map_read(f->ports, (uint16_t)(0x3f8 + index), 1);
}

static struct fixture *start(bool paced) {
    struct fixture *f = calloc(1, sizeof *f);
    f->ports = port_map_create(NULL);
    fake_clock_init(&f->time);
    f->backend.write = sent;
    f->backend.opaque = f;
    uart_16550_init(&f->uart, f->ports, 0x3f8, f->time.clock, irq_probe_line(&f->irq), &f->backend,
                    paced);
    out(f, 3, 0x83);
    out(f, 0, 1);
    out(f, 1, 0);
    out(f, 3, 0x03);
    out(f, 4, 0x0b);
    return f;
}

static void stop(struct fixture *f) {
    fake_clock_free(&f->time);
    port_map_destroy(f->ports);
    free(f);
}

static void receive(struct fixture *f, const char *bytes, size_t count) {
    f->backend.receiver.receive(f->backend.receiver.opaque, (const uint8_t *)bytes, count);
}

static size_t room(struct fixture *f) {
    return f->backend.receiver.room(f->backend.receiver.opaque);
}

Test(uart_16550, byte_written_reaches_the_backend) {
    struct fixture *f = start(false);
    out(f, 0, 'A');
    cr_assert_eq(f->sent_count, 1);
    cr_assert_eq(f->sent[0], 'A');
    cr_assert_eq(in(f, 5), 0x60);
    stop(f);
}

Test(uart_16550, enabling_thre_interrupt_raises_it) {
    struct fixture *f = start(false);
    out(f, 1, 0x02);
    cr_assert(f->irq.level);
    cr_assert_eq(in(f, 2), 0x02);
    cr_assert_not(f->irq.level);
    cr_assert_eq(in(f, 2), 0x01);
    out(f, 1, 0x00);
    out(f, 1, 0x02);
    cr_assert_eq(in(f, 2), 0x02);
    stop(f);
}

Test(uart_16550, every_written_byte_raises_thre_again) {
    struct fixture *f = start(false);
    out(f, 1, 0x02);
    unsigned before = f->irq.rises;
    out(f, 0, 'A');
    cr_assert_eq(f->irq.rises, before + 1);
    stop(f);
}

Test(uart_16550, out2_gates_the_interrupt) {
    struct fixture *f = start(false);
    out(f, 4, 0x03);
    out(f, 1, 0x02);
    cr_assert_not(f->irq.level);
    out(f, 4, 0x0b);
    cr_assert(f->irq.level);
    stop(f);
}

Test(uart_16550, paced_byte_takes_its_time) {
    struct fixture *f = start(true);
    out(f, 1, 0x02);
    in(f, 2);
    out(f, 0, 'A');
    cr_assert_eq(in(f, 5), 0x20); /* in the shift register: holding register free again */
    out(f, 0, 'B');
    cr_assert_eq(in(f, 5), 0x00);
    cr_assert_eq(f->sent_count, 0);
    fake_clock_advance(&f->time, CHARACTER_NS);
    cr_assert_eq(f->sent_count, 1);
    cr_assert(f->irq.level);
    fake_clock_advance(&f->time, CHARACTER_NS);
    cr_assert_eq(f->sent_count, 2);
    cr_assert_eq(in(f, 5), 0x60);
    stop(f);
}

Test(uart_16550, received_byte_interrupts_and_is_read) {
    struct fixture *f = start(false);
    out(f, 1, 0x01);
    cr_assert_eq(room(f), 1);
    receive(f, "x", 1);
    cr_assert_eq(room(f), 0);
    cr_assert(f->irq.level);
    cr_assert_eq(in(f, 2), 0x04);
    cr_assert_eq(in(f, 5) & 1, 1);
    cr_assert_eq(in(f, 0), 'x');
    cr_assert_not(f->irq.level);
    stop(f);
}

Test(uart_16550, fifo_interrupts_at_its_trigger_level) {
    struct fixture *f = start(false);
    out(f, 2, 0x81);
    out(f, 1, 0x01);
    cr_assert_eq(room(f), 16);
    receive(f, "abcdefg", 7);
    cr_assert_not(f->irq.level);
    receive(f, "h", 1);
    cr_assert(f->irq.level);
    cr_assert_eq(in(f, 2), 0xc4);
    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(in(f, 0), 'a' + i);
    cr_assert_not(f->irq.level);
    stop(f);
}

Test(uart_16550, fifo_below_trigger_times_out) {
    struct fixture *f = start(false);
    out(f, 2, 0x81);
    out(f, 1, 0x01);
    receive(f, "a", 1);
    fake_clock_advance(&f->time, 4 * CHARACTER_NS - 10);
    cr_assert_not(f->irq.level);
    fake_clock_advance(&f->time, 20);
    cr_assert(f->irq.level);
    cr_assert_eq(in(f, 2), 0xcc);
    in(f, 0);
    cr_assert_eq(in(f, 2), 0xc1);
    stop(f);
}

Test(uart_16550, full_fifo_reports_overrun_and_keeps_its_bytes) {
    struct fixture *f = start(false);
    out(f, 2, 0x01);
    out(f, 1, 0x04);
    receive(f, "0123456789abcdefX", 17);
    cr_assert_eq(in(f, 2), 0xc6);
    cr_assert_eq(in(f, 5) & 0x02, 0x02);
    cr_assert_eq(in(f, 5) & 0x02, 0x00);
    cr_assert_eq(in(f, 0), '0');
    stop(f);
}

Test(uart_16550, loopback_returns_bytes_and_modem_lines) {
    struct fixture *f = start(false);
    out(f, 4, 0x1a);
    in(f, 6);
    out(f, 0, 'L');
    cr_assert_eq(f->sent_count, 0);
    cr_assert_eq(in(f, 0), 'L');
    cr_assert_eq(in(f, 6) & 0xf0, 0x90);
    out(f, 4, 0x10);
    uint8_t msr = in(f, 6);
    cr_assert_eq(msr, 0x09, "expected deltas of CTS and DCD, got %02x", msr);
    cr_assert_eq(room(f), 0);
    stop(f);
}

Test(uart_16550, loopback_fifo_holds_sixteen) {
    struct fixture *f = start(false);
    out(f, 2, 0x01);
    out(f, 4, 0x10);
    for (unsigned i = 0; i < 256; i++)
        out(f, 0, (uint8_t)i);
    unsigned count = 0;
    while (in(f, 5) & 1) {
        cr_assert_eq(in(f, 0), count);
        count++;
    }
    cr_assert_eq(count, 16, "got %u", count);
    stop(f);
}

Test(uart_16550, modem_change_interrupts_until_read) {
    struct fixture *f = start(false);
    out(f, 4, 0x18);
    in(f, 6);
    out(f, 1, 0x08);
    out(f, 4, 0x1a);
    cr_assert(f->irq.level);
    cr_assert_eq(in(f, 2), 0x00);
    in(f, 6);
    cr_assert_not(f->irq.level);
    stop(f);
}

Test(uart_16550, break_shows_with_its_byte) {
    struct fixture *f = start(false);
    out(f, 2, 0x01);
    receive(f, "a", 1);
    f->backend.receiver.receive_break(f->backend.receiver.opaque);
    cr_assert_eq(in(f, 5) & 0x90, 0x80);
    cr_assert_eq(in(f, 0), 'a');
    cr_assert_eq(in(f, 5) & 0x10, 0x10);
    cr_assert_eq(in(f, 0), 0);
    cr_assert_eq(in(f, 5) & 0x90, 0x00);
    stop(f);
}

Test(uart_16550, divisor_and_scratch_read_back) {
    struct fixture *f = start(false);
    out(f, 3, 0x83);
    out(f, 0, 0x34);
    out(f, 1, 0x12);
    cr_assert_eq(in(f, 0), 0x34);
    cr_assert_eq(in(f, 1), 0x12);
    out(f, 3, 0x03);
    out(f, 7, 0x5a);
    cr_assert_eq(in(f, 7), 0x5a);
    cr_assert_eq(in(f, 1), 0x00);
    stop(f);
}

Test(uart_16550, without_fifos_iir_says_so) {
    struct fixture *f = start(false);
    cr_assert_eq(in(f, 2), 0x01);
    out(f, 2, 0x01);
    cr_assert_eq(in(f, 2), 0xc1);
    stop(f);
}
