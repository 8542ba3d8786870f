/* The machine lock; see machine_mutex.h. */
#include "hw/machine/machine_mutex.h"

#include "hw/core/clock.h"

#include <time.h>

void machine_mutex_init(struct machine_mutex *lock, void (*kick)(void *opaque), void *opaque) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&lock->mutex, NULL);
    lock->is_held = false;
    atomic_init(&lock->waiters, 0);
    lock->kick = kick;
    lock->opaque = opaque;
}

void machine_mutex_destroy(struct machine_mutex *lock) {
    pthread_cond_destroy(&lock->changed);
    pthread_mutex_destroy(&lock->mutex);
}

void machine_mutex_acquire(struct machine_mutex *lock) {
    pthread_mutex_lock(&lock->mutex);
    atomic_fetch_add(&lock->waiters, 1);
    if (lock->is_held)
        lock->kick(lock->opaque);
    while (lock->is_held)
        pthread_cond_wait(&lock->changed, &lock->mutex);
    lock->is_held = true;
    atomic_fetch_sub(&lock->waiters, 1);
    pthread_mutex_unlock(&lock->mutex);
}

/* With lock->mutex held. */
static void take_last(struct machine_mutex *lock) {
    while (lock->is_held || atomic_load(&lock->waiters) > 0)
        pthread_cond_wait(&lock->changed, &lock->mutex);
    lock->is_held = true;
}

void machine_mutex_acquire_last(struct machine_mutex *lock) {
    pthread_mutex_lock(&lock->mutex);
    take_last(lock);
    pthread_mutex_unlock(&lock->mutex);
}

void machine_mutex_release(struct machine_mutex *lock) {
    pthread_mutex_lock(&lock->mutex);
    lock->is_held = false;
    pthread_cond_broadcast(&lock->changed);
    pthread_mutex_unlock(&lock->mutex);
}

void machine_mutex_yield(struct machine_mutex *lock) {
    if (atomic_load(&lock->waiters) == 0)
        return;
    pthread_mutex_lock(&lock->mutex);
    lock->is_held = false;
    pthread_cond_broadcast(&lock->changed);
    take_last(lock);
    pthread_mutex_unlock(&lock->mutex);
}

void machine_mutex_sleep(struct machine_mutex *lock, uint64_t host_ns,
                         bool (*is_needed)(void *opaque), void *opaque) {
    struct timespec until = {.tv_sec = (time_t)(host_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(host_ns % NS_PER_SECOND)};
    pthread_mutex_lock(&lock->mutex);
    lock->is_held = false;
    pthread_cond_broadcast(&lock->changed);
    /* Once: whoever takes the lock meanwhile releases it, which ends this wait, and the caller
       looks again at what it waits for. */
    if (atomic_load(&lock->waiters) == 0 && is_needed(opaque)) {
        if (host_ns == UINT64_MAX)
            pthread_cond_wait(&lock->changed, &lock->mutex);
        else
            pthread_cond_timedwait(&lock->changed, &lock->mutex, &until);
    }
    take_last(lock);
    pthread_mutex_unlock(&lock->mutex);
}

void machine_mutex_notify(struct machine_mutex *lock) {
    pthread_mutex_lock(&lock->mutex);
    pthread_cond_broadcast(&lock->changed);
    pthread_mutex_unlock(&lock->mutex);
}
