/*
 * Bus master IDE.
 * Source: Intel, "Programming Interface for Bus Master IDE Controller", revision 1.0.
 */
#include "hw/block/ide_bus_master.h"

#include "hw/block/ide_channel.h"
#include "softmmu/base/bits.h"

#include <string.h>

#define COMMAND_START 0x01
#define COMMAND_WRITE 0x08 /* device to memory */

#define STATUS_ACTIVE    0x01
#define STATUS_ERROR     0x02
#define STATUS_INTERRUPT 0x04
#define STATUS_CAPABLE   0x60 /* what drivers noted about DMA on drive 0 and 1 */

void ide_bus_master_init(struct ide_bus_master *master, struct physmem *physmem,
                         struct ide_channel *channel) {
    memset(master, 0, sizeof(*master));
    master->physmem = physmem;
    master->channel = channel;
    channel->bus_master = master;
}

bool ide_bus_master_is_started(const struct ide_bus_master *master) {
    return (master->command & COMMAND_START) != 0 && (master->status & STATUS_ACTIVE) != 0;
}

uint8_t ide_bus_master_read(struct ide_bus_master *master, unsigned offset) {
    switch (offset & 7) {
    case 0:
        return master->command;
    case 2:
        return master->status;
    case 4:
    case 5:
    case 6:
    case 7:
        return (uint8_t)(master->table >> 8 * (offset & 3));
    default:
        return 0;
    }
}

static void command_write(struct ide_bus_master *master, uint8_t value) {
    bool starts = (value & COMMAND_START) != 0 && (master->command & COMMAND_START) == 0;
    master->command = value & (COMMAND_START | COMMAND_WRITE);
    if (starts) {
        master->status |= STATUS_ACTIVE;
        master->next_entry = master->table;
        master->left = 0;
        master->is_last = false;
        ide_channel_dma_started(master->channel);
    } else if ((value & COMMAND_START) == 0) {
        master->status &= (uint8_t)~STATUS_ACTIVE;
    }
}

void ide_bus_master_write(struct ide_bus_master *master, unsigned offset, uint8_t value) {
    switch (offset & 7) {
    case 0:
        command_write(master, value);
        break;
    case 2:
        master->status &= (uint8_t) ~(value & (STATUS_INTERRUPT | STATUS_ERROR));
        master->status = (uint8_t)((master->status & ~STATUS_CAPABLE) | (value & STATUS_CAPABLE));
        break;
    case 4:
    case 5:
    case 6:
    case 7: {
        unsigned shift = 8 * (offset & 3);
        master->table =
            ((master->table & ~(UINT32_C(0xff) << shift)) | (uint32_t)value << shift) & ~3u;
        break;
    }
    default:
        break;
    }
}

/* Each descriptor covers at least two bytes, so a transfer of n bytes reads at most n / 2. */
static bool next_descriptor(struct ide_bus_master *master) {
    uint8_t entry[8];
    if (master->is_last)
        return false;
    physmem_dma_read(master->physmem, master->next_entry, entry, sizeof(entry));
    uint32_t count = load_le32(entry + 4);
    master->address = load_le32(entry) & ~1u;
    master->left = count & 0xfffe;
    if (master->left == 0)
        master->left = 0x10000;
    master->is_last = (count & 0x80000000) != 0;
    master->next_entry += 8;
    return true;
}

size_t ide_bus_master_transfer(struct ide_bus_master *master, uint8_t *bytes, size_t size,
                               bool to_memory) {
    size_t done = 0;
    while (done < size) {
        if (master->left == 0 && !next_descriptor(master))
            break;
        size_t chunk = size - done < master->left ? size - done : master->left;
        if (to_memory)
            physmem_dma_write(master->physmem, master->address, bytes + done, chunk);
        else
            physmem_dma_read(master->physmem, master->address, bytes + done, chunk);
        master->address += (uint32_t)chunk;
        master->left -= (uint32_t)chunk;
        done += chunk;
    }
    if (master->left == 0 && master->is_last)
        master->status &= (uint8_t)~STATUS_ACTIVE;
    return done;
}

void ide_bus_master_interrupt(struct ide_bus_master *master) {
    master->status |= STATUS_INTERRUPT;
}

static void ide_bus_master_reset(void *device) {
    struct ide_bus_master *master = device;
    master->command = master->status = 0;
    master->table = master->next_entry = master->address = master->left = 0;
    master->is_last = false;
}

static const struct state_field fields[] = {
    FIELD(ide_bus_master, command, 1),    FIELD(ide_bus_master, status, 1),
    FIELD(ide_bus_master, is_last, 1),    FIELD(ide_bus_master, table, 1),
    FIELD(ide_bus_master, next_entry, 1), FIELD(ide_bus_master, address, 1),
    FIELD(ide_bus_master, left, 1),       NOT_SAVED(ide_bus_master, physmem),
    NOT_SAVED(ide_bus_master, channel),
};
const struct state_table ide_bus_master_state = STATE_TABLE(ide_bus_master, fields);
const struct device_class ide_bus_master_class = {"ide_bus_master", ide_bus_master_reset,
                                                  &ide_bus_master_state};
