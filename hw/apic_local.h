/*
 * The local APIC of one CPU: the xAPIC of a Pentium 4, memory-mapped at FEE00000h. Interrupts come
 * from the apic_bus, from the timer and from the pins LINT0 (the 8259 pair) and LINT1 (NMI).
 *
 * Source: SDM vol. 3A, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef HW_APIC_LOCAL_H
#define HW_APIC_LOCAL_H

#include "hw/core/apic_bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>

#define APIC_TIMER_HZ     UINT32_C(100000000) /* the bus clock that the timer divides */
#define APIC_LOCAL_BASE   UINT32_C(0xfee00000)
#define APIC_LOCAL_BYTES  UINT32_C(0x1000)
#define APIC_BASE_BSP     UINT64_C(0x100) /* bits of the MSR IA32_APIC_BASE */
#define APIC_BASE_ENABLED UINT64_C(0x800)
#define APIC_LVT_COUNT    6

/* The CPU's side. All members may be NULL. */
struct apic_cpu {
    /** Level of the CPU's interrupt request; the vector comes from apic_local_acknowledge. */
    void (*set_intr)(void *opaque, bool level);
    void (*nmi)(void *opaque);
    void (*smi)(void *opaque);
    void (*init)(void *opaque);
    void (*sipi)(void *opaque, uint8_t vector);
    /** Interrupt acknowledge cycle of the 8259 pair. */
    uint8_t (*acknowledge_pic)(void *opaque);
    void *opaque;
};

struct apic_local {
    uint64_t base_msr;
    uint32_t irr[8], isr[8], tmr[8]; /* one bit per vector */
    uint32_t lvt[APIC_LVT_COUNT];    /* timer, thermal, performance, LINT0, LINT1, error */
    uint32_t svr, ldr, dfr, icr_low, icr_high;
    uint32_t timer_initial, timer_divide;
    uint8_t id, tpr;
    uint8_t esr, esr_new; /* as last latched by a write; collected since */
    bool lint[2];         /* levels of the pins */
    bool extint_message;  /* an ExtINT message from the bus waits */
    bool timer_is_running;
    bool intr;
    uint64_t timer_start; /* tick of the divided clock when the count was loaded */
    struct clock *clock;
    struct clock_timer timer;
    struct apic_bus *bus;
    struct apic_cpu cpu;
    struct physmem *physmem; /* where apic_local_map put it; NULL: nowhere */
    phys_region_id region;
};

/** `is_bsp`: the bootstrap processor, whose LINT pins work before anybody programs them. */
void apic_local_init(struct apic_local *apic, struct apic_bus *bus, struct clock *clock,
                     const struct apic_cpu *cpu, uint8_t id, bool is_bsp);

/** Map the registers at the address in the base MSR and follow the MSR. For machines with one
 *  CPU; others dispatch to apic_local_read/write by the CPU that makes the access. */
void apic_local_map(struct apic_local *apic, struct physmem *physmem);
uint64_t apic_local_read(void *apic, phys_addr offset, unsigned size);
void apic_local_write(void *apic, phys_addr offset, unsigned size, uint64_t value);

/** IA32_APIC_BASE. */
uint64_t apic_local_base(const struct apic_local *apic);
void apic_local_set_base(struct apic_local *apic, uint64_t value);

/** Level of pin LINT0 (pin 0, INTR of the 8259 pair) or LINT1 (pin 1, NMI). */
void apic_local_set_lint(struct apic_local *apic, unsigned pin, bool level);

/** Interrupt acknowledge cycle: the vector, or -1 when nothing is requested any more. */
int apic_local_acknowledge(struct apic_local *apic);

/** Task priority as CR8 shows it (0-15), for 64-bit mode. */
uint8_t apic_local_task_priority(const struct apic_local *apic);
void apic_local_set_task_priority(struct apic_local *apic, uint8_t priority);

extern const struct state_table apic_local_state;
extern const struct device_class apic_local_class;

#endif
