/*
 * The local APIC. Interrupts enter through accept(), the CPU is told through update(), registers
 * are at the end. Only aligned 32-bit accesses mean something to the chip.
 */
#include "hw/apic_local.h"

#include "softmmu/base/bits.h"

#include <string.h>

enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR };

#define VERSION UINT32_C(0x00050014) /* six LVT entries, integrated APIC */

#define LVT_MASKED     UINT32_C(0x10000)
#define LVT_PERIODIC   UINT32_C(0x20000)
#define LVT_LEVEL      UINT32_C(0x08000)
#define LVT_REMOTE_IRR UINT32_C(0x04000)
#define LVT_LOW        UINT32_C(0x02000) /* input polarity */
#define LVT_DELIVERY   UINT32_C(0x00700)

#define SVR_ENABLED UINT32_C(0x100)

#define ICR_LOGICAL   UINT32_C(0x00800)
#define ICR_ASSERT    UINT32_C(0x04000)
#define ICR_LEVEL     UINT32_C(0x08000)
#define ICR_SHORTHAND UINT32_C(0xc0000)
#define ICR_SELF      UINT32_C(0x40000)
#define ICR_ALL       UINT32_C(0x80000)
#define ICR_OTHERS    UINT32_C(0xc0000)
#define ICR_WRITABLE  UINT32_C(0x000ccfff)

#define ERROR_SEND_ACCEPT    0x04
#define ERROR_SEND_VECTOR    0x20
#define ERROR_RECEIVE_VECTOR 0x40
#define ERROR_REGISTER       0x80

#define FIRST_LEGAL_VECTOR 16

/* A periodic timer that is shorter than this would leave the guest no time to run. */
#define SHORTEST_PERIOD_NS 1000

/* What of each LVT entry can be written. */
static const uint32_t lvt_writable[APIC_LVT_COUNT] = {
    LVT_PERIODIC | LVT_MASKED | 0xff,
    LVT_MASKED | LVT_DELIVERY | 0xff,
    LVT_MASKED | LVT_DELIVERY | 0xff,
    LVT_MASKED | LVT_LEVEL | LVT_LOW | LVT_DELIVERY | 0xff,
    LVT_MASKED | LVT_LEVEL | LVT_LOW | LVT_DELIVERY | 0xff,
    LVT_MASKED | 0xff,
};

static void set_bit(uint32_t *bits, unsigned vector) {
    bits[vector / 32] |= UINT32_C(1) << vector % 32;
}

static void clear_bit(uint32_t *bits, unsigned vector) {
    bits[vector / 32] &= ~(UINT32_C(1) << vector % 32);
}

static bool test_bit(const uint32_t *bits, unsigned vector) {
    return bits[vector / 32] >> vector % 32 & 1;
}

/* The highest vector in a set, or -1. */
static int highest(const uint32_t *bits) {
    for (int i = 7; i >= 0; i--) {
        if (bits[i] != 0)
            return i * 32 + 31 - __builtin_clz(bits[i]);
    }
    return -1;
}

static bool is_globally_enabled(const struct apic_local *apic) {
    return (apic->base_msr & APIC_BASE_ENABLED) != 0;
}

static bool is_software_enabled(const struct apic_local *apic) {
    return is_globally_enabled(apic) && (apic->svr & SVR_ENABLED);
}

static uint8_t processor_priority(const struct apic_local *apic) {
    int serving = highest(apic->isr);
    uint8_t class_serving = serving < 0 ? 0 : (uint8_t)(serving & 0xf0);

    return (apic->tpr & 0xf0) >= class_serving ? apic->tpr : class_serving;
}

/* The vector to give the CPU now, or -1. */
static int deliverable(const struct apic_local *apic) {
    int vector = highest(apic->irr);

    if (!is_software_enabled(apic) || vector < 0 ||
        (vector & 0xf0) <= (processor_priority(apic) & 0xf0))
        return -1;
    return vector;
}

