/*
 * 82077AA floppy disk controller with two drives, at ports 3F0h-3F5h and 3F7h, IRQ 6, DMA
 * channel 2 (or programmed I/O when SPECIFY asks for it).
 */
#ifndef HW_BLOCK_FDC_82077_H
#define HW_BLOCK_FDC_82077_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/disk_image.h"
#include "hw/core/dma_channel.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#define FDC_DRIVES       2
#define FDC_FIFO_BYTES   16
#define FDC_SECTOR_BYTES 512u

enum fdc_phase { FDC_COMMAND, FDC_EXECUTION, FDC_RESULT };

struct fdc_medium {
    bool is_present; /* there is a drive */
    struct floppy_geometry geometry;
    struct disk_image *image; /* NULL: no disk in the drive */
};

struct fdc_82077 {
    uint8_t dor, dsr, tape, data_rate;
    uint8_t phase; /* enum fdc_phase */
    uint8_t fifo[FDC_FIFO_BYTES];
    uint8_t fifo_at;     /* next byte to take or give; never above fifo_length */
    uint8_t fifo_length; /* bytes of this command or result; at most FDC_FIFO_BYTES */
    uint8_t specify[2], configure[2], perpendicular;
    bool is_locked;
    bool is_irq_raised;
    uint8_t reset_senses; /* SENSE INTERRUPT answers still owed after a reset */
    uint8_t seek_done;    /* a bit per drive: a finished seek nobody has asked about */
    uint8_t seek_status[FDC_DRIVES];
    /* The transfer in progress. */
    uint8_t status1, status2;
    uint8_t cylinder, head, sector, last_sector, size_code;
    uint8_t format_left; /* sectors still to format */
    bool terminal_count;
    uint16_t buffer_at; /* never above FDC_SECTOR_BYTES */
    uint8_t buffer[FDC_SECTOR_BYTES];
    /* The drives. */
    uint8_t drive_cylinder[FDC_DRIVES]; /* where the head is */
    bool disk_changed[FDC_DRIVES], is_seeking[FDC_DRIVES];
    /* Wiring. */
    struct fdc_medium medium[FDC_DRIVES];
    struct clock_timer timer;
    struct clock *clock;
    struct irq_line irq;
    struct dma_channel dma;
};

extern const struct state_table fdc_82077_state;
extern const struct device_class fdc_82077_class;

/** Claims the ports. `dma` is channel 2 of the DMA controller. */
void fdc_82077_init(struct fdc_82077 *fdc, struct port_map *ports, struct clock *clock,
                    const struct irq_line *irq, const struct dma_channel *dma);
/** Give the machine a drive (0 or 1) with no disk in it. */
void fdc_82077_attach_drive(struct fdc_82077 *fdc, unsigned drive);
/** Put a disk in, or take it out (NULL). False: the image has no floppy's size. */
bool fdc_82077_set_medium(struct fdc_82077 *fdc, unsigned drive, struct disk_image *image,
                          struct error *error);
/** Type of a drive for CMOS 10h: 0 none, 2 1.2M, 4 1.44M, 5 2.88M. It follows the disk. */
uint8_t fdc_82077_drive_type(const struct fdc_82077 *fdc, unsigned drive);

#endif
