/* Debug output and debug exit: see the header. Neither has state of its own. */
#include "hw/debug_port.h"

#define SIGNATURE 0xe9

static uint32_t debug_read(void *opaque, uint16_t port, unsigned size) {
    return SIGNATURE;
}

static void debug_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct debug_port *debug = opaque;
    uint8_t byte = (uint8_t)value;

    char_write(debug->backend, &byte, 1);
}

static uint32_t exit_read(void *opaque, uint16_t port, unsigned size) {
    return 0;
}

static void exit_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct debug_exit *debug = opaque;

    if (debug->exit != NULL)
        debug->exit(debug->opaque, value);
}

static const struct port_ops debug_ports = {"debug-port", debug_read, debug_write, 1};
static const struct port_ops exit_ports = {"debug-exit", exit_read, exit_write, 4};

void debug_port_init(struct debug_port *debug, struct port_map *ports, uint16_t port,
                     struct char_backend *backend) {
    debug->backend = backend;
    port_map_add(ports, port, 1, &debug_ports, debug);
}

void debug_exit_init(struct debug_exit *debug, struct port_map *ports, uint16_t base, unsigned size,
                     void (*exit)(void *opaque, uint32_t value), void *opaque) {
    debug->exit = exit;
    debug->opaque = opaque;
    port_map_add(ports, base, size, &exit_ports, debug);
}

static const struct state_field debug_port_fields[] = {NOT_SAVED(debug_port, backend)};
const struct state_table debug_port_state = STATE_TABLE(debug_port, debug_port_fields);
const struct device_class debug_port_class = {"debug_port", NULL, &debug_port_state};

static const struct state_field debug_exit_fields[] = {
    NOT_SAVED(debug_exit, exit),
    NOT_SAVED(debug_exit, opaque),
};
const struct state_table debug_exit_state = STATE_TABLE(debug_exit, debug_exit_fields);
const struct device_class debug_exit_class = {"debug_exit", NULL, &debug_exit_state};
