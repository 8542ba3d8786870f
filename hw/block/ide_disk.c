/*
 * The command set of an ATA hard disk: PIO, multiple-sector and DMA transfers in CHS, LBA28 and
 * LBA48 addressing, IDENTIFY and the housekeeping commands.
 * Source: ATA/ATAPI-6 (T13/1410D), "Command descriptions".
 */
#include "hw/block/ide_bus_master.h"
#include "hw/block/ide_channel.h"
#include "softmmu/base/bits.h"

#include <stdio.h>
#include <string.h>

#define MULTIPLE_MAX 16

/* A block of a DMA command: what one step moves, so that no single event takes long. */
#define DMA_BLOCK_SECTORS (IDE_BUFFER_BYTES / IDE_SECTOR_BYTES)

enum transfer_protocol { PIO, MULTIPLE, DMA, VERIFY };

/* ATA's translation for disks of more than 8 GiB stops at 16383 cylinders. */
static uint32_t default_cylinders(const struct ide_drive *drive) {
    uint64_t cylinders = disk_image_sectors(drive->image) / (16 * 63);
    return cylinders > 16383 ? 16383 : cylinders == 0 ? 1 : (uint32_t)cylinders;
}

static uint32_t current_cylinders(const struct ide_drive *drive) {
    uint64_t cylinders =
        disk_image_sectors(drive->image) / ((uint32_t)drive->heads * drive->track_sectors);
    return cylinders > 65535 ? 65535 : (uint32_t)cylinders;
}

void ide_identify_string(uint8_t *to, size_t size, const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < size; i++)
        to[i ^ 1] = i < length ? (uint8_t)text[i] : ' ';
}

static void set_word(struct ide_drive *drive, unsigned word, uint32_t value) {
    store_le16(drive->buffer + 2 * word, (uint16_t)value);
}

static void identify_capacity(struct ide_drive *drive) {
    uint64_t sectors = disk_image_sectors(drive->image);
    uint32_t lba28 = sectors > 0x0fffffff ? 0x0fffffff : (uint32_t)sectors;
    uint32_t cylinders = current_cylinders(drive);
    uint32_t chs = cylinders * drive->heads * drive->track_sectors;
    set_word(drive, 1, default_cylinders(drive));
    set_word(drive, 3, 16);
    set_word(drive, 6, 63);
    set_word(drive, 54, cylinders);
    set_word(drive, 55, drive->heads);
    set_word(drive, 56, drive->track_sectors);
    store_le32(drive->buffer + 2 * 57, chs);
    store_le32(drive->buffer + 2 * 60, lba28);
    store_le64(drive->buffer + 2 * 100, sectors);
}

static void identify(struct ide_drive *drive) {
    char serial[21];
    memset(drive->buffer, 0, IDE_SECTOR_BYTES);
    snprintf(serial, sizeof(serial), "PM%05u", drive->unit + 1u);
    set_word(drive, 0, 0x0040); /* fixed drive */
    ide_identify_string(drive->buffer + 20, 20, serial);
    ide_identify_string(drive->buffer + 46, 8, "1.0");
    ide_identify_string(drive->buffer + 54, 40, "PENTIMENTO HARDDISK");
    identify_capacity(drive);
    set_word(drive, 20, 3);
    set_word(drive, 21, 512);
    set_word(drive, 22, 4);
    set_word(drive, 47, 0x8000 | MULTIPLE_MAX);
    set_word(drive, 48, 1);
    set_word(drive, 49, 0x0f00); /* IORDY, LBA, DMA */
    set_word(drive, 51, 0x0200);
    set_word(drive, 52, 0x0200);
    set_word(drive, 53, 7); /* words 54-58, 64-70 and 88 are valid */
    set_word(drive, 59, drive->multiple != 0 ? 0x0100u | drive->multiple : 0);
    unsigned mode = drive->transfer_mode & 7;
    unsigned kind = drive->transfer_mode >> 3;
    set_word(drive, 63, 0x07 | (kind == 4 ? 0x100u << mode : 0));
    set_word(drive, 64, 3); /* PIO 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        set_word(drive, word, 120);
    set_word(drive, 80, 0x00f0); /* ATA-4 to ATA-7 */
    set_word(drive, 81, 0x0016);
    set_word(drive, 82, 0x4020); /* NOP, write cache */
    set_word(drive, 83, 0x7400); /* FLUSH CACHE (EXT), LBA48 */
    set_word(drive, 84, 0x4000);
    set_word(drive, 85, drive->write_cache ? 0x4020 : 0x4000);
    set_word(drive, 86, 0x3400);
    set_word(drive, 87, 0x4000);
    set_word(drive, 88, 0x3f | (kind == 8 ? 0x100u << mode : 0));
    set_word(drive, 93, 0x6001);
}

