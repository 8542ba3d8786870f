/*
 * Windows: an access through one must see and do what mmu_load and mmu_store see and do, the host
 * must never map more than the tables allow, and its mappings must stay within bounds.
 */
#include "softmmu/window.h"

#include "softmmu/base/bits.h"
#include "tests/unit/softmmu/guest_memory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define FRAMES      24 /* of random guests: few, so that tables map tables */
#define ROOTS       6
#define MAX_WINDOWS SHADOW_ALL_SPACES

/* The access under way, for the signal handler. */
static struct {
    struct mmu *mmu;
    const uint8_t *base;
    bool is_write;
    sigjmp_buf refused;
} current;

static void on_fault(int number, siginfo_t *info, void *context) {
    uint64_t linear = (uint64_t)(uintptr_t)info->si_addr - (uint64_t)(uintptr_t)current.base;
    if (mmu_window_fill(current.mmu, linear, current.is_write) != WINDOW_FILLED) {
        siglongjmp(current.refused, 1);
    }
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/* The current window, earned by force. */
static uint8_t *window_of(struct mmu *mmu) {
    mmu->executed[mmu->is_user] = UINT64_C(1) << 32;
    uint8_t *base = mmu_window(mmu);
    cr_assert(base != NULL);
    return base;
}

/* Load through the window. False: it refused. */
static bool load(struct mmu *mmu, uint64_t linear, unsigned size, uint64_t *value) {
    const volatile uint8_t *base = window_of(mmu);
    current.mmu = mmu;
    current.base = (const uint8_t *)(uintptr_t)base;
    current.is_write = false;
    if (sigsetjmp(current.refused, 1) != 0) {
        return false;
    }
    uint64_t bytes = 0;
    for (unsigned i = 0; i < size; i++) {
        /* Guards lie on both sides: reckon in integers. */
        uintptr_t at = (uintptr_t)base + (uintptr_t)(linear + i);
        bytes |= (uint64_t) * (const volatile uint8_t *)at << (8 * i);
    }
    *value = bytes;
    return true;
}

static bool store_byte(struct mmu *mmu, uint32_t linear, uint8_t value) {
    volatile uint8_t *base = window_of(mmu);
    current.mmu = mmu;
    current.base = (const uint8_t *)(uintptr_t)base;
    current.is_write = true;
    if (sigsetjmp(current.refused, 1) != 0) {
        return false;
    }
    base[linear] = value;
    return true;
}

static void start(struct guest *guest) {
    struct error error = {""};
    guest_start(guest);
    cr_assert(mmu_enable_windows(&guest->mmu, &error), "%s", error.message);
    catch_faults();
}

struct window_list {
    const struct shadow_space *spaces[MAX_WINDOWS];
    bool is_user[MAX_WINDOWS];
    uintptr_t bases[MAX_WINDOWS];
    unsigned count;
};

static void remember_window(struct window_list *list, struct mmu *mmu) {
    uintptr_t base = (uintptr_t)window_of(mmu);
    for (unsigned i = 0; i < list->count; i++) {
        if (list->bases[i] == base) {
            return;
        }
    }
    cr_assert(list->count < MAX_WINDOWS);
    list->spaces[list->count] = window_space(mmu);
    list->is_user[list->count] = mmu->is_user;
    list->bases[list->count++] = base;
}

static void check_page(const struct guest *guest, const struct window_list *list, unsigned number,
                       uint32_t page, bool is_writable, uint64_t offset) {
    uintptr_t *const *tables = list->spaces[number]->tables;
    unsigned view = list->is_user[number] ? SHADOW_USER : 0;
    uintptr_t addend = tables[view | SHADOW_READ][page];
    uint64_t linear = (uint64_t)page << GUEST_PAGE_SHIFT;
    cr_assert(addend != 0, "page %x is mapped without an entry", page);
    CHECK_HEX(addend + linear - (uintptr_t)guest->ram, offset);
    if (is_writable) {
        CHECK_HEX(tables[view | SHADOW_WRITE][page], addend);
    }
}

/* Compare what the kernel maps with the tables. Returns the number of mappings in windows. */
static unsigned check_mappings(const struct guest *guest, const struct window_list *list) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned count = 0;
    while (fgets(line, sizeof(line), maps)) {
        uintptr_t first, end;
        uint64_t offset;
        char rights[8];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %" SCNx64, &first, &end, rights, &offset) !=
            4) {
            continue;
        }
        for (unsigned i = 0; i < list->count; i++) {
            uintptr_t base = list->bases[i];
            if (end <= base || first >= base + WINDOW_BYTES) {
                continue;
            }
            count++;
            for (uintptr_t at = first; rights[0] == 'r' && at < end; at += GUEST_PAGE_SIZE) {
                check_page(guest, list, i, (uint32_t)((at - base) >> GUEST_PAGE_SHIFT),
                           rights[1] == 'w', offset + (at - first));
            }
        }
    }
    fclose(maps);
    return count;
}

