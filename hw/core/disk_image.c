/*
 * Disk images: raw files and block devices, optionally under a temporary overlay that takes the
 * writes (-snapshot). The overlay is an unlinked file of the same layout as the image; a bitmap
 * with one bit per sector says where the current contents are.
 *
 * Locking uses open-file-description locks: they go with the descriptor, so a killed process
 * leaves nothing behind.
 */
#include "hw/core/disk_image.h"

#include "softmmu/base/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR_BYTES 512
/* 2 TiB, the end of what 32-bit guests reach; it also bounds the overlay's bitmap (512 MiB). */
#define SECTORS_MAX (UINT64_C(1) << 32)

struct disk_image {
    int fd;
    int overlay_fd; /* -1: writes go to fd */
    uint64_t sectors;
    unsigned odd_bytes; /* what is left over behind the last whole sector */
    bool readonly;
    uint8_t *in_overlay; /* a bit per sector */
    char *path;
};

static bool lock_file(int fd, bool shared, const char *path, struct error *error) {
    struct flock lock = {.l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return true;
    if (errno == EAGAIN || errno == EACCES)
        return error_set(error, "%s: the image is in use by another process", path);
    /* Some network file systems have no locks at all: going on is better than refusing. */
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)
        return true;
    return error_set(error, "%s: cannot lock the image: %s", path, strerror(errno));
}