/* The address in the task file as a sector number. False: CHS outside the geometry. */
static bool decode_address(const struct ide_drive *drive, uint64_t *lba) {
    uint32_t low = drive->lba_low | (uint32_t)drive->lba_mid << 8 | (uint32_t)drive->lba_high << 16;
    if (drive->is_lba48) {
        uint32_t high =
            drive->hob_low | (uint32_t)drive->hob_mid << 8 | (uint32_t)drive->hob_high << 16;
        *lba = low | (uint64_t)high << 24;
        return true;
    }
    uint32_t top = drive->device & 15;
    if (drive->device & IDE_DEVICE_LBA) {
        *lba = low | top << 24;
        return true;
    }
    uint32_t cylinder = low >> 8;
    if (drive->lba_low == 0 || drive->lba_low > drive->track_sectors || top >= drive->heads)
        return false;
    *lba = ((uint64_t)cylinder * drive->heads + top) * drive->track_sectors + drive->lba_low - 1;
    return true;
}

/* Show the address that the command has reached, and what is left of its count. */
static void encode_address(struct ide_drive *drive, uint64_t lba) {
    drive->count = (uint8_t)drive->sectors_left;
    if (!drive->is_lba48 && (drive->device & IDE_DEVICE_LBA) == 0) {
        uint32_t track = (uint32_t)(lba / drive->track_sectors);
        uint32_t cylinder = track / drive->heads;
        drive->lba_low = (uint8_t)(lba % drive->track_sectors + 1);
        drive->lba_mid = (uint8_t)cylinder;
        drive->lba_high = (uint8_t)(cylinder >> 8);
        drive->device = (uint8_t)((drive->device & 0xf0) | track % drive->heads);
        return;
    }
    drive->lba_low = (uint8_t)lba;
    drive->lba_mid = (uint8_t)(lba >> 8);
    drive->lba_high = (uint8_t)(lba >> 16);
    if (drive->is_lba48) {
        drive->hob_count = (uint8_t)(drive->sectors_left >> 8);
        drive->hob_low = (uint8_t)(lba >> 24);
        drive->hob_mid = (uint8_t)(lba >> 32);
        drive->hob_high = (uint8_t)(lba >> 40);
    } else {
        drive->device = (uint8_t)((drive->device & 0xf0) | (lba >> 24 & 15));
    }
}

static uint32_t block_count(const struct ide_drive *drive) {
    return drive->sectors_left < drive->block_sectors ? drive->sectors_left : drive->block_sectors;
}

static void request_out(struct ide_drive *drive) {
    drive->phase = IDE_DATA_OUT;
    drive->buffer_at = 0;
    drive->block_end = drive->buffer_end = block_count(drive) * IDE_SECTOR_BYTES;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
}

static void start_transfer(struct ide_drive *drive, enum transfer_protocol protocol, bool is_write,
                           bool is_lba48) {
    drive->is_lba48 = is_lba48;
    drive->is_write = is_write;
    drive->is_dma = protocol == DMA;
    uint32_t count = drive->count | (is_lba48 ? (uint32_t)drive->hob_count << 8 : 0);
    drive->sectors_left = count != 0 ? count : is_lba48 ? 65536 : 256;
    drive->block_sectors = protocol == DMA        ? DMA_BLOCK_SECTORS
                           : protocol == MULTIPLE ? drive->multiple
                                                  : 1;
    uint64_t sectors = disk_image_sectors(drive->image);
    uint64_t lba = 0;
    if (protocol == MULTIPLE && drive->multiple == 0) {
        ide_channel_finish_later(drive, IDE_ERROR_ABRT);
    } else if (!decode_address(drive, &lba) || lba >= sectors ||
               (protocol != PIO && drive->sectors_left > sectors - lba)) {
        /* PIO reads up to the end and fails there; the others may fail at once. */
        ide_channel_finish_later(drive, IDE_ERROR_IDNF);
    } else if (is_write && disk_image_is_readonly(drive->image)) {
        ide_channel_finish_later(drive, IDE_ERROR_ABRT);
    } else if (protocol == VERIFY) {
        lba += drive->sectors_left - 1;
        drive->sectors_left = 0;
        encode_address(drive, lba);
        ide_channel_finish_later(drive, 0);
    } else {
        drive->lba = lba;
        if (protocol == DMA) {
            drive->phase = IDE_DMA;
            drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
            ide_channel_dma_started(drive->channel); /* the engine may be waiting already */
        } else if (is_write) {
            request_out(drive);
        } else {
            ide_channel_schedule(drive->channel, drive, IDE_STEP_READ, IDE_COMMAND_NS);
        }
    }
}

