/* The floppy controller with one disk and an empty drive; DMA gives and takes pseudo-random
 * amounts. */
#include "hw/block/fdc_82077.h"
#include "softmmu/base/bits.h"
#include "tests/fuzz/fuzz_image.h"
#include "tests/support/port_fuzz.h"

#include <string.h>

struct chips {
    struct fdc_82077 fdc;
    struct disk_image *disk;
    uint32_t dma;
};

static size_t amount(struct chips *chips, size_t count, bool *terminal_count) {
    chips->dma = chips->dma * 1664525 + 1013904223;
    *terminal_count = chips->dma >> 28 == 0;
    return chips->dma >> 31 ? count : chips->dma >> 16 & 511 & (count - 1);
}

static size_t dma_write(void *opaque, unsigned channel, const uint8_t *bytes, size_t count,
                        bool *terminal_count) {
    return amount(opaque, count, terminal_count);
}

static size_t dma_read(void *opaque, unsigned channel, uint8_t *bytes, size_t count,
                       bool *terminal_count) {
    size_t size = amount(opaque, count, terminal_count);
    memset(bytes, (int)size, size);
    return size;
}

static void *create(struct port_fuzz *machine) {
    struct chips *chips = calloc(1, sizeof(*chips));
    struct irq_line nobody = {0};
    struct dma_channel dma = {
        .write_memory = dma_write, .read_memory = dma_read, .opaque = chips, .channel = 2};
    chips->disk = fuzz_image(2880);
    if (chips->disk == NULL)
        abort();
    fdc_82077_init(&chips->fdc, machine->ports, machine->time.clock, &nobody, &dma);
    fdc_82077_set_medium(&chips->fdc, 0, chips->disk, NULL);
    fdc_82077_attach_drive(&chips->fdc, 1);
    return chips;
}

static void destroy(void *chip) {
    struct chips *chips = chip;
    disk_image_close(chips->disk);
    free(chips);
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct chips *chips = chip;
    fdc_82077_set_medium(&chips->fdc, what & 1, value & 1 ? chips->disk : NULL, NULL);
}

static const struct port_fuzz_range ranges[] = {
    {.first = 0x3f0, .count = 8}, {.first = 0x3f5, .count = 1}, {.first = 0x3f5, .count = 1}};
static const struct port_fuzz_target target = {.name = "fdc",
                                               .create = create,
                                               .destroy = destroy,
                                               .poke = poke,
                                               .ranges = ranges,
                                               .range_count = ARRAY_SIZE(ranges),
                                               .longest_step_ns = 2000000};

PORT_FUZZ(fdc, target)
