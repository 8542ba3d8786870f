/*
 * Windows: see window.h. Everything here happens on the thread that runs the guest, most of it in
 * its SIGSEGV handler, at an instruction of translated code.
 *
 * The kernel limits how many mappings a process has, and splits them behind our back, so each
 * window keeps the exact number of places where one mapping ends and another begins: neighbours
 * differ in rights, or both are mapped but not next to each other in the memory file. The entries
 * of the read table tell the latter, so pages are unmapped before their entries go.
 */
#include "softmmu/window.h"

#include "softmmu/base/bits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Two machines may live in one process under Linux's default of 65530 mappings. */
#define MAX_MAPPINGS     28000u
#define MIN_MAPPINGS     1024u
#define DEFAULT_MAPPINGS 65530u

/* A host page table spans 2 MiB, costs 4 KiB, and stays until the window is emptied. */
#define REGION_PAGES  512
#define REGIONS       (SHADOW_PAGES / REGION_PAGES)
#define REGION_WORDS  (REGION_PAGES / 64)
#define MAX_REGIONS   8192u
#define BITMAP_BYTES  (SHADOW_PAGES / 8)
#define SMALL_AROUND  UINT32_C(16) /* pages looked at in one fill: Linux's own fault-around */
#define LARGE_AROUND  UINT32_C(64) /* the same within a large page */
#define FILL_MAPPINGS (LARGE_AROUND + 2)

/* Taking pages out one by one (a process exits, or forks) costs a system call each. After a few in
   the same 2 MiB, without a fill there, the rest of them goes at once. */
#define STREAK_LIMIT 8

struct window {
    uint8_t *base;                  /* NULL: never made */
    uint64_t *mapped, *writable;    /* a bit for each page */
    uint64_t regions[REGIONS / 64]; /* which had pages since the window was last empty */
    unsigned region_count;
    uint32_t page_count;
    unsigned boundary_count; /* where one mapping ends and the next begins */
    uint64_t last_used;
    uint32_t streak_region, streak;
    bool is_broken; /* the host refused to unmap pages: never to be used again */
    const uintptr_t *read_table, *write_table;
};

struct window_set {
    struct window windows[SHADOW_ALL_SPACES]; /* of the spaces; common ones for the supervisor */
    unsigned mapping_count, mapping_limit;
    unsigned region_count;
    uint64_t use_clock;
    const uint8_t *store; /* where the memory file is mapped as a whole */
    int fd;
    struct mmu_statistics *statistics;
};

static unsigned page_rights(const struct window *window, uint32_t page) {
    if (page >= SHADOW_PAGES) {
        return 0; /* a guard */
    }
    return shadow_bit(window->mapped, page) + shadow_bit(window->writable, page);
}

/* What the tables allow: 0 nothing, 1 reading, 2 writing too. A page that is read and written in
   different frames (ROM over RAM) can only be read here. */
static unsigned table_rights(const struct window *window, uint32_t page) {
    uintptr_t addend = window->read_table[page];
    return addend == 0 ? 0 : window->write_table[page] == addend ? 2 : 1;
}

/* Boundaries before each page in [first, last]. */
static unsigned count_boundaries(const struct window *window, uint32_t first, uint32_t last) {
    unsigned count = 0;
    unsigned before = page_rights(window, first - 1);
    for (uint32_t page = first; page <= last; page++) {
        if (before == 0 && page % 64 == 0 && page < SHADOW_PAGES &&
            window->mapped[page / 64] == 0) {
            page += 63; /* may pass `last`: nothing was mapped on the way */
            continue;
        }
        unsigned rights = page_rights(window, page);
        count += rights != before ||
                 (rights != 0 && window->read_table[page] != window->read_table[page - 1]);
        before = rights;
    }
    return count;
}

static void recount(struct window_set *set, struct window *window, unsigned before,
                    unsigned after) {
    window->boundary_count += after - before;
    set->mapping_count += after - before;
}

static unsigned clear_bits(uint64_t *bitmap, uint32_t first, uint32_t end) {
    unsigned cleared = 0;
    while (first < end) {
        uint32_t word_end = (first | 63) + 1;
        uint32_t stop = end < word_end ? end : word_end;
        uint64_t mask = UINT64_MAX >> (64 - (stop - first)) << (first % 64);
        cleared += (unsigned)__builtin_popcountll(bitmap[first / 64] & mask);
        bitmap[first / 64] &= ~mask;
        first = stop;
    }
    return cleared;
}

