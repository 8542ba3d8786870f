/*
 * What the machine knows of each chip: a name, how to reset it and what of it is state. Chips are
 * plain structs; X_init() takes everything that the chip touches, hw/machine/pc.c calls it.
 */
#ifndef HW_CORE_DEVICE_H
#define HW_CORE_DEVICE_H

#include "softmmu/base/state.h"

struct device_class {
    const char *name;
    /** Power-on and reset-line reset; NULL when the chip has no reset. */
    void (*reset)(void *device);
    const struct state_table *state;
};

#endif
