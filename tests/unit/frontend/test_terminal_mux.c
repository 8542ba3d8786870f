/* The terminal between serial port and monitor: Ctrl-A and what follows it. */
#include "frontend/terminal_mux.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct bench {
    struct rom_machine m;
    struct event_loop *loop;
    struct char_stream *stream;
    struct terminal_mux mux;
    struct monitor monitor;
    int pipe[2]; /* what the terminal shows */
    char serial[64];
    size_t serial_count, serial_room;
    unsigned breaks, quits;
};

static size_t room(void *opaque) {
    struct bench *b = opaque;
    return b->serial_room;
}

static void take(void *opaque, const uint8_t *bytes, size_t count) {
    struct bench *b = opaque;
    cr_assert_lt(b->serial_count + count, sizeof(b->serial));
    memcpy(b->serial + b->serial_count, bytes, count);
    b->serial_count += count;
}

static void take_break(void *opaque) {
    struct bench *b = opaque;
    b->breaks++;
}

static void quit(void *opaque) {
    struct bench *b = opaque;
    b->quits++;
}

static struct bench *set_up(bool has_monitor) {
    static struct bench bench;
    struct bench *b = &bench;
    struct error error = {{0}};
    struct machine_config config = rom_machine_config();
    rom_machine_create(&b->m, &config, counting_code, counting_code_size);
    cr_assert_eq(pipe2(b->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    b->loop = event_loop_create(&error);
    b->stream = char_stream_create(b->loop, &error);
    cr_assert(char_stream_attach(b->stream, -1, b->pipe[1]));
    terminal_mux_init(&b->mux, b->stream, quit, b);
    b->mux.has_serial = b->mux.has_escapes = true;
    b->mux.serial.receiver = (struct char_receiver){room, take, take_break, b};
    monitor_init(&b->monitor, &b->mux.to_monitor, true, quit, b);
    b->monitor.machine = b->m.machine;
    b->mux.monitor = has_monitor ? &b->monitor : NULL;
    b->serial_room = 16;
    terminal_mux_connect(&b->mux, b->m.machine);
    return b;
}

static void tear_down(struct bench *b) {
    char_stream_destroy(b->stream);
    event_loop_destroy(b->loop);
    close(b->pipe[0]);
    close(b->pipe[1]);
    rom_machine_destroy(&b->m);
}

static void type(struct bench *b, const char *text) {
    b->stream->input(b->stream->input_opaque, (const uint8_t *)text, strlen(text));
}

static void expect_serial(struct bench *b, const char *text) {
    b->serial[b->serial_count] = '\0';
    cr_expect_str_eq(b->serial, text);
}

static void expect_shown(struct bench *b, const char *text) {
    char shown[4096];
    char_stream_flush(b->stream);
    ssize_t got = read(b->pipe[0], shown, sizeof(shown) - 1);
    shown[got < 0 ? 0 : got] = '\0';
    cr_expect_not_null(strstr(shown, text), "'%s' is not in: %s", text, shown);
}

Test(terminal_mux, bytes_go_to_the_serial_port) {
    struct bench *b = set_up(true);
    type(b, "ls\r\x03");
    expect_serial(b, "ls\r\x03");
    char_write(&b->mux.serial, (const uint8_t *)"answer\n", 7);
    expect_shown(b, "answer\n");
    tear_down(b);
}

Test(terminal_mux, ctrl_a_x_ends) {
    struct bench *b = set_up(true);
    type(b, "a\x01xb");
    cr_expect_eq(b->quits, 1);
    expect_serial(b, "ab");
    tear_down(b);
}

Test(terminal_mux, ctrl_a_twice_sends_one) {
    struct bench *b = set_up(true);
    type(b, "\x01\x01");
    expect_serial(b, "\x01");
    tear_down(b);
}

Test(terminal_mux, ctrl_a_c_switches_to_the_monitor_and_back) {
    struct bench *b = set_up(true);
    type(b, "\x01");
    type(b, "chelp\r");
    expect_serial(b, "");
    expect_shown(b, "info registers     the CPU's registers\n");
    type(b, "\x01"
            "cX");
    expect_serial(b, "X");
    expect_shown(b, "[serial port]");
    tear_down(b);
}

Test(terminal_mux, without_a_monitor_ctrl_a_c_says_so) {
    struct bench *b = set_up(false);
    type(b, "\x01"
            "c");
    expect_shown(b, "no monitor here");
    cr_expect_not(b->mux.is_monitor_focused);
    tear_down(b);
}

Test(terminal_mux, ctrl_a_b_sends_a_break_and_h_helps) {
    struct bench *b = set_up(true);
    type(b, "\x01"
            "b\x01h");
    cr_expect_eq(b->breaks, 1);
    expect_serial(b, "");
    expect_shown(b, "Ctrl-A X       end the machine");
    tear_down(b);
}

Test(terminal_mux, without_escapes_every_byte_passes) {
    struct bench *b = set_up(false);
    b->mux.has_escapes = false;
    type(b, "\x01x");
    expect_serial(b, "\x01x");
    cr_expect_eq(b->quits, 0);
    tear_down(b);
}

Test(terminal_mux, the_escape_is_seen_though_the_guest_reads_nothing) {
    struct bench *b = set_up(true);
    b->serial_room = 0;
    cr_expect_eq(b->stream->input_room(b->stream->input_opaque), 0);
    b->mux.is_terminal = true;
    cr_expect_gt(b->stream->input_room(b->stream->input_opaque), 0);
    tear_down(b);
}

Test(terminal_mux, a_pasted_line_waits_for_room) {
    struct bench *b = set_up(true);
    b->mux.is_terminal = true;
    b->serial_room = 0;
    type(b, "a line that is longer than a FIFO\r");
    expect_serial(b, "");
    b->serial_room = 16;
    b->mux.serial.room_made(b->mux.serial.opaque);
    expect_serial(b, "a line that is longer than a FIFO\r");
    tear_down(b);
}
