/*
 * Firmware configuration device. Everything is read-only to the guest.
 * Source: QEMU's published specification docs/specs/fw_cfg, "Register Locations", "DMA Interface".
 */
#include "hw/fw_cfg.h"

#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <string.h>

#define SELECTOR_PORT 0x510
#define DATA_PORT     0x511
#define DMA_PORT      0x514

#define FIRST_FILE_KEY 0x20
#define DIR_ENTRY_SIZE 64

#define DMA_ERROR  0x01
#define DMA_READ   0x02
#define DMA_SKIP   0x04
#define DMA_SELECT 0x08
#define DMA_WRITE  0x10

/* Bytes past an item's end read as zeros; this many of them in one DMA, so that one port access
   cannot keep the host busy for gigabytes. */
#define DMA_PADDING_MAX UINT32_C(0x100000)

static void store_be32(uint8_t *to, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t load_be32(const uint8_t *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static uint32_t swap32(uint32_t value) {
    uint8_t bytes[4];
    store_le32(bytes, value);
    return load_be32(bytes);
}

/* The selected item's bytes; NULL and size 0 for a key that nobody set. */
static const uint8_t *selected_item(const struct fw_cfg *fw, uint32_t *size) {
    if (fw->selected == FW_CFG_FILE_DIR) {
        *size = fw->directory_size;
        return fw->directory;
    }
    for (unsigned i = 0; i < fw->item_count; i++) {
        if (fw->item[i].key == fw->selected) {
            *size = fw->item[i].size;
            return fw->item[i].bytes;
        }
    }
    *size = 0;
    return NULL;
}

static void select_key(struct fw_cfg *fw, uint16_t key) {
    fw->selected = key;
    fw->position = 0;
}

static uint32_t selector_read(void *opaque, uint16_t port, unsigned size) {
    return UINT32_MAX; /* write only */
}

static void selector_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    if (port == SELECTOR_PORT && size == 2)
        select_key(opaque, (uint16_t)value);
}

static uint32_t data_read(void *opaque, uint16_t port, unsigned size) {
    struct fw_cfg *fw = opaque;
    uint32_t item_size;
    const uint8_t *bytes = selected_item(fw, &item_size);
    return fw->position < item_size ? bytes[fw->position++] : 0;
}

static void data_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {}

/* The data port lies inside the selector's word, so one claim serves both. */
static uint32_t port_read(void *opaque, uint16_t port, unsigned size) {
    if (port == DATA_PORT)
        return data_read(opaque, port, size);
    return selector_read(opaque, port, size);
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    if (port == DATA_PORT)
        data_write(opaque, port, size, value);
    else
        selector_write(opaque, port, size, value);
}

static bool dma_copy(struct fw_cfg *fw, uint64_t address, uint32_t length) {
    static const uint8_t zeros[4096];
    uint32_t size;
    const uint8_t *bytes = selected_item(fw, &size);
    uint32_t left = fw->position < size ? size - fw->position : 0;
    uint32_t count = length < left ? length : left;
    if (count > 0)
        physmem_dma_write(fw->physmem, address, bytes + fw->position, count);
    fw->position += count;
    address += count;
    length -= count;
    if (length > DMA_PADDING_MAX)
        return false;
    while (length > 0) {
        uint32_t chunk = length < sizeof(zeros) ? length : (uint32_t)sizeof(zeros);
        physmem_dma_write(fw->physmem, address, zeros, chunk);
        address += chunk;
        length -= chunk;
    }
    return true;
}

static void dma_run(struct fw_cfg *fw) {
    uint8_t descriptor[16]; /* u32 control, u32 length, u64 address, all big-endian */
    uint64_t at = fw->dma_address;
    fw->dma_address = 0;
    physmem_dma_read(fw->physmem, at, descriptor, sizeof(descriptor));
    uint32_t control = load_be32(descriptor);
    uint32_t length = load_be32(descriptor + 4);
    uint64_t address = (uint64_t)load_be32(descriptor + 8) << 32 | load_be32(descriptor + 12);
    bool ok = true;
    if (control & DMA_SELECT)
        select_key(fw, (uint16_t)(control >> 16));
    if (control & DMA_READ) {
        ok = dma_copy(fw, address, length);
    } else if (control & DMA_SKIP) {
        uint32_t size;
        selected_item(fw, &size);
        uint32_t left = fw->position < size ? size - fw->position : 0;
        fw->position += length < left ? length : left;
    } else if (control & DMA_WRITE) {
        ok = false;
    }
    uint8_t result[4];
    store_be32(result, ok ? 0 : DMA_ERROR);
    physmem_dma_write(fw->physmem, at, result, sizeof(result));
}

static uint32_t dma_port_read(void *opaque, uint16_t port, unsigned size) {
    static const uint8_t signature[8] = "QEMU CFG";
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)signature[(port - DMA_PORT + i) & 7] << 8 * i;
    return value;
}

/* The address is written big-endian, high half first; the low half starts the transfer. */
static void dma_port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct fw_cfg *fw = opaque;
    if (size != 4)
        return;
    if (port == DMA_PORT) {
        fw->dma_address = (uint64_t)swap32(value) << 32;
    } else if (port == DMA_PORT + 4) {
        fw->dma_address = (fw->dma_address & ~UINT64_C(0xffffffff)) | swap32(value);
        dma_run(fw);
    }
}

