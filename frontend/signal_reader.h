/*
 * Signals as bytes in a pipe, for the main thread's loop. A thread of its own waits for them: a
 * signalfd would do without one, but wakes whoever polls it whenever the process gets any signal,
 * and translated code gets thousands of SIGSEGVs a second.
 */
#ifndef FRONTEND_SIGNAL_READER_H
#define FRONTEND_SIGNAL_READER_H

#include "softmmu/base/error.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct signal_reader {
    bool is_open;
    atomic_bool is_closing;
    sigset_t signals;
    int pipe[2]; /* to read from, to write to */
    pthread_t thread;
};

/** Block these signals in the calling thread, and in those that it makes from now on, and have
 *  them read. The structure must stay where it is until it is closed. */
bool signal_reader_open(struct signal_reader *reader, const sigset_t *signals, struct error *error);
/** Does nothing when it is not open. The signals stay blocked. */
void signal_reader_close(struct signal_reader *reader);
/** The descriptor to poll for input. */
int signal_reader_fd(const struct signal_reader *reader);
/** Number of the signal that arrived first and was not taken yet; waits for one. 0: failed. */
int signal_reader_take(struct signal_reader *reader);

#endif
