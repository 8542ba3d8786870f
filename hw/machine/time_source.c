/*
 * Virtual time; see time_source.h.
 *
 * Host time that the machine could not use (the process was stopped, the host overloaded) would
 * come back as a storm of late ticks, and a guest that measures its timer against its time stamp
 * counter would miss some. So two bounds hold. What the guest sees waits for the next deadline, at
 * most AHEAD_MAX_NS beyond it, and makes up the difference as timers expire. What is to be made up
 * is at most STALL_MAX_NS: the rest is lost for the guest.
 */
#include "hw/machine/time_source.h"

#include "interp/run.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define STALL_MAX_NS NS_PER_SECOND
/* More than a kick takes on a host with time to spare, less than the tick of any usual guest. */
#define AHEAD_MAX_NS UINT64_C(500000)
/* While a deadline is overdue the guest runs in slices, so that its handler gets to work before
   the next tick is made. Translated code that runs in circles sees only the end by time. */
#define OVERDUE_SLICE    20000
#define OVERDUE_SLICE_NS UINT64_C(50000)

static uint64_t host_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t host_time(struct time_source *source) {
    if (source->is_stopped)
        return source->stopped_at_ns;
    uint64_t now = host_now() - source->offset_ns;
    uint64_t deadline = source->clock == NULL ? CLOCK_NEVER : clock_next_deadline(source->clock);
    if (deadline < CLOCK_NEVER - STALL_MAX_NS && now > deadline + STALL_MAX_NS) {
        uint64_t excess = now - (deadline + STALL_MAX_NS);
        source->lost_ns += excess;
        source->offset_ns += excess;
        now -= excess;
    }
    if (deadline < CLOCK_NEVER - AHEAD_MAX_NS && now > deadline + AHEAD_MAX_NS)
        now = deadline + AHEAD_MAX_NS;
    /* A deadline that was set in the past does not turn time back. */
    source->seen_ns = now > source->seen_ns ? now : source->seen_ns;
    return source->seen_ns;
}

static uint64_t instruction_time(const struct time_source *source) {
    return (cpu_icount(source->cpu) << source->shift) + source->skipped_ns;
}

uint64_t time_source_now(struct time_source *source) {
    return source->kind == CLOCK_HOST ? host_time(source) : instruction_time(source);
}

static uint64_t source_now(void *opaque) {
    return time_source_now(opaque);
}

/* The first instruction count at which time has reached the deadline. */
static uint64_t icount_at(const struct time_source *source, uint64_t deadline_ns) {
    if (deadline_ns == CLOCK_NEVER)
        return UINT64_MAX;
    if (deadline_ns <= source->skipped_ns)
        return 0;
    uint64_t round_up = (UINT64_C(1) << source->shift) - 1;
    return (deadline_ns - source->skipped_ns + round_up) >> source->shift;
}

static uint64_t to_host(const struct time_source *source, uint64_t deadline_ns) {
    bool is_never = deadline_ns >= UINT64_MAX - source->offset_ns || source->is_stopped;
    return is_never ? UINT64_MAX : deadline_ns + source->offset_ns;
}

static void set_alarm(struct time_source *source, uint64_t host_ns) {
    pthread_mutex_lock(&source->mutex);
    bool is_earlier = host_ns < source->alarm_host_ns;
    source->alarm_host_ns = host_ns;
    /* A later alarm need not wake the thread: it looks again when it wakes for the old one. */
    if (is_earlier)
        pthread_cond_signal(&source->changed);
    pthread_mutex_unlock(&source->mutex);
}

/* A chip set a timer while guest code runs (or another thread did, with the machine lock). */
static void deadline_changed(void *opaque, uint64_t deadline_ns) {
    struct time_source *source = opaque;
    if (source->kind == CLOCK_HOST) {
        if (source->has_thread)
            set_alarm(source, to_host(source, deadline_ns));
        return;
    }
    cpu_lower_limit(source->cpu, icount_at(source, deadline_ns));
}

static void *kick_thread(void *opaque) {
    struct time_source *source = opaque;
    pthread_mutex_lock(&source->mutex);
    while (!source->is_ending) {
        uint64_t alarm = source->alarm_host_ns;
        if (alarm == UINT64_MAX) {
            pthread_cond_wait(&source->changed, &source->mutex);
        } else if (host_now() >= alarm) {
            source->alarm_host_ns = UINT64_MAX;
            cpu_set_event(source->cpu, CPU_EVENT_KICK);
        } else {
            struct timespec until = {.tv_sec = (time_t)(alarm / NS_PER_SECOND),
                                     .tv_nsec = (long)(alarm % NS_PER_SECOND)};
            pthread_cond_timedwait(&source->changed, &source->mutex, &until);
        }
    }
    pthread_mutex_unlock(&source->mutex);
    return NULL;
}

void time_source_init(struct time_source *source, enum machine_clock kind, unsigned shift,
                      struct cpu *cpu) {
    pthread_condattr_t attributes;
    *source = (struct time_source){
        .kind = kind, .shift = shift, .cpu = cpu, .is_stopped = true, .alarm_host_ns = UINT64_MAX};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&source->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&source->mutex, NULL);
}

struct clock_source time_source_clock(struct time_source *source) {
    return (struct clock_source){
        .now = source_now, .deadline_changed = deadline_changed, .opaque = source};
}

bool time_source_start(struct time_source *source, struct error *error) {
    if (source->kind != CLOCK_HOST)
        return true;
    int code = pthread_create(&source->thread, NULL, kick_thread, source);
    source->has_thread = code == 0;
    return code == 0 || error_set(error, "cannot start a thread: %s", strerror(code));
}

void time_source_destroy(struct time_source *source) {
    if (source->has_thread) {
        pthread_mutex_lock(&source->mutex);
        source->is_ending = true;
        pthread_cond_signal(&source->changed);
        pthread_mutex_unlock(&source->mutex);
        pthread_join(source->thread, NULL);
        source->has_thread = false;
    }
    pthread_cond_destroy(&source->changed);
    pthread_mutex_destroy(&source->mutex);
}

void time_source_go(struct time_source *source) {
    if (!source->is_stopped)
        return;
    source->offset_ns = host_now() - source->stopped_at_ns;
    source->is_stopped = false;
}

void time_source_stop(struct time_source *source) {
    if (source->is_stopped)
        return;
    source->stopped_at_ns = source->kind == CLOCK_HOST ? host_time(source) : 0;
    source->is_stopped = true;
}

uint64_t time_source_run_limit(struct time_source *source, uint64_t at_most) {
    uint64_t deadline = clock_next_deadline(source->clock);
    uint64_t limit;
    if (source->kind == CLOCK_ICOUNT) {
        limit = icount_at(source, deadline);
    } else {
        bool is_overdue = deadline <= host_time(source);
        set_alarm(source, is_overdue ? host_now() + OVERDUE_SLICE_NS : to_host(source, deadline));
        limit = is_overdue ? cpu_icount(source->cpu) + OVERDUE_SLICE : UINT64_MAX;
    }
    return limit < at_most ? limit : at_most;
}

bool time_source_skip(struct time_source *source) {
    uint64_t deadline = clock_next_deadline(source->clock);
    uint64_t now = instruction_time(source);
    if (source->kind != CLOCK_ICOUNT || deadline == CLOCK_NEVER)
        return false;
    if (deadline > now)
        source->skipped_ns += deadline - now;
    return true;
}

uint64_t time_source_host_deadline(struct time_source *source) {
    return to_host(source, clock_next_deadline(source->clock));
}
