/*
 * The command line. options_parse() turns it into a machine configuration and what the frontend
 * itself has to do; the contract is QEMU's spelling wherever QEMU has an option for the thing.
 * Nothing is opened for writing and nothing is started here.
 */
#ifndef FRONTEND_OPTIONS_H
#define FRONTEND_OPTIONS_H

#include "hw/machine/machine.h"
#include "softmmu/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum display_kind { DISPLAY_NONE };

struct options {
    struct machine_config machine; /* the char_backend pointers are filled in by main.c */
    /* Where byte streams go, as written on the command line; NULL: no such port. */
    char *serial[MACHINE_SERIAL_PORTS];
    char *parallel;
    char *debugcon;
    char *firmware_log;
    char *monitor; /* NULL: none */
    bool is_nographic;
    enum display_kind display;
    uint32_t log_mask;
    char *log_path; /* -D */
    bool has_stats;
    char *stats_json_path;
    char *pidfile_path;
};

enum options_result {
    OPTIONS_RUN,  /* start the machine */
    OPTIONS_DONE, /* something like -help was asked for and printed: exit 0 */
    OPTIONS_BAD,  /* the error says what; exit 2 */
};

/** Parse and check the command line; every path that is read must exist. */
enum options_result options_parse(struct options *options, int argc, char **argv,
                                  struct error *error);
void options_free(struct options *options);

#endif
