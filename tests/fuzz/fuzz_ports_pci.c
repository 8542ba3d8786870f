/* The chipset: configuration space, PAM, interrupt routing and power management. */
#include "hw/pci/i440fx.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "softmmu/base/bits.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct chips {
    struct pci_bus bus;
    struct i440fx host;
    struct piix3 isa;
    struct piix4_pm pm;
};

static void *create(struct port_fuzz *machine) {
    struct chips *chips = calloc(1, sizeof(*chips));
    struct irq_line nobody = {0}, isa[16] = {{0}}, pirq[4];
    if (chips == NULL)
        abort();
    for (unsigned i = 0; i < 4; i++)
        pirq[i] = piix3_pirq(&chips->isa, i);
    pci_bus_init(&chips->bus, machine->ports, pirq);
    i440fx_init(&chips->host, machine->physmem);
    piix3_init(&chips->isa, machine->ports, isa, &nobody);
    piix4_pm_init(&chips->pm, machine->ports, machine->time.clock, &nobody, &nobody, &nobody, 1);
    pci_bus_add(&chips->bus, &chips->host.pci, 0x00);
    pci_bus_add(&chips->bus, &chips->isa.pci, 0x08);
    pci_bus_add(&chips->bus, &chips->pm.pci, 0x0b);
    return chips;
}

static void destroy(void *chip) {
    free(chip);
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct chips *chips = chip;
    static const uint8_t devfns[] = {0x00, 0x08, 0x0b, 0x20};
    if (what & 1)
        piix4_pm_power_button(&chips->pm);
    else
        chips->bus.address = 0x80000000 | (uint32_t)devfns[what >> 1 & 3] << 8 | (value & 0xfc);
}

static const struct port_fuzz_range ranges[] = {
    {.first = 0xcf8, .count = 8}, {.first = 0xcfc, .count = 4},  {.first = 0xb000, .count = 64},
    {.first = 0xb2, .count = 2},  {.first = 0xafe0, .count = 4}, {.first = 0xae00, .count = 0x120},
};
static const struct port_fuzz_target target = {.name = "pci",
                                               .create = create,
                                               .destroy = destroy,
                                               .poke = poke,
                                               .ranges = ranges,
                                               .range_count = ARRAY_SIZE(ranges)};

PORT_FUZZ(pci, target)
