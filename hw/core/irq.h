/* An interrupt (or any other) line: set its level, nothing else. The receiver fills it in. */
#ifndef HW_CORE_IRQ_H
#define HW_CORE_IRQ_H

#include <stdbool.h>
#include <stddef.h>

struct irq_line {
    void (*set)(void *opaque, unsigned number, bool level);
    void *opaque;
    unsigned number;
};

/** Drive a line; a line nobody listens to (set == NULL) is ignored. */
static inline void irq_set(const struct irq_line *line, bool level) {
    if (line->set != NULL)
        line->set(line->opaque, line->number, level);
}

#endif
