/* Two machines in step: making the twin, and running both from stop to stop. See lockstep.h. */
#include "hw/machine/lockstep.h"

#include "translator/run.h"

#include <stdlib.h>
#include <string.h>

bool lockstep_create(struct machine *machine, struct error *error) {
    struct lockstep *lockstep = calloc(1, sizeof(*lockstep));
    if (lockstep != NULL)
        lockstep->cpu_before = calloc(1, sizeof(struct cpu));
    if (lockstep == NULL || lockstep->cpu_before == NULL) {
        free(lockstep);
        return error_set(error, "out of memory");
    }
    machine->lockstep = lockstep;
    lockstep->reference = machine;
    /* Only counted instructions make two runs alike. */
    machine->config.clock = CLOCK_ICOUNT;
    lockstep_wire_reference(lockstep, &machine->config);
    return true;
}

/* The reference writes to the images as it is told; the twin keeps its writes to itself. It runs
   ahead, so it has copied a sector that both write before the reference changes the file. */
static void configure_twin(struct lockstep *lockstep, struct machine_config *config) {
    *config = lockstep->reference->config;
    config->engine = ENGINE_BT;
    config->start_stopped = false;
    lockstep->twin_log = *lockstep->reference->log;
    lockstep->twin_log.mask &= LOG_OP | LOG_OP_OPT | LOG_OUT_ASM;
    config->log = &lockstep->twin_log;
    for (unsigned i = 0; i < MACHINE_IDE_DRIVES; i++)
        config->ide[i].snapshot = config->ide[i].is_unlocked = true;
    for (unsigned i = 0; i < MACHINE_FLOPPY_DRIVES; i++)
        config->floppy[i].snapshot = config->floppy[i].is_unlocked = true;
}

bool lockstep_create_twin(struct lockstep *lockstep, struct error *error) {
    struct machine_config config;
    configure_twin(lockstep, &config);
    lockstep_wire_twin(lockstep, &config);
    lockstep->twin = machine_create(&config, error);
    if (lockstep->twin == NULL)
        return false;
    lockstep_connect_input(lockstep);
    return lockstep_watch_stores(lockstep, error);
}

void lockstep_destroy(struct lockstep *lockstep) {
    if (lockstep == NULL)
        return;
    lockstep_free_memory(lockstep);
    machine_destroy(lockstep->twin);
    free(lockstep->cpu_before);
    free(lockstep);
}

void lockstep_begin(struct lockstep *lockstep) {
    const struct cpu *cpu = &lockstep->reference->cpu;
    memcpy(lockstep->cpu_before, cpu, sizeof(*cpu));
    lockstep->start = (struct lockstep_start){.icount = cpu->icount,
                                              .linear = cpu->seg[SEG_CS].base + cpu->eip,
                                              .eip = cpu->eip,
                                              .code_selector = cpu->seg[SEG_CS].selector,
                                              .code_is_32 = cpu->code_is_32};
    /* What devices stored between two stops: both clocks have run. */
    if (lockstep->stores != 0 || lockstep->lost_stores) {
        lockstep_compare_stores(lockstep);
        lockstep_keep_memory(lockstep);
    }
}

/** Run the twin for one block, or for one window. */
static enum cpu_exit lead(struct lockstep *lockstep, uint64_t limit) {
    struct machine *twin = lockstep->twin;
    uint64_t window = lockstep->reference->config.lockstep_window;
    if (window == 0)
        return translator_run_block(twin->translator, limit);
    uint64_t room = limit - twin->cpu.icount;
    return translator_run(twin->translator, twin->cpu.icount + (window < room ? window : room));
}

void lockstep_follow(struct lockstep *lockstep, uint64_t limit) {
    struct machine *reference = lockstep->reference;
    enum cpu_exit exit;
    do {
        uint64_t next = time_source_run_limit(&reference->time, limit);
        exit = interp_run(&reference->cpu, next);
    } while (exit == CPU_EXIT_KICK);
}

/** What the twin's chips asked for, the reference's must have asked for too; it is served there. */
static void compare_requests(struct lockstep *lockstep) {
    uint32_t twin = atomic_exchange(&lockstep->twin->requests, 0);
    uint32_t reference = atomic_load(&lockstep->reference->requests);
    if (twin & ~reference)
        lockstep_differ(lockstep, "requests of chips: reference %x, twin %x", reference, twin);
}

enum cpu_exit lockstep_run(struct lockstep *lockstep, uint64_t limit) {
    struct machine *twin = lockstep->twin;
    clock_run(twin->clock);
    uint64_t twin_limit = time_source_run_limit(&twin->time, UINT64_MAX);
    uint64_t own_limit = time_source_run_limit(&lockstep->reference->time, UINT64_MAX);
    lockstep_begin(lockstep);
    if (own_limit != twin_limit)
        lockstep_differ(lockstep, "next timer: at instruction %llu, twin %llu",
                        (unsigned long long)own_limit, (unsigned long long)twin_limit);
    enum cpu_exit exit = lead(lockstep, limit);
    bool is_stopped = exit == CPU_EXIT_HALTED || exit == CPU_EXIT_SHUTDOWN;
    /* A halted CPU is recognised at the boundary behind HLT, so the limit must lie beyond it. */
    lockstep_follow(lockstep, is_stopped ? limit : twin->cpu.icount);
    lockstep->stops++;
    compare_requests(lockstep);
    lockstep_compare(lockstep);
    if (lockstep_has_failed(lockstep)) {
        lockstep_report(lockstep, stderr);
        lockstep_narrow(lockstep, stderr);
    }
    return exit;
}
