/*
 * The serial line between the keyboard controller and a PS/2 device. The device keeps its bytes
 * in a queue of its own; the controller takes them when its output buffer is free.
 */
#ifndef HW_CORE_PS2_PORT_H
#define HW_CORE_PS2_PORT_H

#include <stddef.h>
#include <stdint.h>

struct ps2_port {
    /* The device's side, filled in by the device. */
    /** The controller sends a command or parameter byte. */
    void (*send)(void *device, uint8_t byte);
    /** The next byte for the controller, or -1. */
    int (*take)(void *device);
    void *device;

    /* The controller's side, filled in by the controller. */
    /** The device has a byte to take. */
    void (*ready)(void *controller);
    void *controller;
};

/** Called by the device after it queued a byte; a line without controller is silent. */
static inline void ps2_port_ready(const struct ps2_port *port) {
    if (port->ready != NULL)
        port->ready(port->controller);
}

#endif
