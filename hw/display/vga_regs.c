/*
 * VGA registers.
 * Source: IBM Personal System/2 Hardware Interface Technical Reference, "Video Subsystem";
 * FreeVGA project, "VGA Hardware" (register descriptions).
 */
#include "hw/display/vga_regs.h"

#include <string.h>

#define MISC_COLOUR      0x01
#define MISC_CLOCK_28MHZ 0x04

#define CRTC_PROTECT 0x80

static bool is_crtc_port(const struct vga *vga, uint16_t port) {
    return (port & 0xfff0) == ((vga->misc_output & MISC_COLOUR) != 0 ? 0x3d0 : 0x3b0);
}

/* Where the beam is, from virtual time and the CRTC's counters. */
static uint8_t input_status(const struct vga *vga) {
    const uint8_t *crtc = vga->crtc;
    uint64_t dot_hz = (vga->misc_output & MISC_CLOCK_28MHZ) != 0 ? 28322000 : 25175000;
    unsigned char_dots = (vga->sequencer[1] & 1) != 0 ? 8 : 9;
    if (vga->sequencer[1] & 8)
        char_dots *= 2;
    uint64_t line_dots = (crtc[0] + 5u) * char_dots;
    uint32_t lines = (crtc[6] | (crtc[7] & 0x01u) << 8 | (crtc[7] & 0x20u) << 4) + 2u;
    uint32_t shown = (crtc[0x12] | (crtc[7] & 0x02u) << 7 | (crtc[7] & 0x40u) << 3) + 1u;
    uint32_t retrace = crtc[0x10] | (crtc[7] & 0x04u) << 6 | (crtc[7] & 0x80u) << 2;
    uint64_t line_ns = line_dots * NS_PER_SECOND / dot_hz;
    uint64_t in_frame = clock_now(vga->clock) % (line_ns * lines);
    uint32_t line = (uint32_t)(in_frame / line_ns);
    uint64_t dots = in_frame % line_ns * dot_hz / NS_PER_SECOND;
    uint32_t retrace_lines = ((crtc[0x11] & 15u) - retrace) & 15u;
    uint8_t status = 0;
    if (line >= shown || dots >= (crtc[1] + 1u) * char_dots)
        status |= 0x01; /* display disabled */
    if (line >= retrace && line - retrace < (retrace_lines != 0 ? retrace_lines : 16))
        status |= 0x08;
    return status;
}

static uint8_t attribute_read(const struct vga *vga) {
    return vga->attribute[vga->attribute_index & 31];
}

static void attribute_write(struct vga *vga, uint8_t value) {
    static const uint8_t masks[5] = {0xef, 0xff, 0x3f, 0x0f, 0x0f}; /* from index 10h */
    vga->attribute_takes_data = !vga->attribute_takes_data;
    if (vga->attribute_takes_data) {
        vga->attribute_index = value & 0x3f; /* bit 5: the palette belongs to the display */
        return;
    }
    unsigned index = vga->attribute_index & 31;
    if (index < 16) {
        if ((vga->attribute_index & 0x20) == 0)
            vga->attribute[index] = value & 0x3f;
    } else if (index < 16 + sizeof(masks)) {
        vga->attribute[index] = value & masks[index - 16];
    }
}

static uint8_t dac_data_read(struct vga *vga) {
    uint8_t value = vga->palette[vga->dac_read_index * 3u + vga->dac_component];
    if (++vga->dac_component == 3) {
        vga->dac_component = 0;
        vga->dac_read_index++;
    }
    return value;
}

static void dac_data_write(struct vga *vga, uint8_t value) {
    if ((vga->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC) == 0)
        value &= 0x3f;
    vga->dac_latch[vga->dac_component] = value;
    if (++vga->dac_component == 3) { /* an entry changes when its blue arrives */
        memcpy(vga->palette + vga->dac_write_index * 3u, vga->dac_latch, 3);
        vga->dac_component = 0;
        vga->dac_write_index++;
    }
}

static void crtc_write(struct vga *vga, uint8_t value) {
    unsigned index = vga->crtc_index & 31;
    if (index <= 7 && (vga->crtc[0x11] & CRTC_PROTECT) != 0) {
        if (index == 7) /* the line compare bit is not protected */
            vga->crtc[7] = (uint8_t)((vga->crtc[7] & ~0x10) | (value & 0x10));
        return;
    }
    vga->crtc[index] = value;
}

