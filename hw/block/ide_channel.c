/*
 * ATA channel: registers, selection, interrupts, resets.
 * Source: ATA/ATAPI-6 (T13/1410D), "I/O registers descriptions" and "Protocols".
 */
#include "hw/block/ide_channel.h"

#include "hw/block/ide_bus_master.h"
#include "softmmu/base/bits.h"

#include <string.h>

#define CONTROL_NIEN 0x02
#define CONTROL_SRST 0x04
#define CONTROL_HOB  0x80

#define COMMAND_DEVICE_RESET 0x08
#define COMMAND_DIAGNOSTIC   0x90

#define RESET_NS UINT64_C(50000)

static void update_irq(struct ide_channel *channel) {
    bool level = channel->irq_pending && (channel->control & CONTROL_NIEN) == 0;
    if (level != channel->irq_level) {
        channel->irq_level = level;
        irq_set(&channel->irq, level);
    }
}

void ide_channel_raise(struct ide_channel *channel) {
    channel->irq_pending = true;
    if (channel->bus_master != NULL)
        ide_bus_master_interrupt(channel->bus_master);
    update_irq(channel);
}

static void lower_irq(struct ide_channel *channel) {
    channel->irq_pending = false;
    update_irq(channel);
}

void ide_channel_schedule(struct ide_channel *channel, struct ide_drive *drive, enum ide_step step,
                          uint64_t delay_ns) {
    drive->status = (uint8_t)((drive->status & ~(IDE_STATUS_DRQ | IDE_STATUS_ERR | IDE_STATUS_DF)) |
                              IDE_STATUS_BSY);
    channel->step = (uint8_t)step;
    channel->step_drive = drive->number;
    clock_timer_set(&channel->timer, clock_now(channel->clock) + delay_ns);
}

void ide_channel_finish(struct ide_drive *drive, uint8_t error) {
    drive->phase = IDE_IDLE;
    drive->error = error;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | (error != 0 ? IDE_STATUS_ERR : 0);
    ide_channel_raise(drive->channel);
}

void ide_channel_finish_later(struct ide_drive *drive, uint8_t error) {
    drive->phase = IDE_IDLE;
    drive->error = error;
    ide_channel_schedule(drive->channel, drive, IDE_STEP_FINISH, IDE_COMMAND_NS);
}

void ide_channel_dma_started(struct ide_channel *channel) {
    for (unsigned i = 0; i < 2; i++) {
        struct ide_drive *drive = &channel->drive[i];
        if (drive->phase == IDE_DMA && channel->step == IDE_STEP_NONE)
            ide_channel_schedule(channel, drive, IDE_STEP_DMA, IDE_COMMAND_NS);
    }
}

static void reset_drives(struct ide_channel *channel) {
    clock_timer_cancel(&channel->timer);
    channel->step = IDE_STEP_NONE;
    channel->selected = 0;
    for (unsigned i = 0; i < 2; i++)
        ide_drive_reset(&channel->drive[i]);
}

static void timer_expired(void *opaque) {
    struct ide_channel *channel = opaque;
    enum ide_step step = channel->step;
    struct ide_drive *drive = &channel->drive[channel->step_drive & 1];
    channel->step = IDE_STEP_NONE;
    drive->status &= (uint8_t)~IDE_STATUS_BSY;
    if (step == IDE_STEP_RESET || step == IDE_STEP_DIAGNOSE) {
        reset_drives(channel);
        if (step == IDE_STEP_DIAGNOSE)
            ide_channel_raise(channel);
    } else if (step == IDE_STEP_FINISH) {
        ide_channel_finish(drive, drive->error);
    } else if (drive->kind == IDE_DISK) {
        ide_disk_step(drive, step);
    } else if (drive->kind == IDE_CDROM) {
        ide_cdrom_step(drive, step);
    }
}

static void begin_reset(struct ide_channel *channel) {
    clock_timer_cancel(&channel->timer);
    channel->step = IDE_STEP_NONE;
    lower_irq(channel);
    for (unsigned i = 0; i < 2; i++) {
        channel->drive[i].phase = IDE_IDLE;
        channel->drive[i].status = IDE_STATUS_BSY;
    }
}

static void control_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct ide_channel *channel = opaque;
    uint8_t before = channel->control;
    channel->control = (uint8_t)value;
    if ((value & CONTROL_SRST) != 0 && (before & CONTROL_SRST) == 0) {
        begin_reset(channel);
    } else if ((value & CONTROL_SRST) == 0 && (before & CONTROL_SRST) != 0) {
        channel->step = IDE_STEP_RESET;
        clock_timer_set(&channel->timer, clock_now(channel->clock) + RESET_NS);
    }
    update_irq(channel);
}

