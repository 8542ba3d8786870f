/* Finds, reads and maps ROM images; see firmware.h. */
#include "hw/machine/firmware.h"

#include "softmmu/base/bits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROM_UNIT       (UINT32_C(64) << 10)
#define ROM_SIZE_MAX   (UINT32_C(1) << 20)
#define LOW_ALIAS_SIZE (UINT32_C(128) << 10)
#define FOUR_GIB       (UINT64_C(1) << 32)
#define ONE_MIB        (UINT64_C(1) << 20)

/* DIRECTORY/NAME when it can be read, else NULL. */
static char *try_directory(const char *directory, const char *suffix, const char *name) {
    char *path;
    if (directory == NULL || asprintf(&path, "%s%s/%s", directory, suffix, name) < 0)
        return NULL;
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *firmware_find(const char *name, const char *directory, struct error *error) {
    static const char *const places[] = {PENTIMENTO_DATA_DIR, "/usr/share/seabios",
                                         "/usr/share/vgabios", "/usr/share/bochs",
                                         "/usr/share/qemu"};
    if (access(name, R_OK) == 0)
        return strdup(name);
    if (strchr(name, '/') != NULL) {
        error_set(error, "cannot open '%s': %s", name, strerror(errno));
        return NULL;
    }
    char *path = try_directory(directory, "", name);
    if (path == NULL)
        path = try_directory(getenv("XDG_DATA_HOME"), "/pentimento", name);
    if (path == NULL)
        path = try_directory(getenv("HOME"), "/.local/share/pentimento", name);
    for (size_t i = 0; path == NULL && i < ARRAY_SIZE(places); i++)
        path = try_directory(places[i], "", name);
    if (path == NULL)
        error_set(error,
                  "cannot find firmware '%s' in %s%s%s, /usr/share/seabios or /usr/share/bochs; "
                  "install the package seabios or name a directory with -L",
                  name, directory == NULL ? "" : directory, directory == NULL ? "" : ", ",
                  PENTIMENTO_DATA_DIR);
    return path;
}

bool firmware_load(struct firmware_image *image, const char *path, size_t max_size,
                   struct error *error) {
    *image = (struct firmware_image){0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return error_set(error, "cannot open '%s': %s", path, strerror(errno));
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    bool is_good = size > 0 && (size_t)size <= max_size;
    if (!is_good) {
        error_set(error, "'%s' must be a file of 1 to %zu bytes", path, max_size);
    } else {
        rewind(file);
        image->size = (size_t)size;
        image->bytes = malloc(image->size);
        is_good = image->bytes != NULL && fread(image->bytes, image->size, 1, file) == 1;
        if (!is_good)
            error_set(error, "cannot read '%s': %s", path, strerror(errno));
    }
    fclose(file);
    if (!is_good)
        firmware_free(image);
    return is_good;
}

void firmware_free(struct firmware_image *image) {
    free(image->bytes);
    *image = (struct firmware_image){0};
}

bool firmware_map_bios(struct physmem *pm, const struct firmware_image *image, int priority,
                       struct error *error) {
    if (image->size == 0 || image->size % ROM_UNIT != 0 || image->size > ROM_SIZE_MAX)
        return error_set(error, "a BIOS image must be 64K to 1M long, a multiple of 64K");
    phys_region_id rom =
        physmem_add_rom(pm, "bios", FOUR_GIB - image->size, image->bytes, image->size, priority);
    if (rom < 0)
        return error_set(error, "no memory for the BIOS");
    uint64_t alias = image->size < LOW_ALIAS_SIZE ? image->size : LOW_ALIAS_SIZE;
    phys_region_id low = physmem_add_rom_alias(pm, "bios-low", ONE_MIB - alias, alias, rom,
                                               image->size - alias, priority);
    return low >= 0 || error_set(error, "no memory for the BIOS");
}
