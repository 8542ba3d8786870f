/*
 * A PS/2 mouse: standard, with wheel (IntelliMouse, id 3) and with five buttons (IntelliMouse
 * Explorer, id 4), switched on by the usual sequences of sample rates.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft, "Enhanced PS/2
 * mouse".
 */
#ifndef HW_PS2_MOUSE_H
#define HW_PS2_MOUSE_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/input.h"
#include "hw/core/ps2_port.h"

#include <stdbool.h>
#include <stdint.h>

#define PS2_MOUSE_QUEUE 16

struct ps2_mouse {
    uint8_t queue[PS2_MOUSE_QUEUE];
    uint8_t first, queued; /* ring */
    uint8_t last_sent;
    uint8_t id;            /* 0, 3 or 4 */
    uint8_t sample_rate;   /* reports a second */
    uint8_t last_rates[2]; /* the two before, for the switching sequences */
    uint8_t resolution;    /* 0-3: 1, 2, 4, 8 counts a millimetre */
    uint8_t pending;       /* command that waits for its parameter; 0: none */
    uint8_t buttons;       /* as in mouse_input; bits 3 and 4 are the side buttons */
    uint8_t sent_buttons;  /* as in the last report */
    bool is_enabled, is_remote, is_wrapping, is_scaled;
    bool is_waiting;    /* a report was sent less than a sample period ago */
    int32_t dx, dy, dz; /* motion not reported yet; dy upwards, dz towards the user */
    uint64_t next_report_ns;
    struct clock_timer timer;
    struct ps2_port port;
    struct mouse_input input;
};

/**
 * Fills in mouse->port (for the controller) and mouse->input (for the frontend), where a positive
 * wheel turns towards the user (scrolls down).
 */
void ps2_mouse_init(struct ps2_mouse *mouse, struct clock *clock);

extern const struct state_table ps2_mouse_state;
extern const struct device_class ps2_mouse_class;

#endif
