/* The I/O APIC: see the header. Register access goes through an index and a window. */
#include "hw/ioapic_82093.h"

#include <string.h>

#define REGION_BYTES 0x1000

#define OFFSET_SELECT 0x00
#define OFFSET_WINDOW 0x10
#define OFFSET_EOI    0x40 /* of version 20h and later; harmless here */

#define REGISTER_ID          0x00
#define REGISTER_VERSION     0x01
#define REGISTER_ARBITRATION 0x02
#define REGISTER_ENTRIES     0x10

#define VERSION (UINT32_C(0x11) | (IOAPIC_PINS - 1) << 16)

#define ENTRY_LOGICAL    UINT64_C(0x00800)
#define ENTRY_REMOTE_IRR UINT64_C(0x04000)
#define ENTRY_LEVEL      UINT64_C(0x08000)
#define ENTRY_MASKED     UINT64_C(0x10000)
#define ENTRY_WRITABLE   UINT64_C(0xff0000000001afff)

static void service(struct ioapic_82093 *ioapic, unsigned pin) {
    uint32_t bit = UINT32_C(1) << pin;
    uint64_t *entry = &ioapic->entry[pin];
    bool is_level = (*entry & ENTRY_LEVEL) != 0;
    struct apic_message message = {
        .vector = (uint8_t)*entry,
        .destination = (uint8_t)(*entry >> 56),
        .delivery = (enum apic_delivery)(*entry >> 8 & 7),
        .is_logical = (*entry & ENTRY_LOGICAL) != 0,
        .is_level = is_level,
    };

    if (*entry & ENTRY_MASKED)
        return;
    if (is_level ? !(ioapic->lines & bit) || (*entry & ENTRY_REMOTE_IRR) : !(ioapic->waiting & bit))
        return;
    ioapic->waiting &= ~bit;
    if (is_level && message.delivery <= APIC_LOWEST_PRIORITY)
        *entry |= ENTRY_REMOTE_IRR;
    apic_bus_deliver(ioapic->bus, &message);
}

static void set_pin(void *opaque, unsigned pin, bool level) {
    struct ioapic_82093 *ioapic = opaque;
    uint32_t bit = UINT32_C(1) << pin;
    bool rises = level && !(ioapic->lines & bit);

    ioapic->lines = level ? ioapic->lines | bit : ioapic->lines & ~bit;
    /* An edge on a masked pin is lost: it is "not delivered or held pending". */
    if (rises && !(ioapic->entry[pin] & (ENTRY_MASKED | ENTRY_LEVEL)))
        ioapic->waiting |= bit;
    service(ioapic, pin);
}

struct irq_line ioapic_82093_line(struct ioapic_82093 *ioapic, unsigned pin) {
    return (struct irq_line){set_pin, ioapic, pin % IOAPIC_PINS};
}

static void end_of_interrupt(void *opaque, uint8_t vector) {
    struct ioapic_82093 *ioapic = opaque;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &ioapic->entry[pin];
        if ((uint8_t)*entry != vector || !(*entry & ENTRY_REMOTE_IRR))
            continue;
        *entry &= ~ENTRY_REMOTE_IRR;
        service(ioapic, pin);
    }
}

static uint32_t read_register(const struct ioapic_82093 *ioapic) {
    unsigned entry = (ioapic->index - REGISTER_ENTRIES) / 2u;

    switch (ioapic->index) {
    case REGISTER_ID:
    case REGISTER_ARBITRATION:
        return (uint32_t)ioapic->id << 24;
    case REGISTER_VERSION:
        return VERSION;
    default:
        break;
    }
    if (ioapic->index < REGISTER_ENTRIES || entry >= IOAPIC_PINS)
        return 0;
    return (uint32_t)(ioapic->entry[entry] >> (ioapic->index & 1 ? 32 : 0));
}

static void write_entry(struct ioapic_82093 *ioapic, unsigned pin, bool high, uint32_t value) {
    uint64_t *entry = &ioapic->entry[pin];
    uint64_t mask = ENTRY_WRITABLE & (high ? ~(uint64_t)UINT32_MAX : UINT32_MAX);
    uint64_t shifted = high ? (uint64_t)value << 32 : value;

    *entry = (*entry & ~mask) | (shifted & mask);
    /* Linux acknowledges a stuck level interrupt by making the entry edge-triggered for a while. */
    if (!(*entry & ENTRY_LEVEL))
        *entry &= ~ENTRY_REMOTE_IRR;
    service(ioapic, pin);
}

static void write_register(struct ioapic_82093 *ioapic, uint32_t value) {
    unsigned entry = (ioapic->index - REGISTER_ENTRIES) / 2u;

    if (ioapic->index == REGISTER_ID)
        ioapic->id = value >> 24 & 0x0f;
    else if (ioapic->index >= REGISTER_ENTRIES && entry < IOAPIC_PINS)
        write_entry(ioapic, entry, ioapic->index & 1, value);
}

static uint64_t ioapic_read(void *opaque, phys_addr offset, unsigned size) {
    const struct ioapic_82093 *ioapic = opaque;

    /* The address lines in between are not decoded. */
    switch (offset & 0xff) {
    case OFFSET_SELECT:
        return ioapic->index;
    case OFFSET_WINDOW:
        return read_register(ioapic);
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    struct ioapic_82093 *ioapic = opaque;

    switch (offset & 0xff) {
    case OFFSET_SELECT:
        ioapic->index = (uint8_t)value;
        break;
    case OFFSET_WINDOW:
        write_register(ioapic, (uint32_t)value);
        break;
    case OFFSET_EOI:
        end_of_interrupt(ioapic, (uint8_t)value);
        break;
    default:
        break;
    }
}

static void ioapic_reset(void *device) {
    struct ioapic_82093 *ioapic = device;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        ioapic->entry[pin] = ENTRY_MASKED;
    ioapic->waiting = 0;
    ioapic->index = 0;
}

void ioapic_82093_init(struct ioapic_82093 *ioapic, struct physmem *physmem, struct apic_bus *bus,
                       uint8_t id) {
    static const struct mmio_ops ops = {ioapic_read, ioapic_write};
    struct apic_eoi_listener listener = {end_of_interrupt, ioapic};

    memset(ioapic, 0, sizeof *ioapic);
    ioapic->bus = bus;
    ioapic->id = id;
    ioapic_reset(ioapic);
    apic_bus_add_listener(bus, &listener);
    physmem_add_mmio(physmem, "io-apic", IOAPIC_BASE, REGION_BYTES, &ops, ioapic, 100);
}

static const struct state_field ioapic_fields[] = {
    FIELD(ioapic_82093, entry, 1), FIELD(ioapic_82093, lines, 1), FIELD(ioapic_82093, waiting, 1),
    FIELD(ioapic_82093, index, 1), FIELD(ioapic_82093, id, 1),    NOT_SAVED(ioapic_82093, bus),
};
const struct state_table ioapic_82093_state = STATE_TABLE(ioapic_82093, ioapic_fields);
const struct device_class ioapic_82093_class = {"ioapic_82093", ioapic_reset, &ioapic_82093_state};
