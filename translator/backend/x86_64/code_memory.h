/*
 * Memory of one back end. One region of host addresses, all within reach of RIP-relative operands:
 *
 *   event page | context page | no access | jump table | no access | code
 *
 * The code is one memfd mapped twice: here readable and executable, elsewhere readable and
 * writable; no address is ever both. It is handed out in order and taken back all at once.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_CODE_MEMORY_H
#define TRANSLATOR_BACKEND_X86_64_CODE_MEMORY_H

#include "softmmu/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define HOST_PAGE_BYTES    4096u
#define JUMP_TABLE_ENTRIES 65536u

/* Where a guest IP leads in one context (see x64_context.salt): key = salt << 32 | ip. */
struct jump_entry {
    uint64_t negated_key; /* so that adding the key gives 0 */
    const void *entry;
};

struct code_memory {
    uint8_t *region;
    size_t region_bytes;
    uint8_t *event;           /* a page whose loads trap while an event is pending */
    uint8_t *context;         /* a page */
    struct jump_entry *jumps; /* JUMP_TABLE_ENTRIES */
    const uint8_t *code;      /* readable, executable */
    uint8_t *writable;        /* the same bytes */
    size_t bytes, used;
};

bool code_memory_create(struct code_memory *memory, uint64_t bytes, struct error *error);
void code_memory_destroy(struct code_memory *memory);
/** Forget what the jump table says. */
void code_memory_clear_jumps(struct code_memory *memory);

#endif
