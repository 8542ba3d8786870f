/*
 * The pair of 8259A interrupt controllers. Names of registers and modes are the data sheet's
 * (ICW: initialisation command word, OCW: operation command word).
 *
 * As on the real chip, an edge-triggered request is forgotten when its line falls before the
 * acknowledge; the CPU then gets the spurious vector if INTR was already on its way.
 */
#include "hw/pic_i8259.h"

#include <string.h>

enum { MASTER, SLAVE };

#define CASCADE_INPUT 2
#define SPURIOUS      7

#define ICW1_NEEDS_ICW4 0x01
#define ICW1_SINGLE     0x02
#define ICW1            0x10

#define ICW4_AUTO_EOI       0x02
#define ICW4_SPECIAL_NESTED 0x10

#define OCW3          0x08
#define OCW3_READ     0x02
#define OCW3_READ_ISR 0x01
#define OCW3_POLL     0x04
#define OCW3_SET_MASK 0x40
#define OCW3_SMM      0x20

/* IRQ 0, 1, 2, 8 and 13 are always edge-triggered. */
static const uint8_t elcr_writable[2] = {0xf8, 0xde};

/* Priority of an input now: 0 is the highest, 7 the lowest. */
static unsigned priority_of(const struct pic_i8259_chip *chip, unsigned input) {
    return (input - chip->lowest - 1) & 7;
}

/* The input of highest priority among `mask`, or -1. */
static int first_of(const struct pic_i8259_chip *chip, uint8_t mask) {
    for (unsigned i = 1; i <= 8; i++) {
        unsigned input = (chip->lowest + i) & 7;
        if (mask >> input & 1)
            return (int)input;
    }
    return -1;
}

/* The input that the chip wants served now, or -1. */
static int pending_input(const struct pic_i8259_chip *chip, bool is_master) {
    int wanted = first_of(chip, chip->irr & (uint8_t)~chip->imr);
    /* In special mask mode a masked input in service holds nobody back. */
    uint8_t serving = chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr;
    int served = first_of(chip, serving);

    if (wanted < 0 || served < 0)
        return wanted;
    if (priority_of(chip, (unsigned)wanted) < priority_of(chip, (unsigned)served))
        return wanted;
    /* Special fully nested: the slave may interrupt its own input of the master. */
    if (is_master && wanted == served && wanted == CASCADE_INPUT &&
        (chip->icw4 & ICW4_SPECIAL_NESTED))
        return wanted;
    return -1;
}

static void set_input(struct pic_i8259_chip *chip, unsigned input, bool level) {
    uint8_t bit = (uint8_t)(1u << input);

    if (!level) {
        chip->lines &= (uint8_t)~bit;
        chip->irr &= (uint8_t)~bit;
    } else {
        if ((chip->elcr & bit) || !(chip->lines & bit))
            chip->irr |= bit;
        chip->lines |= bit;
    }
}

static void update(struct pic_i8259 *pic) {
    bool intr;

    set_input(&pic->chip[MASTER], CASCADE_INPUT, pending_input(&pic->chip[SLAVE], false) >= 0);
    intr = pending_input(&pic->chip[MASTER], true) >= 0;
    if (intr != pic->intr) {
        pic->intr = intr;
        irq_set(&pic->intr_line, intr);
    }
}

static void set_line(void *opaque, unsigned irq, bool level) {
    struct pic_i8259 *pic = opaque;

    set_input(&pic->chip[irq >> 3 & 1], irq & 7, level);
    update(pic);
}

struct irq_line pic_i8259_line(struct pic_i8259 *pic, unsigned irq) {
    return (struct irq_line){set_line, pic, irq & 15};
}

/* Take the request into service. */
static void begin_service(struct pic_i8259_chip *chip, unsigned input) {
    uint8_t bit = (uint8_t)(1u << input);

    if (!(chip->elcr & bit))
        chip->irr &= (uint8_t)~bit;
    if (!(chip->icw4 & ICW4_AUTO_EOI))
        chip->isr |= bit;
    else if (chip->rotate_on_auto_eoi)
        chip->lowest = (uint8_t)input;
}

uint8_t pic_i8259_acknowledge(struct pic_i8259 *pic) {
    struct pic_i8259_chip *master = &pic->chip[MASTER];
    struct pic_i8259_chip *slave = &pic->chip[SLAVE];
    int input = pending_input(master, true);
    uint8_t vector;

    if (input < 0) {
        vector = master->vector_base | SPURIOUS;
    } else if (input != CASCADE_INPUT || (master->icw1 & ICW1_SINGLE)) {
        begin_service(master, (unsigned)input);
        vector = (uint8_t)(master->vector_base | input);
    } else {
        int slave_input = pending_input(slave, false);

        begin_service(master, CASCADE_INPUT);
        vector = slave->vector_base | SPURIOUS;
        if (slave_input >= 0) {
            begin_service(slave, (unsigned)slave_input);
            vector = (uint8_t)(slave->vector_base | slave_input);
        }
        /* The slave drops its output during the cycle, so that its next request is an edge. */
        set_input(master, CASCADE_INPUT, false);
    }
    update(pic);
    return vector;
}

static void begin_initialisation(struct pic_i8259_chip *chip, uint8_t icw1) {
    chip->icw1 = icw1;
    chip->next_icw = 2;
    /* The edge sense circuit is reset: a line that is high now must fall first, unless it is
       level-triggered. */
    chip->irr = chip->lines & chip->elcr;
    chip->isr = 0;
    chip->imr = 0;
    chip->lowest = 7;
    chip->special_mask = false;
    chip->read_isr = false;
    chip->poll = false;
    chip->rotate_on_auto_eoi = false;
    if (!(icw1 & ICW1_NEEDS_ICW4))
        chip->icw4 = 0;
}

