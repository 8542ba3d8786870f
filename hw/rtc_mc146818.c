/*
 * The clock is a base time plus virtual time; its registers are computed when they are read. A
 * clock timer runs only while an interrupt is enabled; flags of register C that nobody waits for
 * are brought up to date when the register is read.
 *
 * Daylight saving (bit DSE) is ignored: its dates are those of a law repealed in 1987.
 */
#include "hw/rtc_mc146818.h"

#include <string.h>

enum rtc_register {
    SECONDS,
    SECONDS_ALARM,
    MINUTES,
    MINUTES_ALARM,
    HOURS,
    HOURS_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    REGISTER_A,
    REGISTER_B,
    REGISTER_C,
    REGISTER_D,
    CENTURY = 0x32
};

#define A_UPDATE_IN_PROGRESS 0x80
#define A_DIVIDER            0x70
#define A_DIVIDER_RESET      0x60 /* and 70h */
#define A_RATE               0x0f

#define B_SET    0x80
#define B_PIE    0x40
#define B_AIE    0x20
#define B_UIE    0x10
#define B_SQWE   0x08
#define B_BINARY 0x04
#define B_24H    0x02

#define C_IRQ      0x80
#define C_PERIODIC 0x40
#define C_ALARM    0x20
#define C_UPDATE   0x10

#define D_VALID 0x80

#define DONT_CARE 0xc0 /* both bits set in an alarm register */

#define OSCILLATOR_HZ UINT32_C(32768)

/* An update takes 1984 us and is announced 244 us ahead. Here it ends at the turn of the second. */
#define UPDATE_NS UINT64_C(2228000)

#define BACKLOG_LIMIT 64
#define SECONDS_A_DAY INT64_C(86400)

struct date {
    unsigned second, minute, hour; /* 24 hours */
    unsigned weekday;              /* 0 is Sunday */
    unsigned day, month;           /* from 1 */
    int64_t year;
};

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years from March on. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static int64_t floor_divide(int64_t value, int64_t by) {
    int64_t quotient = value / by;

    return value % by < 0 ? quotient - 1 : quotient;
}

