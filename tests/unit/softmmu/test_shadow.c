/*
 * Shadow spaces: what stays, what goes, and what it costs.
 */
#include "softmmu/shadow.h"
#include "tests/unit/softmmu/guest_memory.h"

static uint64_t value_at(struct guest *guest, uint32_t linear) {
    uint64_t value = 0;
    CHECK_HEX(mmu_load(&guest->mmu, linear, 4, &value), MMU_OK);
    return value;
}

static bool is_readable(struct guest *guest, uint32_t linear) {
    return mmu_read_pointer(&guest->mmu, linear, 1) != NULL;
}

static bool is_writable(struct guest *guest, uint32_t linear) {
    return mmu_write_pointer(&guest->mmu, linear, 1) != NULL;
}

static void set_cr3(struct guest *guest, uint32_t cr3) {
    mmu_set_paging(&guest->mmu, CR0_PG | 1, cr3, 0, 0, false);
}

Test(shadow, cr3_switch_keeps_entries) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    mmu_store(&guest.mmu, 0x400000, 4, 1);
    set_cr3(&guest, 0x20000);
    cr_assert_not(is_readable(&guest, 0x400000));
    uint64_t value;
    CHECK_HEX(mmu_load(&guest.mmu, 0x400000, 4, &value), MMU_FAULT);
    set_cr3(&guest, DIRECTORY | 0x18); /* PWT and PCD do not make another space */
    cr_assert(is_writable(&guest, 0x400000));
    CHECK_HEX(mmu_statistics(&guest.mmu)->fills, 1);
    guest_stop(&guest);
}

Test(shadow, table_write_drops_exactly_the_derived_page) {
    struct guest guest;
    guest_start(&guest);
    guest.ram[0x9000] = 9;
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map(&guest, 0x401000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    value_at(&guest, 0x400000);
    value_at(&guest, 0x401000);
    physmem_write(guest.pm, guest_pte_at(0x400000), 4, 0x9000 | P | U);
    cr_assert_not(is_readable(&guest, 0x400000));
    cr_assert(is_readable(&guest, 0x401000));
    CHECK_HEX(value_at(&guest, 0x400000), 9);
    CHECK_HEX(mmu_statistics(&guest.mmu)->page_table_writes, 1);
    guest_stop(&guest);
}

Test(shadow, table_write_through_the_guests_own_mapping_is_seen) {
    struct guest guest;
    guest_start(&guest);
    guest.ram[0x9000] = 9;
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    uint32_t window = 0x800000; /* maps the page table itself */
    guest_map(&guest, window, (guest_pte_at(0x400000) & ~0xfffu) | P | W);
    guest_page_32bit(&guest, 0, 0);
    mmu_store(&guest.mmu, window + 0x800, 4, 0);
    cr_assert(is_writable(&guest, window)); /* not known as a table yet */
    value_at(&guest, 0x400000);
    cr_assert_not(is_writable(&guest, window));
    mmu_store(&guest.mmu, window, 4, 0x9000 | P | U);
    CHECK_HEX(value_at(&guest, 0x400000), 9);
    guest_stop(&guest);
}

Test(shadow, split_store_into_a_table_that_it_links_is_seen) {
    struct guest guest;
    guest_start(&guest);
    /* The store begins in the page table that maps its second page. */
    uint32_t table = guest_pte_at(0x401000) & ~0xfffu;
    guest_map(&guest, 0x7ff000, 0x8000 | P | W);
    guest_map(&guest, 0x3ff000, table | P | W);
    guest_map(&guest, 0x400000, 0x9000 | P | W);
    guest_page_32bit(&guest, 0, 0);
    CHECK_HEX(mmu_store(&guest.mmu, 0x3fffff, 4, 0x11111100), MMU_OK);
    value_at(&guest, 0x7ff000);
    uint64_t entry = physmem_read(guest.pm, guest_pte_at(0x7ff000), 4);
    CHECK_HEX(entry, 0x8000 | P | W | A);
    guest_map(&guest, 0x7ff000, 0x8000 | P | W);
    set_cr3(&guest, 0x20000);
    shadow_drop_all(guest.mmu.shadow);
    guest_page_32bit(&guest, 0, 0);
    value_at(&guest, 0x7ff000);
    CHECK_HEX(mmu_store(&guest.mmu, 0x3fffff, 4, 0x11111180), MMU_OK);
    CHECK_HEX(value_at(&guest, 0x7ff000), 0xffffffff); /* physical 0x80008000 now */
    guest_stop(&guest);
}

Test(shadow, directory_write_drops_the_range) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map(&guest, 0x7ff000, 0x8000 | P | W | U);
    guest_map(&guest, 0x800000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    value_at(&guest, 0x400000);
    value_at(&guest, 0x7ff000);
    value_at(&guest, 0x800000);
    physmem_write(guest.pm, DIRECTORY + 4, 4, 0);
    cr_assert_not(is_readable(&guest, 0x400000));
    cr_assert_not(is_readable(&guest, 0x7ff000));
    cr_assert(is_readable(&guest, 0x800000));
    guest_stop(&guest);
}

Test(shadow, large_page_goes_as_a_whole) {
    struct guest guest;
    guest_start(&guest);
    physmem_write(guest.pm, DIRECTORY + 4, 4, 0x800000 | PS | P | W | U);
    guest_page_32bit(&guest, 0, CR4_PSE);
    mmu_store(&guest.mmu, 0x400000, 4, 1);
    mmu_store(&guest.mmu, 0x7ff000, 4, 2);
    CHECK_HEX(guest.ram[0xbff000], 2);
    mmu_invalidate_page(&guest.mmu, 0x500000);
    cr_assert_not(is_readable(&guest, 0x400000));
    cr_assert_not(is_writable(&guest, 0x7ff000));
    value_at(&guest, 0x400000);
    physmem_write(guest.pm, DIRECTORY + 4, 4, 0xc00000 | PS | P | W | U);
    cr_assert_not(is_readable(&guest, 0x400000));
    guest_stop(&guest);
}

Test(shadow, invlpg_drops_both_views_of_one_page) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map(&guest, 0x401000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    value_at(&guest, 0x400000);
    value_at(&guest, 0x401000);
    mmu_set_user(&guest.mmu, true);
    value_at(&guest, 0x400000);
    mmu_invalidate_page(&guest.mmu, 0x400fff);
    cr_assert_not(is_readable(&guest, 0x400000));
    mmu_set_user(&guest.mmu, false);
    cr_assert_not(is_readable(&guest, 0x400000));
    cr_assert(is_readable(&guest, 0x401000));
    guest_stop(&guest);
}

Test(shadow, pae_quarters_follow_the_pdpte_registers) {
    struct guest guest;
    guest_start(&guest);
    guest_map_pae(&guest, 0x00400000, 0x8000 | P | W | U);
    guest_map_pae(&guest, 0x40400000, 0x9000 | P | W | U);
    guest.ram[0x8000] = 8;
    guest.ram[0x9000] = 9;
    guest_page_pae(&guest, 0, 0);
    CHECK_HEX(value_at(&guest, 0x00400000), 8);
    CHECK_HEX(value_at(&guest, 0x40400000), 9);
    /* Memory alone changes nothing; MOV CR3 loads the register. */
    physmem_write(guest.pm, POINTERS + 8, 8, DIRECTORY | P);
    CHECK_HEX(value_at(&guest, 0x40400000), 9);
    guest_page_pae(&guest, 0, 0);
    cr_assert(is_readable(&guest, 0x00400000));
    CHECK_HEX(value_at(&guest, 0x40400000), 8);
    guest_stop(&guest);
}

Test(shadow, freed_table_is_unwatched_after_idle_writes) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    value_at(&guest, 0x400000);
    frame_number table = guest_pte_at(0x400000) >> 12;
    CHECK_HEX(physmem_watches(guest.pm, table), WATCH_PAGE_TABLE);
    for (unsigned i = 0; i < 100; i++) {
        physmem_write(guest.pm, guest_pte_at(0x400000) + 0x800, 4, i);
    }
    CHECK_HEX(physmem_watches(guest.pm, table), 0);
    cr_assert_not(is_readable(&guest, 0x400000)); /* nothing derived may stay */
    value_at(&guest, 0x400000);
    CHECK_HEX(physmem_watches(guest.pm, table), WATCH_PAGE_TABLE);
    guest_stop(&guest);
}

