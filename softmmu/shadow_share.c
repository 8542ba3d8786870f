/*
 * What address spaces have in common. Operating systems map their kernel into each of them, by the
 * same page tables or by directory entries for the same large pages. So a space that meets one of
 * these ranges for the first time takes over what another one has there, instead of walking to each
 * page once more.
 */
#include "softmmu/shadow.h"

#include "softmmu/base/bits.h"

#include <string.h>

/* The directory entry behind a chunk of a space; false when none is linked. */
static bool directory_entry(const struct shadow *shadow, const struct shadow_space *space,
                            unsigned chunk, uint64_t *entry) {
    bool is_pae = (space->paging.mode & PAGING_PAE) != 0;
    unsigned slot = SHADOW_LEAF_SLOTS + (is_pae ? chunk / 512 : 0);
    frame_number frame = shadow->uses[(space - shadow->spaces) * SHADOW_USES + slot].frame;
    if (frame == FRAME_NONE) {
        return false;
    }
    const uint8_t *directory = physmem_frame_host(shadow->physmem, frame);
    *entry = is_pae ? load_le64(directory + chunk % 512 * 8) : load_le32(directory + chunk / 2 * 4);
    return true;
}

/* The space used last, apart from the current one, that has entries in the chunk and comes to them
   by an equal directory entry. */
static const struct shadow_space *find_equal(const struct shadow *shadow, unsigned read_table,
                                             unsigned chunk) {
    const struct shadow_space *current = shadow->current;
    const struct shadow_space *found = NULL;
    uint64_t wanted, entry;
    if (!directory_entry(shadow, current, chunk, &wanted)) {
        return NULL;
    }
    for (unsigned i = 0; i < shadow->space_count; i++) {
        const struct shadow_space *space = &shadow->spaces[i];
        if (space != current && space->is_used && space->paging.mode == current->paging.mode &&
            shadow_bit(space->filled[read_table], chunk) &&
            (!found || space->last_used > found->last_used) &&
            directory_entry(shadow, space, chunk, &entry) && entry == wanted) {
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
