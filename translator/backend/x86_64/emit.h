/*
 * From IR to host code: what the emit_*.c files share. Each IR operation becomes one host
 * instruction where possible: a load and the operation that uses it are fused, so are LOAD_RMW,
 * operation and STORE. An operation that the emitters do not know in its form makes its guest
 * instruction a call of the interpreter's handler.
 *
 * R10 and R11 are free between operations; R8 and R9 hold temporaries. Nothing here may change
 * host flags unless the IR operation sets guest flags.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_EMIT_H
#define TRANSLATOR_BACKEND_X86_64_EMIT_H

#include "translator/backend/x86_64/encode.h"
#include "translator/backend/x86_64/x86_64.h"

#define MOST_SITES 512 /* in one block */
#define MOST_SLOW  256

/** An address before segmentation, in host registers. */
struct host_address {
    uint8_t base, index; /* X64_NO_REG: absent */
    uint8_t scale;
    bool is_16_bit;
    uint8_t segment, check;
    uint32_t displacement;
};

/** Guest instructions that the x87 pointers in struct cpu must still be set to; negative: none. */
struct x87_pending {
    int code, data;
    uint32_t moved; /* what is to be added to the address of `data`, as its registers changed */
};

/** An access whose stub is still to be emitted. */
struct slow_access {
    struct x64_insn insn; /* to be repeated on the value slot */
    struct host_address address;
    uint8_t kind, type;  /* enum access_kind, enum ir_type */
    bool is_handled;     /* out of line the interpreter's handler does the whole instruction */
    uint8_t string_stub; /* not 0: emit_string.c makes the stub */
    uint16_t guest;
    int32_t stack;          /* what ESP is ahead of R14 by, at the access */
    const uint8_t *resume;  /* behind the access */
    uint32_t stub;          /* 0: not emitted yet */
    bool is_x87;            /* is_handled, and x87 registers are the host's again behind it */
    struct x87_pending x87; /* to be set first */
};

/** A site whose stub is still to be emitted; `slow` is for SITE_ACCESS, SITE_ACCESS_TWO,
 * SITE_SEGMENT and SITE_LOOKUP. */
struct pending_site {
    uint32_t at;
    uint8_t kind;
    uint16_t slow, guest;
};

struct temp {
    uint8_t reg; /* where it is, or X64_NO_REG */
    uint16_t uses, last_use;
    bool owns_reg; /* R8 or R9, to be freed after the last use */
};

struct emitter {
    struct x64_asm as;
    struct backend *backend;
    const struct ir_block *ir;
    struct bt_block *block;
    unsigned at;                 /* IR operation being emitted */
    const struct ir_insn *fused; /* a load that the next operation does itself */
    bool is_unsupported;         /* the guest instruction must be called */
    bool is_temp_used[2];        /* R8, R9 */
    struct temp temps[IR_MAX_TEMPS];
    unsigned slow_count, site_count;
    struct slow_access slow[MOST_SLOW];
    struct pending_site sites[MOST_SITES];
    uint32_t guard, start; /* where emit_guard and emit_block_head began */
    uint32_t past_poll;    /* where the latter's look at the event page ends */
    uint32_t jump_guard;   /* the guard for who comes with RCX in R11 */
    /* Offsets of the displacements of direct exits by number; 0: none. */
    uint32_t exit_jump[IR_FIRST_SIDE_EXIT + IR_MAX_GUEST];
    uint32_t exit_stub[IR_FIRST_SIDE_EXIT];
    struct x87_pending exit_x87[IR_MAX_GUEST]; /* to be set at side exits */
    uint32_t jump_bias;                        /* of the block's context */
    bool has_landing;
    uint8_t page_jumps;    /* NO_PAGE_JUMPS, or the table that the block uses */
    int32_t stack_pending; /* ESP - R14 (emit_stack.c) */
    bool is_x87_resident;  /* for sure, at this place */
    struct x87_pending x87;
    struct x64_site finished[MOST_SITES];
};

/** Where a source value is. */
struct operand {
    enum { OPERAND_REG, OPERAND_CONSTANT, OPERAND_MEMORY } kind;
    uint8_t reg;
    uint32_t constant;
};

