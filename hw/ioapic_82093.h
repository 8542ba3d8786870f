/*
 * The 82093AA I/O APIC: 24 interrupt inputs at FEC00000h that become messages on the apic_bus.
 * Lines carry "requested or not"; the polarity bits of the entries are kept and have no effect.
 *
 * Source: Intel 82093AA data sheet.
 */
#ifndef HW_IOAPIC_82093_H
#define HW_IOAPIC_82093_H

#include "hw/core/apic_bus.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>

#define IOAPIC_PINS 24
#define IOAPIC_BASE UINT32_C(0xfec00000)

struct ioapic_82093 {
    uint64_t entry[IOAPIC_PINS]; /* redirection table */
    uint32_t lines;              /* level of each pin */
    uint32_t waiting;            /* edges that came and were not delivered yet */
    uint8_t index;               /* register select */
    uint8_t id;
    struct apic_bus *bus;
};

/** Map the registers at IOAPIC_BASE and listen for ends of interrupt. */
void ioapic_82093_init(struct ioapic_82093 *ioapic, struct physmem *physmem, struct apic_bus *bus,
                       uint8_t id);

/** The line for pin 0-23. */
struct irq_line ioapic_82093_line(struct ioapic_82093 *ioapic, unsigned pin);

extern const struct state_table ioapic_82093_state;
extern const struct device_class ioapic_82093_class;

#endif
