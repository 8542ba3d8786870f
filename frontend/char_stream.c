/* A byte stream between a chip and host descriptors; see char_stream.h. */
#include "frontend/char_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* poll() calls a pipe writable when this much fits, so such a write does not block. */
#define SEND_CHUNK    4096
#define FLUSH_WAIT_MS 1000

static void backend_write(void *opaque, const uint8_t *bytes, size_t count) {
    char_stream_write(opaque, bytes, count);
}

static void backend_room_made(void *opaque) {
    char_stream_room_made(opaque);
}

void char_stream_room_made(struct char_stream *stream) {
    if (atomic_exchange(&stream->is_full, false))
        event_loop_wake(stream->loop);
}

struct char_stream *char_stream_create(struct event_loop *loop, struct error *error) {
    struct char_stream *stream = calloc(1, sizeof(*stream));
    uint8_t *buffer = malloc(CHAR_BUFFER_SIZE);
    if (stream == NULL || buffer == NULL) {
        free(stream);
        free(buffer);
        error_set(error, "out of memory");
        return NULL;
    }
    stream->backend = (struct char_backend){
        .write = backend_write, .room_made = backend_room_made, .opaque = stream};
    stream->loop = loop;
    stream->input_fd = stream->output_fd = stream->listen_fd = stream->far_end_fd = -1;
    stream->buffer = buffer;
    pthread_mutex_init(&stream->mutex, NULL);
    return stream;
}

static void detach(struct char_stream *stream) {
    int input = stream->input_fd, output = stream->output_fd;
    pthread_mutex_lock(&stream->mutex);
    stream->input_fd = stream->output_fd = -1;
    pthread_mutex_unlock(&stream->mutex);
    if (input >= 0)
        event_loop_remove(stream->loop, input);
    if (output >= 0)
        event_loop_remove(stream->loop, output);
    if (!stream->owns_fds)
        return;
    if (input >= 0)
        close(input);
    if (output >= 0 && output != input)
        close(output);
}

void char_stream_destroy(struct char_stream *stream) {
    if (stream == NULL)
        return;
    char_stream_flush(stream);
    detach(stream);
    if (stream->listen_fd >= 0) {
        event_loop_remove(stream->loop, stream->listen_fd);
        close(stream->listen_fd);
    }
    if (stream->far_end_fd >= 0)
        close(stream->far_end_fd);
    if (stream->socket_path != NULL)
        unlink(stream->socket_path);
    free(stream->socket_path);
    pthread_mutex_destroy(&stream->mutex);
    free(stream->buffer);
    free(stream);
}

void char_stream_write(struct char_stream *stream, const uint8_t *bytes, size_t count) {
    pthread_mutex_lock(&stream->mutex);
    bool has_peer = stream->output_fd >= 0;
    bool was_empty = stream->written == stream->sent;
    for (size_t i = 0; has_peer && i < count; i++) {
        if (stream->written - stream->sent == CHAR_BUFFER_SIZE) {
            stream->dropped_bytes += count - i;
            break;
        }
        stream->buffer[stream->written++ % CHAR_BUFFER_SIZE] = bytes[i];
    }
    pthread_mutex_unlock(&stream->mutex);
    if (has_peer && was_empty)
        event_loop_wake(stream->loop);
}

/* Send one chunk. False when the peer is gone. */
static bool send_chunk(struct char_stream *stream) {
    uint8_t chunk[SEND_CHUNK];
    size_t count = 0;
    pthread_mutex_lock(&stream->mutex);
    while (count < sizeof(chunk) && stream->sent + count != stream->written) {
        chunk[count] = stream->buffer[(stream->sent + count) % CHAR_BUFFER_SIZE];
        count++;
    }
    pthread_mutex_unlock(&stream->mutex);
    if (count == 0)
        return true;
    ssize_t sent = write(stream->output_fd, chunk, count);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    pthread_mutex_lock(&stream->mutex);
    stream->sent += (uint32_t)sent;
    pthread_mutex_unlock(&stream->mutex);
    return true;
}

