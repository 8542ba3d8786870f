/* ATAPI CD-ROM drive. */
#include "hw/block/ide_channel.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <string.h>

#define CD_SECTORS 300

struct cd_bench {
    struct bench b;
    struct ide_channel channel;
    struct disk_image *image;
};

static struct cd_bench *set_up(bool has_medium) {
    static struct cd_bench bench;
    struct cd_bench *p = &bench;
    memset(p, 0, sizeof(*p));
    bench_init(&p->b);
    p->image = has_medium ? bench_image(CD_SECTORS * 4, true) : NULL;
    struct irq_line irq = bench_line(&p->b, 15);
    ide_channel_init(&p->channel, 1, p->b.ports, p->b.time.clock, &irq);
    ide_channel_attach_cdrom(&p->channel, 0, p->image);
    return p;
}

static void tear_down(struct cd_bench *p) {
    disk_image_close(p->image);
    bench_free(&p->b);
}

static void settle(struct cd_bench *p) {
    fake_clock_advance(&p->b.time, 100000);
}

/* Send a packet; returns the status when the drive has taken it. */
static uint8_t packet(struct cd_bench *p, uint16_t limit, const uint8_t bytes[12]) {
    out8(&p->b, 0x176, 0xa0);
    out8(&p->b, 0x171, 0);
    out8(&p->b, 0x174, (uint8_t)limit);
    out8(&p->b, 0x175, (uint8_t)(limit >> 8));
    out8(&p->b, 0x177, 0xa0);
    settle(p);
    expect_eq(in8(&p->b, 0x177) & 0x88, 0x08);
    expect_eq(in8(&p->b, 0x172) & 3, 1);
    for (unsigned i = 0; i < 12; i += 2)
        out16(&p->b, 0x170, (uint16_t)(bytes[i] | bytes[i + 1] << 8));
    settle(p);
    return in8(&p->b, 0x177);
}

/* Send a packet and read all its data. Returns how much came. */
static unsigned transfer(struct cd_bench *p, const uint8_t bytes[12], uint8_t *to, unsigned room) {
    unsigned got = 0;
    uint8_t status = packet(p, 2048, bytes);
    while (status & 8) {
        unsigned size = in8(&p->b, 0x174) | in8(&p->b, 0x175) << 8;
        cr_assert_leq(size, 2048);
        for (unsigned i = 0; i < size; i += 2) {
            unsigned value = in16(&p->b, 0x170);
            if (got < room)
                to[got] = (uint8_t)value;
            if (got + 1 < room)
                to[got + 1] = (uint8_t)(value >> 8);
            got += i + 1 < size ? 2 : 1;
        }
        settle(p);
        status = in8(&p->b, 0x177);
    }
    return got;
}

static unsigned sense(struct cd_bench *p) {
    uint8_t bytes[18] = {0};
    transfer(p, (const uint8_t[12]){0x03, 0, 0, 0, 18}, bytes, sizeof(bytes));
    return bytes[2] << 16 | bytes[12] << 8 | bytes[13];
}

static void clear_attention(struct cd_bench *p) {
    packet(p, 0, (const uint8_t[12]){0});
}

Test(atapi, shows_the_packet_signature) {
    struct cd_bench *p = set_up(true);
    out8(&p->b, 0x176, 0xa0);
    expect_eq(in8(&p->b, 0x177), 0);
    out8(&p->b, 0x177, 0xec);
    settle(p);
    expect_eq(in8(&p->b, 0x177), 0x51);
    expect_eq(in8(&p->b, 0x174), 0x14);
    expect_eq(in8(&p->b, 0x175), 0xeb);
    tear_down(p);
}

Test(atapi, identify_packet_device_says_cdrom) {
    struct cd_bench *p = set_up(true);
    out8(&p->b, 0x177, 0xa1);
    settle(p);
    expect_eq(in8(&p->b, 0x177) & 0x88, 0x08);
    expect_eq(in16(&p->b, 0x170), 0x85c0);
    for (unsigned i = 1; i < 256; i++)
        in16(&p->b, 0x170);
    expect_eq(in8(&p->b, 0x177), 0x50);
    tear_down(p);
}

Test(atapi, reports_power_on_once) {
    struct cd_bench *p = set_up(true);
    expect_eq(packet(p, 0, (const uint8_t[12]){0}), 0x51);
    expect_eq(in8(&p->b, 0x171) >> 4, 6);
    expect_eq(sense(p), 0x062900);
    expect_eq(packet(p, 0, (const uint8_t[12]){0}), 0x50);
    tear_down(p);
}

Test(atapi, an_empty_drive_is_not_ready) {
    struct cd_bench *p = set_up(false);
    clear_attention(p);
    expect_eq(packet(p, 0, (const uint8_t[12]){0}), 0x51);
    expect_eq(sense(p), 0x023a01);
    tear_down(p);
}