/* emit_value.c: registers, temporaries, addresses */
void emit_count_uses(struct emitter *e);
/** Host register of a guest register operand. */
uint8_t emit_guest_register(unsigned number, enum ir_type type);
struct operand emit_source(struct emitter *e, const struct ir_value *value, enum ir_type type);
/** The source in a register: a constant goes to R11. */
uint8_t emit_source_reg(struct emitter *e, const struct ir_value *value, enum ir_type type);
/** Register to write a result to; allocates temporaries. */
uint8_t emit_destination(struct emitter *e, const struct ir_insn *insn);
void emit_free_temps(struct emitter *e);
struct host_address emit_address(struct emitter *e, const struct ir_memory *memory);
/** The memory operand of a guest instruction. */
struct host_address emit_operand_address(const struct emitter *e, const struct insn *insn);
/** reg = offset part of the address, zero-extended. */
void emit_offset(struct emitter *e, const struct host_address *address, uint8_t reg);

/** `insn` with a register operand, through memory where AH..BH cannot meet it otherwise. */
void emit_with_reg(struct emitter *e, struct x64_insn insn, uint8_t rm);
/** `insn`, which reads its r/m operand, with a source of any kind but a constant. */
void emit_with_source(struct emitter *e, struct x64_insn insn, struct operand source);
/** All of a host register. */
static inline void emit_move64(struct emitter *e, uint8_t to, uint8_t from) {
    x64_reg_reg(&e->as, 0x8b, X64_64, to, from);
}
void emit_move(struct emitter *e, enum ir_type type, uint8_t to, uint8_t from);
void emit_move_constant(struct emitter *e, enum ir_type type, uint8_t to, uint32_t value);
/** A register form of the opcode pair: `opcode` for bytes, `opcode` + 1 otherwise. */
struct x64_insn emit_sized(uint32_t opcode, enum ir_type type, uint8_t reg);
/** The same for group opcodes, where the ModRM reg field is part of the opcode. */
struct x64_insn emit_group(uint32_t opcode, enum ir_type type, uint8_t extension);

/* emit_mem.c */
void emit_access(struct emitter *e, enum access_kind kind, enum ir_type type,
                 const struct ir_memory *memory, struct x64_insn insn);
/** An access of 1 to 16 bytes by the only host instruction of its guest instruction; out of line
 *  the interpreter's handler does it all. Only where emit_reaches_memory. */
struct slow_access *emit_handled_access(struct emitter *e, enum access_kind kind, unsigned bytes,
                                        const struct host_address *address, struct x64_insn insn);
/** Whether guest memory can be accessed within a block: in a window or by look-up. */
bool emit_reaches_memory(const struct emitter *e);
/** `insn` on the memory of 1 to 16 bytes at the linear address in R11D, by look-up (lookup.c); R10
 * is lost. Goes to the stub of `slow` where that is not possible. */
void emit_lookup(struct emitter *e, enum access_kind kind, unsigned size, unsigned slow,
                 const struct x64_insn *insn);
void emit_add_site(struct emitter *e, enum site_kind kind, uint32_t at, unsigned slow);
uint64_t emit_callout_word(const struct emitter *e, unsigned guest);
/** Stubs of all sites; fills `finished`. */
void emit_stubs(struct emitter *e);
/** Whether the operation can do the load itself; the load is the operation before it. */
bool emit_can_fuse(const struct emitter *e, const struct ir_insn *load, const struct ir_insn *next);
/** LOAD_RMW, operation and STORE as one instruction; false when they do not match. */
bool emit_fused_rmw(struct emitter *e);

/* emit_x87.c */
void emit_x87_begin(struct emitter *e);
/** Whether the guest instruction is an x87 or MMX one that can run as it is. */
bool emit_x87_is_native(const struct emitter *e, unsigned guest);
void emit_x87(struct emitter *e, unsigned guest);
/** Set the x87 pointers in struct cpu that are pending; must stand before all that calls or ends
 * the block. Uses R10 and R11. */
void emit_x87_settle(struct emitter *e);
/** Settle what cannot stay pending over the operation, which is no x87 one. Its stubs set the
 *  pointers that were pending when it began. */
