/* VGA: registers, window, DISPI, text screen. */
#include "hw/display/vga_regs.h"
#include "hw/pci/pci_bus.h"
#include "softmmu/base/bits.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct vga_bench {
    struct bench b;
    struct vga vga;
    struct pci_bus bus;
};

static struct vga_bench *set_up(void) {
    static struct vga_bench bench;
    struct vga_bench *p = &bench;
    static const uint8_t rom[5000] = {0x55, 0xaa, 10};
    struct irq_line pirq[4] = {{0}};
    memset(p, 0, sizeof(*p));
    bench_init(&p->b);
    cr_assert(vga_init(&p->vga, p->b.ports, p->b.physmem, p->b.time.clock));
    vga_add_pci(&p->vga, rom, sizeof(rom));
    pci_bus_init(&p->bus, p->b.ports, pirq);
    pci_bus_add(&p->bus, &p->vga.pci, 0x10);
    return p;
}

static void set_indexed(struct vga_bench *p, uint16_t port, uint8_t index, uint8_t value) {
    out16(&p->b, port, (uint16_t)(value << 8 | index));
}

static uint8_t get_indexed(struct vga_bench *p, uint16_t port, uint8_t index) {
    out8(&p->b, port, index);
    return in8(&p->b, port + 1);
}

/* The parts of mode 03h that matter here. */
static void set_text_mode(struct vga_bench *p) {
    out8(&p->b, 0x3c2, 0x67);
    set_indexed(p, 0x3c4, 2, 0x03);
    set_indexed(p, 0x3c4, 4, 0x02);
    set_indexed(p, 0x3ce, 5, 0x10);
    set_indexed(p, 0x3ce, 6, 0x0e);
    set_indexed(p, 0x3ce, 8, 0xff);
    static const uint8_t crtc[][2] = {{0x00, 0x5f}, {0x01, 79},   {0x06, 0xbf}, {0x07, 0x1f},
                                      {0x09, 0x4f}, {0x10, 0x9c}, {0x11, 0x0e}, {0x12, 0x8f},
                                      {0x13, 40},   {0x17, 0xa3}};
    for (size_t i = 0; i < ARRAY_SIZE(crtc); i++)
        set_indexed(p, 0x3d4, crtc[i][0], crtc[i][1]);
}

static void put_text(struct vga_bench *p, unsigned row, unsigned column, const char *text) {
    for (; *text != '\0'; text++, column++)
        physmem_write(p->b.physmem, 0xb8000 + (row * 80 + column) * 2, 2, 0x0700u | (uint8_t)*text);
}

Test(vga, dumps_the_text_screen) {
    struct vga_bench *p = set_up();
    char *text = NULL;
    size_t size = 0;
    set_text_mode(p);
    put_text(p, 0, 0, "Hello   ");
    put_text(p, 2, 3, "\xc9\xcd\xbb");
    FILE *out = open_memstream(&text, &size);
    cr_assert(vga_text_dump(&p->vga, out));
    fclose(out);
    cr_expect_eq(strncmp(text, "Hello\n\n   \u2554\u2550\u2557\n", 19), 0, "%s", text);
    unsigned lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    expect_eq(lines, 25);
    free(text);
    set_indexed(p, 0x3ce, 6, 0x05);
    cr_expect_not(vga_text_dump(&p->vga, stdout));
    bench_free(&p->b);
}

Test(vga, the_start_address_scrolls_the_text) {
    struct vga_bench *p = set_up();
    char *text = NULL;
    size_t size = 0;
    set_text_mode(p);
    put_text(p, 1, 0, "second");
    set_indexed(p, 0x3d4, 0x0d, 80);
    FILE *out = open_memstream(&text, &size);
    cr_assert(vga_text_dump(&p->vga, out));
    fclose(out);
    cr_expect_eq(strncmp(text, "second\n", 7), 0, "%s", text);
    free(text);
    bench_free(&p->b);
}

Test(vga, text_reads_back_and_fonts_go_to_plane_2) {
    struct vga_bench *p = set_up();
    set_text_mode(p);
    physmem_write(p->b.physmem, 0xb8000, 2, 0x1f41);
    expect_eq(physmem_read(p->b.physmem, 0xb8000, 2), 0x1f41);
    set_indexed(p, 0x3c4, 2, 0x04);
    set_indexed(p, 0x3c4, 4, 0x07);
    set_indexed(p, 0x3ce, 4, 0x02);
    set_indexed(p, 0x3ce, 5, 0x00);
    set_indexed(p, 0x3ce, 6, 0x04);
    physmem_write(p->b.physmem, 0xa0000 + 33, 1, 0x3c);
    expect_eq(physmem_read(p->b.physmem, 0xa0000 + 33, 1), 0x3c);
    expect_eq(p->vga.memory[33 * 4 + 2], 0x3c);
    expect_eq(p->vga.memory[0], 0x41);
    bench_free(&p->b);
}

