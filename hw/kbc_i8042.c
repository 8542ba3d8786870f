/*
 * The keyboard controller. Bytes of the devices arrive one per millisecond, as the serial line
 * brings them: programs that read port 60h twice for one interrupt must get the same byte twice.
 */
#include "hw/kbc_i8042.h"

#include <string.h>

#define STATUS_OBF      0x01
#define STATUS_SYSTEM   0x04
#define STATUS_COMMAND  0x08
#define STATUS_UNLOCKED 0x10
#define STATUS_AUX      0x20

#define COMMAND_KEYBOARD_IRQ 0x01
#define COMMAND_MOUSE_IRQ    0x02
#define COMMAND_SYSTEM       0x04
#define COMMAND_KEYBOARD_OFF 0x10
#define COMMAND_MOUSE_OFF    0x20
#define COMMAND_TRANSLATE    0x40

#define OUTPUT_RESET    0x01
#define OUTPUT_A20      0x02
#define OUTPUT_KBD_FULL 0x10
#define OUTPUT_AUX_FULL 0x20

#define BYTE_NS UINT64_C(1000000) /* 11 bits at some 12 kHz */

/* Scan code set 2 to set 1. Source: IBM, "Scan Code Translation". */
// clang-format off
static const uint8_t translation[0x80] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};
// clang-format on

static void update_irqs(struct kbc_i8042 *kbc) {
    uint8_t command = kbc->ram[0];

    irq_set(&kbc->wiring.irq1,
            kbc->is_full && !kbc->is_from_mouse && (command & COMMAND_KEYBOARD_IRQ));
    irq_set(&kbc->wiring.irq12,
            kbc->is_full && kbc->is_from_mouse && (command & COMMAND_MOUSE_IRQ));
}

static void fill(struct kbc_i8042 *kbc, uint8_t byte, bool is_from_mouse) {
    kbc->output = byte;
    kbc->is_full = true;
    kbc->is_from_mouse = is_from_mouse;
    update_irqs(kbc);
}

/* Translate a byte of the keyboard; -1 when it only changes what the next one means. */
static int translate(struct kbc_i8042 *kbc, uint8_t byte) {
    uint8_t code = byte;

    if (!(kbc->ram[0] & COMMAND_TRANSLATE))
        return byte;
    if (byte == 0xf0) {
        kbc->break_seen = true;
        return -1;
    }
    if (byte < sizeof translation)
        code = translation[byte];
    else if (byte == 0x83) /* F7 */
        code = 0x41;
    else if (byte == 0x84) /* Alt-Print Screen */
        code = 0x54;
    if (kbc->break_seen && byte < 0xe0)
        code |= 0x80;
    kbc->break_seen = false;
    return code;
}

static bool take_from(struct kbc_i8042 *kbc, struct ps2_port *port, bool is_mouse) {
    int byte;

    if (port == NULL || port->take == NULL ||
        (kbc->ram[0] & (is_mouse ? COMMAND_MOUSE_OFF : COMMAND_KEYBOARD_OFF)))
        return false;
    /* Translation swallows F0h; the byte behind it is taken at once. Two rounds are enough unless
       the device sends F0h for ever, which then counts as one byte. */
    for (unsigned round = 0; round < 2; round++) {
        byte = port->take(port->device);
        if (byte < 0)
            return false;
        if (!is_mouse)
            byte = translate(kbc, (uint8_t)byte);
        if (byte >= 0) {
            fill(kbc, (uint8_t)byte, is_mouse);
            return true;
        }
    }
    return false;
}

/* Bring the next byte into the output buffer if it is free. */
static void refill(struct kbc_i8042 *kbc) {
    uint64_t now = clock_now(kbc->clock);

    if (kbc->is_full)
        return;
    if (kbc->reply_count != 0) {
        uint8_t reply = kbc->replies[0];
        kbc->reply_count--;
        memmove(kbc->replies, kbc->replies + 1, kbc->reply_count);
        fill(kbc, reply, false);
    } else if (now < kbc->next_byte_ns) {
        clock_timer_set(&kbc->timer, kbc->next_byte_ns);
    } else if (take_from(kbc, kbc->wiring.keyboard, false) ||
               take_from(kbc, kbc->wiring.mouse, true)) {
        kbc->next_byte_ns = now + BYTE_NS;
    }
}

static void device_ready(void *opaque) {
    refill(opaque);
}

static void reply(struct kbc_i8042 *kbc, uint8_t byte) {
    if (kbc->reply_count < KBC_REPLIES)
        kbc->replies[kbc->reply_count++] = byte;
    refill(kbc);
}

