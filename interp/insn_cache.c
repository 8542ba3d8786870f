/*
 * Building blocks and finding them: fetch, decode, links. See insn_cache.h for the invariants.
 */
#include "interp/insn_cache.h"
#include "interp/cpu/exception.h"
#include "interp/decode/disasm.h"
#include "interp/exec/exec.h"
#include "interp/exec/quick.h"
#include "interp/insn_cache_store.h"

#include <stdlib.h>
#include <string.h>

static size_t block_bytes(unsigned capacity) {
    return sizeof(struct block) + (capacity + 1) * sizeof(struct insn);
}

static struct insn_cache_store *store_create(struct cpu *cpu, struct error *error) {
    struct insn_cache_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return NULL;
    store->cpu = cpu;
    store->frame_limit = physmem_frame_limit(cpu->physmem);
    store->frames = calloc(store->frame_limit, sizeof(*store->frames));
    store->buckets = calloc(BUCKET_COUNT, sizeof(*store->buckets));
    store->arena = malloc(ARENA_BYTES);
    store->scratch = calloc(1, block_bytes(1));
    store->index = decode_index_create(cpu->features, error);
    pthread_mutex_init(&store->mutex, NULL);
    return store;
}

static void store_destroy(struct insn_cache_store *store) {
    pthread_mutex_destroy(&store->mutex);
    if (store->index != NULL)
        decode_index_destroy(store->index);
    if (store->disasm != NULL)
        disasm_destroy(store->disasm);
    free(store->frames);
    free(store->buckets);
    free(store->arena);
    free(store->scratch);
    free(store);
}

void insn_cache_remapped(struct insn_cache *cache) {
    cache->epoch++;
    cache->context = 0;
    memset(cache->fetched, 0, sizeof(cache->fetched));
}

/* The guest may have mapped a page of code elsewhere, and need not say so by INVLPG. */
static void pages_dropped(void *opaque, uint32_t first, uint32_t count) {
    struct insn_cache *cache = opaque;
    for (uint32_t i = 0; i < count && i < FETCH_BITS; i++) {
        uint32_t bit = (first + i) % FETCH_BITS;
        if (cache->fetched[bit / 64] >> bit % 64 & 1) {
            insn_cache_remapped(cache);
            return;
        }
    }
}

struct insn_cache *insn_cache_create(struct cpu *cpu, struct error *error) {
    struct insn_cache *cache = calloc(1, sizeof(*cache));
    struct insn_cache_store *store = store_create(cpu, error);
    if (cache == NULL || store == NULL || store->frames == NULL || store->buckets == NULL ||
        store->arena == NULL || store->scratch == NULL) {
        error_set(error, "out of memory for decoded instructions");
        goto failed;
    }
    if (store->index == NULL)
        goto failed;
    cache->store = store;
    cache->epoch = 1;
    cache->store->code_subscriber =
        code_pages_subscribe(cpu->code_pages, insn_cache_code_written, cache);
    physmem_on_remap(cpu->physmem, insn_cache_physmem_remapped, cache);
    mmu_on_drop(&cpu->mmu, pages_dropped, cache);
    return cache;
failed:
    if (store != NULL)
        store_destroy(store);
    free(cache);
    return NULL;
}

void insn_cache_destroy(struct insn_cache *cache) {
    if (cache == NULL)
        return;
    physmem_remove_listener(cache->store->cpu->physmem, cache);
    store_destroy(cache->store);
    free(cache);
}

void insn_cache_flush(struct insn_cache *cache) {
    store_forget_all(cache->store);
    memset(cache->jumps, 0, sizeof(cache->jumps));
    cache->link_from = NULL;
    cache->statistics.flushes++;
}

void insn_cache_update_context(struct cpu *cpu) {
    struct insn_cache *cache = cpu->insn_cache;
    cache->context = cache->epoch << 2 | (cpu->mmu.is_user ? 2u : 0u) | (cpu->code_is_32 ? 1u : 0u);
    cache->watched_events = ~(((cpu->eflags & FLAG_IF) ? 0u : (uint32_t)CPU_EVENT_INTR) |
                              (cpu->nmi_blocked ? (uint32_t)CPU_EVENT_NMI : 0u) |
                              (cpu->in_smm ? (uint32_t)CPU_EVENT_SMI : 0u));
}