static void set_planar_mode(struct vga_bench *p) {
    set_indexed(p, 0x3c4, 2, 0x0f);
    set_indexed(p, 0x3c4, 4, 0x06);
    set_indexed(p, 0x3ce, 6, 0x05);
    set_indexed(p, 0x3ce, 8, 0xff);
}

Test(vga, write_modes_of_the_graphics_controller) {
    struct vga_bench *p = set_up();
    struct physmem *pm = p->b.physmem;
    set_planar_mode(p);
    physmem_write(pm, 0xa0000, 1, 0xf0); /* mode 0: all planes */
    expect_eq(load_le32(p->vga.memory), 0xf0f0f0f0);
    set_indexed(p, 0x3ce, 0, 0x05); /* set/reset on all planes, under a bit mask */
    set_indexed(p, 0x3ce, 1, 0x0f);
    set_indexed(p, 0x3ce, 8, 0x0f);
    physmem_read(pm, 0xa0000, 1);
    physmem_write(pm, 0xa0000, 1, 0x00);
    expect_eq(load_le32(p->vga.memory), 0xf0fff0ff);
    set_indexed(p, 0x3ce, 5, 0x01); /* mode 1: latches */
    physmem_read(pm, 0xa0000, 1);
    physmem_write(pm, 0xa0001, 1, 0x00);
    expect_eq(load_le32(p->vga.memory + 4), 0xf0fff0ff);
    set_indexed(p, 0x3ce, 5, 0x02); /* mode 2: a colour */
    set_indexed(p, 0x3ce, 8, 0xff);
    physmem_write(pm, 0xa0002, 1, 0x0a);
    expect_eq(load_le32(p->vga.memory + 8), 0xff00ff00);
    set_indexed(p, 0x3ce, 5, 0x03); /* mode 3: data as bit mask */
    set_indexed(p, 0x3ce, 0, 0x0f);
    physmem_read(pm, 0xa0003, 1);
    physmem_write(pm, 0xa0003, 1, 0x81);
    expect_eq(load_le32(p->vga.memory + 12), 0x81818181);
    set_indexed(p, 0x3ce, 5, 0x08); /* read mode 1 */
    set_indexed(p, 0x3ce, 2, 0x0f);
    set_indexed(p, 0x3ce, 7, 0x0f);
    expect_eq(physmem_read(pm, 0xa0003, 1), 0x81);
    bench_free(&p->b);
}

Test(vga, the_palette_is_written_in_threes) {
    struct vga_bench *p = set_up();
    out8(&p->b, 0x3c8, 5);
    for (unsigned i = 0; i < 6; i++)
        out8(&p->b, 0x3c9, (uint8_t)(0xc1 + i));
    expect_eq(in8(&p->b, 0x3c8), 7);
    out8(&p->b, 0x3c7, 6);
    expect_eq(in8(&p->b, 0x3c9), 0x04);
    expect_eq(in8(&p->b, 0x3c9), 0x05);
    expect_eq(in8(&p->b, 0x3c9), 0x06);
    bench_free(&p->b);
}

Test(vga, reading_3da_resets_the_attribute_flip_flop_and_shows_retrace) {
    struct vga_bench *p = set_up();
    set_text_mode(p);
    (void)in8(&p->b, 0x3da);
    out8(&p->b, 0x3c0, 0x10);
    (void)in8(&p->b, 0x3da);
    out8(&p->b, 0x3c0, 0x01);
    out8(&p->b, 0x3c0, 0x3f);
    out8(&p->b, 0x3c0, 0x21);
    expect_eq(in8(&p->b, 0x3c1), 0x3f);
    unsigned retrace = 0, shown = 0;
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t status = in8(&p->b, 0x3da);
        retrace += status >> 3 & 1;
        shown += ~status & 1;
        fake_clock_advance(&p->b.time, 10000);
    }
    cr_expect_gt(retrace, 4);
    cr_expect_lt(retrace, 100);
    cr_expect_gt(shown, 1000);
    bench_free(&p->b);
}

Test(vga, crtc_protection) {
    struct vga_bench *p = set_up();
    out8(&p->b, 0x3c2, 1);
    set_indexed(p, 0x3d4, 0x01, 79);
    set_indexed(p, 0x3d4, 0x11, 0x80);
    set_indexed(p, 0x3d4, 0x01, 10);
    set_indexed(p, 0x3d4, 0x07, 0xff);
    expect_eq(get_indexed(p, 0x3d4, 0x01), 79);
    expect_eq(get_indexed(p, 0x3d4, 0x07), 0x10);
    expect_eq(in8(&p->b, 0x3b5), 0xff); /* colour: the mono ports are silent */
    bench_free(&p->b);
}

