/*
 * A small x86-64 assembler: instructions as values, so that one can be emitted twice with different
 * memory operands (in a block, and again in its out-of-line stub). Code is written through one
 * mapping and runs at another address; relative operands are computed for the latter.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_ENCODE_H
#define TRANSLATOR_BACKEND_X86_64_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as encoded. X64_HIGH + 4..7 are AH, CH, DH and BH, which no REX prefix may accompany. */
enum x64_reg {
    X64_RAX,
    X64_RCX,
    X64_RDX,
    X64_RBX,
    X64_RSP,
    X64_RBP,
    X64_RSI,
    X64_RDI,
    X64_R8,
    X64_R9,
    X64_R10,
    X64_R11,
    X64_R12,
    X64_R13,
    X64_R14,
    X64_R15,
    X64_HIGH = 16,
    X64_NO_REG = 0xff,
};

enum x64_size { X64_8, X64_16, X64_32, X64_64 };

/** A memory operand: [base + index << scale + displacement], or an address near the code. */
struct x64_mem {
    uint8_t base, index; /* X64_NO_REG: absent */
    uint8_t scale;       /* shift count 0..3 */
    bool in_window;      /* GS segment, and the offset is cut to 32 bits (address-size prefix) */
    bool in_tables;      /* GS segment */
    int32_t displacement;
    const void *target; /* not NULL: RIP-relative, the rest is not used */
};

/** An instruction with a ModRM byte, all but its r/m operand. */
struct x64_insn {
    uint32_t opcode;  /* 0xNN, 0x0fNN or 0x0f38NN */
    uint8_t prefix;   /* mandatory F2, F3 or 66; 0: none */
    uint8_t size;     /* enum x64_size: operand-size prefix or REX.W */
    uint8_t reg;      /* register, or the opcode's extension */
    bool reg_is_byte; /* `reg` names a byte register */
    bool rm_is_byte;  /* the r/m operand, if a register, is a byte register */
    uint8_t imm_bytes;
    uint32_t imm;
};

struct x64_asm {
    uint8_t *at, *end;  /* where bytes are written */
    ptrdiff_t to_code;  /* from there to where they run */
    bool has_overflown; /* something did not fit; the code is useless */
};

static inline bool x64_is_high(uint8_t reg) {
    return reg != X64_NO_REG && reg >= X64_HIGH;
}
static inline bool x64_needs_rex(uint8_t reg) {
    return reg != X64_NO_REG && reg >= X64_R8 && reg < X64_HIGH;
}
static inline bool x64_mem_needs_rex(const struct x64_mem *mem) {
    return mem->target == NULL && (x64_needs_rex(mem->base) || x64_needs_rex(mem->index));
}
static inline struct x64_mem x64_near(const void *target) {
    return (struct x64_mem){.base = X64_NO_REG, .index = X64_NO_REG, .target = target};
}
static inline struct x64_mem x64_at(uint8_t base, int32_t displacement) {
    return (struct x64_mem){.base = base, .index = X64_NO_REG, .displacement = displacement};
}

/** Address at which the next byte will run. */
static inline const uint8_t *x64_here(const struct x64_asm *as) {
    return as->at + as->to_code;
}

void x64_byte(struct x64_asm *as, uint8_t value);
void x64_word32(struct x64_asm *as, uint32_t value);
/** Emit `insn` with a register or a memory operand. AH..BH with a REX prefix cannot be encoded:
 *  that is an overflow, so that no wrong code ever runs. */
void x64_with_reg(struct x64_asm *as, const struct x64_insn *insn, uint8_t rm);
void x64_with_mem(struct x64_asm *as, const struct x64_insn *insn, const struct x64_mem *mem);

/** Plain forms: `opcode reg, r/m` on registers of one size. */
void x64_reg_reg(struct x64_asm *as, uint32_t opcode, enum x64_size size, uint8_t reg, uint8_t rm);
void x64_reg_mem(struct x64_asm *as, uint32_t opcode, enum x64_size size, uint8_t reg,
                 const struct x64_mem *mem);
/** reg = value, zero-extended to 64 bits. */
void x64_mov_imm32(struct x64_asm *as, uint8_t reg, uint32_t value);
void x64_mov_imm64(struct x64_asm *as, uint8_t reg, uint64_t value);
/** BMI2 instructions, which leave flags alone: rotate right by `count`; shift right (also signed)
 * or left by the low 5 or 6 bits of a register. Only where the host has them. */
void x64_rorx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count);
void x64_shrx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count_reg);
void x64_sarx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count_reg);
void x64_shlx(struct x64_asm *as, enum x64_size size, uint8_t reg, uint8_t rm, uint8_t count_reg);
/** Jumps and calls with 32-bit displacements. */
void x64_jmp(struct x64_asm *as, const void *target);
void x64_jcc(struct x64_asm *as, unsigned condition, const void *target);
void x64_call(struct x64_asm *as, const void *target);
/** An opcode with an 8-bit displacement to be filled in; returns where, for x64_land. */
uint8_t *x64_short_jump(struct x64_asm *as, uint8_t opcode);
/** Let the short jump go to the next instruction. */
void x64_land(struct x64_asm *as, uint8_t *displacement);

/** NOPs up to an address that is a multiple of `bytes`. */
void x64_align(struct x64_asm *as, unsigned bytes);

#endif
