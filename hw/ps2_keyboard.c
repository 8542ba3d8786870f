/*
 * The keyboard: key numbers to scan codes, the commands of the host, and typematic repeat. Codes
 * and replies wait in one ring until the controller takes them.
 *
 * Not modelled: the extra shift codes that the grey keys send around themselves depending on Num
 * Lock and Shift. No software is known to need them.
 */
#include "hw/ps2_keyboard.h"

#include "softmmu/base/bits.h"

#include <string.h>

#define KEY_EXTENDED     0x80
#define KEY_PRINT_SCREEN 0xb7
#define KEY_PAUSE        0xc5
#define KEY_LEFT_CTRL    0x1d
#define KEY_RIGHT_CTRL   0x9d
#define KEY_LEFT_ALT     0x38
#define KEY_RIGHT_ALT    0xb8
#define CODE_SYS_RQ      0x54 /* set 1: Print Screen with Alt */
#define CODE_BREAK       0x46 /* set 1, E0-prefixed: Pause with Ctrl */

#define REPLY_ACK    0xfa
#define REPLY_RESEND 0xfe
#define REPLY_BAT_OK 0xaa
#define REPLY_ECHO   0xee
#define RELEASE      0xf0
#define EXTENDED     0xe0
#define DEFAULT_RATE 0x2b /* 10.9 repeats a second after 500 ms */

enum command {
    SET_LEDS = 0xed,
    ECHO = 0xee,
    SCAN_SET = 0xf0,
    IDENTIFY = 0xf2,
    SET_RATE = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    SET_DEFAULTS = 0xf6,
    ALL_REPEAT = 0xf7,
    ALL_MAKE_BREAK = 0xf8,
    ALL_MAKE = 0xf9,
    ALL_REPEAT_MAKE_BREAK = 0xfa,
    KEY_REPEAT = 0xfb,
    KEY_MAKE_BREAK = 0xfc,
    KEY_MAKE = 0xfd,
    RESEND = 0xfe,
    RESET = 0xff
};

/* Make codes by set 1 code. Set 2 uses the same table for E0-prefixed keys. */
// clang-format off
static const uint8_t set_2[128] = {
    0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
    0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
    0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f,
    0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62, 0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};
static const uint8_t set_3[128] = {
    0x00, 0x08, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x11, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5c, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7e, 0x19, 0x29, 0x14, 0x07, 0x0f, 0x17, 0x1f, 0x27,
    0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x76, 0x5f, 0x6c, 0x75, 0x7d, 0x84, 0x6b, 0x73, 0x74, 0x7c, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x57, 0x00, 0x13, 0x56, 0x5e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t set_3_extended[128] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x79, 0x58, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x77, 0x00, 0x57, 0x39, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x62, 0x62, 0x6e, 0x63, 0x6f, 0x00, 0x61, 0x00, 0x6a, 0x00, 0x65,
    0x60, 0x6d, 0x67, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8b, 0x8c, 0x8d, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
// clang-format on

static const uint8_t pause_set_1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
static const uint8_t pause_set_2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};

static bool flag(const uint8_t *set, uint8_t number) {
    return set[number >> 3] >> (number & 7) & 1;
}

static void set_flag(uint8_t *set, uint8_t number, bool value) {
    uint8_t bit = (uint8_t)(1u << (number & 7));

    set[number >> 3] = (uint8_t)(value ? set[number >> 3] | bit : set[number >> 3] & ~bit);
}

static void put(struct ps2_keyboard *keyboard, uint8_t byte) {
    if (keyboard->queued == PS2_KEYBOARD_QUEUE)
        return;
    keyboard->queue[(keyboard->first + keyboard->queued) % PS2_KEYBOARD_QUEUE] = byte;
    keyboard->queued++;
}

/* Queue the codes of one key event whole, or the overrun code once. */
static void put_codes(struct ps2_keyboard *keyboard, const uint8_t *codes, size_t count) {
    if (keyboard->overrun && keyboard->queued != 0)
        return;
    keyboard->overrun = keyboard->queued + count > PS2_KEYBOARD_KEYS;
    if (keyboard->overrun) {
        put(keyboard, keyboard->scan_set == 1 ? 0xff : 0x00);
    } else {
        for (size_t i = 0; i < count; i++)
            put(keyboard, codes[i]);
    }
    ps2_port_ready(&keyboard->port);
}