static void check_bounds(const struct guest *guest, const struct window_list *list) {
    unsigned used;
    unsigned limit = mmu_window_mappings(&guest->mmu, &used);
    unsigned mapped = check_mappings(guest, list);
    cr_assert(mapped <= used, "%u mappings, counted %u", mapped, used);
    cr_assert(used <= limit, "%u mappings, limit %u", used, limit);
}

Test(window, must_be_earned) {
    struct guest guest;
    start(&guest);
    cr_assert(mmu_window(&guest.mmu) == NULL);
    CHECK_HEX(mmu_window_fill(&guest.mmu, 0, false), WINDOW_SLOW);
    cr_assert(window_of(&guest.mmu) != NULL);
    CHECK_HEX(mmu_window_fill(&guest.mmu, 0, false), WINDOW_FILLED);
    guest_stop(&guest);
}

Test(window, comes_once_it_would_have_saved_enough_in_this_view) {
    struct guest guest;
    start(&guest);
    guest.mmu.executed[0] = 999000;
    cr_assert(mmu_window(&guest.mmu) == NULL);
    guest.mmu.executed[1] = 5000000; /* in the other view */
    cr_assert(mmu_window(&guest.mmu) == NULL);
    guest.mmu.executed[0] = 1000;
    cr_assert(mmu_window(&guest.mmu) != NULL);
    mmu_set_user(&guest.mmu, true);
    cr_assert(mmu_window(&guest.mmu) != NULL);
    guest_stop(&guest);
}

Test(window, of_the_user_belongs_to_one_address_space) {
    struct guest guest;
    start(&guest);
    mmu_set_user(&guest.mmu, true);
    const uint8_t *base = window_of(&guest.mmu);
    guest_page_32bit(&guest, 0, 0);
    cr_assert(mmu_window(&guest.mmu) == NULL);
    cr_assert(window_of(&guest.mmu) != base);
    guest_stop(&guest);
}

Test(window, is_never_given_unless_enabled) {
    struct guest guest;
    guest_start(&guest);
    guest.mmu.executed[0] = UINT64_C(1) << 32;
    cr_assert(mmu_window(&guest.mmu) == NULL);
    CHECK_HEX(mmu_window_fill(&guest.mmu, 0, false), WINDOW_SLOW);
    guest_stop(&guest);
}

