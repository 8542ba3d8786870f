/*
 * The HPET. The counter follows from virtual time; each comparator with its interrupt enabled has
 * a clock timer. Comparators that nobody listens to are brought up to date when they are read.
 */
#include "hw/hpet.h"

#include <string.h>

#define REGION_BYTES 0x1000

#define REGISTER_ID      0x000
#define REGISTER_CONFIG  0x010
#define REGISTER_STATUS  0x020
#define REGISTER_COUNTER 0x0f0
#define REGISTER_TIMERS  0x100
#define TIMER_STRIDE     0x20
#define TIMER_CONFIG     0x00
#define TIMER_COMPARATOR 0x08

/* Revision 1, three timers, 64-bit counter, legacy replacement, vendor, period in fs. */
#define ID ((uint64_t)HPET_PERIOD_NS * 1000000 << 32 | UINT64_C(0x8086a201))

#define CONFIG_RUN    UINT64_C(1)
#define CONFIG_LEGACY UINT64_C(2)

#define TIMER_LEVEL        UINT64_C(0x0002)
#define TIMER_ENABLED      UINT64_C(0x0004)
#define TIMER_PERIODIC     UINT64_C(0x0008)
#define TIMER_CAN_PERIODIC UINT64_C(0x0010)
#define TIMER_IS_64_BIT    UINT64_C(0x0020)
#define TIMER_SET_VALUE    UINT64_C(0x0040)
#define TIMER_32_BIT       UINT64_C(0x0100)
#define TIMER_ROUTE        UINT64_C(0x3e00)
#define TIMER_WRITABLE                                                                             \
    (TIMER_LEVEL | TIMER_ENABLED | TIMER_PERIODIC | TIMER_SET_VALUE | TIMER_32_BIT | TIMER_ROUTE)

/* A shorter period would leave the guest no time to run. */
#define SHORTEST_PERIOD_NS 1000

static bool is_running(const struct hpet *hpet) {
    return (hpet->config & CONFIG_RUN) != 0;
}

static uint64_t counter_now(const struct hpet *hpet) {
    if (!is_running(hpet))
        return hpet->counter;
    return hpet->counter + (clock_now(hpet->clock) - hpet->start_ns) / HPET_PERIOD_NS;
}

static uint64_t width_mask(const struct hpet_timer *timer) {
    return timer->config & TIMER_32_BIT ? UINT32_MAX : UINT64_MAX;
}

static bool is_periodic(const struct hpet_timer *timer) {
    return (timer->config & TIMER_PERIODIC) && timer->period != 0;
}

/* Counter ticks from now to the match; a comparator that was just met matches after a wrap. */
static uint64_t ticks_to_match(const struct hpet *hpet, const struct hpet_timer *timer) {
    uint64_t mask = width_mask(timer);
    uint64_t ticks = (timer->comparator - counter_now(hpet)) & mask;

    if (ticks != 0)
        return ticks;
    return mask == UINT64_MAX ? UINT64_MAX : mask + 1;
}

/* Move a periodic comparator past the counter. It is behind it when the distance is more than
   half of the circle, which no sane period reaches. */
static void catch_up(const struct hpet *hpet, struct hpet_timer *timer) {
    uint64_t mask = width_mask(timer);
    uint64_t behind = (counter_now(hpet) - timer->comparator) & mask;

    if (!is_running(hpet) || !is_periodic(timer) || behind > mask / 2)
        return;
    timer->comparator = (timer->comparator + (behind / timer->period + 1) * timer->period) & mask;
}

static void schedule(struct hpet *hpet, unsigned number) {
    struct hpet_timer *timer = &hpet->timer[number];
    uint64_t deadline = CLOCK_NEVER;
    uint64_t soonest = clock_now(hpet->clock) + SHORTEST_PERIOD_NS;
    uint64_t ticks;

    if (is_running(hpet) && (timer->config & TIMER_ENABLED)) {
        ticks = ticks_to_match(hpet, timer);
        if (ticks < UINT64_MAX / HPET_PERIOD_NS / 4) {
            uint64_t into_tick = (clock_now(hpet->clock) - hpet->start_ns) % HPET_PERIOD_NS;
            deadline = clock_now(hpet->clock) - into_tick + ticks * HPET_PERIOD_NS;
        }
        if (is_periodic(timer) && deadline < soonest)
            deadline = soonest;
    }
    clock_timer_set(&hpet->clock_timer[number], deadline);
}