static void set_bits(uint64_t *bitmap, uint32_t first, uint32_t end) {
    for (uint32_t page = first; page < end; page++) {
        bitmap[page / 64] |= UINT64_C(1) << (page % 64);
    }
}

static bool map_nothing(uint8_t *at, size_t size) {
    return mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                0) != MAP_FAILED;
}

static uint8_t *page_address(const struct window *window, uint32_t page) {
    return window->base + ((uint64_t)page << GUEST_PAGE_SHIFT);
}

static struct window *window_of(const struct shadow *shadow, const struct shadow_space *space) {
    return &shadow->windows->windows[space - shadow->spaces];
}

/* Empty a window in one piece. */
static void clear_window(struct window_set *set, struct window *window) {
    if (window->region_count == 0) {
        return;
    }
    /* Neither needs one more mapping than there was, so a host that keeps its word allows one. */
    if (!map_nothing(window->base, WINDOW_BYTES) &&
        mprotect(window->base, WINDOW_BYTES, PROT_NONE) != 0) {
        window->is_broken = true;
    }
    set->statistics->window_unmaps++;
    for (unsigned region = 0; region < REGIONS; region++) {
        if (shadow_bit(window->regions, region)) {
            memset(window->mapped + region * REGION_WORDS, 0, REGION_PAGES / 8);
            memset(window->writable + region * REGION_WORDS, 0, REGION_PAGES / 8);
        }
    }
    memset(window->regions, 0, sizeof(window->regions));
    set->region_count -= window->region_count;
    window->region_count = 0;
    window->page_count = 0;
    recount(set, window, window->boundary_count, 0);
}

/* Empty the window that was not used for longest. False when all are empty. */
static bool evict_oldest(struct window_set *set) {
    struct window *oldest = NULL;
    for (unsigned i = 0; i < SHADOW_ALL_SPACES; i++) {
        struct window *window = &set->windows[i];
        if (window->region_count != 0 && (!oldest || window->last_used < oldest->last_used)) {
            oldest = window;
        }
    }
    if (!oldest) {
        return false;
    }
    clear_window(set, oldest);
    set->statistics->window_evictions++;
    return true;
}

/* Taking away rights may split mappings: afterwards the total must be in bounds again. */
static void keep_bounded(struct window_set *set) {
    while (UNLIKELY(set->mapping_count > set->mapping_limit) && evict_oldest(set)) {
    }
}

/* Shrink [*first, *end) to its first and last mapped page. False when none is mapped. */
static bool find_mapped(const struct window *window, uint32_t *first, uint32_t *end) {
    uint32_t low = *first;
    uint32_t high = *end;
    while (low < high && !shadow_bit(window->mapped, low)) {
        low = low % 64 == 0 && window->mapped[low / 64] == 0 ? low + 64 : low + 1;
    }
    while (low < high && !shadow_bit(window->mapped, high - 1)) {
        high = high % 64 == 0 && window->mapped[high / 64 - 1] == 0 ? high - 64 : high - 1;
    }
    *first = low;
    *end = high;
    return low < high;
}

/* True when it took a call. */
static bool unmap_pages(struct window_set *set, struct window *window, uint32_t first,
                        uint32_t end) {
    if (window->page_count == 0 || !find_mapped(window, &first, &end)) {
        return false;
    }
    if (!map_nothing(page_address(window, first), (uint64_t)(end - first) << GUEST_PAGE_SHIFT)) {
        clear_window(set, window);
        return true;
    }
    set->statistics->window_unmaps++;
    unsigned before = count_boundaries(window, first, end);
    window->page_count -= clear_bits(window->mapped, first, end);
    clear_bits(window->writable, first, end);
    recount(set, window, before, count_boundaries(window, first, end));
    keep_bounded(set);
    return true;
}

/* One page goes: extend that to the whole region when such drops come in a streak. */
static bool unmap_page(struct window_set *set, struct window *window, uint32_t page) {
    uint32_t region = page / REGION_PAGES;
    if (!shadow_bit(window->mapped, page)) {
        return false;
    }
    if (window->streak_region != region) {
        window->streak_region = region;
        window->streak = 0;
    }
    if (++window->streak < STREAK_LIMIT) {
        return unmap_pages(set, window, page, page + 1);
    }
    return unmap_pages(set, window, region * REGION_PAGES, (region + 1) * REGION_PAGES);
}

void window_drop_pages(struct shadow *shadow, struct shadow_space *space, uint32_t first,
                       uint32_t end) {
    if (!shadow->windows || window_of(shadow, space)->page_count == 0) {
        return;
    }
    struct window *window = window_of(shadow, space);
    bool has_called = end - first == 1 ? unmap_page(shadow->windows, window, first)
                                       : unmap_pages(shadow->windows, window, first, end);
    if (has_called) {
        window_spend(space, WINDOW_UNMAP_NS);
    }
}

