/*
 * Where the machine's virtual time comes from: the host's clock, or the count of executed
 * instructions. Virtual time starts at 0 and stands still while the machine is paused.
 */
#ifndef HW_MACHINE_TIME_SOURCE_H
#define HW_MACHINE_TIME_SOURCE_H

#include "hw/core/clock.h"
#include "hw/machine/machine.h"
#include "interp/cpu/cpu.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct time_source {
    enum machine_clock kind;
    struct cpu *cpu;
    struct clock *clock;

    /* Instructions: ns = (icount << shift) + skipped_ns. */
    unsigned shift;
    uint64_t skipped_ns; /* idle time that was jumped over */

    /* Host: ns = host - offset. Everything here belongs to the vCPU thread or to whoever holds
       the machine lock. */
    uint64_t offset_ns;
    uint64_t stopped_at_ns; /* virtual time while stopped */
    bool is_stopped;
    uint64_t seen_ns; /* the latest time that was told */
    uint64_t lost_ns; /* time given up after stalls of the host */

    /* The thread that kicks the CPU out of guest code when a deadline comes. */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    uint64_t alarm_host_ns; /* UINT64_MAX: none */
    bool is_ending;
};

/** Prepare; `cpu` need not be initialised yet. Time stands still until time_source_go(). */
void time_source_init(struct time_source *source, enum machine_clock kind, unsigned shift,
                      struct cpu *cpu);
/** What clock_create() wants to know. */
struct clock_source time_source_clock(struct time_source *source);
/** Start the kicking thread (host time only). */
bool time_source_start(struct time_source *source, struct error *error);
void time_source_destroy(struct time_source *source);

uint64_t time_source_now(struct time_source *source);
/** Let time go on, or stop it. With the machine lock. */
void time_source_go(struct time_source *source);
void time_source_stop(struct time_source *source);

/** Called before guest code runs: how far the instruction count may go, given the next deadline
 *  of the clock; arms the kick when time is the host's. `at_most`: another limit. */
uint64_t time_source_run_limit(struct time_source *source, uint64_t at_most);
/** The CPU sleeps and nothing but a timer can wake it in icount mode: jump to the next deadline.
 *  False when there is none, or time is the host's. */
bool time_source_skip(struct time_source *source);
/** CLOCK_MONOTONIC time of the next deadline, or UINT64_MAX. */
uint64_t time_source_host_deadline(struct time_source *source);

#endif