static bool alt_is_down(const struct ps2_keyboard *keyboard) {
    return flag(keyboard->down, KEY_LEFT_ALT) || flag(keyboard->down, KEY_RIGHT_ALT);
}

static bool ctrl_is_down(const struct ps2_keyboard *keyboard) {
    return flag(keyboard->down, KEY_LEFT_CTRL) || flag(keyboard->down, KEY_RIGHT_CTRL);
}

/* One code of sets 1 and 2, with its prefix and release mark. */
static size_t add_code(const struct ps2_keyboard *keyboard, uint8_t *codes, uint8_t key,
                       bool pressed) {
    uint8_t code = key & 0x7f;
    size_t n = 0;

    if (keyboard->scan_set == 2)
        code = set_2[code];
    if (code == 0)
        return 0;
    if (key & KEY_EXTENDED)
        codes[n++] = EXTENDED;
    if (!pressed && keyboard->scan_set == 2)
        codes[n++] = RELEASE;
    codes[n++] = !pressed && keyboard->scan_set == 1 ? code | 0x80 : code;
    return n;
}

static void send_pause(struct ps2_keyboard *keyboard, bool pressed) {
    uint8_t codes[8];
    size_t n;

    if (!pressed)
        return; /* both codes are sent at once when the key goes down */
    if (ctrl_is_down(keyboard)) {
        n = add_code(keyboard, codes, KEY_EXTENDED | CODE_BREAK, true);
        n += add_code(keyboard, codes + n, KEY_EXTENDED | CODE_BREAK, false);
        put_codes(keyboard, codes, n);
    } else if (keyboard->scan_set == 1) {
        put_codes(keyboard, pause_set_1, sizeof pause_set_1);
    } else {
        put_codes(keyboard, pause_set_2, sizeof pause_set_2);
    }
}

static void send_print_screen(struct ps2_keyboard *keyboard, bool pressed) {
    const uint8_t fake_shift = KEY_EXTENDED | 0x2a;
    uint8_t codes[8];
    size_t n;

    if (alt_is_down(keyboard)) {
        n = add_code(keyboard, codes, CODE_SYS_RQ, pressed);
    } else if (ctrl_is_down(keyboard)) {
        n = add_code(keyboard, codes, KEY_PRINT_SCREEN, pressed);
    } else {
        n = add_code(keyboard, codes, pressed ? fake_shift : KEY_PRINT_SCREEN, pressed);
        n += add_code(keyboard, codes + n, pressed ? KEY_PRINT_SCREEN : fake_shift, pressed);
    }
    put_codes(keyboard, codes, n);
}

static void send_set_3(struct ps2_keyboard *keyboard, uint8_t key, bool pressed) {
    uint8_t code = key & KEY_EXTENDED ? set_3_extended[key & 0x7f] : set_3[key];
    uint8_t codes[2] = {RELEASE, code};

    if (code == 0 || (!pressed && flag(keyboard->no_break, code)))
        return;
    if (pressed)
        put_codes(keyboard, codes + 1, 1);
    else
        put_codes(keyboard, codes, 2);
}

static void send_key(struct ps2_keyboard *keyboard, uint8_t key, bool pressed) {
    uint8_t codes[4];
    size_t n;

    if (!keyboard->is_enabled)
        return;
    if (keyboard->scan_set == 3) {
        send_set_3(keyboard, key, pressed);
    } else if (key == KEY_PAUSE) {
        send_pause(keyboard, pressed);
    } else if (key == KEY_PRINT_SCREEN) {
        send_print_screen(keyboard, pressed);
    } else {
        n = add_code(keyboard, codes, key, pressed);
        if (n != 0)
            put_codes(keyboard, codes, n);
    }
}

static uint64_t repeat_delay_ns(const struct ps2_keyboard *keyboard) {
    return ((keyboard->rate >> 5 & 3) + 1) * UINT64_C(250000000);
}

