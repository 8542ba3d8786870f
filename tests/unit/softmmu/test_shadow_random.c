/*
 * Random guests: whatever the order of table writes, switches, accesses and watches, every shadow
 * entry must say what a walk of the guest's tables says at that moment.
 */
#include "softmmu/base/bits.h"
#include "softmmu/shadow.h"
#include "tests/unit/softmmu/guest_memory.h"

/* All tables and data lie in so few frames that tables map tables, and themselves. */
#define FRAMES 24
#define ROOTS  6

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides) {
    dice->state = dice->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(dice->state >> 33) % sides;
}

static uint64_t random_entry(struct dice *dice, bool is_pae) {
    uint64_t entry = (uint64_t)roll(dice, FRAMES) << 12;
    entry |= roll(dice, 8) != 0 ? P : 0;
    entry |= roll(dice, 4) != 0 ? W : 0;
    entry |= roll(dice, 4) != 0 ? U : 0;
    entry |= roll(dice, 4) == 0 ? D | A : 0;
    entry |= roll(dice, 12) == 0 ? PS : 0;
    entry |= is_pae && roll(dice, 10) == 0 ? NX : 0;
    return entry;
}

/* Linear addresses crowd around the start of a few tables' ranges. */
static uint32_t random_linear(struct dice *dice, bool is_pae) {
    uint32_t range = is_pae ? UINT32_C(0x200000) : UINT32_C(0x400000);
    uint32_t quarter = is_pae ? roll(dice, 4) << 30 : 0;
    uint32_t linear = quarter + roll(dice, 4) * range + roll(dice, 8) * 4096;
    return linear + (roll(dice, 6) == 0 ? 4096 - 3 : roll(dice, 1024) * 4);
}

static void check_entry(struct guest *guest, const struct shadow_space *space, unsigned table,
                        uint32_t page) {
    uintptr_t addend = space->tables[table][page];
    struct page_walk walk;
    uint32_t code;
    uint32_t linear = page << 12;
    if (addend == 0) {
        return;
    }
    cr_assert(shadow_bit(space->filled[table], page / SHADOW_CHUNK_PAGES));
    CHECK_HEX(page_walk(guest->pm, &space->paging, linear, MMU_READ, PAGE_WALK_PEEK, &walk, &code),
              MMU_OK);
    struct phys_page phys = physmem_page(guest->pm, walk.page);
    bool is_user = (table & SHADOW_USER) != 0;
    cr_assert(!is_user || walk.is_user, "linear %x: user entry for a supervisor page", linear);
    if (table & SHADOW_WRITE) {
        CHECK_HEX(addend + linear, (uintptr_t)phys.write_host);
        CHECK_HEX(physmem_watches(guest->pm, phys.write_frame), 0);
        cr_assert(walk.is_dirty, "linear %x: writable but clean", linear);
        cr_assert(walk.is_writable || (!is_user && !(space->paging.mode & PAGING_WP)));
    } else {
        CHECK_HEX(addend + linear, (uintptr_t)phys.read_host);
    }
}

static void check_all(struct guest *guest) {
    const struct shadow *shadow = guest->mmu.shadow;
    for (unsigned i = 0; i < shadow->space_count; i++) {
        for (unsigned table = 0; table < SHADOW_TABLES; table++) {
            for (uint32_t chunk = 0; chunk < SHADOW_CHUNKS; chunk++) {
                if (!shadow_bit(shadow->spaces[i].filled[table], chunk)) {
                    continue;
                }
                for (uint32_t page = 0; page < SHADOW_CHUNK_PAGES; page++) {
                    check_entry(guest, &shadow->spaces[i], table,
                                chunk * SHADOW_CHUNK_PAGES + page);
                }
            }
        }
    }
}

/* The slow path must agree with a fresh walk, entry or not. */
static void check_access(struct guest *guest, uint32_t linear, enum mmu_access access) {
    struct page_walk walk;
    uint32_t code = 0;
    const struct paging *paging = &guest->mmu.shadow->current->paging;
    enum mmu_status status = mmu_probe(&guest->mmu, linear, 1, access, false);
    enum mmu_status expected = page_walk(guest->pm, paging, linear, access,
                                         guest->mmu.is_user ? PAGE_WALK_USER : 0, &walk, &code);
    CHECK_HEX(status, expected);
    if (status == MMU_FAULT) {
        CHECK_HEX(guest->mmu.fault.error_code, code);
    }
}

static void random_step(struct guest *guest, struct dice *dice, bool is_pae) {
    unsigned entry_bytes = is_pae ? 8 : 4;
    uint32_t linear = random_linear(dice, is_pae);
    uint64_t value;
    switch (roll(dice, 16)) {
    case 0:
    case 1:
    case 2: {
        uint32_t at = roll(dice, FRAMES) * 4096 + roll(dice, 8) * entry_bytes;
        physmem_write(guest->pm, at, entry_bytes, random_entry(dice, is_pae));
        break;
    }
    case 3: {
        uint8_t bytes[48];
        for (unsigned i = 0; i < sizeof(bytes); i += 8) {
            store_le64(bytes + i, random_entry(dice, is_pae));
        }
        physmem_dma_write(guest->pm, roll(dice, FRAMES) * 4096, bytes, sizeof(bytes));
        break;
    }
    case 4:
    case 5: {
        uint64_t cr0 = CR0_PG | 1 | (roll(dice, 2) ? CR0_WP : 0);
        mmu_set_paging(&guest->mmu, cr0, roll(dice, ROOTS) * 4096,
                       is_pae ? CR4_PAE : roll(dice, 2) * CR4_PSE, roll(dice, 4) ? EFER_NXE : 0,
                       false);
        break;
    }
    case 6:
        mmu_set_user(&guest->mmu, roll(dice, 2) != 0);
        break;
    case 7:
        mmu_invalidate_page(&guest->mmu, linear);
        break;
    case 8:
        physmem_watch(guest->pm, roll(dice, FRAMES), WATCH_CODE);
        break;
    case 9:
        physmem_unwatch(guest->pm, roll(dice, FRAMES), WATCH_CODE);
        break;
    case 10:
        physmem_set_a20(guest->pm, roll(dice, 4) != 0);
        break;
    case 11:
    case 12:
        mmu_store(&guest->mmu, linear, 4, random_entry(dice, is_pae));
        break;
    case 13:
        check_access(guest, linear, roll(dice, 3));
        break;
    default:
        mmu_load(&guest->mmu, linear, 8, &value);
        break;
    }
}

static void run_random_guest(uint64_t seed, bool is_pae) {
    struct guest guest;
    struct dice dice = {seed};
    guest_start(&guest);
    for (uint32_t at = 0; at < FRAMES * 4096; at += is_pae ? 8 : 4) {
        physmem_write(guest.pm, at, is_pae ? 8 : 4, random_entry(&dice, is_pae));
    }
    for (unsigned step = 0; step < 4000; step++) {
        random_step(&guest, &dice, is_pae);
        if (step % 16 == 0) {
            check_all(&guest);
        }
    }
    cr_assert(mmu_statistics(&guest.mmu)->fills > 100, "only %llu fills",
              (unsigned long long)mmu_statistics(&guest.mmu)->fills);
    cr_assert(mmu_statistics(&guest.mmu)->drops > 100);
    guest_stop(&guest);
}

Test(shadow_random, entries_agree_with_32_bit_tables) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        run_random_guest(seed, false);
    }
}

Test(shadow_random, entries_agree_with_pae_tables) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        run_random_guest(seed, true);
    }
}
