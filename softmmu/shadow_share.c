/*
 * What address spaces have in common. Operating systems map their kernel into each of them, by the
 * same page tables or by directory entries for the same large pages. So a space that meets one of
 * these ranges for the first time takes over what another one has there, instead of walking to each
 * page once more.
 *
 * A window for the supervisor's view of each address space would be mapped again and again as well.
 * There is one for all spaces of a paging mode instead, which shows only what they have in common:
 * the common space is what its entries are kept in. A range in which a space differs from those
 * before it leaves the common space at the switch to that space, and soon for good.
 */
#include "softmmu/shadow.h"

#include "softmmu/base/bits.h"
#include "softmmu/window.h"

#include <string.h>

/* A range that differed so often is no longer taken in. Once may be chance: a page table made anew,
   or accessed bits that are set in one directory and not yet in the other. */
#define MOST_MISMATCHES 2

static unsigned slot_of(const struct shadow_space *space, uint32_t page) {
    return page / shadow_table_span(space);
}

static struct table_use *use_of(const struct shadow *shadow, const struct shadow_space *space,
                                unsigned slot) {
    return &shadow->uses[(size_t)(space - shadow->spaces) * SHADOW_USES + slot];
}

/* The directory entry of a slot's range; false when its directory is not linked. */
static bool directory_entry(const struct shadow *shadow, const struct shadow_space *space,
                            unsigned slot, uint64_t *entry) {
    bool is_pae = (space->paging.mode & PAGING_PAE) != 0;
    frame_number frame =
        use_of(shadow, space, SHADOW_LEAF_SLOTS + (is_pae ? slot / 512 : 0))->frame;
    if (frame == FRAME_NONE) {
        return false;
    }
    const uint8_t *directory = physmem_frame_host(shadow->physmem, frame);
    *entry = is_pae ? load_le64(directory + slot % 512 * 8) : load_le32(directory + slot * 4);
    return true;
}

/* The space used last, apart from the current one, that has entries in the chunk and comes to them
   by an equal directory entry. */
static const struct shadow_space *find_equal(const struct shadow *shadow, unsigned read_table,
                                             unsigned chunk) {
    const struct shadow_space *current = shadow->current;
    const struct shadow_space *found = NULL;
    unsigned slot = slot_of(current, chunk * SHADOW_CHUNK_PAGES);
    uint64_t wanted, entry;
    if (!directory_entry(shadow, current, slot, &wanted)) {
        return NULL;
    }
    for (unsigned i = 0; i < shadow->space_count; i++) {
        const struct shadow_space *space = &shadow->spaces[i];
        if (space != current && space->is_used && space->paging.mode == current->paging.mode &&
            shadow_bit(space->filled[read_table], chunk) &&
            (!found || space->last_used > found->last_used) &&
            directory_entry(shadow, space, slot, &entry) && entry == wanted) {
            found = space;
        }
    }
    return found;
}

void shadow_adopt_chunk(struct shadow *shadow, uint32_t page, bool is_user) {
    struct shadow_space *space = shadow->current;
    unsigned view = is_user ? SHADOW_USER : 0;
    unsigned chunk = page / SHADOW_CHUNK_PAGES;
    if (!(space->paging.mode & PAGING_ON)) {
        return;
    }
    const struct shadow_space *from = find_equal(shadow, view | SHADOW_READ, chunk);
    if (!from) {
        return;
    }
    size_t first = (size_t)chunk * SHADOW_CHUNK_PAGES;
    for (unsigned table = view | SHADOW_READ; table <= (view | SHADOW_WRITE); table++) {
        if (shadow_bit(from->filled[table], chunk)) {
            shadow_mark_filled(shadow, space, table, chunk);
            memcpy(space->tables[table] + first, from->tables[table] + first,
                   SHADOW_CHUNK_PAGES * sizeof(uintptr_t));
        }
    }
    shadow->statistics.adoptions++;
}

static struct shadow_common *common_of(struct shadow *shadow) {
    return &shadow->commons[shadow->common - shadow->spaces - shadow->space_count];
}

/* Whether the common space has anything in a slot's range. */
static bool has_range(const struct shadow_space *common, unsigned slot) {
    uint32_t span = shadow_table_span(common);
    unsigned first = slot * span / SHADOW_CHUNK_PAGES;
    unsigned end = (slot + 1) * span / SHADOW_CHUNK_PAGES;
    for (unsigned chunk = first; chunk < end; chunk++) {
        if (shadow_bit(common->filled[SHADOW_READ], chunk)) {
            return true;
        }
    }
    return false;
}

static void forget_range(struct shadow *shadow, unsigned slot) {
    uint32_t span = shadow_table_span(shadow->common);
    shadow_drop_pages(shadow, shadow->common, slot * span, span);
    shadow_track_link(shadow, shadow->common, slot, FRAME_NONE);
}

