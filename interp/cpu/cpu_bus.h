/*
 * What a CPU needs from outside, filled in by hw/machine (interp never includes hw).
 * All functions are called on the vCPU's thread. Times are nanoseconds of virtual time.
 */
#ifndef INTERP_CPU_CPU_BUS_H
#define INTERP_CPU_CPU_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_bus {
    void *opaque;
    /** Port input/output of 1, 2 or 4 bytes. */
    uint32_t (*port_read)(void *opaque, uint16_t port, unsigned size);
    void (*port_write)(void *opaque, uint16_t port, unsigned size, uint32_t value);
    /** Interrupt acknowledge cycle: the vector, or -1 when the request has gone away. */
    int (*acknowledge_interrupt)(void *opaque);
    /** Time stamp counter: ticks since reset, before the guest's TSC offset. */
    uint64_t (*read_tsc)(void *opaque);
    /** FERR# pin (CR0.NE = 0): level of the unmasked x87 error line, wired to IRQ 13. */
    void (*set_ferr)(void *opaque, bool asserted);
    /** True while the chipset holds IGNNE# (port F0h written), so FP errors are ignored. */
    bool (*ignne)(void *opaque);
    /** Local APIC: base MSR was written (bits as in IA32_APIC_BASE). May be NULL. */
    void (*set_apic_base)(void *opaque, uint64_t value);
    uint64_t (*apic_base)(void *opaque);
    /** SMIACT# pin: the CPU is in system management mode, and SMRAM is to be shown. May be NULL. */
    void (*set_smm)(void *opaque, bool active);
    /** The guest executed an unmasked shutdown (triple fault) or INIT; the machine decides. */
    void (*shutdown)(void *opaque);
};

#endif
