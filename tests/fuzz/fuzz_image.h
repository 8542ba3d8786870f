/* A small disk image in an unlinked temporary file, for fuzz targets of storage chips. */
#ifndef TESTS_FUZZ_FUZZ_IMAGE_H
#define TESTS_FUZZ_FUZZ_IMAGE_H

#include "hw/core/disk_image.h"

#include <stdlib.h>
#include <unistd.h>

/** NULL when the host cannot make one. */
static inline struct disk_image *fuzz_image(uint64_t sectors) {
    char path[] = "/tmp/pentimento-fuzz-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return NULL;
    struct disk_options options = {.path = path};
    struct disk_image *image = NULL;
    if (ftruncate(fd, (off_t)(sectors * 512)) == 0)
        image = disk_image_open(&options, NULL);
    close(fd);
    unlink(path);
    return image;
}

#endif
