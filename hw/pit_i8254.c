/*
 * The 8254: each counter is brought up to date on demand, event by event (loads and changes of
 * OUT), and whole periods are skipped at once. counter_advance is the heart; port access and the
 * delivery of IRQ 0 are around it.
 *
 * One departure from the chip: in the periodic modes IRQ 0 falls right before it rises again, not
 * at the falling edge of OUT. The interrupt controller forgets a request whose line falls, so a
 * guest that is held up by the host for half a period would lose a tick that real hardware gives
 * it.
 */
#include "hw/pit_i8254.h"

#include <string.h>

#define NEVER UINT64_MAX

#define REFRESH_CLOCKS 18 /* the refresh request of a PC/AT: every 15 us */

#define PORT61_GATE2   0x01
#define PORT61_SPEAKER 0x02
#define PORT61_REFRESH 0x10
#define PORT61_OUT2    0x20

#define DEFAULT_CATCH_UP_DIVISOR 4
#define DEFAULT_CATCH_UP_LIMIT   1000

static uint64_t clocks_now(const struct pit_i8254 *pit) {
    return clock_scale(clock_now(pit->clock), PIT_HZ, (uint32_t)NS_PER_SECOND);
}

/* The first nanosecond of an input clock. */
static uint64_t clocks_to_ns(uint64_t clocks) {
    uint64_t ns = clock_scale(clocks, (uint32_t)NS_PER_SECOND, PIT_HZ);

    return clock_scale(ns, PIT_HZ, (uint32_t)NS_PER_SECOND) < clocks ? ns + 1 : ns;
}

static bool is_periodic(const struct pit_i8254_counter *c) {
    return c->mode == 2 || c->mode == 3;
}

static bool is_triggered(const struct pit_i8254_counter *c) {
    return c->mode == 1 || c->mode == 5;
}

static uint32_t modulus(const struct pit_i8254_counter *c) {
    return c->is_bcd ? 10000 : 65536;
}

static void set_out(struct pit_i8254_counter *c, bool level) {
    if (level && !c->out)
        c->rises++;
    c->out = level;
}

static uint32_t high_half(uint32_t period) {
    return (period + 1) / 2;
}

static bool is_counting(const struct pit_i8254_counter *c) {
    return c->is_loaded && (c->gate || is_triggered(c));
}

/* Clocks until OUT changes or the counting element is loaded, if nothing is written before. */
static uint64_t clocks_to_event(const struct pit_i8254_counter *c) {
    if (c->load_next_clock)
        return 1;
    if (!is_counting(c))
        return NEVER;
    if (is_periodic(c)) {
        if (c->period < 2)
            return NEVER; /* an illegal count: OUT stays high */
        if (c->mode == 3)
            return c->count;
        return c->is_strobing ? 1 : c->count - 1;
    }
    if (c->is_strobing)
        return 1;
    return c->is_armed ? c->count : NEVER;
}

/* The counting element takes the count register. */
static void load(struct pit_i8254_counter *c) {
    c->period = c->reload;
    c->count = c->mode == 3 ? high_half(c->period) : c->period;
    c->load_next_clock = false;
    c->null_count = false;
    c->is_loaded = true;
    c->is_armed = true;
    c->is_strobing = false;
    set_out(c, c->mode != 0 && c->mode != 1);
}

/* In mode 3 the new half starts with the newest count, whichever half it is. */
static void begin_half(struct pit_i8254_counter *c) {
    c->period = c->reload;
    c->null_count = false;
    set_out(c, !c->out || c->period < 2);
    c->count = c->out ? high_half(c->period) : c->period / 2;
}

/* One input clock on which something happens: see clocks_to_event. */
static void event(struct pit_i8254_counter *c) {
    if (c->load_next_clock) {
        load(c);
    } else if (c->mode == 3) {
        begin_half(c);
    } else if (c->mode == 2) {
        if (c->is_strobing) {
            load(c);
        } else {
            c->count = 1;
            c->is_strobing = true;
            set_out(c, false);
        }
    } else if (c->is_strobing) { /* modes 4 and 5: the end of the strobe */
        c->is_strobing = false;
        c->count = modulus(c) - 1;
        set_out(c, true);
    } else {
        c->is_armed = false;
        c->count = 0;
        c->is_strobing = c->mode >= 4;
        set_out(c, c->mode < 4);
    }
}