/** The page that a linear address is fetched from; raises #PF. */
static const struct fetch_page *fetch(struct cpu *cpu, uint32_t linear) {
    struct insn_cache *cache = cpu->insn_cache;
    uint32_t page = linear >> GUEST_PAGE_SHIFT;
    struct fetch_entry *entry = &cache->fetches[page % FETCH_CACHE_SIZE];
    uint64_t mapping = cache->context >> 1;
    if (entry->page != page || entry->mapping != mapping) {
        entry->mapping = 0;
        if (mmu_fetch_page(&cpu->mmu, linear, &entry->fetched) != MMU_OK)
            cpu_raise_page_fault(cpu);
        entry->page = page;
        entry->mapping = mapping;
        cache->fetched[page % FETCH_BITS / 64] |= UINT64_C(1) << page % 64;
    }
    return &entry->fetched;
}

static const struct insn *exec_too_long(struct cpu *cpu, const struct insn *insn) {
    cpu_raise_error(cpu, VECTOR_GP, 0);
}

/** Decode one instruction; DECODE_TOO_LONG becomes an insn that raises #GP(0). */
static enum decode_status decode_insn(struct cpu *cpu, const uint8_t *bytes, size_t available,
                                      struct insn *insn) {
    struct decode_context context = {
        .index = cpu->insn_cache->store->index,
        .bytes = bytes,
        .available = available < DECODE_MAX_LENGTH ? available : DECODE_MAX_LENGTH,
        .mode = cpu->code_is_32 ? DECODE_32 : DECODE_16,
    };
    enum decode_status status = decode(&context, insn);
    if (status == DECODE_NEED_MORE && available >= DECODE_MAX_LENGTH)
        status = DECODE_TOO_LONG;
    if (status == DECODE_TOO_LONG) {
        memset(insn, 0, sizeof(*insn));
        insn->exec = exec_too_long;
        insn->op = OP_UD;
        insn->length = DECODE_MAX_LENGTH;
    }
    return status;
}

static bool ends_block(const struct insn *insn, enum decode_status status) {
    return status != DECODE_OK || op_info((enum op)insn->op)->flow != FLOW_NEXT;
}

/** How the block goes on behind its last instruction. */
static exec_fn *sentinel_handler(const struct insn *last) {
    uint8_t flow = op_info((enum op)last->op)->flow;
    return flow == FLOW_STOP || flow == FLOW_FAR ? exec_next_block_checked : exec_next_block;
}

/** Decode from `bytes`, of which `available` are left in the page, into the store's array.
 *  Returns the number of instructions: 0 when the first one does not end in this page. */
static unsigned decode_run(struct cpu *cpu, const uint8_t *bytes, unsigned available,
                           unsigned capacity, unsigned *length) {
    struct insn *insns = cpu->insn_cache->store->decoded;
    unsigned count = 0, at = 0;
    while (count < capacity && at < available) {
        struct insn *insn = &insns[count];
        enum decode_status status = decode_insn(cpu, bytes + at, available - at, insn);
        if (status == DECODE_NEED_MORE || (status == DECODE_TOO_LONG && count != 0))
            break;
        insn->ip_offset = (uint16_t)at;
        insn->index = (uint8_t)count++;
        at += insn->length;
        if (ends_block(insn, status))
            break;
    }
    *length = at;
    return count;
}

/** Fill a block with `count` decoded instructions and the sentinel behind them. */
static void fill_block(struct block *block, const struct insn *insns, unsigned count,
                       unsigned length, exec_fn *sentinel) {
    memcpy(block->insns, insns, count * sizeof(*insns));
    struct insn *end = &block->insns[count];
    memset(end, 0, sizeof(*end));
    end->exec = sentinel;
    end->disp = (uint32_t)((uintptr_t)end - (uintptr_t)block);
    end->ip_offset = (uint16_t)length;
    end->index = (uint8_t)count;
    block->count = (uint8_t)count;
    block->length = (uint16_t)length;
    block->links[0].context = block->links[1].context = 0;
    block->is_stale = false;
    quick_apply(block->insns, count);
}

/* What a block is to be made from. */
struct block_source {
    frame_number frames[2];
    unsigned count, length;
};

