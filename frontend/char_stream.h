/*
 * A byte stream between a chip and host descriptors. Output goes through a bounded buffer that
 * the main thread empties, so the guest never waits for the host; what does not fit is dropped
 * and counted. Input is read only as fast as the chip has room.
 */
#ifndef FRONTEND_CHAR_STREAM_H
#define FRONTEND_CHAR_STREAM_H

#include "frontend/event_loop.h"
#include "hw/core/char_sink.h"
#include "hw/machine/machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAR_BUFFER_SIZE (UINT32_C(1) << 20) /* a power of two */

struct char_stream {
    struct char_backend backend;
    struct event_loop *loop;
    struct machine *machine;            /* NULL until the machine exists: input waits */
    int input_fd, output_fd, listen_fd; /* -1: none */
    int far_end_fd;                     /* of a pty, held open so that it never hangs up */
    _Atomic bool is_full;               /* input waits until the receiver makes room */
    char *socket_path;                  /* to unlink at the end, or NULL */
    bool owns_fds;
    /* Who takes input instead of backend.receiver (a multiplexer, a monitor); called without the
       machine lock. NULL: the chip, under the lock. */
    size_t (*input_room)(void *opaque);
    void (*input)(void *opaque, const uint8_t *bytes, size_t count);
    void *input_opaque;

    pthread_mutex_t mutex; /* guards what follows; taken inside the machine lock */
    uint8_t *buffer;
    uint32_t written, sent; /* free-running; the difference is what waits */
    uint64_t dropped_bytes;
};

/** A stream without descriptors: output is dropped, there is no input. */
struct char_stream *char_stream_create(struct event_loop *loop, struct error *error);
void char_stream_destroy(struct char_stream *stream);
/** Give it descriptors (-1: none) and start serving them. */
bool char_stream_attach(struct char_stream *stream, int input_fd, int output_fd);
/** Wait for a peer on a listening socket; each new one replaces the last. */
bool char_stream_listen(struct char_stream *stream, int listen_fd);
/** Queue bytes for the host. Any thread. */
void char_stream_write(struct char_stream *stream, const uint8_t *bytes, size_t count);
/** The receiver has room again. Any thread. */
void char_stream_room_made(struct char_stream *stream);
/** Send what is queued, waiting at most about a second for a slow peer. Main thread. */
void char_stream_flush(struct char_stream *stream);

#endif
