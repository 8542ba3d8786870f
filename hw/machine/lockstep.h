/*
 * -engine lockstep: two whole machines in one process, both under the instruction clock. The
 * reference is interpreted and is the one that the outside world sees; its twin runs by the
 * translator. Both get the same input at the same instruction count, and after every block of the
 * twin the two are compared; at the first difference the machine stops with a report on stderr.
 *
 * What is compared when:
 *   every stop          registers, flags, all other CPU state, pending events, the bytes that the
 *                       reference stored, output to serial ports and the like, requests of chips
 *   every stop, or N    the frames that the twin wrote since (config.lockstep_memory)
 *   every 2^20 insns    state of every chip
 *   every 2^24 insns    all of RAM, for what reached it through no store
 */
#ifndef HW_MACHINE_LOCKSTEP_H
#define HW_MACHINE_LOCKSTEP_H

#include "hw/machine/machine_private.h"
#include "interp/run.h"

#include <stdio.h>

#define LOCKSTEP_STREAMS (MACHINE_SERIAL_PORTS + 3)
#define LOCKSTEP_STORES  65536 /* a stop that sees more compares all of memory */

/* One byte stream to the outside: what each machine wrote to it, and who listens. */
struct lockstep_stream {
    struct char_backend reference, twin;
    struct char_backend *outside; /* NULL: there is no such port */
    const char *name;
    const bool *is_silent;      /* lockstep->is_narrowing */
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
    frame_number *written;  /* frames that the twin wrote and that were not compared since */
    frame_number written_count;
    struct lockstep_start start;
    struct cpu *cpu_before; /* both CPUs at the start, and both memories */
    uint8_t *memory_before;
    bool is_narrowing; /* what runs has run before: nobody outside hears of it again */
    uint64_t devices_due, written_due, memory_due; /* instruction counts of the next comparison */
    uint64_t stops, device_comparisons, written_comparisons, memory_comparisons;
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
/** The stop that the machines are at is where the next stretch begins. */
void lockstep_begin(struct lockstep *lockstep);
/** Run the reference to an instruction count, through kicks by other threads. */
void lockstep_follow(struct lockstep *lockstep, uint64_t limit);
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
/** Compare both machines at a stop. */
void lockstep_compare(struct lockstep *lockstep);
/** The same without chips and counters, for a stretch that is run again: true without a difference.
 */
bool lockstep_agrees(struct lockstep *lockstep);

/* lockstep_memory.c */
/** Record the stores of both machines from now on. */
bool lockstep_watch_stores(struct lockstep *lockstep, struct error *error);
void lockstep_free_memory(struct lockstep *lockstep);
/** Compare what the reference stored since memory was kept last. */
void lockstep_compare_stores(struct lockstep *lockstep);
/** Compare the frames that the twin wrote since the last call. */
void lockstep_compare_written(struct lockstep *lockstep);
/** Compare all that either machine has. */
void lockstep_compare_memory(struct lockstep *lockstep);
/** Remember the memory of both, which are equal: bring the copy up to date with the stores. */
void lockstep_keep_memory(struct lockstep *lockstep);
/** Give both machines the memory that was kept last. */
void lockstep_take_back_memory(struct lockstep *lockstep);

/* lockstep_narrow.c */
/** After a difference: run the last stretch again, in both machines, to find the one instruction
 *  that makes it, and print that with its IR, host code and states. Neither machine goes on. */
void lockstep_narrow(struct lockstep *lockstep, FILE *out);

/* lockstep_report.c */
/** What differs, the code since the last stop in every form, and both states. */
void lockstep_report(struct lockstep *lockstep, FILE *out);
/** Registers of all units of one CPU. */
void lockstep_print_cpu(const struct cpu *cpu, FILE *out);
/** Both CPUs, and what differs between them. */
void lockstep_print_states(const struct lockstep *lockstep, FILE *out);

#endif
