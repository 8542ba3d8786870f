/* Byte streams over files, sockets and pseudo-terminals, without a machine behind them. */
#include "frontend/char_open.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct streams {
    struct event_loop *loop;
    struct char_stream *stream;
    char folder[64], path[80], got[256];
    size_t count; /* bytes in got */
};

static size_t room(void *opaque) {
    struct streams *s = opaque;
    return sizeof(s->got) - 1 - s->count;
}

static void take(void *opaque, const uint8_t *bytes, size_t count) {
    struct streams *s = opaque;
    memcpy(s->got + s->count, bytes, count);
    s->count += count;
}

static struct streams *set_up(void) {
    static struct streams streams;
    struct error error = {{0}};
    struct streams *s = &streams;
    strcpy(s->folder, "/tmp/pentimento-test-XXXXXX");
    cr_assert_not_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof(s->path), "%s/end", s->folder);
    s->loop = event_loop_create(&error);
    cr_assert_not_null(s->loop, "%s", error.message);
    return s;
}

static void open_stream(struct streams *s, const char *text) {
    struct error error = {{0}};
    s->stream = char_open(s->loop, text, &error);
    cr_assert_not_null(s->stream, "%s", error.message);
    s->stream->input_room = room;
    s->stream->input = take;
    s->stream->input_opaque = s;
}

static void tear_down(struct streams *s) {
    char_stream_destroy(s->stream);
    event_loop_destroy(s->loop);
    unlink(s->path);
    rmdir(s->folder);
}

static void send_text(struct streams *s, const char *text) {
    char_write(&s->stream->backend, (const uint8_t *)text, strlen(text));
}

/* Serve the loop until so many bytes came in. */
static void receive(struct streams *s, const char *expected) {
    for (unsigned i = 0; i < 1000 && s->count < strlen(expected); i++)
        event_loop_run(s->loop, 10);
    s->got[s->count] = '\0';
    cr_expect_str_eq(s->got, expected);
}

/* Read what the stream sends to the other end. */
static void expect_at(struct streams *s, int fd, const char *expected) {
    char text[256];
    size_t count = 0;
    for (unsigned i = 0; i < 1000 && count < strlen(expected); i++) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        event_loop_run(s->loop, 0);
        if (poll(&polled, 1, 10) == 1) {
            ssize_t got = read(fd, text + count, sizeof(text) - 1 - count);
            cr_assert_gt(got, 0);
            count += (size_t)got;
        }
    }
    text[count] = '\0';
    cr_expect_str_eq(text, expected);
}

static struct sockaddr_un address_of(const struct streams *s) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, s->path);
    return address;
}

Test(char_streams, a_file_takes_what_is_sent) {
    struct streams *s = set_up();
    char text[100];
    snprintf(text, sizeof(text), "file:%s", s->path);
    open_stream(s, text);
    send_text(s, "first, ");
    send_text(s, "second");
    char_stream_flush(s->stream);
    int fd = open(s->path, O_RDONLY);
    expect_at(s, fd, "first, second");
    close(fd);
    tear_down(s);
}

Test(char_streams, a_unix_server_serves_one_peer_after_the_other) {
    struct streams *s = set_up();
    char text[100];
    snprintf(text, sizeof(text), "unix:%s,server", s->path);
    open_stream(s, text);
    struct sockaddr_un address = address_of(s);
    send_text(s, "nobody hears this");
    for (unsigned i = 0; i < 2; i++) {
        int peer = socket(AF_UNIX, SOCK_STREAM, 0);
        cr_assert_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
        s->count = 0;
        cr_assert_eq(write(peer, "ping", 4), 4);
        receive(s, "ping");
        send_text(s, "pong");
        expect_at(s, peer, "pong");
        close(peer);
    }
    tear_down(s);
    cr_expect_neq(access(s->path, F_OK), 0, "the socket is left behind");
}

Test(char_streams, a_unix_client_connects) {
    struct streams *s = set_up();
    struct sockaddr_un address = address_of(s);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 1), 0);
    char text[100];
    snprintf(text, sizeof(text), "unix:%s", s->path);
    open_stream(s, text);
    int peer = accept(listener, NULL, NULL);
    cr_assert_geq(peer, 0);
    send_text(s, "hello");
    expect_at(s, peer, "hello");
    close(peer);
    for (unsigned i = 0; i < 1000 && s->stream->input_fd >= 0; i++)
        event_loop_run(s->loop, 10);
    cr_expect_eq(s->stream->input_fd, -1, "the peer has gone, and nobody noticed");
    send_text(s, "dropped");
    close(listener);
    tear_down(s);
}

Test(char_streams, a_pty_is_a_raw_terminal) {
    struct streams *s = set_up();
    open_stream(s, "pty");
    int peer = open(ptsname(s->stream->input_fd), O_RDWR | O_NOCTTY);
    cr_assert_geq(peer, 0);
    send_text(s, "line\n");
    expect_at(s, peer, "line\n");
    cr_assert_eq(write(peer, "\x03\r", 2), 2);
    receive(s, "\x03\r");
    close(peer);
    tear_down(s);
}

Test(char_streams, input_waits_until_there_is_room) {
    struct streams *s = set_up();
    open_stream(s, "pty");
    int peer = open(ptsname(s->stream->input_fd), O_RDWR | O_NOCTTY);
    s->count = sizeof(s->got) - 1; /* no room */
    cr_assert_eq(write(peer, "x", 1), 1);
    for (unsigned i = 0; i < 5; i++)
        event_loop_run(s->loop, 10);
    cr_expect_eq(s->count, sizeof(s->got) - 1);
    s->count = 0;
    char_stream_room_made(s->stream);
    receive(s, "x");
    close(peer);
    tear_down(s);
}

Test(char_streams, output_that_does_not_fit_is_counted) {
    struct streams *s = set_up();
    open_stream(s, "pty");
    uint8_t bytes[4096] = {0};
    for (unsigned i = 0; i < CHAR_BUFFER_SIZE / sizeof(bytes); i++)
        char_stream_write(s->stream, bytes, sizeof(bytes));
    cr_expect_eq(s->stream->dropped_bytes, 0);
    char_stream_write(s->stream, bytes, 5);
    cr_expect_eq(s->stream->dropped_bytes, 5);
    s->stream->sent = s->stream->written; /* nobody reads: do not wait for them at the end */
    tear_down(s);
}

Test(char_streams, what_cannot_be_opened_is_explained) {
    static const struct {
        const char *text, *message;
    } cases[] = {{"file:/nowhere/file", "No such file"},
                 {"unix:/nowhere/socket", "cannot connect"},
                 {"unix:/nowhere/socket,sever", "only ,server"},
                 {"pyt", "did you mean 'pty'?"},
                 {"null:x", "takes no"}};
    struct streams *s = set_up();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error = {{0}};
        cr_expect_null(char_open(s->loop, cases[i].text, &error), "%s", cases[i].text);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%s: %s", cases[i].text,
                           error.message);
    }
    s->stream = NULL;
    tear_down(s);
}
