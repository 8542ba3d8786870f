/*
 * An ATA channel: the command block (1F0h or 170h), the control block (3F6h or 376h), its two
 * drives, its interrupt line and the timer that lets commands take time.
 */
#ifndef HW_BLOCK_IDE_CHANNEL_H
#define HW_BLOCK_IDE_CHANNEL_H

#include "hw/block/ide_drive.h"
#include "hw/core/clock.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

struct ide_bus_master;

struct ide_channel {
    uint8_t control;  /* device control register */
    uint8_t selected; /* drive 0 or 1 */
    uint8_t step;     /* enum ide_step that the timer runs */
    uint8_t step_drive;
    bool irq_pending;
    bool irq_level;
    struct clock_timer timer;
    uint16_t command_port, control_port;
    struct ide_drive drive[2];
    struct irq_line irq;
    struct clock *clock;
    struct ide_bus_master *bus_master; /* NULL: PIO only */
};

extern const struct state_table ide_channel_state;
extern const struct device_class ide_channel_class;

/**
 * Make a channel without drives and claim its ports. Its state is saved by ide_channel_class for
 * the channel and ide_drive_class for each of drive[0] and drive[1]; resetting the channel resets
 * its drives.
 *
 * @index  0: primary (1F0h, 3F6h); 1: secondary (170h, 376h)
 */
void ide_channel_init(struct ide_channel *channel, unsigned index, struct port_map *ports,
                      struct clock *clock, const struct irq_line *irq);
/** Attach a hard disk (the image must not be NULL). number is 0 or 1. */
void ide_channel_attach_disk(struct ide_channel *channel, unsigned number,
                             struct disk_image *image);
/** Attach a CD-ROM drive; NULL is an empty one. */
void ide_channel_attach_cdrom(struct ide_channel *channel, unsigned number,
                              struct disk_image *image);

/* The rest is for the files of this folder. */

/** Set BSY and run `step` on the drive after delay_ns of virtual time. */
void ide_channel_schedule(struct ide_channel *channel, struct ide_drive *drive, enum ide_step step,
                          uint64_t delay_ns);
/** Raise the channel's interrupt. */
void ide_channel_raise(struct ide_channel *channel);
/** The command ends now: status and error register, then the interrupt. */
void ide_channel_finish(struct ide_drive *drive, uint8_t error);
/** The command ends after the usual delay. */
void ide_channel_finish_later(struct ide_drive *drive, uint8_t error);
/** The bus master was started: continue a DMA command that waits for it. */
void ide_channel_dma_started(struct ide_channel *channel);

#define IDE_COMMAND_NS UINT64_C(4000)

#endif