static void end_of_interrupt(struct pic_i8259_chip *chip, int input, bool rotate) {
    if (input < 0)
        return;
    chip->isr &= (uint8_t) ~(1u << input);
    if (rotate)
        chip->lowest = (uint8_t)input;
}

static void write_ocw2(struct pic_i8259_chip *chip, uint8_t value) {
    uint8_t candidates = chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr;
    int level = value & 7;

    switch (value >> 5) { /* R, SL, EOI */
    case 0:
        chip->rotate_on_auto_eoi = false;
        break;
    case 1: /* non-specific EOI */
        end_of_interrupt(chip, first_of(chip, candidates), false);
        break;
    case 3: /* specific EOI */
        end_of_interrupt(chip, level, false);
        break;
    case 4:
        chip->rotate_on_auto_eoi = true;
        break;
    case 5: /* rotate on non-specific EOI */
        end_of_interrupt(chip, first_of(chip, candidates), true);
        break;
    case 6: /* set priority */
        chip->lowest = (uint8_t)level;
        break;
    case 7: /* rotate on specific EOI */
        end_of_interrupt(chip, level, true);
        break;
    default: /* 2: no operation */
        break;
    }
}

static void write_ocw3(struct pic_i8259_chip *chip, uint8_t value) {
    if (value & OCW3_POLL)
        chip->poll = true;
    if (value & OCW3_READ)
        chip->read_isr = (value & OCW3_READ_ISR) != 0;
    if (value & OCW3_SET_MASK)
        chip->special_mask = (value & OCW3_SMM) != 0;
}

static void write_odd_port(struct pic_i8259_chip *chip, uint8_t value) {
    switch (chip->next_icw) {
    case 2:
        chip->vector_base = value & 0xf8;
        chip->next_icw = !(chip->icw1 & ICW1_SINGLE) ? 3 : (chip->icw1 & ICW1_NEEDS_ICW4) ? 4 : 0;
        break;
    case 3:
        chip->cascade = value;
        chip->next_icw = (chip->icw1 & ICW1_NEEDS_ICW4) ? 4 : 0;
        break;
    case 4:
        chip->icw4 = value;
        chip->next_icw = 0;
        break;
    default:
        chip->imr = value;
        break;
    }
}

static void pic_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pic_i8259 *pic = opaque;
    struct pic_i8259_chip *chip = &pic->chip[port & 0x80 ? SLAVE : MASTER];

    if (port & 1)
        write_odd_port(chip, (uint8_t)value);
    else if (value & ICW1)
        begin_initialisation(chip, (uint8_t)value);
    else if (value & OCW3)
        write_ocw3(chip, (uint8_t)value);
    else
        write_ocw2(chip, (uint8_t)value);
    update(pic);
}

static uint8_t poll_read(struct pic_i8259 *pic, unsigned which) {
    struct pic_i8259_chip *chip = &pic->chip[which];
    int input = pending_input(chip, which == MASTER);

    chip->poll = false;
    if (input < 0)
        return 0;
    begin_service(chip, (unsigned)input);
    update(pic);
    return (uint8_t)(0x80 | input);
}

static uint32_t pic_read(void *opaque, uint16_t port, unsigned size) {
    struct pic_i8259 *pic = opaque;
    unsigned which = port & 0x80 ? SLAVE : MASTER;
    const struct pic_i8259_chip *chip = &pic->chip[which];

    if (chip->poll)
        return poll_read(pic, which);
    if (port & 1)
        return chip->imr;
    return chip->read_isr ? chip->isr : chip->irr;
}

static uint32_t elcr_read(void *opaque, uint16_t port, unsigned size) {
    const struct pic_i8259 *pic = opaque;

    return pic->chip[port & 1].elcr;
}

static void elcr_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pic_i8259 *pic = opaque;
    struct pic_i8259_chip *chip = &pic->chip[port & 1];

    chip->elcr = (uint8_t)value & elcr_writable[port & 1];
    chip->irr = (uint8_t)((chip->irr & ~chip->elcr) | (chip->lines & chip->elcr));
    update(pic);
}

static void pic_reset(void *device) {
    struct pic_i8259 *pic = device;

    for (unsigned i = 0; i < 2; i++) {
        struct pic_i8259_chip *chip = &pic->chip[i];
        uint8_t lines = chip->lines; /* devices drive them, not we */

        memset(chip, 0, sizeof *chip);
        chip->lines = lines;
        chip->imr = 0xff; /* undefined on the chip; nothing may come through before ICW1 */
        chip->lowest = 7;
    }
    update(pic);
}

static const struct port_ops pic_ports = {"pic", pic_read, pic_write, 1};
static const struct port_ops elcr_ports = {"pic-elcr", elcr_read, elcr_write, 1};

void pic_i8259_init(struct pic_i8259 *pic, struct port_map *ports, struct irq_line intr) {
    memset(pic, 0, sizeof *pic);
    pic->intr_line = intr;
    pic_reset(pic);
    port_map_add(ports, 0x20, 2, &pic_ports, pic);
    port_map_add(ports, 0xa0, 2, &pic_ports, pic);
    port_map_add(ports, 0x4d0, 2, &elcr_ports, pic);
}

static const struct state_field pic_fields[] = {
    FIELD(pic_i8259, chip, 1),
    FIELD(pic_i8259, intr, 1),
    NOT_SAVED(pic_i8259, intr_line),
};
const struct state_table pic_i8259_state = STATE_TABLE(pic_i8259, pic_fields);
const struct device_class pic_i8259_class = {"pic_i8259", pic_reset, &pic_i8259_state};
