/*
 * Storage of decoded blocks, and what writes to their bytes do to them.
 */
#include "interp/insn_cache_store.h"

#include "softmmu/base/bits.h"

#include <string.h>

/* Writes to a frame without code before it is no longer watched: unwatching at once would make a
   loop that rewrites its code switch protection in each turn. */
#define IDLE_WRITES 32

/* Its address tells threads apart; nothing is ever stored in it. */
static _Thread_local const char thread_marker;

static unsigned bucket_of(frame_number frame, unsigned offset, bool is_32) {
    uint32_t hash = (frame * UINT32_C(0x9e3779b1)) ^ (offset * UINT32_C(0x85ebca6b)) ^ is_32;
    return (hash ^ hash >> 15) & (BUCKET_COUNT - 1);
}

void *store_allocate(struct insn_cache_store *store, size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes > ARENA_BYTES - store->arena_used)
        return NULL;
    void *memory = store->arena + store->arena_used;
    store->arena_used += bytes;
    return memory;
}

void store_insert(struct insn_cache_store *store, struct block *block) {
    struct block **bucket =
        &store->buckets[bucket_of(block->frames[0], block->offset, block->is_32)];
    block->next_in_bucket = *bucket;
    *bucket = block;
}

struct block *store_find(struct insn_cache_store *store, frame_number frame, unsigned offset,
                         bool is_32) {
    struct block *block = store->buckets[bucket_of(frame, offset, is_32)];
    while (block != NULL &&
           (block->frames[0] != frame || block->offset != offset || block->is_32 != is_32))
        block = block->next_in_bucket;
    return block;
}

/** Bytes [first, end) of the block within its page number `which`. */
static void block_span(const struct block *block, unsigned which, unsigned *first, unsigned *end) {
    unsigned block_end = block->offset + block->length;
    if (which == 0) {
        *first = block->offset;
        *end = block_end < GUEST_PAGE_SIZE ? block_end : GUEST_PAGE_SIZE;
    } else {
        *first = 0;
        *end = block_end - GUEST_PAGE_SIZE;
    }
}

static void set_code_bytes(struct code_frame *frame, unsigned first, unsigned end) {
    for (unsigned n = first; n < end; n++)
        frame->code_bytes[n / 64] |= UINT64_C(1) << (n % 64);
}

static bool has_code_bytes(const struct code_frame *frame, unsigned first, unsigned end) {
    for (unsigned n = first; n < end;) {
        uint64_t bits = frame->code_bytes[n / 64] >> (n % 64);
        unsigned left = end - n, in_word = 64 - n % 64;
        if (left < in_word)
            bits &= (UINT64_C(1) << left) - 1;
        if (bits != 0)
            return true;
        n += in_word;
    }
    return false;
}

bool store_attach(struct insn_cache_store *store, struct block *block) {
    for (unsigned which = 0; which < 2; which++) {
        frame_number number = block->frames[which];
        if (number == FRAME_NONE)
            continue;
        struct code_frame *frame = store->frames[number];
        if (frame == NULL) {
            frame = store_allocate(store, sizeof(*frame));
            if (frame == NULL)
                return false;
            memset(frame, 0, sizeof(*frame));
            store->frames[number] = frame;
        }
        unsigned first, end;
        block_span(block, which, &first, &end);
        set_code_bytes(frame, first, end);
        frame->idle_writes = 0;
        block->nodes[which] = (struct block_node){block, frame->blocks};
        frame->blocks = &block->nodes[which];
        code_pages_mark(store->cpu->code_pages, store->code_subscriber, number, first, end - first);
    }
    return true;
}

void store_detach(struct insn_cache_store *store, struct block *block) {
    for (unsigned which = 0; which < 2; which++) {
        struct block_node *node = &block->nodes[which];
        if (node->block == NULL)
            continue;
        struct block_node **link = &store->frames[block->frames[which]]->blocks;
        while (*link != node)
            link = &(*link)->next;
        *link = node->next;
        node->block = NULL;
    }
}

void store_forget_all(struct insn_cache_store *store) {
    memset(store->frames, 0, store->frame_limit * sizeof(*store->frames));
    memset(store->buckets, 0, BUCKET_COUNT * sizeof(*store->buckets));
    store->arena_used = 0;
}

static void make_stale(struct insn_cache *cache, struct block *block) {
    block->is_stale = true;
    for (unsigned n = 0; n < block->count; n++)
        block->insns[n].exec = exec_leave_before;
    cache->statistics.invalidations++;
}

/** Invalidate the blocks of a frame that overlap [first, end). Stale blocks leave the list, or a
 * page that is rewritten often would make each write walk all the blocks that it ever held. */