static void pulse_reset(struct kbc_i8042 *kbc) {
    irq_set(&kbc->wiring.reset, true);
    irq_set(&kbc->wiring.reset, false);
}

static void write_output_port(struct kbc_i8042 *kbc, uint8_t value) {
    kbc->output_port = value & (uint8_t) ~(OUTPUT_KBD_FULL | OUTPUT_AUX_FULL);
    irq_set(&kbc->wiring.a20, (value & OUTPUT_A20) != 0);
    if (!(value & OUTPUT_RESET))
        pulse_reset(kbc);
}

static uint8_t read_output_port(const struct kbc_i8042 *kbc) {
    uint8_t value = kbc->output_port;

    if (kbc->is_full)
        value |= kbc->is_from_mouse ? OUTPUT_AUX_FULL : OUTPUT_KBD_FULL;
    return value;
}

static void write_ram(struct kbc_i8042 *kbc, unsigned index, uint8_t value) {
    kbc->ram[index] = value;
    if (index != 0)
        return;
    kbc->status = (uint8_t)((kbc->status & ~STATUS_SYSTEM) | (value & COMMAND_SYSTEM));
    update_irqs(kbc);
    refill(kbc);
}

static void self_test(struct kbc_i8042 *kbc) {
    kbc->status |= STATUS_SYSTEM;
    kbc->ram[0] |= COMMAND_SYSTEM;
    kbc->reply_count = 0;
    kbc->is_full = false;
    update_irqs(kbc);
    reply(kbc, 0x55);
}

static void set_command_bits(struct kbc_i8042 *kbc, uint8_t clear, uint8_t set) {
    write_ram(kbc, 0, (uint8_t)((kbc->ram[0] & ~clear) | set));
}

static void write_command(struct kbc_i8042 *kbc, uint8_t command) {
    bool has_mouse = kbc->wiring.mouse != NULL;

    kbc->pending = 0;
    switch (command) {
    case 0xa4: /* is a password installed? no */
        reply(kbc, 0xf1);
        return;
    case 0xa7:
    case 0xa8:
        if (has_mouse)
            set_command_bits(kbc, COMMAND_MOUSE_OFF, command == 0xa7 ? COMMAND_MOUSE_OFF : 0);
        return;
    case 0xa9: /* test the auxiliary line */
        reply(kbc, has_mouse ? 0x00 : 0xff);
        return;
    case 0xaa:
        self_test(kbc);
        return;
    case 0xab: /* test the keyboard line */
        reply(kbc, 0x00);
        return;
    case 0xad:
    case 0xae:
        set_command_bits(kbc, COMMAND_KEYBOARD_OFF, command == 0xad ? COMMAND_KEYBOARD_OFF : 0);
        return;
    case 0xc0: /* input port: not locked, no manufacturing jumper, colour display */
        reply(kbc, 0xbf & ~0x40);
        return;
    case 0xd0:
        reply(kbc, read_output_port(kbc));
        return;
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4:
        kbc->pending = command;
        return;
    case 0xdd: /* A20 off and on: an extension that HIMEM and some BIOSes try */
    case 0xdf:
        write_output_port(
            kbc, (uint8_t)((kbc->output_port & ~OUTPUT_A20) | (command == 0xdf ? OUTPUT_A20 : 0)));
        return;
    case 0xe0: /* test inputs: clock lines are low when disabled */
        reply(kbc, (uint8_t)((kbc->ram[0] & COMMAND_KEYBOARD_OFF ? 0 : 1) |
                             (kbc->ram[0] & COMMAND_MOUSE_OFF ? 0 : 2)));
        return;
    default:
        break;
    }
    if (command >= 0x20 && command <= 0x3f)
        reply(kbc, kbc->ram[command & 0x1f]);
    else if (command >= 0x60 && command <= 0x7f)
        kbc->pending = command;
    else if (command >= 0xf0 && !(command & OUTPUT_RESET))
        pulse_reset(kbc); /* only bit 0 of the four is wired */
}

static void send_to(struct ps2_port *port, uint8_t byte) {
    if (port != NULL && port->send != NULL)
        port->send(port->device, byte);
}

