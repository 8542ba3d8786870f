/*
 * Spaces and their tables: which guest address space has which tables, what is entered and
 * dropped, and how much host memory they cost. The invariants stand in shadow.h.
 */
#include "softmmu/shadow.h"

#include "softmmu/base/bits.h"
#include "softmmu/window.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TABLE_BYTES ((size_t)SHADOW_PAGES * sizeof(uintptr_t))
#define SPACE_BYTES (TABLE_BYTES * SHADOW_TABLES)
#define CHUNK_BYTES (SHADOW_CHUNK_PAGES * sizeof(uintptr_t))

static void drop_all_on_remap(void *opaque) {
    shadow_drop_all(opaque);
}

/* Reserve tables for as many spaces as the host grants, one at least; common ones only if it grants
   all. */
static bool reserve_tables(struct shadow *shadow, struct error *error) {
    for (unsigned count = SHADOW_ALL_SPACES; count > 0; count /= 2) {
        size_t bytes = SPACE_BYTES * count;
        uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) {
            continue;
        }
        shadow->reserved = at;
        shadow->reserved_bytes = bytes;
        shadow->all_count = count;
        shadow->space_count = count == SHADOW_ALL_SPACES ? SHADOW_MAX_SPACES : count;
        for (unsigned i = 0; i < count * SHADOW_TABLES; i++) {
            shadow->spaces[i / SHADOW_TABLES].tables[i % SHADOW_TABLES] =
                (uintptr_t *)(void *)(at + TABLE_BYTES * i);
        }
        return true;
    }
    return error_set(error, "cannot reserve host addresses for shadow page tables");
}

struct shadow *shadow_create(struct physmem *pm, struct log *log, struct error *error) {
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    if (!shadow) {
        error_set(error, "out of memory");
        return NULL;
    }
    shadow->physmem = pm;
    shadow->log = log;
    /* A host page may be larger than a chunk: count each touched chunk as a whole page then. */
    long host_page = sysconf(_SC_PAGESIZE);
    size_t cost = host_page > (long)CHUNK_BYTES ? (size_t)host_page : CHUNK_BYTES;
    shadow->chunk_limit = (unsigned)(SHADOW_MAX_BYTES / cost);
    if (!reserve_tables(shadow, error) || !shadow_track_init(shadow, error)) {
        shadow_destroy(shadow);
        return NULL;
    }
    physmem_on_remap(pm, drop_all_on_remap, shadow);
    shadow->current = &shadow->spaces[0];
    shadow->current->is_used = true;
    shadow->generation = 1; /* no recent walk is true yet */
    return shadow;
}

void shadow_destroy(struct shadow *shadow) {
    if (!shadow) {
        return;
    }
    physmem_remove_listener(shadow->physmem, shadow);
    shadow_track_destroy(shadow);
    window_destroy_set(shadow->windows);
    if (shadow->reserved) {
        munmap(shadow->reserved, shadow->reserved_bytes);
    }
    free(shadow);
}

size_t shadow_table_bytes(const struct shadow *shadow) {
    return (size_t)shadow->touched_chunks * (SHADOW_MAX_BYTES / shadow->chunk_limit);
}

static bool clear_chunk(struct shadow_space *space, unsigned table, unsigned chunk) {
    if (!shadow_bit(space->filled[table], chunk)) {
        return false;
    }
    memset(space->tables[table] + (size_t)chunk * SHADOW_CHUNK_PAGES, 0, CHUNK_BYTES);
    space->filled[table][chunk / 64] &= ~(UINT64_C(1) << (chunk % 64));
    return true;
}

static unsigned drop_page(struct shadow_space *space, uint32_t page) {
    unsigned dropped = 0;
    for (unsigned table = 0; table < SHADOW_TABLES; table++) {
        if (shadow_bit(space->filled[table], page / SHADOW_CHUNK_PAGES)) {
            dropped += space->tables[table][page] != 0;
            space->tables[table][page] = 0;
        }
    }
    return dropped;
}