static unsigned lvt_delivery(const struct apic_local *apic, enum lvt entry) {
    return apic->lvt[entry] >> 8 & 7;
}

/* An 8259 request gets through: a disabled APIC is a wire, an enabled one goes by LINT0. */
static bool pic_is_requesting(const struct apic_local *apic) {
    if (!is_globally_enabled(apic))
        return apic->lint[0];
    if (apic->extint_message)
        return true;
    return apic->lint[0] && !(apic->lvt[LVT_LINT0] & LVT_MASKED) &&
           lvt_delivery(apic, LVT_LINT0) == APIC_EXTINT;
}

static void update(struct apic_local *apic) {
    bool intr = deliverable(apic) >= 0 || pic_is_requesting(apic);

    if (intr == apic->intr)
        return;
    apic->intr = intr;
    if (apic->cpu.set_intr != NULL)
        apic->cpu.set_intr(apic->cpu.opaque, intr);
}

static void accept_vector(struct apic_local *apic, uint8_t vector, bool is_level);

/* Collect an error and raise the error interrupt. */
static void note_error(struct apic_local *apic, uint8_t error) {
    bool is_new = (error & ~apic->esr_new) != 0;

    apic->esr_new |= error;
    if (is_new && !(apic->lvt[LVT_ERROR] & LVT_MASKED) &&
        (apic->lvt[LVT_ERROR] & 0xff) >= FIRST_LEGAL_VECTOR)
        accept_vector(apic, (uint8_t)apic->lvt[LVT_ERROR], false);
}

static void accept_vector(struct apic_local *apic, uint8_t vector, bool is_level) {
    if (!is_software_enabled(apic))
        return;
    if (vector < FIRST_LEGAL_VECTOR) {
        note_error(apic, ERROR_RECEIVE_VECTOR);
        return;
    }
    set_bit(apic->irr, vector);
    if (is_level)
        set_bit(apic->tmr, vector);
    else
        clear_bit(apic->tmr, vector);
    update(apic);
}

static uint64_t divided_ticks(const struct apic_local *apic) {
    unsigned code = (apic->timer_divide & 3) | (apic->timer_divide >> 1 & 4);
    unsigned shift = (code + 1) & 7; /* 0: by 2 ... 6: by 128, 7: by 1 */

    return clock_scale(clock_now(apic->clock), APIC_TIMER_HZ, (uint32_t)NS_PER_SECOND) >> shift;
}

/* The first nanosecond of a tick of the divided clock. */
static uint64_t ns_of_tick(const struct apic_local *apic, uint64_t tick) {
    unsigned code = (apic->timer_divide & 3) | (apic->timer_divide >> 1 & 4);

    return clock_scale(tick << ((code + 1) & 7), (uint32_t)(NS_PER_SECOND / APIC_TIMER_HZ), 1);
}

static void timer_schedule(struct apic_local *apic) {
    uint64_t deadline_ns = ns_of_tick(apic, apic->timer_start + apic->timer_initial);
    uint64_t soonest_ns = clock_now(apic->clock) + SHORTEST_PERIOD_NS;

    if (!apic->timer_is_running)
        deadline_ns = CLOCK_NEVER;
    else if ((apic->lvt[LVT_TIMER] & LVT_PERIODIC) && deadline_ns < soonest_ns)
        deadline_ns = soonest_ns;
    clock_timer_set(&apic->timer, deadline_ns);
}

static void timer_load(struct apic_local *apic) {
    apic->timer_start = divided_ticks(apic);
    apic->timer_is_running = apic->timer_initial != 0;
    timer_schedule(apic);
}

static uint32_t timer_count(const struct apic_local *apic) {
    uint64_t passed;

    if (!apic->timer_is_running)
        return 0;
    passed = divided_ticks(apic) - apic->timer_start;
    if (passed < apic->timer_initial)
        return (uint32_t)(apic->timer_initial - passed);
    if (!(apic->lvt[LVT_TIMER] & LVT_PERIODIC))
        return 0;
    return (uint32_t)(apic->timer_initial - passed % apic->timer_initial);
}

