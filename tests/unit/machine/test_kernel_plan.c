/* What goes where for -kernel, and kernels that are refused. */
#include "hw/machine/kernel_plan.h"
#include "tests/unit/machine/rom_machine.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_LINUX     UINT32_C(0x53726448)
#define MAGIC_MULTIBOOT UINT32_C(0x1badb002)
#define SETUP_SIZE      1024

/* A bzImage with one setup sector and 512 bytes of kernel. */
static void make_linux(uint8_t kernel[SETUP_SIZE + 512]) {
    memset(kernel, 0, SETUP_SIZE + 512);
    kernel[0x1f1] = 1;
    store_le32(kernel + 0x202, MAGIC_LINUX);
    store_le16(kernel + 0x206, 0x20f);
    kernel[0x211] = 1;
    store_le32(kernel + 0x22c, 0x7fffffff);
    store_le32(kernel + 0x238, 2047);
    memset(kernel + SETUP_SIZE, 0x5a, 512);
}

static struct machine_config config_for(const char *path) {
    struct machine_config config = rom_machine_config();
    config.ram_bytes = UINT64_C(16) << 20;
    config.kernel_path = path;
    return config;
}

static bool make_plan(struct kernel_plan *plan, struct machine_config *config, const void *bytes,
                      size_t size, struct error *error) {
    char *path = temporary_file(bytes, size);
    config->kernel_path = path;
    bool is_good = kernel_plan_make(plan, config, error);
    unlink(path);
    config->kernel_path = NULL;
    free(path);
    return is_good;
}

static const struct kernel_item *item_at(const struct kernel_plan *plan, uint32_t address) {
    for (unsigned i = 0; i < plan->count; i++) {
        if (plan->item[i].address == address)
            return &plan->item[i];
    }
    cr_assert_fail("nothing is loaded at %x", address);
    abort(); /* not reached: the assertion leaves the test */
}

Test(kernel_plan, linux_gets_setup_kernel_and_command_line) {
    struct machine_config config = config_for(NULL);
    struct error error = {{0}};
    struct kernel_plan plan;
    uint8_t kernel[SETUP_SIZE + 512];
    make_linux(kernel);
    config.kernel_command_line = "console=ttyS0";
    cr_assert(make_plan(&plan, &config, kernel, sizeof(kernel), &error), "%s", error.message);
    cr_expect_eq(plan.kind, KERNEL_REAL_MODE);
    cr_expect_eq(plan.entry, 0x1000, "got %x", plan.entry);
    cr_expect_eq(item_at(&plan, 0x10000)->size, SETUP_SIZE);
    cr_expect_eq(item_at(&plan, 0x100000)->size, 512);
    cr_expect_eq(item_at(&plan, 0x100000)->bytes[0], 0x5a);
    cr_expect_str_eq((const char *)item_at(&plan, 0x20000)->bytes, "console=ttyS0");
    cr_expect_eq(load_le32(item_at(&plan, 0x10000)->bytes + 0x228), 0x20000);
    kernel_plan_free(&plan);
}

Test(kernel_plan, an_initrd_lies_in_ram_above_the_kernel) {
    struct machine_config config = config_for(NULL);
    struct error error = {{0}};
    struct kernel_plan plan;
    uint8_t kernel[SETUP_SIZE + 512], initrd[5000] = {1, 2, 3};
    char *path = temporary_file(initrd, sizeof(initrd));
    make_linux(kernel);
    config.initrd_path = path;
    cr_assert(make_plan(&plan, &config, kernel, sizeof(kernel), &error), "%s", error.message);
    const uint8_t *setup = item_at(&plan, 0x10000)->bytes;
    uint32_t address = load_le32(setup + 0x218);
    cr_expect_eq(load_le32(setup + 0x21c), sizeof(initrd));
    cr_expect_eq(item_at(&plan, address)->size, sizeof(initrd));
    cr_expect_geq(address, 0x101000);
    cr_expect_leq(address + sizeof(initrd), config.ram_bytes - KERNEL_RAM_RESERVE);
    kernel_plan_free(&plan);
    unlink(path);
    free(path);
}

Test(kernel_plan, other_files_are_refused_in_one_line) {
    static const struct {
        uint32_t offset, value;
        size_t size;
        const char *message;
    } cases[] = {
        {0x202, 0, SETUP_SIZE + 512, "neither a Linux bzImage"},
        {0x206, 0x200, SETUP_SIZE + 512, "neither a Linux bzImage"},
        {0x22c, 0x7fffffff, SETUP_SIZE, "cut short"},
        {0x22c, 0x7fffffff, 100, "neither a Linux bzImage"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct machine_config config = config_for(NULL);
        struct error error = {{0}};
        struct kernel_plan plan;
        uint8_t kernel[SETUP_SIZE + 512];
        make_linux(kernel);
        store_le32(kernel + cases[i].offset, cases[i].value);
        cr_expect_not(make_plan(&plan, &config, kernel, cases[i].size, &error), "case %zx", i);
        cr_expect_not_null(strstr(error.message, cases[i].message), "case %zx: %s", i,
                           error.message);
        cr_expect_null(strchr(error.message, '\n'));
    }
}

Test(kernel_plan, a_kernel_larger_than_ram_is_refused) {
    struct machine_config config = config_for(NULL);
    struct error error = {{0}};
    struct kernel_plan plan;
    size_t size = 2 << 20;
    uint8_t *kernel = calloc(1, size);
    make_linux(kernel);
    config.ram_bytes = UINT64_C(2) << 20;
    cr_expect_not(make_plan(&plan, &config, kernel, size, &error));
    cr_expect_not_null(strstr(error.message, "-m"), "%s", error.message);
    free(kernel);
}

Test(kernel_plan, a_multiboot_header_is_found_by_its_checksum) {
    uint8_t kernel[8192] = {0};
    cr_expect_eq(multiboot_find_header(kernel, sizeof(kernel)), -1);
    store_le32(kernel + 64, MAGIC_MULTIBOOT);
    store_le32(kernel + 68, 3);
    cr_expect_eq(multiboot_find_header(kernel, sizeof(kernel)), -1);
    store_le32(kernel + 72, -(MAGIC_MULTIBOOT + 3));
    cr_expect_eq(multiboot_find_header(kernel, sizeof(kernel)), 64);
    cr_expect_eq(multiboot_find_header(kernel, 70), -1);
}

Test(kernel_plan, the_list_of_items_is_bounded) {
    struct machine_config config = config_for("kernel");
    struct error error = {{0}};
    struct kernel_plan plan = {0};
    for (unsigned i = 0; i < KERNEL_PLAN_ITEMS_MAX; i++)
        cr_assert(kernel_plan_add(&plan, malloc(16), 16, 0x100000 + i * 16, &config, &error));
    cr_expect_not(kernel_plan_add(&plan, malloc(16), 16, 0x200000, &config, &error));
    kernel_plan_free(&plan);
    cr_expect_not(kernel_plan_add(&plan, malloc(16), 16, UINT64_C(0xfffffffff), &config, &error));
    cr_expect_eq(plan.count, 0);
}