Test(shadow, oldest_space_is_evicted_and_unwatched) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    uint64_t directory_entry = physmem_read(guest.pm, DIRECTORY + 4, 4);
    for (unsigned i = 0; i < 2 * SHADOW_MAX_SPACES; i++) {
        uint32_t cr3 = 0x800000 + i * 4096;
        physmem_write(guest.pm, cr3 + 4, 4, directory_entry);
        set_cr3(&guest, cr3);
        value_at(&guest, 0x400000);
    }
    CHECK_HEX(physmem_watches(guest.pm, 0x800), 0);
    CHECK_HEX(physmem_watches(guest.pm, 0x800 + 2 * SHADOW_MAX_SPACES - 1), WATCH_PAGE_TABLE);
    cr_assert(mmu_statistics(&guest.mmu)->space_evictions >= SHADOW_MAX_SPACES);
    guest_stop(&guest);
}

Test(shadow, hostile_flood_stays_within_the_memory_bound) {
    struct guest guest;
    guest_start(&guest);
    /* One page table for all of the address space, so that every chunk can be touched. */
    for (unsigned i = 0; i < 1024; i++) {
        physmem_write(guest.pm, DIRECTORY + i * 4, 4, TABLES | P | W | U);
        physmem_write(guest.pm, TABLES + i * 4, 4, 0x8000 | P | W | U);
    }
    for (unsigned space = 0; space < 4; space++) {
        mmu_set_paging(&guest.mmu, CR0_PG | 1 | (space & 1 ? CR0_WP : 0), DIRECTORY,
                       space & 2 ? CR4_PSE : 0, 0, false);
        for (unsigned view = 0; view < 2; view++) {
            mmu_set_user(&guest.mmu, view != 0);
            for (uint64_t linear = 0; linear < UINT64_C(1) << 32; linear += 0x1ff000) {
                CHECK_HEX(mmu_store(&guest.mmu, linear, 4, 1), MMU_OK);
                cr_assert(shadow_table_bytes(guest.mmu.shadow) <= SHADOW_MAX_BYTES);
            }
        }
    }
    guest_stop(&guest);
}