void window_drop_space(struct shadow *shadow, struct shadow_space *space) {
    if (shadow->windows) {
        clear_window(shadow->windows, window_of(shadow, space));
    }
}

void window_protect_page(struct shadow *shadow, struct shadow_space *space, uint32_t page) {
    struct window_set *set = shadow->windows;
    struct window *window = set ? window_of(shadow, space) : NULL;
    if (!window || window->page_count == 0 || !shadow_bit(window->writable, page)) {
        return;
    }
    window_spend(space, WINDOW_PROTECT_NS);
    if (mprotect(page_address(window, page), GUEST_PAGE_SIZE, PROT_READ) != 0) {
        unmap_pages(set, window, page, page + 1);
        return;
    }
    set->statistics->window_unmaps++;
    unsigned before = count_boundaries(window, page, page + 1);
    clear_bits(window->writable, page, page + 1);
    recount(set, window, before, count_boundaries(window, page, page + 1));
    keep_bounded(set);
}

/* Give a window its addresses and bitmaps. */
static bool make_window(const struct shadow *shadow, struct window_set *set,
                        const struct shadow_space *space) {
    struct window *window = &set->windows[space - shadow->spaces];
    unsigned view = shadow_is_common(shadow, space) ? 0 : SHADOW_USER;
    uint64_t reserved = WINDOW_BYTES + 2 * WINDOW_GUARD;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    uint8_t *at = mmap(NULL, reserved, PROT_NONE, flags, -1, 0);
    if (at == MAP_FAILED) {
        return false;
    }
    uint8_t *bitmaps = mmap(NULL, 2 * BITMAP_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (bitmaps == MAP_FAILED) {
        munmap(at, reserved);
        return false;
    }
    window->base = at + WINDOW_GUARD;
    window->mapped = (uint64_t *)(void *)bitmaps;
    window->writable = (uint64_t *)(void *)(bitmaps + BITMAP_BYTES);
    window->read_table = space->tables[view | SHADOW_READ];
    window->write_table = space->tables[view | SHADOW_WRITE];
    set->mapping_count += 2; /* the window while it is empty, and its bitmaps */
    return true;
}

/* How many mappings the host allows a process. */
static unsigned host_mappings(void) {
    unsigned count = DEFAULT_MAPPINGS;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    if (file) {
        if (fscanf(file, "%u", &count) != 1) {
            count = DEFAULT_MAPPINGS;
        }
        fclose(file);
    }
    return count;
}

bool mmu_enable_windows(struct mmu *mmu, struct error *error) {
    struct shadow *shadow = mmu->shadow;
    if (shadow->windows) {
        return true;
    }
    if (sysconf(_SC_PAGESIZE) != (long)GUEST_PAGE_SIZE || sizeof(size_t) < 8) {
        return error_set(error, "windows need a 64-bit host with pages of 4 KiB");
    }
    if (shadow->all_count != SHADOW_ALL_SPACES) {
        return error_set(error, "the host grants too few addresses for windows");
    }
    unsigned half = host_mappings() / 2;
    if (half < MIN_MAPPINGS) {
        return error_set(error, "windows need vm.max_map_count to be %u at least",
                         2 * MIN_MAPPINGS);
    }
    struct window_set *set = calloc(1, sizeof(*set));
    if (!set) {
        return error_set(error, "out of memory for windows");
    }
    set->mapping_limit = half < MAX_MAPPINGS ? half : MAX_MAPPINGS;
    set->store = physmem_frame_host(shadow->physmem, 0);
    set->fd = physmem_fd(shadow->physmem);
    set->statistics = &shadow->statistics;
    /* The first one now, to see whether the host grants it. */
    if (!make_window(shadow, set, &shadow->spaces[shadow->space_count])) {
        free(set);
        return error_set(error, "cannot reserve host addresses for windows: %s", strerror(errno));
    }
    shadow->windows = set;
    shadow_common_enter(shadow);
    return true;
}

void window_destroy_set(struct window_set *set) {
    for (unsigned i = 0; set && i < SHADOW_ALL_SPACES; i++) {
        struct window *window = &set->windows[i];
        if (window->base) {
            munmap(window->base - WINDOW_GUARD, WINDOW_BYTES + 2 * WINDOW_GUARD);
            munmap(window->mapped, 2 * BITMAP_BYTES);
        }
    }
    free(set);
}

uint8_t *mmu_window(struct mmu *mmu) {
    struct shadow *shadow = mmu->shadow;
    struct window_set *set = shadow->windows;
    if (!set) {
        return NULL;
    }
    window_account(mmu);
    struct shadow_space *space = window_space(mmu);
    struct window *window = window_of(shadow, space);
    if (!space->account.has_window ||
        (UNLIKELY(!window->base) && !make_window(shadow, set, space))) {
        return NULL;
    }
    window->last_used = ++set->use_clock;
    return window->is_broken ? NULL : window->base;
}

unsigned mmu_window_mappings(const struct mmu *mmu, unsigned *used) {
    const struct window_set *set = mmu->shadow->windows;
    *used = set ? set->mapping_count : 0;
    return set ? set->mapping_limit : 0;
}

/* Enter a neighbour of the page that `walk` found, if an access there would change nothing of the
   guest's, and the host can map both in one piece: others cost nearly as much now as when they are
   needed. `distance`: in pages. */
static void enter_neighbour(struct shadow *shadow, uint32_t page, bool is_user,
                            const struct page_walk *walk, int32_t distance, uintptr_t addend) {
    uint32_t linear = page << GUEST_PAGE_SHIFT;
    struct page_walk own = *walk;
    own.page += (phys_addr)((int64_t)distance * GUEST_PAGE_SIZE);
    if (!walk->is_large) {
        uint32_t error_code;
        if (page_walk(shadow->physmem, &shadow->current->paging, linear, MMU_READ, PAGE_WALK_PEEK,
                      &own, &error_code) != MMU_OK) {
            return;
        }
    }
    struct phys_page phys = physmem_page(shadow->physmem, own.page);
    if (own.is_accessed && (own.is_user || !is_user) && phys.read_host &&
        (uintptr_t)phys.read_host - linear == addend) {
        shadow_fill(shadow, linear, is_user, &own, &phys);
    }
}

/* Choose the pages [*first, *end) to map together with `page`, and enter them in the tables. */
static void look_around(struct mmu *mmu, uint32_t page, bool is_write, uint32_t *first,
                        uint32_t *end) {
    struct shadow *shadow = mmu->shadow;
    struct page_walk walk;
    uint32_t error_code;
    *first = page;
    *end = page + 1;
    if (page_walk(shadow->physmem, &shadow->current->paging, page << GUEST_PAGE_SHIFT, MMU_READ,
                  PAGE_WALK_PEEK, &walk, &error_code) != MMU_OK) {
        return;
    }
    walk.is_large |= !(shadow->current->paging.mode & PAGING_ON); /* one page as large as memory */
    uint32_t around = walk.is_large ? LARGE_AROUND : SMALL_AROUND;
    *first = page & ~(around - 1);
    *end = *first + around;
    uintptr_t addend = mmu->read_table[page];
    for (uint32_t near = *first; near < *end; near++) {
        if (mmu->read_table[near] == 0 || (is_write && mmu->write_table[near] == 0)) {
            enter_neighbour(shadow, near, mmu->is_user, &walk, (int32_t)(near - page), addend);
        }
    }
}

/* Give pages [first, end), which have the same rights and lie side by side, more rights. */
static bool map_run(struct window_set *set, struct window *window, uint32_t first, uint32_t end) {
    uint8_t *at = page_address(window, first);
    size_t size = (size_t)(end - first) << GUEST_PAGE_SHIFT;
    bool is_writable = table_rights(window, first) == 2;
    int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    if (page_rights(window, first) != 0) {
        if (mprotect(at, size, protection) != 0) {
            return false;
        }
    } else {
        uintptr_t host = window->read_table[first] + ((uintptr_t)first << GUEST_PAGE_SHIFT);
        off_t offset = (off_t)(host - (uintptr_t)set->store);
        if (mmap(at, size, protection, MAP_SHARED | MAP_FIXED, set->fd, offset) == MAP_FAILED) {
            return false;
        }
        set_bits(window->mapped, first, end);
        window->page_count += end - first;
        set->statistics->window_pages += end - first;
    }
    if (is_writable) {
        set_bits(window->writable, first, end);
    }
    return true;
}

/* Bring the window up to the tables within one region. False when the host refused. */
static bool map_pages(struct window_set *set, struct window *window, uint32_t first, uint32_t end) {
    uint32_t region = first / REGION_PAGES;
    if (!shadow_bit(window->regions, region)) {
        window->regions[region / 64] |= UINT64_C(1) << (region % 64);
        window->region_count++;
        set->region_count++;
    }
    unsigned before = count_boundaries(window, first, end);
    bool is_done = true;
    uint32_t run_end;
    for (uint32_t page = first; is_done && page < end; page = run_end) {
        unsigned rights = page_rights(window, page);
        unsigned wanted = table_rights(window, page);
        run_end = page + 1;
        if (wanted <= rights) {
            continue;
        }
        while (run_end < end && page_rights(window, run_end) == rights &&
               table_rights(window, run_end) == wanted &&
               window->read_table[run_end] == window->read_table[page]) {
            run_end++;
        }
        is_done = map_run(set, window, page, run_end);
    }
    recount(set, window, before, count_boundaries(window, first, end));
    return is_done;
}

/* Make room for one fill. May empty any window, the current one last. */
static bool make_room(struct window_set *set) {
    while (set->mapping_count + FILL_MAPPINGS > set->mapping_limit ||
           set->region_count >= MAX_REGIONS) {
        if (!evict_oldest(set)) {
            return false;
        }
    }
    return true;
}

/* The host refused a mapping below our limit, so others of the process hold many. */
static void lower_limit(struct window_set *set) {
    set->mapping_limit = set->mapping_count - set->mapping_count / 4;
    keep_bounded(set);
}

/* What the tables of the current view allow, as table_rights. */
static unsigned rights_in_view(const struct mmu *mmu, uint32_t page) {
    uintptr_t addend = mmu->read_table[page];
    return addend == 0 ? 0 : mmu->write_table[page] == addend ? 2 : 1;
}

/* Enter the page in the tables unless it is there. WINDOW_FILLED when it can be mapped. */
static enum window_fill enter_page(struct mmu *mmu, uint32_t linear, bool is_write) {
    uint32_t page = linear >> GUEST_PAGE_SHIFT;
    unsigned needed = is_write ? 2 : 1;
    if (rights_in_view(mmu, page) < needed) {
        const struct recent_walk *walk;
        uint32_t error_code;
        enum mmu_access access = is_write ? MMU_WRITE : MMU_READ;
        if (shadow_walk(mmu->shadow, linear, access, mmu->is_user, &walk, &error_code) != MMU_OK) {
            return WINDOW_FAULTS;
        }
    }
    return rights_in_view(mmu, page) >= needed ? WINDOW_FILLED : WINDOW_SLOW;
}

/* Map the page and perhaps its neighbours. */
static enum window_fill fill_page(struct mmu *mmu, struct window *window, uint32_t page,
                                  bool is_write) {
    struct window_set *set = mmu->shadow->windows;
    uint32_t first, end;
    look_around(mmu, page, is_write, &first, &end);
    if (!mmu->is_user) {
        shadow_common_add(mmu->shadow, first, end);
    }
    if (!make_room(set)) {
        return WINDOW_SLOW;
    }
    if (window->streak_region == page / REGION_PAGES) {
        window->streak = 0;
    }
    if (!map_pages(set, window, first, end)) {
        lower_limit(set);
    }
    if (page_rights(window, page) < (is_write ? 2u : 1u)) {
        return WINDOW_SLOW;
    }
    set->statistics->window_fills++;
    /* A read makes the host map what lies around it too; a first write maps its page alone. */
    (void)*(volatile const uint8_t *)page_address(window, page);
    return WINDOW_FILLED;
}

enum window_fill mmu_window_fill(struct mmu *mmu, linear_addr linear, bool is_write) {
    struct shadow *shadow = mmu->shadow;
    struct window_set *set = shadow->windows;
    if (!set || linear >= WINDOW_BYTES) {
        return WINDOW_SLOW;
    }
    struct shadow_space *space = window_space(mmu);
    struct window *window = window_of(shadow, space);
    if (!space->account.has_window || !window->base || window->is_broken) {
        return WINDOW_SLOW;
    }
    uint32_t page = (uint32_t)linear >> GUEST_PAGE_SHIFT;
    unsigned needed = is_write ? 2 : 1;
    window->last_used = ++set->use_clock;
    if (page_rights(window, page) >= needed ||
        (!mmu->is_user && !shadow_common_may_hold(shadow, page))) {
        return WINDOW_SLOW;
    }
    window_account(mmu);
    if (window_costs_too_much(shadow, space)) {
        return WINDOW_LOST;
    }
    enum window_fill entered = enter_page(mmu, (uint32_t)linear, is_write);
    if (entered != WINDOW_FILLED) {
        return entered;
    }
    window_spend(space, WINDOW_FILL_NS);
    return fill_page(mmu, window, page, is_write);
}