static void timer_expired(void *opaque) {
    struct apic_local *apic = opaque;
    uint64_t passed = divided_ticks(apic) - apic->timer_start;

    if (!apic->timer_is_running)
        return;
    if (passed >= apic->timer_initial) {
        /* However late we are, the periods keep their phase; missed ones merge into one. */
        if (apic->lvt[LVT_TIMER] & LVT_PERIODIC)
            apic->timer_start += passed / apic->timer_initial * apic->timer_initial;
        else
            apic->timer_is_running = false;
        if (!(apic->lvt[LVT_TIMER] & LVT_MASKED))
            accept_vector(apic, (uint8_t)apic->lvt[LVT_TIMER], false);
    }
    timer_schedule(apic);
}

/* State after reset and INIT; the id survives INIT, the base MSR is not touched. */
static void reset_registers(struct apic_local *apic) {
    memset(apic->irr, 0, sizeof apic->irr);
    memset(apic->isr, 0, sizeof apic->isr);
    memset(apic->tmr, 0, sizeof apic->tmr);
    for (unsigned i = 0; i < APIC_LVT_COUNT; i++)
        apic->lvt[i] = LVT_MASKED;
    /* Firmware that knows nothing of APICs must get the 8259's interrupts. */
    if (apic->base_msr & APIC_BASE_BSP) {
        apic->lvt[LVT_LINT0] = APIC_EXTINT << 8;
        apic->lvt[LVT_LINT1] = APIC_NMI << 8;
    }
    apic->svr = 0xff;
    apic->ldr = 0;
    apic->dfr = UINT32_MAX;
    apic->icr_low = 0;
    apic->icr_high = 0;
    apic->timer_initial = 0;
    apic->timer_divide = 0;
    apic->timer_is_running = false;
    apic->timer_start = 0;
    apic->tpr = 0;
    apic->esr = 0;
    apic->esr_new = 0;
    apic->extint_message = false;
    timer_schedule(apic);
    update(apic);
}

static bool matches(void *opaque, uint8_t destination, bool is_logical) {
    const struct apic_local *apic = opaque;
    uint8_t logical_id = (uint8_t)(apic->ldr >> 24);

    if (!is_globally_enabled(apic))
        return false;
    if (!is_logical)
        return destination == APIC_BROADCAST || destination == apic->id;
    if (destination == APIC_BROADCAST)
        return true;
    if (apic->dfr >> 28 == 0xf) /* flat model */
        return (destination & logical_id) != 0;
    return destination >> 4 == logical_id >> 4 && (destination & logical_id & 0x0f) != 0;
}

static unsigned arbitration_priority(void *opaque) {
    const struct apic_local *apic = opaque;

    return processor_priority(apic);
}

static void accept(void *opaque, const struct apic_message *message) {
    struct apic_local *apic = opaque;
    const struct apic_cpu *cpu = &apic->cpu;

    switch (message->delivery) {
    case APIC_FIXED:
    case APIC_LOWEST_PRIORITY:
        accept_vector(apic, message->vector, message->is_level);
        break;
    case APIC_SMI:
        if (cpu->smi != NULL)
            cpu->smi(cpu->opaque);
        break;
    case APIC_NMI:
        if (cpu->nmi != NULL)
            cpu->nmi(cpu->opaque);
        break;
    case APIC_INIT:
        reset_registers(apic);
        if (cpu->init != NULL)
            cpu->init(cpu->opaque);
        break;
    case APIC_STARTUP:
        if (cpu->sipi != NULL)
            cpu->sipi(cpu->opaque, message->vector);
        break;
    case APIC_EXTINT:
        apic->extint_message = true;
        update(apic);
        break;
    default:
        break;
    }
}