static void transfer_failed(struct ide_drive *drive) {
    bool beyond = drive->lba >= disk_image_sectors(drive->image) ||
                  block_count(drive) > disk_image_sectors(drive->image) - drive->lba;
    encode_address(drive, drive->lba);
    ide_channel_finish(drive, beyond ? IDE_ERROR_IDNF : IDE_ERROR_UNC);
}

static void advance(struct ide_drive *drive, uint32_t count) {
    drive->lba += count;
    drive->sectors_left -= count;
    encode_address(drive, drive->sectors_left != 0 ? drive->lba : drive->lba - 1);
}

static void read_step(struct ide_drive *drive) {
    uint32_t count = block_count(drive);
    if (!disk_image_read(drive->image, drive->lba, count, drive->buffer)) {
        transfer_failed(drive);
        return;
    }
    advance(drive, count);
    drive->phase = IDE_DATA_IN;
    drive->buffer_at = 0;
    drive->block_end = drive->buffer_end = count * IDE_SECTOR_BYTES;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    ide_channel_raise(drive->channel);
}

/* Without the write cache a write is acknowledged only when it is durable. */
static bool write_out(struct ide_drive *drive, uint32_t count) {
    return disk_image_write(drive->image, drive->lba, count, drive->buffer) &&
           (drive->write_cache || disk_image_flush(drive->image));
}

static void write_step(struct ide_drive *drive) {
    uint32_t count = drive->buffer_end / IDE_SECTOR_BYTES;
    if (!write_out(drive, count)) {
        transfer_failed(drive);
        return;
    }
    advance(drive, count);
    if (drive->sectors_left == 0) {
        ide_channel_finish(drive, 0);
        return;
    }
    request_out(drive);
    ide_channel_raise(drive->channel);
}

static void dma_step(struct ide_drive *drive) {
    struct ide_bus_master *master = drive->channel->bus_master;
    uint32_t count = block_count(drive);
    size_t bytes = (size_t)count * IDE_SECTOR_BYTES;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    if (master == NULL || !ide_bus_master_is_started(master))
        return; /* stopped in between: wait for the next start */
    bool ok;
    if (drive->is_write) {
        if (ide_bus_master_transfer(master, drive->buffer, bytes, false) < bytes)
            return; /* the table ended early; as on hardware, no interrupt comes */
        ok = write_out(drive, count);
    } else {
        ok = disk_image_read(drive->image, drive->lba, count, drive->buffer);
        if (ok && ide_bus_master_transfer(master, drive->buffer, bytes, true) < bytes)
            return;
    }
    if (!ok) {
        transfer_failed(drive);
        return;
    }
    advance(drive, count);
    if (drive->sectors_left == 0)
        ide_channel_finish(drive, 0);
    else
        ide_channel_schedule(drive->channel, drive, IDE_STEP_DMA, IDE_COMMAND_NS);
}

void ide_disk_step(struct ide_drive *drive, enum ide_step step) {
    if (step == IDE_STEP_READ)
        read_step(drive);
    else if (step == IDE_STEP_WRITE)
        write_step(drive);
    else if (step == IDE_STEP_DMA && drive->phase == IDE_DMA)
        dma_step(drive);
}

void ide_disk_block_done(struct ide_drive *drive) {
    if (drive->phase == IDE_DATA_OUT) {
        ide_channel_schedule(drive->channel, drive, IDE_STEP_WRITE, IDE_COMMAND_NS);
    } else if (drive->sectors_left > 0) {
        ide_channel_schedule(drive->channel, drive, IDE_STEP_READ, IDE_COMMAND_NS);
    } else {
        drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC;
    }
    drive->phase = IDE_IDLE;
}

