/* Keyboard controller with keyboard and mouse, keys and motion. */
#include "hw/kbc_i8042.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct desk {
    struct kbc_i8042 kbc;
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
};

static void *create(struct port_fuzz *machine) {
    struct desk *desk = malloc(sizeof *desk);
    struct kbc_i8042_wiring wiring = {.keyboard = &desk->keyboard.port, .mouse = &desk->mouse.port};

    ps2_keyboard_init(&desk->keyboard, machine->time.clock);
    ps2_mouse_init(&desk->mouse, machine->time.clock);
    kbc_i8042_init(&desk->kbc, machine->ports, machine->time.clock, &wiring);
    return desk;
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct desk *desk = chip;

    if (what & 1)
        desk->keyboard.input.key(&desk->keyboard, (uint8_t)value, what & 2);
    else
        desk->mouse.input.move(&desk->mouse, (int)value, (int)(value * 65599), (int8_t)value, what);
}

static const struct port_fuzz_range ranges[] = {{false, 0x60, 1, 1}, {false, 0x64, 1, 1}};

static const struct port_fuzz_target target = {
    .name = "kbc_i8042",
    .create = create,
    .destroy = free,
    .poke = poke,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
};

PORT_FUZZ(kbc_i8042, target)
