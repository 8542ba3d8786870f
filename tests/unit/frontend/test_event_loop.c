/* The main thread's loop. */
#include "frontend/event_loop.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <unistd.h>

struct bench {
    struct event_loop *loop;
    int pipe[2];
    unsigned calls;
    short wanted, events;
};

static void ready(void *opaque, int fd, short events) {
    struct bench *b = opaque;
    b->calls++;
    b->events = events;
}

static short wanted(void *opaque, int fd) {
    return ((struct bench *)opaque)->wanted;
}

static struct bench *set_up(void) {
    static struct bench bench;
    struct error error = {{0}};
    bench = (struct bench){.loop = event_loop_create(&error)};
    cr_assert_not_null(bench.loop, "%s", error.message);
    cr_assert_eq(pipe(bench.pipe), 0);
    return &bench;
}

static void tear_down(struct bench *b) {
    event_loop_destroy(b->loop);
    close(b->pipe[0]);
    close(b->pipe[1]);
}

Test(event_loop, a_readable_descriptor_is_served) {
    struct bench *b = set_up();
    cr_assert(event_loop_add(b->loop, b->pipe[0], NULL, ready, b));
    event_loop_run(b->loop, 0);
    cr_expect_eq(b->calls, 0);
    cr_assert_eq(write(b->pipe[1], "x", 1), 1);
    event_loop_run(b->loop, -1);
    cr_expect_eq(b->calls, 1);
    cr_expect(b->events & POLLIN);
    tear_down(b);
}

Test(event_loop, a_source_that_wants_nothing_is_left_alone) {
    struct bench *b = set_up();
    cr_assert(event_loop_add(b->loop, b->pipe[0], wanted, ready, b));
    cr_assert_eq(write(b->pipe[1], "x", 1), 1);
    event_loop_run(b->loop, 0);
    cr_expect_eq(b->calls, 0);
    b->wanted = POLLIN;
    event_loop_run(b->loop, -1);
    cr_expect_eq(b->calls, 1);
    tear_down(b);
}

Test(event_loop, a_removed_source_is_not_served) {
    struct bench *b = set_up();
    cr_assert(event_loop_add(b->loop, b->pipe[0], NULL, ready, b));
    cr_assert_eq(write(b->pipe[1], "x", 1), 1);
    event_loop_remove(b->loop, b->pipe[0]);
    event_loop_run(b->loop, 0);
    cr_expect_eq(b->calls, 0);
    tear_down(b);
}

Test(event_loop, waking_ends_one_wait) {
    struct bench *b = set_up();
    event_loop_wake(b->loop);
    event_loop_wake(b->loop);
    event_loop_run(b->loop, -1); /* returns, or the test times out */
    event_loop_wake(b->loop);
    event_loop_run(b->loop, -1);
    cr_expect_eq(b->calls, 0);
    tear_down(b);
}

Test(event_loop, the_number_of_sources_is_bounded) {
    struct bench *b = set_up();
    for (unsigned i = 0; i < EVENT_SOURCES_MAX; i++)
        cr_assert(event_loop_add(b->loop, b->pipe[0], NULL, ready, b), "source %u", i);
    cr_expect_not(event_loop_add(b->loop, b->pipe[0], NULL, ready, b));
    tear_down(b);
}
