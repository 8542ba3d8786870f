/* Shares the terminal between a serial port and the monitor; see terminal_mux.h. */
#include "frontend/terminal_mux.h"

#include <stdio.h>
#include <string.h>

#define CTRL_A 0x01

static void say(struct terminal_mux *mux, const char *text) {
    char_stream_write(mux->stream, (const uint8_t *)text, strlen(text));
}

static void show_help(struct terminal_mux *mux) {
    say(mux, "\n"
             "Ctrl-A H       this help\n"
             "Ctrl-A X       end the machine\n"
             "Ctrl-A C       switch between serial port and monitor\n"
             "Ctrl-A B       send a break\n"
             "Ctrl-A Ctrl-A  send Ctrl-A\n");
}

static void write_through(void *opaque, const uint8_t *bytes, size_t count) {
    struct terminal_mux *mux = opaque;
    char_stream_write(mux->stream, bytes, count);
}

/* Hand over what waits, as far as the port has room. With the machine lock. */
static void deliver_pending(struct terminal_mux *mux) {
    const struct char_receiver *receiver = &mux->serial.receiver;
    while (mux->pending_count > 0) {
        size_t room = receiver->room == NULL ? 1 : receiver->room(receiver->opaque);
        if (room == 0)
            return;
        uint8_t byte = mux->pending[mux->pending_first];
        mux->pending_first = (mux->pending_first + 1) % TERMINAL_PENDING_MAX;
        mux->pending_count--;
        receiver->receive(receiver->opaque, &byte, 1);
    }
}

/* The chip calls this, with the machine lock. */
static void serial_room_made(void *opaque) {
    struct terminal_mux *mux = opaque;
    deliver_pending(mux);
    char_stream_room_made(mux->stream);
}

static void switch_focus(struct terminal_mux *mux) {
    if (mux->monitor == NULL || !mux->has_serial) {
        say(mux, mux->monitor == NULL ? "\n[no monitor here: use -serial mon:stdio]\n"
                                      : "\n[no serial port here]\n");
        return;
    }
    mux->is_monitor_focused = !mux->is_monitor_focused;
    char_stream_room_made(mux->stream);
    if (mux->is_monitor_focused)
        monitor_greet(mux->monitor);
    else
        say(mux, "\n[serial port]\n");
}

static void send_break(struct terminal_mux *mux) {
    const struct char_receiver *receiver = &mux->serial.receiver;
    if (receiver->receive_break == NULL)
        return;
    machine_lock(mux->machine);
    receiver->receive_break(receiver->opaque);
    machine_unlock(mux->machine);
}

static void to_focus(struct terminal_mux *mux, const uint8_t *bytes, size_t count) {
    const struct char_receiver *receiver = &mux->serial.receiver;
    if (count == 0)
        return;
    if (mux->is_monitor_focused) {
        monitor_input(mux->monitor, bytes, count);
    } else if (receiver->receive != NULL) {
        machine_lock(mux->machine);
        for (size_t i = 0; i < count && mux->pending_count < TERMINAL_PENDING_MAX; i++) {
            size_t at = (mux->pending_first + mux->pending_count++) % TERMINAL_PENDING_MAX;
            mux->pending[at] = bytes[i];
        }
        deliver_pending(mux);
        machine_unlock(mux->machine);
    }
}

static void escape_command(struct terminal_mux *mux, uint8_t byte) {
    switch (byte) {
    case 'x':
    case 'X':
        mux->quit(mux->opaque);
        break;
    case 'c':
    case 'C':
        switch_focus(mux);
        break;
    case 'b':
    case 'B':
        send_break(mux);
        break;
    case CTRL_A:
        to_focus(mux, &byte, 1);
        break;
    default:
        show_help(mux);
        break;
    }
}

static void mux_input(void *opaque, const uint8_t *bytes, size_t count) {
    struct terminal_mux *mux = opaque;
    size_t start = 0;
    for (size_t i = 0; i < count && mux->has_escapes; i++) {
        if (mux->is_escaped) {
            mux->is_escaped = false;
            escape_command(mux, bytes[i]);
            start = i + 1;
        } else if (bytes[i] == CTRL_A) {
            to_focus(mux, bytes + start, i - start);
            mux->is_escaped = true;
            start = i + 1;
        }
    }
    to_focus(mux, bytes + start, count - start);
}

static size_t mux_room(void *opaque) {
    struct terminal_mux *mux = opaque;
    const struct char_receiver *receiver = &mux->serial.receiver;
    if (mux->machine == NULL)
        return 0;
    if (mux->is_monitor_focused || receiver->room == NULL)
        return 64;
    machine_lock(mux->machine);
    size_t room = receiver->room(receiver->opaque);
    size_t space = TERMINAL_PENDING_MAX - mux->pending_count;
    machine_unlock(mux->machine);
    /* The escape must be seen although the guest reads nothing, so typed bytes are always taken:
       those that the port has no room for wait here, and are lost when too many do. */
    if (mux->is_terminal)
        return space == 0 ? 1 : space;
    return room < space ? room : space;
}

void terminal_mux_init(struct terminal_mux *mux, struct char_stream *stream,
                       void (*quit)(void *opaque), void *opaque) {
    *mux = (struct terminal_mux){.stream = stream, .quit = quit, .opaque = opaque};
    mux->serial =
        (struct char_backend){.write = write_through, .room_made = serial_room_made, .opaque = mux};
    mux->output = (struct char_backend){.write = write_through, .opaque = mux};
    mux->to_monitor = mux->output;
    stream->input_room = mux_room;
    stream->input = mux_input;
    stream->input_opaque = mux;
}

void terminal_mux_connect(struct terminal_mux *mux, struct machine *machine) {
    mux->machine = machine;
    mux->is_monitor_focused = mux->monitor != NULL && !mux->has_serial;
    if (mux->is_monitor_focused)
        monitor_greet(mux->monitor);
}