/* Let clocks pass on which nothing happens but counting. */
static void count_down(struct pit_i8254_counter *c, uint64_t clocks) {
    uint32_t m = modulus(c);

    if (!is_counting(c) || (is_periodic(c) && c->period < 2))
        return;
    if (is_periodic(c))
        c->count -= (uint32_t)clocks;
    else
        c->count = (uint32_t)((c->count + m - clocks % m) % m);
}

static void counter_advance(struct pit_i8254_counter *c, uint64_t to) {
    while (c->clock < to) {
        uint64_t left = to - c->clock;
        uint64_t step = clocks_to_event(c);

        /* At most three rounds get here before the reload value is in use. */
        if (step != NEVER && !c->load_next_clock && is_periodic(c) && c->period == c->reload &&
            left > c->period) {
            uint64_t periods = left / c->period;
            c->rises += periods;
            c->clock += periods * c->period;
            continue;
        }
        if (step > left) {
            count_down(c, left);
            c->clock = to;
            return;
        }
        event(c);
        c->clock += step;
    }
}

static void set_gate(struct pit_i8254_counter *c, bool level) {
    bool rises = level && !c->gate;

    c->gate = level;
    if (is_triggered(c)) {
        if (rises && c->reload != 0)
            c->load_next_clock = true;
    } else if (is_periodic(c)) {
        if (!level) {
            c->is_strobing = false;
            c->load_next_clock = false;
            set_out(c, true);
        } else if (rises && c->reload != 0) {
            c->load_next_clock = true;
        }
    }
}

static uint32_t from_bcd(uint16_t value) {
    return (value >> 12) * 1000u + (value >> 8 & 15) * 100u + (value >> 4 & 15) * 10u +
           (value & 15);
}

static uint16_t to_bcd(uint32_t value) {
    return (uint16_t)(value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
                      value % 10);
}

/* What a read of the counting element gives. */
static uint16_t visible_count(const struct pit_i8254_counter *c) {
    uint32_t count = c->count;

    if (c->mode == 3) {
        /* The element counts by two; of an odd count it holds count - 1, and zero for one clock
           at the end of the high half. */
        bool is_odd_high = (c->period & 1) && c->out;
        count = count != 0 ? 2 * (is_odd_high ? count - 1 : count) : 0;
    }
    count %= modulus(c);
    return c->is_bcd ? to_bcd(count) : (uint16_t)count;
}

/* A complete count was written. */
static void write_count(struct pit_i8254_counter *c, uint16_t value) {
    uint32_t m = modulus(c);
    uint32_t count = c->is_bcd ? from_bcd(value) % m : value;

    c->reload = count != 0 ? count : m;
    c->null_count = true;
    if (is_triggered(c))
        return; /* waits for the trigger */
    if (is_periodic(c) && (c->is_loaded || !c->gate) && c->period >= 2)
        return; /* waits for the end of the (half) period, or for the gate */
    c->load_next_clock = true;
    if (c->mode == 0)
        set_out(c, false);
}

static void write_counter(struct pit_i8254_counter *c, uint8_t value) {
    if (c->access == 1) {
        write_count(c, value);
    } else if (c->access == 2) {
        write_count(c, (uint16_t)(value << 8));
    } else if (!c->write_high_next) {
        c->write_low = value;
        c->write_high_next = true;
        if (c->mode == 0) { /* the first byte stops the count */
            c->is_loaded = false;
            c->load_next_clock = false;
            set_out(c, false);
        }
    } else {
        c->write_high_next = false;
        write_count(c, (uint16_t)(value << 8 | c->write_low));
    }
}

static uint8_t read_counter(struct pit_i8254_counter *c) {
    uint16_t count = c->latched;
    bool high;

    if (c->status_is_latched) {
        c->status_is_latched = false;
        return c->status;
    }
    if (c->latch_bytes == 0)
        count = visible_count(c);
    else
        c->latch_bytes--;
    high = c->access == 2 || (c->access == 3 && c->read_high_next);
    if (c->access == 3)
        c->read_high_next = !c->read_high_next;
    return (uint8_t)(high ? count >> 8 : count);
}

