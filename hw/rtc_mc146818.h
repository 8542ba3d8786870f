/*
 * The MC146818 real-time clock with the 128 bytes of CMOS memory of a PC behind ports 70h/71h, an
 * optional second bank of 128 bytes behind 72h/73h, and the NMI mask bit of port 70h.
 *
 * Source: Motorola MC146818A data sheet; PIIX3 data sheet, "Real Time Clock Registers".
 */
#ifndef HW_RTC_MC146818_H
#define HW_RTC_MC146818_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdbool.h>
#include <stdint.h>

#define RTC_BANK_BYTES 128

struct rtc_mc146818 {
    uint8_t cmos[2 * RTC_BANK_BYTES]; /* time bytes are stale while the clock runs */
    int64_t base_seconds;             /* time of day (seconds since 1970) at base_ns */
    uint64_t base_ns;
    int64_t checked_seconds; /* updates up to this one have set their flags */
    uint64_t checked_ticks;  /* periodic ticks up to this one have set theirs */
    uint32_t backlog;        /* periodic interrupts that the guest is still owed */
    uint8_t weekday_offset;  /* days that the guest's weekday is ahead of the calendar's */
    uint8_t index[2];        /* register selected in each bank */
    bool nmi_masked;
    bool is_stopped; /* divider held in reset, or SET: time does not pass */
    bool irq_level;
    bool has_second_bank;
    struct clock *clock;
    struct clock_timer timer;
    struct irq_line irq8;
    struct irq_line nmi_mask;
};

/**
 * Claim 70h-71h (and 72h-73h with a second bank).
 *
 * @seconds   wall clock time that the guest shall see now, in seconds since 1970
 * @nmi_mask  driven with bit 7 of port 70h (true: NMI is masked)
 */
void rtc_mc146818_init(struct rtc_mc146818 *rtc, struct port_map *ports, struct clock *clock,
                       struct irq_line irq8, struct irq_line nmi_mask, int64_t seconds,
                       bool has_second_bank);

/** Set or get a CMOS byte (index 0-255) as the firmware's set-up does; no side effects. */
void rtc_mc146818_set(struct rtc_mc146818 *rtc, unsigned index, uint8_t value);
uint8_t rtc_mc146818_get(struct rtc_mc146818 *rtc, unsigned index);

extern const struct state_table rtc_mc146818_state;
extern const struct device_class rtc_mc146818_class;

#endif