static uint8_t crtc_port_read(struct vga *vga, uint16_t port) {
    if (!is_crtc_port(vga, port))
        return 0xff;
    switch (port & 15) {
    case 4:
        return vga->crtc_index;
    case 5:
        return vga->crtc[vga->crtc_index & 31];
    case 10:
        vga->attribute_takes_data = false;
        return input_status(vga);
    default:
        return 0xff;
    }
}

/** Read a VGA port, 3B0h-3DFh. */
uint8_t vga_port_read(struct vga *vga, uint16_t port) {
    switch (port) {
    case 0x3c0:
        return vga->attribute_index;
    case 0x3c1:
        return attribute_read(vga);
    case 0x3c2:
        return 0x10; /* switch sense: a colour monitor */
    case 0x3c4:
        return vga->sequencer_index;
    case 0x3c5:
        return vga->sequencer[vga->sequencer_index & 7];
    case 0x3c6:
        return vga->dac_mask;
    case 0x3c7:
        return vga->dac_is_reading ? 3 : 0;
    case 0x3c8:
        return vga->dac_write_index;
    case 0x3c9:
        return dac_data_read(vga);
    case 0x3ca:
        return vga->feature_control;
    case 0x3cc:
        return vga->misc_output;
    case 0x3ce:
        return vga->graphics_index;
    case 0x3cf:
        return vga->graphics[vga->graphics_index & 15];
    default:
        return (port & 0xfff0) == 0x3c0 ? 0 : crtc_port_read(vga, port);
    }
}

static void crtc_port_write(struct vga *vga, uint16_t port, uint8_t value) {
    if (!is_crtc_port(vga, port))
        return;
    switch (port & 15) {
    case 4:
        vga->crtc_index = value & 31;
        break;
    case 5:
        crtc_write(vga, value);
        break;
    case 10:
        vga->feature_control = value;
        break;
    default:
        break;
    }
}

/** Write a VGA port, 3B0h-3DFh. */
void vga_port_write(struct vga *vga, uint16_t port, uint8_t value) {
    static const uint8_t sequencer_masks[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
    static const uint8_t graphics_masks[16] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                               0x7b, 0x0f, 0x0f, 0xff};
    switch (port) {
    case 0x3c0:
        attribute_write(vga, value);
        break;
    case 0x3c2:
        vga->misc_output = value & 0xef;
        break;
    case 0x3c4:
        vga->sequencer_index = value & 7;
        break;
    case 0x3c5:
        vga->sequencer[vga->sequencer_index & 7] =
            value & sequencer_masks[vga->sequencer_index & 7];
        break;
    case 0x3c6:
        vga->dac_mask = value;
        break;
    case 0x3c7:
        vga->dac_read_index = value;
        vga->dac_component = 0;
        vga->dac_is_reading = true;
        break;
    case 0x3c8:
        vga->dac_write_index = value;
        vga->dac_component = 0;
        vga->dac_is_reading = false;
        break;
    case 0x3c9:
        dac_data_write(vga, value);
        break;
    case 0x3ce:
        vga->graphics_index = value & 15;
        break;
    case 0x3cf:
        vga->graphics[vga->graphics_index & 15] = value & graphics_masks[vga->graphics_index & 15];
        break;
    default:
        if ((port & 0xfff0) != 0x3c0)
            crtc_port_write(vga, port, value);
        break;
    }
}

static uint32_t port_read(void *opaque, uint16_t port, unsigned size) {
    return vga_port_read(opaque, port);
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    vga_port_write(opaque, port, (uint8_t)value);
}

/* Port 1CEh is the index. Data is the word at 1CFh, which crosses a doubleword and so arrives as
   two bytes, low one first; or the aligned word at 1D0h. */
static uint32_t dispi_port_read(void *opaque, uint16_t port, unsigned size) {
    struct vga *vga = opaque;
    if (port == 0x1ce)
        return vga->dispi_index;
    uint16_t value = vga_dispi_read(vga, vga->dispi_index);
    return port == 0x1d0 && size == 1 ? value >> 8 : value;
}

static void dispi_port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct vga *vga = opaque;
    if (port == 0x1ce)
        vga->dispi_index = (uint16_t)value;
    else if (port == 0x1cf)
        vga->dispi_low = (uint8_t)value;
    else if (size == 1)
        vga_dispi_write(vga, vga->dispi_index, (uint16_t)((value & 0xff) << 8 | vga->dispi_low));
    else
        vga_dispi_write(vga, vga->dispi_index, (uint16_t)value);
}

