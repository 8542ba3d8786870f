/*
 * The DMA controllers. A transfer is as long as the device makes it: the bus modes (demand,
 * single, block) differ in who waits for whom, which nobody can see here. Memory-to-memory
 * transfers do not exist: on a PC/AT the page registers do not work for them.
 */
#include "hw/dma_i8237.h"

#include <string.h>

#define COMMAND_DISABLE 0x04

#define MODE_TRANSFER  0x0c
#define MODE_WRITE     0x04 /* device to memory */
#define MODE_READ      0x08 /* memory to device */
#define MODE_AUTO_INIT 0x10
#define MODE_DECREMENT 0x20
#define MODE_CASCADE   0xc0

#define CASCADE_MASK 0x01 /* channel 4 is channel 0 of the second controller */

enum { COMMAND = 8, REQUEST, SINGLE_MASK, MODE, CLEAR_FLIP_FLOP, MASTER_CLEAR, CLEAR_MASK, MASKS };

/* Which page register belongs to which channel: 87h, 83h, 81h, 82h, 8Fh, 8Bh, 89h, 8Ah. */
static const uint8_t page_register[8] = {7, 3, 1, 2, 15, 11, 9, 10};

static struct dma_i8237_controller *controller_of(struct dma_i8237 *dma, unsigned channel) {
    return &dma->controller[channel >> 2 & 1];
}

static bool is_open(const struct dma_i8237 *dma, unsigned channel) {
    const struct dma_i8237_controller *second = &dma->controller[1];
    const struct dma_i8237_controller *own = &dma->controller[channel >> 2 & 1];

    /* The first controller's requests come through channel 4. */
    if (channel < 4 && ((second->mask & CASCADE_MASK) || (second->command & COMMAND_DISABLE)))
        return false;
    return channel != 4 && !(own->command & COMMAND_DISABLE) && !(own->mask >> (channel & 3) & 1) &&
           (own->channel[channel & 3].mode & MODE_CASCADE) != MODE_CASCADE;
}

/* Physical address of the channel's next unit. The page does not take part in counting. */
static phys_addr unit_address(const struct dma_i8237 *dma, unsigned channel) {
    uint16_t address = dma->controller[channel >> 2].channel[channel & 3].address;
    phys_addr page = dma->page[page_register[channel]];

    if (channel < 4)
        return page << 16 | address;
    return (page & 0xfe) << 16 | (phys_addr)address << 1;
}

static void move_bytes(struct dma_i8237 *dma, unsigned channel, uint8_t *to_device,
                       const uint8_t *from_device, size_t size) {
    uint8_t transfer = dma->controller[channel >> 2].channel[channel & 3].mode & MODE_TRANSFER;
    phys_addr at = unit_address(dma, channel);

    if (from_device != NULL && transfer == MODE_WRITE)
        physmem_dma_write(dma->physmem, at, from_device, size);
    else if (to_device != NULL && transfer == MODE_READ)
        physmem_dma_read(dma->physmem, at, to_device, size);
    else if (to_device != NULL)
        memset(to_device, 0xff, size); /* verify, or the wrong direction: nobody drives the bus */
}

/* The block is over: mask the channel or start again. */
static void finish_block(struct dma_i8237 *dma, unsigned channel) {
    struct dma_i8237_controller *controller = controller_of(dma, channel);
    struct dma_i8237_channel *c = &controller->channel[channel & 3];
    uint8_t bit = (uint8_t)(1u << (channel & 3));

    controller->terminal_count |= bit;
    controller->software_request &= (uint8_t)~bit;
    if (c->mode & MODE_AUTO_INIT) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        c->count = 0xffff;
        controller->mask |= bit;
    }
}

static size_t transfer(struct dma_i8237 *dma, unsigned channel, uint8_t *to_device,
                       const uint8_t *from_device, size_t bytes, bool *terminal_count) {
    struct dma_i8237_channel *c = &controller_of(dma, channel)->channel[channel & 3];
    unsigned unit = channel < 4 ? 1 : 2;
    size_t units = bytes / unit;
    size_t done = 0;

    *terminal_count = false;
    if (!is_open(dma, channel))
        return 0;
    while (done < units) {
        bool down = (c->mode & MODE_DECREMENT) != 0;
        size_t left_in_block = (size_t)c->count + 1;
        size_t run = units - done;
        size_t to_wrap = down ? 1 : (size_t)0x10000 - c->address;

        run = run < left_in_block ? run : left_in_block;
        run = run < to_wrap ? run : to_wrap;
        move_bytes(dma, channel, to_device != NULL ? to_device + done * unit : NULL,
                   from_device != NULL ? from_device + done * unit : NULL, run * unit);
        done += run;
        c->address = (uint16_t)(down ? c->address - run : c->address + run);
        if (run == left_in_block) {
            finish_block(dma, channel);
            *terminal_count = true;
            break;
        }
        c->count = (uint16_t)(c->count - run);
    }
    return done * unit;
}

static size_t channel_write_memory(void *opaque, unsigned channel, const uint8_t *bytes,
                                   size_t count, bool *terminal_count) {
    return transfer(opaque, channel, NULL, bytes, count, terminal_count);
}

static size_t channel_read_memory(void *opaque, unsigned channel, uint8_t *bytes, size_t count,
                                  bool *terminal_count) {
    return transfer(opaque, channel, bytes, NULL, count, terminal_count);
}

static void channel_set_request(void *opaque, unsigned channel, bool level) {
    struct dma_i8237_controller *controller = controller_of(opaque, channel);
    uint8_t bit = (uint8_t)(1u << (channel & 3));

    controller->request = (uint8_t)(level ? controller->request | bit : controller->request & ~bit);
}

