/*
 * Regions and their priorities, single accesses, DMA, watches.
 */
#include "softmmu/base/state.h"
#include "softmmu/physmem.h"
#include "tests/unit/softmmu/guest_memory.h"

#include <string.h>

struct registers {
    uint64_t last_offset, last_value;
    unsigned last_size, reads, writes;
};

static uint64_t registers_read(void *opaque, phys_addr offset, unsigned size) {
    struct registers *registers = opaque;
    registers->reads++;
    registers->last_offset = offset;
    registers->last_size = size;
    return UINT64_C(0xa5a5a5a5a5a5a5a5);
}

static void registers_write(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    struct registers *registers = opaque;
    registers->writes++;
    registers->last_offset = offset;
    registers->last_size = size;
    registers->last_value = value;
}

static const struct mmio_ops registers_ops = {registers_read, registers_write};

Test(physmem, refuses_impossible_ram_sizes) {
    struct error error;
    cr_assert_null(physmem_create(0, NULL, &error));
    cr_assert_null(physmem_create(4097, NULL, &error));
    cr_assert_null(physmem_create(UINT64_C(1) << 32, NULL, &error));
}

Test(physmem, ram_reads_back_every_size) {
    struct guest guest;
    guest_start(&guest);
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
        physmem_write(guest.pm, 0x1001, size, UINT64_C(0x8877665544332211));
        CHECK_HEX(physmem_read(guest.pm, 0x1001, size), UINT64_C(0x8877665544332211) & mask);
    }
    CHECK_HEX(guest.ram[0x1001], 0x11);
    guest_stop(&guest);
}

Test(physmem, unmapped_addresses_read_as_ones_and_drop_writes) {
    struct guest guest;
    guest_start(&guest);
    physmem_write(guest.pm, 0x80000000, 4, 1);
    CHECK_HEX(physmem_read(guest.pm, 0x80000000, 4), 0xffffffff);
    CHECK_HEX(physmem_read(guest.pm, UINT64_C(0x100000000), 2), 0xffff);
    CHECK_HEX(physmem_read(guest.pm, UINT64_MAX - 7, 8), UINT64_MAX);
    guest_stop(&guest);
}

Test(physmem, rom_drops_writes_until_it_steps_aside) {
    struct guest guest;
    guest_start(&guest);
    static const uint8_t bytes[5] = {1, 2, 3, 4, 5};
    phys_region_id rom = physmem_add_rom(guest.pm, "bios", 0xf0000, bytes, sizeof(bytes), 10);
    cr_assert(rom >= 0);
    physmem_write(guest.pm, 0xf0000, 1, 0x77);
    CHECK_HEX(physmem_read(guest.pm, 0xf0000, 1), 1);
    CHECK_HEX(physmem_read(guest.pm, 0xf0005, 1), 0xff);
    CHECK_HEX(guest.ram[0xf0000], 0);
    physmem_set_enabled(guest.pm, rom, true, false); /* read ROM, write RAM */
    physmem_write(guest.pm, 0xf0000, 1, 0x77);
    CHECK_HEX(physmem_read(guest.pm, 0xf0000, 1), 1);
    physmem_set_enabled(guest.pm, rom, false, true); /* read RAM, write protected */
    CHECK_HEX(physmem_read(guest.pm, 0xf0000, 1), 0x77);
    physmem_write(guest.pm, 0xf0000, 1, 0x88);
    CHECK_HEX(physmem_read(guest.pm, 0xf0000, 1), 0x77);
    guest_stop(&guest);
}

Test(physmem, rom_alias_shows_the_same_frames) {
    struct guest guest;
    guest_start(&guest);
    static uint8_t bytes[0x20000];
    bytes[0x10000] = 0x5a;
    phys_region_id rom = physmem_add_rom(guest.pm, "bios", 0xfffe0000, bytes, sizeof(bytes), 1);
    cr_assert(physmem_add_rom_alias(guest.pm, "low", 0xf0000, 0x10000, rom, 0x10000, 1) >= 0);
    cr_assert(physmem_add_rom_alias(guest.pm, "bad", 0xf0000, 0x20000, rom, 0x10000, 1) < 0);
    CHECK_HEX(physmem_read(guest.pm, 0xf0000, 1), 0x5a);
    CHECK_HEX(physmem_page(guest.pm, 0xf0000).read_frame,
              physmem_page(guest.pm, 0xffff0000).read_frame);
    guest_stop(&guest);
}