static const struct irq_line *line_of(const struct hpet *hpet, unsigned number) {
    uint64_t route = (hpet->timer[number].config & TIMER_ROUTE) >> 9;

    if ((hpet->config & CONFIG_LEGACY) && number < 2)
        return number == 0 ? &hpet->wiring.irq0 : &hpet->wiring.irq8;
    return route < HPET_PINS ? &hpet->wiring.pins[route] : NULL;
}

static void drive(const struct hpet *hpet, unsigned number, bool level) {
    const struct irq_line *line = line_of(hpet, number);

    if (line != NULL)
        irq_set(line, level);
}

static void match(struct hpet *hpet, unsigned number) {
    struct hpet_timer *timer = &hpet->timer[number];

    catch_up(hpet, timer);
    if (timer->config & TIMER_ENABLED) {
        if (timer->config & TIMER_LEVEL)
            hpet->status |= UINT64_C(1) << number;
        else
            drive(hpet, number, false); /* an edge: it stays high until the next one */
        drive(hpet, number, true);
    }
    schedule(hpet, number);
}

static void match_0(void *opaque) {
    match(opaque, 0);
}

static void match_1(void *opaque) {
    match(opaque, 1);
}

static void match_2(void *opaque) {
    match(opaque, 2);
}

static void schedule_all(struct hpet *hpet) {
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        schedule(hpet, i);
}

static void release_lines(const struct hpet *hpet) {
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        if (hpet->timer[i].config & TIMER_ENABLED)
            drive(hpet, i, false);
    }
}

static void write_config(struct hpet *hpet, uint64_t value) {
    uint64_t old = hpet->config;

    if ((old ^ value) & CONFIG_RUN) {
        hpet->counter = counter_now(hpet);
        hpet->start_ns = clock_now(hpet->clock);
    }
    if ((old ^ value) & CONFIG_LEGACY)
        release_lines(hpet);
    hpet->config = value & (CONFIG_RUN | CONFIG_LEGACY);
    if ((old ^ value) & CONFIG_LEGACY)
        irq_set(&hpet->wiring.legacy, (value & CONFIG_LEGACY) != 0);
    schedule_all(hpet);
}

/* Writing ones ends level-triggered interrupts. */
static void write_status(struct hpet *hpet, uint64_t value) {
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        if ((hpet->status & value) >> i & 1)
            drive(hpet, i, false);
    }
    hpet->status &= ~value;
}

static void write_counter(struct hpet *hpet, uint64_t value) {
    hpet->counter = value;
    hpet->start_ns = clock_now(hpet->clock);
    schedule_all(hpet);
}

static uint64_t timer_config(const struct hpet *hpet, unsigned number) {
    return hpet->timer[number].config | TIMER_CAN_PERIODIC | TIMER_IS_64_BIT |
           (uint64_t)hpet->wiring.route_capability << 32;
}

static void write_timer_config(struct hpet *hpet, unsigned number, uint64_t value) {
    struct hpet_timer *timer = &hpet->timer[number];

    if (timer->config & TIMER_ENABLED)
        drive(hpet, number, false);
    hpet->status &= ~(UINT64_C(1) << number);
    timer->config = value & TIMER_WRITABLE;
    timer->comparator &= width_mask(timer);
    timer->period &= width_mask(timer);
    schedule(hpet, number);
}

static void write_comparator(struct hpet *hpet, unsigned number, uint64_t value) {
    struct hpet_timer *timer = &hpet->timer[number];

    value &= width_mask(timer);
    if (!(timer->config & TIMER_PERIODIC) || (timer->config & TIMER_SET_VALUE))
        timer->comparator = value;
    if (timer->config & TIMER_PERIODIC)
        timer->period = value;
    timer->config &= ~TIMER_SET_VALUE;
    schedule(hpet, number);
}

