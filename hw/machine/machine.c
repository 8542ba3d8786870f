/*
 * What the frontend calls: making a machine, starting and stopping it, and questions about it.
 */
#include "hw/machine/machine.h"

#include "hw/machine/lockstep.h"
#include "hw/machine/machine_private.h"
#include "hw/machine/pc.h"
#include "interp/cpu/cpu.h"

#include "translator/run.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static void kick_cpu(void *opaque) {
    struct machine *machine = opaque;
    cpu_set_event(&machine->cpu, CPU_EVENT_KICK);
}

void machine_add_device(struct machine *machine, const struct device_class *class, void *object) {
    if (machine->device_count < MACHINE_DEVICES_MAX)
        machine->device[machine->device_count++] = (struct machine_device){class, object};
}

void machine_request(struct machine *machine, enum machine_request request) {
    atomic_fetch_or(&machine->requests, request);
    cpu_set_event(&machine->cpu, CPU_EVENT_KICK);
    machine_mutex_notify(&machine->lock);
}

void machine_set_stop(struct machine *machine, enum machine_stop stop) {
    uint64_t one = 1;
    pthread_mutex_lock(&machine->stop_mutex);
    machine->stop = stop;
    pthread_cond_broadcast(&machine->stop_changed);
    pthread_mutex_unlock(&machine->stop_mutex);
    if (stop != MACHINE_RUNNING && stop != MACHINE_PAUSED) {
        ssize_t written = write(machine->stop_fd, &one, sizeof(one));
        (void)written; /* an eventfd takes the first write */
    }
}

void machine_reset_now(struct machine *machine) {
    machine->resets++;
    for (unsigned i = 0; i < machine->device_count; i++) {
        const struct machine_device *device = &machine->device[i];
        if (device->class->reset != NULL)
            device->class->reset(device->object);
    }
    cpu_reset(&machine->cpu, CPU_RESET_POWER_ON);
    if (machine->lockstep != NULL && machine->lockstep->twin != NULL)
        machine_reset_now(machine->lockstep->twin);
}

static bool create_sync(struct machine *machine, struct error *error) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&machine->stop_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&machine->stop_mutex, NULL);
    machine_mutex_init(&machine->lock, kick_cpu, machine);
    machine->stop = machine->config.start_stopped ? MACHINE_PAUSED : MACHINE_RUNNING;
    machine->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return machine->stop_fd >= 0 || error_set(error, "eventfd: %s", strerror(errno));
}

static bool create_parts(struct machine *machine, struct error *error) {
    struct machine_config *config = &machine->config;
    machine->physmem = physmem_create(config->ram_bytes, machine->log, error);
    if (machine->physmem == NULL)
        return false;
    machine->code_pages = code_pages_create(machine->physmem, error);
    if (machine->code_pages == NULL)
        return false;
    time_source_init(&machine->time, config->clock, config->icount_shift, &machine->cpu);
    struct clock_source source = time_source_clock(&machine->time);
    machine->clock = clock_create(&source);
    machine->ports = port_map_create(machine->log);
    if (machine->clock == NULL || machine->ports == NULL)
        return error_set(error, "out of memory");
    machine->time.clock = machine->clock;
    return pc_create(machine, error);
}

struct machine *machine_create(const struct machine_config *config, struct error *error) {
    struct machine *machine = calloc(1, sizeof(*machine));
    if (machine == NULL) {
        error_set(error, "out of memory");
        return NULL;
    }
    machine->config = *config;
    machine->log = config->log;
    machine->stop_fd = -1;
    if (config->start_stopped)
        atomic_store(&machine->requests, REQUEST_PAUSE);
    if ((config->engine != ENGINE_LOCKSTEP || lockstep_create(machine, error)) &&
        create_sync(machine, error) && create_parts(machine, error)) {
        machine_reset_now(machine);
        machine->resets = 0;
        if (machine->lockstep == NULL || lockstep_create_twin(machine->lockstep, error))
            return machine;
    }
    machine_destroy(machine);
    return NULL;
}