static bool measure(struct disk_image *image, struct error *error) {
    struct stat status;
    if (fstat(image->fd, &status) != 0)
        return error_set(error, "%s: %s", image->path, strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return error_set(error, "%s: %s", image->path,
                         S_ISDIR(status.st_mode) ? strerror(EISDIR)
                                                 : "not a regular file or block device");
    off_t bytes = lseek(image->fd, 0, SEEK_END);
    if (bytes < 0)
        return error_set(error, "%s: %s", image->path, strerror(errno));
    if (bytes < SECTOR_BYTES)
        return error_set(error, "%s: the image is %s", image->path,
                         bytes == 0 ? "empty" : "smaller than one sector of 512 bytes");
    image->sectors = (uint64_t)bytes / SECTOR_BYTES;
    image->odd_bytes = (unsigned)(bytes % SECTOR_BYTES);
    if (image->sectors > SECTORS_MAX)
        return error_set(error, "%s: the image is larger than 2 TiB", image->path);
    return true;
}

static int open_temporary(const char *directory) {
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char name[PATH_MAX];
    int length = snprintf(name, sizeof(name), "%s/pentimento-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof(name))
        return -1;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static bool create_overlay(struct disk_image *image, struct error *error) {
    const char *directory = getenv("TMPDIR");
    if (directory == NULL || directory[0] == '\0')
        directory = "/var/tmp";
    image->overlay_fd = open_temporary(directory);
    if (image->overlay_fd < 0)
        return error_set(error, "%s: cannot create a temporary overlay in %s: %s", image->path,
                         directory, strerror(errno));
    image->in_overlay = calloc(image->sectors / 8 + 1, 1);
    if (image->in_overlay == NULL)
        return error_set(error, "%s: no memory for the overlay's bitmap", image->path);
    return true;
}

/**
 * Open an image.
 *
 * @options  the path must not be NULL; with snapshot the file itself is opened read-only
 * @error    a one-line message that starts with the path
 * @return   NULL on error
 */
struct disk_image *disk_image_open(const struct disk_options *options, struct error *error) {
    struct disk_image *image = calloc(1, sizeof(*image));
    if (image == NULL) {
        error_set(error, "%s: out of memory", options->path);
        return NULL;
    }
    image->fd = image->overlay_fd = -1;
    image->readonly = options->readonly;
    image->path = strdup(options->path);
    if (image->path == NULL) {
        error_set(error, "%s: out of memory", options->path);
        goto fail;
    }
    bool file_readonly = options->readonly || options->snapshot;
    /* O_NONBLOCK: opening a FIFO by mistake must give an error, not hang. */
    image->fd = open(options->path, (file_readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (image->fd < 0) {
        error_set(error, "%s: %s", options->path, strerror(errno));
        goto fail;
    }
    if (!measure(image, error) ||
        (!options->is_unlocked && !lock_file(image->fd, file_readonly, options->path, error)))
        goto fail;
    if (options->snapshot && !options->readonly && !create_overlay(image, error))
        goto fail;
    return image;
fail:
    disk_image_close(image);
    return NULL;
}

/** Flush nothing, release everything; NULL is allowed. */
void disk_image_close(struct disk_image *image) {
    if (image == NULL)
        return;
    if (image->fd >= 0)
        close(image->fd);
    if (image->overlay_fd >= 0)
        close(image->overlay_fd);
    free(image->in_overlay);
    free(image->path);
    free(image);
}

/** Length in whole 512-byte sectors (a trailing fraction is not part of the disk). */
uint64_t disk_image_sectors(const struct disk_image *image) {
    return image->sectors;
}

/** True when disk_image_write() refuses. */
bool disk_image_is_readonly(const struct disk_image *image) {
    return image->readonly;
}

/** The path that the image was opened with; lives as long as the image. */
const char *disk_image_path(const struct disk_image *image) {
    return image->path;
}

static bool in_range(const struct disk_image *image, uint64_t sector, uint32_t count) {
    return sector <= image->sectors && count <= image->sectors - sector;
}

static bool pread_all(int fd, uint8_t *to, size_t size, uint64_t offset) {
    while (size > 0) {
        ssize_t got = pread(fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) /* 0: somebody truncated the file */
            return false;
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

static bool pwrite_all(int fd, const uint8_t *from, size_t size, uint64_t offset) {
    while (size > 0) {
        ssize_t put = pwrite(fd, from, size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        from += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return true;
}

static bool is_in_overlay(const struct disk_image *image, uint64_t sector) {
    return image->in_overlay[sector / 8] >> (sector % 8) & 1;
}

/** Read `count` sectors into `to`. False: beyond the end, or the host could not. */
bool disk_image_read(struct disk_image *image, uint64_t sector, uint32_t count, void *to) {
    if (!in_range(image, sector, count))
        return false;
    uint8_t *bytes = to;
    while (count > 0) {
        uint32_t run = count;
        int fd = image->fd;
        if (image->overlay_fd >= 0) {
            bool overlaid = is_in_overlay(image, sector);
            for (run = 1; run < count && is_in_overlay(image, sector + run) == overlaid; run++)
                continue;
            fd = overlaid ? image->overlay_fd : image->fd;
        }
        if (!pread_all(fd, bytes, (size_t)run * SECTOR_BYTES, sector * SECTOR_BYTES))
            return false;
        bytes += (size_t)run * SECTOR_BYTES;
        sector += run;
        count -= run;
    }
    return true;
}

/** Write `count` sectors. False: read-only, beyond the end, or the host could not. */
bool disk_image_write(struct disk_image *image, uint64_t sector, uint32_t count, const void *from) {
    if (image->readonly || !in_range(image, sector, count))
        return false;
    int fd = image->overlay_fd >= 0 ? image->overlay_fd : image->fd;
    if (!pwrite_all(fd, from, (size_t)count * SECTOR_BYTES, sector * SECTOR_BYTES))
        return false;
    if (image->overlay_fd >= 0) {
        for (uint64_t s = sector; s < sector + count; s++)
            image->in_overlay[s / 8] |= (uint8_t)(1u << s % 8);
    }
    return true;
}

/** Return only after written sectors are on stable storage. An overlay is thrown away anyway. */
bool disk_image_flush(struct disk_image *image) {
    if (image->readonly || image->overlay_fd >= 0)
        return true;
    return fdatasync(image->fd) == 0;
}

bool disk_image_floppy_geometry(const struct disk_image *image, struct floppy_geometry *geometry,
                                struct error *error) {
    static const struct floppy_geometry formats[] = {
        {40, 1, 8, 2}, {40, 1, 9, 2},  {40, 2, 8, 2},  {40, 2, 9, 2},
        {80, 2, 9, 2}, {80, 2, 15, 0}, {80, 2, 18, 0}, {80, 2, 36, 3},
    };
    enum { FIRST_FOR_SHORT_IMAGES = 6 };
    if (image->odd_bytes != 0)
        return error_set(error, "%s: a floppy image must be a multiple of 512 bytes long",
                         image->path);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        const struct floppy_geometry *f = &formats[i];
        uint64_t sectors = (uint64_t)f->cylinders * f->heads * f->sectors;
        if (image->sectors == sectors) {
            *geometry = *f;
            return true;
        }
    }
    for (size_t i = FIRST_FOR_SHORT_IMAGES; i < ARRAY_SIZE(formats); i++) {
        const struct floppy_geometry *f = &formats[i];
        if (image->sectors < (uint64_t)f->cylinders * f->heads * f->sectors) {
            *geometry = *f;
            return true;
        }
    }
    return error_set(error, "%s: %llu sectors are too many for a floppy (2.88M has 5760)",
                     image->path, (unsigned long long)image->sectors);
}
