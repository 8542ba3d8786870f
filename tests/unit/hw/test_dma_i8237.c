/* The DMA controllers. */
#include "hw/dma_i8237.h"
#include "softmmu/base/log.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct fixture {
    struct log log;
    struct port_map *ports;
    struct physmem *physmem;
    struct dma_i8237 dma;
};

static void out(struct fixture *f, uint16_t port, uint8_t value) {
    port_map_write(f->ports, port, 1, value);
}

static uint8_t in(struct fixture *f, uint16_t port) {
    return (uint8_t)port_map_read(f->ports, port, 1);
}

static struct fixture *start(void) {
    struct fixture *f = calloc(1, sizeof *f);
    log_init(&f->log);
    f->ports = port_map_create(&f->log);
    f->physmem = physmem_create(1 << 20, &f->log, NULL);
    physmem_add_ram(f->physmem, "ram", 0, 1 << 20, 0, 0);
    dma_i8237_init(&f->dma, f->ports, f->physmem);
    out(f, 0xd6, 0xc0); /* channel 4 is the cascade */
    out(f, 0xd4, 0x00);
    return f;
}

static void stop(struct fixture *f) {
    physmem_destroy(f->physmem);
    port_map_destroy(f->ports);
    free(f);
}

/* Program channel 2 for `count` bytes at page:address. */
static void program(struct fixture *f, uint8_t mode, uint8_t page, uint16_t address,
                    uint16_t count) {
    out(f, 0x0a, 0x06);
    out(f, 0x0c, 0);
    out(f, 0x0b, mode | 2);
    out(f, 0x04, (uint8_t)address);
    out(f, 0x04, (uint8_t)(address >> 8));
    out(f, 0x05, (uint8_t)(count - 1));
    out(f, 0x05, (uint8_t)((count - 1) >> 8));
    out(f, 0x81, page);
    out(f, 0x0a, 0x02);
}

static size_t push(struct fixture *f, unsigned number, const char *bytes, size_t count, bool *tc) {
    struct dma_channel channel = dma_i8237_channel(&f->dma, number);
    return channel.write_memory(channel.opaque, channel.channel, (const uint8_t *)bytes, count, tc);
}

static size_t pull(struct fixture *f, unsigned number, uint8_t *bytes, size_t count, bool *tc) {
    struct dma_channel channel = dma_i8237_channel(&f->dma, number);
    return channel.read_memory(channel.opaque, channel.channel, bytes, count, tc);
}

Test(dma_i8237, device_bytes_reach_memory) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x44, 1, 0x2000, 4);
    cr_assert_eq(push(f, 2, "abcdef", 6, &tc), 4);
    cr_assert(tc);
    cr_assert_arr_eq(physmem_ram(f->physmem) + 0x12000, "abcd", 4);
    cr_assert_eq(physmem_ram(f->physmem)[0x12004], 0);
    stop(f);
}

Test(dma_i8237, memory_bytes_reach_the_device) {
    struct fixture *f = start();
    uint8_t bytes[4] = {0};
    bool tc;
    memcpy(physmem_ram(f->physmem) + 0x12000, "wxyz", 4);
    program(f, 0x48, 1, 0x2000, 8);
    cr_assert_eq(pull(f, 2, bytes, 4, &tc), 4);
    cr_assert_not(tc);
    cr_assert_arr_eq(bytes, "wxyz", 4);
    stop(f);
}

Test(dma_i8237, terminal_count_masks_the_channel_and_shows_in_the_status) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x44, 1, 0x2000, 2);
    push(f, 2, "ab", 2, &tc);
    cr_assert_eq(in(f, 0x08), 0x04);
    cr_assert_eq(in(f, 0x08), 0x00);
    cr_assert_eq(push(f, 2, "cd", 2, &tc), 0);
    stop(f);
}

Test(dma_i8237, autoinit_starts_again) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x54, 1, 0x2000, 2);
    push(f, 2, "ab", 2, &tc);
    cr_assert(tc);
    cr_assert_eq(push(f, 2, "cd", 2, &tc), 2);
    cr_assert_arr_eq(physmem_ram(f->physmem) + 0x12000, "cd", 2);
    stop(f);
}

Test(dma_i8237, decrement_walks_down) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x64, 1, 0x2003, 4);
    push(f, 2, "abcd", 4, &tc);
    cr_assert_arr_eq(physmem_ram(f->physmem) + 0x12000, "dcba", 4);
    stop(f);
}

Test(dma_i8237, address_wraps_within_the_page) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x44, 1, 0xfffe, 4);
    push(f, 2, "abcd", 4, &tc);
    cr_assert_arr_eq(physmem_ram(f->physmem) + 0x1fffe, "ab", 2);
    cr_assert_arr_eq(physmem_ram(f->physmem) + 0x10000, "cd", 2);
    stop(f);
}

Test(dma_i8237, verify_moves_no_bytes) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x40, 1, 0x2000, 4);
    cr_assert_eq(push(f, 2, "abcd", 4, &tc), 4);
    cr_assert(tc);
    cr_assert_eq(physmem_ram(f->physmem)[0x12000], 0);
    stop(f);
}

Test(dma_i8237, word_channel_counts_words) {
    struct fixture *f = start();
    bool tc;
    out(f, 0xd8, 0);
    out(f, 0xd6, 0x45);
    out(f, 0xc4, 0x00);
    out(f, 0xc4, 0x10); /* word address 1000h: byte address 2000h */
    out(f, 0xc6, 0x01);
    out(f, 0xc6, 0x00);
    out(f, 0x8b, 0x03); /* bit 0 of the page is not used */
    out(f, 0xd4, 0x01);
    cr_assert_eq(push(f, 5, "abcdef", 6, &tc), 4);
    cr_assert(tc);
    cr_assert_arr_eq(physmem_ram(f->physmem) + 0x22000, "abcd", 4);
    stop(f);
}

Test(dma_i8237, flip_flop_selects_the_byte) {
    struct fixture *f = start();
    program(f, 0x44, 1, 0x1234, 0x100);
    out(f, 0x0c, 0);
    cr_assert_eq(in(f, 0x04), 0x34);
    cr_assert_eq(in(f, 0x04), 0x12);
    out(f, 0x0c, 0);
    cr_assert_eq(in(f, 0x05), 0xff);
    cr_assert_eq(in(f, 0x05), 0x00);
    stop(f);
}

Test(dma_i8237, master_clear_masks_everything) {
    struct fixture *f = start();
    bool tc;
    program(f, 0x44, 1, 0x2000, 2);
    out(f, 0x0d, 0);
    cr_assert_eq(in(f, 0x0f) & 0x0f, 0x0f);
    cr_assert_eq(push(f, 2, "ab", 2, &tc), 0);
    stop(f);
}

Test(dma_i8237, spare_page_registers_read_back) {
    struct fixture *f = start();
    out(f, 0x84, 0x5a);
    cr_assert_eq(in(f, 0x84), 0x5a);
    stop(f);
}

Test(dma_i8237, request_line_shows_in_the_status) {
    struct fixture *f = start();
    struct dma_channel channel = dma_i8237_channel(&f->dma, 2);
    channel.set_request(channel.opaque, channel.channel, true);
    cr_assert_eq(in(f, 0x08), 0x40);
    stop(f);
}