static uint8_t status_of(const struct ide_channel *channel) {
    /* An absent drive does not drive the bus; the pull-down leaves "not busy, nothing there". */
    const struct ide_drive *drive = &channel->drive[channel->selected];
    return drive->kind == IDE_NO_DRIVE ? 0 : drive->status;
}

static uint32_t control_read(void *opaque, uint16_t port, unsigned size) {
    return status_of(opaque); /* alternate status: the interrupt stays */
}

static void diagnose(struct ide_channel *channel) {
    struct ide_drive *drive = &channel->drive[channel->selected];
    ide_channel_schedule(channel, drive, IDE_STEP_DIAGNOSE, RESET_NS);
}

static void command_write(struct ide_channel *channel, uint8_t command) {
    struct ide_drive *drive = &channel->drive[channel->selected];
    lower_irq(channel);
    bool busy = channel->step != IDE_STEP_NONE || (drive->status & IDE_STATUS_BSY) != 0;
    if (command == COMMAND_DEVICE_RESET && drive->kind == IDE_CDROM &&
        (channel->control & CONTROL_SRST) == 0 && channel->step != IDE_STEP_RESET) {
        if (channel->step_drive == drive->number) {
            clock_timer_cancel(&channel->timer);
            channel->step = IDE_STEP_NONE;
        }
        ide_drive_reset(drive);
        return;
    }
    if (busy || drive->kind == IDE_NO_DRIVE)
        return;
    drive->phase = IDE_IDLE;
    drive->error = 0;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC;
    if (command == COMMAND_DIAGNOSTIC)
        diagnose(channel);
    else if (drive->kind == IDE_DISK)
        ide_disk_command(drive, command);
    else
        ide_cdrom_command(drive, command);
}

/* Both drives latch what is written to the command block. */
static void register_write(struct ide_drive *drive, unsigned reg, uint8_t value) {
    switch (reg) {
    case 1:
        drive->hob_feature = drive->feature;
        drive->feature = value;
        break;
    case 2:
        drive->hob_count = drive->count;
        drive->count = value;
        break;
    case 3:
        drive->hob_low = drive->lba_low;
        drive->lba_low = value;
        break;
    case 4:
        drive->hob_mid = drive->lba_mid;
        drive->lba_mid = value;
        break;
    case 5:
        drive->hob_high = drive->lba_high;
        drive->lba_high = value;
        break;
    default:
        drive->device = value | 0xa0;
        break;
    }
}

static uint8_t register_read(struct ide_channel *channel, unsigned reg) {
    const struct ide_drive *drive = &channel->drive[channel->selected];
    bool hob = (channel->control & CONTROL_HOB) != 0;
    if (reg == 7)
        lower_irq(channel);
    if (drive->kind == IDE_NO_DRIVE)
        return 0;
    if (drive->status & IDE_STATUS_BSY) /* registers are the drive's while it is busy */
        return drive->status;
    switch (reg) {
    case 1:
        return drive->error;
    case 2:
        return hob ? drive->hob_count : drive->count;
    case 3:
        return hob ? drive->hob_low : drive->lba_low;
    case 4:
        return hob ? drive->hob_mid : drive->lba_mid;
    case 5:
        return hob ? drive->hob_high : drive->lba_high;
    case 6:
        return drive->device;
    default:
        return drive->status;
    }
}

static void block_done(struct ide_drive *drive) {
    if (drive->kind == IDE_DISK)
        ide_disk_block_done(drive);
    else
        ide_cdrom_block_done(drive);
}

static uint32_t data_read(struct ide_drive *drive, unsigned size) {
    if (drive->phase != IDE_DATA_IN || (drive->status & IDE_STATUS_DRQ) == 0)
        return 0;
    uint32_t value = 0;
    uint32_t at = drive->buffer_at, end = drive->block_end;
    const uint8_t *bytes = drive->buffer + at;
    if (LIKELY(size == 2 && end - at >= 2)) {
        value = load_le16(bytes);
        at += 2;
    } else if (size == 4 && end - at >= 4) {
        value = load_le32(bytes);
        at += 4;
    } else {
        for (unsigned i = 0; i < size && at < end; i++, at++)
            value |= (uint32_t)bytes[i] << 8 * i;
    }
    drive->buffer_at = at;
    if (at == end)
        block_done(drive);
    return value;
}

