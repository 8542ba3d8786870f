/*
 * The x86-64 back end's own structures. Host registers in translated code:
 *
 *   RAX RCX RDX RBX RBP RSI RDI   the guest registers of the same name
 *   R14   guest ESP               R15   struct cpu
 *   R13   guest instructions left in the budget, times BUDGET_UNIT, plus BUDGET_LOW
 *   R12   the jump table plus JUMPS_BIAS; the trap word lies at TRAP_DISPLACEMENT from it
 *   R8 R9 temporaries of the IR   R10 R11   addresses and everything else
 *   RSP   the return stack: host addresses where guest CALLs expect to be returned to
 *   XMM0..XMM7, MXCSR   the guest's, in blocks whose mode says that SSE is usable
 *   RFLAGS  guest arithmetic flags; the upper halves of guest registers are 0
 */
#ifndef TRANSLATOR_BACKEND_X86_64_X86_64_H
#define TRANSLATOR_BACKEND_X86_64_X86_64_H

#include "interp/cpu/cpu.h"
#include "translator/backend/backend.h"
#include "translator/backend/x86_64/code_memory.h"
#include "translator/backend/x86_64/encode.h"
#include "translator/backend/x86_64/slow_sites.h"
#include "translator/helpers.h"

#define HOST_ESP    X64_R14
#define HOST_CPU    X64_R15
#define HOST_BUDGET X64_R13
#define HOST_JUMPS  X64_R12

/* What translated code keeps in memory, found RIP-relative. The page's last 8 bytes are the trap
   word: an index of 1 to 255 added to its address reaches a page without access. */
struct x64_context {
    uint64_t value;                    /* operand of an access out of line */
    uint64_t word;                     /* CALLOUT_* of the access, during a look-up (lookup.c) */
    uint64_t rcx;                      /* guest ECX meanwhile */
    uint64_t byte;                     /* where AH..BH meet registers that need a REX prefix */
    int64_t budget;                    /* R13 outside translated code */
    uint64_t temp[2];                  /* R8 and R9 during calls */
    uint64_t return_stack, host_stack; /* RSP of translated code while C runs, and of C */
    uint64_t return_misses, return_bottoms; /* of struct backend_counters, in this run */
    uint32_t jump_bias;                     /* of the context that runs (jumps.h) */
    uint64_t mapping;                       /* interp_context when it was entered */
    uint16_t flags;                         /* guest flags: AH as LAHF gives it, AL = OF */
    uintptr_t last_exit;                    /* the struct block_link taken, or enum exit_cause */
    /* What these return: CONTINUE, LEAVE_BY(enum block_exit), or host code to jump to. */
    uint64_t (*call_access)(struct x64_context *context, uint32_t offset, uint64_t what);
    uint64_t (*call_guest)(struct x64_context *context, uint64_t what);
    uint64_t (*call_divide)(struct x64_context *context, uint64_t what);
    struct backend *backend;
    uint64_t limit;      /* cpu->icount + instructions left */
    bool holds_simd;     /* XMM0..7 and MXCSR are the guest's in translated code */
    uint32_t host_mxcsr; /* in C */
    uint32_t mxcsr_in_c; /* as C code left it */
    uint64_t (*call_x87)(struct x64_context *context, uint64_t what);
    uint64_t target;        /* host code to jump to, when all registers are the guest's */
    uint32_t x87_is_absent; /* 1: struct cpu has the x87 registers, 0: the host's unit (x87.h) */
};

#define CONTINUE       UINT64_C(0)
#define LEAVE_BY(exit) ((uint64_t)(exit) + 1)
#define MOST_LEAVE     3

/* Two registers are also shift counts (lookup.c): by R12 a 32-bit shift goes over a page offset,
   and by R13 a 64-bit shift to the left keeps the two lowest bits alone. */
#define JUMPS_BIAS  12
#define BUDGET_UNIT 64
#define BUDGET_LOW  62

#define TRAP_DISPLACEMENT (-(int32_t)HOST_PAGE_BYTES - 8 - JUMPS_BIAS)

/* A 64-bit number that tells a callout all about its place: the block's address below, these above.
 */
