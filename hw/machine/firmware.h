/* Where ROM images come from and how they enter the machine's address space. */
#ifndef HW_MACHINE_FIRMWARE_H
#define HW_MACHINE_FIRMWARE_H

#include "softmmu/base/error.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** File names that machine_create looks for when the configuration names none. */
#define FIRMWARE_BIOS     "bios-256k.bin"
#define FIRMWARE_VGA_BIOS "vgabios-stdvga.bin"
/* Without a bridge that shadows, only 128 KiB of firmware are within reach below 1 MiB. */
#define FIRMWARE_ISA_BIOS     "bios.bin"
#define FIRMWARE_ISA_VGA_BIOS "vgabios-isavga.bin"

/**
 * Find a ROM file: `name` itself when it has a slash or exists here, then in `directory` (-L, may
 * be NULL), $XDG_DATA_HOME/pentimento, the install's data directory and the Debian directories
 * of the packages seabios, vgabios and bochsbios.
 * Returns the path (to be freed), or NULL with a message that names the places.
 */
char *firmware_find(const char *name, const char *directory, struct error *error);

struct firmware_image {
    uint8_t *bytes;
    size_t size;
};

/** Read a whole file of at most `max_size` bytes. */
bool firmware_load(struct firmware_image *image, const char *path, size_t max_size,
                   struct error *error);
void firmware_free(struct firmware_image *image);

/**
 * Map a system BIOS so that it ends at 4 GiB, with its last 128 KiB again below 1 MiB.
 * The image is 64 KiB to 1 MiB long and a multiple of 64 KiB.
 */
bool firmware_map_bios(struct physmem *pm, const struct firmware_image *image, int priority,
                       struct error *error);

#endif
