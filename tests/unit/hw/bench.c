#include "tests/unit/hw/bench.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void line_set(void *opaque, unsigned number, bool level) {
    struct bench *bench = opaque;
    if (level && !bench->level[number])
        bench->rises[number]++;
    bench->level[number] = level;
}

struct irq_line bench_line(struct bench *bench, unsigned number) {
    return (struct irq_line){line_set, bench, number};
}

void bench_init(struct bench *bench) {
    struct error error = {{0}};
    memset(bench, 0, sizeof(*bench));
    log_init(&bench->log);
    bench->ports = port_map_create(&bench->log);
    bench->physmem = physmem_create(BENCH_RAM_BYTES, &bench->log, &error);
    cr_assert_not_null(bench->physmem, "%s", error.message);
    physmem_add_ram(bench->physmem, "ram", 0, BENCH_RAM_BYTES, 0, 0);
    fake_clock_init(&bench->time);
}

void bench_free(struct bench *bench) {
    fake_clock_free(&bench->time);
    physmem_destroy(bench->physmem);
    port_map_destroy(bench->ports);
}

uint8_t bench_image_byte(uint64_t sector, unsigned at) {
    uint8_t head[4];
    store_le32(head, (uint32_t)sector);
    return at < 4 ? head[at] : (uint8_t)(sector % 251);
}

struct disk_image *bench_image(uint64_t sectors, bool readonly) {
    char path[] = "/tmp/pentimento-test-XXXXXX";
    struct error error = {{0}};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    FILE *file = fdopen(fd, "wb");
    for (uint64_t sector = 0; sector < sectors; sector++) {
        uint8_t bytes[512];
        for (unsigned i = 0; i < sizeof(bytes); i++)
            bytes[i] = bench_image_byte(sector, i);
        fwrite(bytes, 1, sizeof(bytes), file);
    }
    fclose(file);
    struct disk_options options = {.path = path, .readonly = readonly};
    struct disk_image *image = disk_image_open(&options, &error);
    cr_assert_not_null(image, "%s", error.message);
    unlink(path);
    return image;
}
