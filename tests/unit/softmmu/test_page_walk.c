/*
 * The walk alone: rights, reserved bits, error codes, accessed and dirty bits.
 */
#include "softmmu/page_walk.h"
#include "tests/unit/softmmu/guest_memory.h"

#define LINEAR UINT32_C(0x00c05000)

struct walked {
    enum mmu_status status;
    struct page_walk walk;
    uint32_t code;
};

static struct walked walk_from(struct guest *guest, uint64_t cr0, uint64_t cr4, uint64_t efer,
                               enum mmu_access access, unsigned flags) {
    struct walked result = {.code = 0};
    struct paging paging = {0};
    uint64_t cr3 = cr4 & CR4_PAE ? POINTERS : DIRECTORY;
    paging_set(&paging, CR0_PG | cr0, cr3, cr4, efer);
    if (cr4 & CR4_PAE) {
        paging_load_pdptes(guest->pm, cr3, paging.pdpte);
    }
    result.status =
        page_walk(guest->pm, &paging, LINEAR, access, flags, &result.walk, &result.code);
    return result;
}

static uint64_t entry32(struct guest *guest, uint32_t at) {
    return physmem_read(guest->pm, at, 4);
}

Test(page_walk, without_paging_linear_is_physical) {
    struct guest guest;
    guest_start(&guest);
    struct paging paging = {0};
    struct page_walk walk;
    uint32_t code;
    paging_set(&paging, 1, 0x5000, CR4_PAE, EFER_NXE);
    CHECK_HEX(paging.mode, 0);
    CHECK_HEX(page_walk(guest.pm, &paging, LINEAR + 0x123, MMU_WRITE, PAGE_WALK_USER, &walk, &code),
              MMU_OK);
    CHECK_HEX(walk.page, LINEAR);
    guest_stop(&guest);
}

Test(page_walk, error_codes_of_32_bit_paging) {
    static const struct {
        uint32_t entry;
        uint64_t cr0;
        enum mmu_access access;
        unsigned flags;
        int code; /* -1: no fault */
    } cases[] = {
        {0, 0, MMU_READ, 0, 0},
        {0, 0, MMU_WRITE, 0, PF_WRITE},
        {0, 0, MMU_FETCH, PAGE_WALK_USER, PF_USER},
        {0, 0, MMU_WRITE, PAGE_WALK_USER, PF_WRITE | PF_USER},
        {P, 0, MMU_READ, 0, -1},
        {P, 0, MMU_WRITE, 0, -1}, /* WP = 0: the supervisor writes anywhere */
        {P, CR0_WP, MMU_WRITE, 0, PF_PRESENT | PF_WRITE},
        {P, 0, MMU_READ, PAGE_WALK_USER, PF_PRESENT | PF_USER},
        {P | W, 0, MMU_WRITE, PAGE_WALK_USER, PF_PRESENT | PF_WRITE | PF_USER},
        {P | U, 0, MMU_READ, PAGE_WALK_USER, -1},
        {P | U, 0, MMU_FETCH, PAGE_WALK_USER, -1},
        {P | U, 0, MMU_WRITE, PAGE_WALK_USER, PF_PRESENT | PF_WRITE | PF_USER},
        {P | U | W, CR0_WP, MMU_WRITE, PAGE_WALK_USER, -1},
    };
    struct guest guest;
    guest_start(&guest);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        guest_map(&guest, LINEAR, 0x5000 | cases[i].entry);
        struct walked result =
            walk_from(&guest, cases[i].cr0, 0, EFER_NXE, cases[i].access, cases[i].flags);
        int code = result.status == MMU_OK ? -1 : (int)result.code;
        cr_assert_eq(code, cases[i].code, "case %zu: expected %x, actual %x", i, cases[i].code,
                     code);
    }
    guest_stop(&guest);
}

Test(page_walk, directory_rights_combine_with_table_rights) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, LINEAR, 0x5000 | P | W | U);
    uint32_t pde_at = DIRECTORY + (LINEAR >> 22) * 4;
    uint64_t pde = entry32(&guest, pde_at);
    physmem_write(guest.pm, pde_at, 4, pde & ~U);
    CHECK_HEX(walk_from(&guest, 0, 0, 0, MMU_READ, PAGE_WALK_USER).code, PF_PRESENT | PF_USER);
    physmem_write(guest.pm, pde_at, 4, pde & ~W);
    CHECK_HEX(walk_from(&guest, CR0_WP, 0, 0, MMU_WRITE, 0).code, PF_PRESENT | PF_WRITE);
    guest_stop(&guest);
}

Test(page_walk, read_sets_accessed_on_both_levels_and_write_sets_dirty_on_the_leaf) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, LINEAR, 0x5000 | P | W | U);
    uint32_t pde_at = DIRECTORY + (LINEAR >> 22) * 4;
    uint64_t pde = entry32(&guest, pde_at);
    cr_assert_not(walk_from(&guest, 0, 0, 0, MMU_READ, 0).walk.is_dirty);
    CHECK_HEX(entry32(&guest, pde_at), pde | A);
    CHECK_HEX(entry32(&guest, guest_pte_at(LINEAR)), 0x5000 | P | W | U | A);
    cr_assert(walk_from(&guest, 0, 0, 0, MMU_WRITE, 0).walk.is_dirty);
    CHECK_HEX(entry32(&guest, pde_at), pde | A);
    CHECK_HEX(entry32(&guest, guest_pte_at(LINEAR)), 0x5000 | P | W | U | A | D);
    guest_stop(&guest);
}

