/*
 * PCI bus 0: configuration mechanism 1, BARs and interrupt routing.
 * Source: PCI Local Bus Specification 2.1, "Configuration Space" and "Base Addresses";
 * 82371SB (PIIX3) data sheet for the slot-to-PIRQ convention that PC firmware expects.
 */
#include "hw/pci/pci_bus.h"

#include <string.h>

#define CONFADD_ENABLE UINT32_C(0x80000000)

#define CONFIG_COMMAND 0x04
#define CONFIG_HEADER  0x0e
#define CONFIG_BAR     0x10
#define CONFIG_ROM_BAR 0x30
#define CONFIG_LINE    0x3c

static unsigned bar_offset(unsigned bar) {
    return bar == PCI_ROM_BAR ? CONFIG_ROM_BAR : CONFIG_BAR + 4 * bar;
}

static bool bar_wanted(const struct pci_function *function, unsigned bar, uint64_t *address) {
    const struct pci_bar *b = &function->bar[bar];
    uint32_t value = load_le32(function->config + bar_offset(bar));
    uint16_t command = load_le16(function->config + CONFIG_COMMAND);
    *address = value & ~(b->size - 1);
    uint64_t last = *address + b->size - 1;
    if (*address == 0)
        return false;
    if (b->kind == PCI_BAR_IO)
        return (command & PCI_COMMAND_IO) != 0 && last <= 0xffff;
    if (bar == PCI_ROM_BAR && (value & 1) == 0)
        return false;
    /* A BAR that ends at 4 GiB is one being sized; it would cover the firmware. */
    return (command & PCI_COMMAND_MEMORY) != 0 && last < UINT32_MAX;
}

static void update_mappings(struct pci_function *function) {
    for (unsigned bar = 0; bar <= PCI_ROM_BAR; bar++) {
        struct pci_bar *b = &function->bar[bar];
        if (b->kind == PCI_BAR_NONE || b->size == 0)
            continue;
        uint64_t address;
        bool wanted = bar_wanted(function, bar, &address);
        if (wanted == b->is_mapped && (!wanted || address == b->address))
            continue;
        if (b->is_mapped && b->map != NULL)
            b->map(function, bar, b->address, false);
        b->is_mapped = wanted;
        b->address = wanted ? address : 0;
        if (wanted && b->map != NULL)
            b->map(function, bar, address, true);
    }
}

void pci_bus_remap(struct pci_bus *bus) {
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        if (bus->function[devfn] != NULL)
            update_mappings(bus->function[devfn]);
    }
}

static struct pci_function *addressed(struct pci_bus *bus) {
    if ((bus->address & CONFADD_ENABLE) == 0 || (bus->address >> 16 & 0xff) != 0)
        return NULL;
    return bus->function[bus->address >> 8 & 0xff];
}

static uint32_t data_read(void *opaque, uint16_t port, unsigned size) {
    struct pci_bus *bus = opaque;
    const struct pci_function *function = addressed(bus);
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned lane = (port & 3) + i;
        unsigned byte = 0xff;
        if (function != NULL && lane < 4)
            byte = function->config[(bus->address & 0xfc) + lane];
        value |= (uint32_t)byte << 8 * i;
    }
    return value;
}

static void data_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pci_bus *bus = opaque;
    struct pci_function *function = addressed(bus);
    if (function == NULL)
        return;
    unsigned first = (bus->address & 0xfc) + (port & 3);
    if ((port & 3) + size > 4)
        size = 4 - (port & 3);
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        uint8_t *config = &function->config[first + i];
        uint8_t mask = function->write_mask[first + i];
        uint8_t clear = byte & function->write_1_clear[first + i];
        *config = (uint8_t)(((*config & ~mask) | (byte & mask)) & ~clear);
    }
    if (first < CONFIG_LINE)
        update_mappings(function);
    if (function->config_written != NULL)
        function->config_written(function, first, size);
}

static uint32_t address_read(void *opaque, uint16_t port, unsigned size) {
    struct pci_bus *bus = opaque;
    /* CONFADD exists for dword accesses only; narrower ones belong to the ISA bus. */
    return size == 4 && (port & 3) == 0 ? bus->address : UINT32_MAX;
}