static void tell_dropped(const struct shadow *shadow, const struct shadow_space *space,
                         uint32_t first, uint32_t count) {
    if (space == shadow->current && shadow->dropped != NULL)
        shadow->dropped(shadow->dropped_opaque, first, count);
}

unsigned shadow_drop_pages(struct shadow *shadow, struct shadow_space *space, uint32_t first,
                           uint32_t count) {
    unsigned dropped = 0;
    uint32_t page = first;
    uint32_t end = count < SHADOW_PAGES - first ? first + count : SHADOW_PAGES;
    window_drop_pages(shadow, space, first, end);
    while (page < end) {
        if (page % SHADOW_CHUNK_PAGES != 0 || end - page < SHADOW_CHUNK_PAGES) {
            dropped += drop_page(space, page++);
            continue;
        }
        for (unsigned table = 0; table < SHADOW_TABLES; table++) {
            dropped += clear_chunk(space, table, page / SHADOW_CHUNK_PAGES);
        }
        page += SHADOW_CHUNK_PAGES;
    }
    tell_dropped(shadow, space, first, end - first);
    shadow->generation++;
    shadow->statistics.drops += dropped;
    if (dropped != 0) {
        log_write(shadow->log, LOG_MMU, "mmu drop root=%08" PRIx32 " pages=%05" PRIx32 "+%" PRIx32,
                  space->paging.root, first, count);
    }
    return dropped;
}

void shadow_empty_space(struct shadow *shadow, struct shadow_space *space) {
    /* Without its links nobody hears of changes that the common space must follow. */
    if (space == shadow->current && shadow->common) {
        shadow_empty_space(shadow, shadow->common);
    }
    space->agrees_with = 0;
    shadow_track_unlink_all(shadow, space);
    window_drop_space(shadow, space);
    for (unsigned table = 0; table < SHADOW_TABLES; table++) {
        for (unsigned word = 0; word < SHADOW_BITMAP; word++) {
            while (space->filled[table][word] != 0) {
                unsigned bit = (unsigned)__builtin_ctzll(space->filled[table][word]);
                clear_chunk(space, table, word * 64 + bit);
                shadow->statistics.drops++;
            }
        }
    }
    tell_dropped(shadow, space, 0, SHADOW_PAGES);
    shadow->generation++;
}

