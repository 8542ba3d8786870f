/*
 * A disk or floppy image as an array of 512-byte sectors (CD images are read in 2048-byte units
 * by their drive). Opening never creates, truncates or writes anything.
 */
#ifndef HW_CORE_DISK_IMAGE_H
#define HW_CORE_DISK_IMAGE_H

#include "softmmu/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct disk_image;

enum disk_format { DISK_FORMAT_RAW };

struct disk_options {
    const char *path;
    enum disk_format format;
    bool readonly;    /* open the file read-only and refuse writes */
    bool snapshot;    /* keep writes in a temporary overlay */
    bool is_unlocked; /* somebody in this process has the lock already */
};

/** Open and lock an image (a second writer is refused; OFD lock, gone with the process). */
struct disk_image *disk_image_open(const struct disk_options *options, struct error *error);
void disk_image_close(struct disk_image *image);
uint64_t disk_image_sectors(const struct disk_image *image);
bool disk_image_is_readonly(const struct disk_image *image);
const char *disk_image_path(const struct disk_image *image);

/** Transfer whole sectors. False: host I/O error or out of range; the chip reports it. */
bool disk_image_read(struct disk_image *image, uint64_t sector, uint32_t count, void *to);
bool disk_image_write(struct disk_image *image, uint64_t sector, uint32_t count, const void *from);
/** Make acknowledged writes durable (fdatasync). */
bool disk_image_flush(struct disk_image *image);

/** How a floppy of some size is laid out; sectors are 512 bytes. */
struct floppy_geometry {
    uint8_t cylinders, heads, sectors;
    uint8_t data_rate; /* as in the controller's CCR: 0 500, 1 300, 2 250, 3 1000 kbit/s */
};

/** The geometry of a floppy image (160K to 2.88M). Another size is that of an image that was cut
 *  off after its last used sector, of a 1.44M or 2.88M floppy: smaller formats are not made short,
 *  and boot sectors written for a disk of 18 sectors a track are common. More than 2.88M and sizes
 *  that are no multiple of 512 bytes are errors. */
bool disk_image_floppy_geometry(const struct disk_image *image, struct floppy_geometry *geometry,
                                struct error *error);

#endif
