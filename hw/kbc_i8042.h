/*
 * The 8042 keyboard controller of a PC/AT with the PS/2 auxiliary port: ports 60h and 64h, A20 and
 * the reset pulse. Keyboard and mouse sit behind `struct ps2_port`.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
 * Controller".
 */
#ifndef HW_KBC_I8042_H
#define HW_KBC_I8042_H

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"
#include "hw/core/ps2_port.h"

#include <stdbool.h>
#include <stdint.h>

#define KBC_REPLIES 4

/* What the controller is wired to. a20: level of the gate. reset: pulsed true, then false. */
struct kbc_i8042_wiring {
    struct ps2_port *keyboard;
    struct ps2_port *mouse; /* NULL: no auxiliary port */
    struct irq_line irq1, irq12, a20, reset;
};

struct kbc_i8042 {
    uint8_t ram[32];              /* [0] is the command byte */
    uint8_t status;               /* without OBF and AUX, which follow from the buffer */
    uint8_t output;               /* output buffer; stays readable after it was read */
    uint8_t output_port;          /* bits 0 (reset, active low), 1 (A20) and the unwired ones */
    uint8_t pending;              /* command that waits for its parameter at port 60h; 0: none */
    uint8_t replies[KBC_REPLIES]; /* answers of the controller that wait for the buffer */
    uint8_t reply_count;
    bool is_full, is_from_mouse;
    bool break_seen;       /* translation: F0h came, the next code is a release */
    uint64_t next_byte_ns; /* a device's next byte cannot be here before */
    struct clock *clock;
    struct clock_timer timer;
    struct kbc_i8042_wiring wiring;
};

/** Claim 60h and 64h, and take the controller's side of both PS/2 ports. */
void kbc_i8042_init(struct kbc_i8042 *kbc, struct port_map *ports, struct clock *clock,
                    const struct kbc_i8042_wiring *wiring);

extern const struct state_table kbc_i8042_state;
extern const struct device_class kbc_i8042_class;

#endif
