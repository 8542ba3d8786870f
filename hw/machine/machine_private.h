/*
 * struct machine, shared by the files of hw/machine: machine.c (what the frontend calls),
 * vcpu_thread.c (running), pc.c (the chips), boot_config.c and cmos.c (what firmware reads).
 */
#ifndef HW_MACHINE_MACHINE_PRIVATE_H
#define HW_MACHINE_MACHINE_PRIVATE_H

#include "hw/core/device.h"
#include "hw/machine/kernel_plan.h"
#include "hw/machine/machine.h"
#include "hw/machine/machine_mutex.h"
#include "hw/machine/part_sampler.h"
#include "hw/machine/time_source.h"
#include "interp/cpu/cpu.h"
#include "softmmu/code_pages.h"
#include "softmmu/physmem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_DEVICES_MAX 48

struct lockstep;
struct pc;

struct machine_device {
    const struct device_class *class;
    void *object;
};

/* What other threads, and devices, ask of the vCPU thread. */
enum machine_request {
    REQUEST_QUIT = 1 << 0,
    REQUEST_RESET = 1 << 1,
    REQUEST_PAUSE = 1 << 2, /* stays set while the machine is to stand still */
    REQUEST_POWER_OFF = 1 << 3,
    REQUEST_DEBUG_EXIT = 1 << 4,
};

struct machine {
    struct machine_config config;
    struct log *log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    struct port_map *ports;
    struct clock *clock;
    struct time_source time;
    struct cpu cpu;
    bool has_cpu;                  /* cpu_init succeeded */
    struct translator *translator; /* NULL: the interpreter runs the guest */
    struct lockstep *lockstep;     /* NULL unless a twin runs beside this machine */
    uint64_t *sensitive_counts;
    struct pc *pc; /* the chips */
    struct machine_device device[MACHINE_DEVICES_MAX];
    unsigned device_count;
    struct kernel_plan kernel;

    struct machine_mutex lock;
    pthread_t thread;
    bool has_thread;
    _Atomic uint32_t requests; /* enum machine_request */
    int debug_exit_value;      /* with REQUEST_DEBUG_EXIT */

    /* How the machine is doing; guarded by stop_mutex. */
    pthread_mutex_t stop_mutex;
    pthread_cond_t stop_changed;
    enum machine_stop stop;
    int stop_fd; /* eventfd, readable once the machine stopped for good */

    /* Counters of the vCPU thread. */
    uint64_t run_calls, resets, halts, kicks;
    uint64_t halted_host_ns, started_host_ns, ended_host_ns;
    struct part_sampler sampler; /* with config.samples_parts */
};

/** Register a chip for reset, state hash and snapshots; in the order of initialisation. */
void machine_add_device(struct machine *machine, const struct device_class *class, void *object);
/** Set a request and get the vCPU's attention. Any thread. */
void machine_request(struct machine *machine, enum machine_request request);
/** Record how the machine is doing and wake whoever waits for it. */
void machine_set_stop(struct machine *machine, enum machine_stop stop);
/** Reset every chip and the CPU. vCPU thread, or before it starts. */
void machine_reset_now(struct machine *machine);

/* machine_report.c */
/** The CPU's registers as text. With the machine lock. */
void machine_print_cpu(const struct cpu *cpu, FILE *out);

/* vcpu_thread.c */
void *vcpu_thread(void *machine);

/* pc.c */
/** Make and wire all chips, map memory and firmware. */
bool pc_create(struct machine *machine, struct error *error);
void pc_destroy(struct machine *machine);

#endif
