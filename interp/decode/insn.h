/*
 * A fully decoded instruction: 40 bytes, everything that a handler needs.
 * A block is an array of these; the last one is a sentinel whose handler leaves the block.
 */
#ifndef INTERP_DECODE_INSN_H
#define INTERP_DECODE_INSN_H

#include "interp/cpu/cpu.h"

#include <stdint.h>

struct insn;

/** Execute `insn` and return the next instruction to execute, or NULL to leave the block.
 *  In threaded builds hot handlers tail-call the next handler instead (interp/exec/exec.h). */
typedef const struct insn *exec_fn(struct cpu *cpu, const struct insn *insn);

enum insn_flag {
    INSN_MEM = 1 << 0, /* the ModRM (or moffs) operand is in memory */
    INSN_OPSIZE_32 = 1 << 1,
    INSN_ADDRSIZE_32 = 1 << 2,
    INSN_REP = 1 << 3,   /* F3 */
    INSN_REPNE = 1 << 4, /* F2 */
    INSN_LOCK = 1 << 5,
    INSN_SEG_OVERRIDE = 1 << 6,
    INSN_IMM = 1 << 7, /* the last explicit operand is an immediate */
};

/* Operand kinds that select a specialised handler (see interp/decode/op.h). Where registers are:
   BINARY and XCHG  RR: first rm, second reg (Gv,Ev turned round); RM: first reg; MR: second reg;
                    RI: first rm
   LOADS            first reg; RR: second rm
   other shapes     E, R and Z operands: rm; G operands: reg
   A register that is the only one is in both reg and rm. */
enum insn_form {
    FORM_RR, /* first operand register; second register, CL or none */
    FORM_RM, /* first operand register, second memory */
    FORM_MR, /* first operand memory; second register, CL or none */
    FORM_RI, /* register, immediate */
    FORM_MI, /* memory, immediate */
    FORM_COUNT
};

enum insn_width { WIDTH_8, WIDTH_16, WIDTH_32, WIDTH_COUNT };

struct insn {
    exec_fn *exec;
    uint32_t disp;      /* displacement, sign-extended; moffs address */
    uint32_t imm;       /* immediate, sign-extended to 32 bits (counts, ports, vectors, AAM, RET and
                           ENTER: zero-extended); relative branch: displacement; x87: FOP */
    uint32_t ea_mask;   /* ffffffff or ffff by address size */
    uint16_t imm2;      /* ENTER's level; far pointer's selector */
    uint16_t op;        /* enum op */
    uint16_t ip_offset; /* bytes from the block's first instruction to this one */
    uint8_t length;     /* bytes, 1 to 15 */
    uint8_t index;      /* number of this instruction in its block, from 0 */
    uint8_t reg;        /* G, S, C, D, P or V operand (a segment register also when implied) */
    uint8_t rm;         /* E, R, Q, W or Z operand that is a register; the accumulator */
    uint8_t base;       /* GPR slot; GPR_ZERO when absent */
    uint8_t index_reg;  /* GPR slot; GPR_ZERO when absent */
    uint8_t scale;      /* shift count 0..3 */
    uint8_t seg;        /* enum segment_name of the memory operand, override applied */
    uint8_t flags;      /* enum insn_flag */
    uint8_t width;      /* enum insn_width of the operation */
    uint8_t form;       /* enum insn_form */
    bool is_quick;      /* exec is one of quick.c: right in this place of this block alone */
};

/** Offset part of the memory operand's address. */
static inline uint32_t insn_ea(const struct cpu *cpu, const struct insn *insn) {
    uint32_t ea = (uint32_t)cpu->gpr[insn->base] +
                  ((uint32_t)cpu->gpr[insn->index_reg] << insn->scale) + insn->disp;
    return ea & insn->ea_mask;
}

/** IP of this instruction, and of the one behind it (not yet wrapped to 16 bits). */
static inline uint32_t insn_ip(const struct cpu *cpu, const struct insn *insn) {
    return (uint32_t)cpu->ip_base + insn->ip_offset;
}
static inline uint32_t insn_next_ip(const struct cpu *cpu, const struct insn *insn) {
    return insn_ip(cpu, insn) + insn->length;
}

#endif
