#include "translator/cache/block_map.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 65536u
/* What malloc adds to each piece of memory, about. */
#define ALLOCATION_BYTES 16u

struct block_map {
    const struct backend_ops *ops;
    struct backend *backend;
    struct bt_block *bucket[BUCKETS];
    struct bt_block **frame;                       /* per frame: its blocks */
    uint64_t most_bytes, bookkeeping_bytes;        /* of blocks in the map and dead ones */
    struct bt_block *dead;                         /* invalidated, linked by next_in_bucket */
    struct block_reuse reuse[BLOCK_REUSE_CLASSES]; /* of blocks that are no more */
};

struct block_map *block_map_create(const struct backend_ops *ops, struct backend *backend,
                                   frame_number frames, uint64_t most_bytes, struct error *error) {
    struct block_map *map = calloc(1, sizeof(*map));
    if (map != NULL)
        map->frame = calloc((size_t)frames + 1, sizeof(struct bt_block *));
    if (map == NULL || map->frame == NULL) {
        free(map);
        error_set(error, "out of memory for the map of translated blocks");
        return NULL;
    }
    map->ops = ops;
    map->backend = backend;
    map->most_bytes = most_bytes;
    return map;
}

void block_map_destroy(struct block_map *map) {
    if (map == NULL)
        return;
    block_map_flush(map);
    free(map->frame);
    free(map);
}

static unsigned bucket_of(frame_number frame, unsigned offset, uint32_t mode_key) {
    uint32_t hash = (frame << GUEST_PAGE_SHIFT | offset) * UINT32_C(0x9e3779b1) ^ mode_key;
    return (hash ^ hash >> 16) % BUCKETS;
}

struct bt_block *block_map_find(struct block_map *map, const struct block_place_key *key) {
    unsigned offset = key->linear & GUEST_PAGE_MASK;
    struct bt_block *block = map->bucket[bucket_of(key->frame, offset, key->mode_key)];
    while (block != NULL && (block->frame != key->frame || block->linear != key->linear ||
                             block->ip != key->ip || block->mode_key != key->mode_key))
        block = block->next_in_bucket;
    return block;
}

static struct insn *copy_instructions(const struct ir_block *ir) {
    struct insn *guest = malloc(ir->guest_count * sizeof(*guest));
    if (guest != NULL)
        memcpy(guest, ir->guest, ir->guest_count * sizeof(*guest));
    return guest;
}

/** Memory that a block takes beside its translation. */
static uint64_t bookkeeping_bytes(unsigned guest_count, unsigned exit_count) {
    return sizeof(struct bt_block) + exit_count * sizeof(struct block_link) +
           guest_count * sizeof(struct insn) + 2 * ALLOCATION_BYTES;
}

bool block_map_has_room(const struct block_map *map, const struct ir_block *ir) {
    return map->bookkeeping_bytes + bookkeeping_bytes(ir->guest_count, ir->exit_count) +
               map->ops->used_bytes(map->backend) <=
           map->most_bytes;
}

static void set_exits(struct bt_block *block, const struct ir_block *ir) {
    const struct ir_insn *end = &ir->insn[ir->count - 1];
    block->link[0].target_ip = end->imm;
    block->link[1].target_ip = end->imm2;
    for (const struct ir_insn *insn = ir->insn; insn < end; insn++)
        if (ir_is_side_exit(insn))
            block->link[insn->imm2].target_ip = insn->imm;
    for (unsigned i = 0; i < block->link_count; i++)
        block->link[i].from = block;
}

struct bt_block *block_map_allocate(const struct ir_block *ir, frame_number frame, uint32_t linear,
                                    uintptr_t addend) {
    struct bt_block *block = calloc(1, sizeof(*block) + ir->exit_count * sizeof(struct block_link));
    struct insn *guest = copy_instructions(ir);
    if (block == NULL || guest == NULL) {
        free(block);
        free(guest);
        return NULL;
    }
    *block = (struct bt_block){
        .ip = ir->ip,
        .page_ip = ir->page_ip,
        .linear = linear,
        .addend = addend,
        .frame = frame,
        .frame_offset = (uint16_t)(linear & GUEST_PAGE_MASK),
        .guest_count = (uint16_t)ir->guest_count,
        .piece_count = ir->piece_count,
        .mode = ir->mode,
        .mode_key = block_mode_key(&ir->mode),
        .guest = guest,
        .is_superblock = ir->is_superblock,
        .link_count = ir->exit_count,
    };
    memcpy(block->piece, ir->piece, sizeof(block->piece));
    set_exits(block, ir);
    return block;
}

