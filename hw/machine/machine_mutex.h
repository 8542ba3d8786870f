/*
 * The machine lock. The vCPU thread holds it while guest code runs, so device accesses by the
 * guest cost no locking; whoever else wants it kicks the vCPU and is served before the vCPU may
 * have it back. Guest code therefore never runs while another thread is inside a device.
 */
#ifndef HW_MACHINE_MACHINE_MUTEX_H
#define HW_MACHINE_MACHINE_MUTEX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct machine_mutex {
    pthread_mutex_t mutex;  /* guards is_held; held for moments only */
    pthread_cond_t changed; /* on CLOCK_MONOTONIC */
    bool is_held;
    _Atomic unsigned waiters; /* threads other than the vCPU's that want it */
    void (*kick)(void *opaque);
    void *opaque;
};

void machine_mutex_init(struct machine_mutex *lock, void (*kick)(void *opaque), void *opaque);
void machine_mutex_destroy(struct machine_mutex *lock);

/** Any thread but the vCPU's. */
void machine_mutex_acquire(struct machine_mutex *lock);
/** The vCPU thread: waits until nobody else wants the lock. */
void machine_mutex_acquire_last(struct machine_mutex *lock);
void machine_mutex_release(struct machine_mutex *lock);
/** The vCPU thread: let those who wait have it first. */
void machine_mutex_yield(struct machine_mutex *lock);
/** The vCPU thread: release, sleep until somebody released or notified, or until host_ns of
 *  CLOCK_MONOTONIC (UINT64_MAX: for ever), and take the lock again. `is_needed` is asked first,
 *  with notifications held back: false means do not sleep. */
void machine_mutex_sleep(struct machine_mutex *lock, uint64_t host_ns,
                         bool (*is_needed)(void *opaque), void *opaque);
/** Wake sleepers. Any thread, with or without the lock. */
void machine_mutex_notify(struct machine_mutex *lock);

#endif
