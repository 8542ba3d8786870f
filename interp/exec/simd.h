/*
 * What the handlers of MMX, SSE and SSE2 share: whether the instruction may run at all, registers,
 * and memory operands of 8 and 16 bytes.
 *
 * An XMM register is two quadwords, and an MMX register one; u64[] is the authoritative view.
 * Nearly every packed operation is therefore one function on quadwords, which the MMX form applies
 * once and the XMM form twice. union lanes splits a quadword without depending on the host's byte
 * order: loops over all lanes may index directly, anything that cares which lane is which uses
 * LANE().
 */
#ifndef INTERP_EXEC_SIMD_H
#define INTERP_EXEC_SIMD_H

#include "interp/exec/operand.h"
#include "interp/exec/x87.h"

union lanes {
    uint8_t u8[8];
    int8_t s8[8];
    uint16_t u16[4];
    int16_t s16[4];
    uint32_t u32[2];
    int32_t s32[2];
    uint64_t u64;
};

/* Index of lane n, counted from the least significant end, in a view of so many bits. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LANE(bits, n) ((64 / (bits)-1) ^ (n))
#else
#define LANE(bits, n) (n)
#endif

/* ---- Permission to run ---------------------------------------------------------------------- */

/** Raise what forbids SSE: #UD (CR0.EM set, CR4.OSFXSR clear), else #NM (CR0.TS). */
noreturn void sse_refuse(struct cpu *cpu);

/** MMX may run, or #UD, #NM or #MF is raised. */
static inline void mmx_require(struct cpu *cpu) {
    if (UNLIKELY((cpu->cr0 & (CR0_EM | CR0_TS)) != 0 || (cpu->x87.status & X87_ES)))
        x87_check_mmx(cpu);
}

/** SSE may run, or #UD or #NM is raised. */
static inline void sse_require(struct cpu *cpu) {
    if (UNLIKELY((cpu->cr0 & (CR0_EM | CR0_TS)) != 0 || !(cpu->cr4 & CR4_OSFXSR)))
        sse_refuse(cpu);
}

/* ---- MMX registers ------------------------------------------------------------------------- */

static inline uint64_t mmx_get(const struct cpu *cpu, unsigned n) {
    return cpu->x87.st[n].significand;
}

/** Write an MMX register, after the last access that may fault; its x87 register's sign and
 * exponent become all ones. */
static inline void mmx_set(struct cpu *cpu, unsigned n, uint64_t value) {
    x87_enter_mmx(cpu);
    cpu->x87.st[n] = (struct float80){.significand = value, .sign_exponent = 0xffff};
}

/** Value of a Q operand: register, or 64 bits of memory. */
static inline uint64_t mmx_source(struct cpu *cpu, const struct insn *i) {
    if (i->flags & INSN_MEM)
        return cpu_load64(cpu, i->seg, insn_ea(cpu, i));
    return mmx_get(cpu, i->rm);
}

/* ---- XMM registers ------------------------------------------------------------------------- */

static inline uint32_t xmm_get32(const union xmm *x, unsigned n) {
    return (uint32_t)(x->u64[n >> 1] >> (n & 1) * 32);
}

static inline void xmm_set32(union xmm *x, unsigned n, uint32_t value) {
    unsigned shift = (n & 1) * 32;
    x->u64[n >> 1] = (x->u64[n >> 1] & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

/** What becomes of a misaligned operand of 16 bytes: #GP(0), or #AC where alignment is not required
 *  but checked. */
void xmm_misaligned(struct cpu *cpu, bool aligned);

/** A W operand of 16 bytes: register, or memory. #GP(0) when `aligned` memory is not. */
static inline union xmm xmm_source_at(struct cpu *cpu, const struct insn *i, bool aligned) {
    if (!(i->flags & INSN_MEM))
        return cpu->xmm[i->rm];
    linear_addr linear = cpu_linear_read(cpu, i->seg, insn_ea(cpu, i), 16);
    if (UNLIKELY(linear & 15))
        xmm_misaligned(cpu, aligned);
    union xmm value;
    const uint8_t *host = cpu_host_read(cpu, linear, 16);
    if (LIKELY(host != NULL)) {
        value.u64[0] = load_le64(host);
        value.u64[1] = load_le64(host + 8);
    } else {
        value.u64[0] = cpu_load_linear64(cpu, linear);
        value.u64[1] = cpu_load_linear64(cpu, (uint32_t)(linear + 8));
    }
    return value;
}

static inline union xmm xmm_source(struct cpu *cpu, const struct insn *i) {
    return xmm_source_at(cpu, i, true);
}

/** The low 64 or 32 bits of a W operand; memory is read no further, and need not be aligned. */
static inline uint64_t xmm_source64(struct cpu *cpu, const struct insn *i) {
    if (i->flags & INSN_MEM)
        return cpu_load64(cpu, i->seg, insn_ea(cpu, i));
    return cpu->xmm[i->rm].u64[0];
}

static inline uint32_t xmm_source32(struct cpu *cpu, const struct insn *i) {
    if (i->flags & INSN_MEM)
        return cpu_load32(cpu, i->seg, insn_ea(cpu, i));
    return (uint32_t)cpu->xmm[i->rm].u64[0];
}

/** Store 16 bytes at linear, all or nothing, where the fast path cannot. */
void xmm_store_slow(struct cpu *cpu, linear_addr linear, union xmm value);

/** Store 16 bytes to the memory operand; a fault leaves memory unchanged. */
static inline void xmm_store(struct cpu *cpu, const struct insn *i, union xmm value, bool aligned) {
    linear_addr linear = cpu_linear_write(cpu, i->seg, insn_ea(cpu, i), 16);
    if (UNLIKELY(linear & 15))
        xmm_misaligned(cpu, aligned);
    uint8_t *host = cpu_host_write(cpu, linear, 16);
    if (LIKELY(host != NULL)) {
        store_le64(host, value.u64[0]);
        store_le64(host + 8, value.u64[1]);
    } else {
        xmm_store_slow(cpu, linear, value);
    }
}

/** A general register or 32 bits of memory (Ed). */
static inline uint32_t simd_source_general(struct cpu *cpu, const struct insn *i) {
    return i->flags & INSN_MEM ? operand_load32(cpu, i) : cpu_reg32(cpu, i->rm);
}

/* ---- Handlers from functions of two quadwords: destination and source ---------------------- */

#define DEFINE_MMX(name, function)                                                                 \
    EXEC(name) {                                                                                   \
        mmx_require(cpu);                                                                          \
        uint64_t source = mmx_source(cpu, i);                                                      \
        mmx_set(cpu, i->reg, function(mmx_get(cpu, i->reg), source));                              \
        NEXT(cpu, i);                                                                              \
    }

#define DEFINE_XMM(name, function)                                                                 \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        union xmm source = xmm_source(cpu, i), *destination = &cpu->xmm[i->reg];                   \
        destination->u64[0] = function(destination->u64[0], source.u64[0]);                        \
        destination->u64[1] = function(destination->u64[1], source.u64[1]);                        \
        NEXT(cpu, i);                                                                              \
    }

#define DEFINE_MMX_AND_XMM(name, function) DEFINE_MMX(name, function) DEFINE_XMM(name##_X, function)

#endif
