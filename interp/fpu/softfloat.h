/*
 * Floating point as x86 does it, in portable integer arithmetic: the x87's 80-bit format and
 * SSE's 32- and 64-bit formats, given as bit patterns. Results and exception flags are those of
 * the hardware, bit for bit; transcendental functions are within one unit in the last place.
 *
 * Every function takes an environment. It reads rounding, masks and modes there, and adds the
 * exceptions that the operation raised to `flags`; it never clears one. A pre-computation
 * exception (IE, DE, ZE) that is not masked ends the operation early: the returned value is then
 * meaningless and the caller must not store it. An unmasked OE or UE yields the result with its
 * exponent wrapped by 24576 for an 80-bit destination, and nothing to be stored for 32- and
 * 64-bit ones.
 *
 * NaN rules: f80_* functions follow the x87 (the larger significand wins), f32_* and f64_*
 * follow SSE (the first operand wins).
 *
 * Source: SDM vol. 1, "Floating-Point Exceptions", "Rules for Handling NaNs" and "x87 FPU
 * Floating-Point Exception Conditions"; doubtful corners were measured on hardware.
 */
#ifndef INTERP_FPU_SOFTFLOAT_H
#define INTERP_FPU_SOFTFLOAT_H

#include "interp/fpu/float80.h"

/* Numbered as the RC fields of the x87 control word and of MXCSR. */
enum float_rounding {
    FLOAT_ROUND_NEAREST = 0,
    FLOAT_ROUND_DOWN = 1,
    FLOAT_ROUND_UP = 2,
    FLOAT_ROUND_ZERO = 3,
};

/* Numbered as in the x87 status and control words and in MXCSR. */
enum float_flag {
    FLOAT_IE = 0x01,
    FLOAT_DE = 0x02,
    FLOAT_ZE = 0x04,
    FLOAT_OE = 0x08,
    FLOAT_UE = 0x10,
    FLOAT_PE = 0x20,
    FLOAT_ALL_FLAGS = 0x3f,
};

struct float_env {
    uint8_t rounding;        /* enum float_rounding */
    uint8_t precision;       /* significand bits of f80 + - * / sqrt: 24, 53 or 64 */
    uint8_t masked;          /* set of enum float_flag */
    uint8_t flags;           /* set of enum float_flag raised so far */
    bool flush_to_zero;      /* MXCSR.FTZ; f32_* and f64_* only */
    bool denormals_are_zero; /* MXCSR.DAZ; f32_* and f64_* only */
    bool rounded_up;         /* the last result exceeds the exact one in magnitude: C1 */
    bool denormal_operand;   /* the next f80 operation's memory operand was denormal */
};

enum float_relation {
    FLOAT_LESS,
    FLOAT_EQUAL,
    FLOAT_GREATER,
    FLOAT_UNORDERED,
};

/** True when a pre-computation exception was raised that is not masked: store no result. */
static inline bool float_env_aborted(const struct float_env *env) {
    return (env->flags & ~env->masked & (FLOAT_IE | FLOAT_DE | FLOAT_ZE)) != 0;
}

/* --- x87 arithmetic: softfloat_f80.c --- */

struct float80 f80_add(struct float80 a, struct float80 b, struct float_env *env);
struct float80 f80_sub(struct float80 a, struct float80 b, struct float_env *env);
struct float80 f80_mul(struct float80 a, struct float80 b, struct float_env *env);
struct float80 f80_div(struct float80 a, struct float80 b, struct float_env *env);
struct float80 f80_sqrt(struct float80 a, struct float_env *env);

/** Round to an integral value in the environment's rounding mode (FRNDINT). */
struct float80 f80_round_to_integral(struct float80 a, struct float_env *env);

/** a * 2^trunc(b) (FSCALE). */
struct float80 f80_scale(struct float80 a, struct float80 b, struct float_env *env);

/** Split a into significand (returned, magnitude in [1, 2)) and exponent (FXTRACT). */
struct float80 f80_extract(struct float80 a, struct float80 *exponent, struct float_env *env);

/** Compare; `quiet`: only signalling NaNs are invalid (FUCOM), else all NaNs are (FCOM). */
enum float_relation f80_compare(struct float80 a, struct float80 b, bool quiet,
                                struct float_env *env);

/* --- x87 remainders: softfloat_remainder.c --- */

struct float_remainder {
    struct float80 value;
    uint64_t quotient; /* its low three bits go to C0, C3 and C1 */
    bool is_partial;   /* C2: reduction incomplete, quotient meaningless */
};

/** One step of a mod b, quotient truncated (FPREM). */
struct float_remainder f80_remainder_truncate(struct float80 a, struct float80 b,
                                              struct float_env *env);

/** One step of a mod b, quotient rounded to nearest even (FPREM1). */
struct float_remainder f80_remainder_nearest(struct float80 a, struct float80 b,
                                             struct float_env *env);

/* --- x87 transcendental functions: softfloat_exp_log.c, softfloat_trig.c --- */

