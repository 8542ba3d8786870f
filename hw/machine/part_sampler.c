/* See part_sampler.h. */
#include "hw/machine/part_sampler.h"

#include <string.h>
#include <time.h>

/* Two milliseconds on average: 50 samples of a workload of 100 ms, a few hundredths of a percent of
   the host. Never the same twice, lest samples fall in step with the guest's timer. */
#define PERIOD_LEAST_NS UINT64_C(1000000)
#define PERIOD_SPREAD   2097151u
#define NS_PER_SECOND   UINT64_C(1000000000)

static uint64_t host_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void part_sampler_init(struct part_sampler *sampler, const _Atomic uint8_t *part, uint64_t now_ns) {
    *sampler = (struct part_sampler){.part = part, .last_ns = now_ns, .random = 1};
}

void part_sampler_take(struct part_sampler *sampler, uint64_t now_ns) {
    uint8_t part = atomic_load_explicit(sampler->part, memory_order_relaxed);
    atomic_fetch_add_explicit(&sampler->ns[part], now_ns - sampler->last_ns, memory_order_relaxed);
    sampler->last_ns = now_ns;
}

static uint64_t next_period(struct part_sampler *sampler) {
    uint32_t *x = &sampler->random; /* xorshift32 */
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return PERIOD_LEAST_NS + (*x & PERIOD_SPREAD);
}

static void *sample(void *opaque) {
    struct part_sampler *sampler = opaque;
    pthread_mutex_lock(&sampler->mutex);
    while (!sampler->is_ending) {
        uint64_t next = host_now() + next_period(sampler);
        struct timespec until = {.tv_sec = (time_t)(next / NS_PER_SECOND),
                                 .tv_nsec = (long)(next % NS_PER_SECOND)};
        pthread_cond_timedwait(&sampler->ends, &sampler->mutex, &until);
        part_sampler_take(sampler, host_now());
    }
    pthread_mutex_unlock(&sampler->mutex);
    return NULL;
}

bool part_sampler_start(struct part_sampler *sampler, struct error *error) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sampler->ends, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&sampler->mutex, NULL);
    sampler->last_ns = host_now();
    int status = pthread_create(&sampler->thread, NULL, sample, sampler);
    sampler->has_thread = status == 0;
    return status == 0 || error_set(error, "cannot start a thread: %s", strerror(status));
}

void part_sampler_destroy(struct part_sampler *sampler) {
    if (!sampler->has_thread)
        return;
    pthread_mutex_lock(&sampler->mutex);
    sampler->is_ending = true;
    pthread_cond_signal(&sampler->ends);
    pthread_mutex_unlock(&sampler->mutex);
    pthread_join(sampler->thread, NULL);
    pthread_mutex_destroy(&sampler->mutex);
    pthread_cond_destroy(&sampler->ends);
    sampler->has_thread = false;
}

uint64_t part_sampler_ns(const struct part_sampler *sampler, enum cpu_part part) {
    return atomic_load_explicit(&sampler->ns[part], memory_order_relaxed);
}