enum callout_field {
    CALLOUT_GUEST = 48,   /* 7 bits: guest instruction */
    CALLOUT_SEGMENT = 55, /* 3 bits */
    CALLOUT_TYPE = 58,    /* 2 bits: enum ir_type */
    CALLOUT_KIND = 60,    /* 2 bits: enum access_kind */
    CALLOUT_ENDS = 62,    /* 1 bit: nothing of the block lies behind the guest instruction */
    CALLOUT_X87 = 63,     /* 1 bit: x87_is_used_by its operation */
};
/* A PROBE loads, faulting as a write would; the write is an access of its own. */
_Static_assert(IR_MAX_GUEST <= 1 << (CALLOUT_SEGMENT - CALLOUT_GUEST), "its field is wide enough");
enum access_kind { ACCESS_LOAD, ACCESS_RMW, ACCESS_STORE, ACCESS_PROBE };

/* A place in code that may trap, and where execution then goes. Offsets from the code's start. */
/* Two do not trap, but jump: SITE_LOOKUP when a table has no entry, SITE_JUMP when the handler must
   do the instruction. */
enum site_kind {
    SITE_ACCESS,
    SITE_ACCESS_TWO, /* at RSI, then at RDI */
    SITE_SEGMENT,
    SITE_LOOKUP,
    SITE_JUMP,
    SITE_EVENT,
    SITE_BUDGET,
    SITE_DIVIDE,
};
struct x64_site {
    uint32_t at, stub;
    uint8_t kind;
    uint8_t traps, patches; /* slow_sites.h */
};

/* What the back end remembers of a block, kept behind its code. */
struct x64_block {
    uint32_t guard, start, end; /* guarded entry, entry, end of the block itself */
    uint32_t past_poll;         /* entry for who need not look for events */
    uint32_t jump_bias;
    bool has_landing;                       /* exit 1 is where a call returns to */
    uint8_t page_jumps;                     /* the table that the block uses, or NO_PAGE_JUMPS */
    uint32_t exit_stub[IR_FIRST_SIDE_EXIT]; /* that of a side exit lies behind its jump */
    unsigned site_count;
    struct x64_site sites[];
};

struct block_place {
    uint32_t start;
    struct x64_block *block; /* writable mapping */
};

/* See jumps.h. */
struct jump_context {
    uint32_t code_base, mode_key;
    bool is_used;
};
#define JUMP_CONTEXTS 4096u

struct page_jumps {
    frame_number frame;
    uint32_t linear, ip; /* of the page's first byte */
    uint32_t mode_key;
    unsigned sites; /* blocks that use the table; 0: it may be given away */
};
#define NO_PAGE_JUMPS UINT8_MAX

/* What `run` gets from translated code besides enum block_exit: the way on was not known. */
#define EXIT_MISS 3u

#define KNOWN_BLOCKS 4096u

/* Where a far transfer in real or virtual-8086 mode leads: found by linear address, right if the
   key is the block's mode, the selector and the IP. */
struct far_entry {
    uint64_t negated_key; /* 0: empty */
    const void *entry;
    uint64_t jump_bias; /* of the block */
    const struct bt_block *block;
};
#define FAR_ENTRY_BITS 12u

struct thunks {
    const uint8_t *enter, *enter_again;
    const uint8_t *exit_next, *exit_miss, *exit_lost, *exit_unmapped, *exit_event, *exit_leave,
        *exit_saved;
    /* Go where R8D says by the jump table; the same with RCX in R11, from a landing that was not
       returned to; the same, returned to from the bottom of the return stack. */
    const uint8_t *jump, *return_miss, *return_bottom;
    const uint8_t *access, *guest, *divide, *x87;
    /* Light functions (light.h) with their numbers in R8D and R10D, result in R8D. */
    const uint8_t *load_segment, *interrupt, *interrupt_return;
    /* By enum access_kind and enum ir_type: the same as `access` for a linear address in R11D, but
       looks into the shadow tables first. */
    const uint8_t *lookup[4][3];
};

struct emitter;