static void packet_write(struct ide_drive *drive, unsigned size, uint32_t value) {
    for (unsigned i = 0; i < size && drive->packet_at < IDE_PACKET_BYTES; i++)
        drive->packet[drive->packet_at++] = (uint8_t)(value >> 8 * i);
    if (drive->packet_at == IDE_PACKET_BYTES)
        atapi_execute(drive);
}

static void data_write(struct ide_drive *drive, unsigned size, uint32_t value) {
    if ((drive->status & IDE_STATUS_DRQ) == 0)
        return;
    if (drive->phase == IDE_PACKET) {
        packet_write(drive, size, value);
        return;
    }
    if (drive->phase != IDE_DATA_OUT)
        return;
    for (unsigned i = 0; i < size && drive->buffer_at < drive->block_end; i++)
        drive->buffer[drive->buffer_at++] = (uint8_t)(value >> 8 * i);
    if (drive->buffer_at == drive->block_end)
        block_done(drive);
}

static uint32_t command_block_read(void *opaque, uint16_t port, unsigned size) {
    struct ide_channel *channel = opaque;
    unsigned reg = port & 7;
    if (reg == 0) {
        struct ide_drive *drive = &channel->drive[channel->selected];
        return drive->kind == IDE_NO_DRIVE ? UINT32_MAX : data_read(drive, size);
    }
    uint32_t value = 0; /* a wide access next to the data port is split by the bus */
    for (unsigned i = 0; i < size && reg + i < 8; i++)
        value |= (uint32_t)register_read(channel, reg + i) << 8 * i;
    return value;
}

static void command_block_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct ide_channel *channel = opaque;
    unsigned reg = port & 7;
    if (reg == 0) {
        data_write(&channel->drive[channel->selected], size, value);
        return;
    }
    for (unsigned i = 0; i < size && reg + i < 8; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        channel->control &= (uint8_t)~CONTROL_HOB;
        if (reg + i == 7) {
            command_write(channel, byte);
            continue;
        }
        /* A busy drive ignores its registers, except that selection still works. */
        for (unsigned d = 0; d < 2; d++) {
            if ((channel->drive[d].status & IDE_STATUS_BSY) == 0 || reg + i == 6)
                register_write(&channel->drive[d], reg + i, byte);
        }
        if (reg + i == 6)
            channel->selected = byte >> 4 & 1;
    }
}

static const struct port_ops command_ops = {"ide", command_block_read, command_block_write, 4};
static const struct port_ops control_ops = {"ide-control", control_read, control_write, 1};

void ide_drive_set_signature(struct ide_drive *drive) {
    bool packet = drive->kind == IDE_CDROM;
    drive->count = drive->lba_low = 1;
    drive->lba_mid = packet ? 0x14 : 0;
    drive->lba_high = packet ? 0xeb : 0;
    drive->hob_count = drive->hob_low = drive->hob_mid = drive->hob_high = 0;
    drive->device = 0xa0 | (drive->number != 0 ? 0x10 : 0);
    drive->error = 0x01; /* diagnostics passed */
}

void ide_drive_reset(struct ide_drive *drive) {
    ide_drive_set_signature(drive);
    drive->phase = IDE_IDLE;
    drive->buffer_at = drive->block_end = drive->buffer_end = 0;
    drive->sectors_left = 0;
    drive->packet_at = 0;
    drive->multiple = 0;
    /* A packet drive comes out of reset without DRDY, so that BIOSes do not take it for a disk. */
    drive->status = drive->kind == IDE_DISK ? IDE_STATUS_DRDY | IDE_STATUS_DSC : 0;
    if (drive->kind == IDE_DISK) {
        drive->heads = 16;
        drive->track_sectors = 63;
    }
}

void ide_channel_init(struct ide_channel *channel, unsigned index, struct port_map *ports,
                      struct clock *clock, const struct irq_line *irq) {
    memset(channel, 0, sizeof(*channel));
    channel->command_port = index == 0 ? 0x1f0 : 0x170;
    channel->control_port = index == 0 ? 0x3f6 : 0x376;
    channel->clock = clock;
    channel->irq = *irq;
    clock_timer_init(&channel->timer, clock, timer_expired, channel);
    for (unsigned i = 0; i < 2; i++) {
        channel->drive[i].channel = channel;
        channel->drive[i].number = (uint8_t)i;
        channel->drive[i].unit = (uint8_t)(index * 2 + i);
        channel->drive[i].write_cache = true;
        ide_drive_reset(&channel->drive[i]);
    }
    port_map_add(ports, channel->command_port, 8, &command_ops, channel);
    port_map_add(ports, channel->control_port, 1, &control_ops, channel);
}

