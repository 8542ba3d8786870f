/* See jumps.h. */
#include "translator/backend/x86_64/jumps.h"

#include "translator/backend/x86_64/x86_64.h"

#include <string.h>

#define MOST_CONTEXTS (JUMP_CONTEXTS / 4 * 3) /* of a hash table with linear probing */
#define BIAS_FACTOR   0x9e37u                 /* odd: numbers below 65536 stay different */

static struct jump_context *find_context(struct backend *backend, uint32_t code_base,
                                         uint32_t mode_key) {
    uint32_t at = ((code_base ^ mode_key * UINT32_C(0x85ebca6b)) * UINT32_C(0x9e3779b1)) >> 16;
    struct jump_context *context = &backend->jump_contexts[at % JUMP_CONTEXTS];
    while (context->is_used && (context->code_base != code_base || context->mode_key != mode_key))
        context = &backend->jump_contexts[++at % JUMP_CONTEXTS];
    return context;
}

bool jumps_find_bias(struct backend *backend, const struct bt_block *block, uint32_t *bias) {
    uint32_t code_base = block->linear - block->ip;
    struct jump_context *context = find_context(backend, code_base, block->mode_key);
    *bias = (uint32_t)(context - backend->jump_contexts) * BIAS_FACTOR & 0xffff;
    if (context->is_used)
        return true;
    if (backend->jump_context_count == MOST_CONTEXTS)
        return false;
    backend->jump_context_count++;
    *context = (struct jump_context){code_base, block->mode_key, true};
    /* A slot never used looks as if it held IP 0, whose slot this is. */
    if (backend->memory.jump_entries[*bias] == NULL)
        backend->memory.jump_entries[*bias] = backend->thunks.exit_lost;
    return true;
}

static bool is_page_of(const struct page_jumps *page, const struct bt_block *block) {
    return page->linear == (block->linear & ~(uint32_t)GUEST_PAGE_MASK) &&
           page->frame == block->frame && page->mode_key == block->mode_key &&
           page->ip == block->ip - block->frame_offset;
}

static const void **page_table(const struct backend *backend, unsigned number) {
    return backend->memory.page_jumps + (size_t)number * PAGE_JUMP_SLOTS;
}

uint8_t jumps_find_page(struct backend *backend, const struct bt_block *block) {
    unsigned found = backend->page_jumps_count;
    for (unsigned i = 0; i < backend->page_jumps_count; i++) {
        if (is_page_of(&backend->page_jumps[i], block))
            return (uint8_t)i;
        if (backend->page_jumps[i].sites == 0)
            found = i;
    }
    if (found == PAGE_JUMP_TABLES)
        return NO_PAGE_JUMPS;
    backend->page_jumps_count += found == backend->page_jumps_count;
    backend->page_jumps[found] = (struct page_jumps){
        .frame = block->frame,
        .linear = block->linear & ~(uint32_t)GUEST_PAGE_MASK,
        .ip = block->ip - block->frame_offset,
        .mode_key = block->mode_key,
    };
    for (unsigned i = 0; i < PAGE_JUMP_SLOTS; i++)
        page_table(backend, found)[i] = backend->thunks.exit_miss;
    return (uint8_t)found;
}

void jumps_count_site(struct backend *backend, const struct x64_block *record, int change) {
    if (record->page_jumps != NO_PAGE_JUMPS)
        backend->page_jumps[record->page_jumps].sites += (unsigned)change;
}

/** The block's slot in its page's table; NULL: there is none. */
static const void **page_slot(const struct backend *backend, const struct bt_block *block) {
    for (unsigned i = 0; i < backend->page_jumps_count; i++)
        if (is_page_of(&backend->page_jumps[i], block))
            return &page_table(backend, i)[block->frame_offset];
    return NULL;
}

static uint32_t slot_of(const struct bt_block *block) {
    const struct x64_block *record = block->host;
    return (block->ip & 0xffff) + record->jump_bias;
}

void jumps_remember(struct backend *backend, const struct bt_block *block) {
    uint32_t slot = slot_of(block);
    backend->memory.jump_keys[slot] = 0 - block->ip;
    backend->memory.jump_entries[slot] = block->guarded_entry;
    const void **near = page_slot(backend, block);
    if (near != NULL)
        *near = block->entry;
}

void jumps_forget(struct backend *backend, const struct bt_block *block) {
    uint32_t slot = slot_of(block);
    if (backend->memory.jump_entries[slot] == block->guarded_entry)
        backend->memory.jump_entries[slot] = backend->thunks.exit_lost;
    const void **near = page_slot(backend, block);
    if (near != NULL && *near == block->entry)
        *near = backend->thunks.exit_miss;
}

void jumps_clear(struct backend *backend) {
    code_memory_clear_jumps(&backend->memory);
    memset(backend->jump_contexts, 0, sizeof(backend->jump_contexts));
    backend->jump_context_count = backend->page_jumps_count = 0;
}