static void address_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pci_bus *bus = opaque;
    if (size == 4 && (port & 3) == 0)
        bus->address = value & 0x80fffffc;
}

static const struct port_ops address_ops = {"pci-address", address_read, address_write, 4};
static const struct port_ops data_ops = {"pci-data", data_read, data_write, 4};

/* One function's INTx# changed; `number` is its devfn. Several functions share a PIRQ: its level
   is the OR of theirs. */
static void intx_changed(void *opaque, unsigned number, bool level) {
    struct pci_bus *bus = opaque;
    unsigned devfn = number & 0xff;
    const struct pci_function *function = bus->function[devfn];
    if (function == NULL || function->config[0x3d] == 0 || bus->intx_level[devfn] == level)
        return;
    bus->intx_level[devfn] = level;
    unsigned pin = function->config[0x3d] - 1u;
    unsigned pirq = ((devfn >> 3) + pin - 1) & 3;
    unsigned before = bus->asserted[pirq];
    bus->asserted[pirq] = (uint16_t)(level ? before + 1 : before - 1);
    if ((before == 0) != (bus->asserted[pirq] == 0))
        irq_set(&bus->pirq[pirq], bus->asserted[pirq] != 0);
}

void pci_bus_init(struct pci_bus *bus, struct port_map *ports, const struct irq_line pirq[4]) {
    memset(bus, 0, sizeof(*bus));
    memcpy(bus->pirq, pirq, sizeof(bus->pirq));
    port_map_add(ports, 0xcf8, 4, &address_ops, bus);
    port_map_add(ports, 0xcfc, 4, &data_ops, bus);
}

static void describe_bar(struct pci_function *function, unsigned bar) {
    const struct pci_bar *b = &function->bar[bar];
    if (b->kind == PCI_BAR_NONE || b->size == 0)
        return;
    unsigned offset = bar_offset(bar);
    uint32_t mask = ~(b->size - 1);
    uint32_t flags = 0;
    if (bar == PCI_ROM_BAR)
        mask |= 1;
    else if (b->kind == PCI_BAR_IO)
        flags = 1;
    else if (b->prefetchable)
        flags = 8;
    store_le32(function->config + offset, flags);
    store_le32(function->write_mask + offset, mask);
}

void pci_bus_add(struct pci_bus *bus, struct pci_function *function, uint8_t devfn) {
    function->devfn = devfn;
    function->intx = (struct irq_line){intx_changed, bus, devfn};
    bus->function[devfn] = function;
    /* I/O, memory, bus master, parity, SERR#; SeaBIOS and every driver write these. */
    store_le16(function->write_mask + CONFIG_COMMAND, 0x0147);
    function->write_1_clear[0x07] |= 0xf9;
    function->write_mask[0x0c] = 0xff;
    function->write_mask[0x0d] = 0xf8;
    function->write_mask[CONFIG_LINE] = 0xff;
    for (unsigned bar = 0; bar <= PCI_ROM_BAR; bar++)
        describe_bar(function, bar);
}

static void pci_bus_reset(void *device) {
    struct pci_bus *bus = device;
    bus->address = 0;
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        struct pci_function *function = bus->function[devfn];
        if (function == NULL)
            continue;
        intx_changed(bus, devfn, false);
        uint8_t *command = function->config + CONFIG_COMMAND;
        store_le16(command, load_le16(command) & (uint16_t)~load_le16(function->write_mask + 4));
        function->config[0x0c] = function->config[0x0d] = function->config[CONFIG_LINE] = 0;
        for (unsigned bar = 0; bar <= PCI_ROM_BAR; bar++)
            describe_bar(function, bar);
        update_mappings(function);
    }
}

static const struct state_field fields[] = {
    FIELD(pci_bus, address, 1),  FIELD(pci_bus, intx_level, 1),
    FIELD(pci_bus, asserted, 1), NOT_SAVED(pci_bus, function), /* each chip saves its own */
    NOT_SAVED(pci_bus, pirq),
};
const struct state_table pci_bus_state = STATE_TABLE(pci_bus, fields);
const struct device_class pci_bus_class = {"pci_bus", pci_bus_reset, &pci_bus_state};