static void latch_count(struct pit_i8254_counter *c) {
    if (c->latch_bytes != 0)
        return;
    c->latched = visible_count(c);
    c->latch_bytes = c->access == 3 ? 2 : 1;
}

static void latch_status(struct pit_i8254_counter *c) {
    if (c->status_is_latched)
        return;
    c->status =
        (uint8_t)(c->out << 7 | c->null_count << 6 | c->access << 4 | c->mode << 1 | c->is_bcd);
    c->status_is_latched = true;
}

static void write_mode(struct pit_i8254_counter *c, uint8_t value) {
    c->access = value >> 4 & 3;
    c->mode = value >> 1 & 7;
    if (c->mode > 5)
        c->mode -= 4;
    c->is_bcd = (value & 1) != 0;
    c->latch_bytes = 0;
    c->status_is_latched = false;
    c->read_high_next = false;
    c->write_high_next = false;
    c->null_count = true;
    c->load_next_clock = false;
    c->is_loaded = false;
    c->is_armed = false;
    c->is_strobing = false;
    c->period = 0;
    c->reload = 0;
    set_out(c, c->mode != 0);
}

static void write_control(struct pit_i8254 *pit, uint8_t value) {
    if (value >> 6 != 3) {
        struct pit_i8254_counter *c = &pit->counter[value >> 6];
        if ((value >> 4 & 3) == 0)
            latch_count(c);
        else
            write_mode(c, value);
        return;
    }
    for (unsigned i = 0; i < 3; i++) { /* read-back command; its bits 4 and 5 are active low */
        if (!(value & 2u << i))
            continue;
        if (!(value & 0x20))
            latch_count(&pit->counter[i]);
        if (!(value & 0x10))
            latch_status(&pit->counter[i]);
    }
}

static void advance_all(struct pit_i8254 *pit) {
    uint64_t now = clocks_now(pit);

    for (unsigned i = 0; i < 3; i++)
        counter_advance(&pit->counter[i], now);
}

/* Hand edges of counter 0 to IRQ 0. One per call: further ones would be lost in the interrupt
   controller, so they join the backlog. */
static void deliver(struct pit_i8254 *pit, bool timer_expired) {
    const struct pit_i8254_counter *c = &pit->counter[0];
    uint64_t rises = c->rises - pit->delivered_rises;

    pit->delivered_rises = c->rises;
    if (rises == 0 && timer_expired && pit->backlog != 0) {
        pit->backlog--;
        rises = 1;
    } else if (rises > 1 && pit->catch_up_divisor != 0) {
        pit->backlog += rises - 1;
        if (pit->backlog > pit->catch_up_limit)
            pit->backlog = pit->catch_up_limit;
    }
    if (rises != 0) {
        irq_set(&pit->irq0, false);
        irq_set(&pit->irq0, true);
    }
    if (!c->out && !is_periodic(c))
        irq_set(&pit->irq0, false);
}

/* Clocks until counter 0 needs us. In the periodic modes only the rise matters. */
static uint64_t clocks_to_service(const struct pit_i8254_counter *c) {
    uint64_t clocks = clocks_to_event(c);

    if (clocks == NEVER || c->load_next_clock || !is_periodic(c))
        return clocks;
    if (c->mode == 2 && !c->is_strobing)
        return clocks + 1;
    return clocks;
}

static void schedule(struct pit_i8254 *pit) {
    const struct pit_i8254_counter *c = &pit->counter[0];
    uint64_t clocks = clocks_to_service(c);

    if (pit->backlog != 0 && clocks != NEVER && is_periodic(c)) {
        uint64_t gap = c->period / pit->catch_up_divisor + 1;
        if (gap < clocks)
            clocks = gap;
    } else if (pit->backlog != 0) {
        pit->backlog = 0; /* the guest reprogrammed the timer */
    }
    clock_timer_set(&pit->timer, clocks == NEVER ? CLOCK_NEVER : clocks_to_ns(c->clock + clocks));
}

static void timer_expired(void *opaque) {
    struct pit_i8254 *pit = opaque;

    counter_advance(&pit->counter[0], clocks_now(pit));
    deliver(pit, true);
    schedule(pit);
}

