/*
 * The two cascaded 8237A DMA controllers of a PC/AT with their page registers. Channels 0-3 move
 * bytes, 5-7 words, 4 is the cascade. Devices use `struct dma_channel`.
 *
 * Source: Intel 8237A data sheet; PIIX3 data sheet, "DMA Controller".
 */
#ifndef HW_DMA_I8237_H
#define HW_DMA_I8237_H

#include "hw/core/device.h"
#include "hw/core/dma_channel.h"
#include "hw/core/port_map.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>

struct dma_i8237_channel {
    uint16_t base_address, base_count;
    uint16_t address, count; /* count is one less than the transfers left */
    uint8_t mode;
    uint8_t unused[3]; /* keeps the struct free of padding: it is hashed as bytes */
};

struct dma_i8237_controller {
    struct dma_i8237_channel channel[4];
    uint8_t command;
    uint8_t mask;             /* one bit per channel */
    uint8_t request;          /* DREQ lines */
    uint8_t software_request; /* request register */
    uint8_t terminal_count;   /* status bits 0-3 */
    bool high_byte;           /* flip-flop: the next access is to the high byte */
};

struct dma_i8237 {
    struct dma_i8237_controller controller[2]; /* channels 0-3, channels 4-7 */
    uint8_t page[16];                          /* ports 80h-8Fh */
    struct physmem *physmem;
};

/** Claim 00h-0Fh, 80h-8Fh and C0h-DFh. */
void dma_i8237_init(struct dma_i8237 *dma, struct port_map *ports, struct physmem *physmem);

/** The channel (0-3, 5-7) as its device sees it. */
struct dma_channel dma_i8237_channel(struct dma_i8237 *dma, unsigned channel);

extern const struct state_table dma_i8237_state;
extern const struct device_class dma_i8237_class;

#endif
