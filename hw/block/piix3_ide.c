/*
 * PIIX3 IDE function.
 * Source: Intel 82371SB data sheet (290550), "IDE Configuration Registers". The decode-enable
 * bits of IDETIM are kept but do not gate the legacy ports: firmware sets them before use.
 */
#include "hw/block/piix3_ide.h"

#include "hw/block/ide_channel.h"

#include <string.h>

static uint32_t port_read(void *opaque, uint16_t port, unsigned size) {
    struct piix3_ide *ide = opaque;
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned offset = (port - ide->base + i) & 15;
        value |= (uint32_t)ide_bus_master_read(&ide->master[offset >> 3], offset) << 8 * i;
    }
    return value;
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct piix3_ide *ide = opaque;
    for (unsigned i = 0; i < size; i++) {
        unsigned offset = (port - ide->base + i) & 15;
        ide_bus_master_write(&ide->master[offset >> 3], offset, (uint8_t)(value >> 8 * i));
    }
}

static const struct port_ops ops = {"ide-bus-master", port_read, port_write, 4};

static void map_bar(struct pci_function *function, unsigned bar, uint64_t address, bool enabled) {
    struct piix3_ide *ide = function->opaque;
    ide->base = (uint16_t)address;
    if (enabled)
        port_map_add(ide->ports, ide->base, 16, &ops, ide);
    else
        port_map_remove(ide->ports, ide->base, ide);
}

void piix3_ide_init(struct piix3_ide *ide, struct port_map *ports, struct physmem *physmem,
                    struct ide_channel *primary, struct ide_channel *secondary) {
    memset(ide, 0, sizeof(*ide));
    ide->ports = ports;
    ide_bus_master_init(&ide->master[0], physmem, primary);
    ide_bus_master_init(&ide->master[1], physmem, secondary);
    struct pci_function *pci = &ide->pci;
    pci->opaque = ide;
    pci_function_identify(pci, 0x8086, 0x7010, 0, 0x010180, 0);
    pci->config[0x06] = 0x80;
    pci->config[0x07] = 0x02;
    memset(pci->write_mask + 0x40, 0xff, 5); /* IDETIM of both channels, SIDETIM */
    pci->bar[4] = (struct pci_bar){.kind = PCI_BAR_IO, .size = 16, .map = map_bar};
}

static void piix3_ide_reset(void *device) {
    struct piix3_ide *ide = device;
    memset(ide->pci.config + 0x40, 0, 5);
    for (unsigned i = 0; i < 2; i++)
        ide_bus_master_class.reset(&ide->master[i]);
}

static const struct state_field fields[] = {
    FIELD(piix3_ide, pci.config, 1), NOT_SAVED(piix3_ide, pci),
    NOT_SAVED(piix3_ide, master), /* ide_bus_master_class */
    NOT_SAVED(piix3_ide, base),   /* follows pci.config */
    NOT_SAVED(piix3_ide, ports),
};
const struct state_table piix3_ide_state = STATE_TABLE(piix3_ide, fields);
const struct device_class piix3_ide_class = {"piix3_ide", piix3_ide_reset, &piix3_ide_state};
