/* What firmware reads in CMOS about memory, drives and the boot order. */
#include "hw/machine/machine_private.h"
#include "hw/machine/pc.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t byte(const struct rom_machine *m, unsigned index) {
    return rtc_mc146818_get(&m->machine->pc->rtc, index);
}

static unsigned word(const struct rom_machine *m, unsigned index) {
    return byte(m, index) | (unsigned)byte(m, index + 1) << 8;
}

static void create(struct rom_machine *m, const struct machine_config *config) {
    rom_machine_create(m, config, counting_code, counting_code_size);
}

static void expect_memory(uint64_t ram, unsigned extended_kb, unsigned above_16m) {
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    config.ram_bytes = ram;
    create(&m, &config);
    cr_expect_eq(word(&m, 0x15), 640);
    unsigned got = word(&m, 0x17);
    cr_expect_eq(got, extended_kb, "17h: expected %u, got %u", extended_kb, got);
    got = word(&m, 0x30);
    cr_expect_eq(got, extended_kb, "30h: expected %u, got %u", extended_kb, got);
    got = word(&m, 0x34);
    cr_expect_eq(got, above_16m, "34h: expected %u, got %u", above_16m, got);
    rom_machine_destroy(&m);
}

Test(cmos, memory_sizes_are_capped_where_their_fields_end) {
    expect_memory(UINT64_C(4) << 20, 3 * 1024, 0);
    expect_memory(UINT64_C(16) << 20, 15 * 1024, 0);
    expect_memory(UINT64_C(64) << 20, 63 * 1024, 48 * 16);
    expect_memory(UINT64_C(256) << 20, 63 * 1024, 240 * 16);
}

Test(cmos, the_boot_order_is_a_nibble_for_each_place) {
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    strcpy(config.boot_order, "dca");
    create(&m, &config);
    cr_expect_eq(byte(&m, 0x3d), 0x23, "3Dh is %02x", byte(&m, 0x3d));
    cr_expect_eq(byte(&m, 0x38), 0x11, "38h is %02x", byte(&m, 0x38));
    cr_expect_eq(byte(&m, 0x2d), 0, "2Dh is %02x", byte(&m, 0x2d));
    rom_machine_destroy(&m);
}

Test(cmos, a_disk_is_type_47_with_its_geometry) {
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    uint8_t sector[512] = {0};
    char *path = temporary_file(sector, sizeof(sector));
    cr_assert_eq(truncate(path, 100L * 16 * 63 * 512), 0);
    config.ide[0] = (struct drive_config){.path = path, .is_present = true, .readonly = true};
    create(&m, &config);
    cr_expect_eq(byte(&m, 0x12), 0xf0, "12h is %02x", byte(&m, 0x12));
    cr_expect_eq(byte(&m, 0x19), 47);
    cr_expect_eq(word(&m, 0x1b), 100, "%u cylinders", word(&m, 0x1b));
    cr_expect_eq(byte(&m, 0x1d), 16);
    cr_expect_eq(byte(&m, 0x23), 63);
    cr_expect_eq(byte(&m, 0x39), 0, "no translation up to 1024 cylinders");
    rom_machine_destroy(&m);
    unlink(path);
    free(path);
}
