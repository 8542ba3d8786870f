/*
 * Accesses through the MMU: splits, faults, views, registers, fetches.
 */
#include "softmmu/mmu.h"

#include "softmmu/base/bits.h"
#include "tests/unit/softmmu/guest_memory.h"

static uint64_t value_at(struct guest *guest, uint32_t linear, unsigned size) {
    uint64_t value = 0;
    CHECK_HEX(mmu_load(&guest->mmu, linear, size, &value), MMU_OK);
    return value;
}

Test(mmu, without_paging_bytes_are_ram) {
    struct guest guest;
    guest_start(&guest);
    CHECK_HEX(mmu_store(&guest.mmu, 0x1ffd, 8, UINT64_C(0x1122334455667788)), MMU_OK);
    CHECK_HEX(guest.ram[0x1fff], 0x66);
    CHECK_HEX(guest.ram[0x2000], 0x55);
    CHECK_HEX(value_at(&guest, 0x1ffd, 8), UINT64_C(0x1122334455667788));
    CHECK_HEX(value_at(&guest, 0x1ffe, 4), 0x44556677);
    cr_assert_not_null(mmu_write_pointer(&guest.mmu, 0x1ffc, 4));
    cr_assert_null(mmu_write_pointer(&guest.mmu, 0x1ffd, 4));
    guest_stop(&guest);
}

Test(mmu, linear_addresses_wrap_at_4_gib) {
    struct guest guest;
    guest_start(&guest);
    guest.ram[0] = 0x12;
    CHECK_HEX(value_at(&guest, 0xffffffff, 2), 0x12ff);
    uint64_t value;
    CHECK_HEX(mmu_load(&guest.mmu, UINT64_C(0x100000000), 1, &value), MMU_OK);
    CHECK_HEX(value, 0x12);
    guest_stop(&guest);
}

Test(mmu, split_store_that_faults_leaves_memory_unchanged) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map(&guest, 0x401000, 0);
    guest_page_32bit(&guest, 0, 0);
    CHECK_FAULT(mmu_store(&guest.mmu, 0x400ffe, 4, 0xaabbccdd), &guest, 0x401000, PF_WRITE);
    CHECK_HEX(guest.ram[0x8ffe], 0);
    guest_map(&guest, 0x401000, 0x3000 | P | W | U);
    CHECK_HEX(mmu_store(&guest.mmu, 0x400ffe, 4, 0xaabbccdd), MMU_OK);
    CHECK_HEX(guest.ram[0x8fff], 0xcc);
    CHECK_HEX(guest.ram[0x3000], 0xbb);
    CHECK_HEX(value_at(&guest, 0x400ffe, 4), 0xaabbccdd);
    guest_stop(&guest);
}

Test(mmu, fault_shows_the_address_and_the_rights_of_the_view) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W);
    guest_page_32bit(&guest, CR0_WP, 0);
    CHECK_HEX(value_at(&guest, 0x400010, 4), 0);
    mmu_set_user(&guest.mmu, true);
    cr_assert_null(mmu_read_pointer(&guest.mmu, 0x400010, 4));
    uint64_t value;
    CHECK_FAULT(mmu_load(&guest.mmu, 0x400012, 4, &value), &guest, 0x400012, PF_PRESENT | PF_USER);
    CHECK_HEX(mmu_load_system(&guest.mmu, 0x400012, 4, &value), MMU_OK);
    CHECK_HEX(mmu_store_system(&guest.mmu, 0x400012, 4, 5), MMU_OK);
    CHECK_FAULT(mmu_probe(&guest.mmu, 0x400000, 4096, MMU_WRITE, false), &guest, 0x400000,
                PF_PRESENT | PF_WRITE | PF_USER);
    CHECK_HEX(mmu_probe(&guest.mmu, 0x400000, 4096, MMU_WRITE, true), MMU_OK);
    guest_stop(&guest);
}

Test(mmu, probe_sets_bits_as_the_access_would) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W);
    guest_map(&guest, 0x401000, 0x9000 | P | W);
    guest_page_32bit(&guest, 0, 0);
    CHECK_HEX(mmu_probe(&guest.mmu, 0x400800, 4096, MMU_WRITE, false), MMU_OK);
    CHECK_HEX(physmem_read(guest.pm, guest_pte_at(0x400000), 4), 0x8000 | P | W | A | D);
    CHECK_HEX(physmem_read(guest.pm, guest_pte_at(0x401000), 4), 0x9000 | P | W | A | D);
    cr_assert_not_null(mmu_write_pointer(&guest.mmu, 0x401000, 4));
    guest_stop(&guest);
}