static struct date date_from_seconds(int64_t seconds) {
    struct date date;
    int64_t days = floor_divide(seconds, SECONDS_A_DAY);
    unsigned rest = (unsigned)(seconds - days * SECONDS_A_DAY);
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    date.second = rest % 60;
    date.minute = rest / 60 % 60;
    date.hour = rest / 3600;
    date.weekday = (unsigned)(((days + 4) % 7 + 7) % 7);
    date.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (unsigned)(month < 10 ? month + 3 : month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

static uint8_t encode(const struct rtc_mc146818 *rtc, unsigned value) {
    if (rtc->cmos[REGISTER_B] & B_BINARY)
        return (uint8_t)value;
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static unsigned decode(const struct rtc_mc146818 *rtc, uint8_t value) {
    if (rtc->cmos[REGISTER_B] & B_BINARY)
        return value;
    return (value >> 4) * 10u + (value & 15u);
}

static uint8_t encode_hour(const struct rtc_mc146818 *rtc, unsigned hour) {
    unsigned twelve = hour % 12 != 0 ? hour % 12 : 12;

    if (rtc->cmos[REGISTER_B] & B_24H)
        return encode(rtc, hour);
    return encode(rtc, twelve) | (hour >= 12 ? 0x80 : 0);
}

static unsigned decode_hour(const struct rtc_mc146818 *rtc, uint8_t value) {
    if (rtc->cmos[REGISTER_B] & B_24H)
        return decode(rtc, value);
    return decode(rtc, value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

static int64_t seconds_at(const struct rtc_mc146818 *rtc, uint64_t ns) {
    if (rtc->is_stopped || ns < rtc->base_ns)
        return rtc->base_seconds;
    return rtc->base_seconds + (int64_t)((ns - rtc->base_ns) / NS_PER_SECOND);
}

static uint64_t ns_of_second(const struct rtc_mc146818 *rtc, int64_t seconds) {
    return rtc->base_ns + (uint64_t)(seconds - rtc->base_seconds) * NS_PER_SECOND;
}

/* Bring the time registers up to date. */
static void refresh_registers(struct rtc_mc146818 *rtc, uint64_t now) {
    struct date date;

    if (rtc->is_stopped)
        return;
    date = date_from_seconds(seconds_at(rtc, now));
    rtc->cmos[SECONDS] = encode(rtc, date.second);
    rtc->cmos[MINUTES] = encode(rtc, date.minute);
    rtc->cmos[HOURS] = encode_hour(rtc, date.hour);
    rtc->cmos[WEEKDAY] = encode(rtc, (date.weekday + rtc->weekday_offset) % 7 + 1);
    rtc->cmos[DAY] = encode(rtc, date.day);
    rtc->cmos[MONTH] = encode(rtc, date.month);
    rtc->cmos[YEAR] = encode(rtc, (unsigned)(date.year % 100));
    /* The chip knows no century: PC firmware keeps it here, always in BCD. */
    rtc->cmos[CENTURY] = (uint8_t)(date.year / 1000 % 10 << 4 | date.year / 100 % 10);
}

/* Take the time from the registers. The fraction of the running second stays. */
static void take_registers(struct rtc_mc146818 *rtc, uint64_t now) {
    unsigned century = (rtc->cmos[CENTURY] >> 4) * 10u + (rtc->cmos[CENTURY] & 15u);
    unsigned month = decode(rtc, rtc->cmos[MONTH]);
    int64_t year = (int64_t)century * 100 + decode(rtc, rtc->cmos[YEAR]);
    int64_t days;
    unsigned weekday;

    month = month < 1 ? 1 : month > 12 ? 12 : month;
    days = days_from_date(year, month, decode(rtc, rtc->cmos[DAY]));
    rtc->base_seconds = days * SECONDS_A_DAY + decode_hour(rtc, rtc->cmos[HOURS]) * INT64_C(3600) +
                        decode(rtc, rtc->cmos[MINUTES]) * INT64_C(60) +
                        decode(rtc, rtc->cmos[SECONDS]);
    if (now >= rtc->base_ns)
        rtc->base_ns = now - (now - rtc->base_ns) % NS_PER_SECOND;
    weekday = (unsigned)(((floor_divide(rtc->base_seconds, SECONDS_A_DAY) + 4) % 7 + 7) % 7);
    rtc->weekday_offset = (uint8_t)((decode(rtc, rtc->cmos[WEEKDAY]) + 6 + 7 - weekday) % 7);
    rtc->checked_seconds = rtc->base_seconds;
}

static uint64_t first_ns_of_tick(uint64_t tick) {
    uint64_t ns = clock_scale(tick, (uint32_t)NS_PER_SECOND, OSCILLATOR_HZ);

    return clock_scale(ns, OSCILLATOR_HZ, (uint32_t)NS_PER_SECOND) < tick ? ns + 1 : ns;
}

/* Oscillator ticks between periodic interrupts; 0: none. */
static uint64_t periodic_ticks(const struct rtc_mc146818 *rtc) {
    unsigned rate = rtc->cmos[REGISTER_A] & A_RATE;

    if (rate == 0 || (rtc->cmos[REGISTER_A] & A_DIVIDER) >= A_DIVIDER_RESET)
        return 0;
    return UINT64_C(1) << (rate <= 2 ? rate + 6 : rate - 1);
}

static bool alarm_field_matches(uint8_t alarm, uint8_t now) {
    return (alarm & DONT_CARE) == DONT_CARE || alarm == now;
}

/* The first second from `from` on that matches the alarm, within a day; -1: none. Skips hours and
   minutes that do not match, so it takes a few hundred rounds at most. */
static int64_t next_alarm(const struct rtc_mc146818 *rtc, int64_t from) {
    int64_t at = from;

    while (at <= from + SECONDS_A_DAY) {
        int64_t of_day = at - floor_divide(at, SECONDS_A_DAY) * SECONDS_A_DAY;
        unsigned hour = (unsigned)(of_day / 3600), minute = (unsigned)(of_day / 60 % 60);
        if (!alarm_field_matches(rtc->cmos[HOURS_ALARM], encode_hour(rtc, hour)))
            at += 3600 - of_day % 3600;
        else if (!alarm_field_matches(rtc->cmos[MINUTES_ALARM], encode(rtc, minute)))
            at += 60 - of_day % 60;
        else if (!alarm_field_matches(rtc->cmos[SECONDS_ALARM],
                                      encode(rtc, (unsigned)(of_day % 60))))
            at++;
        else
            return at;
    }
    return -1;
}

static void update_irq(struct rtc_mc146818 *rtc) {
    uint8_t *c = &rtc->cmos[REGISTER_C];
    bool level = (*c & rtc->cmos[REGISTER_B] & (C_PERIODIC | C_ALARM | C_UPDATE)) != 0;

    *c = (uint8_t)((*c & ~C_IRQ) | (level ? C_IRQ : 0));
    if (level != rtc->irq_level) {
        rtc->irq_level = level;
        irq_set(&rtc->irq8, level);
    }
}

/* Set the flags of everything that happened up to `now`. */
static void catch_up(struct rtc_mc146818 *rtc, uint64_t now) {
    uint64_t period = periodic_ticks(rtc);
    uint64_t ticks = clock_scale(now, OSCILLATOR_HZ, (uint32_t)NS_PER_SECOND);
    int64_t seconds = seconds_at(rtc, now);

    if (period != 0 && ticks / period != rtc->checked_ticks / period) {
        uint64_t missed = ticks / period - rtc->checked_ticks / period - 1;
        if (rtc->cmos[REGISTER_B] & B_PIE)
            rtc->backlog += missed < BACKLOG_LIMIT ? (uint32_t)missed : BACKLOG_LIMIT;
        if (rtc->backlog > BACKLOG_LIMIT)
            rtc->backlog = BACKLOG_LIMIT;
        rtc->cmos[REGISTER_C] |= C_PERIODIC;
    }
    rtc->checked_ticks = ticks;
    if (!rtc->is_stopped && seconds > rtc->checked_seconds) {
        int64_t alarm = next_alarm(rtc, rtc->checked_seconds + 1);
        rtc->cmos[REGISTER_C] |= C_UPDATE;
        if (alarm >= 0 && alarm <= seconds)
            rtc->cmos[REGISTER_C] |= C_ALARM;
    }
    rtc->checked_seconds = seconds;
    update_irq(rtc);
}

static void schedule(struct rtc_mc146818 *rtc) {
    uint64_t deadline = CLOCK_NEVER;
    uint64_t period = periodic_ticks(rtc);
    uint8_t b = rtc->cmos[REGISTER_B];

    if ((b & B_PIE) && period != 0) {
        uint64_t next = (rtc->checked_ticks / period + 1) * period;
        deadline = first_ns_of_tick(next);
    }
    if (!rtc->is_stopped && (b & (B_UIE | B_AIE))) {
        int64_t second = rtc->checked_seconds + 1;
        if (!(b & B_UIE))
            second = next_alarm(rtc, second);
        if (second >= 0 && ns_of_second(rtc, second) < deadline)
            deadline = ns_of_second(rtc, second);
    }
    clock_timer_set(&rtc->timer, deadline);
}

static void timer_expired(void *opaque) {
    struct rtc_mc146818 *rtc = opaque;

    catch_up(rtc, clock_now(rtc->clock));
    schedule(rtc);
}

static bool is_time_register(unsigned index) {
    return (index <= YEAR && index != SECONDS_ALARM && index != MINUTES_ALARM &&
            index != HOURS_ALARM) ||
           index == CENTURY;
}

/* The clock stands still while SET is on or the divider is held in reset. */
static void start_or_stop(struct rtc_mc146818 *rtc, uint64_t now, bool divider_was_reset) {
    bool divider_reset = (rtc->cmos[REGISTER_A] & A_DIVIDER) >= A_DIVIDER_RESET;
    bool stop = divider_reset || (rtc->cmos[REGISTER_B] & B_SET);

    if (stop && !rtc->is_stopped) {
        refresh_registers(rtc, now);
        rtc->is_stopped = true;
        rtc->base_seconds = rtc->checked_seconds;
    } else if (!stop && rtc->is_stopped) {
        rtc->is_stopped = false;
        take_registers(rtc, now);
    }
    /* The first update comes half a second after the divider starts. */
    if (divider_was_reset && !divider_reset) {
        rtc->base_ns = now >= NS_PER_SECOND / 2 ? now - NS_PER_SECOND / 2 : 0;
    }
}

static void write_register(struct rtc_mc146818 *rtc, unsigned index, uint8_t value) {
    uint64_t now = clock_now(rtc->clock);
    bool divider_was_reset = (rtc->cmos[REGISTER_A] & A_DIVIDER) >= A_DIVIDER_RESET;

    catch_up(rtc, now);
    if (index == REGISTER_A) {
        rtc->cmos[REGISTER_A] = value & (uint8_t)~A_UPDATE_IN_PROGRESS;
        start_or_stop(rtc, now, divider_was_reset);
    } else if (index == REGISTER_B) {
        refresh_registers(rtc, now);
        rtc->cmos[REGISTER_B] = value & B_SET ? value & (uint8_t)~B_UIE : value;
        if (!(value & B_PIE))
            rtc->backlog = 0;
        start_or_stop(rtc, now, divider_was_reset);
        update_irq(rtc);
    } else if (index != REGISTER_C && index != REGISTER_D) {
        refresh_registers(rtc, now);
        rtc->cmos[index] = value;
        if (is_time_register(index) && !rtc->is_stopped)
            take_registers(rtc, now);
    }
    schedule(rtc);
}

static uint8_t read_flags(struct rtc_mc146818 *rtc, uint64_t now) {
    uint8_t value;

    catch_up(rtc, now);
    value = rtc->cmos[REGISTER_C];
    rtc->cmos[REGISTER_C] = 0;
    update_irq(rtc);
    if (rtc->backlog != 0 && (value & C_PERIODIC)) {
        /* The host was late: one of the missed interrupts follows at once. */
        rtc->backlog--;
        rtc->cmos[REGISTER_C] = C_PERIODIC;
        update_irq(rtc);
    }
    schedule(rtc);
    return value;
}

static uint8_t read_register(struct rtc_mc146818 *rtc, unsigned index) {
    uint64_t now = clock_now(rtc->clock);
    uint64_t into_second;

    if (index == REGISTER_C)
        return read_flags(rtc, now);
    refresh_registers(rtc, now);
    if (index != REGISTER_A || rtc->is_stopped || now < rtc->base_ns)
        return rtc->cmos[index];
    into_second = (now - rtc->base_ns) % NS_PER_SECOND;
    return rtc->cmos[index] | (into_second >= NS_PER_SECOND - UPDATE_NS ? A_UPDATE_IN_PROGRESS : 0);
}

static uint32_t rtc_read(void *opaque, uint16_t port, unsigned size) {
    struct rtc_mc146818 *rtc = opaque;
    unsigned bank = port >> 1 & 1;

    if (!(port & 1))
        return 0xff; /* the index is write-only */
    if (bank == 0)
        return read_register(rtc, rtc->index[0]);
    return rtc->cmos[RTC_BANK_BYTES + rtc->index[1]];
}

static void rtc_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct rtc_mc146818 *rtc = opaque;
    unsigned bank = port >> 1 & 1;

    if (!(port & 1)) {
        rtc->index[bank] = value & 0x7f;
        if (bank == 0) {
            rtc->nmi_masked = (value & 0x80) != 0;
            irq_set(&rtc->nmi_mask, rtc->nmi_masked);
        }
    } else if (bank == 0) {
        write_register(rtc, rtc->index[0], (uint8_t)value);
    } else {
        rtc->cmos[RTC_BANK_BYTES + rtc->index[1]] = (uint8_t)value;
    }
}

void rtc_mc146818_set(struct rtc_mc146818 *rtc, unsigned index, uint8_t value) {
    if (index < sizeof rtc->cmos)
        rtc->cmos[index] = value;
}

uint8_t rtc_mc146818_get(struct rtc_mc146818 *rtc, unsigned index) {
    refresh_registers(rtc, clock_now(rtc->clock));
    return index < sizeof rtc->cmos ? rtc->cmos[index] : 0xff;
}

/* The battery keeps time and memory: the reset line clears interrupts only. */
static void rtc_reset(void *device) {
    struct rtc_mc146818 *rtc = device;

    rtc->cmos[REGISTER_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    rtc->cmos[REGISTER_C] = 0;
    rtc->backlog = 0;
    rtc->nmi_masked = false;
    irq_set(&rtc->nmi_mask, false);
    update_irq(rtc);
    schedule(rtc);
}

static const struct port_ops rtc_ports = {"rtc", rtc_read, rtc_write, 1};

void rtc_mc146818_init(struct rtc_mc146818 *rtc, struct port_map *ports, struct clock *clock,
                       struct irq_line irq8, struct irq_line nmi_mask, int64_t seconds,
                       bool has_second_bank) {
    memset(rtc, 0, sizeof *rtc);
    rtc->clock = clock;
    rtc->irq8 = irq8;
    rtc->nmi_mask = nmi_mask;
    rtc->has_second_bank = has_second_bank;
    rtc->base_seconds = seconds;
    rtc->base_ns = clock_now(clock);
    rtc->checked_seconds = seconds;
    rtc->checked_ticks = clock_scale(rtc->base_ns, OSCILLATOR_HZ, (uint32_t)NS_PER_SECOND);
    rtc->cmos[REGISTER_A] = 0x26; /* 32 kHz divider running, 1024 Hz: what firmware sets up */
    rtc->cmos[REGISTER_B] = B_24H;
    rtc->cmos[REGISTER_D] = D_VALID;
    clock_timer_init(&rtc->timer, clock, timer_expired, rtc);
    rtc_reset(rtc);
    port_map_add(ports, 0x70, has_second_bank ? 4 : 2, &rtc_ports, rtc);
}

static const struct state_field rtc_fields[] = {
    FIELD(rtc_mc146818, cmos, 1),
    FIELD(rtc_mc146818, base_seconds, 1),
    FIELD(rtc_mc146818, base_ns, 1),
    FIELD(rtc_mc146818, checked_seconds, 1),
    FIELD(rtc_mc146818, checked_ticks, 1),
    FIELD(rtc_mc146818, backlog, 1),
    FIELD(rtc_mc146818, weekday_offset, 1),
    FIELD(rtc_mc146818, index, 1),
    FIELD(rtc_mc146818, nmi_masked, 1),
    FIELD(rtc_mc146818, is_stopped, 1),
    FIELD(rtc_mc146818, irq_level, 1),
    NOT_SAVED(rtc_mc146818, has_second_bank), /* configuration */
    NOT_SAVED(rtc_mc146818, clock),
    NOT_SAVED(rtc_mc146818, timer), /* follows from the registers */
    NOT_SAVED(rtc_mc146818, irq8),
    NOT_SAVED(rtc_mc146818, nmi_mask),
};
const struct state_table rtc_mc146818_state = STATE_TABLE(rtc_mc146818, rtc_fields);
const struct device_class rtc_mc146818_class = {"rtc_mc146818", rtc_reset, &rtc_mc146818_state};
