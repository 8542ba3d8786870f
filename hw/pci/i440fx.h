/*
 * 82441FX host bridge (8086:1237): PAM registers, which decide for 13 segments between C0000h and
 * FFFFFh whether reads and writes reach DRAM or the ROM behind the bus, and the SMRAM register.
 */
#ifndef HW_PCI_I440FX_H
#define HW_PCI_I440FX_H

#include "hw/core/device.h"
#include "hw/core/pci.h"

#define I440FX_PAM_SEGMENTS 13
/* Above ROM (firmware, option ROMs) and the VGA window, which the machine maps lower. */
#define I440FX_SHADOW_PRIORITY 10

struct i440fx {
    struct pci_function pci;
    uint8_t pam_applied[I440FX_PAM_SEGMENTS]; /* bit 0 reads, bit 1 writes */
    bool smram_applied;
    bool in_smm; /* level of the CPU's SMIACT# */
    struct physmem *physmem;
    phys_region_id pam[I440FX_PAM_SEGMENTS], smram;
};

extern const struct state_table i440fx_state;
extern const struct device_class i440fx_class;

/** Adds the shadow RAM regions to `physmem`. The caller plugs `pci` into the bus at 00:00.0. */
void i440fx_init(struct i440fx *bridge, struct physmem *physmem);
/** The CPU enters or leaves system management mode, where SMRAM that is enabled shows. */
void i440fx_set_smm(struct i440fx *bridge, bool active);

#endif
