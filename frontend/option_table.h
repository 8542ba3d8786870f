/*
 * The table of options, and what the handlers in option_*.c share while the command line is read.
 */
#ifndef FRONTEND_OPTION_TABLE_H
#define FRONTEND_OPTION_TABLE_H

#include "frontend/option_value.h"
#include "frontend/options.h"

#define OPTION_DRIVES_MAX 8

/* A drive as it was asked for; placed on a channel when all options are known. */
struct drive_request {
    char *path; /* NULL: an empty CD drive */
    int index;  /* -1: the first free one */
    bool is_floppy, is_cdrom, is_readonly, is_snapshot;
    const char *option; /* which option asked, for messages */
    char *value;
};

struct option_context {
    struct options *options;
    struct error *error;
    const char *name;  /* the option being handled, without dashes; NULL: a bare disk image */
    const char *value; /* its value, "" when it takes none */
    struct drive_request drive[OPTION_DRIVES_MAX];
    unsigned drive_count;
    unsigned serial_count;
    bool has_parallel, has_monitor;
    bool has_no_defaults, is_snapshot;
    uint16_t debugcon_port;
    bool is_done; /* help was printed */
};

typedef bool option_handler(struct option_context *context, const char *value);

struct option_row {
    const char *name;
    const char *argument; /* NULL: takes no value */
    option_handler *handle;
    const char *help; /* NULL: not listed (a second spelling) */
};

/** All options in the order of -help, ended by a NULL name. */
extern const struct option_row option_rows[];

/** Fail with "-name value: text". Always returns false. */
bool option_fail(struct option_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Fail because a later version will have the feature. Always returns false. */
bool option_not_yet(struct option_context *context, const char *what);
/** Fail unless the file can be opened for reading. */
bool option_check_readable(struct option_context *context, const char *path);
/** Replace an owned string. */
void option_set_string(char **to, const char *value);

/* Handlers, by file. */
option_handler option_bios, option_firmware_dir, option_kernel, option_initrd, option_append;
option_handler option_machine, option_engine, option_accel, option_cpu, option_memory, option_smp;
option_handler option_boot, option_rtc, option_clock, option_code_cache, option_device;
option_handler option_vga, option_global;
option_handler option_hda, option_hdb, option_hdc, option_hdd, option_cdrom, option_fda, option_fdb;
option_handler option_drive, option_disk_image;
option_handler option_serial, option_parallel, option_debugcon, option_firmware_log, option_monitor,
    option_display, option_nographic, option_qmp, option_gdb, option_gdb_short, option_net,
    option_netdev, option_nic, option_log_items;

/** Put the drives on their channels. */
bool option_place_drives(struct option_context *context);
/** Ports that exist although no option asked for them. */
void option_default_ports(struct option_context *context);

#endif