void machine_destroy(struct machine *machine) {
    if (machine == NULL)
        return;
    if (machine->has_thread) {
        machine_request(machine, REQUEST_QUIT);
        pthread_join(machine->thread, NULL);
    }
    part_sampler_destroy(&machine->sampler);
    lockstep_destroy(machine->lockstep);
    if (machine->time.cpu != NULL)
        time_source_destroy(&machine->time);
    pc_destroy(machine);
    translator_destroy(machine->translator);
    if (machine->has_cpu)
        cpu_destroy(&machine->cpu);
    kernel_plan_free(&machine->kernel);
    port_map_destroy(machine->ports);
    clock_destroy(machine->clock);
    code_pages_destroy(machine->code_pages);
    physmem_destroy(machine->physmem);
    machine_mutex_destroy(&machine->lock);
    pthread_cond_destroy(&machine->stop_changed);
    pthread_mutex_destroy(&machine->stop_mutex);
    if (machine->stop_fd >= 0)
        close(machine->stop_fd);
    free(machine->sensitive_counts);
    free(machine);
}

/** The vCPU's thread takes no signals but those that its own instructions cause: handlers of others
 *  might run on a stack that translated code uses for something else. */
static int start_vcpu(struct machine *machine) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int code = pthread_create(&machine->thread, NULL, vcpu_thread, machine);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

bool machine_start(struct machine *machine, struct error *error) {
    if (!time_source_start(&machine->time, error))
        return false;
    part_sampler_init(&machine->sampler, &machine->cpu.part, 0);
    if (machine->config.samples_parts && !part_sampler_start(&machine->sampler, error))
        return false;
    int code = start_vcpu(machine);
    machine->has_thread = code == 0;
    return code == 0 || error_set(error, "cannot start a thread: %s", strerror(code));
}

static bool is_over(enum machine_stop stop) {
    return stop != MACHINE_RUNNING && stop != MACHINE_PAUSED;
}

enum machine_stop machine_wait(struct machine *machine, int timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&machine->stop_mutex);
    int code = 0;
    while (timeout_ms != 0 && code == 0 && !is_over(machine->stop)) {
        if (timeout_ms < 0)
            pthread_cond_wait(&machine->stop_changed, &machine->stop_mutex);
        else
            code = pthread_cond_timedwait(&machine->stop_changed, &machine->stop_mutex, &until);
    }
    enum machine_stop stop = machine->stop;
    pthread_mutex_unlock(&machine->stop_mutex);
    return stop;
}

int machine_stop_fd(const struct machine *machine) {
    return machine->stop_fd;
}

int machine_exit_status(const struct machine *machine) {
    switch (machine->stop) {
    case MACHINE_DEBUG_EXIT:
        return (machine->debug_exit_value << 1 | 1) & 0xff;
    case MACHINE_FAILED:
        return 1;
    default:
        return 0;
    }
}

void machine_quit(struct machine *machine) {
    machine_request(machine, REQUEST_QUIT);
}

void machine_pause(struct machine *machine) {
    machine_request(machine, REQUEST_PAUSE);
}

void machine_continue(struct machine *machine) {
    atomic_fetch_and(&machine->requests, ~(uint32_t)REQUEST_PAUSE);
    machine_mutex_notify(&machine->lock);
}

void machine_reset(struct machine *machine) {
    machine_request(machine, REQUEST_RESET);
}

void machine_nmi(struct machine *machine) {
    machine_lock(machine);
    cpu_set_event(&machine->cpu, CPU_EVENT_NMI);
    if (machine->lockstep != NULL)
        cpu_set_event(&machine->lockstep->twin->cpu, CPU_EVENT_NMI);
    machine_unlock(machine);
}

void machine_lock(struct machine *machine) {
    machine_mutex_acquire(&machine->lock);
}

void machine_unlock(struct machine *machine) {
    machine_mutex_release(&machine->lock);
}

uint64_t machine_icount(struct machine *machine) {
    machine_lock(machine);
    uint64_t icount = cpu_icount(&machine->cpu);
    machine_unlock(machine);
    return icount;
}

uint64_t machine_state_hash(struct machine *machine) {
    uint64_t hash = physmem_hash(machine->physmem, STATE_HASH_SEED);
    hash = cpu_hash(&machine->cpu, hash);
    for (unsigned i = 0; i < machine->device_count; i++) {
        const struct machine_device *device = &machine->device[i];
        if (device->class->state != NULL)
            hash = state_hash(hash, device->class->state, device->object);
    }
    return hash;
}