static void log_block(struct cpu *cpu, const uint8_t *bytes, size_t size) {
    struct insn_cache_store *store = cpu->insn_cache->store;
    if (!log_is_on(cpu->log, LOG_IN_ASM))
        return;
    if (store->disasm == NULL)
        store->disasm = disasm_create();
    if (store->disasm == NULL)
        return;
    fprintf(cpu->log->out, "IN: %04x:%08x\n", cpu->seg[SEG_CS].selector, (uint32_t)cpu->eip);
    disasm_print(store->disasm, cpu->code_is_32 ? DISASM_32 : DISASM_16, bytes, size,
                 (uint32_t)cpu->eip, cpu->log->out);
}

/** Decode the one instruction at EIP that continues on the next page. False: not cacheable. */
static bool decode_crossing(struct cpu *cpu, const struct fetch_page *first, uint32_t linear,
                            struct block_source *source) {
    uint8_t bytes[DECODE_MAX_LENGTH];
    unsigned offset = linear & GUEST_PAGE_MASK, head = GUEST_PAGE_SIZE - offset;
    if (cpu->seg[SEG_CS].limit - (uint32_t)cpu->eip < head)
        return false;
    memcpy(bytes, first->host + offset, head);
    const struct fetch_page *second = fetch(cpu, linear + head);
    if (second->host == NULL)
        return false;
    memcpy(bytes + head, second->host, sizeof(bytes) - head);
    struct insn *insn = cpu->insn_cache->store->decoded;
    decode_insn(cpu, bytes, sizeof(bytes), insn);
    insn->ip_offset = 0;
    insn->index = 0;
    source->frames[1] = second->frame;
    source->count = 1;
    source->length = insn->length;
    log_block(cpu, bytes, insn->length);
    return true;
}

/** Decode at most `capacity` instructions at EIP. False: not cacheable. */
static bool decode_source(struct cpu *cpu, uint32_t linear, unsigned capacity,
                          struct block_source *source) {
    const struct fetch_page *page = fetch(cpu, linear);
    unsigned offset = linear & GUEST_PAGE_MASK;
    *source = (struct block_source){.frames = {page->frame, FRAME_NONE}};
    source->count =
        decode_run(cpu, page->host + offset, GUEST_PAGE_SIZE - offset, capacity, &source->length);
    if (source->count == 0) {
        struct fetch_page first = *page; /* the entry may be replaced by the second page's */
        if (!decode_crossing(cpu, &first, linear, source))
            return false;
        return true;
    }
    log_block(cpu, page->host + offset, source->length);
    return true;
}

/** Make a new block of what was decoded; NULL when the arena is full. */
static struct block *add_block(struct cpu *cpu, uint32_t linear,
                               const struct block_source *source) {
    struct insn_cache_store *store = cpu->insn_cache->store;
    struct block *block = store_allocate(store, block_bytes(source->count));
    if (block == NULL)
        return NULL;
    memset(block, 0, sizeof(*block));
    memcpy(block->frames, source->frames, sizeof(block->frames));
    block->offset = linear & GUEST_PAGE_MASK;
    block->is_32 = cpu->code_is_32;
    block->capacity = (uint8_t)source->count;
    fill_block(block, store->decoded, source->count, source->length,
               sentinel_handler(&store->decoded[source->count - 1]));
    if (!store_attach(store, block))
        return NULL;
    store_insert(store, block);
    cpu->insn_cache->statistics.blocks_built++;
    return block;
}

static struct block *build_block(struct cpu *cpu, uint32_t linear) {
    struct block_source source;
    if (!decode_source(cpu, linear, BLOCK_MAX_INSNS, &source))
        return NULL;
    struct block *block = add_block(cpu, linear, &source);
    if (block == NULL) {
        insn_cache_flush(cpu->insn_cache);
        block = add_block(cpu, linear, &source);
    }
    return block;
}

/** Decode a stale block anew, in place; NULL: not cacheable any more. */
static struct block *refresh_block(struct cpu *cpu, struct block *block, uint32_t linear) {
    struct insn_cache_store *store = cpu->insn_cache->store;
    struct block_source source;
    if (!decode_source(cpu, linear, block->capacity, &source))
        return NULL;
    store_detach(store, block);
    memcpy(block->frames, source.frames, sizeof(block->frames));
    fill_block(block, store->decoded, source.count, source.length,
               sentinel_handler(&store->decoded[source.count - 1]));
    cpu->insn_cache->statistics.blocks_refreshed++;
    if (!store_attach(store, block)) {
        insn_cache_flush(cpu->insn_cache);
        return build_block(cpu, linear);
    }
    return block;
}

