/*
 * One run of the program: opens what the options name, makes the machine, serves it until it ends
 * and reports. All of it happens on the main thread.
 */
#ifndef FRONTEND_SESSION_H
#define FRONTEND_SESSION_H

#include "frontend/options.h"

/** Run the machine that the options describe. Returns the process's exit status. */
int session_run(struct options *options);

#endif
