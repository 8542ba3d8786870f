/*
 * PCI bus 0 behind configuration mechanism 1 (ports CF8h and CFCh). The bus keeps each
 * function's 256 configuration bytes, sizes and maps its BARs and routes INTA#..INTD# of every
 * slot to the four PIRQ lines of the south bridge.
 */
#ifndef HW_PCI_PCI_BUS_H
#define HW_PCI_PCI_BUS_H

#include "hw/core/device.h"
#include "hw/core/pci.h"

#define PCI_COMMAND_IO         0x0001
#define PCI_COMMAND_MEMORY     0x0002
#define PCI_COMMAND_BUS_MASTER 0x0004

struct pci_bus {
    uint32_t address;        /* CONFADD */
    uint8_t intx_level[256]; /* by devfn: the level its function drives */
    uint16_t asserted[4];    /* how many functions assert each PIRQ */
    struct pci_function *function[256];
    struct irq_line pirq[4];
};

extern const struct state_table pci_bus_state;
extern const struct device_class pci_bus_class;

/** Claim the configuration ports. `pirq` are PIRQA#..PIRQD# of the south bridge. */
void pci_bus_init(struct pci_bus *bus, struct port_map *ports, const struct irq_line pirq[4]);
/** Plug a function in. It must be identified and have its BARs described; it lives as long as
 *  the bus. devfn is slot * 8 + function. */
void pci_bus_add(struct pci_bus *bus, struct pci_function *function, uint8_t devfn);
/** Make every function's mappings follow its configuration bytes (after state was loaded). */
void pci_bus_remap(struct pci_bus *bus);

#endif
