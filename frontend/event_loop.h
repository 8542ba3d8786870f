/*
 * The main thread's loop: waits for descriptors and hands each one that is ready to its owner.
 * Other threads may only call event_loop_wake().
 */
#ifndef FRONTEND_EVENT_LOOP_H
#define FRONTEND_EVENT_LOOP_H

#include "softmmu/base/error.h"

#include <stdbool.h>

#define EVENT_SOURCES_MAX 32

struct event_loop;

/** Called with the poll() events that are there. */
typedef void event_ready(void *opaque, int fd, short events);
/** Called before each wait, to say what to wait for: poll() events, 0 for nothing. */
typedef short event_wanted(void *opaque, int fd);

struct event_loop *event_loop_create(struct error *error);
void event_loop_destroy(struct event_loop *loop);
/** Watch a descriptor; `wanted` NULL means POLLIN always. */
bool event_loop_add(struct event_loop *loop, int fd, event_wanted *wanted, event_ready *ready,
                    void *opaque);
/** Stop watching every descriptor that was added with this number. */
void event_loop_remove(struct event_loop *loop, int fd);
/** Wait at most timeout_ms (-1: for ever) and serve what is ready. */
void event_loop_run(struct event_loop *loop, int timeout_ms);
/** Make the wait return soon, so that `wanted` is asked again. Any thread. */
void event_loop_wake(struct event_loop *loop);

#endif
