/* Both ATA channels with a disk and a CD-ROM, and the bus master at fixed ports. */
#include "hw/block/ide_channel.h"
#include "hw/block/piix3_ide.h"
#include "hw/pci/pci_bus.h"
#include "softmmu/base/bits.h"
#include "tests/fuzz/fuzz_image.h"
#include "tests/support/port_fuzz.h"

struct chips {
    struct ide_channel channel[2];
    struct piix3_ide function;
    struct pci_bus bus;
    struct disk_image *disk, *disc;
    struct physmem *physmem;
};

static void *create(struct port_fuzz *machine) {
    struct chips *chips = calloc(1, sizeof(*chips));
    struct irq_line nobody = {0}, pirq[4] = {{0}};
    chips->disk = fuzz_image(500);
    chips->disc = fuzz_image(400);
    chips->physmem = machine->physmem;
    if (chips->disk == NULL || chips->disc == NULL)
        abort();
    for (unsigned i = 0; i < 2; i++)
        ide_channel_init(&chips->channel[i], i, machine->ports, machine->time.clock, &nobody);
    ide_channel_attach_disk(&chips->channel[0], 0, chips->disk);
    ide_channel_attach_cdrom(&chips->channel[0], 1, chips->disc);
    ide_channel_attach_cdrom(&chips->channel[1], 1, NULL);
    pci_bus_init(&chips->bus, machine->ports, pirq);
    piix3_ide_init(&chips->function, machine->ports, machine->physmem, &chips->channel[0],
                   &chips->channel[1]);
    pci_bus_add(&chips->bus, &chips->function.pci, 0x09);
    port_map_write(machine->ports, 0xcf8, 4, 0x80000920);
    port_map_write(machine->ports, 0xcfc, 4, 0xc000);
    port_map_write(machine->ports, 0xcf8, 4, 0x80000904);
    port_map_write(machine->ports, 0xcfc, 2, 5);
    return chips;
}

static void destroy(void *chip) {
    struct chips *chips = chip;
    disk_image_close(chips->disk);
    disk_image_close(chips->disc);
    free(chips);
}

/* Fill descriptors, or send a packet that has the wanted opcode, which blind bytes seldom do. */
static void poke(void *chip, uint8_t what, uint32_t value) {
    struct chips *chips = chip;
    if (what & 1) {
        physmem_dma_write(chips->physmem, what & 0xf8, &value, sizeof(value));
    } else {
        static const uint8_t opcodes[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25,
                                          0x28, 0x2b, 0x42, 0x43, 0x46, 0x4a, 0x51,
                                          0x5a, 0xa8, 0xb9, 0xbb, 0xbd, 0xbe};
        struct ide_drive *drive = &chips->channel[what >> 1 & 1].drive[1];
        if (drive->phase != IDE_PACKET)
            return;
        memset(drive->packet, (int)(value >> 8), sizeof(drive->packet));
        drive->packet[0] = opcodes[value % ARRAY_SIZE(opcodes)];
        drive->packet[9] = (uint8_t)(value >> 16);
        drive->packet_at = IDE_PACKET_BYTES;
        atapi_execute(drive);
    }
}

static const struct port_fuzz_range ranges[] = {
    {.first = 0x1f0, .count = 8}, {.first = 0x170, .count = 8},   {.first = 0x3f6, .count = 1},
    {.first = 0x376, .count = 1}, {.first = 0xc000, .count = 16}, {.first = 0x1f7, .count = 1},
};
static const struct port_fuzz_target target = {.name = "ide",
                                               .create = create,
                                               .destroy = destroy,
                                               .poke = poke,
                                               .ranges = ranges,
                                               .range_count = ARRAY_SIZE(ranges),
                                               .longest_step_ns = 200000};

PORT_FUZZ(ide, target)