Test(window, writes_reach_ram_and_set_dirty) {
    struct guest guest;
    start(&guest);
    guest_map(&guest, 0x400000, 0x800000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    uint64_t value;
    cr_assert(load(&guest.mmu, 0x400123, 4, &value));
    CHECK_HEX(load_le32(guest.ram + guest_pte_at(0x400000)) & (A | D), A);
    cr_assert(store_byte(&guest.mmu, 0x400123, 0x5a));
    CHECK_HEX(guest.ram[0x800123], 0x5a);
    CHECK_HEX(load_le32(guest.ram + guest_pte_at(0x400000)) & (A | D), A | D);
    guest_stop(&guest);
}

Test(window, refuses_registers_watched_frames_and_faults) {
    struct guest guest;
    uint64_t value;
    start(&guest);
    cr_assert_not(load(&guest.mmu, RAM_BYTES, 1, &value));
    physmem_watch(guest.pm, 5, WATCH_CODE);
    cr_assert(load(&guest.mmu, 0x5000, 1, &value));
    cr_assert_not(store_byte(&guest.mmu, 0x5000, 1));
    cr_assert(store_byte(&guest.mmu, 0x6000, 1));
    guest_map(&guest, 0x400000, 0x8000 | P | W);
    guest_page_32bit(&guest, CR0_WP, 0);
    mmu_set_user(&guest.mmu, true);
    guest.mmu.fault.linear = 0x1234;
    cr_assert_not(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(guest.mmu.fault.linear, 0x1234);
    CHECK_HEX(load_le32(guest.ram + guest_pte_at(0x400000)) & (A | D), 0);
    guest_stop(&guest);
}

Test(window, watching_a_frame_makes_its_pages_read_only) {
    struct guest guest;
    uint64_t value;
    start(&guest);
    cr_assert(store_byte(&guest.mmu, 0x5000, 1));
    physmem_watch(guest.pm, 5, WATCH_CODE);
    cr_assert_not(store_byte(&guest.mmu, 0x5000, 2));
    cr_assert(load(&guest.mmu, 0x5000, 1, &value));
    CHECK_HEX(value, 1);
    physmem_unwatch(guest.pm, 5, WATCH_CODE);
    cr_assert(store_byte(&guest.mmu, 0x5000, 3));
    CHECK_HEX(guest.ram[0x5000], 3);
    guest_stop(&guest);
}

Test(window, guards_stop_accesses_outside) {
    struct guest guest;
    uint64_t value;
    start(&guest);
    guest_map(&guest, 0xfffff000, 0x8000 | P | W | U);
    guest_map(&guest, 0, 0x9000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    cr_assert(load(&guest.mmu, 0xfffffff8, 8, &value));
    cr_assert_not(load(&guest.mmu, 0xfffffffd, 4, &value));
    cr_assert_not(load(&guest.mmu, WINDOW_BYTES + WINDOW_GUARD - 1, 1, &value));
    cr_assert(load(&guest.mmu, 0, 1, &value));
    cr_assert_not(load(&guest.mmu, UINT64_MAX, 1, &value));
    cr_assert_not(load(&guest.mmu, 0 - WINDOW_GUARD, 1, &value));
    guest_stop(&guest);
}

Test(window, neighbours_come_along_only_when_already_accessed) {
    struct guest guest;
    uint64_t value;
    start(&guest);
    guest_map(&guest, 0x400000, 0x8000 | P | W | U);
    guest_map(&guest, 0x401000, 0x9000 | P | W | U | A);
    guest_map(&guest, 0x402000, 0xa000 | P | W | U);
    physmem_write(guest.pm, DIRECTORY + 4, 4, (TABLES + 4096) | P | W | U | A);
    guest_page_32bit(&guest, 0, 0);
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    cr_assert(mmu_read_pointer(&guest.mmu, 0x401000, 1) != NULL);
    cr_assert(mmu_write_pointer(&guest.mmu, 0x401000, 1) == NULL);
    cr_assert(mmu_read_pointer(&guest.mmu, 0x402000, 1) == NULL);
    CHECK_HEX(mmu_statistics(&guest.mmu)->window_pages, 2);
    CHECK_HEX(load_le32(guest.ram + guest_pte_at(0x402000)) & A, 0);
    guest_stop(&guest);
}

Test(window, two_mmus_share_one_memory) {
    struct guest guest;
    struct mmu other;
    struct error error;
    uint64_t value;
    start(&guest);
    cr_assert(mmu_init(&other, guest.pm, NULL, &error));
    cr_assert(mmu_enable_windows(&other, &error));
    guest_map(&guest, 0x400000, 0x800000 | P | W | U);
    guest_page_32bit(&guest, 0, 0);
    cr_assert(store_byte(&guest.mmu, 0x400000, 7));
    cr_assert(load(&other, 0x800000, 1, &value));
    CHECK_HEX(value, 7);
    /* The other, without paging, rewrites the entry; its window may not write the table. */
    cr_assert_not(store_byte(&other, guest_pte_at(0x400000), 0));
    cr_assert(store_byte(&other, 0x900000, 9));
    mmu_store(&other, guest_pte_at(0x400000), 4, 0x900000 | P | U);
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(value, 9);
    mmu_destroy(&other);
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    guest_stop(&guest);
}

Test(window, page_tables_taken_away_lose_the_users_window) {
    struct guest guest;
    start(&guest);
    for (uint32_t i = 1; i <= 8; i++) {
        guest_map(&guest, i << 22, 0x800000 | P | W | U);
    }
    guest_page_32bit(&guest, 0, 0);
    mmu_set_user(&guest.mmu, true);
    for (uint32_t i = 1; i <= 8; i++) {
        cr_assert(store_byte(&guest.mmu, i << 22, 1));
    }
    cr_assert(mmu_window(&guest.mmu) != NULL);
    for (uint32_t i = 1; i <= 8; i++) {
        physmem_write(guest.pm, DIRECTORY + i * 4, 4, 0);
    }
    cr_assert(mmu_window(&guest.mmu) == NULL);
    guest_stop(&guest);
}

Test(window, dropping_page_after_page_takes_few_calls) {
    struct guest guest;
    start(&guest);
    for (uint32_t i = 0; i < 512; i++) {
        guest_map(&guest, 0x400000 + i * 4096, (0x800000 + i * 4096) | P | W | U | A | D);
    }
    guest_page_32bit(&guest, 0, 0);
    for (uint32_t i = 0; i < 512; i++) {
        cr_assert(store_byte(&guest.mmu, 0x400000 + i * 4096, 1));
    }
    CHECK_HEX(mmu_statistics(&guest.mmu)->window_pages, 512);
    CHECK_HEX(mmu_statistics(&guest.mmu)->window_fills, 32);
    uint64_t before = mmu_statistics(&guest.mmu)->window_unmaps;
    for (uint32_t i = 0; i < 512; i++) {
        physmem_write(guest.pm, guest_pte_at(0x400000 + i * 4096), 4, 0);
    }
    uint64_t calls = mmu_statistics(&guest.mmu)->window_unmaps - before;
    cr_assert(calls <= 8, "%llu calls", (unsigned long long)calls);
    uint64_t value;
    cr_assert_not(load(&guest.mmu, 0x4ff000, 1, &value));
    guest_stop(&guest);
}

Test(window, hostile_flood_stays_within_bounds) {
    struct guest guest;
    struct window_list list = {.count = 0};
    start(&guest);
    /* Neighbours lie in frames that never follow each other: one mapping for each page. */
    uint32_t pages = 40000;
    for (uint32_t i = 0; i < pages; i++) {
        guest_map(&guest, 0x400000 + i * 4096, (0x800000 + i % 2 * 0x10000) | P | W | U | A | D);
    }
    guest.ram[0x810000] = 1;
    guest_page_32bit(&guest, 0, 0);
    remember_window(&list, &guest.mmu);
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t value;
        cr_assert(load(&guest.mmu, 0x400000 + i * 4096, 1, &value));
        CHECK_HEX(value, i % 2);
        if (i % 4096 == 0) {
            check_bounds(&guest, &list);
        }
    }
    check_bounds(&guest, &list);
    cr_assert(mmu_statistics(&guest.mmu)->window_evictions > 0);
    guest_stop(&guest);
}

Test(window, holes_punched_into_runs_stay_within_bounds) {
    struct guest guest;
    struct window_list list = {.count = 0};
    start(&guest);
    guest_page_32bit(&guest, 0, CR4_PSE);
    /* Large pages, all of the same 4 MiB, then every second frame watched. */
    for (uint32_t i = 0; i < 64; i++) {
        physmem_write(guest.pm, DIRECTORY + i * 4, 4, 0x800000 | P | W | U | A | D | PS);
    }
    remember_window(&list, &guest.mmu);
    for (uint32_t at = 0; at < UINT32_C(64) << 22; at += 4096) {
        cr_assert(store_byte(&guest.mmu, at, 1));
    }
    for (frame_number frame = 0x800; frame < 0xc00; frame += 2) {
        physmem_watch(guest.pm, frame, WATCH_CODE);
        if (frame % 64 == 0) {
            check_bounds(&guest, &list);
        }
    }
    check_bounds(&guest, &list);
    guest_stop(&guest);
}

/* Use up the process's mappings. Returns the span to give back, or NULL. */
static uint8_t *exhaust_mappings(size_t *size) {
    *size = (size_t)1 << 30;
    uint8_t *span = mmap(NULL, *size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(span != MAP_FAILED);
    for (size_t at = 0; at < *size; at += 2 * GUEST_PAGE_SIZE) {
        if (mprotect(span + at, GUEST_PAGE_SIZE, PROT_READ) != 0) {
            return span;
        }
    }
    munmap(span, *size);
    return NULL;
}

Test(window, a_host_without_mappings_left_is_survived) {
    struct guest guest;
    struct window_list list = {.count = 0};
    start(&guest);
    guest_page_32bit(&guest, 0, CR4_PSE);
    for (uint32_t i = 0; i < 8; i++) {
        physmem_write(guest.pm, DIRECTORY + i * 4, 4, 0x800000 | P | W | U | A | D | PS);
    }
    remember_window(&list, &guest.mmu);
    for (uint32_t at = 0; at < UINT32_C(4) << 22; at += 0x80000) {
        cr_assert(store_byte(&guest.mmu, at, 1));
    }
    size_t size;
    uint8_t *span = exhaust_mappings(&size);
    if (!span) {
        guest_stop(&guest);
        cr_skip_test("the host sets no bound to mappings");
    }
    for (uint32_t i = 4; i < 8; i++) {
        cr_assert_not(store_byte(&guest.mmu, (i << 22) + 0x55000, 1));
        check_bounds(&guest, &list);
    }
    /* Taking rights away needs mappings too, or must take away more. */
    for (frame_number frame = 0x805; frame < 0xc00; frame += 3) {
        physmem_watch(guest.pm, frame, WATCH_CODE);
    }
    check_bounds(&guest, &list);
    mmu_invalidate_page(&guest.mmu, 0);
    check_bounds(&guest, &list);
    munmap(span, size);
    uint64_t value;
    CHECK_HEX(mmu_load(&guest.mmu, 0x80000, 1, &value), MMU_OK);
    CHECK_HEX(value, 1);
    guest_stop(&guest);
}

/* Twin guests take the same random steps, one through windows, one through the tables. */
struct twins {
    struct guest windowed, plain;
    uint64_t dice;
    bool is_pae;
};

static uint32_t roll(struct twins *twins, uint32_t sides) {
    twins->dice = twins->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(twins->dice >> 33) % sides;
}

static uint64_t random_entry(struct twins *twins) {
    uint64_t entry = (uint64_t)roll(twins, FRAMES) << 12;
    entry |= roll(twins, 8) != 0 ? P : 0;
    entry |= roll(twins, 4) != 0 ? W : 0;
    entry |= roll(twins, 4) != 0 ? U : 0;
    entry |= roll(twins, 3) == 0 ? D | A : 0;
    entry |= roll(twins, 12) == 0 ? PS : 0;
    entry |= twins->is_pae && roll(twins, 10) == 0 ? NX : 0;
    return entry;
}

static uint32_t random_linear(struct twins *twins) {
    uint32_t range = twins->is_pae ? UINT32_C(0x200000) : UINT32_C(0x400000);
    uint32_t quarter = twins->is_pae ? roll(twins, 4) << 30 : 0;
    uint32_t linear = quarter + roll(twins, 4) * range + roll(twins, 24) * 4096;
    return linear + (roll(twins, 6) == 0 ? 4096 - 3 : roll(twins, 1024) * 4);
}

static void write_both(struct twins *twins, uint32_t at, uint64_t entry) {
    unsigned size = twins->is_pae ? 8 : 4;
    physmem_write(twins->windowed.pm, at, size, entry);
    physmem_write(twins->plain.pm, at, size, entry);
}

static void compare_load(struct twins *twins, uint32_t linear) {
    uint64_t actual = 0, expected = 0;
    struct mmu *mmu = &twins->windowed.mmu;
    enum mmu_status status = MMU_OK;
    if (!load(mmu, linear, 8, &actual)) {
        status = mmu_load(mmu, linear, 8, &actual);
    }
    CHECK_HEX(status, mmu_load(&twins->plain.mmu, linear, 8, &expected));
    if (status == MMU_OK) {
        CHECK_HEX(actual, expected);
    } else {
        CHECK_HEX(mmu->fault.linear, twins->plain.mmu.fault.linear);
        CHECK_HEX(mmu->fault.error_code, twins->plain.mmu.fault.error_code);
    }
}

static void compare_store(struct twins *twins, uint32_t linear) {
    uint8_t value = (uint8_t)roll(twins, 256);
    enum mmu_status status = MMU_OK;
    if (!store_byte(&twins->windowed.mmu, linear, value)) {
        status = mmu_store(&twins->windowed.mmu, linear, 1, value);
    }
    CHECK_HEX(status, mmu_store(&twins->plain.mmu, linear, 1, value));
}

static void set_both(struct twins *twins) {
    uint64_t cr0 = CR0_PG | 1 | (roll(twins, 2) ? CR0_WP : 0);
    uint32_t cr3 = roll(twins, ROOTS) * 4096;
    uint64_t cr4 = twins->is_pae ? CR4_PAE : roll(twins, 2) * CR4_PSE;
    uint64_t efer = roll(twins, 4) ? EFER_NXE : 0;
    mmu_set_paging(&twins->windowed.mmu, cr0, cr3, cr4, efer, false);
    mmu_set_paging(&twins->plain.mmu, cr0, cr3, cr4, efer, false);
}

static void watch_both(struct twins *twins, bool is_watched) {
    frame_number frame = roll(twins, FRAMES);
    if (is_watched) {
        physmem_watch(twins->windowed.pm, frame, WATCH_CODE);
        physmem_watch(twins->plain.pm, frame, WATCH_CODE);
    } else {
        physmem_unwatch(twins->windowed.pm, frame, WATCH_CODE);
        physmem_unwatch(twins->plain.pm, frame, WATCH_CODE);
    }
}

static void random_step(struct twins *twins) {
    uint32_t linear = random_linear(twins);
    switch (roll(twins, 20)) {
    case 0:
    case 1: {
        uint32_t at = roll(twins, FRAMES) * 4096 + roll(twins, 24) * 8;
        write_both(twins, at, random_entry(twins));
        break;
    }
    case 2:
        set_both(twins);
        break;
    case 3: {
        bool is_user = roll(twins, 2) != 0;
        mmu_set_user(&twins->windowed.mmu, is_user);
        mmu_set_user(&twins->plain.mmu, is_user);
        break;
    }
    case 4:
        mmu_invalidate_page(&twins->windowed.mmu, linear);
        mmu_invalidate_page(&twins->plain.mmu, linear);
        break;
    case 5:
    case 6:
        watch_both(twins, roll(twins, 2) != 0);
        break;
    case 7: {
        bool is_through = roll(twins, 8) != 0;
        physmem_set_a20(twins->windowed.pm, is_through);
        physmem_set_a20(twins->plain.pm, is_through);
        break;
    }
    case 8:
    case 9:
    case 10:
    case 11:
        compare_store(twins, linear);
        break;
    default:
        compare_load(twins, linear);
        break;
    }
}

static void run_twins(uint64_t seed, bool is_pae) {
    struct twins twins = {.dice = seed, .is_pae = is_pae};
    struct window_list list = {.count = 0};
    start(&twins.windowed);
    guest_start(&twins.plain);
    for (uint32_t at = 0; at < FRAMES * 4096; at += is_pae ? 8 : 4) {
        write_both(&twins, at, random_entry(&twins));
    }
    for (unsigned step = 0; step < 4000; step++) {
        random_step(&twins);
        if (step % 16 == 0) { /* or soon nothing would be in common */
            for (unsigned i = 0; i < SHADOW_COMMONS; i++) {
                memset(twins.windowed.mmu.shadow->commons[i].mismatches, 0, SHADOW_LEAF_SLOTS);
            }
        }
        remember_window(&list, &twins.windowed.mmu);
        cr_assert(memcmp(twins.windowed.ram, twins.plain.ram, FRAMES * 4096) == 0,
                  "memory differs after step %u, seed %llu", step, (unsigned long long)seed);
        if (step % 32 == 0) {
            check_bounds(&twins.windowed, &list);
        }
    }
    cr_assert(mmu_statistics(&twins.windowed.mmu)->window_fills > 100, "only %llu fills",
              (unsigned long long)mmu_statistics(&twins.windowed.mmu)->window_fills);
    guest_stop(&twins.windowed);
    guest_stop(&twins.plain);
}

Test(window, random_guests_with_32_bit_tables_see_what_the_tables_say) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        run_twins(seed, false);
    }
}

Test(window, random_guests_with_pae_tables_see_what_the_tables_say) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        run_twins(seed, true);
    }
}

