/*
 * How the vCPU thread spends its time, by sampling the byte that names what it is doing
 * (interp/cpu/part.h) a few hundred times a second: nothing on hot paths but a store.
 */
#ifndef HW_MACHINE_PART_SAMPLER_H
#define HW_MACHINE_PART_SAMPLER_H

#include "interp/cpu/part.h"
#include "softmmu/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct part_sampler {
    const _Atomic uint8_t *part;
    _Atomic uint64_t ns[PART_COUNT];
    uint64_t last_ns;
    uint32_t random;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t ends;
    bool is_ending;
};

/** Sample `part` from now_ns on; no thread yet. */
void part_sampler_init(struct part_sampler *sampler, const _Atomic uint8_t *part, uint64_t now_ns);
/** The time since the last sample goes to the part that is under way at now_ns. */
void part_sampler_take(struct part_sampler *sampler, uint64_t now_ns);
/** Take samples on a thread of its own. */
bool part_sampler_start(struct part_sampler *sampler, struct error *error);
/** End the thread, if there is one. */
void part_sampler_destroy(struct part_sampler *sampler);
/** Host nanoseconds of a part so far; any thread. */
uint64_t part_sampler_ns(const struct part_sampler *sampler, enum cpu_part part);

#endif
