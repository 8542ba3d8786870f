/* DMA controllers: ports, and devices that move bytes. */
#include "hw/dma_i8237.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

static void *create(struct port_fuzz *machine) {
    struct dma_i8237 *dma = malloc(sizeof *dma);

    dma_i8237_init(dma, machine->ports, machine->physmem);
    return dma;
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct dma_channel channel = dma_i8237_channel(chip, what & 7);
    uint8_t bytes[4096] = {0};
    size_t count = value % sizeof bytes;
    bool terminal_count;

    channel.set_request(channel.opaque, channel.channel, value & 1);
    if (what & 8)
        channel.write_memory(channel.opaque, channel.channel, bytes, count, &terminal_count);
    else
        channel.read_memory(channel.opaque, channel.channel, bytes, count, &terminal_count);
}

static const struct port_fuzz_range ranges[] = {
    {false, 0x00, 16, 0}, {false, 0x80, 16, 0}, {false, 0xc0, 32, 0}};

static const struct port_fuzz_target target = {
    .name = "dma_i8237",
    .create = create,
    .destroy = free,
    .poke = poke,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
};

PORT_FUZZ(dma_i8237, target)
