/*
 * Bochs's display interface: resolutions, colour depths, banks and panning beyond VGA.
 * Source: Bochs, "VBE Display API" (documentation of the DISPI registers).
 *
 * Invariant: while enabled, the visible rectangle lies within video memory. vga_dispi_write()
 * restores it after every change, so that neither window nor renderer has to trust the guest
 * (compare CVE-2016-3710 and CVE-2016-3712).
 */
#include "hw/display/vga_regs.h"

#include <string.h>

#define ID_OLDEST 0xb0c0
#define ID_NEWEST 0xb0c5

#define XRES_MAX 2560
#define YRES_MAX 1600
#define BPP_MAX  32

static uint32_t bits_per_pixel(const struct vga *vga) {
    return vga->dispi[DISPI_BPP] == 15 ? 16 : vga->dispi[DISPI_BPP];
}

/* Pixels of one line as bytes of video memory. Four-bit modes use four planes. */
static uint32_t line_bytes(const struct vga *vga) {
    return vga->dispi[DISPI_VIRTUAL_WIDTH] * bits_per_pixel(vga) / 8;
}

static void clamp(uint16_t *value, uint32_t least, uint32_t most) {
    if (*value < least)
        *value = (uint16_t)least;
    if (*value > most)
        *value = (uint16_t)(most > least ? most : least);
}

static void keep_in_memory(struct vga *vga) {
    uint16_t *dispi = vga->dispi;
    clamp(&dispi[DISPI_XRES], 8, XRES_MAX);
    dispi[DISPI_XRES] &= 0xfff8;
    clamp(&dispi[DISPI_YRES], 1, YRES_MAX);
    /* Even the largest virtual width leaves room for one visible line. */
    clamp(&dispi[DISPI_VIRTUAL_WIDTH], dispi[DISPI_XRES], 0x4000);
    dispi[DISPI_VIRTUAL_WIDTH] &= 0xfff8;
    uint32_t lines = VGA_MEMORY_BYTES / line_bytes(vga);
    if (lines < dispi[DISPI_YRES]) {
        dispi[DISPI_VIRTUAL_WIDTH] = dispi[DISPI_XRES];
        lines = VGA_MEMORY_BYTES / line_bytes(vga);
    }
    dispi[DISPI_VIRTUAL_HEIGHT] = (uint16_t)(lines > 0xffff ? 0xffff : lines);
    clamp(&dispi[DISPI_YRES], 1, dispi[DISPI_VIRTUAL_HEIGHT]);
    clamp(&dispi[DISPI_X_OFFSET], 0, dispi[DISPI_VIRTUAL_WIDTH] - dispi[DISPI_XRES]);
    clamp(&dispi[DISPI_Y_OFFSET], 0, dispi[DISPI_VIRTUAL_HEIGHT] - dispi[DISPI_YRES]);
}

/* Set the VGA registers as the mode needs them, so that programs which look find a sane mode and
   the A0000h window reaches the bank. */
static void set_vga_registers(struct vga *vga) {
    const uint16_t *dispi = vga->dispi;
    bool planar = dispi[DISPI_BPP] == 4;
    uint32_t height = dispi[DISPI_YRES] - 1u;
    vga->graphics[6] = (uint8_t)((vga->graphics[6] & ~0x0c) | 0x05);
    vga->crtc[0x17] |= 3;
    vga->crtc[0x13] = (uint8_t)(dispi[DISPI_VIRTUAL_WIDTH] >> 3);
    vga->crtc[0x01] = (uint8_t)((dispi[DISPI_XRES] >> 3) - 1);
    vga->crtc[0x12] = (uint8_t)height;
    vga->crtc[0x07] =
        (uint8_t)((vga->crtc[0x07] & ~0x42) | (height >> 7 & 0x02) | (height >> 3 & 0x40));
    vga->crtc[0x09] &= 0x60;
    vga->graphics[5] = (uint8_t)((vga->graphics[5] & ~0x60) | (planar ? 0 : 0x40));
    vga->sequencer[4] = (uint8_t)((vga->sequencer[4] & ~0x08) | (planar ? 0x02 : 0x0a));
    vga->sequencer[2] |= 0x0f;
}

static void enable_write(struct vga *vga, uint16_t value) {
    uint16_t *dispi = vga->dispi;
    bool was_enabled = (dispi[DISPI_ENABLE] & DISPI_ENABLED) != 0;
    dispi[DISPI_ENABLE] = value;
    if ((value & DISPI_ENABLED) == 0) {
        dispi[DISPI_BANK] = 0;
        return;
    }
    if (was_enabled)
        return;
    dispi[DISPI_VIRTUAL_WIDTH] = 0;
    dispi[DISPI_X_OFFSET] = dispi[DISPI_Y_OFFSET] = 0;
    keep_in_memory(vga);
    set_vga_registers(vga);
    if ((value & DISPI_NO_CLEAR) == 0)
        memset(vga->memory, 0, (size_t)dispi[DISPI_YRES] * line_bytes(vga));
}

static bool is_depth(uint16_t value) {
    return value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32;
}

/** Read DISPI register `index`; unknown ones read 0. */
uint16_t vga_dispi_read(struct vga *vga, unsigned index) {
    if (index >= VGA_DISPI_REGISTERS)
        return 0;
    if (vga->dispi[DISPI_ENABLE] & DISPI_GET_CAPS) {
        if (index == DISPI_XRES)
            return XRES_MAX;
        if (index == DISPI_YRES)
            return YRES_MAX;
        if (index == DISPI_BPP)
            return BPP_MAX;
    }
    if (index == DISPI_MEMORY_64K)
        return VGA_MEMORY_BYTES >> 16;
    return vga->dispi[index];
}

/** Write DISPI register `index`; values out of range are clamped or ignored. */
void vga_dispi_write(struct vga *vga, unsigned index, uint16_t value) {
    switch (index) {
    case DISPI_ID:
        if (value >= ID_OLDEST && value <= ID_NEWEST)
            vga->dispi[DISPI_ID] = value;
        return;
    case DISPI_BPP:
        if (value == 0)
            value = 8;
        if (!is_depth(value))
            return;
        vga->dispi[DISPI_BPP] = value;
        break;
    case DISPI_ENABLE:
        enable_write(vga, value);
        break;
    case DISPI_BANK:
        vga->dispi[DISPI_BANK] = value & ((VGA_MEMORY_BYTES >> 16) - 1);
        return;
    case DISPI_XRES:
    case DISPI_YRES:
    case DISPI_VIRTUAL_WIDTH:
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        vga->dispi[index] = value;
        break;
    default:
        return; /* the virtual height follows, the memory size is fixed */
    }
    if (vga->dispi[DISPI_ENABLE] & DISPI_ENABLED) {
        keep_in_memory(vga);
        if (index != DISPI_ENABLE)
            set_vga_registers(vga);
    }
}

/** Back to plain VGA. */
void vga_dispi_reset(struct vga *vga) {
    memset(vga->dispi, 0, sizeof(vga->dispi));
    vga->dispi_index = 0;
    vga->dispi[DISPI_ID] = ID_NEWEST;
    vga->dispi[DISPI_BPP] = 8;
}