Test(shadow, exhausted_writer_pool_drops_everything_and_goes_on) {
    struct guest guest;
    guest_start(&guest);
    for (unsigned i = 0; i < 1024; i++) {
        physmem_write(guest.pm, DIRECTORY + i * 4, 4, TABLES | P | W | U);
        physmem_write(guest.pm, TABLES + i * 4, 4, 0x8000 | P | W | U);
    }
    guest_page_32bit(&guest, 0, 0);
    for (uint64_t linear = 0; linear < UINT64_C(1) << 32; linear += 0x1000) {
        mmu_store(&guest.mmu, linear, 4, 1);
    }
    physmem_watch(guest.pm, 8, WATCH_CODE);
    for (uint64_t linear = 0; linear < UINT64_C(1) << 32; linear += 0x1000) {
        cr_assert_not(is_writable(&guest, (uint32_t)linear), "linear %llx",
                      (unsigned long long)linear);
    }
    guest_stop(&guest);
}

Test(shadow, two_mmus_share_one_memory) {
    struct guest guest;
    struct mmu second;
    guest_start(&guest);
    cr_assert(mmu_init(&second, guest.pm, &guest.log, NULL));
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    mmu_set_paging(&second, CR0_PG | 1, DIRECTORY, 0, 0, true);
    uint64_t value;
    value_at(&guest, 0x400000);
    CHECK_HEX(mmu_load(&second, 0x400000, 4, &value), MMU_OK);
    mmu_destroy(&second);
    CHECK_HEX(physmem_watches(guest.pm, guest_pte_at(0x400000) >> 12), WATCH_PAGE_TABLE);
    physmem_write(guest.pm, guest_pte_at(0x400000), 4, 0);
    cr_assert_not(is_readable(&guest, 0x400000));
    guest_stop(&guest);
}

#define OTHER_ROOT UINT32_C(0x20000)

/* Two roots with the same page table behind 0x400000, of which the first has two pages by now; the
   second is in force. */
static void share_a_table(struct guest *guest, uint32_t other_entry) {
    guest_start(guest);
    guest_map(guest, 0x400000, 0x8000 | P | W | U);
    guest_map(guest, 0x401000, 0x9000 | P | W | U);
    physmem_write(guest->pm, DIRECTORY + 4, 4, (TABLES + 4096) | P | W | U | A);
    physmem_write(guest->pm, OTHER_ROOT + 4, 4, other_entry);
    guest_page_32bit(guest, 0, 0);
    mmu_store(&guest->mmu, 0x400000, 4, 1);
    mmu_store(&guest->mmu, 0x401000, 4, 2);
    set_cr3(guest, OTHER_ROOT);
}

Test(shadow, a_space_takes_over_ranges_with_an_equal_directory_entry) {
    struct guest guest;
    share_a_table(&guest, (TABLES + 4096) | P | W | U | A);
    CHECK_HEX(value_at(&guest, 0x400000), 1);
    cr_assert(is_writable(&guest, 0x401000));
    CHECK_HEX(mmu_statistics(&guest.mmu)->adoptions, 1);
    CHECK_HEX(mmu_statistics(&guest.mmu)->fills, 3);
    CHECK_HEX(value_at(&guest, 0x401000), 2);
    guest_stop(&guest);
}

Test(shadow, a_range_with_other_rights_in_the_directory_is_not_taken_over) {
    struct guest guest;
    share_a_table(&guest, (TABLES + 4096) | P | U | A);
    CHECK_HEX(value_at(&guest, 0x400000), 1);
    cr_assert_not(is_readable(&guest, 0x401000));
    CHECK_HEX(mmu_statistics(&guest.mmu)->adoptions, 0);
    guest_stop(&guest);
}

Test(shadow, an_entry_that_was_taken_over_goes_when_the_shared_table_is_written) {
    struct guest guest;
    share_a_table(&guest, (TABLES + 4096) | P | W | U | A);
    value_at(&guest, 0x400000);
    physmem_write(guest.pm, guest_pte_at(0x401000), 4, 0xa000 | P | U);
    cr_assert_not(is_readable(&guest, 0x401000));
    set_cr3(&guest, DIRECTORY);
    cr_assert_not(is_readable(&guest, 0x401000));
    guest_stop(&guest);
}

Test(shadow, an_entry_that_was_taken_over_loses_writing_when_its_frame_is_watched) {
    struct guest guest;
    share_a_table(&guest, (TABLES + 4096) | P | W | U | A);
    value_at(&guest, 0x400000);
    physmem_watch(guest.pm, 9, WATCH_CODE);
    cr_assert_not(is_writable(&guest, 0x401000));
    cr_assert(is_readable(&guest, 0x401000));
    set_cr3(&guest, DIRECTORY);
    cr_assert_not(is_writable(&guest, 0x401000));
    guest_stop(&guest);
}
