/*
 * How a PC reports x87 errors to DOS-era software: FERR# raises IRQ 13, and a write to port F0h
 * lowers it and holds IGNNE# so that the handler may use the x87 until FERR# goes away.
 *
 * Source: SDM vol. 1, "MS-DOS Compatibility Sub-mode".
 */
#ifndef HW_MACHINE_FPU_ERROR_H
#define HW_MACHINE_FPU_ERROR_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"

#include <stdbool.h>

struct fpu_error {
    bool ferr;  /* level of the CPU's pin */
    bool ignne; /* level of the pin to the CPU */
    struct irq_line irq13;
};

extern const struct state_table fpu_error_state;
extern const struct device_class fpu_error_class;

/** Claims ports F0h and F1h. */
void fpu_error_init(struct fpu_error *fpu, struct port_map *ports, struct irq_line irq13);
/** The CPU's FERR# pin changed. */
void fpu_error_set_ferr(struct fpu_error *fpu, bool asserted);

#endif
