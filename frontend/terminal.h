/*
 * The process's terminal in raw mode, and its restoration on every way out: return from main,
 * exit(), and the signals that end a process.
 */
#ifndef FRONTEND_TERMINAL_H
#define FRONTEND_TERMINAL_H

#include <stdbool.h>

/** Restore the terminal when a signal ends the process. To be called before a machine is made,
 * whose translator handles some of these signals itself and passes on what is not its own. */
void terminal_restore_after_crash(void);
/** Switch the terminal on stdin to raw mode; nothing happens when stdin is no terminal. Returns
 *  whether it is one. */
bool terminal_make_raw(void);
/** Give the terminal its old settings back. May be called any number of times. */
void terminal_restore(void);

#endif
