/* Serial port, paced or not, with bytes from the host. */
#include "hw/uart_16550.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct line {
    struct uart_16550 fast, paced;
    struct char_backend backend[2];
};

static void *create(struct port_fuzz *machine) {
    struct line *line = calloc(1, sizeof *line);

    uart_16550_init(&line->fast, machine->ports, 0x3f8, machine->time.clock, (struct irq_line){0},
                    &line->backend[0], false);
    uart_16550_init(&line->paced, machine->ports, 0x2f8, machine->time.clock, (struct irq_line){0},
                    &line->backend[1], true);
    return line;
}

static void poke(void *chip, uint8_t what, uint32_t value) {
    struct line *line = chip;
    struct char_receiver *receiver = &line->backend[what & 1].receiver;
    uint8_t bytes[64] = {(uint8_t)value};

    if (what & 2)
        receiver->receive_break(receiver->opaque);
    else if (what & 4) /* a host that does not ask for room */
        receiver->receive(receiver->opaque, bytes, value % sizeof bytes);
    else
        receiver->receive(receiver->opaque, bytes, receiver->room(receiver->opaque));
}

static const struct port_fuzz_range ranges[] = {{false, 0x3f8, 8, 0}, {false, 0x2f8, 8, 0}};

static const struct port_fuzz_target target = {
    .name = "uart_16550",
    .create = create,
    .destroy = free,
    .poke = poke,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
};

PORT_FUZZ(uart_16550, target)
