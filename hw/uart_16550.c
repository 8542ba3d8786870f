/*
 * The 16550A. Registers are named as in the data sheet. OUT2 gates the interrupt, as the card of a
 * PC is wired.
 */
#include "hw/uart_16550.h"

#include <string.h>

#define CLOCK_HZ UINT32_C(1843200) /* 16 cycles to a bit at divisor 1 */

#define IER_RECEIVE 0x01
#define IER_THRE    0x02
#define IER_LINE    0x04
#define IER_MODEM   0x08

#define IIR_NONE    0x01
#define IIR_MODEM   0x00
#define IIR_THRE    0x02
#define IIR_RECEIVE 0x04
#define IIR_LINE    0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS   0xc0

#define FCR_ENABLE         0x01
#define FCR_CLEAR_RECEIVE  0x02
#define FCR_CLEAR_TRANSMIT 0x04

#define LCR_TWO_STOP 0x04
#define LCR_PARITY   0x08
#define LCR_DLAB     0x80

#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOPBACK 0x10

#define LSR_READY      0x01
#define LSR_OVERRUN    0x02
#define LSR_FRAMING    0x08
#define LSR_BREAK      0x10
#define LSR_ERRORS     0x1e
#define LSR_THRE       0x20
#define LSR_EMPTY      0x40
#define LSR_FIFO_ERROR 0x80

#define MSR_DELTAS 0x0f
#define MSR_TERI   0x04
#define MSR_CTS    0x10
#define MSR_DSR    0x20
#define MSR_RI     0x40
#define MSR_DCD    0x80

static bool has_fifos(const struct uart_16550 *uart) {
    return (uart->fcr & FCR_ENABLE) != 0;
}

static unsigned capacity(const struct uart_16550 *uart) {
    return has_fifos(uart) ? UART_FIFO : 1;
}

static unsigned trigger_level(const struct uart_16550 *uart) {
    static const uint8_t levels[4] = {1, 4, 8, 14};

    return has_fifos(uart) ? levels[uart->fcr >> 6] : 1;
}

static uint64_t character_ns(const struct uart_16550 *uart) {
    uint32_t bits = 1 + 5 + (uart->lcr & 3u) + (uart->lcr & LCR_PARITY ? 1u : 0u) +
                    (uart->lcr & LCR_TWO_STOP ? 2u : 1u);
    uint32_t divisor = uart->divisor != 0 ? uart->divisor : 1;

    return clock_scale(UINT64_C(16) * bits * divisor, (uint32_t)NS_PER_SECOND, CLOCK_HZ);
}