/* Fill page after page, none of which saves anything, until the window goes. */
static unsigned fills_until_lost(struct guest *guest) {
    unsigned filled = 0;
    while (mmu_window_fill(&guest->mmu, 0x400000 + filled * 4096, false) == WINDOW_FILLED) {
        filled++;
    }
    return filled;
}

Test(window, goes_when_it_has_cost_too_much_and_comes_back_more_slowly_and_goes_sooner) {
    struct guest guest;
    start(&guest);
    for (uint32_t i = 0; i < 4096; i++) {
        guest_map(&guest, 0x400000 + i * 4096, (0x800000 + i % 2 * 0x10000) | P | W | U | A | D);
    }
    guest_page_32bit(&guest, 0, 0);
    guest.mmu.executed[0] = 1000000;
    cr_assert(mmu_window(&guest.mmu) != NULL);
    unsigned first = fills_until_lost(&guest);
    cr_assert(first > 500 && first < 4096, "%u", first);
    CHECK_HEX(mmu_statistics(&guest.mmu)->windows_lost, 1);
    guest.mmu.executed[0] = 1999999;
    cr_assert(mmu_window(&guest.mmu) == NULL);
    guest.mmu.executed[0] = 1;
    cr_assert(mmu_window(&guest.mmu) != NULL);
    unsigned second = fills_until_lost(&guest);
    cr_assert(second > 0 && second <= first / 2 + 1, "%u after %u", second, first);
    guest_stop(&guest);
}

