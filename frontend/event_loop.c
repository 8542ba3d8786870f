/* The main thread's loop over poll(); see event_loop.h. */
#include "frontend/event_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct event_source {
    int fd;
    event_wanted *wanted;
    event_ready *ready;
    void *opaque;
};

struct event_loop {
    struct event_source source[EVENT_SOURCES_MAX];
    unsigned count;
    int wake_fd;
    _Atomic bool is_woken; /* spares the eventfd write while one is on its way */
};

struct event_loop *event_loop_create(struct error *error) {
    struct event_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        error_set(error, "out of memory");
        return NULL;
    }
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        error_set(error, "eventfd: %s", strerror(errno));
        free(loop);
        return NULL;
    }
    return loop;
}

void event_loop_destroy(struct event_loop *loop) {
    if (loop == NULL)
        return;
    close(loop->wake_fd);
    free(loop);
}

bool event_loop_add(struct event_loop *loop, int fd, event_wanted *wanted, event_ready *ready,
                    void *opaque) {
    if (loop->count == EVENT_SOURCES_MAX)
        return false;
    loop->source[loop->count++] = (struct event_source){fd, wanted, ready, opaque};
    return true;
}

void event_loop_remove(struct event_loop *loop, int fd) {
    unsigned kept = 0;
    for (unsigned i = 0; i < loop->count; i++) {
        if (loop->source[i].fd != fd)
            loop->source[kept++] = loop->source[i];
    }
    loop->count = kept;
}

void event_loop_wake(struct event_loop *loop) {
    uint64_t one = 1;
    if (!atomic_exchange(&loop->is_woken, true)) {
        /* An eventfd counter takes this write unless it is full, and then it is readable. */
        ssize_t written = write(loop->wake_fd, &one, sizeof(one));
        (void)written;
    }
}

static void drain_wake(struct event_loop *loop) {
    uint64_t count;
    ssize_t got = read(loop->wake_fd, &count, sizeof(count));
    (void)got;
    atomic_store(&loop->is_woken, false);
}

static void serve(struct event_loop *loop, const struct pollfd *polled, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (polled[i].revents == 0)
            continue;
        /* A handler may add and remove sources, so look this one up afresh. */
        for (unsigned s = 0; s < loop->count; s++) {
            if (loop->source[s].fd == polled[i].fd) {
                struct event_source source = loop->source[s];
                source.ready(source.opaque, source.fd, polled[i].revents);
                break;
            }
        }
    }
}

void event_loop_run(struct event_loop *loop, int timeout_ms) {
    struct pollfd polled[EVENT_SOURCES_MAX + 1];
    unsigned count = 0;
    for (unsigned i = 0; i < loop->count; i++) {
        struct event_source *source = &loop->source[i];
        short events = source->wanted == NULL ? POLLIN : source->wanted(source->opaque, source->fd);
        /* poll() reports a hang-up even when nothing was asked for; leave idle sources out. */
        if (events != 0)
            polled[count++] = (struct pollfd){.fd = source->fd, .events = events};
    }
    polled[count] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    if (poll(polled, count + 1, timeout_ms) <= 0)
        return;
    if (polled[count].revents != 0)
        drain_wake(loop);
    serve(loop, polled, count);
}
