/*
 * A host-side error with a message for the user. Functions that can fail on the host's account
 * take a `struct error *`, fill it once where the failure happened, and return false.
 * Guest faults never travel this way (interp/cpu/exception.h).
 */
#ifndef SOFTMMU_BASE_ERROR_H
#define SOFTMMU_BASE_ERROR_H

#include <stdbool.h>

struct error {
    char message[512];
};

/** Format a one-line message into error (which may be NULL). Always returns false. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
