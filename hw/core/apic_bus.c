/* Delivery of interrupt messages between APICs: see the header. */
#include "hw/core/apic_bus.h"

#include <string.h>

void apic_bus_init(struct apic_bus *bus) {
    memset(bus, 0, sizeof *bus);
}

bool apic_bus_add_local(struct apic_bus *bus, const struct apic_agent *agent) {
    if (bus->local_count == APIC_BUS_LOCALS)
        return false;
    bus->locals[bus->local_count++] = *agent;
    return true;
}

bool apic_bus_add_listener(struct apic_bus *bus, const struct apic_eoi_listener *listener) {
    if (bus->listener_count == APIC_BUS_IO)
        return false;
    bus->listeners[bus->listener_count++] = *listener;
    return true;
}

/* Of several candidates the one of lowest priority; the first one of equals. */
static bool deliver_lowest(struct apic_bus *bus, const struct apic_message *message) {
    const struct apic_agent *chosen = NULL;
    unsigned lowest = 0;

    for (unsigned i = 0; i < bus->local_count; i++) {
        const struct apic_agent *agent = &bus->locals[i];
        unsigned priority;

        if (!agent->matches(agent->opaque, message->destination, message->is_logical))
            continue;
        priority = agent->priority(agent->opaque);
        if (chosen == NULL || priority < lowest) {
            chosen = agent;
            lowest = priority;
        }
    }
    if (chosen == NULL)
        return false;
    chosen->accept(chosen->opaque, message);
    return true;
}

bool apic_bus_deliver(struct apic_bus *bus, const struct apic_message *message) {
    bool accepted = false;

    if (message->delivery == APIC_LOWEST_PRIORITY)
        return deliver_lowest(bus, message);
    for (unsigned i = 0; i < bus->local_count; i++) {
        const struct apic_agent *agent = &bus->locals[i];
        if (!agent->matches(agent->opaque, message->destination, message->is_logical))
            continue;
        agent->accept(agent->opaque, message);
        accepted = true;
    }
    return accepted;
}

bool apic_bus_broadcast(struct apic_bus *bus, const struct apic_message *message,
                        const void *self) {
    bool accepted = false;

    for (unsigned i = 0; i < bus->local_count; i++) {
        const struct apic_agent *agent = &bus->locals[i];
        if (agent->opaque == self)
            continue;
        agent->accept(agent->opaque, message);
        accepted = true;
    }
    return accepted;
}

void apic_bus_end_of_interrupt(struct apic_bus *bus, uint8_t vector) {
    for (unsigned i = 0; i < bus->listener_count; i++)
        bus->listeners[i].end_of_interrupt(bus->listeners[i].opaque, vector);
}

void apic_bus_write_message(struct apic_bus *bus, uint64_t address, uint32_t data) {
    struct apic_message message = {
        .vector = (uint8_t)data,
        .destination = (uint8_t)(address >> 12),
        .delivery = (enum apic_delivery)(data >> 8 & 7),
        .is_logical = (address & 4) != 0,
        .is_level = (data & 0x8000) != 0,
    };

    apic_bus_deliver(bus, &message);
}
