/*
 * One channel of the ISA DMA controller as a device sees it. The controller implements it; the
 * device (floppy, sound) pulls or pushes bytes when it has them.
 */
#ifndef HW_CORE_DMA_CHANNEL_H
#define HW_CORE_DMA_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dma_channel {
    /** Device -> memory. Returns how many bytes were taken (0: masked, or terminal count reached
     *  earlier); sets *terminal_count when this transfer ended the block. */
    size_t (*write_memory)(void *opaque, unsigned channel, const uint8_t *bytes, size_t count,
                           bool *terminal_count);
    /** Memory -> device. */
    size_t (*read_memory)(void *opaque, unsigned channel, uint8_t *bytes, size_t count,
                          bool *terminal_count);
    /** DREQ level, visible in the status register. */
    void (*set_request)(void *opaque, unsigned channel, bool level);
    void *opaque;
    unsigned channel;
};

#endif
