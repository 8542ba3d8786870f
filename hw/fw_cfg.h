/*
 * QEMU's firmware configuration device, through which the machine hands SeaBIOS its memory map,
 * boot order, option ROMs and counts: selector port 510h, data port 511h, DMA ports 514h-51Bh.
 */
#ifndef HW_FW_CFG_H
#define HW_FW_CFG_H

#include "hw/core/device.h"
#include "hw/core/port_map.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys of the items that the machine sets with fw_cfg_add_item(). Values are little-endian. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_RAM_SIZE = 0x03,  /* u64 */
    FW_CFG_NOGRAPHIC = 0x04, /* u16 */
    FW_CFG_CPU_COUNT = 0x05, /* u16 */
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e, /* u16 */
    FW_CFG_MAX_CPUS = 0x0f,  /* u16 */
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

#define FW_CFG_ITEMS_MAX 128
#define FW_CFG_NAME_MAX  56

struct fw_cfg_item {
    uint16_t key;
    char name[FW_CFG_NAME_MAX]; /* empty for an item that is not a file */
    uint8_t *bytes;
    uint32_t size;
};

struct fw_cfg {
    uint16_t selected;
    uint32_t position; /* in the selected item */
    uint64_t dma_address;
    struct fw_cfg_item item[FW_CFG_ITEMS_MAX]; /* files are kept sorted by name */
    unsigned item_count;
    uint8_t *directory;
    uint32_t directory_size;
    struct physmem *physmem;
};

extern const struct state_table fw_cfg_state;
extern const struct device_class fw_cfg_class;

/** Claims the ports. `physmem` NULL leaves the DMA interface out. */
void fw_cfg_init(struct fw_cfg *fw, struct port_map *ports, struct physmem *physmem);
/** Release the copies of all items. */
void fw_cfg_destroy(struct fw_cfg *fw);
/** Add or replace an item by key; the bytes are copied. False: no room or no memory. */
bool fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *bytes, uint32_t size);
bool fw_cfg_add_u16(struct fw_cfg *fw, uint16_t key, uint16_t value);
bool fw_cfg_add_u32(struct fw_cfg *fw, uint16_t key, uint32_t value);
bool fw_cfg_add_u64(struct fw_cfg *fw, uint16_t key, uint64_t value);
/** Add or replace a file, e.g. "etc/e820"; names are up to 55 characters. Before the guest runs. */
bool fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *bytes, uint32_t size);

#endif
