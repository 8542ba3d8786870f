/*
 * Reads the command line with the table in option_rows: looks each option up, hands its value to
 * the handler, then fills in defaults and checks what only the whole line can show.
 */
#include "frontend/options.h"
#include "hw/machine/catalogue.h"

#include "frontend/option_table.h"
#include "frontend/option_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_RAM_BYTES  (UINT64_C(128) << 20)
#define DEFAULT_CODE_CACHE (UINT64_C(64) << 20)

bool option_fail(struct option_context *context, const char *format, ...) {
    char text[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *gap = context->value[0] == '\0' ? "" : " ";
    if (context->name == NULL)
        return error_set(context->error, "%s: %s", context->value, text);
    return error_set(context->error, "-%s%s%s: %s", context->name, gap, context->value, text);
}

bool option_not_yet(struct option_context *context, const char *what) {
    return option_fail(context, "%s is not available in this build yet", what);
}

bool option_check_readable(struct option_context *context, const char *path) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return option_fail(context, "cannot open '%s': %s", path, strerror(errno));
    bool is_directory = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    close(fd);
    if (is_directory)
        return option_fail(context, "'%s' is a directory; a file is needed", path);
    return true;
}

void option_set_string(char **to, const char *value) {
    free(*to);
    *to = option_copy(value);
}

static bool set_snapshot(struct option_context *context, const char *value) {
    context->is_snapshot = true;
    return true;
}

static bool set_no_defaults(struct option_context *context, const char *value) {
    context->has_no_defaults = true;
    return true;
}

static bool set_stats(struct option_context *context, const char *value) {
    context->options->has_stats = true;
    context->options->machine.samples_parts = true;
    return true;
}

static bool set_stats_json(struct option_context *context, const char *value) {
    option_set_string(&context->options->stats_json_path, value);
    context->options->machine.samples_parts = true;
    return true;
}

static bool set_log_path(struct option_context *context, const char *value) {
    option_set_string(&context->options->log_path, value);
    return true;
}

static bool set_pidfile(struct option_context *context, const char *value) {
    option_set_string(&context->options->pidfile_path, value);
    return true;
}

static bool set_name(struct option_context *context, const char *value) {
    option_set_string((char **)&context->options->machine.name, value);
    return true;
}

static bool set_no_reboot(struct option_context *context, const char *value) {
    context->options->machine.no_reboot = true;
    return true;
}

static bool set_no_shutdown(struct option_context *context, const char *value) {
    context->options->machine.no_shutdown = true;
    return true;
}

static bool set_start_stopped(struct option_context *context, const char *value) {
    context->options->machine.start_stopped = true;
    return true;
}

static bool print_version(struct option_context *context, const char *value) {
    printf("pentimento %s\n", PENTIMENTO_VERSION);
    context->is_done = true;
    return true;
}

static bool print_help(struct option_context *context, const char *value) {
    printf("pentimento %s: an x86 PC in software\n"
           "usage: pentimento [options] [disk-image]\n\n"
           "-opt and --opt are the same. Options whose value is a choice take 'help' as value.\n\n",
           PENTIMENTO_VERSION);
    for (const struct option_row *row = option_rows; row->name != NULL; row++) {
        if (row->help == NULL)
            continue;
        char left[64];
        snprintf(left, sizeof(left), "-%s%s%s", row->name, row->argument == NULL ? "" : " ",
                 row->argument == NULL ? "" : row->argument);
        printf("  %-34s%s%s\n", left,
               strlen(left) > 33 ? "\n                                    " : "", row->help);
    }
    context->is_done = true;
    return true;
}

