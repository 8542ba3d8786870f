/*
 * Opens what -serial, -parallel, -debugcon, -firmware-log and -monitor name: null, file:PATH, pty,
 * unix:PATH[,server]. The terminal (stdio, mon:stdio) is shared and belongs to terminal_mux.h.
 */
#ifndef FRONTEND_CHAR_OPEN_H
#define FRONTEND_CHAR_OPEN_H

#include "frontend/char_stream.h"

/** Check the text without opening anything; "none" is accepted. */
bool char_check(const char *text, struct error *error);
/** Print the kinds, for `-serial help`. */
void char_print_kinds(void);

/** Open a stream that is not the terminal. */
struct char_stream *char_open(struct event_loop *loop, const char *text, struct error *error);

/* One opener for each kind; each attaches descriptors to a fresh stream. */
bool char_file_open(struct char_stream *stream, const char *path, struct error *error);
/** Makes a pseudo-terminal and prints the name of its other end on stderr. */
bool char_pty_open(struct char_stream *stream, struct error *error);
/** Connects to PATH, or with ",server" waits for peers there. */
bool char_unix_open(struct char_stream *stream, const char *path, struct error *error);

#endif
