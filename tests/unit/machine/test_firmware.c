/* Where firmware files are searched, and which are refused. */
#include "hw/machine/firmware.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An empty folder, which the test removes with `remove_folder`. */
static char *make_folder(void) {
    char *path = strdup("/tmp/pentimento-test-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    return path;
}

static void make_file(const char *folder, const char *name) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    fclose(file);
}

static void remove_file(const char *folder, const char *name) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

Test(firmware, the_directory_of_the_user_comes_first) {
    struct error error = {{0}};
    char *first = make_folder(), *second = make_folder(), wanted[256];
    make_file(first, "some.rom");
    snprintf(wanted, sizeof(wanted), "%s/pentimento", second);
    mkdir(wanted, 0777);
    make_file(wanted, "some.rom");
    setenv("XDG_DATA_HOME", second, 1);
    char *found = firmware_find("some.rom", first, &error);
    cr_assert_not_null(found, "%s", error.message);
    cr_expect_eq(strncmp(found, first, strlen(first)), 0, "%s", found);
    free(found);
    remove_file(first, "some.rom");
    found = firmware_find("some.rom", first, &error);
    cr_assert_not_null(found, "%s", error.message);
    cr_expect_eq(strncmp(found, wanted, strlen(wanted)), 0, "%s", found);
    free(found);
    remove_file(wanted, "some.rom");
    rmdir(wanted);
    rmdir(first);
    rmdir(second);
    free(first);
    free(second);
}

Test(firmware, a_missing_file_names_the_places) {
    struct error error = {{0}};
    cr_expect_null(firmware_find("no-such.rom", "/nowhere", &error));
    cr_expect_not_null(strstr(error.message, "no-such.rom"), "%s", error.message);
    cr_expect_not_null(strstr(error.message, "/nowhere"), "%s", error.message);
    cr_expect_not_null(strstr(error.message, "seabios"), "%s", error.message);
    cr_expect_null(firmware_find("/nowhere/no-such.rom", NULL, &error));
    cr_expect_not_null(strstr(error.message, "No such file"), "%s", error.message);
}

Test(firmware, a_file_of_the_wrong_size_is_not_loaded) {
    struct firmware_image image;
    struct error error = {{0}};
    char bytes[100] = {0}, *path = temporary_file(bytes, sizeof(bytes));
    cr_expect_not(firmware_load(&image, path, 99, &error));
    cr_expect(firmware_load(&image, path, 100, &error), "%s", error.message);
    cr_expect_eq(image.size, 100);
    firmware_free(&image);
    cr_assert_eq(truncate(path, 0), 0);
    cr_expect_not(firmware_load(&image, path, 100, &error));
    unlink(path);
    free(path);
}

Test(firmware, a_bios_is_a_multiple_of_64_kib) {
    struct log log;
    struct error error = {{0}};
    log_init(&log);
    struct physmem *pm = physmem_create(UINT64_C(2) << 20, &log, &error);
    cr_assert_not_null(pm, "%s", error.message);
    uint8_t *bytes = calloc(1, 0x20000);
    bytes[0x1ffff] = 0x77;
    struct firmware_image image = {bytes, 0x1ff00};
    cr_expect_not(firmware_map_bios(pm, &image, 1, &error));
    image.size = 0x20000;
    cr_assert(firmware_map_bios(pm, &image, 1, &error), "%s", error.message);
    cr_expect_eq(physmem_read(pm, 0xffffffff, 1), 0x77);
    cr_expect_eq(physmem_read(pm, 0xfffff, 1), 0x77);
    free(bytes);
    physmem_destroy(pm);
}
