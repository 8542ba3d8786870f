/*
 * The vCPU thread: runs guest code between timer deadlines, serves requests from other threads,
 * and sleeps while the CPU is halted. It holds the machine lock except while it sleeps or lets
 * others have it.
 */
#include "hw/machine/lockstep.h"
#include "hw/machine/machine_private.h"

#include "interp/cpu/part.h"
#include "interp/run.h"
#include "translator/run.h"

#include <time.h>

static uint64_t host_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static bool has_request(const struct machine *machine, uint32_t requests) {
    return (atomic_load(&machine->requests) & requests) != 0;
}

static void clear_request(struct machine *machine, uint32_t requests) {
    atomic_fetch_and(&machine->requests, ~requests);
}

/* Nothing to do until somebody asks for something. */
static bool may_stay_paused(void *opaque) {
    const struct machine *machine = opaque;
    return atomic_load(&machine->requests) == REQUEST_PAUSE;
}

static void stay_paused(struct machine *machine) {
    time_source_stop(&machine->time);
    machine_set_stop(machine, MACHINE_PAUSED);
    while (may_stay_paused(machine))
        machine_mutex_sleep(&machine->lock, UINT64_MAX, may_stay_paused, machine);
    time_source_go(&machine->time);
}

/* Serve the most urgent request. How the machine stops for good, or MACHINE_RUNNING. */
static enum machine_stop serve_request(struct machine *machine) {
    if (has_request(machine, REQUEST_QUIT))
        return MACHINE_QUIT;
    if (has_request(machine, REQUEST_DEBUG_EXIT))
        return MACHINE_DEBUG_EXIT;
    if (has_request(machine, REQUEST_POWER_OFF)) {
        clear_request(machine, REQUEST_POWER_OFF);
        if (!machine->config.no_shutdown)
            return MACHINE_POWERED_OFF;
        atomic_fetch_or(&machine->requests, REQUEST_PAUSE);
    } else if (has_request(machine, REQUEST_RESET)) {
        clear_request(machine, REQUEST_RESET);
        if (machine->config.no_reboot)
            return MACHINE_RESET;
        machine_reset_now(machine);
    } else {
        stay_paused(machine);
    }
    return MACHINE_RUNNING;
}

/* False when the machine has stopped for good. */
static bool serve_requests(struct machine *machine) {
    while (atomic_load(&machine->requests) != 0) {
        enum machine_stop stop = serve_request(machine);
        if (stop != MACHINE_RUNNING) {
            machine_set_stop(machine, stop);
            return false;
        }
    }
    /* Also where a pause ended before this thread had noticed it: -S, and at once "cont". */
    if (machine->stop == MACHINE_PAUSED)
        machine_set_stop(machine, MACHINE_RUNNING);
    return true;
}

/* INTR does not count: had it been able to wake the CPU, the run loop would not have left, and it
   changes only under the machine lock, whose release ends the sleep. */
static bool may_sleep(void *opaque) {
    const struct machine *machine = opaque;
    uint32_t events = atomic_load(&machine->cpu.events) & ~(uint32_t)CPU_EVENT_INTR;
    return atomic_load(&machine->requests) == 0 && events == 0;
}

/* HLT with interrupts off: nothing that the machine does by itself wakes the CPU. */
static bool is_halted_for_good(const struct machine *machine) {
    return machine->cpu.activity == CPU_HALTED && (cpu_eflags(&machine->cpu) & FLAG_IF) == 0;
}

/* A run that ends at an instruction count also ends when there will be no more instructions. */
static bool limit_is_reached(const struct machine *machine) {
    uint64_t limit = machine->config.icount_limit;
    return limit != 0 && (cpu_icount(&machine->cpu) >= limit || is_halted_for_good(machine));
}

/* HLT with nothing pending: until an interrupt, a request or the next timer. */
static void sleep_halted(struct machine *machine) {
    uint64_t host_deadline = UINT64_MAX;
    machine->halts++;
    if (limit_is_reached(machine))
        return;
    if (machine->time.kind == CLOCK_ICOUNT) {
        if (machine->lockstep != NULL)
            time_source_skip(&machine->lockstep->twin->time);
        /* Jumping from timer to timer would keep the host busy for nothing. */
        if (!is_halted_for_good(machine) && time_source_skip(&machine->time))
            return;
    } else {
        host_deadline = time_source_host_deadline(&machine->time);
    }
    uint64_t from = host_now();
    cpu_set_part(&machine->cpu, PART_HALTED);
    machine_mutex_sleep(&machine->lock, host_deadline, may_sleep, machine);
    cpu_set_part(&machine->cpu, PART_OTHER);
    machine->halted_host_ns += host_now() - from;
}

static enum cpu_exit run_engine(struct machine *machine, uint64_t limit) {
    if (machine->lockstep != NULL)
        return lockstep_run(machine->lockstep, limit);
    if (machine->translator != NULL)
        return translator_run(machine->translator, limit);
    cpu_set_part(&machine->cpu, PART_INTERPRETER);
    enum cpu_exit exit = interp_run(&machine->cpu, limit);
    cpu_set_part(&machine->cpu, PART_OTHER);
    return exit;
}

static void run_guest(struct machine *machine) {
    uint64_t at_most =
        machine->config.icount_limit == 0 ? UINT64_MAX : machine->config.icount_limit;
    uint64_t limit = time_source_run_limit(&machine->time, at_most);
    machine->run_calls++;
    switch (run_engine(machine, limit)) {
    case CPU_EXIT_HALTED:
        sleep_halted(machine);
        break;
    case CPU_EXIT_SHUTDOWN:
        log_write(machine->log, LOG_GUEST_ERRORS, "cpu: triple fault, the machine is reset");
        atomic_fetch_or(&machine->requests, REQUEST_RESET);
        break;
    case CPU_EXIT_KICK:
        machine->kicks++;
        break;
    case CPU_EXIT_LIMIT:
        break;
    }
}

void *vcpu_thread(void *opaque) {
    struct machine *machine = opaque;
    machine_mutex_acquire_last(&machine->lock);
    machine->started_host_ns = host_now();
    time_source_go(&machine->time);
    while (serve_requests(machine)) {
        clock_run(machine->clock);
        if (limit_is_reached(machine)) {
            machine_set_stop(machine, MACHINE_LIMIT);
            break;
        }
        run_guest(machine);
        if (machine->lockstep != NULL && lockstep_has_failed(machine->lockstep)) {
            machine_set_stop(machine, MACHINE_FAILED);
            break;
        }
        cpu_set_part(&machine->cpu, PART_WAITING);
        machine_mutex_yield(&machine->lock);
        cpu_set_part(&machine->cpu, PART_OTHER);
    }
    time_source_stop(&machine->time);
    machine->ended_host_ns = host_now();
    machine_mutex_release(&machine->lock);
    return NULL;
}