Test(physmem, registers_shorter_than_a_page_end_early) {
    struct guest guest;
    struct registers registers = {0};
    guest_start(&guest);
    physmem_add_mmio(guest.pm, "small", 0xe0000010, 16, &registers_ops, &registers, 1);
    CHECK_HEX(physmem_read(guest.pm, 0xe0000018, 4), 0xa5a5a5a5);
    CHECK_HEX(registers.last_offset, 8);
    CHECK_HEX(physmem_read(guest.pm, 0xe000001e, 4), 0xffffffff);
    CHECK_HEX(physmem_read(guest.pm, 0xe0000000, 4), 0xffffffff);
    CHECK_HEX(physmem_read(guest.pm, 0xe0000100, 4), 0xffffffff);
    CHECK_HEX(registers.reads, 1);
    physmem_write(guest.pm, 0xe000001c, 2, 0x12345);
    CHECK_HEX(registers.last_value, 0x2345);
    guest_stop(&guest);
}

Test(physmem, moved_region_uncovers_what_lay_below) {
    struct guest guest;
    guest_start(&guest);
    uint8_t *host;
    phys_region_id lfb = physmem_add_device_ram(guest.pm, "lfb", 0x200000, 0x10000, &host, 5);
    host[3] = 9;
    CHECK_HEX(physmem_read(guest.pm, 0x200003, 1), 9);
    physmem_move(guest.pm, lfb, 0xfffff000); /* mostly beyond 4 GiB */
    CHECK_HEX(physmem_read(guest.pm, 0x200003, 1), 0);
    CHECK_HEX(physmem_read(guest.pm, 0xfffff003, 1), 9);
    physmem_move(guest.pm, lfb, UINT64_MAX);
    CHECK_HEX(physmem_read(guest.pm, 0xfffff003, 1), 0xff);
    guest_stop(&guest);
}

Test(physmem, a20_gate_folds_odd_megabytes) {
    struct guest guest;
    guest_start(&guest);
    guest.ram[0x10] = 1;
    guest.ram[0x100010] = 2;
    CHECK_HEX(physmem_read(guest.pm, 0x100010, 1), 2);
    physmem_set_a20(guest.pm, false);
    CHECK_HEX(physmem_read(guest.pm, 0x100010, 1), 1);
    CHECK_HEX(physmem_page(guest.pm, 0x100000).read_frame, 0);
    physmem_set_a20(guest.pm, true);
    CHECK_HEX(physmem_read(guest.pm, 0x100010, 1), 2);
    guest_stop(&guest);
}

Test(physmem, dma_never_reaches_registers) {
    struct guest guest;
    struct registers registers = {0};
    guest_start(&guest);
    physmem_add_mmio(guest.pm, "regs", 0x3000, 0x1000, &registers_ops, &registers, 1);
    static uint8_t bytes[0x3000];
    memset(bytes, 0x11, sizeof(bytes));
    physmem_dma_write(guest.pm, 0x2000, bytes, sizeof(bytes));
    CHECK_HEX(guest.ram[0x2fff], 0x11);
    CHECK_HEX(guest.ram[0x3000], 0);
    CHECK_HEX(guest.ram[0x4fff], 0x11);
    physmem_dma_read(guest.pm, 0x2800, bytes, 0x2000);
    CHECK_HEX(bytes[0x7ff], 0x11);
    CHECK_HEX(bytes[0x800], 0xff);
    CHECK_HEX(bytes[0x1800], 0x11);
    CHECK_HEX(registers.reads + registers.writes, 0);
    CHECK_HEX(physmem_dma_refused_bytes(guest.pm), 0x2000);
    guest_stop(&guest);
}

Test(physmem, dma_past_the_end_of_memory_reads_ones) {
    struct guest guest;
    guest_start(&guest);
    uint8_t bytes[32] = {0};
    physmem_dma_read(guest.pm, 0xfffffff0, bytes, sizeof(bytes));
    CHECK_HEX(bytes[31], 0xff);
    physmem_dma_write(guest.pm, UINT64_MAX - 3, bytes, sizeof(bytes));
    CHECK_HEX(guest.ram[0], 0);
    CHECK_HEX(physmem_dma_refused_bytes(guest.pm), 64);
    guest_stop(&guest);
}

struct heard {
    struct physmem *pm;
    unsigned calls;
    frame_number frame;
    unsigned offset, size;
    uint8_t byte_then;
};

