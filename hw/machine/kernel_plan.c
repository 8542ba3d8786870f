/* A kernel given with -kernel; see kernel_plan.h. */
#include "hw/machine/kernel_plan.h"

#include "hw/machine/firmware.h"
#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <string.h>

#define KERNEL_SIZE_MAX (UINT32_C(256) << 20)
/* As the ROM reads it: four words, then three for each item. */
#define PLAN_HEADER_SIZE 16
#define PLAN_ITEM_SIZE   12
#define PLAN_SIZE        0x400

bool kernel_plan_add(struct kernel_plan *plan, uint8_t *bytes, size_t size, uint64_t address,
                     const struct machine_config *config, struct error *error) {
    bool fits = plan->count < KERNEL_PLAN_ITEMS_MAX && address + size <= config->ram_bytes;
    if (fits) {
        plan->item[plan->count++] = (struct kernel_item){bytes, (uint32_t)size, (uint32_t)address};
        return true;
    }
    free(bytes);
    if (plan->count == KERNEL_PLAN_ITEMS_MAX)
        return error_set(error, "-kernel %s: too many parts to load", config->kernel_path);
    return error_set(error, "-kernel %s: needs %llu MiB of RAM for itself and its modules; see -m",
                     config->kernel_path, (unsigned long long)((address + size) >> 20) + 1);
}

bool kernel_plan_make(struct kernel_plan *plan, const struct machine_config *config,
                      struct error *error) {
    struct firmware_image file;
    *plan = (struct kernel_plan){0};
    if (!firmware_load(&file, config->kernel_path, KERNEL_SIZE_MAX, error))
        return false;
    bool is_good = multiboot_find_header(file.bytes, file.size) >= 0
                       ? multiboot_plan(plan, file.bytes, file.size, config, error)
                       : linux_boot_plan(plan, file.bytes, file.size, config, error);
    firmware_free(&file);
    if (!is_good)
        kernel_plan_free(plan);
    return is_good;
}

void kernel_plan_free(struct kernel_plan *plan) {
    for (unsigned i = 0; i < plan->count; i++)
        free(plan->item[i].bytes);
    plan->count = 0;
}

bool kernel_plan_publish(const struct kernel_plan *plan, struct fw_cfg *fw, struct error *error) {
    uint8_t bytes[PLAN_SIZE] = {0};
    _Static_assert(PLAN_HEADER_SIZE + KERNEL_PLAN_ITEMS_MAX * PLAN_ITEM_SIZE <= PLAN_SIZE,
                   "the ROM reads PLAN_SIZE bytes");
    store_le32(bytes, plan->kind);
    store_le32(bytes + 4, plan->entry);
    store_le32(bytes + 8, plan->info);
    store_le32(bytes + 12, plan->count);
    bool is_good = true;
    for (unsigned i = 0; i < plan->count; i++) {
        const struct kernel_item *item = &plan->item[i];
        uint8_t *to = bytes + PLAN_HEADER_SIZE + i * PLAN_ITEM_SIZE;
        store_le32(to, KERNEL_ITEM_FIRST_KEY + i);
        store_le32(to + 4, item->size);
        store_le32(to + 8, item->address);
        is_good = is_good && fw_cfg_add_item(fw, (uint16_t)(KERNEL_ITEM_FIRST_KEY + i), item->bytes,
                                             item->size);
    }
    is_good = is_good && fw_cfg_add_item(fw, KERNEL_PLAN_KEY, bytes, sizeof(bytes)) &&
              fw_cfg_add_file(fw, KERNEL_ROM_FILE, kernel_rom, (uint32_t)kernel_rom_size);
    return is_good || error_set(error, "no memory to hand the kernel to the firmware");
}
