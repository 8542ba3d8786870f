/*
 * The VGA as PCI function 1234:1111: frame buffer in BAR0, registers in BAR2, video BIOS in the
 * ROM BAR. BAR2 holds the EDID at 0, the VGA ports from 3C0h at 400h and the DISPI registers at
 * 500h, for drivers that do not use ports.
 * Source: QEMU's published specification "VGA device (standard VGA)"; VESA E-EDID release A.
 */
#include "hw/display/vga_regs.h"
#include "softmmu/base/bits.h"

#include <string.h>

#define REGISTERS_BYTES  4096u
#define VGA_OFFSET       0x400
#define DISPI_OFFSET     0x500
#define EXTRA_OFFSET     0x600 /* size of this block, then byte order of the frame buffer */
#define LITTLE_ENDIAN_FB UINT32_C(0x1e1e1e1e)

static uint8_t register_read(struct vga *vga, uint32_t offset) {
    uint8_t extra[8] = {8};
    if (offset < sizeof(vga->edid))
        return vga->edid[offset];
    if (offset >= VGA_OFFSET && offset < VGA_OFFSET + 0x20)
        return vga_port_read(vga, (uint16_t)(0x3c0 + offset - VGA_OFFSET));
    if (offset >= DISPI_OFFSET && offset < DISPI_OFFSET + 2 * VGA_DISPI_REGISTERS)
        return (uint8_t)(vga_dispi_read(vga, (offset - DISPI_OFFSET) / 2) >> 8 * (offset & 1));
    store_le32(extra + 4, LITTLE_ENDIAN_FB);
    if (offset >= EXTRA_OFFSET && offset < EXTRA_OFFSET + sizeof(extra))
        return extra[offset - EXTRA_OFFSET];
    return 0;
}

static uint64_t registers_read(void *opaque, phys_addr offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)register_read(opaque, (uint32_t)offset + i) << 8 * i;
    return value;
}

/* DISPI registers take whole words; the VGA registers take bytes. */
static void registers_write(void *opaque, phys_addr at, unsigned size, uint64_t value) {
    struct vga *vga = opaque;
    uint32_t offset = (uint32_t)at;
    for (unsigned i = 0; i < size; i++) {
        uint32_t byte = offset + i;
        if (byte >= VGA_OFFSET && byte < VGA_OFFSET + 0x20) {
            vga_port_write(vga, (uint16_t)(0x3c0 + byte - VGA_OFFSET), (uint8_t)(value >> 8 * i));
        } else if (byte >= DISPI_OFFSET && byte < DISPI_OFFSET + 2 * VGA_DISPI_REGISTERS &&
                   (byte & 1) == 0 && i + 2 <= size) {
            vga_dispi_write(vga, (byte - DISPI_OFFSET) / 2, (uint16_t)(value >> 8 * i));
        }
    }
}

static const struct mmio_ops register_ops = {registers_read, registers_write};

/* One detailed timing of 1024x768 at 60 Hz (VESA DMT), in EDID's packed form. */
static const uint8_t timing_1024x768[18] = {
    0x64, 0x19,       /* 65.00 MHz */
    0x00, 0x40, 0x41, /* 1024 shown, 320 blank */
    0x00, 0x26, 0x30, /* 768 shown, 38 blank */
    0x18, 0x88, 0x36, 0x00, 0x20, 0x18, 0xb8, 0x00, 0x00, 0x18,
};

static void descriptor(uint8_t *to, uint8_t tag, const char *text) {
    memset(to, 0, 18);
    to[3] = tag;
    memset(to + 5, ' ', 13);
    size_t length = strlen(text);
    memcpy(to + 5, text, length);
    to[5 + length] = '\n';
}

static void make_edid(uint8_t edid[128]) {
    static const uint8_t head[] = {
        0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, /* signature */
        0x41, 0xb4,                                     /* manufacturer PMT */
        0x01, 0x00, 0x01, 0x00, 0x00, 0x00,             /* product, serial */
        0x01, 0x24, 0x01, 0x04,                         /* week, 2026, EDID 1.4 */
        0x0e, 0x20, 0x18, 0x78, 0x02,                   /* analogue, 32 x 24 cm, gamma 2.2 */
        0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, /* sRGB primaries */
        0x21, 0x08, 0x00, /* 640x480, 800x600 and 1024x768 at 60 Hz */
    };
    static const uint8_t range[] = {50, 75, 30, 80, 17, 0, 0x0a}; /* Hz, kHz, 170 MHz */
    memset(edid, 0, 128);
    memcpy(edid, head, sizeof(head));
    memset(edid + 38, 0x01, 16); /* no further standard timings */
    memcpy(edid + 54, timing_1024x768, sizeof(timing_1024x768));
    descriptor(edid + 72, 0xfc, "Pentimento");
    descriptor(edid + 90, 0xfd, "");
    memcpy(edid + 95, range, sizeof(range));
    descriptor(edid + 108, 0xff, "1");
    uint8_t sum = 0;
    for (unsigned i = 0; i < 127; i++)
        sum = (uint8_t)(sum + edid[i]);
    edid[127] = (uint8_t)(0u - sum);
}

static void map_bar(struct pci_function *function, unsigned bar, uint64_t address, bool enabled) {
    struct vga *vga = function->opaque;
    phys_region_id region = bar == 0 ? vga->frame_buffer : bar == 2 ? vga->registers : vga->rom;
    if (region < 0)
        return;
    if (enabled)
        physmem_move(vga->physmem, region, address);
    physmem_set_enabled(vga->physmem, region, enabled, enabled && bar != PCI_ROM_BAR);
}

static void add_rom(struct vga *vga, const void *rom, uint32_t rom_bytes) {
    uint32_t size = 4096;
    while (size < rom_bytes && size < UINT32_C(0x1000000))
        size <<= 1;
    vga->rom =
        physmem_add_rom(vga->physmem, "vga-rom", 0xe1000000, rom, rom_bytes, VGA_WINDOW_PRIORITY);
    if (vga->rom < 0)
        return;
    physmem_set_enabled(vga->physmem, vga->rom, false, false);
    vga->pci.bar[PCI_ROM_BAR] =
        (struct pci_bar){.kind = PCI_BAR_MEMORY, .size = size, .map = map_bar};
}

void vga_add_pci(struct vga *vga, const void *rom, uint32_t rom_bytes) {
    struct pci_function *pci = &vga->pci;
    make_edid(vga->edid);
    pci->opaque = vga;
    pci_function_identify(pci, 0x1234, 0x1111, 2, 0x030000, 0);
    store_le16(pci->config + 0x2c, 0x1af4);
    store_le16(pci->config + 0x2e, 0x1100);
    vga->registers = physmem_add_mmio(vga->physmem, "vga-registers", 0xe2000000, REGISTERS_BYTES,
                                      &register_ops, vga, VGA_WINDOW_PRIORITY);
    physmem_set_enabled(vga->physmem, vga->registers, false, false);
    pci->bar[0] = (struct pci_bar){
        .kind = PCI_BAR_MEMORY, .size = VGA_MEMORY_BYTES, .prefetchable = true, .map = map_bar};
    pci->bar[2] = (struct pci_bar){.kind = PCI_BAR_MEMORY, .size = REGISTERS_BYTES, .map = map_bar};
    if (rom != NULL)
        add_rom(vga, rom, rom_bytes);
}
