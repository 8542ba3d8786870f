/* Interrupt controllers: any port access, any line, any acknowledge. */
#include "hw/pic_i8259.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

static void *create(struct port_fuzz *machine) {
    struct pic_i8259 *pic = malloc(sizeof *pic);

    pic_i8259_init(pic, machine->ports, (struct irq_line){0});
    return pic;
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct irq_line line = pic_i8259_line(chip, what);

    irq_set(&line, value & 1);
    if (value & 2)
        pic_i8259_acknowledge(chip);
}

static const struct port_fuzz_range ranges[] = {
    {false, 0x20, 2, 0}, {false, 0xa0, 2, 0}, {false, 0x4d0, 2, 0}};

static const struct port_fuzz_target target = {
    .name = "pic_i8259",
    .create = create,
    .destroy = free,
    .poke = poke,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
};

PORT_FUZZ(pic_i8259, target)
