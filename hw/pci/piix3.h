/*
 * 82371SB (PIIX3) PCI-to-ISA bridge (8086:7000): routes PIRQA#..PIRQD# to ISA interrupt lines and
 * holds the reset control register at port CF9h.
 */
#ifndef HW_PCI_PIIX3_H
#define HW_PCI_PIIX3_H

#include "hw/core/device.h"
#include "hw/core/pci.h"

struct piix3 {
    struct pci_function pci;
    uint8_t pirq_level[4];
    uint16_t isa_level; /* a bit per ISA line, as driven now */
    uint8_t reset_control;
    struct irq_line isa_irq[16];
    struct irq_line reset; /* set high to reset the machine */
};

extern const struct state_table piix3_state;
extern const struct device_class piix3_class;

/** `isa_irq` are the 16 inputs of the interrupt controllers. Plug `pci` in at 00:01.0. */
void piix3_init(struct piix3 *bridge, struct port_map *ports, const struct irq_line isa_irq[16],
                const struct irq_line *reset);
/** PIRQA#..PIRQD# (number 0..3) for pci_bus_init(). */
struct irq_line piix3_pirq(struct piix3 *bridge, unsigned number);

#endif