static void send_message(struct apic_local *apic) {
    struct apic_message message = {
        .vector = (uint8_t)apic->icr_low,
        .destination = (uint8_t)(apic->icr_high >> 24),
        .delivery = (enum apic_delivery)(apic->icr_low >> 8 & 7),
        .is_logical = (apic->icr_low & ICR_LOGICAL) != 0,
    };
    uint32_t shorthand = apic->icr_low & ICR_SHORTHAND;
    bool accepted = true;

    /* "INIT level de-assert" only synchronised the arbitration ids of the 82489DX era. */
    if (message.delivery == APIC_INIT && (apic->icr_low & ICR_LEVEL) &&
        !(apic->icr_low & ICR_ASSERT))
        return;
    if (message.delivery <= APIC_LOWEST_PRIORITY && message.vector < FIRST_LEGAL_VECTOR) {
        note_error(apic, ERROR_SEND_VECTOR);
        return;
    }
    if (shorthand == ICR_SELF)
        accept(apic, &message);
    else if (shorthand != 0)
        apic_bus_broadcast(apic->bus, &message, shorthand == ICR_OTHERS ? apic : NULL);
    else
        accepted = apic_bus_deliver(apic->bus, &message);
    if (!accepted)
        note_error(apic, ERROR_SEND_ACCEPT);
}

static void end_of_interrupt(struct apic_local *apic) {
    int vector = highest(apic->isr);

    if (vector < 0)
        return;
    clear_bit(apic->isr, (unsigned)vector);
    update(apic);
    if (test_bit(apic->tmr, (unsigned)vector))
        apic_bus_end_of_interrupt(apic->bus, (uint8_t)vector);
}

static void write_lvt(struct apic_local *apic, enum lvt entry, uint32_t value) {
    uint32_t old = apic->lvt[entry];

    value &= lvt_writable[entry];
    if (!(apic->svr & SVR_ENABLED))
        value |= LVT_MASKED;
    apic->lvt[entry] = value;
    /* A one-shot that ran out does not start because the mode changes. */
    if (entry == LVT_TIMER && ((old ^ value) & LVT_PERIODIC))
        timer_schedule(apic);
    update(apic);
}

static void write_svr(struct apic_local *apic, uint32_t value) {
    apic->svr = value & 0x3ff;
    if (!(value & SVR_ENABLED)) {
        for (unsigned i = 0; i < APIC_LVT_COUNT; i++)
            apic->lvt[i] |= LVT_MASKED;
    }
    update(apic);
}

static void write_divide(struct apic_local *apic, uint32_t value) {
    uint32_t left = timer_count(apic);

    apic->timer_divide = value & 0x0b;
    if (!apic->timer_is_running)
        return;
    /* The count goes on from where it is at the new speed. */
    apic->timer_start = divided_ticks(apic) - (apic->timer_initial - left);
    timer_schedule(apic);
}

/* LVT entry of a register number (offset / 16), or -1. */
static int lvt_of(unsigned number) {
    return number >= 0x32 && number <= 0x37 ? (int)number - 0x32 : -1;
}

static void write_register(struct apic_local *apic, unsigned number, uint32_t value) {
    if (lvt_of(number) >= 0) {
        write_lvt(apic, (enum lvt)lvt_of(number), value);
        return;
    }
    switch (number) {
    case 0x02:
        apic->id = (uint8_t)(value >> 24);
        break;
    case 0x08:
        apic->tpr = (uint8_t)value;
        update(apic);
        break;
    case 0x0b:
        end_of_interrupt(apic);
        break;
    case 0x0d:
        apic->ldr = value & UINT32_C(0xff000000);
        break;
    case 0x0e:
        apic->dfr = value | UINT32_C(0x0fffffff);
        break;
    case 0x0f:
        write_svr(apic, value);
        break;
    case 0x28: /* any write latches the errors collected so far */
        apic->esr = apic->esr_new;
        apic->esr_new = 0;
        break;
    case 0x30:
        apic->icr_low = value & ICR_WRITABLE;
        send_message(apic);
        break;
    case 0x31:
        apic->icr_high = value & UINT32_C(0xff000000);
        break;
    case 0x38:
        apic->timer_initial = value;
        timer_load(apic);
        break;
    case 0x3e:
        write_divide(apic, value);
        break;
    default:
        /* Writes to read-only registers are ignored; only reserved addresses are errors. */
        if (number < 0x02 || (number > 0x3a && number != 0x3e) || number == 0x3a)
            note_error(apic, ERROR_REGISTER);
        break;
    }
}

