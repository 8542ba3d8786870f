/* Two local APICs, the I/O APIC and their bus: registers, pins, acknowledges, time. */
#include "hw/apic_local.h"
#include "hw/ioapic_82093.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct system {
    struct apic_bus bus;
    struct apic_local local[2];
    struct ioapic_82093 ioapic;
};

static void *create(struct port_fuzz *machine) {
    struct system *system = malloc(sizeof *system);
    struct apic_cpu cpu = {0};

    apic_bus_init(&system->bus);
    apic_local_init(&system->local[0], &system->bus, machine->time.clock, &cpu, 0, true);
    apic_local_init(&system->local[1], &system->bus, machine->time.clock, &cpu, 1, false);
    apic_local_map(&system->local[0], machine->physmem);
    ioapic_82093_init(&system->ioapic, machine->physmem, &system->bus, 2);
    return system;
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct system *system = chip;
    struct apic_local *apic = &system->local[what & 1];
    struct irq_line pin = ioapic_82093_line(&system->ioapic, value >> 1 & 31);

    switch (what >> 1 & 7) {
    case 0:
        apic_local_acknowledge(apic);
        break;
    case 1:
        apic_local_set_lint(apic, value >> 1 & 1, value & 1);
        break;
    case 2:
        apic_local_write(apic, (value >> 8 & 0xff) << 4, 4, value * UINT32_C(0x01010101));
        break;
    case 3:
        apic_local_read(apic, value & 0xfff, 4);
        break;
    case 4:
        apic_bus_write_message(&system->bus, value, value >> 16);
        break;
    case 5:
        apic_local_set_base(apic, value);
        break;
    default:
        irq_set(&pin, value & 1);
        break;
    }
}

static const struct port_fuzz_range ranges[] = {{true, APIC_LOCAL_BASE, 0x400, 4},
                                                {true, APIC_LOCAL_BASE, 0x400, 0xf},
                                                {true, IOAPIC_BASE, 0x50, 4}};

static const struct port_fuzz_target target = {
    .name = "apic",
    .create = create,
    .destroy = free,
    .poke = poke,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
    .longest_step_ns = UINT64_C(1000000),
};

PORT_FUZZ(apic, target)