/** 2^a - 1 for a in [-1, 1] (F2XM1). */
struct float80 f80_exp2_minus_1(struct float80 a, struct float_env *env);

/** y * log2(x) (FYL2X). */
struct float80 f80_y_log2_x(struct float80 y, struct float80 x, struct float_env *env);

/** y * log2(x + 1) (FYL2XP1). */
struct float80 f80_y_log2_x_plus_1(struct float80 y, struct float80 x, struct float_env *env);

/** The angle of the point (x, y), in [-pi, pi] (FPATAN). */
struct float80 f80_arctan(struct float80 y, struct float80 x, struct float_env *env);

/*
 * FSIN, FCOS and FPTAN. They reduce their argument by the hardware's 66-bit pi. They return false,
 * and leave outputs and flags alone, when |a| >= 2^63 (the instruction then sets C2).
 */
bool f80_sin(struct float80 a, struct float80 *sine, struct float_env *env);
bool f80_cos(struct float80 a, struct float80 *cosine, struct float_env *env);
bool f80_sincos(struct float80 a, struct float80 *sine, struct float80 *cosine,
                struct float_env *env);
bool f80_tan(struct float80 a, struct float80 *tangent, struct float_env *env);

/* --- conversions: softfloat_convert.c, softfloat_bcd.c --- */

/** FLD m32/m64: a signalling NaN becomes quiet (IE), a denormal raises DE but loads even so. */
struct float80 f80_from_f32(uint32_t a, struct float_env *env);
struct float80 f80_from_f64(uint64_t a, struct float_env *env);

/**
 * A memory operand of x87 arithmetic: widened as it is, because the operation itself judges NaNs
 * and denormals. Leaves a note for the operation in env->denormal_operand.
 */
struct float80 f80_operand_from_f32(uint32_t a, struct float_env *env);
struct float80 f80_operand_from_f64(uint64_t a, struct float_env *env);

struct float80 f80_from_i64(int64_t a);
uint32_t f80_to_f32(struct float80 a, struct float_env *env);
uint64_t f80_to_f64(struct float80 a, struct float_env *env);

/** FIST: rounded by `rounding`; invalid delivers the most negative integer. */
int16_t f80_to_i16(struct float80 a, enum float_rounding rounding, struct float_env *env);
int32_t f80_to_i32(struct float80 a, enum float_rounding rounding, struct float_env *env);
int64_t f80_to_i64(struct float80 a, enum float_rounding rounding, struct float_env *env);

/** FBLD: ten bytes, 18 packed decimal digits and a sign; other bits are ignored. */
struct float80 f80_from_bcd(const uint8_t bcd[10]);

/** FBSTP: ten bytes; invalid delivers the packed decimal indefinite. */
void f80_to_bcd(struct float80 a, uint8_t bcd[10], struct float_env *env);

uint32_t f64_to_f32(uint64_t a, struct float_env *env);
uint64_t f32_to_f64(uint32_t a, struct float_env *env);
int32_t f32_to_i32(uint32_t a, enum float_rounding rounding, struct float_env *env);
int64_t f32_to_i64(uint32_t a, enum float_rounding rounding, struct float_env *env);
int32_t f64_to_i32(uint64_t a, enum float_rounding rounding, struct float_env *env);
int64_t f64_to_i64(uint64_t a, enum float_rounding rounding, struct float_env *env);
uint32_t f32_from_i64(int64_t a, struct float_env *env);
uint64_t f64_from_i64(int64_t a, struct float_env *env);

/* --- SSE arithmetic: softfloat_sse.c --- */

uint32_t f32_add(uint32_t a, uint32_t b, struct float_env *env);
uint32_t f32_sub(uint32_t a, uint32_t b, struct float_env *env);
uint32_t f32_mul(uint32_t a, uint32_t b, struct float_env *env);
uint32_t f32_div(uint32_t a, uint32_t b, struct float_env *env);
uint32_t f32_sqrt(uint32_t a, struct float_env *env);

uint64_t f64_add(uint64_t a, uint64_t b, struct float_env *env);
uint64_t f64_sub(uint64_t a, uint64_t b, struct float_env *env);
uint64_t f64_mul(uint64_t a, uint64_t b, struct float_env *env);
uint64_t f64_div(uint64_t a, uint64_t b, struct float_env *env);
uint64_t f64_sqrt(uint64_t a, struct float_env *env);

/** MINSS and friends: a NaN anywhere (IE), or two zeros, yield the second operand. */
uint32_t f32_min(uint32_t a, uint32_t b, struct float_env *env);
uint32_t f32_max(uint32_t a, uint32_t b, struct float_env *env);
uint64_t f64_min(uint64_t a, uint64_t b, struct float_env *env);
uint64_t f64_max(uint64_t a, uint64_t b, struct float_env *env);

/** As f80_compare: `quiet` for UCOMISS and the quiet CMPPS predicates. */
enum float_relation f32_compare(uint32_t a, uint32_t b, bool quiet, struct float_env *env);
enum float_relation f64_compare(uint64_t a, uint64_t b, bool quiet, struct float_env *env);

#endif
