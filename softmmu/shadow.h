/*
 * Shadow page tables in table form: for each guest address space four arrays, indexed by linear
 * page, that compose the guest's own translation with ours. Private to softmmu; others use mmu.h.
 *
 * Invariants:
 *  1. A non-zero entry of a read table, plus a linear address in its page, is the host address of
 *     that byte, and the view may read it. The same for write tables, and then the guest's dirty
 *     bit is set, the frame is not watched, and reads go to the same frame. A page that must not be
 *     executed has no read entry while its frame holds decoded or translated code.
 *  2. Every frame from which the walk behind an entry read a directory or table entry is linked to
 *     the space (struct table_use) and watched, so writes to it arrive at shadow_track.c first.
 *  3. Every write entry has a node in the list of its frame, which serves all spaces that have the
 *     frame at this page, and so has every read entry of a page that must not be executed; nodes
 *     without an entry may exist.
 *  4. A chunk of a table whose `filled` bit is clear holds zeros only; one whose `touched` bit is
 *     clear costs the host no memory.
 *  5. A page is mapped in a window (window.c) only while the read entry of that space and view is
 *     non-zero, and writable there only while the write entry equals it.
 *  6. What the common space of a paging mode (shadow_share.c) has in the range of a directory entry
 *     was derived from an entry equal to common->entries there, and while that common space is in
 *     force, the current space comes to the range by an equal entry, and its directory is linked.
 */
#ifndef SOFTMMU_SHADOW_H
#define SOFTMMU_SHADOW_H

#include "softmmu/page_walk.h"

#define SHADOW_MAX_SPACES  16
#define SHADOW_COMMONS     3 /* common spaces, for so many paging modes at a time */
#define SHADOW_ALL_SPACES  (SHADOW_MAX_SPACES + SHADOW_COMMONS)
#define SHADOW_PAGES       (UINT32_C(1) << 20)
#define SHADOW_CHUNK_PAGES 512 /* a chunk of a table covers 2 MiB of linear addresses */
#define SHADOW_CHUNKS      (SHADOW_PAGES / SHADOW_CHUNK_PAGES)
#define SHADOW_BITMAP      (SHADOW_CHUNKS / 64)
/* Host memory that all tables of one MMU together may cost. */
#define SHADOW_MAX_BYTES (UINT32_C(32) << 20)

enum shadow_table {
    SHADOW_READ = 0,
    SHADOW_WRITE = 1,
    SHADOW_USER = 2, /* added to the others: the table of the user view */
    SHADOW_TABLES = 4,
};

struct window_set;

/* Whether a space's window is worth what it costs (window_policy.c). */
struct window_account {
    bool has_window;
    uint8_t relapses; /* how often it cost too much, lately */
    /* Without a window: what one would have saved so far. With one: what it may still cost. */
    int64_t balance_ns;
    uint64_t saved_ns; /* since `relapses` changed */
};

struct shadow_space {
    struct paging paging; /* mode and root are the key */
    bool is_used;
    uint64_t last_used;
    uintptr_t *tables[SHADOW_TABLES];
    uint64_t filled[SHADOW_TABLES][SHADOW_BITMAP];
    uint64_t touched[SHADOW_TABLES][SHADOW_BITMAP];
    unsigned touched_chunks;
    unsigned link_count;
    uint64_t agrees_with; /* `growth` of the common space that it was compared with last; 0: none */
    struct window_account account;
};

/* Slots of a space that can hold a link to a guest table: one for each page table (2 MiB with
   PAE, 4 MiB without) and one for each directory (1 GiB with PAE, else slot 0 alone). */
#define SHADOW_LEAF_SLOTS 2048
#define SHADOW_USES       (SHADOW_LEAF_SLOTS + 4)

/* What the spaces of one paging mode have in common, in a space of its own. */
struct shadow_common {
    uint64_t growth;                       /* another number whenever a range is added */
    uint64_t entries[SHADOW_LEAF_SLOTS];   /* directory entry of each range that it has */
    uint8_t mismatches[SHADOW_LEAF_SLOTS]; /* spaces met that have something else there */
};

struct table_use {
    frame_number frame; /* FRAME_NONE: not linked */
    uint32_t next, previous;
    uint32_t idle_writes; /* writes since the last one that hit a shadow entry */
};

struct writer_node {
    uint32_t next;
    uint32_t tracked; /* the page, in any space, and TRACKS_READS */
};
#define TRACKS_READS UINT32_C(0x80000000) /* its read entries, because it must not be executed */

/* A translation that the slow path found: for registers and watched frames, which have no entry. */
struct recent_walk {
    uint64_t generation; /* true as long as the shadow's is the same */
    uint32_t key;
    phys_addr phys;
    struct phys_page page;
};

#define SHADOW_RECENT 64

struct shadow {
    struct shadow_space spaces[SHADOW_ALL_SPACES]; /* common ones behind the others */
    unsigned space_count;                          /* of the others */
    unsigned all_count;
    struct shadow_space *current;
    struct shadow_space *common; /* that of the current mode; NULL where there are no windows */
    struct shadow_common commons[SHADOW_COMMONS];
    uint64_t last_growth;
    uint64_t use_clock;
    uint64_t generation; /* changes whenever a translation may have become untrue */
    unsigned touched_chunks;
    unsigned chunk_limit;
    bool is_walking; /* our own walk writes accessed and dirty bits */

