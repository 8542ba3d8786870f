/* ATA channels, hard disks and bus master DMA. */
#include "hw/block/ide_channel.h"
#include "hw/block/piix3_ide.h"
#include "hw/pci/pci_bus.h"
#include "softmmu/base/bits.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <string.h>

#define SECTORS 4096

struct ide_bench {
    struct bench b;
    struct ide_channel channel[2];
    struct piix3_ide function;
    struct pci_bus bus;
    struct disk_image *image;
};

static struct ide_bench *set_up(bool readonly) {
    static struct ide_bench bench;
    struct ide_bench *p = &bench;
    memset(p, 0, sizeof(*p));
    bench_init(&p->b);
    p->image = bench_image(SECTORS, readonly);
    struct irq_line pirq[4] = {{0}};
    for (unsigned i = 0; i < 2; i++) {
        struct irq_line irq = bench_line(&p->b, 14 + i);
        ide_channel_init(&p->channel[i], i, p->b.ports, p->b.time.clock, &irq);
    }
    ide_channel_attach_disk(&p->channel[0], 0, p->image);
    pci_bus_init(&p->bus, p->b.ports, pirq);
    piix3_ide_init(&p->function, p->b.ports, p->b.physmem, &p->channel[0], &p->channel[1]);
    pci_bus_add(&p->bus, &p->function.pci, 0x09);
    out32(&p->b, 0xcf8, 0x80000920);
    out32(&p->b, 0xcfc, 0xc000);
    out32(&p->b, 0xcf8, 0x80000904);
    out16(&p->b, 0xcfc, 5);
    return p;
}

static void tear_down(struct ide_bench *p) {
    disk_image_close(p->image);
    bench_free(&p->b);
}

static void settle(struct ide_bench *p) {
    fake_clock_advance(&p->b.time, 100000);
}

static void set_address(struct ide_bench *p, uint8_t count, uint32_t lba) {
    out8(&p->b, 0x1f2, count);
    out8(&p->b, 0x1f3, (uint8_t)lba);
    out8(&p->b, 0x1f4, (uint8_t)(lba >> 8));
    out8(&p->b, 0x1f5, (uint8_t)(lba >> 16));
    out8(&p->b, 0x1f6, (uint8_t)(0xe0 | (lba >> 24 & 15)));
}

static void command(struct ide_bench *p, uint8_t value) {
    out8(&p->b, 0x1f7, value);
    settle(p);
}

static void expect_sector(struct ide_bench *p, uint64_t sector) {
    for (unsigned i = 0; i < 512; i += 2) {
        unsigned expected = bench_image_byte(sector, i) | (unsigned)bench_image_byte(sector, i + 1)
                                                              << 8;
        unsigned actual = in16(&p->b, 0x1f0);
        cr_assert_eq(actual, expected, "sector %x byte %x: expected %x, got %x", (unsigned)sector,
                     i, expected, actual);
    }
}

Test(ide, a_disk_shows_its_signature_after_reset) {
    struct ide_bench *p = set_up(false);
    out8(&p->b, 0x3f6, 0x06);
    expect_eq(in8(&p->b, 0x1f7), 0x80);
    out8(&p->b, 0x3f6, 0x02);
    settle(p);
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    expect_eq(in8(&p->b, 0x1f1), 0x01);
    expect_eq(in8(&p->b, 0x1f2), 0x01);
    expect_eq(in8(&p->b, 0x1f4), 0x00);
    tear_down(p);
}

Test(ide, an_absent_slave_reads_zero_and_ignores_commands) {
    struct ide_bench *p = set_up(false);
    out8(&p->b, 0x1f6, 0xb0);
    expect_eq(in8(&p->b, 0x1f7), 0);
    command(p, 0xec);
    expect_eq(in8(&p->b, 0x1f7), 0);
    expect_eq(p->b.rises[14], 0);
    out8(&p->b, 0x1f6, 0xa0);
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    tear_down(p);
}

Test(ide, identify_describes_the_disk) {
    struct ide_bench *p = set_up(false);
    uint16_t words[256];
    out8(&p->b, 0x1f6, 0xa0);
    command(p, 0xec);
    expect_eq(p->b.level[14], 1);
    expect_eq(in8(&p->b, 0x1f7), 0x58);
    expect_eq(p->b.level[14], 0);
    for (unsigned i = 0; i < 256; i++)
        words[i] = in16(&p->b, 0x1f0);
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    expect_eq(words[0], 0x0040);
    expect_eq(words[1], SECTORS / (16 * 63));
    expect_eq(words[27], 'P' << 8 | 'E');
    expect_eq(words[60] | (uint32_t)words[61] << 16, SECTORS);
    expect_eq(words[100], SECTORS);
    tear_down(p);
}