void emit_x87_pass(struct emitter *e, const struct ir_insn *insn);
/** Set pointers that are pending at another place. Uses R10 and R11. */
void emit_x87_set_pointers(struct emitter *e, const struct x87_pending *pending);
/** Whether a pending data pointer is made of this guest register. */
bool emit_x87_needs_register(const struct emitter *e, unsigned reg);
/** Run the instruction of an access by its handler. */
void emit_x87_stub(struct emitter *e, const struct slow_access *slow, unsigned guest);
/** Load the host's unit unless it has the guest's registers. Uses R10 and R11. */
void emit_x87_make_resident(struct emitter *e);
/** `host` on the instruction's memory operand of `size` bytes. */
struct slow_access *emit_x87_memory_form(struct emitter *e, const struct insn *insn,
                                         enum access_kind kind, unsigned size,
                                         struct x64_insn host);

/* emit_mmx.c */
bool emit_mmx_is_known(unsigned op);
/** The instruction, which the mode allows (emit_x87_is_native). */
void emit_mmx(struct emitter *e, const struct insn *insn);

/* The emitters of single operations. */
typedef void emit_fn(struct emitter *e, const struct ir_insn *insn);
emit_fn emit_MOV, emit_LEA, emit_LOAD, emit_STORE, emit_extend, emit_SIGN, emit_BSWAP, emit_SETCC,
    emit_CMOV, emit_GET_FLAGS, emit_SET_FLAGS, emit_carry;
emit_fn emit_alu, emit_compare, emit_in_place, emit_multiply, emit_IMUL, emit_divide;
emit_fn emit_shift, emit_double_shift, emit_bit, emit_scan;
emit_fn emit_jump, emit_branch, emit_branch_zero, emit_exit_if, emit_exit_zero, emit_jump_indirect,
    emit_call, emit_call_indirect, emit_return, emit_leave_block, emit_fall_out;
/** Instructions of operations on memory, for emit_fused_rmw; false: not possible. */
bool emit_alu_insn(struct emitter *e, const struct ir_insn *insn, struct x64_insn *result);
bool emit_shift_insn(struct emitter *e, const struct ir_insn *insn, struct x64_insn *result);

/* emit_branch.c */
/** The guarded entry, in front of the block's head: to the dispatcher unless the page maps the
 * frame.
 */
void emit_guard(struct emitter *e);
void emit_block_head(struct emitter *e);
void emit_exit_stubs(struct emitter *e);
void emit_guest_call(struct emitter *e, unsigned guest);
/** Continue at the IP in R8D: through the jump table if it is there, else at the dispatcher. */
void emit_jump_by_table(struct emitter *e);

/* emit_sse.c */
/** The guest instruction by the host's SSE; false: it is not one that may run so. */
bool emit_sse(struct emitter *e, unsigned guest);

/* emit_stack.c */
/** Take in the operation at e->at if it only moves ESP by a constant; else false, and R14 is ESP if
 *  the operation needs that. */
bool emit_fold_stack(struct emitter *e);
/** Let R14 be ESP. */
void emit_settle_stack(struct emitter *e);
/** R14 += delta. */
void emit_move_stack(struct emitter *e, int32_t delta);

/* emit_exchange.c: false when the handler must be called. */
bool emit_exchange(struct emitter *e, unsigned guest);

/* emit_bit_string.c: likewise. */
bool emit_bit_string(struct emitter *e, unsigned guest);

/* emit_system.c: likewise. */
bool emit_system(struct emitter *e, unsigned guest);

/* emit_string.c */
/** A repeated string instruction in line; false when the handler must be called. */
bool emit_string(struct emitter *e, unsigned guest);
/** The stub of e->slow[number], which has a `string_stub`. */
void emit_string_stub(struct emitter *e, unsigned number);

/* emit_block.c */
/** Translate into code memory at its `used`; NULL when there is no room. */
struct x64_block *x64_emit_block(struct backend *backend, const struct ir_block *ir,
                                 struct bt_block *block);

static inline uint32_t emit_here(const struct emitter *e) {
    return (uint32_t)(e->as.at - e->backend->memory.writable);
}

#endif
