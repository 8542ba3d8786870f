/*
 * Integer arithmetic as value functions: operands in, result out, lazy flags set on the way (see
 * interp/cpu/eflags.h for the scheme). `bits` is 8, 16 or 32 and a constant at every call, so that
 * each handler gets its own folded copy. Operands are zero-extended; of the result only the low
 * `bits` bits count.
 *
 * Flags that the manuals call undefined follow measurements on AMD Zen: shifts set AF; MUL and
 * IMUL leave all but CF and OF; BT and friends change CF only; BSF and BSR clear CF, AF, SF, OF and
 * set PF from the result.
 */
#ifndef INTERP_EXEC_ALU_H
#define INTERP_EXEC_ALU_H

#include "interp/cpu/eflags.h"
#include "softmmu/base/bits.h"

#define ALU_INLINE static inline __attribute__((always_inline))

ALU_INLINE uint32_t alu_mask(unsigned bits) {
    return UINT32_MAX >> (32 - bits);
}

ALU_INLINE uint32_t alu_sign_extend(unsigned bits, uint32_t value) {
    return bits == 8 ? (uint32_t)(int8_t)value : bits == 16 ? (uint32_t)(int16_t)value : value;
}

/** Record a result and its carry-out vector (bit n: carry or borrow out of bit n). */
ALU_INLINE void alu_set_flags(struct lazy_flags *f, unsigned bits, uint32_t result,
                              uint32_t carries) {
    f->result = alu_sign_extend(bits, result);
    f->aux = (carries << (32 - bits) & (LAZY_CF | LAZY_PO)) | (carries & LAZY_AF);
}

/** Set CF and leave the other five flags alone: OF is CF ^ PO, so both bits move together. */
ALU_INLINE void alu_set_cf(struct lazy_flags *f, bool cf) {
    if (cf != lazy_cf(f))
        f->aux ^= LAZY_CF | LAZY_PO;
}

ALU_INLINE void alu_set_cf_of(struct lazy_flags *f, bool cf, bool of) {
    f->aux = (f->aux & ~(LAZY_CF | LAZY_PO)) | (cf ? LAZY_CF : 0) | (cf != of ? LAZY_PO : 0);
}

ALU_INLINE uint32_t alu_add(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    uint32_t result = a + b;
    alu_set_flags(f, bits, result, (a & b) | ((a | b) & ~result));
    return result;
}

ALU_INLINE uint32_t alu_adc(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    uint32_t result = a + b + lazy_cf(f);
    alu_set_flags(f, bits, result, (a & b) | ((a | b) & ~result));
    return result;
}

ALU_INLINE uint32_t alu_sub(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    uint32_t result = a - b;
    alu_set_flags(f, bits, result, (~a & b) | (~(a ^ b) & result));
    return result;
}

ALU_INLINE uint32_t alu_sbb(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    uint32_t result = a - b - lazy_cf(f);
    alu_set_flags(f, bits, result, (~a & b) | (~(a ^ b) & result));
    return result;
}

ALU_INLINE uint32_t alu_and(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    alu_set_flags(f, bits, a & b, 0);
    return a & b;
}

ALU_INLINE uint32_t alu_or(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    alu_set_flags(f, bits, a | b, 0);
    return a | b;
}

ALU_INLINE uint32_t alu_xor(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b) {
    alu_set_flags(f, bits, a ^ b, 0);
    return a ^ b;
}

/* INC and DEC keep CF: put the old one back, moving PO along so that OF stays what it became. */
ALU_INLINE void alu_restore_cf(struct lazy_flags *f, uint32_t old_aux) {
    uint32_t differs = (f->aux ^ old_aux) >> 31;
    f->aux ^= (0 - differs) & (LAZY_CF | LAZY_PO);
}

ALU_INLINE uint32_t alu_inc(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t unused) {
    uint32_t old_aux = f->aux;
    uint32_t result = alu_add(f, bits, a, 1);
    alu_restore_cf(f, old_aux);
    return result;
}

ALU_INLINE uint32_t alu_dec(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t unused) {
    uint32_t old_aux = f->aux;
    uint32_t result = alu_sub(f, bits, a, 1);
    alu_restore_cf(f, old_aux);
    return result;
}

ALU_INLINE uint32_t alu_neg(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t unused) {
    return alu_sub(f, bits, 0, a);
}

ALU_INLINE uint32_t alu_not(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t unused) {
    return ~a;
}

/** SF, ZF and PF from the result, AF set, CF and OF as given: what all shifts do. */
ALU_INLINE void alu_set_shift_flags(struct lazy_flags *f, unsigned bits, uint32_t result, bool cf,
                                    bool of) {
    f->result = alu_sign_extend(bits, result);
    f->aux = (cf ? LAZY_CF : 0) | (cf != of ? LAZY_PO : 0) | LAZY_AF;
}