Test(page_walk, fault_and_peek_leave_the_tables_alone) {
    struct guest guest;
    guest_start(&guest);
    guest_map(&guest, LINEAR, 0x5000 | P);
    uint32_t pde_at = DIRECTORY + (LINEAR >> 22) * 4;
    uint64_t pde = entry32(&guest, pde_at);
    CHECK_HEX(walk_from(&guest, CR0_WP, 0, 0, MMU_WRITE, 0).status, MMU_FAULT);
    CHECK_HEX(walk_from(&guest, 0, 0, 0, MMU_READ, PAGE_WALK_PEEK | PAGE_WALK_USER).walk.page,
              0x5000);
    CHECK_HEX(entry32(&guest, pde_at), pde);
    CHECK_HEX(entry32(&guest, guest_pte_at(LINEAR)), 0x5000 | P);
    guest_stop(&guest);
}

Test(page_walk, large_pages_need_pse_and_reach_beyond_4_gib) {
    struct guest guest;
    guest_start(&guest);
    uint32_t pde_at = DIRECTORY + (LINEAR >> 22) * 4;
    physmem_write(guest.pm, pde_at, 4, 0x00800000 | 3 << 13 | PS | P | W);
    struct walked result = walk_from(&guest, 0, CR4_PSE, 0, MMU_WRITE, 0);
    CHECK_HEX(result.walk.page, UINT64_C(0x300805000));
    cr_assert(result.walk.is_large);
    CHECK_HEX(entry32(&guest, pde_at), 0x00800000 | 3 << 13 | PS | P | W | A | D);
    physmem_write(guest.pm, pde_at, 4, 0x00800000 | 1 << 17 | PS | P | W);
    CHECK_HEX(walk_from(&guest, 0, CR4_PSE, 0, MMU_READ, 0).code, PF_PRESENT | PF_RESERVED);
    /* Without CR4.PSE the PS bit means nothing. */
    physmem_write(guest.pm, pde_at, 4, TABLES | PS | P | W);
    physmem_write(guest.pm, TABLES + 5 * 4, 4, 0x7000 | P);
    CHECK_HEX(walk_from(&guest, 0, 0, 0, MMU_READ, 0).walk.page, 0x7000);
    guest_stop(&guest);
}

Test(page_walk, pae_reserved_bits_fault_at_every_level) {
    struct guest guest;
    guest_start(&guest);
    uint64_t high = UINT64_C(1) << 40;
    guest_map_pae(&guest, LINEAR, 0x5000 | P | W | U | high);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, 0, MMU_READ, 0).code, PF_PRESENT | PF_RESERVED);
    guest_map_pae(&guest, LINEAR, 0x5000 | P | NX);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, 0, MMU_READ, 0).code, PF_PRESENT | PF_RESERVED);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, EFER_NXE, MMU_READ, 0).status, MMU_OK);
    uint32_t pde_at = DIRECTORY + (LINEAR >> 21) * 8;
    physmem_write(guest.pm, pde_at, 8, TABLES | P | high);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, 0, MMU_WRITE, PAGE_WALK_USER).code,
              PF_PRESENT | PF_RESERVED | PF_WRITE | PF_USER);
    physmem_write(guest.pm, pde_at, 8, 0x802000 | PS | P);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, 0, MMU_READ, 0).code, PF_PRESENT | PF_RESERVED);
    physmem_write(guest.pm, pde_at, 8, 0x800000 | PS | P);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, 0, MMU_READ, 0).walk.page, 0x805000);
    guest_stop(&guest);
}

Test(page_walk, execute_disable_stops_fetches_only) {
    struct guest guest;
    guest_start(&guest);
    guest_map_pae(&guest, LINEAR, 0x5000 | P | W | U | NX);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, EFER_NXE, MMU_FETCH, PAGE_WALK_USER).code,
              PF_PRESENT | PF_USER | PF_FETCH);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, EFER_NXE, MMU_READ, PAGE_WALK_USER).status, MMU_OK);
    guest_map_pae(&guest, LINEAR, 0);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, EFER_NXE, MMU_FETCH, 0).code, PF_FETCH);
    CHECK_HEX(walk_from(&guest, 0, CR4_PAE, 0, MMU_FETCH, 0).code, 0);
    guest_stop(&guest);
}

Test(page_walk, pdptes_are_checked_when_present) {
    struct guest guest;
    guest_start(&guest);
    uint64_t pdpte[4];
    physmem_write(guest.pm, POINTERS + 8, 8, DIRECTORY | P);
    physmem_write(guest.pm, POINTERS + 16, 8, DIRECTORY | W); /* not present: anything goes */
    cr_assert(paging_load_pdptes(guest.pm, POINTERS, pdpte));
    physmem_write(guest.pm, POINTERS + 8, 8, DIRECTORY | P | W);
    cr_assert_not(paging_load_pdptes(guest.pm, POINTERS, pdpte));
    cr_assert_not(mmu_pdptes_are_valid(&guest.mmu, POINTERS));
    guest_stop(&guest);
}

Test(page_walk, tables_outside_memory_read_as_ones) {
    struct guest guest;
    guest_start(&guest);
    struct paging paging = {0};
    struct page_walk walk;
    uint32_t code;
    paging_set(&paging, CR0_PG, 0x80000000, CR4_PSE, 0);
    CHECK_HEX(page_walk(guest.pm, &paging, 0, MMU_READ, 0, &walk, &code), MMU_FAULT);
    CHECK_HEX(code, PF_PRESENT | PF_RESERVED);
    paging_set(&paging, CR0_PG, 0x80000000, 0, 0);
    CHECK_HEX(page_walk(guest.pm, &paging, 0, MMU_READ, 0, &walk, &code), MMU_OK);
    CHECK_HEX(walk.page, 0xfffff000);
    guest_stop(&guest);
}