// clang-format off
const struct option_row option_rows[] = {
    {"help",        NULL,        print_help,          "this list"},
    {"h",           NULL,        print_help,          NULL},
    {"version",     NULL,        print_version,       "print the version"},
    {"engine",      "E",         option_engine,       "how guest code runs: interp, bt or lockstep"},
    {"accel",       "E",         option_accel,        "synonym of -engine; 'tcg' means bt"},
    {"machine",     "M",         option_machine,      "pc (default) or isapc"},
    {"M",           "M",         option_machine,      NULL},
    {"nodefaults",  NULL,        set_no_defaults,     "no devices that were not asked for"},
    {"cpu",         "MODEL[,+f][,-f]", option_cpu,    "CPU model and changes to its features"},
    {"m",           "SIZE",      option_memory,       "RAM in MiB, or with K, M or G (default 128)"},
    {"smp",         "N",         option_smp,          "number of CPUs"},
    {"kernel",      "FILE",      option_kernel,       "boot a Linux bzImage or a Multiboot kernel"},
    {"initrd",      "FILE",      option_initrd,       "initial RAM disk, or Multiboot modules"},
    {"append",      "TEXT",      option_append,       "kernel command line"},
    {"bios",        "FILE",      option_bios,         "system firmware (default SeaBIOS)"},
    {"L",           "DIR",       option_firmware_dir, "directory searched first for firmware"},
    {"fda",         "FILE",      option_fda,          "floppy image in drive A"},
    {"fdb",         "FILE",      option_fdb,          "floppy image in drive B"},
    {"hda",         "FILE",      option_hda,          "disk image, first channel, master"},
    {"hdb",         "FILE",      option_hdb,          "disk image, first channel, slave"},
    {"hdc",         "FILE",      option_hdc,          "disk image, second channel, master"},
    {"hdd",         "FILE",      option_hdd,          "disk image, second channel, slave"},
    {"cdrom",       "FILE",      option_cdrom,        "CD image, second channel, master"},
    {"drive",       "file=F,...", option_drive,
     "drive by properties: file, if, index, media, format, readonly, snapshot"},
    {"snapshot",    NULL,        set_snapshot,        "disk writes go to temporary overlays"},
    {"boot",        "ORDER[,menu=on]", option_boot,   "boot order of a, c, d and n"},
    {"serial",      "WHERE",     option_serial,       "serial port, up to four: stdio, null, file:P, ..."},
    {"parallel",    "WHERE",     option_parallel,     "printer port: null, file:P"},
    {"debugcon",    "WHERE",     option_debugcon,     "output of port E9h: stdio, file:P"},
    {"firmware-log", "WHERE",    option_firmware_log, "output of port 402h, where SeaBIOS reports"},
    {"device",      "NAME[,p=v]", option_device,      "an optional device; -device help lists them"},
    {"global",      "D.P=V",     option_global,       "isa-debugcon.iobase=PORT"},
    {"display",     "KIND",      option_display,      "where the screen is shown"},
    {"nographic",   NULL,        option_nographic,    "serial port and monitor on the terminal"},
    {"vga",         "CARD",      option_vga,          "std (default) or none"},
    {"netdev",      "user,id=ID", option_netdev,      "network back end"},
    {"nic",         "user,model=M", option_nic,       "network card; none"},
    {"net",         "none",      option_net,          "no network"},
    {"rtc",         "base=B",    option_rtc,          "clock starts at utc, localtime or a date"},
    {"clock",       "host|icount[,shift=N][,limit=N]", option_clock, "time base"},
    {"monitor",     "WHERE",     option_monitor,      "human monitor: stdio, unix:P, none"},
    {"qmp",         "WHERE",     option_qmp,          "JSON automation"},
    {"gdb",         "WHERE",     option_gdb,          "wait for gdb: tcp:HOST:PORT"},
    {"s",           NULL,        option_gdb_short,    "the same as -gdb tcp:127.0.0.1:1234"},
    {"S",           NULL,        set_start_stopped,   "do not start the CPU"},
    {"d",           "ITEM[,...]", option_log_items,   "log items; -d help lists them"},
    {"D",           "FILE",      set_log_path,        "log to a file instead of stderr"},
    {"code-cache",  "SIZE",      option_code_cache,   "bound of the translation cache (default 64M)"},
    {"stats",       NULL,        set_stats,           "print counters at exit"},
    {"stats-json",  "FILE",      set_stats_json,      "write counters at exit"},
    {"no-reboot",   NULL,        set_no_reboot,       "exit where the guest would reboot"},
    {"no-shutdown", NULL,        set_no_shutdown,     "stop, but do not exit, at power off"},
    {"name",        "TEXT",      set_name,            "name of the machine"},
    {"pidfile",     "FILE",      set_pidfile,         "write the process number to a file"},
    {NULL, NULL, NULL, NULL},
};
// clang-format on