static bool has_output(struct char_stream *stream) {
    pthread_mutex_lock(&stream->mutex);
    bool is_waiting = stream->written != stream->sent;
    pthread_mutex_unlock(&stream->mutex);
    return is_waiting && stream->output_fd >= 0;
}

void char_stream_flush(struct char_stream *stream) {
    while (has_output(stream)) {
        struct pollfd polled = {.fd = stream->output_fd, .events = POLLOUT};
        if (poll(&polled, 1, FLUSH_WAIT_MS) <= 0 || !send_chunk(stream))
            return;
    }
}

static size_t input_room(struct char_stream *stream) {
    if (stream->input_room != NULL)
        return stream->input_room(stream->input_opaque);
    const struct char_receiver *receiver = &stream->backend.receiver;
    if (stream->machine == NULL || receiver->room == NULL)
        return 0;
    machine_lock(stream->machine);
    size_t room = receiver->room(receiver->opaque);
    machine_unlock(stream->machine);
    return room;
}

static void deliver(struct char_stream *stream, const uint8_t *bytes, size_t count) {
    if (stream->input != NULL) {
        stream->input(stream->input_opaque, bytes, count);
        return;
    }
    const struct char_receiver *receiver = &stream->backend.receiver;
    machine_lock(stream->machine);
    receiver->receive(receiver->opaque, bytes, count);
    machine_unlock(stream->machine);
}

/* Read what the chip has room for. False at the end of the input. */
static bool take_input(struct char_stream *stream) {
    uint8_t bytes[256];
    /* Set first: room that is made from here on clears it again, so no wake-up is lost. */
    atomic_store(&stream->is_full, true);
    size_t room = input_room(stream);
    if (room == 0)
        return true;
    atomic_store(&stream->is_full, false);
    ssize_t got = read(stream->input_fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
    if (got > 0)
        deliver(stream, bytes, (size_t)got);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static short wanted_events(void *opaque, int fd) {
    struct char_stream *stream = opaque;
    short events = 0;
    if (fd == stream->input_fd && !atomic_load(&stream->is_full))
        events |= POLLIN;
    if (fd == stream->output_fd && has_output(stream))
        events |= POLLOUT;
    return events;
}

static void stream_ready(void *opaque, int fd, short events) {
    struct char_stream *stream = opaque;
    bool is_alive = true;
    if (fd == stream->output_fd && (events & (POLLOUT | POLLERR | POLLHUP)) != 0 &&
        has_output(stream))
        is_alive = send_chunk(stream);
    if (is_alive && fd == stream->input_fd && (events & (POLLIN | POLLHUP)) != 0)
        is_alive = take_input(stream);
    if (is_alive)
        return;
    if (fd == stream->output_fd || stream->input_fd == stream->output_fd) {
        detach(stream);
        return;
    }
    /* End of the input alone: output goes on. */
    event_loop_remove(stream->loop, fd);
    if (stream->owns_fds)
        close(fd);
    stream->input_fd = -1;
}

bool char_stream_attach(struct char_stream *stream, int input_fd, int output_fd) {
    pthread_mutex_lock(&stream->mutex);
    stream->input_fd = input_fd;
    stream->output_fd = output_fd;
    stream->sent = stream->written; /* nothing old for a new peer */
    pthread_mutex_unlock(&stream->mutex);
    bool is_added = true;
    if (input_fd >= 0)
        is_added = event_loop_add(stream->loop, input_fd, wanted_events, stream_ready, stream);
    if (is_added && output_fd >= 0 && output_fd != input_fd)
        is_added = event_loop_add(stream->loop, output_fd, wanted_events, stream_ready, stream);
    return is_added;
}

static void peer_arrived(void *opaque, int fd, short events) {
    struct char_stream *stream = opaque;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (peer < 0)
        return;
    detach(stream);
    if (!char_stream_attach(stream, peer, peer))
        detach(stream);
}

bool char_stream_listen(struct char_stream *stream, int listen_fd) {
    stream->listen_fd = listen_fd;
    stream->owns_fds = true;
    return event_loop_add(stream->loop, listen_fd, NULL, peer_arrived, stream);
}
