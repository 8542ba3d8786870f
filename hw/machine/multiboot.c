/*
 * Multiboot 1 kernels: an ELF file, or any file whose header gives load addresses ("a.out
 * kludge"); -initrd names modules, separated by commas, each with its arguments after a blank.
 *
 * Source: Multiboot Specification 0.6.96, "The layout of Multiboot header", "Boot information
 * format".
 */
#include "hw/machine/firmware.h"
#include "hw/machine/kernel_plan.h"

#include "softmmu/base/bits.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAGIC     UINT32_C(0x1badb002)
#define HEADER_SEARCH    8192
#define FLAG_ADDRESSES   UINT32_C(0x00010000)
#define FLAGS_REQUIRED   UINT32_C(0x0000ffff)
#define FLAGS_UNDERSTOOD UINT32_C(0x00000007)
#define LOAD_ADDRESS_MIN UINT32_C(0x100000)
#define MODULES_MAX      32
#define MODULE_SIZE_MAX  (UINT32_C(1) << 30)

/* The information structure and all it points to, in one block below 1 MiB. */
#define INFO_ADDRESS UINT32_C(0x10000)
#define INFO_SIZE    UINT32_C(0x8000)
#define INFO_FLAGS                                                                                 \
    (1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9) /* memory, cmdline, modules, map, name                 \
                                             */
enum {
    INFO_MEM_LOWER = 4,
    INFO_MEM_UPPER = 8,
    INFO_CMDLINE = 16,
    INFO_MODS_COUNT = 20,
    INFO_MODS_ADDR = 24,
    INFO_LOADER_NAME = 64,
    INFO_STRUCT_SIZE = 120,
    MODULE_ENTRY_SIZE = 16,
};

struct info_block {
    uint8_t *bytes;
    uint32_t used;
};

long multiboot_find_header(const uint8_t *kernel, size_t size) {
    for (size_t at = 0; at + 12 <= size && at + 12 <= HEADER_SEARCH; at += 4) {
        uint32_t magic = load_le32(kernel + at);
        uint32_t sum = magic + load_le32(kernel + at + 4) + load_le32(kernel + at + 8);
        if (magic == HEADER_MAGIC && sum == 0)
            return (long)at;
    }
    return -1;
}

static bool bad_file(const struct machine_config *config, const char *what, struct error *error) {
    return error_set(error, "-kernel %s: %s", config->kernel_path, what);
}

/* Load [from, from + file_size) of the kernel at `address` and clear memory up to memory_size. */
static bool add_part(struct kernel_plan *plan, const uint8_t *kernel, size_t size, uint64_t from,
                     uint64_t file_size, uint64_t memory_size, uint64_t address,
                     const struct machine_config *config, struct error *error) {
    if (from > size || file_size > size - from || memory_size < file_size)
        return bad_file(config, "the file is cut short", error);
    if (address < LOAD_ADDRESS_MIN)
        return bad_file(config, "wants to be loaded below 1 MiB", error);
    if (address + memory_size > config->ram_bytes)
        return bad_file(config, "does not fit into RAM; see -m", error);
    uint8_t *bytes = calloc(1, memory_size > 0 ? memory_size : 1);
    if (bytes == NULL)
        return error_set(error, "out of memory");
    memcpy(bytes, kernel + from, file_size);
    return kernel_plan_add(plan, bytes, memory_size, address, config, error);
}

static bool load_by_header(struct kernel_plan *plan, const uint8_t *kernel, size_t size,
                           size_t header_at, uint64_t *end, const struct machine_config *config,
                           struct error *error) {
    if (header_at + 32 > size)
        return bad_file(config, "the file is cut short", error);
    const uint8_t *header = kernel + header_at;
    uint32_t header_address = load_le32(header + 12), load_address = load_le32(header + 16);
    uint32_t load_end = load_le32(header + 20), bss_end = load_le32(header + 24);
    uint64_t from = header_at - (uint64_t)(header_address - load_address);
    if (load_address > header_address || from > header_at)
        return bad_file(config, "its Multiboot header has impossible addresses", error);
    uint64_t file_size = load_end == 0 ? size - from : (uint64_t)load_end - load_address;
    uint64_t memory_size = bss_end == 0 ? file_size : (uint64_t)bss_end - load_address;
    if ((load_end != 0 && load_end < load_address) || (bss_end != 0 && bss_end < load_address))
        return bad_file(config, "its Multiboot header has impossible addresses", error);
    if (memory_size < file_size)
        memory_size = file_size;
    plan->entry = load_le32(header + 28);
    *end = load_address + memory_size;
    return add_part(plan, kernel, size, from, file_size, memory_size, load_address, config, error);
}

