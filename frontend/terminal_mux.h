/*
 * Shares the terminal between a serial port and the monitor, and lets other ports write to it.
 * Ctrl-A is the escape: X ends, C switches, B sends a break, H helps, Ctrl-A sends itself.
 */
#ifndef FRONTEND_TERMINAL_MUX_H
#define FRONTEND_TERMINAL_MUX_H

#include "frontend/char_stream.h"
#include "frontend/monitor.h"

#define TERMINAL_PENDING_MAX 4096

struct terminal_mux {
    struct char_stream *stream;     /* stdin and stdout */
    struct char_backend serial;     /* what the serial port attaches to */
    struct char_backend output;     /* for ports that only write */
    struct char_backend to_monitor; /* where the monitor's text goes */
    struct monitor *monitor;        /* NULL: none */
    struct machine *machine;
    bool has_serial;
    bool is_monitor_focused;
    bool is_escaped;  /* the last byte was Ctrl-A */
    bool has_escapes; /* off when input is not a terminal and no monitor is asked for */
    bool is_terminal; /* input is typed, not piped */
    void (*quit)(void *opaque);
    void *opaque;
    /* Typed for the serial port, which had no room yet; guarded by the machine lock. */
    uint8_t pending[TERMINAL_PENDING_MAX];
    size_t pending_first, pending_count;
};

/** Make the multiplexer over a stream that serves stdin and stdout. `quit` is called on the main
 *  thread when the user asks to end. */
void terminal_mux_init(struct terminal_mux *mux, struct char_stream *stream,
                       void (*quit)(void *opaque), void *opaque);
/** The machine exists now; input flows from here on. */
void terminal_mux_connect(struct terminal_mux *mux, struct machine *machine);

#endif
