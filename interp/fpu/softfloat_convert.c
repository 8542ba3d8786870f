/*
 * Conversions between the floating-point formats, and between them and integers.
 *
 * Source: SDM vol. 2, "FLD", "FST/FSTP", "FIST/FISTP" and the CVT* instructions.
 */
#include "interp/fpu/unpacked.h"

static struct float80 load(uint64_t bits, const struct fp_format *format, struct float_env *env) {
    struct fp_number n = fp_unpack(bits, format);
    env->rounded_up = false;
    if (n.kind == FP_NUMBER_SIGNALLING_NAN) {
        env->flags |= FLOAT_IE;
        n.hi |= F80_QUIET_BIT;
    }
    if (n.denormal)
        env->flags |= FLOAT_DE;
    return fp_pack_f80(&n);
}

struct float80 f80_from_f32(uint32_t a, struct float_env *env) {
    return load(a, &fp_format_f32, env);
}

struct float80 f80_from_f64(uint64_t a, struct float_env *env) {
    return load(a, &fp_format_f64, env);
}

struct float80 f80_operand_from_f32(uint32_t a, struct float_env *env) {
    struct fp_number n = fp_unpack(a, &fp_format_f32);
    env->denormal_operand = n.denormal;
    return fp_pack_f80(&n);
}

struct float80 f80_operand_from_f64(uint64_t a, struct float_env *env) {
    struct fp_number n = fp_unpack(a, &fp_format_f64);
    env->denormal_operand = n.denormal;
    return fp_pack_f80(&n);
}

static struct fp_number from_i64(int64_t a) {
    if (a == 0)
        return fp_zero(false);
    uint64_t magnitude = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    unsigned shift = leading_zeros_64(magnitude);
    return (struct fp_number){.kind = FP_NUMBER_FINITE,
                              .negative = a < 0,
                              .exponent = 63 - (int)shift,
                              .hi = magnitude << shift};
}

struct float80 f80_from_i64(int64_t a) {
    struct fp_number n = from_i64(a);
    return fp_pack_f80(&n);
}

uint32_t f32_from_i64(int64_t a, struct float_env *env) {
    struct fp_number n = from_i64(a);
    fp_round(&n, &fp_format_f32, env);
    return (uint32_t)fp_pack(&n, &fp_format_f32);
}

uint64_t f64_from_i64(int64_t a, struct float_env *env) {
    struct fp_number n = from_i64(a);
    fp_round(&n, &fp_format_f64, env);
    return fp_pack(&n, &fp_format_f64);
}

/* Round to a shorter format. A NaN loses the low bits of its payload and becomes quiet. */
static uint64_t narrow(struct fp_number *n, const struct fp_format *format, struct float_env *env) {
    env->rounded_up = false;
    if (n->kind == FP_NUMBER_UNSUPPORTED)
        *n = fp_invalid(env);
    if (n->kind == FP_NUMBER_SIGNALLING_NAN) {
        env->flags |= FLOAT_IE;
        n->hi |= F80_QUIET_BIT;
    }
    fp_round(n, format, env);
    return fp_pack(n, format);
}

/* FST: with OE or UE unmasked nothing is stored, and the inexact result is not reported. */
static uint64_t store(struct float80 a, const struct fp_format *format, struct float_env *env) {
    struct fp_number n = fp_unpack_f80(a);
    uint8_t flags_before = env->flags;
    uint64_t bits = narrow(&n, format, env);
    uint8_t out_of_range = env->flags & ~env->masked & (FLOAT_OE | FLOAT_UE);
    if (out_of_range) {
        env->flags = flags_before | out_of_range;
        env->rounded_up = false;
    }
    return bits;
}

uint32_t f80_to_f32(struct float80 a, struct float_env *env) {
    return (uint32_t)store(a, &fp_format_f32, env);
}

uint64_t f80_to_f64(struct float80 a, struct float_env *env) {
    return store(a, &fp_format_f64, env);
}

/* SSE's view of an operand: DAZ, else DE. Returns true when DE ends the operation. */
static bool sse_denormal(struct fp_number *n, struct float_env *env) {
    if (!n->denormal)
        return false;
    if (env->denormals_are_zero) {
        *n = fp_zero(n->negative);
        return false;
    }
    env->flags |= FLOAT_DE;
    return !(env->masked & FLOAT_DE);
}

uint32_t f64_to_f32(uint64_t a, struct float_env *env) {
    struct fp_number n = fp_unpack(a, &fp_format_f64);
    if (sse_denormal(&n, env))
        return 0;
    return (uint32_t)narrow(&n, &fp_format_f32, env);
}

uint64_t f32_to_f64(uint32_t a, struct float_env *env) {
    struct fp_number n = fp_unpack(a, &fp_format_f32);
    if (sse_denormal(&n, env))
        return 0;
    return narrow(&n, &fp_format_f64, env);
}

/* `width`: bits of the signed destination. Invalid delivers its most negative value. */
static int64_t to_integer(const struct fp_number *n, unsigned width, enum float_rounding rounding,
                          struct float_env *env) {
    uint64_t limit = UINT64_C(1) << (width - 1);
    env->rounded_up = false;
    if (n->kind == FP_NUMBER_ZERO)
        return 0;
    if (n->kind == FP_NUMBER_FINITE && n->exponent < 64) {
        bool inexact, up;
        uint64_t magnitude = fp_integer(n, rounding, &inexact, &up);
        if (magnitude < limit || (magnitude == limit && n->negative)) {
            env->rounded_up = up;
            env->flags |= inexact ? FLOAT_PE : 0;
            return n->negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        }
    }
    env->flags |= FLOAT_IE;
    return (int64_t)(0 - limit);
}

int16_t f80_to_i16(struct float80 a, enum float_rounding rounding, struct float_env *env) {
    struct fp_number n = fp_unpack_f80(a);
    return (int16_t)to_integer(&n, 16, rounding, env);
}

int32_t f80_to_i32(struct float80 a, enum float_rounding rounding, struct float_env *env) {
    struct fp_number n = fp_unpack_f80(a);
    return (int32_t)to_integer(&n, 32, rounding, env);
}

int64_t f80_to_i64(struct float80 a, enum float_rounding rounding, struct float_env *env) {
    struct fp_number n = fp_unpack_f80(a);
    return to_integer(&n, 64, rounding, env);
}

/* CVT*2SI raise no DE, but DAZ still hides a denormal. */
static int64_t sse_to_integer(uint64_t bits, const struct fp_format *format, unsigned width,
                              enum float_rounding rounding, struct float_env *env) {
    struct fp_number n = fp_unpack(bits, format);
    if (n.denormal && env->denormals_are_zero)
        n = fp_zero(n.negative);
    return to_integer(&n, width, rounding, env);
}

int32_t f32_to_i32(uint32_t a, enum float_rounding rounding, struct float_env *env) {
    return (int32_t)sse_to_integer(a, &fp_format_f32, 32, rounding, env);
}

int64_t f32_to_i64(uint32_t a, enum float_rounding rounding, struct float_env *env) {
    return sse_to_integer(a, &fp_format_f32, 64, rounding, env);
}

int32_t f64_to_i32(uint64_t a, enum float_rounding rounding, struct float_env *env) {
    return (int32_t)sse_to_integer(a, &fp_format_f64, 32, rounding, env);
}

int64_t f64_to_i64(uint64_t a, enum float_rounding rounding, struct float_env *env) {
    return sse_to_integer(a, &fp_format_f64, 64, rounding, env);
}
