/*
 * An ATAPI CD-ROM drive as an ATA device: IDENTIFY PACKET DEVICE, the PACKET command and how its
 * data moves (PIO in blocks of at most the host's byte count limit, or bus master DMA).
 * Source: ATA/ATAPI-6 (T13/1410D), "PACKET command protocol"; SFF-8020i.
 */
#include "hw/block/ide_bus_master.h"
#include "hw/block/ide_channel.h"
#include "softmmu/base/bits.h"

#include <stdio.h>
#include <string.h>

/* The interrupt reason register, which is the count register of a packet command. */
#define REASON_COMMAND 0x01
#define REASON_INPUT   0x02

#define FILL_SECTORS 16u

uint32_t ide_cdrom_sectors(const struct ide_drive *drive) {
    if (drive->image == NULL || drive->tray_open)
        return 0;
    uint64_t sectors = disk_image_sectors(drive->image) / (CD_SECTOR_BYTES / IDE_SECTOR_BYTES);
    return sectors > UINT32_MAX ? UINT32_MAX : (uint32_t)sectors;
}

void ide_drive_set_medium(struct ide_drive *drive, struct disk_image *image) {
    drive->image = image;
    drive->tray_open = false;
    drive->unit_attention = true;
    drive->media_event = image != NULL ? 2 : 3;
}

static void set_word(struct ide_drive *drive, unsigned word, uint32_t value) {
    store_le16(drive->buffer + 2 * word, (uint16_t)value);
}

static void identify(struct ide_drive *drive) {
    char serial[21];
    memset(drive->buffer, 0, IDE_SECTOR_BYTES);
    snprintf(serial, sizeof(serial), "PM%05u", drive->unit + 1u);
    set_word(drive, 0, 0x85c0); /* ATAPI, CD-ROM, removable, DRQ within 50 us, 12-byte packets */
    ide_identify_string(drive->buffer + 20, 20, serial);
    ide_identify_string(drive->buffer + 46, 8, "1.0");
    ide_identify_string(drive->buffer + 54, 40, "PENTIMENTO CD-ROM");
    set_word(drive, 48, 1);
    set_word(drive, 49, 0x0b00); /* IORDY, LBA, DMA */
    set_word(drive, 53, 7);
    unsigned mode = drive->transfer_mode & 7;
    unsigned kind = drive->transfer_mode >> 3;
    set_word(drive, 63, 0x07 | (kind == 4 ? 0x100u << mode : 0));
    set_word(drive, 64, 3);
    for (unsigned word = 65; word <= 68; word++)
        set_word(drive, word, 120);
    set_word(drive, 80, 0x001e);
    set_word(drive, 82, 0x4210); /* NOP, DEVICE RESET, PACKET */
    set_word(drive, 83, 0x4000);
    set_word(drive, 84, 0x4000);
    set_word(drive, 85, 0x4210);
    set_word(drive, 87, 0x4000);
    set_word(drive, 88, 0x3f | (kind == 8 ? 0x100u << mode : 0));
}

static void abort_command(struct ide_drive *drive) {
    ide_channel_finish_later(drive, IDE_ERROR_ABRT);
}

static void start_identify(struct ide_drive *drive) {
    identify(drive);
    drive->sectors_left = 0;
    drive->is_dma = false;
    drive->phase = IDE_DATA_IN;
    drive->buffer_at = 0;
    drive->block_end = drive->buffer_end = IDE_SECTOR_BYTES;
    drive->packet_at = 0; /* tells the end of IDENTIFY from the end of a packet's data */
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    ide_channel_raise(drive->channel);
}

static void start_packet(struct ide_drive *drive) {
    drive->is_dma = (drive->feature & 1) != 0;
    drive->byte_limit = (uint16_t)(drive->lba_mid | drive->lba_high << 8);
    if (drive->byte_limit == 0 || drive->byte_limit == 0xffff)
        drive->byte_limit = 0xfffe;
    if (drive->byte_limit & 1 && drive->byte_limit > 1)
        drive->byte_limit--;
    drive->packet_at = 0;
    drive->sectors_left = 0;
    drive->buffer_at = drive->block_end = drive->buffer_end = 0;
    ide_channel_schedule(drive->channel, drive, IDE_STEP_PACKET, IDE_COMMAND_NS);
}

void ide_cdrom_command(struct ide_drive *drive, uint8_t command) {
    switch (command) {
    case 0xa0:
        start_packet(drive);
        break;
    case 0xa1:
        start_identify(drive);
        break;
    case 0xec: /* IDENTIFY DEVICE and READ SECTORS say "I am a packet device" */
    case 0x20:
        ide_drive_set_signature(drive);
        abort_command(drive);
        break;
    case 0xef:
        if (drive->feature == 0x03)
            drive->transfer_mode = drive->count;
        ide_channel_finish_later(drive, 0);
        break;
    case 0xe5:
        drive->count = 0xff;
        ide_channel_finish_later(drive, 0);
        break;
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6:
        ide_channel_finish_later(drive, 0);
        break;
    default:
        abort_command(drive);
        break;
    }
}

