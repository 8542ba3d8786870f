/*
 * 82441FX host bridge.
 * Source: Intel 440FX PCIset data sheet (290549), "PAM - Programmable Attribute Map Registers"
 * and "SMRAM - System Management RAM Control Register".
 */
#include "hw/pci/i440fx.h"

#include <string.h>

#define CONFIG_PAM   0x59
#define CONFIG_SMRAM 0x72

#define SMRAM_OPEN   0x40
#define SMRAM_CLOSED 0x20
#define SMRAM_LOCK   0x10
#define SMRAM_ENABLE 0x08

/* Segment 0 is F0000h (PAM0, high nibble); the others are 16 KiB from C0000h, low nibble first. */
static uint8_t segment_attributes(const struct i440fx *bridge, unsigned segment) {
    unsigned nibble = segment == 0 ? 1 : segment + 1;
    uint8_t pam = bridge->pci.config[CONFIG_PAM + nibble / 2];
    return (nibble & 1 ? pam >> 4 : pam) & 3;
}

static void apply(struct i440fx *bridge) {
    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
        uint8_t attributes = segment_attributes(bridge, i);
        if (attributes == bridge->pam_applied[i])
            continue;
        bridge->pam_applied[i] = attributes;
        physmem_set_enabled(bridge->physmem, bridge->pam[i], attributes & 1, attributes >> 1 & 1);
    }
    uint8_t smram = bridge->pci.config[CONFIG_SMRAM];
    bool open = (smram & SMRAM_ENABLE) && !(smram & SMRAM_CLOSED) &&
                (bridge->in_smm || (smram & SMRAM_OPEN));
    if (open != bridge->smram_applied) {
        bridge->smram_applied = open;
        physmem_set_enabled(bridge->physmem, bridge->smram, open, open);
    }
}

static void config_written(struct pci_function *function, unsigned offset, unsigned size) {
    struct i440fx *bridge = function->opaque;
    uint8_t *smram = &function->config[CONFIG_SMRAM];
    if (offset <= CONFIG_SMRAM && offset + size > CONFIG_SMRAM && (*smram & SMRAM_LOCK)) {
        /* Locked until reset: DRAM at A0000h can no longer be opened. */
        *smram &= (uint8_t)~SMRAM_OPEN;
        function->write_mask[CONFIG_SMRAM] = 0;
    }
    apply(bridge);
}

void i440fx_set_smm(struct i440fx *bridge, bool active) {
    bridge->in_smm = active;
    apply(bridge);
}

void i440fx_init(struct i440fx *bridge, struct physmem *physmem) {
    memset(bridge, 0, sizeof(*bridge));
    bridge->physmem = physmem;
    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
        phys_addr base = i == 0 ? 0xf0000 : 0xc0000 + (i - 1) * UINT64_C(0x4000);
        uint64_t size = i == 0 ? 0x10000 : 0x4000;
        bridge->pam[i] = physmem_add_ram(physmem, "pam", base, size, base, I440FX_SHADOW_PRIORITY);
        physmem_set_enabled(physmem, bridge->pam[i], false, false);
    }
    bridge->smram =
        physmem_add_ram(physmem, "smram", 0xa0000, 0x20000, 0xa0000, I440FX_SHADOW_PRIORITY);
    physmem_set_enabled(physmem, bridge->smram, false, false);

    struct pci_function *pci = &bridge->pci;
    pci->opaque = bridge;
    pci->config_written = config_written;
    pci_function_identify(pci, 0x8086, 0x1237, 2, 0x060000, 0);
    pci->config[0x04] = 0x06; /* memory and bus master cannot be switched off */
    pci->config[0x07] = 0x02;
    pci->write_mask[0x50] = 0xff; /* PMCCFG, DRAM type and timing: kept, without effect */
    pci->write_mask[0x51] = 0xff;
    memset(pci->write_mask + 0x57, 0xff, 2);
    pci->write_mask[CONFIG_PAM] = 0x30;
    memset(pci->write_mask + CONFIG_PAM + 1, 0x33, 6);
    memset(pci->write_mask + 0x60, 0xff, 8); /* DRB: row boundaries */
    pci->config[CONFIG_SMRAM] = 0x02;
    pci->write_mask[CONFIG_SMRAM] = 0x78;
}

static void i440fx_reset(void *device) {
    struct i440fx *bridge = device;
    memset(bridge->pci.config + CONFIG_PAM, 0, 7);
    memset(bridge->pci.config + 0x50, 0, 2);
    memset(bridge->pci.config + 0x57, 0, 2);
    memset(bridge->pci.config + 0x60, 0, 8);
    bridge->pci.config[CONFIG_SMRAM] = 0x02;
    bridge->pci.write_mask[CONFIG_SMRAM] = 0x78;
    bridge->pci.config[0x04] = 0x06;
    bridge->in_smm = false; /* the CPU is reset, too */
    apply(bridge);
}

static const struct state_field fields[] = {
    FIELD(i440fx, pci.config, 1),  FIELD(i440fx, pci.write_mask, 1), /* SMRAM's lock */
    FIELD(i440fx, pam_applied, 1), FIELD(i440fx, smram_applied, 1),  FIELD(i440fx, in_smm, 1),
    NOT_SAVED(i440fx, pci),        NOT_SAVED(i440fx, physmem),       NOT_SAVED(i440fx, pam),
    NOT_SAVED(i440fx, smram),
};
const struct state_table i440fx_state = STATE_TABLE(i440fx, fields);
const struct device_class i440fx_class = {"i440fx", i440fx_reset, &i440fx_state};
