/*
 * All translated blocks of one translator: found by where their bytes lie (frame and offset), their
 * IP, linear address and mode; listed by frame for invalidation.
 *
 * Invariants:
 *  1. A block in the map is valid. An invalidated block leaves the map at once and its incoming
 *     links are undone, but its memory lives until block_map_reclaim: it may be running.
 *  2. link->to is a valid block, and the link stands in that block's list of incoming links.
 */
#ifndef TRANSLATOR_CACHE_BLOCK_MAP_H
#define TRANSLATOR_CACHE_BLOCK_MAP_H

#include "translator/backend/backend.h"

struct block_map;

/* Blocks that were executed at least 2^class times, but less than twice that. */
#define BLOCK_REUSE_CLASSES 32
struct block_reuse {
    uint64_t blocks;
    uint64_t instructions; /* guest instructions in them, each as often as it was executed */
};

/** `frames`: number of frames that code can lie in; `most_bytes`: of memory for translations, with
 *  what the map keeps about them. */
struct block_map *block_map_create(const struct backend_ops *ops, struct backend *backend,
                                   frame_number frames, uint64_t most_bytes, struct error *error);
void block_map_destroy(struct block_map *map);

/** The mode as one comparable number. Inline, because each way through the dispatcher needs it. */
static inline uint32_t block_mode_key(const struct block_mode *mode) {
    bool is_between = mode->is_protected && !mode->is_user && !mode->is_ring_0;
    uint32_t key = (uint32_t)mode->code_is_32 | (uint32_t)mode->stack_is_32 << 1 |
                   (uint32_t)mode->is_user << 2 | (uint32_t)mode->is_protected << 3 |
                   (uint32_t)(mode->is_v86 || is_between) << 4 | (uint32_t)mode->x87_usable << 5 |
                   (uint32_t)mode->simd_usable << 6 | (uint32_t)mode->counts_instructions << 7 |
                   (uint32_t)mode->uses_window << 20 | (uint32_t)mode->moves_down << 21;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        key |= (uint32_t)mode->segment_check[i] << (8 + 2 * i);
    return key | (uint32_t)mode->code_limit_class << 22;
}

/** Where a block's first byte lies; the offset in its page is that of the linear address. */
struct block_place_key {
    frame_number frame;
    uint32_t linear, ip, mode_key;
};
struct bt_block *block_map_find(struct block_map *map, const struct block_place_key *key);
/** Whether one more block keeps to the bound; if not, flush. */
bool block_map_has_room(const struct block_map *map, const struct ir_block *ir);
/** A new block with room for its guest instructions, not yet in the map; NULL: out of memory. */
struct bt_block *block_map_allocate(const struct ir_block *ir, frame_number frame, uint32_t linear,
                                    uintptr_t addend);
/** Enter a translated block. */
void block_map_insert(struct block_map *map, struct bt_block *block);
/** Take a block out of the map; its memory lives until block_map_reclaim. */
void block_map_remove(struct block_map *map, struct bt_block *block);
/** Give back a block that was not inserted. */
void block_map_discard(struct bt_block *block);

/** Direct the exit `link` to `to`. */
void block_map_link(struct block_map *map, struct block_link *link, struct bt_block *to);
/** Called for each block that is invalidated. */
typedef void block_killed_fn(void *opaque, const struct bt_block *block);
/** Invalidate the blocks with bytes in [offset, offset + size) of a frame; returns how many. */
unsigned block_map_invalidate(struct block_map *map, frame_number frame, unsigned offset,
                              unsigned size, block_killed_fn *killed, void *opaque);
/** Forget all blocks. Only when none is running. */
void block_map_flush(struct block_map *map);
/** Free invalidated blocks. Only when none is running. */
void block_map_reclaim(struct block_map *map);
/** Add the blocks that are and were in the map to their classes. Back ends that do not count
 *  executions leave all empty. */
void block_map_count_reuse(const struct block_map *map,
                           struct block_reuse reuse[BLOCK_REUSE_CLASSES]);
/** Whether any block has bytes in the frame. */
bool block_map_has_frame(const struct block_map *map, frame_number frame);

#endif