static void invalidate_blocks(struct insn_cache *cache, struct code_frame *frame, unsigned first,
                              unsigned end) {
    struct block_node **link = &frame->blocks;
    memset(frame->code_bytes, 0, sizeof(frame->code_bytes));
    while (*link != NULL) {
        struct block_node *node = *link;
        struct block *block = node->block;
        unsigned block_first, block_end;
        block_span(block, node == &block->nodes[1], &block_first, &block_end);
        if (!block->is_stale && block_first < end && first < block_end)
            make_stale(cache, block);
        if (block->is_stale) {
            *link = node->next;
            node->block = NULL;
        } else {
            set_code_bytes(frame, block_first, block_end);
            link = &node->next;
        }
    }
}

static bool is_all_zero(const struct code_frame *frame) {
    for (unsigned n = 0; n < ARRAY_SIZE(frame->code_bytes); n++)
        if (frame->code_bytes[n] != 0)
            return false;
    return true;
}

static void stop_watching_later(struct insn_cache_store *store, frame_number frame) {
    if (store->idle_count < QUEUE_LENGTH)
        store->idle_frames[store->idle_count++] = frame;
}

static void invalidate(struct insn_cache *cache, frame_number number, unsigned offset,
                       unsigned size) {
    struct insn_cache_store *store = cache->store;
    if (number >= store->frame_limit)
        return;
    struct code_frame *frame = store->frames[number];
    unsigned end = offset + size < GUEST_PAGE_SIZE ? offset + size : GUEST_PAGE_SIZE;
    if (frame == NULL) {
        stop_watching_later(store, number);
        return;
    }
    if (has_code_bytes(frame, offset, end))
        invalidate_blocks(cache, frame, offset, end);
    if (is_all_zero(frame) && ++frame->idle_writes == IDLE_WRITES)
        stop_watching_later(store, number);
}

/* Called on the thread that writes: the vCPU's own for stores, any for DMA. */
void insn_cache_code_written(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct insn_cache *cache = opaque;
    struct insn_cache_store *store = cache->store;
    if (atomic_load(&store->owner) == &thread_marker) {
        invalidate(cache, frame, offset, size);
        return;
    }
    pthread_mutex_lock(&store->mutex);
    if (store->queue_count < QUEUE_LENGTH)
        store->queue[store->queue_count++] = (struct queued_write){frame, offset, size};
    else
        store->queue_overflowed = true;
    pthread_mutex_unlock(&store->mutex);
    if (atomic_load(&store->owner) != NULL)
        cpu_set_event(store->cpu, CPU_EVENT_CODE_WRITTEN);
}

void insn_cache_physmem_remapped(void *opaque) {
    struct insn_cache *cache = opaque;
    struct insn_cache_store *store = cache->store;
    if (atomic_load(&store->owner) == &thread_marker) {
        insn_cache_remapped(cache);
        return;
    }
    pthread_mutex_lock(&store->mutex);
    store->is_remapped = true;
    pthread_mutex_unlock(&store->mutex);
    if (atomic_load(&store->owner) != NULL)
        cpu_set_event(store->cpu, CPU_EVENT_CODE_WRITTEN);
}

void insn_cache_enter(struct insn_cache *cache) {
    atomic_store(&cache->store->owner, &thread_marker);
    insn_cache_settle(cache);
}

void insn_cache_exit(struct insn_cache *cache) {
    atomic_store(&cache->store->owner, NULL);
}

static void unwatch_idle_frames(struct insn_cache_store *store) {
    for (unsigned n = 0; n < store->idle_count; n++) {
        struct code_frame *frame = store->frames[store->idle_frames[n]];
        if (frame == NULL || is_all_zero(frame))
            code_pages_clear(store->cpu->code_pages, store->code_subscriber, store->idle_frames[n]);
    }
    store->idle_count = 0;
}

void insn_cache_settle(struct insn_cache *cache) {
    struct insn_cache_store *store = cache->store;
    struct queued_write queue[QUEUE_LENGTH];
    cpu_clear_event(store->cpu, CPU_EVENT_CODE_WRITTEN);
    pthread_mutex_lock(&store->mutex);
    unsigned count = store->queue_count;
    bool overflowed = store->queue_overflowed, remapped = store->is_remapped;
    memcpy(queue, store->queue, count * sizeof(*queue));
    store->queue_count = 0;
    store->queue_overflowed = store->is_remapped = false;
    pthread_mutex_unlock(&store->mutex);

    if (overflowed) {
        insn_cache_flush(cache);
    } else {
        for (unsigned n = 0; n < count; n++)
            invalidate(cache, queue[n].frame, queue[n].offset, queue[n].size);
    }
    if (remapped)
        insn_cache_remapped(cache);
    unwatch_idle_frames(store);
}
