/*
 * One drive on an ATA channel: its task file, the data block in flight and the state of the
 * command that runs. ide_disk.c gives it a hard disk's commands, ide_cdrom.c and
 * atapi_commands.c those of an ATAPI CD-ROM.
 *
 * A command moves through phases; whatever takes a real drive time happens in a step that the
 * channel's timer runs a few microseconds later, with BSY set in between:
 *
 *   read    command -> [READ] -> DATA_IN -> host drains the block -> [READ] ... -> idle
 *   write   command -> DATA_OUT -> host fills the block -> [WRITE] -> DATA_OUT ... -> idle
 *   DMA     command -> DMA -> bus master started -> [DMA] ... -> idle
 *   packet  command -> [PACKET] -> PACKET -> 12 bytes -> [CDROM_DATA] -> DATA_IN ... -> idle
 */
#ifndef HW_BLOCK_IDE_DRIVE_H
#define HW_BLOCK_IDE_DRIVE_H

#include "hw/core/device.h"
#include "hw/core/disk_image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDE_BUFFER_BYTES 65536u
#define IDE_SECTOR_BYTES 512u
#define IDE_PACKET_BYTES 12u
#define CD_SECTOR_BYTES  2048u

#define IDE_STATUS_ERR  0x01
#define IDE_STATUS_DRQ  0x08
#define IDE_STATUS_DSC  0x10
#define IDE_STATUS_DF   0x20
#define IDE_STATUS_DRDY 0x40
#define IDE_STATUS_BSY  0x80

#define IDE_ERROR_ABRT 0x04
#define IDE_ERROR_IDNF 0x10
#define IDE_ERROR_UNC  0x40

#define IDE_DEVICE_LBA 0x40

enum ide_kind { IDE_NO_DRIVE, IDE_DISK, IDE_CDROM };
enum ide_phase { IDE_IDLE, IDE_DATA_IN, IDE_DATA_OUT, IDE_DMA, IDE_PACKET };
enum ide_step {
    IDE_STEP_NONE,
    IDE_STEP_FINISH,
    IDE_STEP_READ,
    IDE_STEP_WRITE,
    IDE_STEP_DMA,
    IDE_STEP_PACKET,
    IDE_STEP_CDROM_DATA,
    IDE_STEP_RESET,
    IDE_STEP_DIAGNOSE,
};

struct ide_channel;

struct ide_drive {
    /* Task file; the hob_ members hold the previously written values (LBA48). */
    uint8_t feature, error, count, lba_low, lba_mid, lba_high, device, status;
    uint8_t hob_feature, hob_count, hob_low, hob_mid, hob_high;
    uint8_t phase;                /* enum ide_phase */
    uint8_t multiple;             /* sectors per block of READ/WRITE MULTIPLE; 0: not set */
    uint8_t transfer_mode;        /* as SET FEATURES took it */
    uint8_t heads, track_sectors; /* the geometry that CHS addresses use */
    bool write_cache;
    /* The transfer in progress. */
    bool is_lba48, is_write, is_dma;
    uint8_t block_sectors; /* sectors per DRQ block */
    uint64_t lba;          /* next sector */
    uint32_t sectors_left;
    uint32_t buffer_at;  /* next byte for the host */
    uint32_t block_end;  /* end of this DRQ block; never above buffer_end */
    uint32_t buffer_end; /* end of valid bytes; never above IDE_BUFFER_BYTES */
    /* ATAPI. */
    uint8_t packet[IDE_PACKET_BYTES];
    uint8_t packet_at;
    uint8_t sense_key, sense_code, sense_qualifier;
    uint8_t media_event; /* for GET EVENT STATUS NOTIFICATION: 0, 2 new, 3 removed */
    bool unit_attention, tray_open, tray_locked;
    uint16_t byte_limit;
    uint16_t cd_sector_bytes; /* 2048, or 2352 for raw sectors */
    uint8_t buffer[IDE_BUFFER_BYTES];
    /* Wiring. */
    uint8_t kind;             /* enum ide_kind */
    uint8_t number;           /* 0 or 1 on its channel */
    uint8_t unit;             /* in the whole machine, for the serial number */
    struct disk_image *image; /* NULL: empty CD-ROM drive */
    struct ide_channel *channel;
};

extern const struct state_table ide_drive_state;
extern const struct device_class ide_drive_class;

/** Change or take out (NULL) the medium of a CD-ROM drive. The caller owns the images. */
void ide_drive_set_medium(struct ide_drive *drive, struct disk_image *image);

/* The rest is for the files of this folder. */

/** Registers as after a reset, with the signature of the drive's kind. */
void ide_drive_reset(struct ide_drive *drive);
void ide_drive_set_signature(struct ide_drive *drive);

/* ide_disk.c */
void ide_disk_command(struct ide_drive *drive, uint8_t command);
void ide_disk_step(struct ide_drive *drive, enum ide_step step);
/** The host has drained or filled the data block. */
void ide_disk_block_done(struct ide_drive *drive);

/* ide_cdrom.c */
void ide_cdrom_command(struct ide_drive *drive, uint8_t command);
void ide_cdrom_step(struct ide_drive *drive, enum ide_step step);
void ide_cdrom_block_done(struct ide_drive *drive);
/** Length of the medium in 2048-byte sectors; 0 without one. */
uint32_t ide_cdrom_sectors(const struct ide_drive *drive);
/** Write an ATA string: space padded, bytes swapped in each word. */
void ide_identify_string(uint8_t *to, size_t size, const char *text);

/* atapi_commands.c */
/** Run the packet in drive->packet. */
void atapi_execute(struct ide_drive *drive);
/** End the command with CHECK CONDITION and this sense. */
void atapi_fail(struct ide_drive *drive, uint8_t key, uint8_t code, uint8_t qualifier);

#endif
