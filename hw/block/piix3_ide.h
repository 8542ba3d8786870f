/*
 * PIIX3 IDE function (8086:7010, 00:01.1): puts the bus master engines of the two legacy channels
 * behind BAR4. The channels themselves answer at their ISA ports.
 */
#ifndef HW_BLOCK_PIIX3_IDE_H
#define HW_BLOCK_PIIX3_IDE_H

#include "hw/block/ide_bus_master.h"
#include "hw/core/pci.h"

struct piix3_ide {
    struct pci_function pci;
    struct ide_bus_master master[2];
    uint16_t base; /* ports of BAR4 */
    struct port_map *ports;
};

extern const struct state_table piix3_ide_state;
extern const struct device_class piix3_ide_class;

/** `primary` and `secondary` must be initialised. Each master[i] has its own class and state
 *  (ide_bus_master_class); resetting the function resets both. */
void piix3_ide_init(struct piix3_ide *ide, struct port_map *ports, struct physmem *physmem,
                    struct ide_channel *primary, struct ide_channel *secondary);

#endif
