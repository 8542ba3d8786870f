/*
 * A byte stream between a chip (UART, parallel port, debug port) and the host. The frontend
 * implements `char_backend`; the chip receives bytes through `char_receiver`. Both directions are
 * called under the machine lock.
 */
#ifndef HW_CORE_CHAR_SINK_H
#define HW_CORE_CHAR_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The chip's side: how the host hands in bytes. */
struct char_receiver {
    size_t (*room)(void *opaque); /* how many bytes receive() takes now */
    void (*receive)(void *opaque, const uint8_t *bytes, size_t count);
    void (*receive_break)(void *opaque);
    void *opaque;
};

/** The host's side. Output never blocks: what the host cannot take is dropped and counted. */
struct char_backend {
    void (*write)(void *opaque, const uint8_t *bytes, size_t count);
    /** The chip has room again. May be NULL. */
    void (*room_made)(void *opaque);
    void *opaque;
    struct char_receiver receiver; /* filled in by the chip that attaches */
};

/** Send bytes to the backend; a NULL backend swallows them. */
static inline void char_write(struct char_backend *backend, const uint8_t *bytes, size_t count) {
    if (backend != NULL && backend->write != NULL)
        backend->write(backend->opaque, bytes, count);
}

#endif
