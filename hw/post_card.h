/*
 * A diagnostic card: keeps the codes that the firmware writes to port 80h. The port is also a page
 * register of the DMA controller that nothing uses; it reads back what was written either way.
 */
#ifndef HW_POST_CARD_H
#define HW_POST_CARD_H

#include "hw/core/device.h"
#include "hw/core/port_map.h"

#include <stdint.h>

#define POST_CARD_HISTORY 16

struct post_card {
    uint8_t codes[POST_CARD_HISTORY]; /* ring of the latest codes */
    uint8_t next;                     /* where the next one goes */
    uint8_t last;
};

/** Claim port 80h. Call it after the DMA controller claimed its page registers. */
void post_card_init(struct post_card *card, struct port_map *ports);

extern const struct state_table post_card_state;
extern const struct device_class post_card_class;

#endif