struct dma_channel dma_i8237_channel(struct dma_i8237 *dma, unsigned channel) {
    return (struct dma_channel){channel_write_memory, channel_read_memory, channel_set_request, dma,
                                channel & 7};
}

static void clear_controller(struct dma_i8237_controller *controller) {
    controller->command = 0;
    controller->software_request = 0;
    controller->terminal_count = 0;
    controller->high_byte = false;
    controller->mask = 0x0f;
}

static void write_halves(struct dma_i8237_controller *controller, uint16_t *base, uint16_t *now,
                         uint8_t value) {
    if (controller->high_byte)
        *base = (uint16_t)((*base & 0x00ff) | value << 8);
    else
        *base = (uint16_t)((*base & 0xff00) | value);
    *now = *base;
    controller->high_byte = !controller->high_byte;
}

static void write_control(struct dma_i8237_controller *controller, unsigned index, uint8_t value) {
    uint8_t bit = (uint8_t)(1u << (value & 3));

    switch (index) {
    case COMMAND:
        controller->command = value;
        break;
    case REQUEST:
        controller->software_request = (uint8_t)(value & 4 ? controller->software_request | bit
                                                           : controller->software_request & ~bit);
        break;
    case SINGLE_MASK:
        controller->mask = (uint8_t)(value & 4 ? controller->mask | bit : controller->mask & ~bit);
        break;
    case MODE:
        controller->channel[value & 3].mode = value & 0xfc;
        break;
    case CLEAR_FLIP_FLOP:
        controller->high_byte = false;
        break;
    case MASTER_CLEAR:
        clear_controller(controller);
        break;
    case CLEAR_MASK:
        controller->mask = 0;
        break;
    default: /* MASKS */
        controller->mask = value & 0x0f;
        break;
    }
}

static void controller_write(struct dma_i8237_controller *controller, unsigned index,
                             uint8_t value) {
    struct dma_i8237_channel *c = &controller->channel[index >> 1 & 3];

    if (index >= 8)
        write_control(controller, index, value);
    else if (index & 1)
        write_halves(controller, &c->base_count, &c->count, value);
    else
        write_halves(controller, &c->base_address, &c->address, value);
}

static uint8_t controller_read(struct dma_i8237_controller *controller, unsigned index) {
    const struct dma_i8237_channel *c = &controller->channel[index >> 1 & 3];
    uint8_t status;
    uint16_t value;

    switch (index) {
    case COMMAND: /* reads as the status register, and clears the terminal counts */
        status = (uint8_t)((controller->request | controller->software_request) << 4 |
                           controller->terminal_count);
        controller->terminal_count = 0;
        return status;
    case MASTER_CLEAR: /* reads as the temporary register of memory-to-memory transfers */
        return 0;
    case MASKS:
        return controller->mask | 0xf0;
    default:
        break;
    }
    if (index >= 8)
        return 0xff;
    value = index & 1 ? c->count : c->address;
    controller->high_byte = !controller->high_byte;
    return (uint8_t)(controller->high_byte ? value : value >> 8);
}

static uint32_t first_read(void *opaque, uint16_t port, unsigned size) {
    struct dma_i8237 *dma = opaque;

    return controller_read(&dma->controller[0], port & 15);
}

static void first_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct dma_i8237 *dma = opaque;

    controller_write(&dma->controller[0], port & 15, (uint8_t)value);
}

/* The second controller sits on the upper address lines: a register at every other port. */
static uint32_t second_read(void *opaque, uint16_t port, unsigned size) {
    struct dma_i8237 *dma = opaque;

    return controller_read(&dma->controller[1], port >> 1 & 15);
}

static void second_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct dma_i8237 *dma = opaque;

    controller_write(&dma->controller[1], port >> 1 & 15, (uint8_t)value);
}

static uint32_t page_read(void *opaque, uint16_t port, unsigned size) {
    const struct dma_i8237 *dma = opaque;

    return dma->page[port & 15];
}

static void page_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct dma_i8237 *dma = opaque;

    dma->page[port & 15] = (uint8_t)value;
}

static void dma_reset(void *device) {
    struct dma_i8237 *dma = device;

    memset(dma->page, 0, sizeof dma->page);
    for (unsigned i = 0; i < 2; i++) {
        memset(dma->controller[i].channel, 0, sizeof dma->controller[i].channel);
        dma->controller[i].request = 0;
        clear_controller(&dma->controller[i]);
    }
}

static const struct port_ops first_ports = {"dma1", first_read, first_write, 1};
static const struct port_ops second_ports = {"dma2", second_read, second_write, 1};
static const struct port_ops page_ports = {"dma-page", page_read, page_write, 1};

void dma_i8237_init(struct dma_i8237 *dma, struct port_map *ports, struct physmem *physmem) {
    memset(dma, 0, sizeof *dma);
    dma->physmem = physmem;
    dma_reset(dma);
    port_map_add(ports, 0x00, 16, &first_ports, dma);
    port_map_add(ports, 0x80, 16, &page_ports, dma);
    port_map_add(ports, 0xc0, 32, &second_ports, dma);
}

static const struct state_field dma_fields[] = {
    FIELD(dma_i8237, controller, 1),
    FIELD(dma_i8237, page, 1),
    NOT_SAVED(dma_i8237, physmem),
};
const struct state_table dma_i8237_state = STATE_TABLE(dma_i8237, dma_fields);
const struct device_class dma_i8237_class = {"dma_i8237", dma_reset, &dma_i8237_state};