static const struct port_ops port_ops = {"fw_cfg", port_read, port_write, 2};
static const struct port_ops dma_ops = {"fw_cfg-dma", dma_port_read, dma_port_write, 4};

void fw_cfg_init(struct fw_cfg *fw, struct port_map *ports, struct physmem *physmem) {
    memset(fw, 0, sizeof(*fw));
    fw->physmem = physmem;
    fw_cfg_add_item(fw, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_u32(fw, FW_CFG_ID, physmem != NULL ? 3 : 1);
    port_map_add(ports, SELECTOR_PORT, 2, &port_ops, fw);
    if (physmem != NULL)
        port_map_add(ports, DMA_PORT, 8, &dma_ops, fw);
}

void fw_cfg_destroy(struct fw_cfg *fw) {
    for (unsigned i = 0; i < fw->item_count; i++)
        free(fw->item[i].bytes);
    free(fw->directory);
    fw->item_count = 0;
    fw->directory = NULL;
    fw->directory_size = 0;
}

static uint8_t *copy_bytes(const void *bytes, uint32_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy != NULL && size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

static bool replace(struct fw_cfg_item *item, const void *bytes, uint32_t size) {
    uint8_t *copy = copy_bytes(bytes, size);
    if (copy == NULL)
        return false;
    free(item->bytes);
    item->bytes = copy;
    item->size = size;
    return true;
}

bool fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *bytes, uint32_t size) {
    for (unsigned i = 0; i < fw->item_count; i++) {
        if (fw->item[i].name[0] == '\0' && fw->item[i].key == key)
            return replace(&fw->item[i], bytes, size);
    }
    if (fw->item_count == FW_CFG_ITEMS_MAX)
        return false;
    struct fw_cfg_item *item = &fw->item[fw->item_count];
    *item = (struct fw_cfg_item){.key = key};
    if (!replace(item, bytes, size))
        return false;
    fw->item_count++;
    return true;
}

bool fw_cfg_add_u16(struct fw_cfg *fw, uint16_t key, uint16_t value) {
    uint8_t bytes[2];
    store_le16(bytes, value);
    return fw_cfg_add_item(fw, key, bytes, sizeof(bytes));
}

bool fw_cfg_add_u32(struct fw_cfg *fw, uint16_t key, uint32_t value) {
    uint8_t bytes[4];
    store_le32(bytes, value);
    return fw_cfg_add_item(fw, key, bytes, sizeof(bytes));
}

bool fw_cfg_add_u64(struct fw_cfg *fw, uint16_t key, uint64_t value) {
    uint8_t bytes[8];
    store_le64(bytes, value);
    return fw_cfg_add_item(fw, key, bytes, sizeof(bytes));
}

static int compare_items(const void *a, const void *b) {
    const struct fw_cfg_item *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* Sort by name (items without one come first), number the files in that order, and write the
   directory: u32 count, then {u32 size, u16 key, u16 0, char name[56]}, big-endian. */
static bool rebuild_directory(struct fw_cfg *fw) {
    uint8_t *directory = calloc(1, 4 + (size_t)fw->item_count * DIR_ENTRY_SIZE);
    if (directory == NULL)
        return false;
    qsort(fw->item, fw->item_count, sizeof(fw->item[0]), compare_items);
    uint32_t count = 0;
    for (unsigned i = 0; i < fw->item_count; i++) {
        struct fw_cfg_item *item = &fw->item[i];
        if (item->name[0] == '\0')
            continue;
        uint8_t *entry = directory + 4 + (size_t)count * DIR_ENTRY_SIZE;
        item->key = (uint16_t)(FIRST_FILE_KEY + count++);
        store_be32(entry, item->size);
        store_be32(entry + 4, (uint32_t)item->key << 16);
        memcpy(entry + 8, item->name, FW_CFG_NAME_MAX);
    }
    store_be32(directory, count);
    free(fw->directory);
    fw->directory = directory;
    fw->directory_size = 4 + count * DIR_ENTRY_SIZE;
    return true;
}

bool fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *bytes, uint32_t size) {
    size_t length = strlen(name);
    if (length == 0 || length >= FW_CFG_NAME_MAX)
        return false;
    for (unsigned i = 0; i < fw->item_count; i++) {
        if (strcmp(fw->item[i].name, name) == 0)
            return replace(&fw->item[i], bytes, size) && rebuild_directory(fw);
    }
    if (fw->item_count == FW_CFG_ITEMS_MAX)
        return false;
    struct fw_cfg_item *item = &fw->item[fw->item_count];
    *item = (struct fw_cfg_item){0};
    memcpy(item->name, name, length);
    if (!replace(item, bytes, size))
        return false;
    fw->item_count++;
    return rebuild_directory(fw);
}

static void fw_cfg_reset(void *device) {
    struct fw_cfg *fw = device;
    select_key(fw, 0);
    fw->dma_address = 0;
}

static const struct state_field fields[] = {
    FIELD(fw_cfg, selected, 1),        FIELD(fw_cfg, position, 1),
    FIELD(fw_cfg, dma_address, 1),     NOT_SAVED(fw_cfg, item), /* configuration */
    NOT_SAVED(fw_cfg, item_count),     NOT_SAVED(fw_cfg, directory),
    NOT_SAVED(fw_cfg, directory_size), NOT_SAVED(fw_cfg, physmem),
};
const struct state_table fw_cfg_state = STATE_TABLE(fw_cfg, fields);
const struct device_class fw_cfg_class = {"fw_cfg", fw_cfg_reset, &fw_cfg_state};
