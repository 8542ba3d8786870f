/*
 * A 16550A serial port. Output goes to a char_backend, which is also how input comes in.
 *
 * Speed: by default ("fast") a byte leaves the moment it is written and the transmitter is always
 * empty, as on a line of unlimited speed; the interrupt rules are kept, so drivers see an empty
 * transmitter after every byte. Paced, each byte takes its time at the programmed rate.
 *
 * Source: National Semiconductor PC16550D data sheet.
 */
#ifndef HW_UART_16550_H
#define HW_UART_16550_H

#include "hw/core/char_sink.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdbool.h>
#include <stdint.h>

#define UART_FIFO 16

struct uart_16550 {
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scratch;
    uint8_t receive[UART_FIFO];       /* ring of received bytes */
    uint8_t receive_flags[UART_FIFO]; /* error bits of each, as in LSR */
    uint8_t receive_first, receive_count;
    uint8_t transmit[UART_FIFO]; /* ring; only used when paced */
    uint8_t transmit_first, transmit_count;
    uint8_t shifting; /* byte in the transmit shift register, when paced */
    uint16_t divisor;
    bool thre_pending;    /* THRE interrupt: set and not yet seen or served */
    bool timeout_pending; /* bytes below the trigger level have waited four character times */
    bool irq_level;
    bool is_paced;
    uint64_t shift_end_ns; /* when the shift register is empty; 0: it is */
    uint64_t timeout_ns;   /* when the receive timeout comes; 0: none */
    struct clock *clock;
    struct clock_timer shift_timer, timeout_timer;
    struct irq_line irq;
    struct char_backend *backend;
};

/**
 * Claim 8 ports from `base`.
 *
 * @backend  where bytes go and come from; may be NULL. Its receiver is filled in.
 * @paced    bytes take their time
 */
void uart_16550_init(struct uart_16550 *uart, struct port_map *ports, uint16_t base,
                     struct clock *clock, struct irq_line irq, struct char_backend *backend,
                     bool paced);

extern const struct state_table uart_16550_state;
extern const struct device_class uart_16550_class;

#endif