/* A 64-bit register by its offset. */
static uint64_t read_register(struct hpet *hpet, unsigned offset) {
    unsigned number = (offset - REGISTER_TIMERS) / TIMER_STRIDE;

    switch (offset) {
    case REGISTER_ID:
        return ID;
    case REGISTER_CONFIG:
        return hpet->config;
    case REGISTER_STATUS:
        return hpet->status;
    case REGISTER_COUNTER:
        return counter_now(hpet);
    default:
        break;
    }
    if (offset < REGISTER_TIMERS || number >= HPET_TIMERS)
        return 0;
    switch (offset % TIMER_STRIDE) {
    case TIMER_CONFIG:
        return timer_config(hpet, number);
    case TIMER_COMPARATOR:
        catch_up(hpet, &hpet->timer[number]);
        return hpet->timer[number].comparator;
    default:
        return 0;
    }
}

static void write_register(struct hpet *hpet, unsigned offset, uint64_t value) {
    unsigned number = (offset - REGISTER_TIMERS) / TIMER_STRIDE;

    if (offset == REGISTER_CONFIG)
        write_config(hpet, value);
    else if (offset == REGISTER_STATUS)
        write_status(hpet, value);
    else if (offset == REGISTER_COUNTER)
        write_counter(hpet, value);
    else if (offset >= REGISTER_TIMERS && number < HPET_TIMERS &&
             offset % TIMER_STRIDE == TIMER_CONFIG)
        write_timer_config(hpet, number, value);
    else if (offset >= REGISTER_TIMERS && number < HPET_TIMERS &&
             offset % TIMER_STRIDE == TIMER_COMPARATOR)
        write_comparator(hpet, number, value);
}

static uint64_t hpet_read(void *opaque, phys_addr offset, unsigned size) {
    return read_register(opaque, (unsigned)offset & 0xff8) >> 8 * (offset & 7);
}

/* Half of a register is written by keeping its other half. A comparator written in halves must
   not turn the old high half into a new period, so there the other half is zero. */
static void hpet_write(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    struct hpet *hpet = opaque;
    unsigned at = (unsigned)offset & 0xff8;
    unsigned shift = 8 * (unsigned)(offset & 4);

    if (size == 8) {
        write_register(hpet, at, value);
    } else if (size == 4 && (offset & 3) == 0) {
        bool is_comparator = at >= REGISTER_TIMERS && at % TIMER_STRIDE == TIMER_COMPARATOR;
        bool keep = at == REGISTER_COUNTER || at == REGISTER_CONFIG ||
                    (at >= REGISTER_TIMERS && !is_comparator) || (is_comparator && shift != 0);
        uint64_t other = keep ? read_register(hpet, at) & ~((uint64_t)UINT32_MAX << shift) : 0;
        write_register(hpet, at, other | (value & UINT32_MAX) << shift);
    }
}

static void hpet_reset(void *device) {
    struct hpet *hpet = device;

    release_lines(hpet);
    memset(hpet->timer, 0, sizeof hpet->timer);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        hpet->timer[i].comparator = UINT64_MAX;
    hpet->config = 0;
    hpet->status = 0;
    hpet->counter = 0;
    hpet->start_ns = clock_now(hpet->clock);
    irq_set(&hpet->wiring.legacy, false);
    schedule_all(hpet);
}

void hpet_init(struct hpet *hpet, struct physmem *physmem, struct clock *clock,
               const struct hpet_wiring *wiring) {
    static const struct mmio_ops ops = {hpet_read, hpet_write};
    static void (*const matches[HPET_TIMERS])(void *) = {match_0, match_1, match_2};

    memset(hpet, 0, sizeof *hpet);
    hpet->clock = clock;
    hpet->wiring = *wiring;
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        clock_timer_init(&hpet->clock_timer[i], clock, matches[i], hpet);
    hpet_reset(hpet);
    physmem_add_mmio(physmem, "hpet", HPET_BASE, REGION_BYTES, &ops, hpet, 100);
}

static const struct state_field hpet_fields[] = {
    FIELD(hpet, timer, 1),        FIELD(hpet, config, 1),   FIELD(hpet, status, 1),
    FIELD(hpet, counter, 1),      FIELD(hpet, start_ns, 1), NOT_SAVED(hpet, clock),
    NOT_SAVED(hpet, clock_timer), /* follow from the comparators */
    NOT_SAVED(hpet, wiring),
};
const struct state_table hpet_state = STATE_TABLE(hpet, hpet_fields);
const struct device_class hpet_class = {"hpet", hpet_reset, &hpet_state};
