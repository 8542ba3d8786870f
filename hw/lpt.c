/*
 * The parallel port. The acknowledge pulse of a real printer lasts some microseconds; here its
 * interrupt stays until the status is read, which every driver does first.
 */
#include "hw/lpt.h"

#include <string.h>

#define STATUS_READY  0x80 /* BUSY, inverted */
#define STATUS_NO_ACK 0x40
#define STATUS_SELECT 0x10
#define STATUS_NO_ERR 0x08
#define STATUS_UNUSED 0x07

#define CONTROL_STROBE    0x01
#define CONTROL_INIT      0x04 /* high: not reset */
#define CONTROL_SELECT_IN 0x08
#define CONTROL_IRQ       0x10
#define CONTROL_INPUT     0x20 /* bidirectional ports: the data lines are inputs */
#define CONTROL_UNUSED    0xc0

static void update_irq(struct lpt *lpt) {
    irq_set(&lpt->irq, lpt->ack && (lpt->control & CONTROL_IRQ));
}

static uint32_t lpt_read(void *opaque, uint16_t port, unsigned size) {
    struct lpt *lpt = opaque;
    uint8_t status = STATUS_READY | STATUS_SELECT | STATUS_NO_ERR | STATUS_UNUSED;

    switch (port & 3) {
    case 0:
        return lpt->control & CONTROL_INPUT ? 0xff : lpt->data;
    case 1:
        if (!lpt->ack)
            status |= STATUS_NO_ACK;
        lpt->ack = false;
        update_irq(lpt);
        return status;
    default:
        return lpt->control | CONTROL_UNUSED;
    }
}

static void lpt_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct lpt *lpt = opaque;
    uint8_t old = lpt->control;

    if ((port & 3) == 0) {
        lpt->data = (uint8_t)value;
    } else if ((port & 3) == 2) {
        lpt->control = value & (uint8_t)~CONTROL_UNUSED;
        if ((lpt->control & ~old & CONTROL_STROBE) && (lpt->control & CONTROL_INIT)) {
            char_write(lpt->backend, &lpt->data, 1);
            lpt->ack = true;
        }
        update_irq(lpt);
    }
}

static void lpt_reset(void *device) {
    struct lpt *lpt = device;

    lpt->data = 0;
    lpt->control = CONTROL_INIT | CONTROL_SELECT_IN;
    lpt->ack = false;
    update_irq(lpt);
}

static const struct port_ops lpt_ports = {"lpt", lpt_read, lpt_write, 1};

void lpt_init(struct lpt *lpt, struct port_map *ports, uint16_t base, struct irq_line irq,
              struct char_backend *backend) {
    memset(lpt, 0, sizeof *lpt);
    lpt->irq = irq;
    lpt->backend = backend;
    lpt_reset(lpt);
    port_map_add(ports, base, 3, &lpt_ports, lpt);
}

static const struct state_field lpt_fields[] = {
    FIELD(lpt, data, 1), FIELD(lpt, control, 1),  FIELD(lpt, ack, 1),
    NOT_SAVED(lpt, irq), NOT_SAVED(lpt, backend),
};
const struct state_table lpt_state = STATE_TABLE(lpt, lpt_fields);
const struct device_class lpt_class = {"lpt", lpt_reset, &lpt_state};
