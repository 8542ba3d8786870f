/*
 * Ports for talking to the emulator: a byte sink that reads E9h (Bochs' port E9h; port 402h, where
 * SeaBIOS writes its log if the port reads E9h), and isa-debug-exit, which ends the program.
 */
#ifndef HW_DEBUG_PORT_H
#define HW_DEBUG_PORT_H

#include "hw/core/char_sink.h"
#include "hw/core/device.h"
#include "hw/core/port_map.h"

#include <stdint.h>

struct debug_port {
    struct char_backend *backend;
};

/** Claim one port: 0xe9 or 0x402. */
void debug_port_init(struct debug_port *debug, struct port_map *ports, uint16_t port,
                     struct char_backend *backend);

struct debug_exit {
    void (*exit)(void *opaque, uint32_t value);
    void *opaque;
};

/** Claim `size` ports from `base`; a write of any width calls exit with the value written. */
void debug_exit_init(struct debug_exit *debug, struct port_map *ports, uint16_t base, unsigned size,
                     void (*exit)(void *opaque, uint32_t value), void *opaque);

extern const struct state_table debug_port_state;
extern const struct device_class debug_port_class;
extern const struct state_table debug_exit_state;
extern const struct device_class debug_exit_class;

#endif