/* Period = (8 + A) * 2^B * 4.17 ms, A bits 0-2, B bits 3-4 of the rate. */
static uint64_t repeat_period_ns(const struct ps2_keyboard *keyboard) {
    return (UINT64_C(8) + (keyboard->rate & 7)) * (UINT64_C(4170000) << (keyboard->rate >> 3 & 3));
}

static void stop_repeat(struct ps2_keyboard *keyboard) {
    keyboard->is_repeating = false;
    clock_timer_cancel(&keyboard->timer);
}

static void repeat(void *opaque) {
    struct ps2_keyboard *keyboard = opaque;

    if (!keyboard->is_repeating)
        return;
    /* While the controller does not take codes, there is no point in piling up more. */
    if (keyboard->queued == 0)
        send_key(keyboard, keyboard->repeat_key, true);
    keyboard->repeat_ns = clock_now(keyboard->timer.clock) + repeat_period_ns(keyboard);
    clock_timer_set(&keyboard->timer, keyboard->repeat_ns);
}

static bool key_repeats(const struct ps2_keyboard *keyboard, uint8_t key) {
    uint8_t code = key & KEY_EXTENDED ? set_3_extended[key & 0x7f] : set_3[key];

    if (key == KEY_PAUSE)
        return false;
    return keyboard->scan_set != 3 || !flag(keyboard->no_repeat, code);
}

static void key_event(void *opaque, uint8_t key, bool pressed) {
    struct ps2_keyboard *keyboard = opaque;

    if (flag(keyboard->down, key) == pressed)
        return;
    set_flag(keyboard->down, key, pressed);
    send_key(keyboard, key, pressed);
    if (pressed && key_repeats(keyboard, key)) {
        keyboard->is_repeating = true;
        keyboard->repeat_key = key;
        keyboard->repeat_ns = clock_now(keyboard->timer.clock) + repeat_delay_ns(keyboard);
        clock_timer_set(&keyboard->timer, keyboard->repeat_ns);
    } else if (pressed || key == keyboard->repeat_key) {
        stop_repeat(keyboard);
    }
}

static void clear_queue(struct ps2_keyboard *keyboard) {
    keyboard->queued = 0;
    keyboard->overrun = false;
    stop_repeat(keyboard);
}

static void set_defaults(struct ps2_keyboard *keyboard) {
    clear_queue(keyboard);
    keyboard->scan_set = 2;
    keyboard->rate = DEFAULT_RATE;
    memset(keyboard->no_break, 0, sizeof keyboard->no_break);
    memset(keyboard->no_repeat, 0, sizeof keyboard->no_repeat);
}

/* F7h-FAh: the type of all keys of set 3. */
static void set_all_types(struct ps2_keyboard *keyboard, uint8_t command) {
    bool no_break = command == ALL_REPEAT || command == ALL_MAKE;
    bool no_repeat = command == ALL_MAKE_BREAK || command == ALL_MAKE;

    memset(keyboard->no_break, no_break ? 0xff : 0, sizeof keyboard->no_break);
    memset(keyboard->no_repeat, no_repeat ? 0xff : 0, sizeof keyboard->no_repeat);
}

static void take_parameter(struct ps2_keyboard *keyboard, uint8_t command, uint8_t value) {
    put(keyboard, REPLY_ACK);
    switch (command) {
    case SET_LEDS:
        keyboard->leds = value & 7;
        break;
    case SET_RATE:
        keyboard->rate = value & 0x7f;
        break;
    case SCAN_SET:
        if (value == 0)
            put(keyboard, keyboard->scan_set);
        else if (value <= 3)
            keyboard->scan_set = value;
        break;
    default: /* KEY_REPEAT, KEY_MAKE_BREAK, KEY_MAKE: more keys may follow */
        set_flag(keyboard->no_break, value, command != KEY_MAKE_BREAK);
        set_flag(keyboard->no_repeat, value, command != KEY_REPEAT);
        keyboard->pending = command;
        break;
    }
}