Test(mmu, first_write_after_a_read_sets_the_dirty_bit) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W);
    guest_page_32bit(&guest, 0, 0);
    CHECK_HEX(value_at(&guest, 0x400000, 4), 0);
    cr_assert_null(mmu_write_pointer(&guest.mmu, 0x400000, 4));
    CHECK_HEX(physmem_read(guest.pm, guest_pte_at(0x400000), 4), 0x8000 | P | W | A);
    CHECK_HEX(mmu_store(&guest.mmu, 0x400000, 4, 1), MMU_OK);
    CHECK_HEX(physmem_read(guest.pm, guest_pte_at(0x400000), 4), 0x8000 | P | W | A | D);
    cr_assert_not_null(mmu_write_pointer(&guest.mmu, 0x400000, 4));
    guest_stop(&guest);
}

struct register_log {
    unsigned reads, writes;
    uint64_t bytes_written;
};

static uint64_t log_read(void *opaque, phys_addr offset, unsigned size) {
    ((struct register_log *)opaque)->reads++;
    return 0x10 + offset;
}

static void log_written(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    ((struct register_log *)opaque)->writes++;
    ((struct register_log *)opaque)->bytes_written += size;
}

Test(mmu, registers_are_reached_on_every_access) {
    static const struct mmio_ops ops = {log_read, log_written};
    struct guest guest;
    struct register_log registers = {0};
    guest_start(&guest);
    physmem_add_mmio(guest.pm, "regs", 0xe0000000, 0x1000, &ops, &registers, 1);
    guest_map(&guest, 0x400000, 0x8000 | P | W);
    guest_map(&guest, 0x401000, 0xe0000000 | P | W);
    guest_page_32bit(&guest, 0, 0);
    CHECK_HEX(value_at(&guest, 0x401004, 4), 0x14);
    CHECK_HEX(value_at(&guest, 0x401008, 4), 0x18);
    CHECK_HEX(registers.reads, 2);
    CHECK_HEX(mmu_store(&guest.mmu, 0x400ffe, 4, 0x44332211), MMU_OK); /* half RAM, half not */
    CHECK_HEX(guest.ram[0x8fff], 0x22);
    CHECK_HEX(registers.bytes_written, 2);
    guest_map(&guest, 0x401000, 0);
    uint64_t value;
    CHECK_FAULT(mmu_load(&guest.mmu, 0x401008, 4, &value), &guest, 0x401008, 0);
    guest_stop(&guest);
}

Test(mmu, fetch_page_finds_frames_and_obeys_execute_disable) {
    struct guest guest;
    struct fetch_page page;
    guest_start(&guest);
    guest_map_pae(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map_pae(&guest, 0x401000, 0x9000 | P | W | U | NX);
    guest_map_pae(&guest, 0x402000, 0xe0000000 | P | U);
    guest_page_pae(&guest, 0, EFER_NXE);
    mmu_set_user(&guest.mmu, true);
    CHECK_HEX(mmu_fetch_page(&guest.mmu, 0x400123, &page), MMU_OK);
    cr_assert_eq(page.host, guest.ram + 0x8000);
    CHECK_HEX(page.frame, 8);
    CHECK_HEX(page.phys, 0x8000);
    CHECK_FAULT(mmu_fetch_page(&guest.mmu, 0x401123, &page), &guest, 0x401123,
                PF_PRESENT | PF_USER | PF_FETCH);
    CHECK_HEX(value_at(&guest, 0x401123, 1), 0);
    CHECK_HEX(mmu_fetch_page(&guest.mmu, 0x402000, &page), MMU_OK);
    cr_assert_null(page.host);
    CHECK_HEX(page.frame, FRAME_NONE);
    guest_stop(&guest);
}

/* Translated code takes an entry for leave to run what it knows there, in any address space. */
Test(mmu, a_page_that_must_not_be_executed_has_no_entry_once_its_frame_holds_code) {
    struct guest guest;
    guest_start(&guest);
    guest_map_pae(&guest, 0x401000, 0x9000 | P | W | U | NX);
    guest_map_pae(&guest, 0x402000, 0x9000 | P | W | U);
    guest_page_pae(&guest, 0, EFER_NXE);
    for (unsigned already_watched = 0; already_watched < 2; already_watched++) {
        for (uint32_t linear = 0x401000; linear <= 0x402000; linear += 0x1000) {
            mmu_invalidate_page(&guest.mmu, linear);
            CHECK_HEX(value_at(&guest, linear, 1), 0);
            cr_assert_neq(guest.mmu.read_table[linear >> 12], 0u);
        }
        if (already_watched != 0)
            physmem_watch(guest.pm, 9, WATCH_STORES);
        physmem_watch(guest.pm, 9, WATCH_CODE);
        CHECK_HEX(guest.mmu.read_table[0x401], 0);
        cr_expect_neq(guest.mmu.read_table[0x402], 0u);
        CHECK_HEX(value_at(&guest, 0x401000, 1), 0);
        CHECK_HEX(guest.mmu.read_table[0x401], 0);
        physmem_unwatch(guest.pm, 9, WATCH_CODE);
    }
    guest_stop(&guest);
}

Test(mmu, the_frame_of_a_write_is_that_of_the_page_and_none_for_registers) {
    static const struct mmio_ops ops = {log_read, log_written};
    struct register_log registers = {0};
    struct guest guest;
    frame_number frame = FRAME_NONE;
    guest_start(&guest);
    physmem_add_mmio(guest.pm, "regs", 0xe0000000, 0x1000, &ops, &registers, 1);
    guest_map(&guest, 0x400000, 0x8000 | P | W);
    guest_map(&guest, 0x401000, 0xe0000000 | P | W);
    guest_page_32bit(&guest, 0, 0);
    CHECK_HEX(mmu_probe(&guest.mmu, 0x400ffc, 8, MMU_WRITE, false), MMU_OK);
    cr_assert(mmu_written_frame(&guest.mmu, 0x400123, &frame));
    CHECK_HEX(frame, physmem_page(guest.pm, 0x8000).write_frame);
    cr_assert_not(mmu_written_frame(&guest.mmu, 0x401000, &frame));
    guest_stop(&guest);
}

Test(mmu, the_known_frame_is_that_of_an_entry_and_needs_no_walk) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    CHECK_HEX(mmu_known_frame(&guest.mmu, 0x400123), FRAME_NONE);
    CHECK_HEX(load_le32(guest.ram + guest_pte_at(0x400000)) & A, 0);
    uint64_t value;
    CHECK_HEX(mmu_load(&guest.mmu, 0x400000, 1, &value), MMU_OK);
    CHECK_HEX(mmu_known_frame(&guest.mmu, 0x400123), 8);
    guest_stop(&guest);
}

