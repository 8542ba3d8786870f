/* Disk images: locking, overlay, sizes, errors. */
#include "softmmu/base/bits.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file {
    char path[64];
};

static struct file make_file(size_t size) {
    struct file file = {"/tmp/pentimento-image-XXXXXX"};
    int fd = mkstemp(file.path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, (off_t)size), 0);
    close(fd);
    return file;
}

static struct disk_image *open_file(const struct file *file, bool readonly, bool snapshot,
                                    struct error *error) {
    struct disk_options options = {.path = file->path, .readonly = readonly, .snapshot = snapshot};
    return disk_image_open(&options, error);
}

Test(disk_image, a_missing_file_is_named_in_the_error) {
    struct error error = {{0}};
    struct disk_options options = {.path = "/nonexistent/disk.img"};
    cr_assert_null(disk_image_open(&options, &error));
    cr_expect_str_eq(error.message, "/nonexistent/disk.img: No such file or directory");
}

Test(disk_image, an_empty_file_is_refused) {
    struct error error = {{0}};
    struct file file = make_file(0);
    cr_expect_null(open_file(&file, false, false, &error));
    cr_expect_not_null(strstr(error.message, "empty"), "%s", error.message);
    unlink(file.path);
}

Test(disk_image, a_directory_is_refused) {
    struct error error = {{0}};
    struct disk_options options = {.path = "/tmp", .readonly = true};
    cr_assert_null(disk_image_open(&options, &error));
    cr_expect_str_eq(error.message, "/tmp: Is a directory");
}

Test(disk_image, a_second_writer_is_refused) {
    struct error error = {{0}};
    struct file file = make_file(4096);
    struct disk_image *first = open_file(&file, false, false, &error);
    cr_assert_not_null(first, "%s", error.message);
    cr_expect_null(open_file(&file, false, false, &error));
    cr_expect_not_null(strstr(error.message, "in use"), "%s", error.message);
    disk_image_close(first);
    struct disk_image *second = open_file(&file, false, false, &error);
    cr_expect_not_null(second, "%s", error.message);
    disk_image_close(second);
    unlink(file.path);
}

Test(disk_image, readers_share) {
    struct error error = {{0}};
    struct file file = make_file(4096);
    struct disk_image *first = open_file(&file, true, false, &error);
    struct disk_image *second = open_file(&file, false, true, &error);
    cr_expect_not_null(first);
    cr_expect_not_null(second, "%s", error.message);
    disk_image_close(first);
    disk_image_close(second);
    unlink(file.path);
}

Test(disk_image, the_size_is_rounded_down_to_sectors) {
    struct error error = {{0}};
    struct file file = make_file(10 * 512 + 100);
    struct disk_image *image = open_file(&file, false, false, &error);
    expect_eq(disk_image_sectors(image), 10);
    uint8_t bytes[512];
    cr_expect(disk_image_read(image, 9, 1, bytes));
    cr_expect_not(disk_image_read(image, 10, 1, bytes));
    cr_expect_not(disk_image_write(image, 9, 2, bytes));
    cr_expect_not(disk_image_read(image, UINT64_MAX, 2, bytes));
    disk_image_close(image);
    unlink(file.path);
}

Test(disk_image, a_snapshot_keeps_writes_out_of_the_file) {
    struct error error = {{0}};
    struct file file = make_file(8 * 512);
    struct disk_image *image = open_file(&file, false, true, &error);
    cr_assert_not_null(image, "%s", error.message);
    uint8_t bytes[4 * 512], back[8 * 512];
    memset(bytes, 0xa5, sizeof(bytes));
    cr_expect(disk_image_write(image, 2, 4, bytes));
    cr_expect(disk_image_flush(image));
    cr_expect(disk_image_read(image, 0, 8, back));
    expect_eq(back[2 * 512 - 1], 0);
    expect_eq(back[2 * 512], 0xa5);
    expect_eq(back[6 * 512 - 1], 0xa5);
    expect_eq(back[6 * 512], 0);
    disk_image_close(image);
    image = open_file(&file, true, false, &error);
    cr_expect(disk_image_read(image, 0, 8, back));
    expect_eq(back[2 * 512], 0);
    disk_image_close(image);
    unlink(file.path);
}

Test(disk_image, a_readonly_image_refuses_writes) {
    struct disk_image *image = bench_image(4, true);
    uint8_t bytes[512] = {0};
    cr_expect(disk_image_is_readonly(image));
    cr_expect_not(disk_image_write(image, 0, 1, bytes));
    disk_image_close(image);
}

Test(disk_image, floppy_sizes_have_geometries) {
    static const uint32_t kilobytes[] = {160, 180, 320, 360, 720, 1200, 1440, 2880};
    struct error error = {{0}};
    for (size_t i = 0; i < ARRAY_SIZE(kilobytes); i++) {
        struct file file = make_file((size_t)kilobytes[i] * 1024);
        struct disk_image *image = open_file(&file, true, false, &error);
        struct floppy_geometry g;
        cr_assert(disk_image_floppy_geometry(image, &g, &error), "%s", error.message);
        expect_eq(g.cylinders * g.heads * g.sectors, kilobytes[i] * 2);
        disk_image_close(image);
        unlink(file.path);
    }
}

Test(disk_image, a_floppy_has_no_half_sectors) {
    struct error error = {{0}};
    struct floppy_geometry g;
    struct file file = make_file(1000 * 512 + 1);
    struct disk_image *image = open_file(&file, true, false, &error);
    cr_expect_not(disk_image_floppy_geometry(image, &g, &error));
    cr_expect_not_null(strstr(error.message, "multiple of 512"), "%s", error.message);
    disk_image_close(image);
    unlink(file.path);
}

Test(disk_image, a_floppy_image_cut_short_is_one_of_1440k_or_2880k) {
    static const struct {
        uint32_t sectors, sectors_per_track;
    } cases[] = {{1000, 18}, {2532, 18}, {2881, 36}, {5759, 36}};
    struct error error = {{0}};
    struct floppy_geometry g;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct disk_image *image = bench_image(cases[i].sectors, true);
        cr_assert(disk_image_floppy_geometry(image, &g, &error), "%s", error.message);
        expect_eq(g.sectors, cases[i].sectors_per_track);
        expect_eq(g.cylinders * g.heads, 160);
        disk_image_close(image);
    }
    struct disk_image *large = bench_image(5761, true);
    cr_expect_not(disk_image_floppy_geometry(large, &g, &error));
    cr_expect_not_null(strstr(error.message, "2.88M"), "%s", error.message);
    disk_image_close(large);
}
