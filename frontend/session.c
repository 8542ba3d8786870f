/* One run of the program; see session.h. */
#include "frontend/session.h"

#include "frontend/char_open.h"
#include "frontend/event_loop.h"
#include "frontend/monitor.h"
#include "frontend/signal_reader.h"
#include "frontend/statistics.h"
#include "frontend/terminal.h"
#include "frontend/terminal_mux.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_HOST_ERROR 1
#define STATUS_BAD_USE    2
#define STREAMS_MAX       (MACHINE_SERIAL_PORTS + 4)

struct session {
    struct options *options;
    struct event_loop *loop;
    struct machine *machine;
    struct log log;
    FILE *stats_json;
    struct signal_reader signals;
    bool is_quitting;
    int ending_signal; /* 0: none */
    struct char_stream *stream[STREAMS_MAX];
    unsigned stream_count;
    struct char_stream *terminal_stream; /* one of the above, or NULL */
    struct terminal_mux mux;
    struct monitor monitor;
    struct char_stream *monitor_stream; /* of a monitor that is not on the terminal */
};

static int complain(const char *what, const char *message, int status) {
    fprintf(stderr, "pentimento: %s%s%s\n", what, *what == '\0' ? "" : ": ", message);
    return status;
}

static void session_quit(void *opaque) {
    struct session *session = opaque;
    session->is_quitting = true;
}

static void dump_screen(struct session *session) {
    if (!machine_text_screen(session->machine, session->log.out))
        fputs("(the screen is in a graphics mode)\n", session->log.out);
    fflush(session->log.out);
}

static void signal_arrived(void *opaque, int fd, short events) {
    struct session *session = opaque;
    int number = signal_reader_take(&session->signals);
    if (number == SIGUSR1) {
        dump_screen(session);
        return;
    }
    session->ending_signal = number;
    session->is_quitting = true;
}

/* Blocked before any thread is made, so that every thread inherits it and only the loop sees
   these signals. */
static bool open_signals(struct session *session, struct error *error) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    return signal_reader_open(&session->signals, &set, error) &&
           event_loop_add(session->loop, signal_reader_fd(&session->signals), NULL, signal_arrived,
                          session);
}

static bool open_terminal(struct session *session, struct error *error) {
    if (session->terminal_stream != NULL)
        return true;
    struct char_stream *stream = char_stream_create(session->loop, error);
    if (stream == NULL)
        return false;
    session->stream[session->stream_count++] = session->terminal_stream = stream;
    terminal_mux_init(&session->mux, stream, session_quit, session);
    session->mux.is_terminal = isatty(STDIN_FILENO);
    session->mux.has_escapes = session->mux.is_terminal;
    return true;
}

static void put_monitor_on_terminal(struct session *session) {
    monitor_init(&session->monitor, &session->mux.to_monitor, session->mux.is_terminal,
                 session_quit, session);
    session->mux.monitor = &session->monitor;
    session->mux.has_escapes = true;
}

/* Open the stream behind one port. */
static bool open_port(struct session *session, const char *option, const char *text, bool has_input,
                      struct char_backend **backend, struct error *error) {
    if (text == NULL)
        return true;
    bool is_shared = strcmp(text, "mon:stdio") == 0;
    if (is_shared || strcmp(text, "stdio") == 0) {
        if (!open_terminal(session, error))
            return false;
        *backend = has_input ? &session->mux.serial : &session->mux.output;
        session->mux.has_serial |= has_input;
        if (is_shared)
            put_monitor_on_terminal(session);
        return true;
    }
    struct error reason;
    struct char_stream *stream = char_open(session->loop, text, &reason);
    if (stream == NULL)
        return error_set(error, "-%s %s: %s", option, text, reason.message);
    session->stream[session->stream_count++] = stream;
    *backend = &stream->backend;
    return true;
}

static void monitor_stream_input(void *opaque, const uint8_t *bytes, size_t count) {
    struct session *session = opaque;
    monitor_input(&session->monitor, bytes, count);
}

static size_t monitor_stream_room(void *opaque) {
    return MONITOR_LINE_MAX;
}

static bool open_monitor(struct session *session, struct error *error) {
    const char *text = session->options->monitor;
    struct char_backend *backend = NULL;
    if (text == NULL)
        return true;
    if (session->mux.monitor != NULL)
        return error_set(error, "-monitor %s: there is one on the terminal already", text);
    if (!open_port(session, "monitor", text, false, &backend, error))
        return false;
    if (backend == &session->mux.output) {
        put_monitor_on_terminal(session);
        return true;
    }
    session->monitor_stream = session->stream[session->stream_count - 1];
    session->monitor_stream->input = monitor_stream_input;
    session->monitor_stream->input_room = monitor_stream_room;
    session->monitor_stream->input_opaque = session;
    monitor_init(&session->monitor, backend, false, session_quit, session);
    return true;
}

