/* fw_cfg: keys, file directory, DMA. */
#include "hw/fw_cfg.h"
#include "softmmu/base/bits.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <string.h>

static void set_up(struct bench *b, struct fw_cfg *fw) {
    bench_init(b);
    fw_cfg_init(fw, b->ports, b->physmem);
}

static void tear_down(struct bench *b, struct fw_cfg *fw) {
    fw_cfg_destroy(fw);
    bench_free(b);
}

static void read_key(struct bench *b, uint16_t key, uint8_t *to, size_t size) {
    out16(b, 0x510, key);
    for (size_t i = 0; i < size; i++)
        to[i] = in8(b, 0x511);
}

static void store_be32(uint8_t *to, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t run_dma(struct bench *b, uint32_t control, uint32_t length, uint32_t address) {
    uint8_t *descriptor = physmem_ram(b->physmem) + 0x1000;
    memset(descriptor, 0, 16);
    store_be32(descriptor, control);
    store_be32(descriptor + 4, length);
    store_be32(descriptor + 12, address);
    out32(b, 0x514, 0);
    out32(b, 0x518, 0x00100000); /* 1000h, big-endian */
    return load_le32(descriptor);
}

Test(fw_cfg, has_the_signature_and_offers_dma) {
    static struct fw_cfg fw;
    struct bench b;
    uint8_t bytes[4];
    set_up(&b, &fw);
    read_key(&b, FW_CFG_SIGNATURE, bytes, 4);
    cr_expect_arr_eq(bytes, "QEMU", 4);
    read_key(&b, FW_CFG_ID, bytes, 4);
    expect_eq(load_le32(bytes), 3);
    expect_eq(in32(&b, 0x514), 0x554d4551); /* "QEMU" */
    tear_down(&b, &fw);
}

Test(fw_cfg, an_unknown_key_reads_zero) {
    static struct fw_cfg fw;
    struct bench b;
    uint8_t bytes[4];
    set_up(&b, &fw);
    read_key(&b, 0x8000, bytes, 4);
    expect_eq(load_le32(bytes), 0);
    read_key(&b, FW_CFG_FILE_DIR, bytes, 4);
    expect_eq(load_le32(bytes), 0);
    tear_down(&b, &fw);
}

Test(fw_cfg, the_directory_is_sorted_and_leads_to_the_files) {
    static struct fw_cfg fw;
    struct bench b;
    uint8_t bytes[4 + 3 * 64], content[3];
    set_up(&b, &fw);
    cr_assert(fw_cfg_add_file(&fw, "etc/e820", "e82", 3));
    cr_assert(fw_cfg_add_file(&fw, "bootorder", "boot", 4));
    cr_assert(fw_cfg_add_file(&fw, "etc/system-states", "s", 1));
    cr_assert_not(fw_cfg_add_file(&fw, "", "s", 1));
    read_key(&b, FW_CFG_FILE_DIR, bytes, sizeof(bytes));
    expect_eq(bytes[3], 3);
    cr_expect_str_eq((char *)bytes + 4 + 8, "bootorder");
    cr_expect_str_eq((char *)bytes + 4 + 64 + 8, "etc/e820");
    expect_eq(bytes[4 + 64 + 3], 3);
    uint16_t key = (uint16_t)(bytes[4 + 64 + 4] << 8 | bytes[4 + 64 + 5]);
    read_key(&b, key, content, 3);
    cr_expect_arr_eq(content, "e82", 3);
    tear_down(&b, &fw);
}

Test(fw_cfg, dma_reads_and_pads_with_zeros) {
    static struct fw_cfg fw;
    struct bench b;
    set_up(&b, &fw);
    uint8_t *ram = physmem_ram(b.physmem);
    memset(ram + 0x2000, 0xcc, 16);
    expect_eq(run_dma(&b, 0x0000000a, 8, 0x2000), 0);
    cr_expect_arr_eq(ram + 0x2000, "QEMU\0\0\0\0\xcc", 9);
    tear_down(&b, &fw);
}

Test(fw_cfg, dma_refuses_writes_and_endless_padding) {
    static struct fw_cfg fw;
    struct bench b;
    set_up(&b, &fw);
    expect_eq(run_dma(&b, 0x00000018, 4, 0x2000), 0x01000000);
    expect_eq(run_dma(&b, 0x0000000a, 0xffffffff, 0x2000), 0x01000000);
    tear_down(&b, &fw);
}
