/* FERR#, IGNNE# and IRQ 13; see fpu_error.h. */
#include "hw/machine/fpu_error.h"

static uint32_t busy_read(void *opaque, uint16_t port, unsigned size) {
    return 0xff; /* write only */
}

static void busy_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct fpu_error *fpu = opaque;
    fpu->ignne = fpu->ferr;
    irq_set(&fpu->irq13, false);
}

static const struct port_ops busy_ops = {"fpu-error", busy_read, busy_write, 1};

static void fpu_error_reset(void *opaque) {
    struct fpu_error *fpu = opaque;
    fpu->ferr = false;
    fpu->ignne = false;
    irq_set(&fpu->irq13, false);
}

void fpu_error_init(struct fpu_error *fpu, struct port_map *ports, struct irq_line irq13) {
    *fpu = (struct fpu_error){.irq13 = irq13};
    port_map_add(ports, 0xf0, 2, &busy_ops, fpu);
}

void fpu_error_set_ferr(struct fpu_error *fpu, bool asserted) {
    if (asserted && !fpu->ferr)
        irq_set(&fpu->irq13, true);
    if (!asserted)
        fpu->ignne = false;
    fpu->ferr = asserted;
}

static const struct state_field fpu_error_fields[] = {
    FIELD(fpu_error, ferr, 1),
    FIELD(fpu_error, ignne, 1),
    NOT_SAVED(fpu_error, irq13),
};
const struct state_table fpu_error_state = STATE_TABLE(fpu_error, fpu_error_fields);
const struct device_class fpu_error_class = {"fpu_error", fpu_error_reset, &fpu_error_state};
