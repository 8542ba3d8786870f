/* Parallel port, debug ports, POST card and port 92h. */
#include "hw/debug_port.h"
#include "hw/lpt.h"
#include "hw/port92.h"
#include "hw/post_card.h"
#include "tests/support/port_fuzz.h"

#include <stdlib.h>

struct board {
    struct lpt lpt;
    struct debug_port debug;
    struct debug_exit debug_exit;
    struct post_card post_card;
    struct port92 port92;
};

static void *create(struct port_fuzz *machine) {
    struct board *board = malloc(sizeof *board);

    lpt_init(&board->lpt, machine->ports, 0x378, (struct irq_line){0}, NULL);
    debug_port_init(&board->debug, machine->ports, 0xe9, NULL);
    debug_exit_init(&board->debug_exit, machine->ports, 0xf4, 4, NULL, NULL);
    post_card_init(&board->post_card, machine->ports);
    port92_init(&board->port92, machine->ports, (struct irq_line){0}, (struct irq_line){0});
    return board;
}

static const struct port_fuzz_range ranges[] = {{false, 0x378, 4, 0},
                                                {false, 0xe9, 1, 0},
                                                {false, 0xf4, 4, 0},
                                                {false, 0x80, 1, 0},
                                                {false, 0x92, 1, 0}};

static const struct port_fuzz_target target = {
    .name = "simple_ports",
    .create = create,
    .destroy = free,
    .ranges = ranges,
    .range_count = sizeof ranges / sizeof ranges[0],
};

PORT_FUZZ(simple_ports, target)