static bool open_ports(struct session *session, struct error *error) {
    struct options *options = session->options;
    struct machine_config *machine = &options->machine;
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++) {
        if (!open_port(session, "serial", options->serial[i], true, &machine->serial[i], error))
            return false;
    }
    return open_port(session, "parallel", options->parallel, false, &machine->parallel, error) &&
           open_port(session, "debugcon", options->debugcon, false, &machine->debugcon, error) &&
           open_port(session, "firmware-log", options->firmware_log, false, &machine->firmware_log,
                     error) &&
           open_monitor(session, error);
}

static FILE *open_output(const char *option, const char *path, struct error *error) {
    FILE *file = fopen(path, "we");
    if (file == NULL)
        error_set(error, "-%s %s: cannot write: %s", option, path, strerror(errno));
    return file;
}

static bool open_reports(struct session *session, struct error *error) {
    struct options *options = session->options;
    log_init(&session->log);
    session->log.mask = options->log_mask;
    if (options->log_path != NULL) {
        FILE *file = open_output("D", options->log_path, error);
        if (file == NULL)
            return false;
        setvbuf(file, NULL, _IOLBF, 0);
        session->log.out = file;
    }
    options->machine.log = &session->log;
    if (options->stats_json_path != NULL) {
        session->stats_json = open_output("stats-json", options->stats_json_path, error);
        if (session->stats_json == NULL)
            return false;
    }
    if (options->pidfile_path != NULL) {
        FILE *file = open_output("pidfile", options->pidfile_path, error);
        if (file == NULL)
            return false;
        fprintf(file, "%ld\n", (long)getpid());
        fclose(file);
    }
    return true;
}

static void stop_fd_ready(void *opaque, int fd, short events) {
    /* The loop ends by itself: machine_wait() tells what happened. */
}

/* The machine exists: let bytes flow both ways. */
static bool connect_machine(struct session *session, struct error *error) {
    for (unsigned i = 0; i < session->stream_count; i++)
        session->stream[i]->machine = session->machine;
    session->monitor.machine = session->machine;
    if (session->terminal_stream != NULL) {
        terminal_make_raw();
        /* In this order: attaching drops what was written for an earlier peer. */
        if (!char_stream_attach(session->terminal_stream, STDIN_FILENO, STDOUT_FILENO))
            return error_set(error, "too many streams");
        terminal_mux_connect(&session->mux, session->machine);
    }
    return event_loop_add(session->loop, machine_stop_fd(session->machine), NULL, stop_fd_ready,
                          session) ||
           error_set(error, "too many streams");
}

static bool is_over(enum machine_stop stop) {
    return stop != MACHINE_RUNNING && stop != MACHINE_PAUSED;
}

static void serve(struct session *session) {
    while (!session->is_quitting && !is_over(machine_wait(session->machine, 0)))
        event_loop_run(session->loop, -1);
    if (session->is_quitting) {
        machine_quit(session->machine);
        machine_wait(session->machine, -1);
    }
}

static void report(struct session *session) {
    for (unsigned i = 0; i < session->stream_count; i++)
        char_stream_flush(session->stream[i]);
    terminal_restore();
    if (log_is_on(&session->log, LOG_SCREEN))
        dump_screen(session);
    if (session->options->has_stats)
        statistics_print_table(session->machine, stderr);
    if (session->stats_json != NULL)
        statistics_print_json(session->machine, session->stats_json);
}

static void close_session(struct session *session) {
    machine_destroy(session->machine);
    for (unsigned i = 0; i < session->stream_count; i++)
        char_stream_destroy(session->stream[i]);
    terminal_restore();
    if (session->stats_json != NULL)
        fclose(session->stats_json);
    signal_reader_close(&session->signals);
    event_loop_destroy(session->loop);
    if (session->log.out != NULL && session->log.out != stderr)
        fclose(session->log.out);
    if (session->options->pidfile_path != NULL)
        unlink(session->options->pidfile_path);
}

static int run_machine(struct session *session) {
    struct error error;
    terminal_restore_after_crash();
    session->machine = machine_create(&session->options->machine, &error);
    if (session->machine == NULL)
        return complain("", error.message, STATUS_BAD_USE);
    if (!connect_machine(session, &error) || !machine_start(session->machine, &error)) {
        terminal_restore();
        return complain("", error.message, STATUS_HOST_ERROR);
    }
    serve(session);
    report(session);
    if (session->ending_signal != 0)
        return 128 + session->ending_signal;
    return machine_exit_status(session->machine);
}

int session_run(struct options *options) {
    struct error error;
    int status;
    struct session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return complain("", "out of memory", STATUS_HOST_ERROR);
    session->options = options;
    session->loop = event_loop_create(&error);
    if (session->loop == NULL || !open_signals(session, &error))
        status = complain("", error.message, STATUS_HOST_ERROR);
    else if (!open_reports(session, &error) || !open_ports(session, &error))
        status = complain("", error.message, STATUS_BAD_USE);
    else
        status = run_machine(session);
    close_session(session);
    free(session);
    return status;
}