struct backend {
    struct cpu *cpu;
    struct backend_counters *counters;
    struct code_memory memory;
    struct x64_context *context;
    struct thunks thunks;
    size_t first_block;         /* where the thunks end */
    struct block_place *places; /* by rising start */
    unsigned place_count, place_limit;
    struct far_entry far_entries[1u << FAR_ENTRY_BITS];
    struct bt_block *known[KNOWN_BLOCKS]; /* that the dispatcher entered, by linear address */
    struct jump_context jump_contexts[JUMP_CONTEXTS];
    unsigned jump_context_count;
    struct page_jumps page_jumps[PAGE_JUMP_TABLES];
    unsigned page_jumps_count; /* of tables that were used since the last flush */
    struct slow_sites slow_sites;
    bool has_missed; /* the last run ended where the jump table knew no way */
    /* Instructions before this count were told to the MMU; those from there on belong to the user's
       view, or not. */
    uint64_t counted_to;
    bool counts_as_user;
    bool has_wrgsbase;
    bool has_bmi2;
    uint8_t *window;    /* in force when the dispatcher last asked; NULL: none */
    uint8_t *no_window; /* 4 GiB without access, for blocks that meet no window */
    struct emitter *emitter;
    struct helper_call call; /* the guest instruction under way in a callout */
};

/** Emit entry, exits and call thunks; false when there is no room. */
bool x64_make_thunks(struct backend *backend);

/** Emit the look-up thunks; the others must be there. */
void x64_make_lookups(struct backend *backend, struct x64_asm *as);

/** Where RSP points when the return stack is empty. */
static inline uint8_t *x64_return_base(const struct code_memory *memory) {
    return memory->returns + RETURN_STACK_BYTES - sizeof(uint64_t);
}

/** Let traps in translated code of this process come to the back end whose code runs. */
bool x64_signals_acquire(struct error *error);
void x64_signals_release(void);
/** Name the back end whose code this thread is about to run. The thread then handles signals on a
 *  stack of their own. */
void x64_signals_enter(struct backend *backend);

static inline int64_t x64_instructions_left(const struct x64_context *context) {
    return (context->budget - BUDGET_LOW) / BUDGET_UNIT;
}
static inline void x64_set_instructions_left(struct x64_context *context, int64_t count) {
    context->budget = count * BUDGET_UNIT + BUDGET_LOW;
}

/** Remember a block that runs now, for x64_continue; forget it. */
void x64_know_block(struct backend *backend, struct bt_block *block);
void x64_forget_block(struct backend *backend, const struct bt_block *block);
static inline struct far_entry *x64_far_entry(struct backend *backend, uint32_t linear) {
    return &backend->far_entries[linear & ((1u << FAR_ENTRY_BITS) - 1)];
}
/** A handler comes back to its block: the calls that were made before are forgotten if it changed
 *  mappings, as INVLPG does, since landings in their block's page do not look at them. */
void x64_keep_returns(struct x64_context *context);
/** At an instruction boundary behind a callout, struct cpu and the context as a handler leaves
 *  them: the entry of the block at CS:EIP, made ready to run, or LEAVE_BY(EXIT_NEXT). */
uint64_t x64_continue(struct x64_context *context);

/** The block is about to run, at instruction `icount`: set the budget, and what the context knows
 *  about the blocks that run. */
void x64_begin_stretch(struct backend *backend, const struct bt_block *block, uint64_t icount);
/** Tell the MMU about the instructions executed up to `icount`. */
void x64_count_executed(struct backend *backend, uint64_t icount);

/** The C side of call thunks (callout.c). */
void x64_callout_install(struct x64_context *context);

/** Whether the address space and view in force have a window. */
bool x64_window_in_force(struct backend *backend);
/** Point GS to that window or, for code without a window, to the shadow tables. */
void x64_load_window(const struct backend *backend, bool uses_window);

/** Guest flags between the form in x64_context and EFLAGS positions. */
static inline uint32_t x64_flags_to_eflags(uint16_t flags) {
    uint32_t high = flags >> 8 & (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF);
    return high | ((flags & 1) ? FLAG_OF : 0u);
}
static inline uint16_t x64_flags_from_eflags(uint32_t eflags) {
    uint32_t high = eflags & (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF);
    return (uint16_t)(high << 8 | ((eflags & FLAG_OF) ? 1u : 0u));
}

#endif
