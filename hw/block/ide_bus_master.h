/*
 * Bus master engine of one IDE channel: 8 registers and a descriptor table (PRD) in guest memory
 * that says where DMA data goes.
 */
#ifndef HW_BLOCK_IDE_BUS_MASTER_H
#define HW_BLOCK_IDE_BUS_MASTER_H

#include "hw/core/device.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ide_channel;

struct ide_bus_master {
    uint8_t command, status;
    bool is_last;        /* the current descriptor ends the table */
    uint32_t table;      /* BMIDTP */
    uint32_t next_entry; /* physical address of the next descriptor */
    uint32_t address;    /* where the next byte goes */
    uint32_t left;       /* bytes left in the current descriptor */
    struct physmem *physmem;
    struct ide_channel *channel;
};

extern const struct state_table ide_bus_master_state;
extern const struct device_class ide_bus_master_class;

void ide_bus_master_init(struct ide_bus_master *master, struct physmem *physmem,
                         struct ide_channel *channel);
/** Register 0..7 of the channel. */
uint8_t ide_bus_master_read(struct ide_bus_master *master, unsigned offset);
void ide_bus_master_write(struct ide_bus_master *master, unsigned offset, uint8_t value);
/** True while the guest has the engine started. */
bool ide_bus_master_is_started(const struct ide_bus_master *master);
/** Move bytes between the drive and guest memory. Returns fewer than `size` when the table ends. */
size_t ide_bus_master_transfer(struct ide_bus_master *master, uint8_t *bytes, size_t size,
                               bool to_memory);
/** The channel's interrupt was raised. */
void ide_bus_master_interrupt(struct ide_bus_master *master);

#endif
