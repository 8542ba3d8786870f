/*
 * Decoded instructions, kept in blocks that are found by the bytes they came from: frame, offset in
 * the page, and code size. Nothing else decides how bytes decode, so blocks survive every change of
 * page tables; only writes to their bytes end them.
 *
 * Invariants:
 *  1. A block is an array of insns closed by a sentinel, whose handler finds the next block. All
 *     its bytes lie in one page, unless it is a single instruction that crosses into another.
 *  2. When bytes of a block are written, all its insns (not the sentinel) get a handler that leaves
 *     before the instruction: a block that modifies itself stops after the current instruction.
 *  3. Memory of blocks is reused only at safe points, where no insn is being executed: a stale
 *     block is decoded again in place when it is next wanted, so links to it stay right; when the
 *     arena is full, everything is dropped.
 *  4. A link says where a linear address led while `context` was in force. The context number
 *     changes whenever page tables, paging mode, privilege view or code size may have changed;
 *     a link of an older context is used again once its page is verified to map the same frame.
 */
#ifndef INTERP_INSN_CACHE_H
#define INTERP_INSN_CACHE_H

#include "interp/decode/decode.h"
#include "interp/decode/insn.h"

#define BLOCK_MAX_INSNS 48

struct block;

/* Where a linear address leads. context 0 is never in force. */
struct chain_link {
    uint64_t context;
    struct block *target;
    uint32_t linear;
};

struct block_node {
    struct block *block; /* NULL: in no list */
    struct block_node *next;
};

struct block {
    struct chain_link links[2]; /* successors seen last */
    struct block *next_in_bucket;
    struct block_node nodes[2]; /* membership in the lists of its one or two pages, while valid */
    frame_number frames[2];     /* the second is FRAME_NONE unless the block crosses pages */
    uint16_t offset;            /* of the first byte in its page */
    uint16_t length;            /* bytes */
    uint8_t count;              /* instructions, without the sentinel */
    uint8_t capacity;
    uint8_t is_32; /* code size: part of the key */
    bool is_stale;
    uint8_t next_victim; /* link to replace next */
    struct insn insns[];
};

struct insn_cache_statistics {
    uint64_t blocks_built, blocks_refreshed, invalidations, flushes;
};

struct fetch_entry {
    uint64_t mapping; /* context without the code size */
    uint32_t page;    /* linear page number */
    struct fetch_page fetched;
};

#define JUMP_CACHE_SIZE  4096
#define FETCH_CACHE_SIZE 256
#define FETCH_BITS       4096

struct insn_cache_store;

struct insn_cache {
    uint64_t context;        /* epoch << 2 | user view << 1 | 32-bit code; 0: to be computed anew */
    uint32_t watched_events; /* events worth leaving the chain for */
    struct block *link_from; /* block left last, if its successor was not known */
    uint64_t epoch;          /* counts changes of the linear-to-frame mapping */
    uint64_t chain_limit;    /* icount that the running chain of blocks must not pass */
    struct insn *patched;    /* insn whose handler stops a bounded run, or NULL */
    struct block *patched_block;
    exec_fn *patched_exec;
    bool is_executing;                        /* an insn of a block runs, not translated code */
    bool stops_after_event;                   /* interp_step: an event counts as the step */
    struct chain_link jumps[JUMP_CACHE_SIZE]; /* by linear address, for indirect branches */
    struct fetch_entry fetches[FETCH_CACHE_SIZE];
    uint64_t fetched[FETCH_BITS / 64]; /* bit page % FETCH_BITS: code came from it in this epoch */
    struct insn_cache_store *store;
    struct insn_cache_statistics statistics;
};

/** Make the cache of one CPU (whose features, physmem, code_pages and log are set). */
struct insn_cache *insn_cache_create(struct cpu *cpu, struct error *error);
void insn_cache_destroy(struct insn_cache *cache);

/** The vCPU's thread starts or stops executing: writes by other threads are queued meanwhile. */
void insn_cache_enter(struct insn_cache *cache);
void insn_cache_exit(struct insn_cache *cache);

/** Drop what other threads wrote to, and stop watching frames without code. Safe points only. */
void insn_cache_settle(struct insn_cache *cache);
/** Drop everything, as after loading a machine state. Safe points only. */
void insn_cache_flush(struct insn_cache *cache);

/** Recompute context and watched_events from the CPU's state. */
void insn_cache_update_context(struct cpu *cpu);
/** The linear-to-frame mapping may have changed (cpu_update_paging, INVLPG). */
void insn_cache_remapped(struct insn_cache *cache);

/**
 * The block at CS:EIP, decoded if need be. Raises #PF when the fetch faults. NULL when the code
 * cannot be cached (registers, CS limit in the middle of an instruction): use
 * insn_cache_decode_one(). Safe points only.
 */
struct block *insn_cache_find(struct cpu *cpu);
/** A block, valid until the next call, that holds the one instruction at CS:EIP and stops behind
 *  it. Checks the CS limit. Raises #GP and #PF as the fetch does. */
struct block *insn_cache_decode_one(struct cpu *cpu);

/** Remember that `from` (may be NULL) is followed by `to` at a linear address. */
void insn_cache_link(struct insn_cache *cache, struct block *from, struct block *to,
                     uint32_t linear);
/** What is known about a linear address in the current context, or NULL. Never raises. */
struct block *insn_cache_known(struct insn_cache *cache, uint32_t linear);
/** Whether a link of an older context still holds; brings it up to date if so. */
bool insn_cache_renew_link(struct insn_cache *cache, struct chain_link *link);

static inline struct block *block_of_sentinel(const struct insn *sentinel) {
    return (struct block *)((uintptr_t)sentinel - sentinel->disp);
}

/* Handlers of sentinels and patched insns (interp/run.c). */
exec_fn exec_next_block;         /* behind branches and innocuous instructions */
exec_fn exec_next_block_checked; /* behind what may change mode, interrupt flag or activity */
exec_fn exec_stop_behind;        /* a bounded run ends at the sentinel */
exec_fn exec_leave_before;       /* the block is stale, or a bounded run ends here */

#endif