ALU_INLINE uint32_t alu_shl(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    count &= 31;
    if (count == 0)
        return a;
    uint64_t wide = (uint64_t)a << count;
    uint32_t result = (uint32_t)wide & alu_mask(bits);
    bool cf = wide >> bits & 1;
    alu_set_shift_flags(f, bits, result, cf, (result >> (bits - 1)) ^ cf);
    return result;
}

/* Bits 31 and 30 of the result differ exactly when the last shift step changed the sign. */
ALU_INLINE bool alu_top_bits_differ(unsigned bits, uint32_t result) {
    return ((result >> (bits - 1)) ^ (result >> (bits - 2))) & 1;
}

ALU_INLINE uint32_t alu_shr(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    count &= 31;
    if (count == 0)
        return a;
    uint32_t result = a >> count;
    alu_set_shift_flags(f, bits, result, a >> (count - 1) & 1, alu_top_bits_differ(bits, result));
    return result;
}

ALU_INLINE uint32_t alu_sar(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    count &= 31;
    if (count == 0)
        return a;
    int32_t value = (int32_t)alu_sign_extend(bits, a);
    uint32_t result = (uint32_t)(value >> count);
    alu_set_shift_flags(f, bits, result, value >> (count - 1) & 1, false);
    return result;
}

ALU_INLINE uint32_t alu_rol(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    if ((count & 31) == 0)
        return a;
    count &= bits - 1;
    uint32_t result = count == 0 ? a : (a << count | a >> (bits - count)) & alu_mask(bits);
    bool cf = result & 1;
    alu_set_cf_of(f, cf, (result >> (bits - 1)) ^ cf);
    return result;
}

ALU_INLINE uint32_t alu_ror(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    if ((count & 31) == 0)
        return a;
    count &= bits - 1;
    uint32_t result = count == 0 ? a : (a >> count | a << (bits - count)) & alu_mask(bits);
    alu_set_cf_of(f, result >> (bits - 1), alu_top_bits_differ(bits, result));
    return result;
}

/* CF takes part as one more bit: rotate `bits` + 1 bits, with CF above the operand. */
ALU_INLINE uint32_t alu_rcl(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    if ((count & 31) == 0)
        return a;
    count = (count & 31) % (bits + 1);
    uint64_t wide = a | (uint64_t)lazy_cf(f) << bits;
    wide = wide << count | wide >> (bits + 1 - count); /* a count of 0 changes nothing */
    uint32_t result = (uint32_t)wide & alu_mask(bits);
    bool cf = wide >> bits & 1;
    alu_set_cf_of(f, cf, (result >> (bits - 1)) ^ cf);
    return result;
}

ALU_INLINE uint32_t alu_rcr(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t count) {
    if ((count & 31) == 0)
        return a;
    count = (count & 31) % (bits + 1);
    uint64_t wide = a | (uint64_t)lazy_cf(f) << bits;
    wide = wide >> count | wide << (bits + 1 - count);
    uint32_t result = (uint32_t)wide & alu_mask(bits);
    alu_set_cf_of(f, wide >> bits & 1, alu_top_bits_differ(bits, result));
    return result;
}

/* Counts above 16 with 16-bit operands are undefined: AMD Zen shifts b in a second time and clears
   CF; from 16 on, SHLD sets OF to CF. */
ALU_INLINE uint32_t alu_shld(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b,
                             uint32_t count) {
    count &= 31;
    if (count == 0)
        return a;
    uint64_t wide = bits == 32 ? (uint64_t)a << 32 | b : (uint64_t)a << 32 | b << 16 | b;
    uint32_t result = (uint32_t)(wide << count >> 32) & alu_mask(bits);
    bool cf = count <= bits && (a >> (bits - count) & 1);
    bool of = count < bits ? (result >> (bits - 1)) != cf : cf;
    alu_set_shift_flags(f, bits, result, cf, of);
    return result;
}

ALU_INLINE uint32_t alu_shrd(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b,
                             uint32_t count) {
    count &= 31;
    if (count == 0)
        return a;
    uint64_t wide = bits == 32 ? (uint64_t)b << 32 | a : (uint64_t)b << 32 | b << 16 | a;
    uint32_t result = (uint32_t)(wide >> count) & alu_mask(bits);
    bool cf = count <= bits && (a >> (count - 1) & 1);
    alu_set_shift_flags(f, bits, result, cf, alu_top_bits_differ(bits, result));
    return result;
}

#endif