/* The interrupt of highest priority, as IIR shows it. */
static uint8_t interrupt_source(const struct uart_16550 *uart) {
    if ((uart->ier & IER_LINE) && (uart->lsr & LSR_ERRORS))
        return IIR_LINE;
    if ((uart->ier & IER_RECEIVE) && uart->receive_count >= trigger_level(uart))
        return IIR_RECEIVE;
    if ((uart->ier & IER_RECEIVE) && uart->timeout_pending)
        return IIR_TIMEOUT;
    if ((uart->ier & IER_THRE) && uart->thre_pending)
        return IIR_THRE;
    if ((uart->ier & IER_MODEM) && (uart->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart_16550 *uart) {
    bool level = interrupt_source(uart) != IIR_NONE && (uart->mcr & MCR_OUT2);

    if (level != uart->irq_level) {
        uart->irq_level = level;
        irq_set(&uart->irq, level);
    }
}

/* LSR bits that follow from the receive queue; the error bits belong to its oldest byte. */
static void update_receive_status(struct uart_16550 *uart) {
    bool any_error = false;

    for (unsigned i = 0; i < uart->receive_count; i++)
        any_error |= uart->receive_flags[(uart->receive_first + i) % UART_FIFO] != 0;
    uart->lsr &= (uint8_t) ~(LSR_READY | LSR_FIFO_ERROR);
    if (uart->receive_count != 0)
        uart->lsr |= LSR_READY;
    if (has_fifos(uart) && any_error)
        uart->lsr |= LSR_FIFO_ERROR;
}

static void reveal_errors(struct uart_16550 *uart) {
    if (uart->receive_count != 0)
        uart->lsr |= uart->receive_flags[uart->receive_first];
}

static void restart_timeout(struct uart_16550 *uart) {
    uart->timeout_pending = false;
    uart->timeout_ns = 0;
    if (has_fifos(uart) && uart->receive_count != 0)
        uart->timeout_ns = clock_now(uart->clock) + 4 * character_ns(uart);
    clock_timer_set(&uart->timeout_timer, uart->timeout_ns != 0 ? uart->timeout_ns : CLOCK_NEVER);
}

static void receive_timeout(void *opaque) {
    struct uart_16550 *uart = opaque;

    uart->timeout_ns = 0;
    uart->timeout_pending = uart->receive_count != 0;
    update_irq(uart);
}

static void receive_byte(struct uart_16550 *uart, uint8_t byte, uint8_t flags) {
    unsigned slot;

    if (uart->receive_count == capacity(uart)) {
        uart->lsr |= LSR_OVERRUN;
        if (has_fifos(uart))
            return;              /* the FIFO keeps what it has */
        uart->receive_count = 0; /* without FIFO the old byte is lost */
    }
    slot = (uart->receive_first + uart->receive_count) % UART_FIFO;
    uart->receive[slot] = byte;
    uart->receive_flags[slot] = flags;
    uart->receive_count++;
    if (uart->receive_count == 1)
        reveal_errors(uart);
    update_receive_status(uart);
    restart_timeout(uart);
}

static uint8_t read_receive_buffer(struct uart_16550 *uart) {
    uint8_t byte = uart->receive[uart->receive_first];

    if (uart->receive_count != 0) {
        uart->receive_first = (uint8_t)((uart->receive_first + 1) % UART_FIFO);
        uart->receive_count--;
        reveal_errors(uart);
        update_receive_status(uart);
    }
    restart_timeout(uart);
    update_irq(uart);
    if (uart->backend != NULL && uart->backend->room_made != NULL &&
        uart->receive_count < capacity(uart))
        uart->backend->room_made(uart->backend->opaque);
    return byte;
}

static void send_out(struct uart_16550 *uart, uint8_t byte) {
    byte &= (uint8_t)((1u << (5 + (uart->lcr & 3))) - 1);
    if (uart->mcr & MCR_LOOPBACK)
        receive_byte(uart, byte, 0);
    else
        char_write(uart->backend, &byte, 1);
}

/* Move the next byte of the queue to the shift register. */
static void start_shifting(struct uart_16550 *uart) {
    uart->shifting = uart->transmit[uart->transmit_first];
    uart->transmit_first = (uint8_t)((uart->transmit_first + 1) % UART_FIFO);
    uart->transmit_count--;
    uart->shift_end_ns = clock_now(uart->clock) + character_ns(uart);
    clock_timer_set(&uart->shift_timer, uart->shift_end_ns);
    if (uart->transmit_count == 0) {
        uart->lsr |= LSR_THRE;
        uart->thre_pending = true;
    }
}

static void shift_done(void *opaque) {
    struct uart_16550 *uart = opaque;

    uart->shift_end_ns = 0;
    send_out(uart, uart->shifting);
    if (uart->transmit_count != 0)
        start_shifting(uart);
    else
        uart->lsr |= LSR_EMPTY;
    update_irq(uart);
}

static void write_transmit_buffer(struct uart_16550 *uart, uint8_t byte) {
    uart->thre_pending = false;
    update_irq(uart); /* the line falls, so that the next THRE is an edge */
    if (!uart->is_paced) {
        send_out(uart, byte);
        uart->thre_pending = true;
        update_irq(uart);
        return;
    }
    if (uart->transmit_count == capacity(uart))
        uart->transmit_count--; /* the newest byte is overwritten */
    uart->transmit[(uart->transmit_first + uart->transmit_count) % UART_FIFO] = byte;
    uart->transmit_count++;
    uart->lsr &= (uint8_t) ~(LSR_THRE | LSR_EMPTY);
    if (uart->shift_end_ns == 0)
        start_shifting(uart);
    update_irq(uart);
}

static void write_ier(struct uart_16550 *uart, uint8_t value) {
    /* Enabling the interrupt while the register is empty raises it; drivers rely on it. */
    if ((value & ~uart->ier & IER_THRE) && (uart->lsr & LSR_THRE))
        uart->thre_pending = true;
    uart->ier = value & 0x0f;
    update_irq(uart);
}

static void clear_receive(struct uart_16550 *uart) {
    uart->receive_count = 0;
    update_receive_status(uart);
    restart_timeout(uart);
}

static void write_fcr(struct uart_16550 *uart, uint8_t value) {
    bool toggles = ((value ^ uart->fcr) & FCR_ENABLE) != 0;

    uart->fcr = value & FCR_ENABLE ? value & (0xc0 | FCR_ENABLE) : 0;
    if (toggles || ((value & FCR_CLEAR_RECEIVE) && has_fifos(uart)))
        clear_receive(uart);
    if ((toggles || ((value & FCR_CLEAR_TRANSMIT) && has_fifos(uart))) &&
        uart->transmit_count != 0) {
        uart->transmit_count = 0;
        uart->lsr |= LSR_THRE;
        uart->thre_pending = true;
    }
    update_irq(uart);
    if (uart->receive_count == 0 && uart->backend != NULL && uart->backend->room_made != NULL)
        uart->backend->room_made(uart->backend->opaque);
}

/* Modem inputs: a connected peer, or our own outputs in loopback. Changes set the deltas. */
static void update_modem_status(struct uart_16550 *uart) {
    uint8_t old = uart->msr & 0xf0;
    uint8_t now = MSR_CTS | MSR_DSR | MSR_DCD;
    uint8_t changed;

    if (uart->mcr & MCR_LOOPBACK)
        now = (uint8_t)((uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
                        (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0));
    else if (uart->backend == NULL)
        now = 0;
    changed = (old ^ now) >> 4;
    if (!(old & MSR_RI))
        changed &= (uint8_t)~MSR_TERI; /* only the trailing edge of RI counts */
    uart->msr = (uint8_t)(now | (uart->msr & MSR_DELTAS) | changed);
}

static void write_mcr(struct uart_16550 *uart, uint8_t value) {
    uart->mcr = value & 0x1f;
    update_modem_status(uart);
    update_irq(uart);
}

static void write_divisor(struct uart_16550 *uart, unsigned shift, uint8_t value) {
    uart->divisor = (uint16_t)((uart->divisor & ~(0xffu << shift)) | (unsigned)value << shift);
}

static void uart_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct uart_16550 *uart = opaque;
    uint8_t byte = (uint8_t)value;
    bool dlab = (uart->lcr & LCR_DLAB) != 0;

    switch (port & 7) {
    case 0:
        if (dlab)
            write_divisor(uart, 0, byte);
        else
            write_transmit_buffer(uart, byte);
        break;
    case 1:
        if (dlab)
            write_divisor(uart, 8, byte);
        else
            write_ier(uart, byte);
        break;
    case 2:
        write_fcr(uart, byte);
        break;
    case 3:
        uart->lcr = byte;
        break;
    case 4:
        write_mcr(uart, byte);
        break;
    case 7:
        uart->scratch = byte;
        break;
    default: /* LSR and MSR: factory test only */
        break;
    }
}

static uint8_t read_iir(struct uart_16550 *uart) {
    uint8_t source = interrupt_source(uart);

    if (source == IIR_THRE) { /* reading it is how the THRE interrupt is cleared */
        uart->thre_pending = false;
        update_irq(uart);
    }
    return source | (has_fifos(uart) ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct uart_16550 *uart) {
    uint8_t value = uart->lsr;

    uart->lsr &= (uint8_t)~LSR_ERRORS;
    if (uart->receive_count != 0)
        uart->receive_flags[uart->receive_first] = 0;
    update_receive_status(uart);
    update_irq(uart);
    return value;
}

static uint8_t read_msr(struct uart_16550 *uart) {
    uint8_t value = uart->msr;

    uart->msr &= (uint8_t)~MSR_DELTAS;
    update_irq(uart);
    return value;
}

static uint32_t uart_read(void *opaque, uint16_t port, unsigned size) {
    struct uart_16550 *uart = opaque;
    bool dlab = (uart->lcr & LCR_DLAB) != 0;

    switch (port & 7) {
    case 0:
        return dlab ? uart->divisor & 0xffu : read_receive_buffer(uart);
    case 1:
        return dlab ? uart->divisor >> 8 : uart->ier;
    case 2:
        return read_iir(uart);
    case 3:
        return uart->lcr;
    case 4:
        return uart->mcr;
    case 5:
        return read_lsr(uart);
    case 6:
        return read_msr(uart);
    default:
        return uart->scratch;
    }
}

static size_t host_room(void *opaque) {
    const struct uart_16550 *uart = opaque;

    /* In loopback the line is not connected. */
    if (uart->mcr & MCR_LOOPBACK || uart->receive_count >= capacity(uart))
        return 0;
    return capacity(uart) - uart->receive_count;
}

static void host_receive(void *opaque, const uint8_t *bytes, size_t count) {
    struct uart_16550 *uart = opaque;

    if (uart->mcr & MCR_LOOPBACK)
        return;
    for (size_t i = 0; i < count; i++)
        receive_byte(uart, bytes[i], 0);
    update_irq(uart);
}

static void host_break(void *opaque) {
    struct uart_16550 *uart = opaque;

    if (uart->mcr & MCR_LOOPBACK)
        return;
    receive_byte(uart, 0, LSR_BREAK | LSR_FRAMING);
    update_irq(uart);
}

static void uart_reset(void *device) {
    struct uart_16550 *uart = device;

    uart->ier = 0;
    uart->fcr = 0;
    uart->lcr = 0;
    uart->mcr = 0;
    uart->lsr = LSR_THRE | LSR_EMPTY;
    uart->msr = 0;
    uart->scratch = 0;
    uart->divisor = 12; /* undefined on the chip; 9600 bits a second */
    uart->receive_count = 0;
    uart->transmit_count = 0;
    uart->thre_pending = false;
    uart->timeout_pending = false;
    uart->shift_end_ns = 0;
    uart->timeout_ns = 0;
    clock_timer_cancel(&uart->shift_timer);
    clock_timer_cancel(&uart->timeout_timer);
    update_modem_status(uart);
    uart->msr &= (uint8_t)~MSR_DELTAS;
    update_irq(uart);
}

static const struct port_ops uart_ports = {"uart", uart_read, uart_write, 1};

void uart_16550_init(struct uart_16550 *uart, struct port_map *ports, uint16_t base,
                     struct clock *clock, struct irq_line irq, struct char_backend *backend,
                     bool paced) {
    memset(uart, 0, sizeof *uart);
    uart->clock = clock;
    uart->irq = irq;
    uart->backend = backend;
    uart->is_paced = paced;
    clock_timer_init(&uart->shift_timer, clock, shift_done, uart);
    clock_timer_init(&uart->timeout_timer, clock, receive_timeout, uart);
    if (backend != NULL)
        backend->receiver = (struct char_receiver){host_room, host_receive, host_break, uart};
    uart_reset(uart);
    port_map_add(ports, base, 8, &uart_ports, uart);
}

static const struct state_field uart_fields[] = {
    FIELD(uart_16550, ier, 1),
    FIELD(uart_16550, fcr, 1),
    FIELD(uart_16550, lcr, 1),
    FIELD(uart_16550, mcr, 1),
    FIELD(uart_16550, lsr, 1),
    FIELD(uart_16550, msr, 1),
    FIELD(uart_16550, scratch, 1),
    FIELD(uart_16550, receive, 1),
    FIELD(uart_16550, receive_flags, 1),
    FIELD(uart_16550, receive_first, 1),
    FIELD(uart_16550, receive_count, 1),
    FIELD(uart_16550, transmit, 1),
    FIELD(uart_16550, transmit_first, 1),
    FIELD(uart_16550, transmit_count, 1),
    FIELD(uart_16550, shifting, 1),
    FIELD(uart_16550, divisor, 1),
    FIELD(uart_16550, thre_pending, 1),
    FIELD(uart_16550, timeout_pending, 1),
    FIELD(uart_16550, irq_level, 1),
    NOT_SAVED(uart_16550, is_paced), /* configuration */
    FIELD(uart_16550, shift_end_ns, 1),
    FIELD(uart_16550, timeout_ns, 1),
    NOT_SAVED(uart_16550, clock),
    NOT_SAVED(uart_16550, shift_timer), /* follow from the two times above */
    NOT_SAVED(uart_16550, timeout_timer),
    NOT_SAVED(uart_16550, irq),
    NOT_SAVED(uart_16550, backend),
};
const struct state_table uart_16550_state = STATE_TABLE(uart_16550, uart_fields);
const struct device_class uart_16550_class = {"uart_16550", uart_reset, &uart_16550_state};
