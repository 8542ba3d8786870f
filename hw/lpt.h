/*
 * A standard parallel port with a printer that is always ready. Each strobe hands one byte to the
 * char_backend.
 *
 * Source: IBM PC/AT Technical Reference, "Serial/Parallel Adapter".
 */
#ifndef HW_LPT_H
#define HW_LPT_H

#include "hw/core/char_sink.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdbool.h>
#include <stdint.h>

struct lpt {
    uint8_t data, control;
    bool ack; /* the printer acknowledged a byte and the status was not read since */
    struct irq_line irq;
    struct char_backend *backend;
};

/** Claim 3 ports from `base` (378h for LPT1, with IRQ 7). */
void lpt_init(struct lpt *lpt, struct port_map *ports, uint16_t base, struct irq_line irq,
              struct char_backend *backend);

extern const struct state_table lpt_state;
extern const struct device_class lpt_class;

#endif