static void set_dispi(struct vga_bench *p, uint16_t index, uint16_t value) {
    out16(&p->b, 0x1ce, index);
    out16(&p->b, 0x1cf, value);
}

static uint16_t get_dispi(struct vga_bench *p, uint16_t index) {
    out16(&p->b, 0x1ce, index);
    return in16(&p->b, 0x1cf);
}

Test(vga, dispi_sets_a_mode_and_banks) {
    struct vga_bench *p = set_up();
    expect_eq(get_dispi(p, DISPI_ID), 0xb0c5);
    expect_eq(get_dispi(p, DISPI_MEMORY_64K), 256);
    set_dispi(p, DISPI_XRES, 1024);
    set_dispi(p, DISPI_YRES, 768);
    set_dispi(p, DISPI_BPP, 8);
    set_dispi(p, DISPI_ENABLE, 0x41);
    expect_eq(get_dispi(p, DISPI_VIRTUAL_WIDTH), 1024);
    expect_eq(get_dispi(p, DISPI_VIRTUAL_HEIGHT), 16384);
    set_dispi(p, DISPI_BANK, 3);
    physmem_write(p->b.physmem, 0xa0010, 1, 0x99);
    expect_eq(p->vga.memory[0x30010], 0x99);
    out16(&p->b, 0x1ce, DISPI_BANK);
    expect_eq(in16(&p->b, 0x1d0), 3);
    set_dispi(p, DISPI_ENABLE, DISPI_GET_CAPS);
    expect_eq(get_dispi(p, DISPI_BPP), 32);
    bench_free(&p->b);
}

Test(vga, no_bank_or_mode_leaves_video_memory) { /* CVE-2016-3710, CVE-2016-3712 */
    struct vga_bench *p = set_up();
    static const uint16_t values[] = {0, 1, 7, 8, 255, 256, 0x4000, 0x7fff, 0x8000, 0xffff};
    set_dispi(p, DISPI_BPP, 32);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        for (unsigned index = 1; index < VGA_DISPI_REGISTERS; index++) {
            set_dispi(p, (uint16_t)index, index == DISPI_ENABLE ? 0x01 : values[i]);
            uint32_t end = (p->vga.dispi[DISPI_Y_OFFSET] + p->vga.dispi[DISPI_YRES]) *
                           (uint32_t)p->vga.dispi[DISPI_VIRTUAL_WIDTH] * 4;
            if (p->vga.dispi[DISPI_ENABLE] & 1 && p->vga.dispi[DISPI_BPP] == 32)
                cr_assert_leq(end, VGA_MEMORY_BYTES, "register %u value %x", index, values[i]);
            for (uint32_t at = 0xa0000; at < 0xc0000; at += 0xffff) {
                physmem_write(p->b.physmem, at, 1, 0xff);
                physmem_read(p->b.physmem, at, 1);
            }
        }
        set_indexed(p, 0x3c4, 4, (uint8_t)i);
        set_indexed(p, 0x3ce, 6, (uint8_t)values[i]);
    }
    bench_free(&p->b);
}

static void config_write(struct vga_bench *p, unsigned offset, uint32_t value) {
    out32(&p->b, 0xcf8, 0x80001000u | offset);
    out32(&p->b, 0xcfc, value);
}

Test(vga, pci_bars_map_memory_registers_and_rom) {
    struct vga_bench *p = set_up();
    struct physmem *pm = p->b.physmem;
    config_write(p, 0x10, 0xfd000000);
    config_write(p, 0x18, 0xfebf0000);
    config_write(p, 0x30, 0xfebe0001);
    config_write(p, 0x04, 0x03);
    physmem_write(pm, 0xfd000123, 1, 0x42);
    expect_eq(p->vga.memory[0x123], 0x42);
    expect_eq(physmem_read(pm, 0xfebe0000, 2), 0xaa55);
    expect_eq(physmem_read(pm, 0xfebf0500, 2), 0xb0c5);
    expect_eq(physmem_read(pm, 0xfebf0604, 4), 0x1e1e1e1e);
    physmem_write(pm, 0xfebf0502, 2, 800);
    expect_eq(physmem_read(pm, 0xfebf0502, 2), 800);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 128; i++)
        sum = (uint8_t)(sum + physmem_read(pm, 0xfebf0000 + i, 1));
    expect_eq(sum, 0);
    config_write(p, 0x04, 0);
    expect_eq(physmem_read(pm, 0xfebe0000, 2), 0xffff);
    bench_free(&p->b);
}
