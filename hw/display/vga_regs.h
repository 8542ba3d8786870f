/*
 * VGA with Bochs's display interface (DISPI): registers, the A0000h window over four planes and
 * 16 MiB of video memory that is also a linear frame buffer. On a PCI machine it is function
 * 1234:1111; on an ISA machine it is ports and window alone.
 *
 * Video memory holds the planes interleaved: byte 4 * address + plane. What turns memory into
 * pixels lives elsewhere and reads this struct; vga_text.c reads the text screen.
 */
#ifndef HW_DISPLAY_VGA_REGS_H
#define HW_DISPLAY_VGA_REGS_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/pci.h"
#include "hw/core/port_map.h"
#include "softmmu/physmem.h"

#include <stdio.h>

#define VGA_MEMORY_BYTES    (UINT32_C(16) << 20)
#define VGA_WINDOW_PRIORITY 5
#define VGA_DISPI_REGISTERS 11

enum vga_dispi_register {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRTUAL_WIDTH,
    DISPI_VIRTUAL_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY_64K,
};

#define DISPI_ENABLED     0x01
#define DISPI_GET_CAPS    0x02
#define DISPI_8BIT_DAC    0x20
#define DISPI_LFB_ENABLED 0x40
#define DISPI_NO_CLEAR    0x80

struct vga {
    uint8_t misc_output, feature_control;
    uint8_t sequencer_index, sequencer[8];
    uint8_t graphics_index, graphics[16];
    uint8_t crtc_index, crtc[32];
    uint8_t attribute_index, attribute[32];
    bool attribute_takes_data; /* the flip-flop behind port 3C0h */
    uint8_t dac_read_index, dac_write_index, dac_component, dac_mask;
    bool dac_is_reading;
    uint8_t dac_latch[3];
    uint8_t palette[768]; /* 256 of red, green, blue; 6 bits, or 8 with DISPI_8BIT_DAC */
    uint32_t latch;       /* four planes, plane 0 in the low byte */
    uint16_t dispi_index, dispi[VGA_DISPI_REGISTERS];
    uint8_t dispi_low; /* first half of a data word that the bus split */
    struct pci_function pci;
    uint8_t edid[128];
    uint8_t *memory; /* VGA_MEMORY_BYTES */
    phys_region_id frame_buffer, window, registers, rom;
    struct physmem *physmem;
    struct clock *clock;
};

extern const struct state_table vga_state;
extern const struct device_class vga_class;

/** Claims ports 3B4h-3DAh (VGA) and 1CEh-1D0h (DISPI) and maps the window at A0000h. The frame
 *  buffer stays unmapped until vga_add_pci() and firmware place it. False: no host memory. */
bool vga_init(struct vga *vga, struct port_map *ports, struct physmem *physmem,
              struct clock *clock);
/** Describe the PCI function in vga->pci: BAR0 frame buffer, BAR2 registers, ROM BAR with a copy
 *  of `rom` (NULL: none). The caller plugs vga->pci into the bus. */
void vga_add_pci(struct vga *vga, const void *rom, uint32_t rom_bytes);

/** True while the card shows text. */
bool vga_is_text(const struct vga *vga);
/** Write the text screen as UTF-8 lines without trailing blanks; false in a graphics mode. */
bool vga_text_dump(const struct vga *vga, FILE *out);

/* The rest is for the files of this folder. */

uint8_t vga_port_read(struct vga *vga, uint16_t port);
void vga_port_write(struct vga *vga, uint16_t port, uint8_t value);
uint16_t vga_dispi_read(struct vga *vga, unsigned index);
void vga_dispi_write(struct vga *vga, unsigned index, uint16_t value);
void vga_dispi_reset(struct vga *vga);
uint8_t vga_memory_read(struct vga *vga, uint32_t offset);
void vga_memory_write(struct vga *vga, uint32_t offset, uint8_t value);
extern const struct mmio_ops vga_window_ops;

#endif