static void hear(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct heard *heard = opaque;
    heard->calls++;
    heard->frame = frame;
    heard->offset = offset;
    heard->size = size;
    heard->byte_then = physmem_frame_host(heard->pm, frame)[offset];
    physmem_unwatch(heard->pm, frame, WATCH_CODE);
}

Test(physmem, watchers_hear_of_a_write_after_it_happened) {
    struct guest guest;
    guest_start(&guest);
    struct heard first = {.pm = guest.pm}, second = {.pm = guest.pm}, other = {.pm = guest.pm};
    physmem_on_write(guest.pm, WATCH_CODE, hear, &first);
    physmem_on_write(guest.pm, WATCH_CODE, hear, &second);
    physmem_on_write(guest.pm, WATCH_PAGE_TABLE, hear, &other);
    physmem_watch(guest.pm, 5, WATCH_CODE);
    physmem_write(guest.pm, 0x5123, 2, 0xbeef);
    CHECK_HEX(first.frame, 5);
    CHECK_HEX(first.offset, 0x123);
    CHECK_HEX(first.size, 2);
    CHECK_HEX(first.byte_then, 0xef);
    CHECK_HEX(second.calls, 1); /* although the first one unwatched the frame */
    CHECK_HEX(other.calls, 0);
    physmem_write(guest.pm, 0x5123, 2, 0);
    CHECK_HEX(first.calls, 1);
    guest_stop(&guest);
}

Test(physmem, dma_and_a20_aliases_reach_watchers) {
    struct guest guest;
    guest_start(&guest);
    struct heard heard = {.pm = guest.pm};
    physmem_on_write(guest.pm, WATCH_CODE, hear, &heard);
    physmem_watch(guest.pm, 1, WATCH_CODE);
    uint8_t bytes[0x1800] = {0};
    physmem_dma_write(guest.pm, 0x800, bytes, sizeof(bytes));
    CHECK_HEX(heard.size, 0x1000);
    physmem_watch(guest.pm, 1, WATCH_CODE);
    physmem_set_a20(guest.pm, false);
    physmem_write(guest.pm, 0x101004, 4, 1);
    CHECK_HEX(heard.calls, 2);
    CHECK_HEX(heard.offset, 4);
    guest_stop(&guest);
}

Test(physmem, page_table_watches_are_counted) {
    struct guest guest;
    guest_start(&guest);
    physmem_watch(guest.pm, 7, WATCH_PAGE_TABLE);
    physmem_watch(guest.pm, 7, WATCH_PAGE_TABLE);
    physmem_watch(guest.pm, 7, WATCH_CODE);
    physmem_unwatch(guest.pm, 7, WATCH_PAGE_TABLE);
    CHECK_HEX(physmem_watches(guest.pm, 7), WATCH_CODE | WATCH_PAGE_TABLE);
    physmem_unwatch(guest.pm, 7, WATCH_PAGE_TABLE);
    CHECK_HEX(physmem_watches(guest.pm, 7), WATCH_CODE);
    physmem_watch(guest.pm, FRAME_NONE, WATCH_CODE);
    CHECK_HEX(physmem_watches(guest.pm, FRAME_NONE), 0);
    guest_stop(&guest);
}

Test(physmem, hash_follows_ram) {
    struct guest guest;
    guest_start(&guest);
    uint64_t before = physmem_hash(guest.pm, STATE_HASH_SEED);
    physmem_write(guest.pm, 0x123456, 1, 1);
    cr_assert_neq(physmem_hash(guest.pm, STATE_HASH_SEED), before);
    physmem_write(guest.pm, 0x123456, 1, 0);
    CHECK_HEX(physmem_hash(guest.pm, STATE_HASH_SEED), before);
    guest_stop(&guest);
}

Test(physmem, hash_follows_device_memory) {
    struct guest guest;
    uint8_t *memory;
    guest_start(&guest);
    cr_assert_geq(physmem_add_device_ram(guest.pm, "card", 0xe0000000, 0x10000, &memory, 5), 0);
    uint64_t before = physmem_hash(guest.pm, STATE_HASH_SEED);
    memory[0x1234] = 1;
    cr_assert_neq(physmem_hash(guest.pm, STATE_HASH_SEED), before);
    memory[0x1234] = 0;
    CHECK_HEX(physmem_hash(guest.pm, STATE_HASH_SEED), before);
    guest_stop(&guest);
}
