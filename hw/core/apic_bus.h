/*
 * The bus between the APICs: local APICs hear messages, I/O APICs hear ends of interrupt. The bus
 * knows how destinations are chosen, the agents know whether they are meant.
 *
 * Source: SDM vol. 3A, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef HW_CORE_APIC_BUS_H
#define HW_CORE_APIC_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APIC_BUS_LOCALS 16
#define APIC_BUS_IO     2

#define APIC_BROADCAST 0xff /* physical destination: everybody */

enum apic_delivery {
    APIC_FIXED,
    APIC_LOWEST_PRIORITY,
    APIC_SMI,
    APIC_RESERVED,
    APIC_NMI,
    APIC_INIT,
    APIC_STARTUP,
    APIC_EXTINT
};

struct apic_message {
    uint8_t vector;
    uint8_t destination;
    enum apic_delivery delivery;
    bool is_logical;
    bool is_level; /* trigger mode */
};

/** A local APIC. */
struct apic_agent {
    bool (*matches)(void *opaque, uint8_t destination, bool is_logical);
    /** Arbitration priority: the lowest one takes a lowest-priority interrupt. */
    unsigned (*priority)(void *opaque);
    void (*accept)(void *opaque, const struct apic_message *message);
    void *opaque;
};

/** An I/O APIC. */
struct apic_eoi_listener {
    void (*end_of_interrupt)(void *opaque, uint8_t vector);
    void *opaque;
};

struct apic_bus {
    struct apic_agent locals[APIC_BUS_LOCALS];
    struct apic_eoi_listener listeners[APIC_BUS_IO];
    unsigned local_count, listener_count;
};

void apic_bus_init(struct apic_bus *bus);
/** False when there are too many already. */
bool apic_bus_add_local(struct apic_bus *bus, const struct apic_agent *agent);
bool apic_bus_add_listener(struct apic_bus *bus, const struct apic_eoi_listener *listener);

/** Deliver to whoever the destination names. False: nobody accepted. */
bool apic_bus_deliver(struct apic_bus *bus, const struct apic_message *message);
/** Deliver to all but `self` (NULL: to all), whatever the destination says. */
bool apic_bus_broadcast(struct apic_bus *bus, const struct apic_message *message, const void *self);
/** A level-triggered interrupt was served. */
void apic_bus_end_of_interrupt(struct apic_bus *bus, uint8_t vector);
/** A message-signalled interrupt: a write of `data` to FEExxxxxh. */
void apic_bus_write_message(struct apic_bus *bus, uint64_t address, uint32_t data);

#endif
