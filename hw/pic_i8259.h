/*
 * The two cascaded 8259A interrupt controllers of a PC with the edge/level control registers of
 * the PIIX. Main entry points: pic_i8259_line for devices, pic_i8259_acknowledge for the CPU.
 *
 * Source: Intel 8259A data sheet; PIIX3 data sheet, "Interrupt Controller".
 */
#ifndef HW_PIC_I8259_H
#define HW_PIC_I8259_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdbool.h>
#include <stdint.h>

/** One 8259A. Masks have one bit for each input, bit 0 for IR0. */
struct pic_i8259_chip {
    uint8_t lines;         /* levels of the inputs */
    uint8_t irr, isr, imr; /* requested, in service, masked */
    uint8_t elcr;          /* level-triggered inputs */
    uint8_t vector_base;
    uint8_t lowest;     /* input that has the lowest priority now */
    uint8_t next_icw;   /* initialisation word expected at the odd port: 2, 3, 4; 0: none */
    uint8_t icw1, icw4; /* as written */
    uint8_t cascade;    /* ICW3 */
    bool rotate_on_auto_eoi;
    bool special_mask;
    bool poll;     /* the next read is an acknowledge */
    bool read_isr; /* even port reads ISR instead of IRR */
};

struct pic_i8259 {
    struct pic_i8259_chip chip[2]; /* master, slave */
    bool intr;                     /* level of the INTR output */
    struct irq_line intr_line;
};

/** Claim 20h-21h, A0h-A1h, 4D0h-4D1h. `intr` goes to the CPU (or its local APIC). */
void pic_i8259_init(struct pic_i8259 *pic, struct port_map *ports, struct irq_line intr);

/** The line for IRQ 0-15 (2 is the cascade: not for devices). */
struct irq_line pic_i8259_line(struct pic_i8259 *pic, unsigned irq);

/**
 * Interrupt acknowledge cycle.
 * @return the vector, 0-255; that of IRQ 7 or 15 when the request has gone away ("spurious")
 */
uint8_t pic_i8259_acknowledge(struct pic_i8259 *pic);

extern const struct state_table pic_i8259_state;
extern const struct device_class pic_i8259_class;

#endif