struct block *insn_cache_find(struct cpu *cpu) {
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    if (cpu->eip > cpu->seg[SEG_CS].limit)
        return NULL;
    const struct fetch_page *page = fetch(cpu, linear);
    if (page->host == NULL)
        return NULL;
    frame_number frame = page->frame;
    struct block *block =
        store_find(cpu->insn_cache->store, frame, linear & GUEST_PAGE_MASK, cpu->code_is_32);
    if (block == NULL)
        return build_block(cpu, linear);
    if (block->is_stale)
        return refresh_block(cpu, block, linear);
    if (block->frames[1] != FRAME_NONE &&
        fetch(cpu, (linear | GUEST_PAGE_MASK) + 1)->frame != block->frames[1])
        return refresh_block(cpu, block, linear);
    return block;
}

/** Append the bytes that may be fetched from one page; `*count` of `limit` are there already. */
static void fetch_bytes(struct cpu *cpu, uint32_t linear, uint8_t *bytes, unsigned *count,
                        unsigned limit) {
    const struct fetch_page *page = fetch(cpu, linear);
    for (unsigned at = linear & GUEST_PAGE_MASK; at < GUEST_PAGE_SIZE && *count < limit; at++)
        bytes[(*count)++] = page->host != NULL
                                ? page->host[at]
                                : (uint8_t)physmem_read(cpu->physmem, page->phys + at, 1);
}

struct block *insn_cache_decode_one(struct cpu *cpu) {
    struct block *block = cpu->insn_cache->store->scratch;
    uint32_t limit = cpu->seg[SEG_CS].limit;
    if (cpu->eip > limit)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    uint32_t last = limit - (uint32_t)cpu->eip;
    unsigned allowed = last < DECODE_MAX_LENGTH ? last + 1 : DECODE_MAX_LENGTH, count = 0;
    uint8_t bytes[DECODE_MAX_LENGTH];
    struct insn insn;

    fetch_bytes(cpu, linear, bytes, &count, allowed);
    enum decode_status status = decode_insn(cpu, bytes, count, &insn);
    if (status == DECODE_NEED_MORE && count < allowed) {
        fetch_bytes(cpu, linear + count, bytes, &count, allowed);
        status = decode_insn(cpu, bytes, count, &insn);
    }
    if (status == DECODE_NEED_MORE)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    insn.ip_offset = 0;
    insn.index = 0;
    fill_block(block, &insn, 1, insn.length, exec_stop_behind);
    return block;
}

static struct chain_link *jump_entry(struct insn_cache *cache, uint32_t linear) {
    return &cache->jumps[(linear ^ linear >> 12) % JUMP_CACHE_SIZE];
}

void insn_cache_link(struct insn_cache *cache, struct block *from, struct block *to,
                     uint32_t linear) {
    struct chain_link link = {cache->context, to, linear};
    *jump_entry(cache, linear) = link;
    if (from == NULL)
        return;
    unsigned slot = from->next_victim & 1;
    if (from->links[0].context == 0 || from->links[0].linear == linear)
        slot = 0;
    else if (from->links[1].context == 0 || from->links[1].linear == linear)
        slot = 1;
    from->links[slot] = link;
    from->next_victim = (uint8_t)(slot ^ 1);
}

bool insn_cache_renew_link(struct insn_cache *cache, struct chain_link *link) {
    const struct block *target = link->target;
    uint32_t page = link->linear >> GUEST_PAGE_SHIFT;
    const struct fetch_entry *entry = &cache->fetches[page % FETCH_CACHE_SIZE];
    if (link->context == 0 || cache->context == 0 || target->frames[1] != FRAME_NONE ||
        target->is_32 != (cache->context & 1) || entry->page != page ||
        entry->mapping != cache->context >> 1 || entry->fetched.frame != target->frames[0])
        return false;
    link->context = cache->context;
    return true;
}

struct block *insn_cache_known(struct insn_cache *cache, uint32_t linear) {
    struct chain_link *link = jump_entry(cache, linear);
    if (link->linear != linear || link->context == 0)
        return NULL;
    if (link->context != cache->context && !insn_cache_renew_link(cache, link))
        return NULL;
    return link->target;
}