static uint32_t pit_read(void *opaque, uint16_t port, unsigned size) {
    struct pit_i8254 *pit = opaque;

    if ((port & 3) == 3)
        return 0xff; /* the control word register is write-only */
    counter_advance(&pit->counter[port & 3], clocks_now(pit));
    return read_counter(&pit->counter[port & 3]);
}

static void pit_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pit_i8254 *pit = opaque;

    advance_all(pit);
    deliver(pit, false);
    if ((port & 3) == 3)
        write_control(pit, (uint8_t)value);
    else
        write_counter(&pit->counter[port & 3], (uint8_t)value);
    deliver(pit, false);
    schedule(pit);
}

static uint32_t port61_read(void *opaque, uint16_t port, unsigned size) {
    struct pit_i8254 *pit = opaque;
    uint64_t now = clocks_now(pit);

    counter_advance(&pit->counter[2], now);
    return pit->port61 | (now / REFRESH_CLOCKS & 1 ? PORT61_REFRESH : 0u) |
           (pit->counter[2].out ? PORT61_OUT2 : 0u);
}

static void port61_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pit_i8254 *pit = opaque;

    counter_advance(&pit->counter[2], clocks_now(pit));
    pit->port61 = value & 0x0f;
    set_gate(&pit->counter[2], (value & PORT61_GATE2) != 0);
}

void pit_i8254_set_catch_up(struct pit_i8254 *pit, uint32_t divisor, uint32_t limit) {
    pit->catch_up_divisor = divisor;
    pit->catch_up_limit = limit;
    if (divisor == 0)
        pit->backlog = 0;
}

bool pit_i8254_speaker(struct pit_i8254 *pit, uint64_t *half_period_ns) {
    struct pit_i8254_counter *c = &pit->counter[2];

    counter_advance(c, clocks_now(pit));
    if (!(pit->port61 & PORT61_SPEAKER) || c->mode != 3 || !is_counting(c) || c->period < 2)
        return false;
    *half_period_ns = clocks_to_ns(c->period) / 2;
    return true;
}

static void pit_reset(void *device) {
    struct pit_i8254 *pit = device;
    uint64_t now = clocks_now(pit);

    memset(pit->counter, 0, sizeof pit->counter);
    for (unsigned i = 0; i < 3; i++) {
        struct pit_i8254_counter *c = &pit->counter[i];
        c->clock = now;
        c->access = 3;
        c->mode = 3; /* undefined on the chip; quiet until programmed */
        c->out = true;
        c->gate = i != 2;
    }
    pit->port61 = 0;
    pit->delivered_rises = 0;
    pit->backlog = 0;
    irq_set(&pit->irq0, false);
    schedule(pit);
}

static const struct port_ops pit_ports = {"pit", pit_read, pit_write, 1};
static const struct port_ops port61_ops = {"port61", port61_read, port61_write, 1};

void pit_i8254_init(struct pit_i8254 *pit, struct port_map *ports, struct clock *clock,
                    struct irq_line irq0) {
    memset(pit, 0, sizeof *pit);
    pit->clock = clock;
    pit->irq0 = irq0;
    pit_i8254_set_catch_up(pit, DEFAULT_CATCH_UP_DIVISOR, DEFAULT_CATCH_UP_LIMIT);
    clock_timer_init(&pit->timer, clock, timer_expired, pit);
    pit_reset(pit);
    port_map_add(ports, 0x40, 4, &pit_ports, pit);
    port_map_add(ports, 0x61, 1, &port61_ops, pit);
}

static const struct state_field pit_fields[] = {
    FIELD(pit_i8254, counter, 1),
    FIELD(pit_i8254, port61, 1),
    FIELD(pit_i8254, delivered_rises, 1),
    FIELD(pit_i8254, backlog, 1),
    NOT_SAVED(pit_i8254, catch_up_divisor), /* policy of the host */
    NOT_SAVED(pit_i8254, catch_up_limit),
    NOT_SAVED(pit_i8254, clock),
    NOT_SAVED(pit_i8254, timer), /* follows from counter[0] and backlog */
    NOT_SAVED(pit_i8254, irq0),
};
const struct state_table pit_i8254_state = STATE_TABLE(pit_i8254, pit_fields);
const struct device_class pit_i8254_class = {"pit_i8254", pit_reset, &pit_i8254_state};
