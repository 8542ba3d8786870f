/*
 * System control port A (92h): fast A20 gate and fast reset.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "System Control Port A".
 */
#ifndef HW_PORT92_H
#define HW_PORT92_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdint.h>

struct port92 {
    uint8_t value; /* bit 0 reset, bit 1 A20 */
    struct irq_line a20, reset;
};

/** Claim port 92h. a20: level of the gate; reset: pulsed true, then false. */
void port92_init(struct port92 *port92, struct port_map *ports, struct irq_line a20,
                 struct irq_line reset);

extern const struct state_table port92_state;
extern const struct device_class port92_class;

#endif
