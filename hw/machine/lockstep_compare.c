/* Comparing the two machines of a lockstep. */
#include "hw/machine/lockstep.h"

#include "interp/cpu/cpu_compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define DEVICES_EVERY (UINT64_C(1) << 20)
#define MEMORY_EVERY  (UINT64_C(1) << 24)

void lockstep_differ(struct lockstep *lockstep, const char *format, ...) {
    va_list arguments;
    if (lockstep_has_failed(lockstep))
        return;
    va_start(arguments, format);
    vsnprintf(lockstep->difference, sizeof(lockstep->difference), format, arguments);
    va_end(arguments);
}

static void compare_cpus(struct lockstep *lockstep) {
    char text[128];
    if (!cpu_same(&lockstep->reference->cpu, &lockstep->twin->cpu, text, sizeof(text)))
        lockstep_differ(lockstep, "%s", text);
}

static void compare_devices(struct lockstep *lockstep) {
    const struct machine *a = lockstep->reference, *b = lockstep->twin;
    lockstep->device_comparisons++;
    for (unsigned i = 0; i < a->device_count; i++) {
        const struct device_class *class = a->device[i].class;
        char text[128];
        if (class->state != NULL && !state_same(class->name, class->state, a->device[i].object,
                                                b->device[i].object, text, sizeof(text)))
            lockstep_differ(lockstep, "%s", text);
    }
}

static void compare_streams(struct lockstep *lockstep) {
    for (unsigned i = 0; i < LOCKSTEP_STREAMS; i++) {
        const struct lockstep_stream *stream = &lockstep->stream[i];
        if (stream->bytes[0] != stream->bytes[1] || stream->hash[0] != stream->hash[1])
            lockstep_differ(lockstep, "output to %s: %" PRIu64 " bytes, twin %" PRIu64,
                            stream->name, stream->bytes[0], stream->bytes[1]);
    }
}

void lockstep_compare(struct lockstep *lockstep) {
    uint64_t icount = lockstep->reference->cpu.icount;
    compare_cpus(lockstep);
    lockstep_compare_stores(lockstep);
    compare_streams(lockstep);
    if (icount >= lockstep->devices_due) {
        lockstep->devices_due = icount + DEVICES_EVERY;
        compare_devices(lockstep);
    }
    if (icount >= lockstep->written_due) {
        lockstep->written_due = icount + lockstep->reference->config.lockstep_memory;
        lockstep_compare_written(lockstep);
    }
    if (icount >= lockstep->memory_due) {
        lockstep->memory_due = icount + MEMORY_EVERY;
        lockstep_compare_memory(lockstep);
    }
    if (!lockstep_has_failed(lockstep))
        lockstep_keep_memory(lockstep);
}

bool lockstep_agrees(struct lockstep *lockstep) {
    compare_cpus(lockstep);
    lockstep_compare_stores(lockstep);
    lockstep_compare_written(lockstep);
    compare_streams(lockstep);
    return !lockstep_has_failed(lockstep);
}
