/*
 * What a host back end provides: host code (or a form that it can run) for IR blocks, links between
 * them, and a way in. One back end is one folder.
 *
 * The dispatcher (translator/run.c) owns the block map and calls the back end on the vCPU thread
 * only. Entering a block, guest state is in struct cpu; leaving it, it is there again, with
 * cpu->eip valid and arithmetic flags in cpu->lazy.
 */
#ifndef TRANSLATOR_BACKEND_BACKEND_H
#define TRANSLATOR_BACKEND_BACKEND_H

#include "interp/decode/op.h"
#include "softmmu/base/error.h"
#include "translator/ir/ir.h"

struct bt_block;
struct backend;

/* Why control came back to the dispatcher. */
enum block_exit {
    EXIT_NEXT,      /* cpu->eip: find or translate the next block; link->... may be patched */
    EXIT_EVENT,     /* an event is pending or the budget is used up; cpu->eip is valid */
    EXIT_INTERPRET, /* the instruction at cpu->eip must be interpreted (a write to code) */
};

/* One direct exit of a block, which the dispatcher may link to its target. */
struct block_link {
    struct bt_block *from, *to; /* to == NULL: not linked, goes to the dispatcher */
    uint32_t target_ip;
    uint32_t host_offset; /* back end: where the jump to patch is */
    struct block_link *next_incoming;
};

/* A translated block. The dispatcher allocates it; `host` belongs to the back end. */
struct bt_block {
    uint32_t ip, linear;
    uint32_t page_ip; /* IP of the page's first byte */
    uintptr_t addend; /* the read entry of its page (softmmu/mmu.h) while that maps the frame */
    frame_number frame;
    uint16_t frame_offset; /* of the first instruction */
    uint16_t guest_count;
    unsigned piece_count;
    struct ir_piece piece[IR_MAX_PIECES]; /* the bytes of the page that it was made of */
    struct block_mode mode;
    uint32_t mode_key;
    struct block_link *incoming;
    bool is_valid;
    bool is_superblock;
    bool was_stopped; /* by an event, before it: the dispatcher is to be asked at its next entry */
    uint8_t attempts; /* to make a superblock that begins here or includes it */
    uint32_t samples; /* how often translated code was stopped before it (superblock.h) */
    uint32_t executions;       /* hotness, counted where cheap */
    const void *entry;         /* back end: where to enter */
    const void *guarded_entry; /* back end: where indirect jumps from other pages enter */
    uint32_t host_bytes;
    struct insn *guest; /* guest instructions, for those that are called (helper_call_of) */
    void *host;         /* back end's own data */
    struct bt_block *next_in_bucket, *next_in_frame;
    unsigned link_count;
    struct block_link link[]; /* by exit number */
};

/* What led translated code back to the dispatcher. */
enum exit_cause {
    CAUSE_OTHER,    /* what no other number tells */
    CAUSE_UNLINKED, /* a direct exit that was not linked */
    CAUSE_REMAPPED, /* the page of the block that was entered is not mapped as it was */
    CAUSE_INDIRECT, /* an indirect jump to where the back end's own table knows no block */
    CAUSE_FALL_OUT, /* behind an instruction that ends each block, to the next one */
    CAUSE_HANDLER,  /* an instruction that was called ends the block */
    CAUSE_EVENT,    /* an event, or the end of the budget */
    CAUSE_WRITE,    /* a write to the block itself */
    CAUSE_COUNT
};

/** Whether the block was made of any of the bytes [offset, offset + size) of its page. */
static inline bool bt_block_covers(const struct bt_block *block, unsigned offset, unsigned size) {
    bool covers = false;
    for (unsigned i = 0; i < block->piece_count; i++) {
        const struct ir_piece *piece = &block->piece[i];
        covers |= piece->offset < offset + size && offset < (unsigned)piece->offset + piece->bytes;
    }
    return covers;
}

/* What back ends count as translated code runs. */
struct backend_counters {
    uint64_t exits[CAUSE_COUNT];
    uint64_t superblock_runs;         /* superblocks entered; only where instructions are counted */
    uint64_t handler_calls[OP_COUNT]; /* guest instructions run by the interpreter's handler */
    uint64_t access_calls;            /* memory accesses by a C function */
    uint64_t continuations;           /* handlers that led straight to the next block */
    uint64_t host_traps;              /* host signals that translated code caused */
    /* Ways through the dispatcher because no block was known, or the known one's page was mapped
       elsewhere; returns to another place than behind the last call; returns beyond the first
       call; deepest calls forgotten. */
    uint64_t jump_misses, return_misses, return_bottoms, return_overflows;
};

struct backend_ops {
    const char *name;
    /** Links may lead to other pages: their targets check that their page is mapped as it was. */
    bool links_pages;
    /** code_bytes bounds all memory that translations may take; `counters` stay the caller's. */
    struct backend *(*create)(struct cpu *cpu, uint64_t code_bytes,
                              struct backend_counters *counters, struct error *error);
    void (*destroy)(struct backend *backend);
    /** Translate. False: no room; the dispatcher evicts (flush) and tries again. */
    bool (*translate)(struct backend *backend, const struct ir_block *ir, struct bt_block *block);
    /** Run from `block` until an exit; *last_link is the unlinked exit taken, or NULL.
     *  Guest faults leave by cpu_raise (longjmp) with state exact. */
    enum block_exit (*run)(struct backend *backend, struct cpu *cpu, struct bt_block *block,
                           struct block_link **last_link);
    /** link->to lies in the same page or, if the back end links_pages, anywhere. */
    void (*link)(struct backend *backend, struct block_link *link);
    void (*unlink)(struct backend *backend, struct block_link *link);
    /** The block leaves the map: no way may lead into it from now on, but it may be running. */
    void (*retire)(struct backend *backend, struct bt_block *block);
    /** The block must never run again (its incoming links are already unlinked). */
    void (*invalidate)(struct backend *backend, struct bt_block *block);
    /** Bytes that the translations made since the last flush take, what belongs to them included.
     */
    uint64_t (*used_bytes)(const struct backend *backend);
    /** Forget all translations. */
    void (*flush)(struct backend *backend);
    /** Make running code come back to the dispatcher soon; any thread, async-signal-safe. */
    void (*request_exit)(struct backend *backend);
    /** Whether blocks for the address space in force shall use its window: ir_block.mode. */
    bool (*uses_window)(struct backend *backend);
    /** Address spaces changed (CR3, CPL, paging): indirect-jump caches and windows follow. */
    void (*context_changed)(struct backend *backend);
    /** Put into struct cpu what `run` keeps elsewhere between blocks; NULL: nothing. Only x87 and
     * MMX registers may be kept. */
    void (*sync_state)(struct backend *backend);
    /** Print a block's host code. */
    void (*print)(struct backend *backend, const struct bt_block *block, FILE *out);
};

extern const struct backend_ops backend_portable;
#if defined(__x86_64__)
extern const struct backend_ops backend_x86_64;
#endif

#endif
