/*
 * A kernel given with -kernel: what goes where in guest memory and how to start it. linux_boot.c
 * and multiboot.c make a plan, kernel_plan_publish() hands it to the option ROM in kernel_rom.asm
 * through fw_cfg; the firmware runs that ROM as its first boot device.
 */
#ifndef HW_MACHINE_KERNEL_PLAN_H
#define HW_MACHINE_KERNEL_PLAN_H

#include "hw/fw_cfg.h"
#include "hw/machine/machine.h"
#include "softmmu/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_PLAN_ITEMS_MAX 48
#define KERNEL_PLAN_KEY       0x8100
#define KERNEL_ITEM_FIRST_KEY 0x8101
/* Where the firmware may keep its tables at the top of RAM; nothing is loaded there. */
#define KERNEL_RAM_RESERVE (UINT32_C(1) << 20)

/** Name of the ROM in fw_cfg, and what SeaBIOS calls it in its boot order. */
#define KERNEL_ROM_FILE       "genroms/kernel.rom"
#define KERNEL_ROM_BOOT_ENTRY "/rom@genroms/kernel.rom"

enum kernel_kind { KERNEL_REAL_MODE = 0, KERNEL_MULTIBOOT = 1 };

struct kernel_item {
    uint8_t *bytes; /* owned by the plan */
    uint32_t size;
    uint32_t address; /* guest-physical */
};

struct kernel_plan {
    enum kernel_kind kind;
    uint32_t entry; /* real mode: segment of the setup code; Multiboot: EIP */
    uint32_t info;  /* Multiboot: address of the information structure */
    struct kernel_item item[KERNEL_PLAN_ITEMS_MAX];
    unsigned count;
};

/** The option ROM; made at build time. */
extern const unsigned char kernel_rom[];
extern const size_t kernel_rom_size;

/** Make the plan for config->kernel_path: a Multiboot kernel when it has that header, else Linux.
 */
bool kernel_plan_make(struct kernel_plan *plan, const struct machine_config *config,
                      struct error *error);
void kernel_plan_free(struct kernel_plan *plan);
/** Put the plan, its items and the ROM into fw_cfg. */
bool kernel_plan_publish(const struct kernel_plan *plan, struct fw_cfg *fw, struct error *error);

/** Add an item; takes `bytes` over, also on failure. */
bool kernel_plan_add(struct kernel_plan *plan, uint8_t *bytes, size_t size, uint64_t address,
                     const struct machine_config *config, struct error *error);

/* One for each protocol; `kernel` is the whole file and stays the caller's. */
bool linux_boot_plan(struct kernel_plan *plan, const uint8_t *kernel, size_t size,
                     const struct machine_config *config, struct error *error);
bool multiboot_plan(struct kernel_plan *plan, const uint8_t *kernel, size_t size,
                    const struct machine_config *config, struct error *error);
/** Offset of the Multiboot header in the file, or -1. */
long multiboot_find_header(const uint8_t *kernel, size_t size);

#endif
