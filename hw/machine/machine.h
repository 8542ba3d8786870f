/*
 * What a frontend asks for (struct machine_config) and what it can do with the machine that it
 * gets. A machine is a value: several can live in one process.
 */
#ifndef HW_MACHINE_MACHINE_H
#define HW_MACHINE_MACHINE_H

#include "hw/core/char_sink.h"
#include "hw/core/input.h"
#include "softmmu/base/error.h"
#include "softmmu/base/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum machine_kind { MACHINE_PC, MACHINE_ISAPC };
enum machine_engine { ENGINE_INTERP, ENGINE_BT, ENGINE_LOCKSTEP };
enum machine_clock { CLOCK_HOST, CLOCK_ICOUNT };
enum drive_interface { DRIVE_IDE, DRIVE_FLOPPY };

#define MACHINE_IDE_DRIVES    4
#define MACHINE_FLOPPY_DRIVES 2
#define MACHINE_SERIAL_PORTS  4

struct drive_config {
    char *path; /* NULL: no drive (an empty CD drive has is_cdrom and no path) */
    bool is_present, is_cdrom, readonly, snapshot;
    bool is_unlocked; /* another machine of this process has locked the image */
};

struct machine_config {
    enum machine_kind kind;
    enum machine_engine engine;
    const char *engine_backend; /* "x86_64", "portable" or NULL */
    uint64_t lockstep_window;   /* instructions between comparisons; 0: compare after each block */
    uint64_t lockstep_memory;   /* the same for the frames that the twin wrote; 0: at each stop */
    const char *cpu_model;      /* "MODEL[,+feature][,-feature]"; NULL: the default model */
    uint64_t ram_bytes;
    unsigned cpu_count;
    const char *bios_path;    /* NULL: the default firmware */
    const char *firmware_dir; /* -L, searched first; may be NULL */
    const char *kernel_path, *initrd_path, *kernel_command_line;
    struct drive_config ide[MACHINE_IDE_DRIVES];
    struct drive_config floppy[MACHINE_FLOPPY_DRIVES];
    char boot_order[5]; /* letters of -boot, e.g. "cad" */
    bool boot_menu;
    bool serial_console; /* the firmware shows its text on serial port 0 too */
    bool has_vga;
    bool has_debug_exit;
    uint16_t debug_exit_port, debug_exit_size;
    enum machine_clock clock;
    unsigned icount_shift; /* -clock icount: one instruction lasts 2^shift ns */
    uint64_t icount_limit; /* stop after that many instructions; 0: no limit (tests) */
    bool rtc_is_localtime, rtc_has_date;
    int64_t rtc_date; /* seconds since 1970 when rtc_has_date */
    bool no_reboot, no_shutdown, start_stopped;
    uint64_t code_cache_bytes;
    bool samples_parts; /* statistics shall tell the host time of each part */
    const char *name;
    struct char_backend *serial[MACHINE_SERIAL_PORTS]; /* NULL: port absent */
    struct char_backend *parallel;                     /* NULL: port absent */
    struct char_backend *debugcon;                     /* port E9h; NULL: absent */
    struct char_backend *firmware_log;                 /* port 402h; NULL: absent */
    struct log *log;
};

enum machine_stop {
    MACHINE_RUNNING,
    MACHINE_POWERED_OFF,
    MACHINE_RESET,      /* with -no-reboot */
    MACHINE_DEBUG_EXIT, /* isa-debug-exit; see machine_exit_status */
    MACHINE_LIMIT,      /* icount_limit reached */
    MACHINE_QUIT,       /* machine_quit was called */
    MACHINE_PAUSED,     /* -no-shutdown, or machine_pause */
    MACHINE_FAILED,     /* host error; the message is in the log */
};

struct machine;

struct machine *machine_create(const struct machine_config *config, struct error *error);
void machine_destroy(struct machine *machine);

/** Start the vCPU thread. */
bool machine_start(struct machine *machine, struct error *error);
/** Wait up to timeout_ms (-1: for ever) for the machine to stop; what it is doing now. */
enum machine_stop machine_wait(struct machine *machine, int timeout_ms);
/** A descriptor that becomes readable when the machine stops, for poll(). */
int machine_stop_fd(const struct machine *machine);
/** Process exit status for the way the machine stopped. */
int machine_exit_status(const struct machine *machine);

/* The following may be called from any thread. */
void machine_quit(struct machine *machine);
void machine_pause(struct machine *machine);
void machine_continue(struct machine *machine);
void machine_reset(struct machine *machine);
void machine_power_button(struct machine *machine);
void machine_nmi(struct machine *machine);
/** Serialise with the devices, e.g. around char_backend.receiver calls. */
void machine_lock(struct machine *machine);
void machine_unlock(struct machine *machine);

struct keyboard_input *machine_keyboard(struct machine *machine);
struct mouse_input *machine_mouse(struct machine *machine);
/** The text screen as UTF-8 lines; false when the card is in a graphics mode. */
bool machine_text_screen(struct machine *machine, FILE *out);

/** The CPU's registers as text, for people. */
void machine_print_registers(struct machine *machine, FILE *out);
uint64_t machine_icount(struct machine *machine);
/** Hash of RAM, CPU and every device's saved state; only while the machine is stopped. */
uint64_t machine_state_hash(struct machine *machine);

/** Counters and facts, as name/value pairs with stable names. */
struct machine_statistic {
    char name[64];
    char text[24]; /* "": the value counts; else the text does */
    double value;
};
size_t machine_statistics(struct machine *machine, struct machine_statistic *out, size_t capacity);

#endif
