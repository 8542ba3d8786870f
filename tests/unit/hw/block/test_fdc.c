/* Floppy disk controller. */
#include "hw/block/fdc_82077.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <string.h>

struct fdc_bench {
    struct bench b;
    struct fdc_82077 fdc;
    struct disk_image *image;
    uint8_t memory[16384]; /* what the DMA channel reaches */
    size_t dma_at, dma_size;
};

static size_t dma_write(void *opaque, unsigned channel, const uint8_t *bytes, size_t count,
                        bool *terminal_count) {
    struct fdc_bench *p = opaque;
    size_t left = p->dma_size - p->dma_at;
    if (count > left)
        count = left;
    memcpy(p->memory + p->dma_at, bytes, count);
    p->dma_at += count;
    *terminal_count = count > 0 && p->dma_at == p->dma_size;
    return count;
}

static size_t dma_read(void *opaque, unsigned channel, uint8_t *bytes, size_t count,
                       bool *terminal_count) {
    struct fdc_bench *p = opaque;
    size_t left = p->dma_size - p->dma_at;
    if (count > left)
        count = left;
    memcpy(bytes, p->memory + p->dma_at, count);
    p->dma_at += count;
    *terminal_count = count > 0 && p->dma_at == p->dma_size;
    return count;
}

static struct fdc_bench *set_up_with(uint64_t sectors, bool readonly) {
    static struct fdc_bench bench;
    struct fdc_bench *p = &bench;
    struct error error = {{0}};
    memset(p, 0, sizeof(*p));
    bench_init(&p->b);
    p->image = bench_image(sectors, readonly);
    struct irq_line irq = bench_line(&p->b, 6);
    struct dma_channel dma = {
        .write_memory = dma_write, .read_memory = dma_read, .opaque = p, .channel = 2};
    fdc_82077_init(&p->fdc, p->b.ports, p->b.time.clock, &irq, &dma);
    cr_assert(fdc_82077_set_medium(&p->fdc, 0, p->image, &error), "%s", error.message);
    fdc_82077_attach_drive(&p->fdc, 1);
    out8(&p->b, 0x3f2, 0x1c); /* motor A on */
    return p;
}

static struct fdc_bench *set_up(bool readonly) {
    return set_up_with(2880, readonly);
}

static void tear_down(struct fdc_bench *p) {
    disk_image_close(p->image);
    bench_free(&p->b);
}

static void settle(struct fdc_bench *p) {
    fake_clock_advance(&p->b.time, 20 * 1000 * 1000);
}

static void send(struct fdc_bench *p, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        expect_eq(in8(&p->b, 0x3f4) & 0xc0, 0x80);
        out8(&p->b, 0x3f5, bytes[i]);
    }
    settle(p);
}
#define SEND(p, ...) send(p, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static unsigned receive(struct fdc_bench *p, uint8_t *to) {
    unsigned count = 0;
    while ((in8(&p->b, 0x3f4) & 0xd0) == 0xd0 && count < 16)
        to[count++] = in8(&p->b, 0x3f5);
    return count;
}

Test(fdc, a_reset_is_answered_by_four_sense_interrupts) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    out8(&p->b, 0x3f2, 0x00);
    expect_eq(in8(&p->b, 0x3f4), 0);
    out8(&p->b, 0x3f2, 0x0c);
    settle(p);
    expect_eq(p->b.level[6], 1);
    for (unsigned i = 0; i < 4; i++) {
        SEND(p, 0x08);
        expect_eq(receive(p, result), 2);
        expect_eq(result[0], 0xc0 | i);
    }
    expect_eq(p->b.level[6], 0);
    SEND(p, 0x08);
    expect_eq(receive(p, result), 1);
    expect_eq(result[0], 0x80);
    tear_down(p);
}

Test(fdc, version_and_invalid_commands) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    SEND(p, 0x10);
    expect_eq(receive(p, result), 1);
    expect_eq(result[0], 0x90);
    SEND(p, 0x1f);
    expect_eq(receive(p, result), 1);
    expect_eq(result[0], 0x80);
    tear_down(p);
}

Test(fdc, seeks_and_recalibrates) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    expect_eq(in8(&p->b, 0x3f7), 0x80); /* disk changed since power on */
    SEND(p, 0x0f, 0x00, 40);
    expect_eq(p->b.level[6], 1);
    SEND(p, 0x08);
    expect_eq(receive(p, result), 2);
    expect_eq(result[0], 0x20);
    expect_eq(result[1], 40);
    expect_eq(in8(&p->b, 0x3f7), 0x00);
    SEND(p, 0x07, 0x00);
    SEND(p, 0x08);
    receive(p, result);
    expect_eq(result[1], 0);
    tear_down(p);
}

Test(fdc, reads_across_sides_until_terminal_count) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    p->dma_size = 4 * 512;
    SEND(p, 0xe6, 0x00, 1, 0, 17, 2, 18, 0x1b, 0xff);
    expect_eq(p->b.level[6], 1);
    expect_eq(receive(p, result), 7);
    expect_eq(p->b.level[6], 0);
    expect_eq(result[0] & 0xc0, 0);
    expect_eq(result[3], 1);
    expect_eq(result[4], 1);
    expect_eq(result[5], 3);
    for (unsigned i = 0; i < 4; i++)
        expect_eq(p->memory[i * 512 + 100], bench_image_byte(36 + 16 + i, 100));
    tear_down(p);
}