Test(ide, reads_sectors_by_lba_with_an_interrupt_each) {
    struct ide_bench *p = set_up(false);
    set_address(p, 3, 100);
    command(p, 0x20);
    for (unsigned i = 0; i < 3; i++) {
        expect_eq(p->b.rises[14], i + 1);
        expect_eq(in8(&p->b, 0x1f7), 0x58);
        expect_sector(p, 100 + i);
        settle(p);
    }
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    expect_eq(in8(&p->b, 0x1f2), 0);
    expect_eq(in8(&p->b, 0x1f3), 102);
    tear_down(p);
}

Test(ide, is_busy_until_the_time_has_passed) {
    struct ide_bench *p = set_up(false);
    set_address(p, 1, 0);
    out8(&p->b, 0x1f7, 0x20);
    expect_eq(in8(&p->b, 0x3f6) & 0x88, 0x80);
    settle(p);
    expect_eq(in8(&p->b, 0x3f6) & 0x88, 0x08);
    tear_down(p);
}

Test(ide, reads_by_chs) {
    struct ide_bench *p = set_up(false);
    out8(&p->b, 0x1f2, 1);
    out8(&p->b, 0x1f3, 5);
    out8(&p->b, 0x1f4, 2);
    out8(&p->b, 0x1f5, 0);
    out8(&p->b, 0x1f6, 0xa3);
    command(p, 0x20);
    expect_sector(p, (2 * 16 + 3) * 63 + 4);
    out8(&p->b, 0x1f3, 0); /* sector 0 does not exist */
    command(p, 0x20);
    expect_eq(in8(&p->b, 0x1f7), 0x51);
    expect_eq(in8(&p->b, 0x1f1), 0x10);
    tear_down(p);
}

Test(ide, reads_by_lba48) {
    struct ide_bench *p = set_up(false);
    set_address(p, 0, 0); /* high bytes: count 0, address 0 */
    set_address(p, 2, 0x000900);
    command(p, 0x24);
    expect_sector(p, 0x900);
    settle(p);
    expect_sector(p, 0x901);
    tear_down(p);
}

Test(ide, reads_multiple_sectors_per_interrupt) {
    struct ide_bench *p = set_up(false);
    set_address(p, 8, 10);
    command(p, 0xc4); /* not set up yet */
    expect_eq(in8(&p->b, 0x1f7) & 1, 1);
    out8(&p->b, 0x1f2, 8);
    command(p, 0xc6);
    set_address(p, 12, 10);
    unsigned before = p->b.rises[14];
    command(p, 0xc4);
    for (unsigned i = 0; i < 12; i++) {
        expect_sector(p, 10 + i);
        settle(p);
    }
    (void)in8(&p->b, 0x1f7);
    expect_eq(p->b.rises[14], before + 1); /* the second rise needs the status read in between */
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    tear_down(p);
}

Test(ide, writes_sectors) {
    struct ide_bench *p = set_up(false);
    uint8_t back[512];
    set_address(p, 2, 50);
    out8(&p->b, 0x1f7, 0x30);
    expect_eq(in8(&p->b, 0x1f7), 0x58); /* ready for data, no interrupt for the first block */
    expect_eq(p->b.rises[14], 0);
    for (unsigned block = 0; block < 2; block++) {
        for (unsigned i = 0; i < 128; i++)
            out32(&p->b, 0x1f0, 0x01010101u * (block + 1));
        settle(p);
        expect_eq(p->b.rises[14], block + 1);
        (void)in8(&p->b, 0x1f7);
    }
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    cr_assert(disk_image_read(p->image, 51, 1, back));
    expect_eq(back[0], 2);
    expect_eq(back[511], 2);
    tear_down(p);
}

Test(ide, refuses_to_write_a_readonly_image) {
    struct ide_bench *p = set_up(true);
    set_address(p, 1, 0);
    command(p, 0x30);
    expect_eq(in8(&p->b, 0x1f7), 0x51);
    expect_eq(in8(&p->b, 0x1f1), 0x04);
    tear_down(p);
}

Test(ide, a_read_beyond_the_end_fails_at_the_end) {
    struct ide_bench *p = set_up(false);
    set_address(p, 2, SECTORS - 1);
    command(p, 0x20);
    expect_sector(p, SECTORS - 1);
    settle(p);
    expect_eq(in8(&p->b, 0x1f7), 0x51);
    expect_eq(in8(&p->b, 0x1f1), 0x10);
    set_address(p, 1, SECTORS);
    command(p, 0x20);
    expect_eq(in8(&p->b, 0x1f1), 0x10);
    tear_down(p);
}

Test(ide, unknown_commands_abort) {
    struct ide_bench *p = set_up(false);
    out8(&p->b, 0x1f6, 0xa0);
    command(p, 0xb0);
    expect_eq(in8(&p->b, 0x1f7), 0x51);
    expect_eq(in8(&p->b, 0x1f1), 0x04);
    tear_down(p);
}