static bool load_elf(struct kernel_plan *plan, const uint8_t *kernel, size_t size, uint64_t *end,
                     const struct machine_config *config, struct error *error) {
    Elf32_Ehdr file;
    if (size < sizeof(file))
        return bad_file(config, "the file is cut short", error);
    memcpy(&file, kernel, sizeof(file));
    if (memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 || file.e_ident[EI_CLASS] != ELFCLASS32 ||
        load_le16(&file.e_machine) != EM_386)
        return bad_file(config, "a Multiboot kernel must be a 32-bit x86 ELF file", error);
    uint64_t table = load_le32(&file.e_phoff);
    unsigned count = load_le16(&file.e_phnum), stride = load_le16(&file.e_phentsize);
    *end = 0;
    plan->entry = load_le32(&file.e_entry);
    for (unsigned i = 0; i < count; i++) {
        Elf32_Phdr part;
        uint64_t at = table + (uint64_t)i * stride;
        if (at + sizeof(part) > size)
            return bad_file(config, "the file is cut short", error);
        memcpy(&part, kernel + at, sizeof(part));
        uint64_t memory_size = load_le32(&part.p_memsz), address = load_le32(&part.p_paddr);
        if (load_le32(&part.p_type) != PT_LOAD || memory_size == 0)
            continue;
        if (!add_part(plan, kernel, size, load_le32(&part.p_offset), load_le32(&part.p_filesz),
                      memory_size, address, config, error))
            return false;
        if (address + memory_size > *end)
            *end = address + memory_size;
    }
    return plan->count > 0 || bad_file(config, "has nothing to load", error);
}

/* Copy a string into the block; its guest-physical address, or 0 when the block is full. */
static uint32_t info_string(struct info_block *info, const char *text) {
    size_t size = strlen(text) + 1;
    if (size > INFO_SIZE - info->used)
        return 0;
    memcpy(info->bytes + info->used, text, size);
    uint32_t address = INFO_ADDRESS + info->used;
    info->used += (uint32_t)size;
    return address;
}

static bool add_module(struct kernel_plan *plan, struct info_block *info, uint32_t entry_at,
                       const char *text, uint64_t *end, const struct machine_config *config,
                       struct error *error) {
    struct firmware_image file;
    char *path = strdup(text);
    if (path == NULL)
        return error_set(error, "out of memory");
    path[strcspn(path, " ")] = '\0';
    bool is_read = firmware_load(&file, path, MODULE_SIZE_MAX, error);
    free(path);
    if (!is_read)
        return false;
    uint64_t address = (*end + GUEST_PAGE_MASK) & ~GUEST_PAGE_MASK;
    *end = address + file.size;
    store_le32(info->bytes + entry_at, (uint32_t)address);
    store_le32(info->bytes + entry_at + 4, (uint32_t)*end);
    store_le32(info->bytes + entry_at + 8, info_string(info, text));
    return kernel_plan_add(plan, file.bytes, file.size, address, config, error);
}

static bool add_modules(struct kernel_plan *plan, struct info_block *info, uint64_t end,
                        const struct machine_config *config, struct error *error) {
    unsigned count = 0;
    uint32_t table_at = info->used;
    if (config->initrd_path == NULL)
        return true;
    info->used += MODULES_MAX * MODULE_ENTRY_SIZE;
    char *list = strdup(config->initrd_path), *rest = list;
    if (list == NULL)
        return error_set(error, "out of memory");
    bool is_good = true;
    while (is_good && rest != NULL) {
        const char *text = strsep(&rest, ",");
        is_good = count < MODULES_MAX
                      ? add_module(plan, info, table_at + count * MODULE_ENTRY_SIZE, text, &end,
                                   config, error)
                      : error_set(error, "-initrd: more than %d modules", MODULES_MAX);
        count++;
    }
    free(list);
    store_le32(info->bytes + INFO_MODS_COUNT, count);
    store_le32(info->bytes + INFO_MODS_ADDR, INFO_ADDRESS + table_at);
    return is_good;
}

static bool add_info(struct kernel_plan *plan, uint64_t end, const struct machine_config *config,
                     struct error *error) {
    struct info_block info = {calloc(1, INFO_SIZE), INFO_STRUCT_SIZE};
    if (info.bytes == NULL)
        return error_set(error, "out of memory");
    if (!add_modules(plan, &info, end, config, error)) {
        free(info.bytes);
        return false;
    }
    char *command_line;
    const char *arguments = config->kernel_command_line == NULL ? "" : config->kernel_command_line;
    if (asprintf(&command_line, "%s%s%s", config->kernel_path, *arguments == '\0' ? "" : " ",
                 arguments) < 0) {
        free(info.bytes);
        return error_set(error, "out of memory");
    }
    store_le32(info.bytes, INFO_FLAGS);
    store_le32(info.bytes + INFO_MEM_LOWER, 639);
    store_le32(info.bytes + INFO_MEM_UPPER,
               (uint32_t)((config->ram_bytes - KERNEL_RAM_RESERVE - (UINT64_C(1) << 20)) >> 10));
    store_le32(info.bytes + INFO_CMDLINE, info_string(&info, command_line));
    store_le32(info.bytes + INFO_LOADER_NAME, info_string(&info, "pentimento"));
    free(command_line);
    return kernel_plan_add(plan, info.bytes, INFO_SIZE, INFO_ADDRESS, config, error);
}

bool multiboot_plan(struct kernel_plan *plan, const uint8_t *kernel, size_t size,
                    const struct machine_config *config, struct error *error) {
    size_t header_at = (size_t)multiboot_find_header(kernel, size);
    uint32_t flags = load_le32(kernel + header_at + 4);
    uint64_t end;
    if (flags & FLAGS_REQUIRED & ~FLAGS_UNDERSTOOD)
        return bad_file(config, "needs Multiboot features that do not exist here", error);
    plan->kind = KERNEL_MULTIBOOT;
    plan->info = INFO_ADDRESS;
    bool is_loaded = flags & FLAG_ADDRESSES
                         ? load_by_header(plan, kernel, size, header_at, &end, config, error)
                         : load_elf(plan, kernel, size, &end, config, error);
    return is_loaded && add_info(plan, end, config, error);
}
