/*
 * The 8254 interval timer of a PC with port 61h, which gates counter 2 and the loudspeaker.
 * Counter 0 drives IRQ 0, counter 1 refreshes memory, counter 2 makes sound. All counts follow
 * from clock_now(); only counter 0 needs a clock timer, for the edges of IRQ 0.
 *
 * Source: Intel 8254 data sheet; PIIX3 data sheet, "NMI Status and Control Register".
 */
#ifndef HW_PIT_I8254_H
#define HW_PIT_I8254_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdbool.h>
#include <stdint.h>

#define PIT_HZ UINT32_C(1193182)

/* "Clock" below is a cycle of the 1.193182 MHz input, counted since reset. */
struct pit_i8254_counter {
    uint64_t clock;      /* the members below are true for this clock */
    uint64_t rises;      /* rising edges of OUT since reset */
    uint32_t count;      /* counting element; in mode 3: clocks left of the half period */
    uint32_t period;     /* initial count that the counting element was loaded with */
    uint32_t reload;     /* count register; 1..65536 (10000 in BCD) */
    uint16_t latched;    /* output latch */
    uint8_t latch_bytes; /* bytes of it still to be read */
    uint8_t status;      /* latched status byte */
    uint8_t mode;        /* 0..5 */
    uint8_t access;      /* 1: low byte, 2: high byte, 3: low then high */
    uint8_t write_low;   /* low byte of a write in two parts */
    bool is_bcd;
    bool status_is_latched;
    bool read_high_next, write_high_next;
    bool null_count;      /* the count register has not reached the counting element yet */
    bool load_next_clock; /* the next clock loads the counting element */
    bool is_loaded;       /* the counting element was loaded since the control word */
    bool is_armed;        /* one-shot modes: terminal count is still to come */
    bool is_strobing;     /* modes 2, 4 and 5: OUT is low for one clock */
    bool gate, out;
};

struct pit_i8254 {
    struct pit_i8254_counter counter[3];
    uint8_t port61;            /* bits 0-3 as written */
    uint64_t delivered_rises;  /* rising edges of counter 0 seen by IRQ 0 or given up */
    uint64_t backlog;          /* late edges still to be made up for */
    uint32_t catch_up_divisor; /* one late edge every 1/divisor period; 0: drop late edges */
    uint32_t catch_up_limit;   /* the longest backlog */
    struct clock *clock;
    struct clock_timer timer;
    struct irq_line irq0;
};

/** Claim 40h-43h and 61h. */
void pit_i8254_init(struct pit_i8254 *pit, struct port_map *ports, struct clock *clock,
                    struct irq_line irq0);

/**
 * What happens to edges that came late (-clock host). By default one is made up for every quarter
 * of a period and at most 1000 wait. Under -clock icount none is ever late.
 */
void pit_i8254_set_catch_up(struct pit_i8254 *pit, uint32_t divisor, uint32_t limit);

/** True when the loudspeaker sounds; *half_period_ns is then the length of half a wave. */
bool pit_i8254_speaker(struct pit_i8254 *pit, uint64_t *half_period_ns);

extern const struct state_table pit_i8254_state;
extern const struct device_class pit_i8254_class;

#endif