Test(window, stays_while_it_saves_more_than_it_costs) {
    struct guest guest;
    start(&guest);
    guest_map(&guest, 0x400000, 0x800000 | P | W | U | A | D);
    guest_page_32bit(&guest, 0, 0);
    window_of(&guest.mmu);
    for (unsigned i = 0; i < 5000; i++) {
        guest.mmu.executed[0] = WINDOW_FILL_NS + WINDOW_UNMAP_NS;
        cr_assert(mmu_window(&guest.mmu) != NULL);
        CHECK_HEX(mmu_window_fill(&guest.mmu, 0x400000, true), WINDOW_FILLED);
        mmu_invalidate_page(&guest.mmu, 0x400000);
    }
    CHECK_HEX(mmu_statistics(&guest.mmu)->windows_lost, 0);
    guest_stop(&guest);
}

#define OTHER_ROOT   UINT32_C(0x20000)
#define OTHER_TABLES UINT32_C(0x300000)

/* Two address spaces: the same page table at 0x400000, different ones at 0x800000. The first has
   both pages in the window, the second is in force. */
static void start_two_spaces(struct guest *guest) {
    start(guest);
    guest_map(guest, 0x400000, 0x900000 | P | W | A | D);
    guest_map(guest, 0x800000, 0xa00000 | P | W | A | D);
    physmem_write(guest->pm, DIRECTORY + 4, 4, (TABLES + 4096) | P | W | A);
    physmem_write(guest->pm, OTHER_ROOT + 4, 4, (TABLES + 4096) | P | W | A);
    physmem_write(guest->pm, OTHER_ROOT + 8, 4, OTHER_TABLES | P | W | A);
    physmem_write(guest->pm, OTHER_TABLES, 4, 0xb00000 | P | W | A | D);
    guest_page_32bit(guest, 0, 0);
    cr_assert(store_byte(&guest->mmu, 0x400000, 4));
    cr_assert(store_byte(&guest->mmu, 0x800000, 8));
    mmu_set_paging(&guest->mmu, CR0_PG | 1, OTHER_ROOT, 0, 0, false);
}

