/*
 * Linux bzImage (and zImage) by the boot protocol: setup sectors at 10000h, command line at 20000h,
 * kernel proper at 1 MiB (10000h for zImage is not supported), initial RAM disk high in memory.
 *
 * Source: Linux, Documentation/x86/boot.rst, "The Real-Mode Kernel Header".
 */
#include "hw/machine/firmware.h"
#include "hw/machine/kernel_plan.h"

#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <string.h>

#define SETUP_ADDRESS        0x10000
#define COMMAND_LINE_ADDRESS 0x20000
#define COMMAND_LINE_SIZE    0x10000
#define KERNEL_ADDRESS       0x100000
#define INITRD_SIZE_MAX      (UINT32_C(1) << 30)
#define SECTOR               512
#define HEADER_END           0x268

/* Offsets in the setup header. */
enum {
    SETUP_SECTS = 0x1f1,
    VID_MODE = 0x1fa,
    HEADER_MAGIC = 0x202, /* "HdrS" */
    VERSION = 0x206,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c,
    HEAP_END_PTR = 0x224,
    CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22c,
    CMDLINE_SIZE = 0x238,
};

#define MAGIC             UINT32_C(0x53726448)
#define LOADED_HIGH       0x01
#define CAN_USE_HEAP      0x80
#define LOADER_UNDEFINED  0xff
#define INITRD_MAX_BEFORE UINT32_C(0x37ffffff) /* protocol below 2.03 */
#define VID_MODE_NORMAL   0xffff

static uint16_t protocol_version(const uint8_t *kernel, size_t size) {
    if (size < HEADER_END || load_le32(kernel + HEADER_MAGIC) != MAGIC)
        return 0;
    return load_le16(kernel + VERSION);
}

static bool add_copy(struct kernel_plan *plan, const void *bytes, size_t size, uint32_t address,
                     const struct machine_config *config, struct error *error) {
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        return error_set(error, "out of memory");
    memcpy(copy, bytes, size);
    return kernel_plan_add(plan, copy, size, address, config, error);
}

/* "vga=VALUE" on the command line is for the boot loader: it sets the header's video mode. */
static uint16_t video_mode(const char *command_line) {
    const char *option = strstr(command_line, "vga=");
    if (option == NULL || (option != command_line && option[-1] != ' '))
        return VID_MODE_NORMAL;
    const char *value = option + 4;
    if (strncmp(value, "normal", 6) == 0)
        return VID_MODE_NORMAL;
    if (strncmp(value, "ext", 3) == 0)
        return 0xfffe;
    if (strncmp(value, "ask", 3) == 0)
        return 0xfffd;
    return (uint16_t)strtoul(value, NULL, 0);
}

/* Load the RAM disk as high as kernel and RAM allow, below the firmware's tables. */
static bool add_initrd(struct kernel_plan *plan, uint8_t *setup, uint16_t version,
                       uint64_t kernel_end, const struct machine_config *config,
                       struct error *error) {
    struct firmware_image initrd;
    if (config->initrd_path == NULL)
        return true;
    if (!firmware_load(&initrd, config->initrd_path, INITRD_SIZE_MAX, error))
        return false;
    uint64_t limit = version >= 0x203 ? load_le32(setup + INITRD_ADDR_MAX) : INITRD_MAX_BEFORE;
    uint64_t ram_end = config->ram_bytes - KERNEL_RAM_RESERVE;
    uint64_t end = ram_end < limit + 1 ? ram_end : limit + 1;
    if (end < kernel_end + initrd.size) {
        firmware_free(&initrd);
        return error_set(error, "-initrd %s: does not fit into %llu MiB of RAM; see -m",
                         config->initrd_path, (unsigned long long)(config->ram_bytes >> 20));
    }
    uint32_t address = (uint32_t)((end - initrd.size) & ~GUEST_PAGE_MASK);
    store_le32(setup + RAMDISK_IMAGE, address);
    store_le32(setup + RAMDISK_SIZE, (uint32_t)initrd.size);
    return kernel_plan_add(plan, initrd.bytes, initrd.size, address, config, error);
}

static void fill_header(uint8_t *setup, uint16_t version, const char *command_line) {
    store_le16(setup + VID_MODE, video_mode(command_line));
    setup[TYPE_OF_LOADER] = LOADER_UNDEFINED;
    store_le32(setup + CMD_LINE_PTR, COMMAND_LINE_ADDRESS);
    if (version >= 0x201) {
        setup[LOADFLAGS] |= CAN_USE_HEAP;
        store_le16(setup + HEAP_END_PTR, COMMAND_LINE_ADDRESS - SETUP_ADDRESS - 0x200);
    }
}

bool linux_boot_plan(struct kernel_plan *plan, const uint8_t *kernel, size_t size,
                     const struct machine_config *config, struct error *error) {
    uint16_t version = protocol_version(kernel, size);
    if (version < 0x202 || !(kernel[LOADFLAGS] & LOADED_HIGH))
        return error_set(error,
                         "-kernel %s: neither a Linux bzImage (boot protocol 2.02 or later) nor "
                         "a Multiboot kernel",
                         config->kernel_path);
    const char *command_line =
        config->kernel_command_line == NULL ? "" : config->kernel_command_line;
    size_t limit = version >= 0x206 ? load_le32(kernel + CMDLINE_SIZE) : 255;
    if (limit > COMMAND_LINE_SIZE - 1)
        limit = COMMAND_LINE_SIZE - 1;
    if (strlen(command_line) > limit)
        return error_set(error, "-append: longer than the %zu characters this kernel takes", limit);
    unsigned sectors = kernel[SETUP_SECTS] == 0 ? 4 : kernel[SETUP_SECTS];
    size_t setup_size = (sectors + 1) * (size_t)SECTOR;
    if (setup_size >= size || setup_size > COMMAND_LINE_ADDRESS - SETUP_ADDRESS - 0x1000)
        return error_set(error, "-kernel %s: the file is cut short", config->kernel_path);
    uint8_t *setup = malloc(setup_size);
    if (setup == NULL)
        return error_set(error, "out of memory");
    memcpy(setup, kernel, setup_size);
    fill_header(setup, version, command_line);
    uint64_t kernel_end = KERNEL_ADDRESS + (size - setup_size);
    if (!add_initrd(plan, setup, version, kernel_end, config, error)) {
        free(setup);
        return false;
    }
    plan->kind = KERNEL_REAL_MODE;
    plan->entry = SETUP_ADDRESS >> 4;
    return kernel_plan_add(plan, setup, setup_size, SETUP_ADDRESS, config, error) &&
           add_copy(plan, command_line, strlen(command_line) + 1, COMMAND_LINE_ADDRESS, config,
                    error) &&
           add_copy(plan, kernel + setup_size, size - setup_size, KERNEL_ADDRESS, config, error);
}