static uint32_t read_register(struct apic_local *apic, unsigned number) {
    if (lvt_of(number) >= 0)
        return apic->lvt[lvt_of(number)];
    if (number >= 0x10 && number <= 0x17)
        return apic->isr[number & 7];
    if (number >= 0x18 && number <= 0x1f)
        return apic->tmr[number & 7];
    if (number >= 0x20 && number <= 0x27)
        return apic->irr[number & 7];
    switch (number) {
    case 0x02:
        return (uint32_t)apic->id << 24;
    case 0x03:
        return VERSION;
    case 0x08:
        return apic->tpr;
    case 0x09: /* arbitration priority: long unused */
    case 0x0a:
        return processor_priority(apic);
    case 0x0d:
        return apic->ldr;
    case 0x0e:
        return apic->dfr;
    case 0x0f:
        return apic->svr;
    case 0x28:
        return apic->esr;
    case 0x30:
        return apic->icr_low;
    case 0x31:
        return apic->icr_high;
    case 0x38:
        return apic->timer_initial;
    case 0x39:
        return timer_count(apic);
    case 0x3e:
        return apic->timer_divide;
    case 0x0b:
    case 0x0c:
        return 0;
    default:
        note_error(apic, ERROR_REGISTER);
        return 0;
    }
}

uint64_t apic_local_read(void *opaque, phys_addr offset, unsigned size) {
    uint64_t value;

    if (offset >= APIC_LOCAL_BYTES || (offset & 0x0c))
        return 0; /* only the first four bytes of sixteen are a register */
    value = read_register(opaque, (unsigned)(offset >> 4));
    return value >> 8 * (offset & 3);
}

void apic_local_write(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    if (offset < APIC_LOCAL_BYTES && (offset & 0x0f) == 0 && size >= 4)
        write_register(opaque, (unsigned)(offset >> 4), (uint32_t)value);
}

void apic_local_set_lint(struct apic_local *apic, unsigned pin, bool level) {
    enum lvt entry = pin == 0 ? LVT_LINT0 : LVT_LINT1;
    bool rises = level && !apic->lint[pin & 1];
    struct apic_message message = {.vector = (uint8_t)apic->lvt[entry],
                                   .delivery = (enum apic_delivery)lvt_delivery(apic, entry)};

    apic->lint[pin & 1] = level;
    if (!is_globally_enabled(apic)) {
        if (pin == 1 && rises && apic->cpu.nmi != NULL)
            apic->cpu.nmi(apic->cpu.opaque);
    } else if (rises && !(apic->lvt[entry] & LVT_MASKED) && message.delivery != APIC_EXTINT) {
        /* ExtINT follows the level: see pic_is_requesting. */
        accept(apic, &message);
    }
    update(apic);
}

int apic_local_acknowledge(struct apic_local *apic) {
    int vector = deliverable(apic);

    if (vector >= 0) {
        clear_bit(apic->irr, (unsigned)vector);
        set_bit(apic->isr, (unsigned)vector);
        update(apic);
        return vector;
    }
    if (!pic_is_requesting(apic) || apic->cpu.acknowledge_pic == NULL)
        return -1;
    apic->extint_message = false;
    vector = apic->cpu.acknowledge_pic(apic->cpu.opaque);
    update(apic);
    return vector;
}