static void start_identify(struct ide_drive *drive) {
    identify(drive);
    drive->sectors_left = 0;
    drive->phase = IDE_DATA_IN;
    drive->buffer_at = 0;
    drive->block_end = drive->buffer_end = IDE_SECTOR_BYTES;
    drive->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    ide_channel_raise(drive->channel);
}

static bool set_features(struct ide_drive *drive) {
    switch (drive->feature) {
    case 0x02:
        drive->write_cache = true;
        return true;
    case 0x82:
        drive->write_cache = false;
        return disk_image_flush(drive->image);
    case 0x03: { /* transfer mode: PIO (default, flow control), multiword DMA 0-2, UDMA 0-5 */
        unsigned kind = drive->count >> 3, mode = drive->count & 7;
        if (!(kind == 0 && mode <= 1) && !(kind == 1 && mode <= 4) && !(kind == 4 && mode <= 2) &&
            !(kind == 8 && mode <= 5))
            return false;
        drive->transfer_mode = drive->count;
        return true;
    }
    case 0x55: /* look-ahead off, on; keep or revert settings at soft reset */
    case 0xaa:
    case 0x66:
    case 0xcc:
        return true;
    default:
        return false;
    }
}

static bool initialize_parameters(struct ide_drive *drive) {
    if (drive->count == 0)
        return false;
    drive->heads = (drive->device & 15) + 1;
    drive->track_sectors = drive->count;
    return true;
}

static bool set_multiple(struct ide_drive *drive) {
    unsigned count = drive->count;
    if (count > MULTIPLE_MAX || (count & (count - 1)) != 0)
        return false;
    drive->multiple = (uint8_t)count;
    return true;
}

static void native_max(struct ide_drive *drive, bool is_lba48) {
    uint64_t last = disk_image_sectors(drive->image) - 1;
    if (!is_lba48 && last > 0x0ffffffe)
        last = 0x0ffffffe;
    drive->is_lba48 = is_lba48;
    drive->device |= IDE_DEVICE_LBA;
    drive->sectors_left = 0;
    encode_address(drive, last);
}

/* Commands without data. Returns false for those that the disk does not have. */
static bool simple_command(struct ide_drive *drive, uint8_t command) {
    switch (command) {
    case 0x91:
        return initialize_parameters(drive);
    case 0xc6:
        return set_multiple(drive);
    case 0xef:
        return set_features(drive);
    case 0xe7: /* FLUSH CACHE, FLUSH CACHE EXT */
    case 0xea:
        return disk_image_flush(drive->image);
    case 0xf8: /* READ NATIVE MAX ADDRESS */
    case 0x27:
        native_max(drive, command == 0x27);
        return true;
    case 0xe5: /* CHECK POWER MODE: active or idle */
    case 0x98:
        drive->count = 0xff;
        return true;
    case 0xe0: /* STANDBY, IDLE and SLEEP have nothing to stop */
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6:
    case 0x94:
    case 0x95:
    case 0x96:
    case 0x97:
    case 0x99:
        return true;
    default:
        /* RECALIBRATE (10h-1Fh) and SEEK (70h-7Fh) */
        return (command & 0xf0) == 0x10 || (command & 0xf0) == 0x70;
    }
}

void ide_disk_command(struct ide_drive *drive, uint8_t command) {
    static const struct {
        uint8_t command, protocol;
        bool is_write, is_lba48;
    } transfers[] = {
        {0x20, PIO, false, false},      {0x21, PIO, false, false},
        {0x24, PIO, false, true},       {0x25, DMA, false, true},
        {0x29, MULTIPLE, false, true},  {0x30, PIO, true, false},
        {0x31, PIO, true, false},       {0x34, PIO, true, true},
        {0x35, DMA, true, true},        {0x39, MULTIPLE, true, true},
        {0x3c, PIO, true, false},       {0x40, VERIFY, false, false},
        {0x41, VERIFY, false, false},   {0x42, VERIFY, false, true},
        {0xc4, MULTIPLE, false, false}, {0xc5, MULTIPLE, true, false},
        {0xc8, DMA, false, false},      {0xc9, DMA, false, false},
        {0xca, DMA, true, false},       {0xcb, DMA, true, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(transfers); i++) {
        if (transfers[i].command == command) {
            start_transfer(drive, transfers[i].protocol, transfers[i].is_write,
                           transfers[i].is_lba48);
            return;
        }
    }
    if (command == 0xec)
        start_identify(drive);
    else
        ide_channel_finish_later(drive, simple_command(drive, command) ? 0 : IDE_ERROR_ABRT);
}