void block_map_insert(struct block_map *map, struct bt_block *block) {
    struct bt_block **bucket =
        &map->bucket[bucket_of(block->frame, block->frame_offset, block->mode_key)];
    block->next_in_bucket = *bucket;
    *bucket = block;
    block->next_in_frame = map->frame[block->frame];
    map->frame[block->frame] = block;
    block->is_valid = true;
    map->bookkeeping_bytes += bookkeeping_bytes(block->guest_count, block->link_count);
}

void block_map_discard(struct bt_block *block) {
    free(block->guest);
    free(block);
}

void block_map_link(struct block_map *map, struct block_link *link, struct bt_block *to) {
    link->to = to;
    link->next_incoming = to->incoming;
    to->incoming = link;
    map->ops->link(map->backend, link);
}

/** Take an outgoing link out of its target's list of incoming ones. */
static void forget_outgoing(struct block_link *link) {
    if (link->to == NULL)
        return;
    struct block_link **at = &link->to->incoming;
    while (*at != link)
        at = &(*at)->next_incoming;
    *at = link->next_incoming;
    link->to = NULL;
}

static void undo_links(struct block_map *map, struct bt_block *block) {
    while (block->incoming != NULL) {
        struct block_link *link = block->incoming;
        block->incoming = link->next_incoming;
        link->to = NULL;
        map->ops->unlink(map->backend, link);
    }
    for (unsigned i = 0; i < block->link_count; i++)
        forget_outgoing(&block->link[i]);
}

static void leave_bucket(struct block_map *map, struct bt_block *block) {
    struct bt_block **at =
        &map->bucket[bucket_of(block->frame, block->frame_offset, block->mode_key)];
    while (*at != block)
        at = &(*at)->next_in_bucket;
    *at = block->next_in_bucket;
}

/** Out of the map, but not freed: it may be running. Its frame list is the caller's business. */
static void kill_block(struct block_map *map, struct bt_block *block) {
    block->is_valid = false;
    map->ops->retire(map->backend, block);
    leave_bucket(map, block);
    undo_links(map, block);
    block->next_in_bucket = map->dead;
    map->dead = block;
}

unsigned block_map_invalidate(struct block_map *map, frame_number frame, unsigned offset,
                              unsigned size, block_killed_fn *killed, void *opaque) {
    unsigned count = 0;
    struct bt_block **at = &map->frame[frame];
    while (*at != NULL) {
        struct bt_block *block = *at;
        if (bt_block_covers(block, offset, size)) {
            *at = block->next_in_frame;
            kill_block(map, block);
            killed(opaque, block);
            count++;
        } else {
            at = &block->next_in_frame;
        }
    }
    return count;
}

void block_map_remove(struct block_map *map, struct bt_block *block) {
    struct bt_block **at = &map->frame[block->frame];
    while (*at != block)
        at = &(*at)->next_in_frame;
    *at = block->next_in_frame;
    kill_block(map, block);
}

static void note_reuse(struct block_reuse *reuse, const struct bt_block *block) {
    if (block->executions == 0)
        return;
    unsigned class = 31u - (unsigned)__builtin_clz(block->executions);
    reuse[class].blocks++;
    reuse[class].instructions += (uint64_t)block->executions * block->guest_count;
}

void block_map_count_reuse(const struct block_map *map,
                           struct block_reuse reuse[BLOCK_REUSE_CLASSES]) {
    for (unsigned class = 0; class < BLOCK_REUSE_CLASSES; class ++) {
        reuse[class].blocks += map->reuse[class].blocks;
        reuse[class].instructions += map->reuse[class].instructions;
    }
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct bt_block *at = map->bucket[i]; at != NULL; at = at->next_in_bucket)
            note_reuse(reuse, at);
    for (const struct bt_block *at = map->dead; at != NULL; at = at->next_in_bucket)
        note_reuse(reuse, at);
}

void block_map_reclaim(struct block_map *map) {
    while (map->dead != NULL) {
        struct bt_block *block = map->dead;
        note_reuse(map->reuse, block);
        map->dead = block->next_in_bucket;
        map->ops->invalidate(map->backend, block);
        map->bookkeeping_bytes -= bookkeeping_bytes(block->guest_count, block->link_count);
        block_map_discard(block);
    }
}

void block_map_flush(struct block_map *map) {
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (map->bucket[i] != NULL) {
            struct bt_block *block = map->bucket[i];
            map->frame[block->frame] = NULL;
            kill_block(map, block);
        }
    }
    block_map_reclaim(map);
    map->ops->flush(map->backend);
}

bool block_map_has_frame(const struct block_map *map, frame_number frame) {
    return map->frame[frame] != NULL;
}
