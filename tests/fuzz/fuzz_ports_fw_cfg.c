/* fw_cfg: selector, data and DMA with descriptors that the input writes. */
#include "hw/fw_cfg.h"
#include "softmmu/base/bits.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct chips {
    struct fw_cfg fw;
    struct physmem *physmem;
};

static void *create(struct port_fuzz *machine) {
    struct chips *chips = calloc(1, sizeof(*chips));
    if (chips == NULL)
        abort();
    chips->physmem = machine->physmem;
    fw_cfg_init(&chips->fw, machine->ports, machine->physmem);
    fw_cfg_add_file(&chips->fw, "etc/e820", "0123456789", 10);
    fw_cfg_add_file(&chips->fw, "bootorder", "", 0);
    return chips;
}

static void destroy(void *chip) {
    struct chips *chips = chip;
    fw_cfg_destroy(&chips->fw);
    free(chips);
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct chips *chips = chip;
    physmem_dma_write(chips->physmem, what & 0x3c, &value, sizeof(value));
}

static const struct port_fuzz_range ranges[] = {{.first = 0x510, .count = 2},
                                                {.first = 0x514, .count = 8, .sizes = 4},
                                                {.first = 0x514, .count = 8}};
static const struct port_fuzz_target target = {.name = "fw_cfg",
                                               .create = create,
                                               .destroy = destroy,
                                               .poke = poke,
                                               .ranges = ranges,
                                               .range_count = ARRAY_SIZE(ranges)};

PORT_FUZZ(fw_cfg, target)