static void write_data(struct kbc_i8042 *kbc, uint8_t value) {
    uint8_t command = kbc->pending;

    kbc->pending = 0;
    if (command >= 0x60 && command <= 0x7f) {
        write_ram(kbc, command & 0x1f, value);
    } else if (command == 0xd1) {
        write_output_port(kbc, value);
    } else if (command == 0xd2) {
        fill(kbc, value, false);
    } else if (command == 0xd3) {
        if (kbc->wiring.mouse != NULL)
            fill(kbc, value, true);
    } else if (command == 0xd4) {
        if (kbc->wiring.mouse != NULL)
            kbc->ram[0] &= (uint8_t)~COMMAND_MOUSE_OFF;
        send_to(kbc->wiring.mouse, value);
    } else {
        /* Talking to the keyboard switches its line on. */
        kbc->ram[0] &= (uint8_t)~COMMAND_KEYBOARD_OFF;
        send_to(kbc->wiring.keyboard, value);
    }
    refill(kbc);
}

static uint32_t kbc_read(void *opaque, uint16_t port, unsigned size) {
    struct kbc_i8042 *kbc = opaque;

    if (port & 4)
        return kbc->status | (kbc->is_full ? STATUS_OBF : 0u) |
               (kbc->is_full && kbc->is_from_mouse ? STATUS_AUX : 0u);
    if (kbc->is_full) {
        kbc->is_full = false;
        update_irqs(kbc);
        /* A device's next byte takes its time from here, not from when this one came. */
        kbc->next_byte_ns = clock_now(kbc->clock) + BYTE_NS;
        refill(kbc);
    }
    return kbc->output;
}

static void kbc_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct kbc_i8042 *kbc = opaque;

    if (port & 4) {
        kbc->status |= STATUS_COMMAND;
        write_command(kbc, (uint8_t)value);
    } else {
        kbc->status &= (uint8_t)~STATUS_COMMAND;
        write_data(kbc, (uint8_t)value);
    }
}

static void kbc_reset(void *device) {
    struct kbc_i8042 *kbc = device;

    memset(kbc->ram, 0, sizeof kbc->ram);
    /* What the controller's own firmware leaves behind; a BIOS sets it anyway. */
    kbc->ram[0] = COMMAND_KEYBOARD_IRQ | COMMAND_TRANSLATE;
    if (kbc->wiring.mouse != NULL)
        kbc->ram[0] |= COMMAND_MOUSE_IRQ;
    kbc->status = STATUS_UNLOCKED;
    kbc->output = 0;
    kbc->output_port = (uint8_t) ~(OUTPUT_KBD_FULL | OUTPUT_AUX_FULL);
    kbc->pending = 0;
    kbc->reply_count = 0;
    kbc->is_full = false;
    kbc->is_from_mouse = false;
    kbc->break_seen = false;
    kbc->next_byte_ns = 0;
    clock_timer_cancel(&kbc->timer);
    irq_set(&kbc->wiring.a20, true);
    update_irqs(kbc);
}

static const struct port_ops kbc_ports = {"kbc", kbc_read, kbc_write, 1};

void kbc_i8042_init(struct kbc_i8042 *kbc, struct port_map *ports, struct clock *clock,
                    const struct kbc_i8042_wiring *wiring) {
    memset(kbc, 0, sizeof *kbc);
    kbc->clock = clock;
    kbc->wiring = *wiring;
    clock_timer_init(&kbc->timer, clock, device_ready, kbc);
    if (wiring->keyboard != NULL) {
        wiring->keyboard->ready = device_ready;
        wiring->keyboard->controller = kbc;
    }
    if (wiring->mouse != NULL) {
        wiring->mouse->ready = device_ready;
        wiring->mouse->controller = kbc;
    }
    kbc_reset(kbc);
    port_map_add(ports, 0x60, 1, &kbc_ports, kbc);
    port_map_add(ports, 0x64, 1, &kbc_ports, kbc);
}

static const struct state_field kbc_fields[] = {
    FIELD(kbc_i8042, ram, 1),           FIELD(kbc_i8042, status, 1),
    FIELD(kbc_i8042, output, 1),        FIELD(kbc_i8042, output_port, 1),
    FIELD(kbc_i8042, pending, 1),       FIELD(kbc_i8042, replies, 1),
    FIELD(kbc_i8042, reply_count, 1),   FIELD(kbc_i8042, is_full, 1),
    FIELD(kbc_i8042, is_from_mouse, 1), FIELD(kbc_i8042, break_seen, 1),
    FIELD(kbc_i8042, next_byte_ns, 1),  NOT_SAVED(kbc_i8042, clock),
    NOT_SAVED(kbc_i8042, timer), /* follows from next_byte_ns */
    NOT_SAVED(kbc_i8042, wiring),
};
const struct state_table kbc_i8042_state = STATE_TABLE(kbc_i8042, kbc_fields);
const struct device_class kbc_i8042_class = {"kbc_i8042", kbc_reset, &kbc_i8042_state};
