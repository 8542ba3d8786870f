/* Signals that arrive through a pipe. */
#include "frontend/signal_reader.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void open_reader(struct signal_reader *reader) {
    struct error error = {{0}};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    cr_assert(signal_reader_open(reader, &set, &error), "%s", error.message);
}

Test(signal_reader, signals_are_taken_in_the_order_of_their_arrival) {
    struct signal_reader reader;
    open_reader(&reader);
    kill(getpid(), SIGUSR1);
    cr_expect_eq(signal_reader_take(&reader), SIGUSR1);
    kill(getpid(), SIGTERM);
    cr_expect_eq(signal_reader_take(&reader), SIGTERM);
    struct pollfd none = {.fd = signal_reader_fd(&reader), .events = POLLIN};
    cr_expect_eq(poll(&none, 1, 0), 0);
    signal_reader_close(&reader);
}

Test(signal_reader, a_reader_that_was_closed_may_be_closed_again) {
    struct signal_reader reader;
    open_reader(&reader);
    signal_reader_close(&reader);
    signal_reader_close(&reader);
    cr_expect_not(reader.is_open);
}

/* How often a thread of this process went to sleep by itself. */
static unsigned long sleeps_of(pid_t thread) {
    char path[64], line[128];
    unsigned long count = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)thread);
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        sscanf(line, "voluntary_ctxt_switches: %lu", &count);
    fclose(file);
    return count;
}

#define FAULTS 2000

static volatile unsigned faults;

static void count_fault(int number) {
    faults++;
}

static void *poll_signals(void *opaque) {
    struct signal_reader *reader = opaque;
    struct pollfd signals = {.fd = signal_reader_fd(reader), .events = POLLIN};
    unsigned long before = sleeps_of(gettid());
    cr_expect_eq(poll(&signals, 1, -1), 1);
    return (void *)(sleeps_of(gettid()) - before);
}

Test(signal_reader, faults_of_one_thread_do_not_wake_the_one_that_polls) {
    struct signal_reader reader;
    pthread_t poller;
    void *sleeps;
    open_reader(&reader);
    signal(SIGSEGV, count_fault);
    pthread_create(&poller, NULL, poll_signals, &reader);
    for (unsigned i = 0; i < FAULTS; i++)
        raise(SIGSEGV);
    kill(getpid(), SIGUSR1);
    pthread_join(poller, &sleeps);
    cr_expect_eq(faults, FAULTS);
    cr_expect_lt((uintptr_t)sleeps, FAULTS / 10, "woken %lu times", (unsigned long)sleeps);
    signal_reader_close(&reader);
}