static void packet_succeeded(struct ide_drive *drive) {
    drive->count = REASON_INPUT | REASON_COMMAND;
    ide_channel_finish(drive, 0);
}

/* A raw sector: sync pattern, address, mode 1, data; the error correction bytes stay zero. */
static void make_raw_sector(uint8_t *to, const uint8_t *data, uint32_t lba) {
    uint32_t frame = lba + 150;
    uint32_t msf[3] = {frame / 75 / 60, frame / 75 % 60, frame % 75};
    memset(to, 0, 2352);
    memset(to + 1, 0xff, 10);
    for (unsigned i = 0; i < 3; i++)
        to[12 + i] = (uint8_t)(msf[i] % 100 / 10 << 4 | msf[i] % 10);
    to[15] = 1;
    memcpy(to + 16, data, CD_SECTOR_BYTES);
}

/* Read the next sectors into the buffer. */
static bool fill(struct ide_drive *drive) {
    uint32_t count = drive->sectors_left < FILL_SECTORS ? drive->sectors_left : FILL_SECTORS;
    uint8_t data[CD_SECTOR_BYTES];
    uint32_t per = CD_SECTOR_BYTES / IDE_SECTOR_BYTES;
    if (drive->image == NULL)
        return false;
    if (drive->cd_sector_bytes == CD_SECTOR_BYTES) {
        if (!disk_image_read(drive->image, drive->lba * per, count * per, drive->buffer))
            return false;
    } else {
        for (uint32_t i = 0; i < count; i++) {
            if (!disk_image_read(drive->image, (drive->lba + i) * per, per, data))
                return false;
            make_raw_sector(drive->buffer + (size_t)i * 2352, data, (uint32_t)drive->lba + i);
        }
    }
    drive->lba += count;
    drive->sectors_left -= count;
    drive->buffer_at = 0;
    drive->buffer_end = count * drive->cd_sector_bytes;
    return true;
}

static void data_in(struct ide_drive *drive) {
    uint32_t size = drive->buffer_end - drive->buffer_at;
    if (size > drive->byte_limit)
        size = drive->byte_limit;
    drive->block_end = drive->buffer_at + size;
    drive->lba_mid = (uint8_t)size;
    drive->lba_high = (uint8_t)(size >> 8);
    drive->count = REASON_INPUT;
    drive->phase = IDE_DATA_IN;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    ide_channel_raise(drive->channel);
}

static void dma_in(struct ide_drive *drive) {
    struct ide_bus_master *master = drive->channel->bus_master;
    drive->phase = IDE_DMA;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    if (master == NULL || !ide_bus_master_is_started(master))
        return; /* ide_channel_dma_started() comes back */
    uint32_t size = drive->buffer_end - drive->buffer_at;
    size_t moved = ide_bus_master_transfer(master, drive->buffer + drive->buffer_at, size, true);
    drive->buffer_at += (uint32_t)moved;
    if (moved < size)
        return; /* the table ended early; as on hardware, no interrupt comes */
    ide_channel_schedule(drive->channel, drive, IDE_STEP_CDROM_DATA, IDE_COMMAND_NS);
}

static void next_data(struct ide_drive *drive) {
    if (drive->buffer_at == drive->buffer_end) {
        if (drive->sectors_left == 0) {
            packet_succeeded(drive);
            return;
        }
        if (!fill(drive)) {
            drive->sectors_left = 0;
            atapi_fail(drive, 3, 0x11, 0); /* unrecovered read error */
            return;
        }
    }
    if (drive->is_dma)
        dma_in(drive);
    else
        data_in(drive);
}

void ide_cdrom_step(struct ide_drive *drive, enum ide_step step) {
    if (step == IDE_STEP_PACKET) {
        drive->phase = IDE_PACKET;
        drive->count = REASON_COMMAND;
        drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    } else if (step == IDE_STEP_CDROM_DATA || step == IDE_STEP_DMA) {
        next_data(drive);
    }
}

void ide_cdrom_block_done(struct ide_drive *drive) {
    drive->phase = IDE_IDLE;
    if (drive->packet_at == 0)
        drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC; /* IDENTIFY PACKET DEVICE */
    else
        ide_channel_schedule(drive->channel, drive, IDE_STEP_CDROM_DATA, IDE_COMMAND_NS);
}