Test(fdc, end_of_cylinder_without_terminal_count_is_an_error) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    p->dma_size = sizeof(p->memory);
    SEND(p, 0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
    expect_eq(receive(p, result), 7);
    expect_eq(result[0] & 0xc0, 0x40);
    expect_eq(result[1], 0x80);
    expect_eq(p->dma_at, 1024);
    tear_down(p);
}

Test(fdc, a_sector_that_is_not_there_has_no_data) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    p->dma_size = 512;
    SEND(p, 0x46, 0x00, 0, 0, 19, 2, 19, 0x1b, 0xff);
    receive(p, result);
    expect_eq(result[0] & 0xc0, 0x40);
    expect_eq(result[1], 0x04);
    tear_down(p);
}

Test(fdc, sectors_behind_a_short_image_are_zero_and_not_written) {
    struct fdc_bench *p = set_up_with(19, false);
    uint8_t result[16];
    memset(p->memory, 0x55, sizeof(p->memory));
    p->dma_size = 1024;
    SEND(p, 0x46, 0x00, 0, 1, 1, 2, 18, 0x1b, 0xff);
    expect_eq(receive(p, result), 7);
    expect_eq(result[0] & 0xc0, 0);
    expect_eq(p->memory[100], bench_image_byte(18, 100));
    expect_eq(p->memory[512], 0);
    p->dma_at = 0;
    SEND(p, 0x45, 0x00, 0, 1, 2, 2, 18, 0x1b, 0xff);
    receive(p, result);
    expect_eq(result[0] & 0xc0, 0x40);
    expect_eq(disk_image_sectors(p->image), 19);
    tear_down(p);
}

Test(fdc, read_id_needs_the_right_data_rate) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    out8(&p->b, 0x3f7, 2);
    SEND(p, 0x4a, 0x00);
    expect_eq(receive(p, result), 7);
    expect_eq(result[1], 0x01);
    out8(&p->b, 0x3f7, 0);
    SEND(p, 0x4a, 0x00);
    receive(p, result);
    expect_eq(result[0] & 0xc0, 0);
    SEND(p, 0x4a, 0x01); /* drive B is empty */
    receive(p, result);
    expect_eq(result[0] & 0xc0, 0x40);
    tear_down(p);
}

Test(fdc, writes_sectors) {
    struct fdc_bench *p = set_up(false);
    uint8_t result[16], back[512];
    memset(p->memory, 0x77, 1024);
    p->dma_size = 1024;
    SEND(p, 0x45, 0x00, 2, 0, 1, 2, 18, 0x1b, 0xff);
    receive(p, result);
    expect_eq(result[0] & 0xc0, 0);
    cr_assert(disk_image_read(p->image, 2 * 36 + 1, 1, back));
    expect_eq(back[511], 0x77);
    tear_down(p);
}

Test(fdc, a_write_protected_disk_is_not_written) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    p->dma_size = 512;
    SEND(p, 0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    receive(p, result);
    expect_eq(result[1], 0x02);
    SEND(p, 0x04, 0x00);
    expect_eq(receive(p, result), 1);
    expect_eq(result[0] & 0x40, 0x40);
    tear_down(p);
}

Test(fdc, formats_a_track) {
    struct fdc_bench *p = set_up(false);
    uint8_t result[16], back[512];
    for (unsigned i = 0; i < 18; i++)
        memcpy(p->memory + 4 * i, (const uint8_t[]){0, 1, (uint8_t)(i + 1), 2}, 4);
    p->dma_size = 72;
    SEND(p, 0x4d, 0x04, 2, 18, 0x54, 0xf6);
    receive(p, result);
    expect_eq(result[0] & 0xc0, 0);
    cr_assert(disk_image_read(p->image, 18 + 17, 1, back));
    expect_eq(back[0], 0xf6);
    tear_down(p);
}

Test(fdc, reads_without_dma) {
    struct fdc_bench *p = set_up(true);
    uint8_t result[16];
    SEND(p, 0x03, 0xdf, 0x03);
    SEND(p, 0x46, 0x00, 0, 0, 3, 2, 3, 0x1b, 0xff);
    for (unsigned i = 0; i < 512; i++) {
        cr_assert_eq(in8(&p->b, 0x3f4) & 0xf0, 0xf0);
        unsigned value = in8(&p->b, 0x3f5);
        cr_assert_eq(value, bench_image_byte(2, i), "byte %x is %x", i, value);
    }
    settle(p);
    expect_eq(receive(p, result), 7);
    expect_eq(result[1], 0x80); /* nothing gives terminal count */
    tear_down(p);
}

Test(fdc, the_fifo_does_not_overflow) { /* CVE-2015-3456 */
    struct fdc_bench *p = set_up(true);
    for (unsigned first = 0; first < 256; first++) {
        out8(&p->b, 0x3f5, (uint8_t)first);
        for (unsigned i = 0; i < 2000; i++)
            out8(&p->b, 0x3f5, 0x41);
        cr_assert_leq(p->fdc.fifo_at, p->fdc.fifo_length);
        cr_assert_leq(p->fdc.fifo_length, FDC_FIFO_BYTES);
        out8(&p->b, 0x3f2, 0x00);
        out8(&p->b, 0x3f2, 0x0c);
    }
    tear_down(p);
}
