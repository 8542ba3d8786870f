/* Parallel port, debug ports, POST card and port 92h. */
#include "hw/debug_port.h"
#include "hw/lpt.h"
#include "hw/port92.h"
#include "hw/post_card.h"
#include "tests/support/irq_probe.h"

#include <criterion/criterion.h>

struct sink {
    struct char_backend backend;
    uint8_t last;
    unsigned count;
};

static void keep(void *opaque, const uint8_t *bytes, size_t count) {
    struct sink *sink = opaque;
    sink->last = bytes[count - 1];
    sink->count += (unsigned)count;
}

static void keep_value(void *opaque, uint32_t value) {
    *(uint32_t *)opaque = value;
}

Test(lpt, strobe_prints_one_byte) {
    struct port_map *ports = port_map_create(NULL);
    struct sink sink = {.backend = {.write = keep, .opaque = &sink}};
    struct irq_probe irq = {0};
    struct lpt lpt;
    lpt_init(&lpt, ports, 0x378, irq_probe_line(&irq), &sink.backend);
    port_map_write(ports, 0x378, 1, 'P');
    port_map_write(ports, 0x37a, 1, 0x0d);
    port_map_write(ports, 0x37a, 1, 0x0c);
    cr_assert_eq(sink.count, 1);
    cr_assert_eq(sink.last, 'P');
    cr_assert_eq(port_map_read(ports, 0x378, 1), 'P');
    port_map_destroy(ports);
}

Test(lpt, acknowledge_interrupts_until_the_status_is_read) {
    struct port_map *ports = port_map_create(NULL);
    struct irq_probe irq = {0};
    struct lpt lpt;
    lpt_init(&lpt, ports, 0x378, irq_probe_line(&irq), NULL);
    port_map_write(ports, 0x37a, 1, 0x1d);
    cr_assert(irq.level);
    cr_assert_eq(port_map_read(ports, 0x379, 1), 0x9f);
    cr_assert_not(irq.level);
    cr_assert_eq(port_map_read(ports, 0x379, 1), 0xdf);
    port_map_destroy(ports);
}

Test(debug_port, reads_its_signature_and_passes_bytes_on) {
    struct port_map *ports = port_map_create(NULL);
    struct sink sink = {.backend = {.write = keep, .opaque = &sink}};
    struct debug_port debug;
    debug_port_init(&debug, ports, 0x402, &sink.backend);
    cr_assert_eq(port_map_read(ports, 0x402, 1), 0xe9);
    port_map_write(ports, 0x402, 1, 'x');
    cr_assert_eq(sink.last, 'x');
    port_map_destroy(ports);
}

Test(debug_exit, passes_the_value_on) {
    struct port_map *ports = port_map_create(NULL);
    struct debug_exit debug;
    uint32_t value = 0;
    debug_exit_init(&debug, ports, 0xf4, 4, keep_value, &value);
    port_map_write(ports, 0xf4, 4, 0x12345678);
    cr_assert_eq(value, 0x12345678, "got %08x", value);
    port_map_write(ports, 0xf4, 1, 0x21);
    cr_assert_eq(value, 0x21, "got %08x", value);
    port_map_destroy(ports);
}

Test(post_card, keeps_the_last_code) {
    struct port_map *ports = port_map_create(NULL);
    struct post_card card;
    post_card_init(&card, ports);
    port_map_write(ports, 0x80, 1, 0x55);
    port_map_write(ports, 0x80, 1, 0x55);
    port_map_write(ports, 0x80, 1, 0xaa);
    cr_assert_eq(card.last, 0xaa);
    cr_assert_eq(card.next, 2);
    cr_assert_eq(port_map_read(ports, 0x80, 1), 0xaa);
    port_map_destroy(ports);
}

Test(port92, drives_a20_and_pulses_reset_once) {
    struct port_map *ports = port_map_create(NULL);
    struct irq_probe a20 = {0}, reset = {0};
    struct port92 port92;
    port92_init(&port92, ports, irq_probe_line(&a20), irq_probe_line(&reset));
    port_map_write(ports, 0x92, 1, 0x02);
    cr_assert(a20.level);
    port_map_write(ports, 0x92, 1, 0x03);
    port_map_write(ports, 0x92, 1, 0x03);
    cr_assert_eq(reset.rises, 1);
    port_map_write(ports, 0x92, 1, 0x00);
    cr_assert_not(a20.level);
    port_map_destroy(ports);
}
