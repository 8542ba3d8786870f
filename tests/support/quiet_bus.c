/* See quiet_bus.h. */
#include "tests/support/quiet_bus.h"

#include <stddef.h>

static uint32_t read_port(void *opaque, uint16_t port, unsigned size) {
    return UINT32_MAX;
}

static void write_port(void *opaque, uint16_t port, unsigned size, uint32_t value) {}

static int no_interrupt(void *opaque) {
    return -1;
}

static uint64_t no_tsc(void *opaque) {
    return 0;
}

static void set_ferr(void *opaque, bool asserted) {}

static bool ignne(void *opaque) {
    return false;
}

static void shut_down(void *opaque) {}

struct cpu_bus quiet_bus(void) {
    return (struct cpu_bus){
        .port_read = read_port,
        .port_write = write_port,
        .acknowledge_interrupt = no_interrupt,
        .read_tsc = no_tsc,
        .set_ferr = set_ferr,
        .ignne = ignne,
        .shutdown = shut_down,
    };
}