/* Forget everything about a space and give its host memory back. */
static void release_space(struct shadow *shadow, struct shadow_space *space) {
    shadow_empty_space(shadow, space);
    for (unsigned table = 0; table < SHADOW_TABLES; table++) {
        void *at = mmap(space->tables[table], TABLE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        if (at == MAP_FAILED) {
            return; /* the host is short of memory; the old pages, all zeros, stay in use */
        }
    }
    shadow->touched_chunks -= space->touched_chunks;
    space->touched_chunks = 0;
    memset(space->touched, 0, sizeof(space->touched));
}

void shadow_drop_all(struct shadow *shadow) {
    for (unsigned i = 0; i < shadow->all_count; i++) {
        shadow_empty_space(shadow, &shadow->spaces[i]);
    }
    log_write(shadow->log, LOG_MMU, "mmu drop all spaces");
}

/* The space used longest ago: of those with host memory, or of all but the common ones. */
static struct shadow_space *oldest_space(struct shadow *shadow, bool with_memory) {
    struct shadow_space *oldest = NULL;
    unsigned count = with_memory ? shadow->all_count : shadow->space_count;
    for (unsigned i = 0; i < count; i++) {
        struct shadow_space *space = &shadow->spaces[i];
        if (space == shadow->current || (with_memory && space->touched_chunks == 0)) {
            continue;
        }
        if (!oldest || space->last_used < oldest->last_used) {
            oldest = space;
        }
    }
    return oldest ? oldest : shadow->current;
}

/* One fill touches at most one chunk in each of two tables, and the same in the common space: make
   room for them. */
static void keep_memory_bounded(struct shadow *shadow) {
    for (unsigned i = 0; i < shadow->all_count; i++) {
        if (LIKELY(shadow->touched_chunks + 4 <= shadow->chunk_limit)) {
            return;
        }
        struct shadow_space *victim = oldest_space(shadow, true);
        release_space(shadow, victim);
        shadow->statistics.space_evictions++;
        if (victim == shadow->current) {
            return;
        }
        victim->is_used = shadow_is_common(shadow, victim);
        victim->last_used = 0;
    }
}

static struct shadow_space *find_space(struct shadow *shadow, const struct paging *paging) {
    for (unsigned i = 0; i < shadow->space_count; i++) {
        struct shadow_space *space = &shadow->spaces[i];
        if (space->is_used && space->paging.root == paging->root &&
            space->paging.mode == paging->mode) {
            return space;
        }
    }
    struct shadow_space *space = oldest_space(shadow, false);
    if (space->is_used) {
        shadow_empty_space(shadow, space);
        shadow->statistics.space_evictions++;
    }
    window_forget_space(space);
    space->is_used = true;
    space->paging = *paging;
    return space;
}

void shadow_switch(struct shadow *shadow, const struct paging *paging) {
    struct shadow_space *space = find_space(shadow, paging);
    for (unsigned i = 0; i < 4; i++) {
        /* PDPTEs are registers, loaded by MOV CR3: the four quarters follow them, not memory. */
        if (space->paging.pdpte[i] != paging->pdpte[i]) {
            shadow_drop_pages(shadow, space, i * (SHADOW_PAGES / 4), SHADOW_PAGES / 4);
            space->agrees_with = 0;
        }
    }
    space->paging = *paging;
    space->last_used = ++shadow->use_clock;
    if (space != shadow->current) {
        shadow->current = space;
        shadow->generation++;
        shadow->statistics.space_switches++;
    }
    if (shadow->common) {
        shadow_common_enter(shadow);
    }
}

void shadow_mark_filled(struct shadow *shadow, struct shadow_space *space, unsigned table,
                        unsigned chunk) {
    uint64_t bit = UINT64_C(1) << (chunk % 64);
    if (!(space->touched[table][chunk / 64] & bit)) {
        space->touched[table][chunk / 64] |= bit;
        space->touched_chunks++;
        shadow->touched_chunks++;
    }
    space->filled[table][chunk / 64] |= bit;
}

static void set_entry(struct shadow *shadow, struct shadow_space *space, unsigned table,
                      uint32_t page, const uint8_t *host) {
    shadow_mark_filled(shadow, space, table, page / SHADOW_CHUNK_PAGES);
    /* Should the difference be 0 (host address = linear address), the page stays on the slow
       path. */
    space->tables[table][page] = (uintptr_t)host - ((uintptr_t)page << GUEST_PAGE_SHIFT);
}

static void link_tables(struct shadow *shadow, struct shadow_space *space, uint32_t page,
                        const struct page_walk *walk) {
    if (!(space->paging.mode & PAGING_ON)) {
        return;
    }
    unsigned directory = space->paging.mode & PAGING_PAE ? page >> 18 : 0;
    shadow_track_link(shadow, space, SHADOW_LEAF_SLOTS + directory, walk->directory);
    shadow_track_link(shadow, space, page / shadow_table_span(space), walk->table);
}

void shadow_fill(struct shadow *shadow, uint32_t linear, bool is_user, const struct page_walk *walk,
                 const struct phys_page *page) {
    if (UNLIKELY(!shadow_track_has_room(shadow))) {
        shadow_drop_all(shadow);
        shadow_track_forget_writers(shadow);
    }
    keep_memory_bounded(shadow);
    struct shadow_space *space = shadow->current;
    uint32_t number = linear >> GUEST_PAGE_SHIFT;
    unsigned view = is_user ? SHADOW_USER : 0;
    shadow->statistics.fills++;
    /* Linking first: it may withdraw write entries, and must find this page's too. */
    link_tables(shadow, space, number, walk);
    if (UNLIKELY(!shadow_bit(space->filled[view | SHADOW_READ], number / SHADOW_CHUNK_PAGES))) {
        shadow_adopt_chunk(shadow, number, is_user);
    }
    /* Translated code takes a read entry for leave to run the code that it knows there. */
    bool hides_code = !walk->is_executable && page->read_frame != FRAME_NONE &&
                      (physmem_watches(shadow->physmem, page->read_frame) & WATCH_CODE) != 0;
    if (page->read_host && !hides_code) {
        set_entry(shadow, space, view | SHADOW_READ, number, page->read_host);
        if (!walk->is_executable && page->read_frame != FRAME_NONE) {
            shadow_track_reader(shadow, number, page->read_frame);
        }
    }
    bool may_write = walk->is_writable || (!is_user && !(space->paging.mode & PAGING_WP));
    if (page->write_host && page->write_host == page->read_host && may_write && walk->is_dirty &&
        physmem_watches(shadow->physmem, page->write_frame) == 0) {
        set_entry(shadow, space, view | SHADOW_WRITE, number, page->write_host);
        shadow_track_writer(shadow, number, page->write_frame);
    }
    if (UNLIKELY(shadow->log && log_is_on(shadow->log, LOG_MMU))) {
        log_write(shadow->log, LOG_MMU,
                  "mmu fill root=%08" PRIx32 " linear=%08" PRIx32 " phys=%09" PRIx64 " %s%s",
                  space->paging.root, linear, walk->page, is_user ? "user" : "supervisor",
                  may_write ? " writable" : "");
    }
}

/* A recent walk still serves, unless the page could have a write entry by now. */
static bool recent_serves(const struct shadow *shadow, const struct recent_walk *recent,
                          uint32_t key, enum mmu_access access) {
    if (recent->generation != shadow->generation || recent->key != key) {
        return false;
    }
    return access != MMU_WRITE || !recent->page.write_host ||
           physmem_watches(shadow->physmem, recent->page.write_frame) != 0;
}

enum mmu_status shadow_walk(struct shadow *shadow, uint32_t linear, enum mmu_access access,
                            bool is_user, const struct recent_walk **found, uint32_t *error_code) {
    uint32_t number = linear >> GUEST_PAGE_SHIFT;
    uint32_t key = number | (uint32_t)is_user << 20 | (uint32_t)access << 21;
    struct recent_walk *recent =
        &shadow->recent[(number ^ number >> 6 ^ (uint32_t)access << 4) % SHADOW_RECENT];
    *found = recent;
    if (recent_serves(shadow, recent, key, access)) {
        return MMU_OK;
    }
    struct page_walk walk;
    shadow->is_walking = true;
    enum mmu_status status = page_walk(shadow->physmem, &shadow->current->paging, linear, access,
                                       is_user ? PAGE_WALK_USER : 0, &walk, error_code);
    shadow->is_walking = false;
    if (status != MMU_OK) {
        return MMU_FAULT;
    }
    recent->page = physmem_page(shadow->physmem, walk.page);
    shadow_fill(shadow, linear, is_user, &walk, &recent->page);
    recent->phys = walk.page;
    recent->key = key;
    recent->generation = shadow->generation;
    return MMU_OK;
}

/* The pages that one entry maps, a page or a whole large page, out of a space. */
static void drop_mapping(struct shadow *shadow, struct shadow_space *space, uint32_t page) {
    uint32_t span = shadow_table_span(space);
    unsigned slot = (unsigned)(space - shadow->spaces) * SHADOW_USES + page / span;
    bool is_large = space->paging.mode & PAGING_ON && shadow->uses[slot].frame == FRAME_NONE;
    if (is_large) {
        shadow_drop_pages(shadow, space, page / span * span, span);
    } else {
        shadow_drop_pages(shadow, space, page, 1);
    }
}

void shadow_invalidate_page(struct shadow *shadow, uint32_t linear) {
    drop_mapping(shadow, shadow->current, linear >> GUEST_PAGE_SHIFT);
    if (shadow->common) {
        drop_mapping(shadow, shadow->common, linear >> GUEST_PAGE_SHIFT);
    }
}