void ide_channel_attach_disk(struct ide_channel *channel, unsigned number,
                             struct disk_image *image) {
    struct ide_drive *drive = &channel->drive[number & 1];
    drive->kind = IDE_DISK;
    drive->image = image;
    ide_drive_reset(drive);
}

void ide_channel_attach_cdrom(struct ide_channel *channel, unsigned number,
                              struct disk_image *image) {
    struct ide_drive *drive = &channel->drive[number & 1];
    drive->kind = IDE_CDROM;
    drive->image = image;
    drive->unit_attention = true;
    ide_drive_reset(drive);
}

static void ide_channel_reset(void *device) {
    struct ide_channel *channel = device;
    channel->control = 0;
    reset_drives(channel);
    lower_irq(channel);
    for (unsigned i = 0; i < 2; i++) {
        struct ide_drive *drive = &channel->drive[i];
        drive->transfer_mode = 0;
        drive->write_cache = true;
        drive->tray_locked = false;
        drive->sense_key = drive->sense_code = drive->sense_qualifier = 0;
        drive->unit_attention = drive->kind == IDE_CDROM;
    }
}

static const struct state_field channel_fields[] = {
    FIELD(ide_channel, control, 1),
    FIELD(ide_channel, selected, 1),
    FIELD(ide_channel, step, 1),
    FIELD(ide_channel, step_drive, 1),
    FIELD(ide_channel, irq_pending, 1),
    FIELD(ide_channel, irq_level, 1),
    FIELD(ide_channel, timer.deadline_ns, 1),
    NOT_SAVED(ide_channel, timer),
    NOT_SAVED(ide_channel, command_port),
    NOT_SAVED(ide_channel, control_port),
    NOT_SAVED(ide_channel, drive), /* ide_drive_class */
    NOT_SAVED(ide_channel, irq),
    NOT_SAVED(ide_channel, clock),
    NOT_SAVED(ide_channel, bus_master),
};
const struct state_table ide_channel_state = STATE_TABLE(ide_channel, channel_fields);
const struct device_class ide_channel_class = {"ide_channel", ide_channel_reset,
                                               &ide_channel_state};

static const struct state_field drive_fields[] = {
    FIELD(ide_drive, feature, 1),         FIELD(ide_drive, error, 1),
    FIELD(ide_drive, count, 1),           FIELD(ide_drive, lba_low, 1),
    FIELD(ide_drive, lba_mid, 1),         FIELD(ide_drive, lba_high, 1),
    FIELD(ide_drive, device, 1),          FIELD(ide_drive, status, 1),
    FIELD(ide_drive, hob_feature, 1),     FIELD(ide_drive, hob_count, 1),
    FIELD(ide_drive, hob_low, 1),         FIELD(ide_drive, hob_mid, 1),
    FIELD(ide_drive, hob_high, 1),        FIELD(ide_drive, phase, 1),
    FIELD(ide_drive, multiple, 1),        FIELD(ide_drive, transfer_mode, 1),
    FIELD(ide_drive, heads, 1),           FIELD(ide_drive, track_sectors, 1),
    FIELD(ide_drive, write_cache, 1),     FIELD(ide_drive, is_lba48, 1),
    FIELD(ide_drive, is_write, 1),        FIELD(ide_drive, is_dma, 1),
    FIELD(ide_drive, block_sectors, 1),   FIELD(ide_drive, lba, 1),
    FIELD(ide_drive, sectors_left, 1),    FIELD(ide_drive, buffer_at, 1),
    FIELD(ide_drive, block_end, 1),       FIELD(ide_drive, buffer_end, 1),
    FIELD(ide_drive, packet, 1),          FIELD(ide_drive, packet_at, 1),
    FIELD(ide_drive, sense_key, 1),       FIELD(ide_drive, sense_code, 1),
    FIELD(ide_drive, sense_qualifier, 1), FIELD(ide_drive, media_event, 1),
    FIELD(ide_drive, unit_attention, 1),  FIELD(ide_drive, tray_open, 1),
    FIELD(ide_drive, tray_locked, 1),     FIELD(ide_drive, byte_limit, 1),
    FIELD(ide_drive, cd_sector_bytes, 1), FIELD(ide_drive, buffer, 1),
    NOT_SAVED(ide_drive, kind), /* configuration */
    NOT_SAVED(ide_drive, number),         NOT_SAVED(ide_drive, unit),
    NOT_SAVED(ide_drive, image),          NOT_SAVED(ide_drive, channel),
};
const struct state_table ide_drive_state = STATE_TABLE(ide_drive, drive_fields);
const struct device_class ide_drive_class = {"ide_drive", NULL, &ide_drive_state};