Test(atapi, reads_sectors_within_the_byte_count_limit) {
    struct cd_bench *p = set_up(true);
    static uint8_t data[40 * 2048];
    clear_attention(p);
    unsigned got =
        transfer(p, (const uint8_t[12]){0x28, 0, 0, 0, 0, 16, 0, 0, 40}, data, sizeof(data));
    expect_eq(got, 40 * 2048);
    for (unsigned i = 0; i < 40; i++)
        expect_eq(data[i * 2048 + 700], bench_image_byte(16 * 4 + i * 4 + 1, 700 - 512));
    expect_eq(in8(&p->b, 0x172) & 3, 3);
    tear_down(p);
}

Test(atapi, refuses_sectors_beyond_the_medium) {
    struct cd_bench *p = set_up(true);
    clear_attention(p);
    packet(p, 2048, (const uint8_t[12]){0x28, 0, 0, 0, 1, 43, 0, 0, 2});
    expect_eq(sense(p), 0x052100);
    packet(p, 2048, (const uint8_t[12]){0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    expect_eq(sense(p), 0x052100);
    tear_down(p);
}

Test(atapi, tells_capacity) {
    struct cd_bench *p = set_up(true);
    uint8_t data[8];
    clear_attention(p);
    expect_eq(transfer(p, (const uint8_t[12]){0x25}, data, 8), 8);
    expect_eq(data[2] << 8 | data[3], CD_SECTORS - 1);
    expect_eq(data[6] << 8 | data[7], 2048);
    tear_down(p);
}

Test(atapi, reads_the_table_of_contents) {
    struct cd_bench *p = set_up(true);
    uint8_t data[64];
    clear_attention(p);
    expect_eq(transfer(p, (const uint8_t[12]){0x43, 2, 0, 0, 0, 0, 0, 0, 64}, data, 64), 20);
    expect_eq(data[1], 18);
    expect_eq(data[5], 0x14);
    expect_eq(data[10], 2); /* track 1 at 00:02:00 */
    expect_eq(data[14], 0xaa);
    expect_eq(data[18], 6); /* lead-out: 450 frames are 6 seconds */
    expect_eq(transfer(p, (const uint8_t[12]){0x43, 0, 1, 0, 0, 0, 0, 0, 64}, data, 64), 12);
    expect_eq(transfer(p, (const uint8_t[12]){0x43, 0, 2, 0, 0, 0, 0, 0, 64}, data, 64), 48);
    tear_down(p);
}

Test(atapi, cuts_replies_to_the_allocation_length) {
    struct cd_bench *p = set_up(true);
    uint8_t data[64];
    expect_eq(transfer(p, (const uint8_t[12]){0x12, 0, 0, 0, 5}, data, 64), 5);
    expect_eq(data[0], 5);
    tear_down(p);
}

Test(atapi, reads_raw_sectors) {
    struct cd_bench *p = set_up(true);
    static uint8_t data[2352];
    clear_attention(p);
    expect_eq(transfer(p, (const uint8_t[12]){0xbe, 0, 0, 0, 0, 75, 0, 0, 1, 0xf8}, data, 2352),
              2352);
    expect_eq(data[1], 0xff);
    expect_eq(data[13], 0x03); /* 00:03:00 */
    expect_eq(data[15], 1);
    expect_eq(data[16 + 100], bench_image_byte(75 * 4, 100));
    tear_down(p);
}

Test(atapi, a_changed_medium_is_reported) {
    struct cd_bench *p = set_up(true);
    uint8_t data[8];
    clear_attention(p);
    ide_drive_set_medium(&p->channel.drive[0], p->image);
    transfer(p, (const uint8_t[12]){0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8}, data, 8);
    expect_eq(data[4], 2);
    expect_eq(data[5], 2);
    expect_eq(packet(p, 0, (const uint8_t[12]){0}), 0x51);
    tear_down(p);
}

Test(atapi, a_locked_tray_stays_closed) {
    struct cd_bench *p = set_up(true);
    clear_attention(p);
    packet(p, 0, (const uint8_t[12]){0x1e, 0, 0, 0, 1});
    packet(p, 0, (const uint8_t[12]){0x1b, 0, 0, 0, 2});
    expect_eq(sense(p), 0x025302);
    packet(p, 0, (const uint8_t[12]){0x1e});
    packet(p, 0, (const uint8_t[12]){0x1b, 0, 0, 0, 2});
    packet(p, 0, (const uint8_t[12]){0});
    expect_eq(sense(p), 0x023a02);
    tear_down(p);
}

Test(atapi, unknown_packets_are_illegal) {
    struct cd_bench *p = set_up(true);
    clear_attention(p);
    packet(p, 0, (const uint8_t[12]){0xff});
    expect_eq(sense(p), 0x052000);
    tear_down(p);
}

Test(atapi, device_reset_ends_a_transfer) {
    struct cd_bench *p = set_up(true);
    clear_attention(p);
    packet(p, 2048, (const uint8_t[12]){0x28, 0, 0, 0, 0, 0, 0, 0, 4});
    out8(&p->b, 0x177, 0x08);
    expect_eq(in8(&p->b, 0x177), 0);
    expect_eq(in8(&p->b, 0x175), 0xeb);
    tear_down(p);
}
