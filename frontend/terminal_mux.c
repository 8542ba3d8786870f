/* Shares the terminal between a serial port and the monitor; see terminal_mux.h. */
#include "frontend/terminal_mux.h"

#include <stdio.h>
#include <string.h>

#define CTRL_A 0x01

static void say(struct terminal_mux *mux, const char *text) {
    char_stream_write(mux->stream, (const uint8_t *)text, strlen(text));
}

static void show_help(struct terminal_mux *mux) {
    say(mux, "\r\n"
             "Ctrl-A H       this help\r\n"
             "Ctrl-A X       end the machine\r\n"
             "Ctrl-A C       switch between serial port and monitor\r\n"
             "Ctrl-A B       send a break\r\n"
             "Ctrl-A Ctrl-A  send Ctrl-A\r\n");
}

static void write_through(void *opaque, const uint8_t *bytes, size_t count) {
    struct terminal_mux *mux = opaque;
    char_stream_write(mux->stream, bytes, count);
}

static void serial_room_made(void *opaque) {
    struct terminal_mux *mux = opaque;
    char_stream_room_made(mux->stream);
}

/* Log and monitor text has bare newlines; a raw terminal wants carriage returns too. */
static void write_lines(void *opaque, const uint8_t *bytes, size_t count) {
    struct terminal_mux *mux = opaque;
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n')
            char_stream_write(mux->stream, (const uint8_t *)"\r", 1);
        char_stream_write(mux->stream, &bytes[i], 1);
    }
}

static void switch_focus(struct terminal_mux *mux) {
    if (mux->monitor == NULL || !mux->has_serial) {
        say(mux, mux->monitor == NULL ? "\r\n[no monitor here: use -serial mon:stdio]\r\n"
                                      : "\r\n[no serial port here]\r\n");
        return;
    }
    mux->is_monitor_focused = !mux->is_monitor_focused;
    char_stream_room_made(mux->stream);
    if (mux->is_monitor_focused)
        monitor_greet(mux->monitor);
    else
        say(mux, "\r\n[serial port]\r\n");
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
        receiver->receive(receiver->opaque, bytes, count);
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
    machine_unlock(mux->machine);
    /* The escape must be seen although the guest reads nothing: one byte is always taken, and
       lost when it is not part of an escape. */
    return room == 0 && mux->is_terminal ? 1 : room;
}

void terminal_mux_init(struct terminal_mux *mux, struct char_stream *stream,
                       void (*quit)(void *opaque), void *opaque) {
    *mux = (struct terminal_mux){.stream = stream, .quit = quit, .opaque = opaque};
    mux->serial =
        (struct char_backend){.write = write_through, .room_made = serial_room_made, .opaque = mux};
    mux->output = (struct char_backend){.write = write_lines, .opaque = mux};
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
