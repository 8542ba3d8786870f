/*
 * Where blocks live: the arena, the hash table, the lists of blocks by frame, and the queue of
 * writes by other threads. Private to insn_cache*.c.
 */
#ifndef INTERP_INSN_CACHE_STORE_H
#define INTERP_INSN_CACHE_STORE_H

#include "interp/insn_cache.h"

#include <pthread.h>

#define BUCKET_COUNT (1u << 15)
#define ARENA_BYTES  ((size_t)32 << 20)
#define QUEUE_LENGTH 64

/* A frame with blocks. */
struct code_frame {
    struct block_node *blocks;
    uint64_t code_bytes[GUEST_PAGE_SIZE / 64]; /* a bit per byte that a valid block contains */
    uint32_t idle_writes;                      /* writes since the last valid block went */
};

struct queued_write {
    frame_number frame;
    uint32_t offset, size;
};

struct insn_cache_store {
    unsigned code_subscriber; /* our number at code_pages */
    struct cpu *cpu;
    struct decode_index *index;
    struct code_frame **frames; /* by frame number */
    frame_number frame_limit;
    struct block **buckets;
    uint8_t *arena;
    size_t arena_used;
    struct block *scratch; /* of insn_cache_decode_one */
    struct insn decoded[BLOCK_MAX_INSNS + 1];
    frame_number idle_frames[QUEUE_LENGTH]; /* to be unwatched at the next safe point */
    unsigned idle_count;
    struct disasm *disasm; /* made when -d in_asm first needs it */

    /* Shared with other threads. */
    const void *_Atomic owner; /* thread that executes; NULL when none does */
    pthread_mutex_t mutex;     /* guards the rest */
    struct queued_write queue[QUEUE_LENGTH];
    unsigned queue_count;
    bool queue_overflowed;
    bool is_remapped;
};

/** Cut `bytes` off the arena; NULL when it is full. */
void *store_allocate(struct insn_cache_store *store, size_t bytes);
/** Put a block, whose key and frames are set, into its bucket. */
void store_insert(struct insn_cache_store *store, struct block *block);
struct block *store_find(struct insn_cache_store *store, frame_number frame, unsigned offset,
                         bool is_32);
/** Enter a block into the lists of its frames, whose bytes are then watched. False: arena full. */
bool store_attach(struct insn_cache_store *store, struct block *block);
/** Take a block out of the lists of its frames. */
void store_detach(struct insn_cache_store *store, struct block *block);
void store_forget_all(struct insn_cache_store *store);

/* Listeners; `opaque` is the struct insn_cache. */
code_written_fn insn_cache_code_written;
physmem_remapped_fn insn_cache_physmem_remapped;

#endif