static const struct option_row *find_row(const char *name) {
    for (const struct option_row *row = option_rows; row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

static bool unknown_option(const char *argument, const char *name, struct error *error) {
    struct option_nearest nearest = {0};
    for (const struct option_row *row = option_rows; row->name != NULL; row++) {
        if (strlen(row->name) > 1)
            option_nearest_offer(&nearest, name, row->name);
    }
    char near[80], dashed[96] = "";
    option_nearest_text(&nearest, near, sizeof(near));
    if (near[0] != '\0')
        snprintf(dashed, sizeof(dashed), " (did you mean '-%s'?)", nearest.name);
    return error_set(error, "%s: unknown option%s%s", argument, dashed,
                     dashed[0] == '\0' ? "; -help lists them" : "");
}

static bool handle_argument(struct option_context *context, int argc, char **argv, int *position) {
    const char *argument = argv[(*position)++];
    if (argument[0] != '-' || argument[1] == '\0') {
        context->name = NULL;
        context->value = argument;
        return option_disk_image(context, argument);
    }
    const char *name = argument + 1 + (argument[1] == '-');
    const struct option_row *row = find_row(name);
    if (row == NULL)
        return unknown_option(argument, name, context->error);
    context->name = row->name;
    context->value = "";
    if (row->argument == NULL)
        return row->handle(context, "");
    if (*position == argc)
        return option_fail(context, "needs a value: -%s %s", row->name, row->argument);
    context->value = argv[(*position)++];
    return row->handle(context, context->value);
}

static void set_defaults(struct options *options) {
    *options = (struct options){0};
    struct machine_config *machine = &options->machine;
    machine->kind = MACHINE_PC;
    machine->engine = catalogue_default_engine();
    machine->ram_bytes = DEFAULT_RAM_BYTES;
    machine->cpu_count = 1;
    machine->has_vga = true;
    machine->code_cache_bytes = DEFAULT_CODE_CACHE;
    memcpy(machine->boot_order, "cad", 4);
}

/* What needs the whole command line. */
static bool check_whole(struct option_context *context) {
    struct machine_config *machine = &context->options->machine;
    context->value = "";
    if (machine->initrd_path != NULL && machine->kernel_path == NULL) {
        context->name = "initrd";
        return option_fail(context, "needs -kernel");
    }
    if (machine->kernel_command_line != NULL && machine->kernel_path == NULL) {
        context->name = "append";
        return option_fail(context, "needs -kernel");
    }
    option_default_ports(context);
    return option_place_drives(context);
}

enum options_result options_parse(struct options *options, int argc, char **argv,
                                  struct error *error) {
    set_defaults(options);
    struct option_context context = {.options = options, .error = error, .debugcon_port = 0xe9};
    bool is_good = true;
    int position = 1;
    while (is_good && !context.is_done && position < argc)
        is_good = handle_argument(&context, argc, argv, &position);
    if (is_good && !context.is_done)
        is_good = check_whole(&context);
    for (unsigned i = 0; i < context.drive_count; i++) {
        free(context.drive[i].path);
        free(context.drive[i].value);
    }
    if (!is_good)
        return OPTIONS_BAD;
    return context.is_done ? OPTIONS_DONE : OPTIONS_RUN;
}

void options_free(struct options *options) {
    struct machine_config *machine = &options->machine;
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++)
        free(options->serial[i]);
    for (unsigned i = 0; i < MACHINE_IDE_DRIVES; i++)
        free(machine->ide[i].path);
    for (unsigned i = 0; i < MACHINE_FLOPPY_DRIVES; i++)
        free(machine->floppy[i].path);
    free(options->parallel);
    free(options->debugcon);
    free(options->firmware_log);
    free(options->monitor);
    free(options->log_path);
    free(options->stats_json_path);
    free(options->pidfile_path);
    free((char *)machine->cpu_model);
    free((char *)machine->bios_path);
    free((char *)machine->firmware_dir);
    free((char *)machine->kernel_path);
    free((char *)machine->initrd_path);
    free((char *)machine->kernel_command_line);
    free((char *)machine->name);
}
