/*
 * A PCI function as its chip implements it, and what the bus offers a chip. The bus keeps the
 * 256 configuration bytes and the write masks; the chip hears of changes.
 */
#ifndef HW_CORE_PCI_H
#define HW_CORE_PCI_H

#include "hw/core/irq.h"
#include "hw/core/port_map.h"
#include "softmmu/base/bits.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>

#define PCI_BAR_COUNT 6
#define PCI_ROM_BAR   6

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY };

struct pci_function;

struct pci_bar {
    enum pci_bar_kind kind;
    uint32_t size; /* a power of two; 0: not implemented */
    bool prefetchable;
    /** The BAR was mapped at `address`, or withdrawn from it (enabled false) before it moves. The
     *  chip maps its ports or regions. */
    void (*map)(struct pci_function *function, unsigned bar, uint64_t address, bool enabled);
    uint64_t address; /* where it is mapped now */
    bool is_mapped;
};

struct pci_function {
    void *opaque; /* the chip */
    uint8_t config[256];
    uint8_t write_mask[256];    /* bits the guest may change */
    uint8_t write_1_clear[256]; /* bits that a written one clears */
    struct pci_bar bar[PCI_BAR_COUNT + 1];
    /** After the guest changed config bytes [offset, offset + size). May be NULL. */
    void (*config_written)(struct pci_function *function, unsigned offset, unsigned size);
    uint8_t devfn;        /* set by pci_bus_add */
    struct irq_line intx; /* the INTx# pin that config[3Dh] names, set by pci_bus_add */
};

/**
 * Fill in who a function is. Called by the chip before pci_bus_add().
 *
 * @class_code  24 bits: class, subclass, programming interface
 * @pin         0: no interrupt; 1..4: INTA#..INTD#
 */
static inline void pci_function_identify(struct pci_function *function, uint16_t vendor,
                                         uint16_t device, uint8_t revision, uint32_t class_code,
                                         uint8_t pin) {
    store_le16(function->config, vendor);
    store_le16(function->config + 2, device);
    store_le32(function->config + 8, class_code << 8 | revision);
    function->config[0x3d] = pin;
}

#endif
