/*
 * The high precision event timer: a 100 MHz counter and three comparators, at FED00000h.
 *
 * Source: Intel, "IA-PC HPET Specification" 1.0a.
 */
#ifndef HW_HPET_H
#define HW_HPET_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>

#define HPET_TIMERS    3
#define HPET_PINS      24
#define HPET_BASE      UINT32_C(0xfed00000)
#define HPET_PERIOD_NS 10

/* Where interrupts go. `legacy` is true while timers 0 and 1 take the place of the 8254 on IRQ 0
   and of the clock on IRQ 8, which the machine must then cut off. */
struct hpet_wiring {
    struct irq_line pins[HPET_PINS]; /* inputs of the I/O APIC */
    struct irq_line irq0, irq8;      /* used in legacy replacement mode */
    struct irq_line legacy;
    uint32_t route_capability; /* pins that the guest may choose, one bit each */
};

struct hpet_timer {
    uint64_t config; /* writable bits of the configuration register */
    uint64_t comparator;
    uint64_t period; /* periodic mode: what is added at each match */
};

struct hpet {
    struct hpet_timer timer[HPET_TIMERS];
    uint64_t config;  /* bit 0 run, bit 1 legacy replacement */
    uint64_t status;  /* level-triggered interrupts that are active */
    uint64_t counter; /* main counter while stopped; else its value at start_ns */
    uint64_t start_ns;
    struct clock *clock;
    struct clock_timer clock_timer[HPET_TIMERS];
    struct hpet_wiring wiring;
};

/** Map the registers at HPET_BASE. */
void hpet_init(struct hpet *hpet, struct physmem *physmem, struct clock *clock,
               const struct hpet_wiring *wiring);

extern const struct state_table hpet_state;
extern const struct device_class hpet_class;

#endif