Test(window, of_the_supervisor_keeps_what_address_spaces_have_in_common) {
    struct guest guest;
    uint64_t value;
    start_two_spaces(&guest);
    uint64_t fills = mmu_statistics(&guest.mmu)->window_fills;
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(value, 4);
    CHECK_HEX(mmu_statistics(&guest.mmu)->window_fills, fills);
    cr_assert(load(&guest.mmu, 0x800000, 1, &value));
    CHECK_HEX(value, 0);
    CHECK_HEX(mmu_statistics(&guest.mmu)->window_fills, fills + 1);
    guest_stop(&guest);
}

Test(window, of_the_supervisor_soon_leaves_out_what_differs) {
    struct guest guest;
    uint64_t value;
    start_two_spaces(&guest);
    cr_assert(load(&guest.mmu, 0x800000, 1, &value));
    guest_page_32bit(&guest, 0, 0);
    cr_assert_not(load(&guest.mmu, 0x800000, 1, &value));
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    guest_stop(&guest);
}

Test(window, of_the_supervisor_follows_writes_to_tables_that_another_space_entered) {
    struct guest guest;
    uint64_t value;
    start_two_spaces(&guest);
    physmem_write(guest.pm, guest_pte_at(0x400000), 4, 0xc00000 | P | W | A | D);
    guest.ram[0xc00000] = 12;
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(value, 12);
    physmem_write(guest.pm, OTHER_ROOT + 4, 4, OTHER_TABLES | P | W | A);
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(value, guest.ram[0xb00000]);
    guest_stop(&guest);
}

Test(window, of_the_supervisor_follows_directory_writes_in_spaces_not_in_force) {
    struct guest guest;
    uint64_t value;
    start_two_spaces(&guest);
    physmem_write(guest.pm, DIRECTORY + 4, 4, OTHER_TABLES | P | W | A);
    guest.ram[0xb00000] = 11;
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(value, 4);
    guest_page_32bit(&guest, 0, 0);
    cr_assert(load(&guest.mmu, 0x400000, 1, &value));
    CHECK_HEX(value, 11);
    guest_stop(&guest);
}