/* Whether the current space comes to a slot's range as the common one did. */
static bool agrees(struct shadow *shadow, unsigned slot) {
    uint64_t entry;
    return directory_entry(shadow, shadow->current, slot, &entry) &&
           entry == common_of(shadow)->entries[slot];
}

static void link_directories(struct shadow *shadow) {
    unsigned count = shadow->current->paging.mode & PAGING_PAE ? 4 : 1;
    for (unsigned quarter = 0; quarter < count; quarter++) {
        phys_addr at;
        frame_number frame = FRAME_NONE;
        if (paging_directory(&shadow->current->paging, quarter, &at)) {
            frame = physmem_page(shadow->physmem, at).read_frame;
        }
        shadow_track_link(shadow, shadow->current, SHADOW_LEAF_SLOTS + quarter, frame);
    }
}

/* The common space of a paging mode: the one that there is, or the one that was used longest ago.
 */
static struct shadow_space *find_common(struct shadow *shadow, uint32_t mode) {
    struct shadow_space *oldest = &shadow->spaces[shadow->space_count];
    for (unsigned i = shadow->space_count; i < shadow->all_count; i++) {
        struct shadow_space *space = &shadow->spaces[i];
        if (space->is_used && space->paging.mode == mode) {
            return space;
        }
        oldest = space->last_used < oldest->last_used ? space : oldest;
    }
    shadow_empty_space(shadow, oldest);
    window_forget_space(oldest);
    oldest->is_used = true;
    oldest->paging = (struct paging){.mode = mode};
    shadow->commons[oldest - shadow->spaces - shadow->space_count] =
        (struct shadow_common){.growth = ++shadow->last_growth};
    return oldest;
}

void shadow_common_enter(struct shadow *shadow) {
    struct shadow_space *space = shadow->current;
    struct shadow_space *common = find_common(shadow, space->paging.mode);
    shadow->common = common;
    common->last_used = ++shadow->use_clock;
    struct shadow_common *what = common_of(shadow);
    if (!(space->paging.mode & PAGING_ON) || space->agrees_with == what->growth) {
        return;
    }
    link_directories(shadow);
    for (unsigned word = 0; word < SHADOW_BITMAP; word++) {
        for (uint64_t bits = common->filled[SHADOW_READ][word]; bits != 0; bits &= bits - 1) {
            unsigned chunk = word * 64 + (unsigned)__builtin_ctzll(bits);
            unsigned slot = slot_of(common, chunk * SHADOW_CHUNK_PAGES);
            if (has_range(common, slot) && !agrees(shadow, slot)) {
                forget_range(shadow, slot);
                what->mismatches[slot] += what->mismatches[slot] < MOST_MISMATCHES;
            }
        }
    }
    space->agrees_with = what->growth;
}

void shadow_common_recheck(struct shadow *shadow, uint32_t first, uint32_t count) {
    unsigned end = slot_of(shadow->common, first + count - 1) + 1;
    for (unsigned slot = slot_of(shadow->common, first); slot < end; slot++) {
        if (has_range(shadow->common, slot) && !agrees(shadow, slot)) {
            forget_range(shadow, slot);
        }
    }
}

bool shadow_common_may_hold(const struct shadow *shadow, uint32_t page) {
    const struct shadow_common *what =
        &shadow->commons[shadow->common - shadow->spaces - shadow->space_count];
    return what->mismatches[slot_of(shadow->common, page)] < MOST_MISMATCHES;
}

/* Make sure that the range of a slot is in the common space as the current space has it. False: it
   cannot be. */
static bool take_range_in(struct shadow *shadow, unsigned slot) {
    struct shadow_space *space = shadow->current;
    struct shadow_common *what = common_of(shadow);
    uint64_t entry;
    if (!(space->paging.mode & PAGING_ON)) {
        return true;
    }
    if (!directory_entry(shadow, space, slot, &entry)) {
        return false;
    }
    if (has_range(shadow->common, slot) && what->entries[slot] == entry) {
        return true;
    }
    /* Anything else here is the same entry before our own walk set accessed and dirty bits. */
    what->entries[slot] = entry;
    shadow_track_link(shadow, shadow->common, slot, use_of(shadow, space, slot)->frame);
    what->growth = space->agrees_with = ++shadow->last_growth;
    return true;
}

void shadow_common_add(struct shadow *shadow, uint32_t first, uint32_t end) {
    const struct shadow_space *space = shadow->current;
    struct shadow_space *common = shadow->common;
    if (!take_range_in(shadow, slot_of(common, first))) {
        return;
    }
    for (uint32_t page = first; page < end; page++) {
        for (unsigned table = SHADOW_READ; table <= SHADOW_WRITE; table++) {
            uintptr_t entry = space->tables[table][page];
            if (entry != 0) {
                shadow_mark_filled(shadow, common, table, page / SHADOW_CHUNK_PAGES);
                common->tables[table][page] = entry;
            }
        }
    }
}
