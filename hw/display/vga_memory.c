/*
 * The VGA window at A0000h-BFFFFh: from a CPU address to planes, through chain-4, odd/even or the
 * graphics controller's read and write modes.
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Graphics Controller", "Memory Modes".
 *
 * In chain-4 modes the bytes lie linearly in video memory (byte = address), which is what the
 * linear frame buffer shows of the same mode. Hardware leaves gaps (plane offset = address & ~3);
 * the difference can be seen only by code that writes chained and reads unchained.
 */
#include "hw/display/vga_regs.h"
#include "softmmu/base/bits.h"

#define SEQUENCER_SEQUENTIAL 0x04 /* register 4: odd/even off */
#define SEQUENCER_CHAIN4     0x08
#define GRAPHICS_ODD_EVEN    0x10 /* register 5 */

/* The window's offset as an address in the bank or planes. False: not decoded by this mode. */
static bool decode(const struct vga *vga, uint32_t offset, uint32_t *address) {
    uint32_t bank = 0;
    if (vga->dispi[DISPI_ENABLE] & DISPI_ENABLED)
        bank = (uint32_t)vga->dispi[DISPI_BANK] << 16;
    switch (vga->graphics[6] >> 2 & 3) {
    case 0:
        *address = offset + bank;
        return true;
    case 1:
        *address = offset + bank;
        return offset < 0x10000;
    case 2:
        *address = offset - 0x10000;
        return offset >= 0x10000 && offset < 0x18000;
    default:
        *address = offset - 0x18000;
        return offset >= 0x18000;
    }
}

/* Index of plane 0's byte; always inside video memory. */
static uint32_t plane_index(uint32_t address) {
    return (address << 2) & (VGA_MEMORY_BYTES - 1);
}

/* Four plane bits (bit 0 = plane 0) as four bytes of zeros or ones. */
static uint32_t spread(unsigned planes) {
    return (planes & 1 ? 0x000000ffu : 0) | (planes & 2 ? 0x0000ff00u : 0) |
           (planes & 4 ? 0x00ff0000u : 0) | (planes & 8 ? 0xff000000u : 0);
}

static uint32_t repeat(uint8_t byte) {
    return byte * UINT32_C(0x01010101);
}

/** Read the byte at `offset` of the window (0..1FFFFh); loads the latches. */
uint8_t vga_memory_read(struct vga *vga, uint32_t offset) {
    uint32_t address;
    if (!decode(vga, offset, &address))
        return 0xff;
    if (vga->sequencer[4] & SEQUENCER_CHAIN4)
        return vga->memory[address & (VGA_MEMORY_BYTES - 1)];
    unsigned plane = vga->graphics[4] & 3;
    if (vga->graphics[5] & GRAPHICS_ODD_EVEN) {
        plane = (plane & 2) | (address & 1);
        address &= ~1u;
    }
    vga->latch = load_le32(vga->memory + plane_index(address));
    if ((vga->graphics[5] & 0x08) == 0)
        return (uint8_t)(vga->latch >> 8 * plane);
    /* Read mode 1: a bit is set where all planes that count equal the compared colour. */
    uint32_t differs = (vga->latch ^ spread(vga->graphics[2])) & spread(vga->graphics[7]);
    return (uint8_t) ~(differs | differs >> 8 | differs >> 16 | differs >> 24);
}

/* The logical function and bit mask between what the CPU writes and the latches. */
static uint32_t combine(const struct vga *vga, uint32_t data, uint32_t mask) {
    switch (vga->graphics[3] >> 3 & 3) {
    case 1:
        data &= vga->latch;
        break;
    case 2:
        data |= vga->latch;
        break;
    case 3:
        data ^= vga->latch;
        break;
    default:
        break;
    }
    return (data & mask) | (vga->latch & ~mask);
}

static uint8_t rotated(const struct vga *vga, uint8_t value) {
    unsigned count = vga->graphics[3] & 7;
    return (uint8_t)(value >> count | value << (8 - count));
}

/* All four planes as one write of `value` leaves them. */
static uint32_t write_result(const struct vga *vga, uint8_t value) {
    uint32_t mask = repeat(vga->graphics[8]);
    uint32_t set = spread(vga->graphics[0]);
    switch (vga->graphics[5] & 3) {
    case 0: {
        uint32_t enabled = spread(vga->graphics[1]);
        uint32_t data = repeat(rotated(vga, value));
        return combine(vga, (data & ~enabled) | (set & enabled), mask);
    }
    case 1:
        return vga->latch;
    case 2:
        return combine(vga, spread(value), mask);
    default:
        return combine(vga, set, mask & repeat(rotated(vga, value)));
    }
}

/** Write the byte at `offset` of the window (0..1FFFFh). */
void vga_memory_write(struct vga *vga, uint32_t offset, uint8_t value) {
    uint32_t address;
    if (!decode(vga, offset, &address))
        return;
    unsigned planes = vga->sequencer[2] & 15;
    if (vga->sequencer[4] & SEQUENCER_CHAIN4) {
        if (bit_is_set(planes, address & 3))
            vga->memory[address & (VGA_MEMORY_BYTES - 1)] = value;
        return;
    }
    if ((vga->sequencer[4] & SEQUENCER_SEQUENTIAL) == 0) {
        planes &= address & 1 ? 0x0a : 0x05;
        address &= ~1u;
    }
    uint8_t *bytes = vga->memory + plane_index(address);
    uint32_t mask = spread(planes);
    store_le32(bytes, (load_le32(bytes) & ~mask) | (write_result(vga, value) & mask));
}

static uint64_t window_read(void *opaque, phys_addr offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)vga_memory_read(opaque, (uint32_t)offset + i) << 8 * i;
    return value;
}

static void window_write(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        vga_memory_write(opaque, (uint32_t)offset + i, (uint8_t)(value >> 8 * i));
}

const struct mmio_ops vga_window_ops = {window_read, window_write};
