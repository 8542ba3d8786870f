/*
 * The number that all formats unpack to and are rounded from, and the arithmetic core on it.
 * Internal to interp/fpu.
 *
 * A finite number other than zero is hi:lo / 2^127 * 2^exponent with bit 63 of hi set; bit 0 of
 * lo is sticky: it stands for anything below. NaNs keep their payload in hi, left-aligned as in
 * the 80-bit format.
 */
#ifndef INTERP_FPU_UNPACKED_H
#define INTERP_FPU_UNPACKED_H

#include "interp/fpu/softfloat.h"
#include "interp/fpu/wide_int.h"

enum fp_class {
    FP_NUMBER_ZERO,
    FP_NUMBER_FINITE,
    FP_NUMBER_INFINITY,
    FP_NUMBER_QUIET_NAN,
    FP_NUMBER_SIGNALLING_NAN,
    FP_NUMBER_UNSUPPORTED, /* unnormal, pseudo-NaN or pseudo-infinity of the 80-bit format */
};

struct fp_number {
    uint8_t kind; /* enum fp_class */
    bool negative;
    bool denormal; /* it was one in its format */
    int32_t exponent;
    uint64_t hi;
    uint64_t lo;
};

struct fp_format {
    uint8_t precision; /* significand bits, the integer bit included */
    int16_t min_exponent;
    int16_t max_exponent;
    int16_t wrap; /* exponent adjustment of unmasked overflow and underflow, 0 = no result */
};

extern const struct fp_format fp_format_f32, fp_format_f64, fp_format_f80;

/** The 80-bit format at the precision that the environment asks for. */
const struct fp_format *fp_format_f80_of(const struct float_env *env);

struct fp_number fp_unpack_f80(struct float80 a);

/** Unpack one of the formats with a hidden integer bit; `format` is f32 or f64. */
struct fp_number fp_unpack(uint64_t bits, const struct fp_format *format);

/** Round a number to the format, raising OE, UE and PE. Other classes pass unchanged. */
void fp_round(struct fp_number *n, const struct fp_format *format, struct float_env *env);

/** Pack a number that fits the format (fp_round made it so). NaNs are packed as they are. */
struct float80 fp_pack_f80(const struct fp_number *n);
uint64_t fp_pack(const struct fp_number *n, const struct fp_format *format);

/**
 * Magnitude of a finite number rounded to an integer, for exponents below 64.
 *
 * @inexact  out: true when the number was not integral
 * @up       out: true when the magnitude grew
 */
uint64_t fp_integer(const struct fp_number *n, enum float_rounding rounding, bool *inexact,
                    bool *up);

/* Exact up to the sticky bit, for finite operands; the caller rounds. */
struct fp_number fp_add_finite(const struct fp_number *a, const struct fp_number *b,
                               const struct float_env *env);
struct fp_number fp_mul_finite(const struct fp_number *a, const struct fp_number *b);
struct fp_number fp_div_finite(const struct fp_number *a, const struct fp_number *b);
struct fp_number fp_sqrt_finite(const struct fp_number *a);

/*
 * All that x87 and SSE have in common, for operands that are not NaN or unsupported. They raise IE
 * and ZE, and deliver numbers that are not rounded yet.
 */
struct fp_number fp_add(const struct fp_number *a, const struct fp_number *b,
                        struct float_env *env);
struct fp_number fp_mul(const struct fp_number *a, const struct fp_number *b,
                        struct float_env *env);
struct fp_number fp_div(const struct fp_number *a, const struct fp_number *b,
                        struct float_env *env);
struct fp_number fp_sqrt(const struct fp_number *a, struct float_env *env);

/** Order of two operands that are not NaN or unsupported. */
enum float_relation fp_compare(const struct fp_number *a, const struct fp_number *b);

static inline bool fp_is_nan(const struct fp_number *n) {
    return n->kind >= FP_NUMBER_QUIET_NAN;
}

static inline struct fp_number fp_zero(bool negative) {
    return (struct fp_number){.kind = FP_NUMBER_ZERO, .negative = negative};
}

static inline struct fp_number fp_infinity(bool negative) {
    return (struct fp_number){
        .kind = FP_NUMBER_INFINITY, .negative = negative, .hi = F80_INTEGER_BIT};
}

/** Raise IE and deliver the default NaN ("QNaN floating-point indefinite"). */
static inline struct fp_number fp_invalid(struct float_env *env) {
    env->flags |= FLOAT_IE;
    return (struct fp_number){
        .kind = FP_NUMBER_QUIET_NAN, .negative = true, .hi = F80_INTEGER_BIT | F80_QUIET_BIT};
}

/**
 * The x87's treatment of NaNs and unsupported encodings before an operation.
 *
 * @b       NULL for an operation with one operand
 * @result  out, when there is nothing left to compute
 * @return  true when the operation must end here with *result
 */
bool fp_x87_nan(const struct fp_number *a, const struct fp_number *b, struct fp_number *result,
                struct float_env *env);

/**
 * Raise DE if an operand is denormal; IE and ZE of the same operation take precedence, so the
 * caller looks for those first. Returns true when DE is unmasked and ends the operation.
 */
bool fp_x87_denormal(const struct fp_number *a, const struct fp_number *b, struct float_env *env);

#endif
