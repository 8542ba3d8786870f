/*
 * The translator's intermediate representation: a linear list of small typed operations for one
 * guest block. Guest registers are first-class locations, so that a same-ISA back end can keep them
 * in host registers; each arithmetic operation names the flags that it must produce, and the
 * dead-flag pass shrinks that set. Memory operands keep base + index * scale + displacement, which
 * most hosts can address directly.
 *
 * Invariants (ir_verify checks them after each pass in debug builds):
 *  1. A temporary is written before it is read, and only once.
 *  2. Exactly one END operation, the last one.
 *  3. Operations of one guest instruction stand together, in guest order; every guest register and
 *     flag is architecturally exact before the first operation of each guest instruction.
 *  4. Within one guest instruction, registers and flags are written only after its last operation
 *     that may fault (so a fault needs no undo).
 *  5. A side exit is the last operation of its guest instruction, but for a JUMP that ends the
 *     block; its exit number is one more than that of the side exit before it, from
 *     IR_FIRST_SIDE_EXIT.
 *
 * A block is a basic block, or a superblock: several basic blocks of one page in the order in which
 * they ran most often, possibly some of them more than once. What leads off that path is a side
 * exit.
 */
#ifndef TRANSLATOR_IR_IR_H
#define TRANSLATOR_IR_IR_H

#include "interp/decode/disasm.h"
#include "interp/decode/insn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ir_op {
#define IR(name, ...) IR_##name,
#include "translator/ir/ir_ops.def"
#undef IR
    IR_OP_COUNT
};

enum ir_type { IR_I8, IR_I16, IR_I32 };

enum ir_effects { IR_PURE, IR_LOADS, IR_STORES, IR_CALLS, IR_EXITS, IR_ENDS };

/* Where a value lives. An I8 register operand 4..7 is AH, CH, DH or BH; I8 and I16 writes keep the
   register's other bits. */
enum ir_value_kind { IR_NOTHING, IR_REGISTER, IR_TEMP, IR_CONSTANT };

struct ir_value {
    uint8_t kind;
    uint8_t number;    /* register or temporary */
    uint32_t constant; /* for IR_CONSTANT, sign-extended to 32 bits */
};

/* How the segment takes part in the address, fixed by the block's mode key. */
enum ir_segment_check {
    IR_SEG_FLAT,    /* base 0, limit 4 GiB, all rights: linear = offset */
    IR_SEG_BASE,    /* limit 4 GiB, all rights: linear = base + offset */
    IR_SEG_CHECKED, /* compare with read_end or write_end, then add the base */
};

struct ir_memory {
    struct ir_value base, index; /* REGISTER or TEMP of 32 bits, or NOTHING */
    uint32_t displacement;
    uint8_t scale;   /* shift count 0..3 */
    bool is_16_bit;  /* the offset wraps at 64 KiB */
    uint8_t segment; /* enum segment_name */
    uint8_t check;   /* enum ir_segment_check */
};

/* Condition codes as in Jcc opcodes: O NO B NB Z NZ BE NBE S NS P NP L NL LE NLE. */
struct ir_insn {
    uint8_t op;   /* enum ir_op */
    uint8_t type; /* enum ir_type */
    uint8_t cond;
    uint16_t flags_out;  /* FLAG_* that must be produced (SETS); others stay as they were */
    uint16_t flags_in;   /* FLAG_* that are read */
    uint16_t flags_live; /* after this operation; filled in by the dead-flag pass */
    uint16_t guest;      /* number of the guest instruction in the block */
    struct ir_value dst, a, b, c;
    struct ir_memory memory;
    uint32_t imm, imm2;
};

#define IR_MAX_INSNS 512
#define IR_MAX_TEMPS 256
#define IR_MAX_GUEST 128

/* Exits 0 and 1 are those of the END operation. */
#define IR_FIRST_SIDE_EXIT 2u

/* A run of bytes, within a page, that a block was made of. */
struct ir_piece {
    uint16_t offset, bytes;
};
#define IR_MAX_PIECES 8

/* What a block's code may depend on; part of its key. */
struct block_mode {
    bool code_is_32, stack_is_32, is_user, is_protected, is_v86;
    bool is_ring_0;                   /* CPL 0: real mode too */
    bool moves_down;                  /* EFLAGS.DF */
    uint8_t segment_check[SEG_COUNT]; /* enum ir_segment_check */
    bool x87_usable;                  /* helper_x87_is_quiet */
    bool simd_usable;                 /* EM, TS, OSFXSR allow it without a fault, MXCSR masks all */
    uint16_t code_limit_class;        /* 10 bits that stand for code_limit in the key */
    uint32_t code_limit;              /* of CS: near jumps beyond it raise #GP */
    bool counts_instructions;         /* -clock icount: stop exactly at the budget */
    bool uses_window;                 /* an address window is in force (softmmu/window.h) */
};

struct ir_block {
    struct block_mode mode;
    bool is_superblock;
    bool has_gone_on; /* is_superblock: it is more than a basic block */
    uint32_t ip;      /* EIP of the first guest instruction */
    uint32_t page_ip; /* EIP of the page's first byte, from which insn.ip_offset counts */
    unsigned guest_count;
    unsigned guest_bytes; /* of all guest instructions, each as often as it stands here */
    unsigned exit_count;  /* IR_FIRST_SIDE_EXIT and one for each side exit */
    unsigned piece_count;
    struct ir_piece piece[IR_MAX_PIECES]; /* rising; they neither overlap nor touch */
    struct insn guest[IR_MAX_GUEST + 1];  /* decoded instructions, then a stop sentinel */
    uint8_t bytes[IR_MAX_GUEST * 15];     /* their bytes, one after the other */
    unsigned count;
    unsigned temps;
    struct ir_insn insn[IR_MAX_INSNS];
};

/** Print as text, one operation a line, guest instructions as comments. */
void ir_print(const struct ir_block *block, struct disasm *disasm, FILE *out);
/** Check the invariants; false with a message when one is broken. */
bool ir_verify(const struct ir_block *block, char *message, size_t size);

/** Static facts of an operation. */
struct ir_op_info {
    const char *name, *shape, *meaning;
    uint8_t effects; /* enum ir_effects */
    bool sets_flags, reads_flags;
};
const struct ir_op_info *ir_op_info(enum ir_op op);

static inline bool ir_is_side_exit(const struct ir_insn *insn) {
    return ir_op_info((enum ir_op)insn->op)->effects == IR_EXITS;
}

#endif
