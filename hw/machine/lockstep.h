/*
 * -engine lockstep: two whole machines in one process, both under the instruction clock. The
 * reference is interpreted and is the one that the outside world sees; its twin runs by the
 * translator. Both get the same input at the same instruction count, and after every block of the
 * twin the two are compared; at the first difference the machine stops with a report on stderr.
 *
 * What is compared when:
 *   every stop          registers, flags, all other CPU state, pending events, the bytes that the
 *                       reference stored, output to serial ports and the like, requests of chips
 *   every 2^20 insns    state of every chip
 *   every 2^24 insns    all of RAM, for stores that only the twin made
 */
#ifndef HW_MACHINE_LOCKSTEP_H
#define HW_MACHINE_LOCKSTEP_H

#include "hw/machine/machine_private.h"
#include "interp/run.h"

#define LOCKSTEP_STREAMS (MACHINE_SERIAL_PORTS + 3)
#define LOCKSTEP_STORES  1024

/* One byte stream to the outside: what each machine wrote to it, and who listens. */
struct lockstep_stream {
    struct char_backend reference, twin;
    struct char_backend *outside; /* NULL: there is no such port */
    const char *name;
    uint64_t bytes[2], hash[2]; /* written by the reference, by the twin */
};

/* A run of bytes that the reference stored since the last stop. */
struct lockstep_store {
    frame_number frame;
    unsigned offset, size;
};

/* Where a stretch of guest code began. */
struct lockstep_start {
    uint64_t icount, linear, eip;
    uint16_t code_selector;
    bool code_is_32;
};

struct lockstep {
    struct machine *reference, *twin;
    struct log twin_log;
    struct lockstep_stream stream[LOCKSTEP_STREAMS];
    struct keyboard_input keyboard; /* goes to both machines */
    struct mouse_input mouse;
    struct lockstep_store store[LOCKSTEP_STORES];
    unsigned stores;
    uint64_t store_hash[2]; /* of all bytes that the reference stored, and of the twin's there */
    bool lost_stores;       /* there were more than fit: compare all of RAM */
    struct lockstep_start start;
    uint64_t devices_due, memory_due; /* instruction counts of the next comparison */
    uint64_t stops, device_comparisons, memory_comparisons;
    char difference[160]; /* empty: none so far */
};

/** Prepare machine->config for two machines: streams go through the lockstep. Before the machine's
 *  parts are made. */
bool lockstep_create(struct machine *machine, struct error *error);
/** Make the twin, once the reference is complete. */
bool lockstep_create_twin(struct lockstep *lockstep, struct error *error);
void lockstep_destroy(struct lockstep *lockstep);

/** Run both machines to the next stop, at most to `limit` instructions, and compare them. */
enum cpu_exit lockstep_run(struct lockstep *lockstep, uint64_t limit);
static inline bool lockstep_has_failed(const struct lockstep *lockstep) {
    return lockstep->difference[0] != '\0';
}

/* lockstep_streams.c */
/** Put the lockstep between the reference's ports and the outside. */
void lockstep_wire_reference(struct lockstep *lockstep, struct machine_config *config);
/** The same ports for the twin, after the reference's. */
void lockstep_wire_twin(struct lockstep *lockstep, struct machine_config *config);
/** The chips have attached: let input reach both machines. */
void lockstep_connect_input(struct lockstep *lockstep);

/* lockstep_compare.c */
/** Note a difference; the first one counts. */
void lockstep_differ(struct lockstep *lockstep, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Record the reference's stores from now on. */
void lockstep_watch_stores(struct lockstep *lockstep);
/** Compare both machines at a stop. */
void lockstep_compare(struct lockstep *lockstep);

/* lockstep_report.c */
/** What differs, the code since the last stop in every form, and both states. */
void lockstep_report(struct lockstep *lockstep, FILE *out);

#endif