Test(mmu, debug_translate_changes_nothing) {
    struct guest guest;
    phys_addr phys;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P);
    guest_page_32bit(&guest, 0, 0);
    cr_assert(mmu_debug_translate(&guest.mmu, 0x400123, &phys));
    CHECK_HEX(phys, 0x8123);
    CHECK_HEX(physmem_read(guest.pm, guest_pte_at(0x400000), 4), 0x8000 | P);
    cr_assert_not(mmu_debug_translate(&guest.mmu, 0x401123, &phys));
    guest_stop(&guest);
}

Test(mmu, a20_and_rom_switches_are_seen_at_once) {
    struct guest guest;
    guest_start(&guest);
    static const uint8_t rom_bytes[16] = {0x55, 0xaa};
    phys_region_id rom = physmem_add_rom(guest.pm, "rom", 0xf0000, rom_bytes, 16, 1);
    guest.ram[0xf0000] = 1;
    guest.ram[0x1f0000] = 2;
    CHECK_HEX(value_at(&guest, 0xf0000, 1), 0x55);
    CHECK_HEX(value_at(&guest, 0x1f0000, 1), 2);
    physmem_set_a20(guest.pm, false);
    CHECK_HEX(value_at(&guest, 0x1f0000, 1), 0x55);
    physmem_set_enabled(guest.pm, rom, true, false);
    mmu_store(&guest.mmu, 0xf0000, 1, 7);
    CHECK_HEX(value_at(&guest, 0xf0000, 1), 0x55);
    CHECK_HEX(guest.ram[0xf0000], 7);
    physmem_set_enabled(guest.pm, rom, false, false);
    CHECK_HEX(value_at(&guest, 0x1f0000, 1), 7);
    guest_stop(&guest);
}

Test(mmu, two_machines_do_not_see_each_other) {
    struct guest one, two;
    guest_start(&one);
    guest_start(&two);
    mmu_store(&one.mmu, 0x5000, 4, 1);
    mmu_store(&two.mmu, 0x5000, 4, 2);
    CHECK_HEX(value_at(&one, 0x5000, 4), 1);
    CHECK_HEX(value_at(&two, 0x5000, 4), 2);
    physmem_watch(one.pm, 5, WATCH_CODE);
    cr_assert_null(mmu_write_pointer(&one.mmu, 0x5000, 4));
    cr_assert_not_null(mmu_write_pointer(&two.mmu, 0x5000, 4));
    guest_stop(&one);
    CHECK_HEX(value_at(&two, 0x5000, 4), 2);
    guest_stop(&two);
}