Test(ide, nien_masks_the_interrupt) {
    struct ide_bench *p = set_up(false);
    out8(&p->b, 0x3f6, 0x02);
    command(p, 0xe7);
    expect_eq(p->b.level[14], 0);
    out8(&p->b, 0x3f6, 0x00);
    expect_eq(p->b.level[14], 1);
    (void)in8(&p->b, 0x3f6); /* alternate status leaves it */
    expect_eq(p->b.level[14], 1);
    (void)in8(&p->b, 0x1f7);
    expect_eq(p->b.level[14], 0);
    tear_down(p);
}

Test(ide, native_max_is_the_last_sector) {
    struct ide_bench *p = set_up(false);
    out8(&p->b, 0x1f6, 0xe0);
    command(p, 0xf8);
    expect_eq(in8(&p->b, 0x1f3) | in8(&p->b, 0x1f4) << 8, SECTORS - 1);
    tear_down(p);
}

Test(ide, diagnostics_pass) {
    struct ide_bench *p = set_up(false);
    command(p, 0x90);
    expect_eq(p->b.rises[14], 1);
    expect_eq(in8(&p->b, 0x1f1), 1);
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    tear_down(p);
}

static void set_prd(struct ide_bench *p, unsigned index, uint32_t address, uint32_t count) {
    uint8_t *entry = physmem_ram(p->b.physmem) + 0x1000 + 8 * index;
    store_le32(entry, address);
    store_le32(entry + 4, count);
}

Test(ide, reads_by_dma_through_descriptors) {
    struct ide_bench *p = set_up(false);
    set_prd(p, 0, 0x4000, 600);
    set_prd(p, 1, 0x8000, 0x80000000 | 424);
    out32(&p->b, 0xc004, 0x1000);
    out8(&p->b, 0xc002, 0x06);
    set_address(p, 2, 77);
    command(p, 0xc8);
    expect_eq(p->b.rises[14], 0); /* waits for the engine */
    out8(&p->b, 0xc000, 0x09);
    settle(p);
    expect_eq(p->b.rises[14], 1);
    expect_eq(in8(&p->b, 0xc002), 0x04);
    const uint8_t *ram = physmem_ram(p->b.physmem);
    expect_eq(ram[0x4000], 77);
    expect_eq(ram[0x4000 + 512], 78);
    expect_eq(ram[0x8000], 78);
    expect_eq(ram[0x8000 + 423], 78);
    expect_eq(ram[0x8000 + 424], 0);
    out8(&p->b, 0xc000, 0x08);
    out8(&p->b, 0xc002, 0x04);
    expect_eq(in8(&p->b, 0xc002), 0);
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    tear_down(p);
}

Test(ide, writes_by_dma) {
    struct ide_bench *p = set_up(false);
    uint8_t back[512];
    memset(physmem_ram(p->b.physmem) + 0x4000, 0x3c, 512);
    set_prd(p, 0, 0x4000, 0x80000000 | 512);
    out32(&p->b, 0xc004, 0x1000);
    out8(&p->b, 0xc000, 0x01); /* started before the command */
    set_address(p, 1, 9);
    command(p, 0xca);
    expect_eq(p->b.rises[14], 1);
    cr_assert(disk_image_read(p->image, 9, 1, back));
    expect_eq(back[0], 0x3c);
    expect_eq(back[511], 0x3c);
    tear_down(p);
}

Test(ide, a_short_descriptor_table_gives_no_interrupt) {
    struct ide_bench *p = set_up(false);
    set_prd(p, 0, 0x4000, 0x80000000 | 100);
    out32(&p->b, 0xc004, 0x1000);
    set_address(p, 1, 9);
    command(p, 0xc8);
    out8(&p->b, 0xc000, 0x09);
    settle(p);
    expect_eq(p->b.rises[14], 0);
    expect_eq(in8(&p->b, 0xc002) & 1, 0);
    out8(&p->b, 0x3f6, 0x04); /* a soft reset frees the drive */
    out8(&p->b, 0x3f6, 0x00);
    settle(p);
    expect_eq(in8(&p->b, 0x1f7), 0x50);
    tear_down(p);
}

Test(ide, a_dma_of_65536_sectors_is_split_into_steps) {
    struct ide_bench *p = set_up(false);
    set_prd(p, 0, 0x10000, 0);
    set_prd(p, 1, 0x20000, 0x80000000);
    out32(&p->b, 0xc004, 0x1000);
    set_address(p, 0, 0);
    command(p, 0xc8); /* 256 sectors, 128 KiB */
    out8(&p->b, 0xc000, 0x09);
    settle(p);
    expect_eq(p->b.rises[14], 1);
    expect_eq(physmem_ram(p->b.physmem)[0x20000], 128);
    tear_down(p);
}
