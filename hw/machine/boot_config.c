/*
 * What SeaBIOS reads through fw_cfg: memory map, boot order, counts, option ROMs and a kernel.
 *
 * Source: QEMU's published specification docs/specs/fw_cfg; SeaBIOS's docs/Runtime_config.
 */
#include "hw/machine/pc.h"

#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <string.h>

#define E820_RAM   1
#define E820_ENTRY 20

static bool add_memory_map(struct fw_cfg *fw, uint64_t ram) {
    uint8_t entry[E820_ENTRY];
    store_le64(entry, 0);
    store_le64(entry + 8, ram);
    store_le32(entry + 16, E820_RAM);
    return fw_cfg_add_file(fw, "etc/e820", entry, sizeof(entry)) &&
           fw_cfg_add_u64(fw, FW_CFG_RAM_SIZE, ram);
}

static bool add_boot_order(struct fw_cfg *fw, const struct machine_config *config) {
    static const char order[] = KERNEL_ROM_BOOT_ENTRY;
    static const uint8_t never[4] = {0xff, 0xff, 0xff, 0xff}; /* do not reboot when nothing boots */
    if (config->kernel_path != NULL && !fw_cfg_add_file(fw, "bootorder", order, sizeof(order)))
        return false;
    return fw_cfg_add_u16(fw, FW_CFG_BOOT_MENU, config->boot_menu) &&
           fw_cfg_add_file(fw, "etc/boot-fail-wait", never, sizeof(never));
}

/* An ISA display card has no PCI ROM BAR; SeaBIOS takes its ROM from here. */
static bool add_isa_vga_rom(struct pc *pc) {
    if (pc->machine->config.kind != MACHINE_ISAPC || pc->vga_bios.bytes == NULL)
        return true;
    return fw_cfg_add_file(&pc->fw_cfg, "vgaroms/vgabios.bin", pc->vga_bios.bytes,
                           (uint32_t)pc->vga_bios.size);
}

bool boot_config_create(struct pc *pc, struct error *error) {
    struct machine *machine = pc->machine;
    const struct machine_config *config = &machine->config;
    struct fw_cfg *fw = &pc->fw_cfg;
    fw_cfg_init(fw, machine->ports, machine->physmem);
    pc->has_fw_cfg = true;
    machine_add_device(machine, &fw_cfg_class, fw);
    uint16_t cpus = (uint16_t)config->cpu_count;
    bool is_good = add_memory_map(fw, config->ram_bytes) && add_boot_order(fw, config) &&
                   fw_cfg_add_u16(fw, FW_CFG_CPU_COUNT, cpus) &&
                   fw_cfg_add_u16(fw, FW_CFG_MAX_CPUS, cpus) &&
                   fw_cfg_add_u16(fw, FW_CFG_NOGRAPHIC, config->serial_console) &&
                   fw_cfg_add_u32(fw, FW_CFG_IRQ0_OVERRIDE, 1) && add_isa_vga_rom(pc);
    if (!is_good)
        return error_set(error, "out of memory");
    if (config->kernel_path == NULL)
        return true;
    return kernel_plan_make(&machine->kernel, config, error) &&
           kernel_plan_publish(&machine->kernel, fw, error);
}
