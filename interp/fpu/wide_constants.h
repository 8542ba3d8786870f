/*
 * Constants of the transcendental functions, rounded to 128 bits. Internal to interp/fpu.
 */
#ifndef INTERP_FPU_WIDE_CONSTANTS_H
#define INTERP_FPU_WIDE_CONSTANTS_H

#include "interp/fpu/wide_float.h"

extern const struct wide wide_ln2, wide_log2e, wide_pi;

/* Series of (e^x - 1) / x, sin(x) / x, cos(x), atanh(x) / x and atan(x) / x, without signs; all but
   the first in x^2. As many terms as 2^-80 needs where they are used. */
extern const struct wide wide_expm1_coefficients[11];
extern const struct wide wide_sin_coefficients[12];
extern const struct wide wide_cos_coefficients[12];
extern const struct wide wide_atanh_coefficients[16];
extern const struct wide wide_atan_coefficients[9];

/* 2^(i / 16 - 1) - 1 and atan(i / 16). */
extern const struct wide wide_exp2m1_sixteenths[33];
extern const struct wide wide_atan_sixteenths[17];

#endif
