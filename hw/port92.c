/* System control port A: see the header. */
#include "hw/port92.h"

#include <string.h>

#define RESET 0x01
#define A20   0x02

static uint32_t port92_read(void *opaque, uint16_t port, unsigned size) {
    const struct port92 *port92 = opaque;

    return port92->value;
}

static void port92_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct port92 *port92 = opaque;
    uint8_t old = port92->value;

    port92->value = (uint8_t)value;
    irq_set(&port92->a20, (value & A20) != 0);
    if (value & ~old & RESET) { /* the rising edge pulses the CPU's reset */
        irq_set(&port92->reset, true);
        irq_set(&port92->reset, false);
    }
}

static void port92_reset(void *device) {
    struct port92 *port92 = device;

    port92->value = 0;
    irq_set(&port92->a20, false);
}

static const struct port_ops port92_ports = {"port92", port92_read, port92_write, 1};

void port92_init(struct port92 *port92, struct port_map *ports, struct irq_line a20,
                 struct irq_line reset) {
    memset(port92, 0, sizeof *port92);
    port92->a20 = a20;
    port92->reset = reset;
    port92_reset(port92);
    port_map_add(ports, 0x92, 1, &port92_ports, port92);
}

static const struct state_field port92_fields[] = {
    FIELD(port92, value, 1),
    NOT_SAVED(port92, a20),
    NOT_SAVED(port92, reset),
};
const struct state_table port92_state = STATE_TABLE(port92, port92_fields);
const struct device_class port92_class = {"port92", port92_reset, &port92_state};