static void take_command(struct ps2_keyboard *keyboard, uint8_t command) {
    switch (command) {
    case ECHO:
        put(keyboard, REPLY_ECHO);
        return;
    case RESEND:
        put(keyboard, keyboard->last_sent);
        return;
    case IDENTIFY:
        put(keyboard, REPLY_ACK);
        put(keyboard, 0xab);
        put(keyboard, 0x83);
        return;
    case KEY_REPEAT:
    case KEY_MAKE_BREAK:
    case KEY_MAKE:
    case SCAN_SET:
        clear_queue(keyboard);
        keyboard->pending = command;
        break;
    case SET_LEDS:
    case SET_RATE:
        keyboard->pending = command;
        break;
    case ENABLE:
        clear_queue(keyboard);
        keyboard->is_enabled = true;
        break;
    case DISABLE:
    case SET_DEFAULTS:
        set_defaults(keyboard);
        keyboard->is_enabled = command == SET_DEFAULTS;
        break;
    case RESET:
        set_defaults(keyboard);
        keyboard->is_enabled = true;
        keyboard->leds = 0;
        put(keyboard, REPLY_ACK);
        put(keyboard, REPLY_BAT_OK);
        return;
    default:
        if (command < ALL_REPEAT || command > ALL_REPEAT_MAKE_BREAK) {
            put(keyboard, REPLY_RESEND);
            return;
        }
        set_all_types(keyboard, command);
        break;
    }
    put(keyboard, REPLY_ACK);
}

static void host_byte(void *opaque, uint8_t byte) {
    struct ps2_keyboard *keyboard = opaque;
    uint8_t command = keyboard->pending;

    keyboard->pending = 0;
    /* A command in place of a parameter ends the first command. */
    if (command != 0 && byte < SET_LEDS)
        take_parameter(keyboard, command, byte);
    else
        take_command(keyboard, byte);
    ps2_port_ready(&keyboard->port);
}

static int take_byte(void *opaque) {
    struct ps2_keyboard *keyboard = opaque;
    uint8_t byte;

    if (keyboard->queued == 0)
        return -1;
    byte = keyboard->queue[keyboard->first];
    keyboard->first = (uint8_t)((keyboard->first + 1) % PS2_KEYBOARD_QUEUE);
    keyboard->queued--;
    if (byte != REPLY_RESEND)
        keyboard->last_sent = byte;
    return byte;
}

static void keyboard_reset(void *device) {
    struct ps2_keyboard *keyboard = device;

    set_defaults(keyboard);
    keyboard->first = 0;
    keyboard->pending = 0;
    keyboard->last_sent = 0;
    keyboard->leds = 0;
    keyboard->is_enabled = true;
}

void ps2_keyboard_init(struct ps2_keyboard *keyboard, struct clock *clock) {
    memset(keyboard, 0, sizeof *keyboard);
    clock_timer_init(&keyboard->timer, clock, repeat, keyboard);
    keyboard->port.send = host_byte;
    keyboard->port.take = take_byte;
    keyboard->port.device = keyboard;
    keyboard->input.key = key_event;
    keyboard->input.opaque = keyboard;
    keyboard_reset(keyboard);
}

static const struct state_field keyboard_fields[] = {
    FIELD(ps2_keyboard, queue, 1),        FIELD(ps2_keyboard, first, 1),
    FIELD(ps2_keyboard, queued, 1),       FIELD(ps2_keyboard, last_sent, 1),
    FIELD(ps2_keyboard, scan_set, 1),     FIELD(ps2_keyboard, leds, 1),
    FIELD(ps2_keyboard, rate, 1),         FIELD(ps2_keyboard, pending, 1),
    FIELD(ps2_keyboard, repeat_key, 1),   FIELD(ps2_keyboard, is_enabled, 1),
    FIELD(ps2_keyboard, is_repeating, 1), FIELD(ps2_keyboard, overrun, 1),
    FIELD(ps2_keyboard, down, 1),         FIELD(ps2_keyboard, no_break, 1),
    FIELD(ps2_keyboard, no_repeat, 1),    FIELD(ps2_keyboard, repeat_ns, 1),
    NOT_SAVED(ps2_keyboard, timer), /* follows from is_repeating and repeat_ns */
    NOT_SAVED(ps2_keyboard, port),        NOT_SAVED(ps2_keyboard, input),
};
const struct state_table ps2_keyboard_state = STATE_TABLE(ps2_keyboard, keyboard_fields);
const struct device_class ps2_keyboard_class = {"ps2_keyboard", keyboard_reset,
                                                &ps2_keyboard_state};