    uint32_t *table_users;   /* per frame: first table_use + 1 */
    uint32_t *frame_writers; /* per frame: first writer_node + 1 */
    struct table_use *uses;  /* SHADOW_USES for each space */
    struct writer_node *writers;
    uint32_t free_writers;   /* first free node + 1 */
    uint32_t unused_writers; /* nodes never used yet start here */

    struct window_set *windows; /* NULL: not enabled */

    void *reserved; /* all tables of all spaces */
    size_t reserved_bytes;
    struct recent_walk recent[SHADOW_RECENT];
    uint64_t control[4]; /* CR0, CR3, CR4, EFER as last told */
    struct physmem *physmem;
    struct log *log;
    void (*dropped)(void *opaque, uint32_t first, uint32_t count); /* mmu_on_drop; or NULL */
    void *dropped_opaque;
    struct mmu_statistics statistics;
};

/** Make the shadow of one MMU, with paging off. Listens to physmem from now on. */
struct shadow *shadow_create(struct physmem *pm, struct log *log, struct error *error);
void shadow_destroy(struct shadow *shadow);

/** Make the space with this mode and root current, keeping all of it that is still true. */
void shadow_switch(struct shadow *shadow, const struct paging *paging);
/** Enter what a successful walk found about the page of `linear` into the current space. */
void shadow_fill(struct shadow *shadow, uint32_t linear, bool is_user, const struct page_walk *walk,
                 const struct phys_page *page);
/** Walk the guest's tables for one page of the current space, unless that was done lately, and
 * enter the result. Sets accessed and dirty bits as the access would; a fault changes nothing.
 *  `error_code`: out, only on MMU_FAULT. */
enum mmu_status shadow_walk(struct shadow *shadow, uint32_t linear, enum mmu_access access,
                            bool is_user, const struct recent_walk **found, uint32_t *error_code);
/** Drop a page of the current space, or the whole large page around it. */
void shadow_invalidate_page(struct shadow *shadow, uint32_t linear);
/** Drop every entry of every space. */
void shadow_drop_all(struct shadow *shadow);
/** Host memory that the tables cost now, in bytes. */
size_t shadow_table_bytes(const struct shadow *shadow);

/* Between shadow.c, shadow_share.c and shadow_track.c. */

/** A chunk of a table is about to get entries. */
void shadow_mark_filled(struct shadow *shadow, struct shadow_space *space, unsigned table,
                        unsigned chunk);
/** Take over what another space has in the chunk of `page`, if both come to it by equal directory
 *  entries. The view must have no entries there, and the directory must be linked, as must be the
 *  page table, if any. Touches at most one chunk in each of two tables. */
void shadow_adopt_chunk(struct shadow *shadow, uint32_t page, bool is_user);

/** Drop pages [first, first + count) of a space; returns how many entries were dropped, at least
 *  1 for every chunk that held some. */
unsigned shadow_drop_pages(struct shadow *shadow, struct shadow_space *space, uint32_t first,
                           uint32_t count);

/** Bring the common space of the current mode into force: it keeps what the current space has as
 *  well. After each change of the current space; only where there are windows. */
void shadow_common_enter(struct shadow *shadow);
/** Whether the common space might take in `page`. */
bool shadow_common_may_hold(const struct shadow *shadow, uint32_t page);
/** Take the supervisor entries of pages [first, end), all in one page table's range, from the
 *  current space into the common one. Touches at most one chunk in each of two tables, if they lie
 *  in one chunk. */
void shadow_common_add(struct shadow *shadow, uint32_t first, uint32_t end);
/** The current space lost pages [first, first + count), a whole number of page tables' ranges,
 *  because directory entries were written: keep only what is still the same. */
void shadow_common_recheck(struct shadow *shadow, uint32_t first, uint32_t count);
/** Forget everything about a space, keeping the host memory of its tables. */
void shadow_empty_space(struct shadow *shadow, struct shadow_space *space);

bool shadow_track_init(struct shadow *shadow, struct error *error);
void shadow_track_destroy(struct shadow *shadow);
/** Link a guest table to a slot of a space (FRAME_NONE: to none). */
void shadow_track_link(struct shadow *shadow, struct shadow_space *space, unsigned slot,
                       frame_number frame);
void shadow_track_unlink_all(struct shadow *shadow, struct shadow_space *space);
/** True when another writer and another reader can be remembered. */
bool shadow_track_has_room(const struct shadow *shadow);
/** Remember that a space has a write entry for `page`, which lies in `frame`. */
void shadow_track_writer(struct shadow *shadow, uint32_t page, frame_number frame);
/** Remember that a space has a read entry for `page`, which lies in `frame` and must not be
 *  executed. */
void shadow_track_reader(struct shadow *shadow, uint32_t page, frame_number frame);
/** Forget all of them; no entry may be left. */
void shadow_track_forget_writers(struct shadow *shadow);

/** Whether it is a common space, which has the supervisor's view only. */
static inline bool shadow_is_common(const struct shadow *shadow, const struct shadow_space *space) {
    return (unsigned)(space - shadow->spaces) >= shadow->space_count;
}

static inline bool shadow_bit(const uint64_t *bitmap, unsigned bit) {
    return bitmap[bit / 64] >> (bit % 64) & 1;
}

/* Pages that one guest page table maps. */
static inline uint32_t shadow_table_span(const struct shadow_space *space) {
    return space->paging.mode & PAGING_PAE ? 512 : 1024;
}

#endif
