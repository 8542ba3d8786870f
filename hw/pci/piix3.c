/*
 * PIIX3 PCI-to-ISA bridge.
 * Source: Intel 82371SB data sheet (290550), "PIRQRC[A:D]", "RC - Reset Control Register".
 */
#include "hw/pci/piix3.h"

#include <string.h>

#define CONFIG_PIRQ 0x60
/* Lines that a PIRQ may drive: 3-7, 9-12, 14 and 15. */
#define ROUTABLE_LINES 0xdef8

static void route(struct piix3 *bridge) {
    uint16_t level = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t routing = bridge->pci.config[CONFIG_PIRQ + i];
        if (bridge->pirq_level[i] && (routing & 0x80) == 0)
            level |= (uint16_t)(1u << (routing & 15));
    }
    level &= ROUTABLE_LINES;
    uint16_t changed = level ^ bridge->isa_level;
    bridge->isa_level = level;
    for (unsigned irq = 0; irq < 16; irq++) {
        if (bit_is_set(changed, irq))
            irq_set(&bridge->isa_irq[irq], bit_is_set(level, irq));
    }
}

static void pirq_changed(void *opaque, unsigned number, bool level) {
    struct piix3 *bridge = opaque;
    bridge->pirq_level[number & 3] = level;
    route(bridge);
}

struct irq_line piix3_pirq(struct piix3 *bridge, unsigned number) {
    return (struct irq_line){pirq_changed, bridge, number};
}

static void config_written(struct pci_function *function, unsigned offset, unsigned size) {
    if (offset < CONFIG_PIRQ + 4 && offset + size > CONFIG_PIRQ)
        route(function->opaque);
}

static uint32_t reset_control_read(void *opaque, uint16_t port, unsigned size) {
    struct piix3 *bridge = opaque;
    return bridge->reset_control;
}

/* Bit 2 going from 0 to 1 resets; bit 1 chooses hard or soft, which are the same thing here. */
static void reset_control_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct piix3 *bridge = opaque;
    bool rises = (value & 4) != 0 && (bridge->reset_control & 4) == 0;
    bridge->reset_control = value & 6;
    if (rises)
        irq_set(&bridge->reset, true);
}

static const struct port_ops reset_control_ops = {"reset-control", reset_control_read,
                                                  reset_control_write, 1};

static void set_defaults(struct piix3 *bridge) {
    uint8_t *config = bridge->pci.config;
    memset(config + 0x40, 0, 0xc0);
    config[0x4c] = 0x4d;
    config[0x4e] = 0x03;
    memset(config + CONFIG_PIRQ, 0x80, 4);
    config[0x69] = 0x02;
    config[0x70] = 0x80;
    config[0x76] = config[0x77] = 0x0c;
    config[0x78] = 0x02;
    config[0xa0] = 0x08;
    config[0xa8] = 0x0f;
}

void piix3_init(struct piix3 *bridge, struct port_map *ports, const struct irq_line isa_irq[16],
                const struct irq_line *reset) {
    memset(bridge, 0, sizeof(*bridge));
    memcpy(bridge->isa_irq, isa_irq, sizeof(bridge->isa_irq));
    bridge->reset = *reset;
    struct pci_function *pci = &bridge->pci;
    pci->opaque = bridge;
    pci->config_written = config_written;
    pci_function_identify(pci, 0x8086, 0x7000, 0, 0x060100, 0);
    pci->config[0x04] = 0x07;
    pci->config[0x07] = 0x02;
    pci->config[0x0e] = 0x80; /* functions 1 (IDE) and 3 (power management) follow */
    memset(pci->write_mask + 0x40, 0xff, 0xc0);
    memset(pci->write_mask + CONFIG_PIRQ, 0x8f, 4);
    set_defaults(bridge);
    port_map_add(ports, 0xcf9, 1, &reset_control_ops, bridge);
}

static void piix3_reset(void *device) {
    struct piix3 *bridge = device;
    set_defaults(bridge);
    bridge->pci.config[0x04] = 0x07;
    bridge->reset_control = 0;
    route(bridge);
}

static const struct state_field fields[] = {
    FIELD(piix3, pci.config, 1),    FIELD(piix3, pirq_level, 1), FIELD(piix3, isa_level, 1),
    FIELD(piix3, reset_control, 1), NOT_SAVED(piix3, pci),       NOT_SAVED(piix3, isa_irq),
    NOT_SAVED(piix3, reset),
};
const struct state_table piix3_state = STATE_TABLE(piix3, fields);
const struct device_class piix3_class = {"piix3", piix3_reset, &piix3_state};
