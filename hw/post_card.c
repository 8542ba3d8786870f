/* The diagnostic card at port 80h: see the header. */
#include "hw/post_card.h"

#include <string.h>

static uint32_t post_card_read(void *opaque, uint16_t port, unsigned size) {
    const struct post_card *card = opaque;

    return card->last;
}

/* Port 80h also serves as a delay, with one value again and again: only changes are kept. */
static void post_card_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct post_card *card = opaque;

    if ((uint8_t)value == card->last)
        return;
    card->last = (uint8_t)value;
    card->codes[card->next] = card->last;
    card->next = (uint8_t)((card->next + 1) % POST_CARD_HISTORY);
}

static void post_card_reset(void *device) {
    struct post_card *card = device;

    memset(card, 0, sizeof *card);
}

static const struct port_ops post_card_ports = {"post-card", post_card_read, post_card_write, 1};

void post_card_init(struct post_card *card, struct port_map *ports) {
    post_card_reset(card);
    port_map_add(ports, 0x80, 1, &post_card_ports, card);
}

static const struct state_field post_card_fields[] = {
    FIELD(post_card, codes, 1),
    FIELD(post_card, next, 1),
    FIELD(post_card, last, 1),
};
const struct state_table post_card_state = STATE_TABLE(post_card, post_card_fields);
const struct device_class post_card_class = {"post_card", post_card_reset, &post_card_state};
