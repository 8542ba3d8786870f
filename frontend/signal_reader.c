#include "frontend/signal_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/** Any of them: what ends the thread's wait. */
static int first_signal(const sigset_t *signals) {
    int number = 1;
    while (sigismember(signals, number) == 0)
        number++;
    return number;
}

static void *pass_signals_on(void *opaque) {
    struct signal_reader *reader = opaque;
    int number;
    while (sigwait(&reader->signals, &number) == 0 && !atomic_load(&reader->is_closing)) {
        uint8_t byte = (uint8_t)number;
        while (write(reader->pipe[1], &byte, 1) < 0 && errno == EINTR) {
        }
    }
    return NULL;
}

bool signal_reader_open(struct signal_reader *reader, const sigset_t *signals,
                        struct error *error) {
    *reader = (struct signal_reader){.signals = *signals};
    if (pipe2(reader->pipe, O_CLOEXEC) != 0)
        return error_set(error, "cannot make a pipe for signals: %s", strerror(errno));
    /* Nobody shall wait for room: 64 Ki signals that were not taken are enough. */
    fcntl(reader->pipe[1], F_SETFL, O_NONBLOCK);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    int failure = pthread_create(&reader->thread, NULL, pass_signals_on, reader);
    if (failure != 0) {
        close(reader->pipe[0]);
        close(reader->pipe[1]);
        return error_set(error, "cannot wait for signals: %s", strerror(failure));
    }
    reader->is_open = true;
    return true;
}

void signal_reader_close(struct signal_reader *reader) {
    if (!reader->is_open)
        return;
    atomic_store(&reader->is_closing, true);
    pthread_kill(reader->thread, first_signal(&reader->signals));
    pthread_join(reader->thread, NULL);
    close(reader->pipe[0]);
    close(reader->pipe[1]);
    reader->is_open = false;
}

int signal_reader_fd(const struct signal_reader *reader) {
    return reader->pipe[0];
}

int signal_reader_take(struct signal_reader *reader) {
    uint8_t byte;
    return read(reader->pipe[0], &byte, 1) == 1 ? byte : 0;
}
