/*
 * A PS/2 keyboard with the scan code sets 1, 2 and 3. It repeats held keys itself, so a frontend
 * reports presses and releases only (repeated presses are ignored).
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)".
 */
#ifndef HW_PS2_KEYBOARD_H
#define HW_PS2_KEYBOARD_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/input.h"
#include "hw/core/ps2_port.h"

#include <stdbool.h>
#include <stdint.h>

#define PS2_KEYBOARD_QUEUE 64
#define PS2_KEYBOARD_KEYS  16 /* queue entries that keys may use, as in the real buffer */

struct ps2_keyboard {
    uint8_t queue[PS2_KEYBOARD_QUEUE];
    uint8_t first, queued; /* ring */
    uint8_t last_sent;     /* for the resend command */
    uint8_t scan_set;      /* 1, 2 or 3 */
    uint8_t leds;          /* bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock */
    uint8_t rate;          /* parameter of the typematic command */
    uint8_t pending;       /* command that waits for its parameter; 0: none */
    uint8_t repeat_key;    /* the key pressed last */
    bool is_enabled;
    bool is_repeating;
    bool overrun;               /* keys were lost; the overrun code is queued */
    uint8_t down[256 / 8];      /* keys held, by number as in keyboard_input */
    uint8_t no_break[256 / 8];  /* set 3: codes without release code */
    uint8_t no_repeat[256 / 8]; /* set 3: codes that do not repeat */
    uint64_t repeat_ns;         /* when the key repeats next */
    struct clock_timer timer;
    struct ps2_port port;
    struct keyboard_input input;
};

/** Fills in keyboard->port (for the controller) and keyboard->input (for the frontend). */
void ps2_keyboard_init(struct ps2_keyboard *keyboard, struct clock *clock);

extern const struct state_table ps2_keyboard_state;
extern const struct device_class ps2_keyboard_class;

#endif
