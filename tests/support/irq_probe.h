/* The far end of an irq_line: remembers what was driven. */
#ifndef TESTS_SUPPORT_IRQ_PROBE_H
#define TESTS_SUPPORT_IRQ_PROBE_H

#include "hw/core/irq.h"

struct irq_probe {
    bool level;
    unsigned rises;
};

static inline void irq_probe_set(void *opaque, unsigned number, bool level) {
    struct irq_probe *probe = opaque;

    if (level && !probe->level)
        probe->rises++;
    probe->level = level;
}

static inline struct irq_line irq_probe_line(struct irq_probe *probe) {
    return (struct irq_line){irq_probe_set, probe, 0};
}

#endif