uint64_t apic_local_base(const struct apic_local *apic) {
    return apic->base_msr;
}

void apic_local_set_base(struct apic_local *apic, uint64_t value) {
    uint64_t is_bsp = apic->base_msr & APIC_BASE_BSP;
    bool was_enabled = is_globally_enabled(apic);

    apic->base_msr = (value & (UINT64_C(0xffffff000) | APIC_BASE_ENABLED)) | is_bsp;
    if (was_enabled && !is_globally_enabled(apic))
        reset_registers(apic);
    if (apic->physmem != NULL) {
        physmem_move(apic->physmem, apic->region, apic->base_msr & ~UINT64_C(0xfff));
        physmem_set_enabled(apic->physmem, apic->region, is_globally_enabled(apic),
                            is_globally_enabled(apic));
    }
    update(apic);
}

uint8_t apic_local_task_priority(const struct apic_local *apic) {
    return apic->tpr >> 4;
}

void apic_local_set_task_priority(struct apic_local *apic, uint8_t priority) {
    apic->tpr = (uint8_t)(priority << 4);
    update(apic);
}

static void apic_reset(void *device) {
    struct apic_local *apic = device;

    reset_registers(apic);
    apic_local_set_base(apic, APIC_LOCAL_BASE | APIC_BASE_ENABLED);
}

void apic_local_init(struct apic_local *apic, struct apic_bus *bus, struct clock *clock,
                     const struct apic_cpu *cpu, uint8_t id, bool is_bsp) {
    struct apic_agent agent = {matches, arbitration_priority, accept, apic};

    memset(apic, 0, sizeof *apic);
    apic->bus = bus;
    apic->clock = clock;
    apic->cpu = *cpu;
    apic->id = id;
    apic->base_msr = is_bsp ? APIC_BASE_BSP : 0;
    clock_timer_init(&apic->timer, clock, timer_expired, apic);
    apic_bus_add_local(bus, &agent);
    apic_reset(apic);
}

void apic_local_map(struct apic_local *apic, struct physmem *physmem) {
    static const struct mmio_ops ops = {apic_local_read, apic_local_write};

    apic->physmem = physmem;
    apic->region = physmem_add_mmio(physmem, "local-apic", apic->base_msr & ~UINT64_C(0xfff),
                                    APIC_LOCAL_BYTES, &ops, apic, 100);
}

static const struct state_field apic_fields[] = {
    FIELD(apic_local, base_msr, 1),
    FIELD(apic_local, irr, 1),
    FIELD(apic_local, isr, 1),
    FIELD(apic_local, tmr, 1),
    FIELD(apic_local, lvt, 1),
    FIELD(apic_local, svr, 1),
    FIELD(apic_local, ldr, 1),
    FIELD(apic_local, dfr, 1),
    FIELD(apic_local, icr_low, 1),
    FIELD(apic_local, icr_high, 1),
    FIELD(apic_local, timer_initial, 1),
    FIELD(apic_local, timer_divide, 1),
    FIELD(apic_local, id, 1),
    FIELD(apic_local, tpr, 1),
    FIELD(apic_local, esr, 1),
    FIELD(apic_local, esr_new, 1),
    FIELD(apic_local, lint, 1),
    FIELD(apic_local, extint_message, 1),
    FIELD(apic_local, timer_is_running, 1),
    FIELD(apic_local, intr, 1),
    FIELD(apic_local, timer_start, 1),
    NOT_SAVED(apic_local, clock),
    NOT_SAVED(apic_local, timer), /* follows from timer_start */
    NOT_SAVED(apic_local, bus),
    NOT_SAVED(apic_local, cpu),
    NOT_SAVED(apic_local, physmem),
    NOT_SAVED(apic_local, region),
};
const struct state_table apic_local_state = STATE_TABLE(apic_local, apic_fields);
const struct device_class apic_local_class = {"apic_local", apic_reset, &apic_local_state};
