/* The VGA: ports, DISPI, window and register BAR; text dumps in between. */
#include "hw/display/vga_regs.h"
#include "hw/pci/pci_bus.h"
#include "softmmu/base/bits.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct chips {
    struct vga vga;
    struct pci_bus bus;
    FILE *nowhere;
};

static void *create(struct port_fuzz *machine) {
    static const uint8_t rom[4096] = {0x55, 0xaa};
    struct chips *chips = calloc(1, sizeof(*chips));
    struct irq_line pirq[4] = {{0}};
    chips->nowhere = fopen("/dev/null", "w");
    if (chips->nowhere == NULL ||
        !vga_init(&chips->vga, machine->ports, machine->physmem, machine->time.clock))
        abort();
    vga_add_pci(&chips->vga, rom, sizeof(rom));
    pci_bus_init(&chips->bus, machine->ports, pirq);
    pci_bus_add(&chips->bus, &chips->vga.pci, 0x10);
    port_map_write(machine->ports, 0xcf8, 4, 0x80001018);
    port_map_write(machine->ports, 0xcfc, 4, 0xfebf0000);
    port_map_write(machine->ports, 0xcf8, 4, 0x80001004);
    port_map_write(machine->ports, 0xcfc, 2, 3);
    return chips;
}

static void destroy(void *chip) {
    struct chips *chips = chip;
    fclose(chips->nowhere);
    free(chips);
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct chips *chips = chip;
    if ((what & 15) == 0)
        vga_text_dump(&chips->vga, chips->nowhere);
}

static const struct port_fuzz_range ranges[] = {
    {.first = 0x3b4, .count = 39},
    {.first = 0x1ce, .count = 4},
    {.first = 0x1ce, .count = 2, .sizes = 2},
    {.is_memory = true, .first = 0xa0000, .count = 0x20000},
    {.is_memory = true, .first = 0xfebf0000, .count = 0x1000},
};
static const struct port_fuzz_target target = {.name = "vga",
                                               .create = create,
                                               .destroy = destroy,
                                               .poke = poke,
                                               .ranges = ranges,
                                               .range_count = ARRAY_SIZE(ranges)};

PORT_FUZZ(vga, target)
