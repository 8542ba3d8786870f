/*
 * Memory of one back end. One region of host addresses, all within reach of RIP-relative operands:
 *
 *   no access | return stack | event page | context page | no access | jump table | no access |
 * code
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
#define RETURN_STACK_BYTES (16 * HOST_PAGE_BYTES)
#define JUMP_SLOTS         (2u * 65536u) /* jumps.h */
#define PAGE_JUMP_TABLES   64u
#define PAGE_JUMP_SLOTS    4096u

struct code_memory {
    uint8_t *region;
    size_t region_bytes;
    uint8_t *returns;          /* lowest byte of the return stack; the page below it traps */
    uint8_t *event;            /* a page whose loads trap while an event is pending */
    uint8_t *context;          /* a page */
    uint32_t *jump_keys;       /* JUMP_SLOTS; jump_entries follow at once */
    const void **jump_entries; /* JUMP_SLOTS; page_jumps follow at once */
    const void **page_jumps;   /* PAGE_JUMP_TABLES of PAGE_JUMP_SLOTS each */
    const uint8_t *code;       /* readable, executable */
    uint8_t *writable;         /* the same bytes */
    size_t bytes, used;
};

bool code_memory_create(struct code_memory *memory, uint64_t bytes, struct error *error);
void code_memory_destroy(struct code_memory *memory);
/** Forget what the jump table says. */
void code_memory_clear_jumps(struct code_memory *memory);

#endif