static const struct port_ops vga_ports = {"vga", port_read, port_write, 1};
static const struct port_ops dispi_ports = {"vga-dispi", dispi_port_read, dispi_port_write, 2};

static void vga_reset(void *device) {
    struct vga *vga = device;
    vga->misc_output = vga->feature_control = 0;
    vga->sequencer_index = vga->graphics_index = vga->crtc_index = vga->attribute_index = 0;
    memset(vga->sequencer, 0, sizeof(vga->sequencer));
    memset(vga->graphics, 0, sizeof(vga->graphics));
    memset(vga->crtc, 0, sizeof(vga->crtc));
    memset(vga->attribute, 0, sizeof(vga->attribute));
    memset(vga->palette, 0, sizeof(vga->palette));
    memset(vga->dac_latch, 0, sizeof(vga->dac_latch));
    vga->attribute_takes_data = vga->dac_is_reading = false;
    vga->dac_read_index = vga->dac_write_index = vga->dac_component = 0;
    vga->dac_mask = 0xff;
    vga->latch = 0;
    vga->dispi_low = 0;
    vga_dispi_reset(vga);
    memset(vga->memory, 0, VGA_MEMORY_BYTES);
}

bool vga_init(struct vga *vga, struct port_map *ports, struct physmem *physmem,
              struct clock *clock) {
    memset(vga, 0, sizeof(*vga));
    vga->physmem = physmem;
    vga->clock = clock;
    vga->registers = vga->rom = -1;
    vga->frame_buffer = physmem_add_device_ram(physmem, "vga-memory", 0xe0000000, VGA_MEMORY_BYTES,
                                               &vga->memory, VGA_WINDOW_PRIORITY);
    if (vga->frame_buffer < 0)
        return false;
    physmem_set_enabled(physmem, vga->frame_buffer, false, false);
    vga->window = physmem_add_mmio(physmem, "vga-window", 0xa0000, 0x20000, &vga_window_ops, vga,
                                   VGA_WINDOW_PRIORITY);
    port_map_add(ports, 0x3b4, 2, &vga_ports, vga);
    port_map_add(ports, 0x3ba, 1, &vga_ports, vga);
    port_map_add(ports, 0x3c0, 16, &vga_ports, vga);
    port_map_add(ports, 0x3d4, 2, &vga_ports, vga);
    port_map_add(ports, 0x3da, 1, &vga_ports, vga);
    port_map_add(ports, 0x1ce, 4, &dispi_ports, vga);
    vga_reset(vga);
    return true;
}

static const struct state_field fields[] = {
    FIELD(vga, misc_output, 1),
    FIELD(vga, feature_control, 1),
    FIELD(vga, sequencer_index, 1),
    FIELD(vga, sequencer, 1),
    FIELD(vga, graphics_index, 1),
    FIELD(vga, graphics, 1),
    FIELD(vga, crtc_index, 1),
    FIELD(vga, crtc, 1),
    FIELD(vga, attribute_index, 1),
    FIELD(vga, attribute, 1),
    FIELD(vga, attribute_takes_data, 1),
    FIELD(vga, dac_read_index, 1),
    FIELD(vga, dac_write_index, 1),
    FIELD(vga, dac_component, 1),
    FIELD(vga, dac_mask, 1),
    FIELD(vga, dac_is_reading, 1),
    FIELD(vga, dac_latch, 1),
    FIELD(vga, palette, 1),
    FIELD(vga, latch, 1),
    FIELD(vga, dispi_index, 1),
    FIELD(vga, dispi, 1),
    FIELD(vga, dispi_low, 1),
    FIELD(vga, pci.config, 1),
    NOT_SAVED(vga, pci),
    NOT_SAVED(vga, edid),
    NOT_SAVED(vga, memory), /* device memory: physmem owns and hashes the bytes */
    NOT_SAVED(vga, frame_buffer),
    NOT_SAVED(vga, window),
    NOT_SAVED(vga, registers),
    NOT_SAVED(vga, rom),
    NOT_SAVED(vga, physmem),
    NOT_SAVED(vga, clock),
};
const struct state_table vga_state = STATE_TABLE(vga, fields);
const struct device_class vga_class = {"vga", vga_reset, &vga_state};
