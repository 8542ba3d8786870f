/*
 * Constants of the transcendental functions, rounded to 128 bits. Internal to interp/fpu.
 */
#ifndef INTERP_FPU_WIDE_CONSTANTS_H
#define INTERP_FPU_WIDE_CONSTANTS_H

#include "interp/fpu/wide_float.h"

extern const struct wide wide_ln2, wide_log2e, wide_pi;

/* (e^x - 1) / x, sin(x) / x, cos(x), atanh(x) / x and atan(x) / x; all but the first in x^2. */
extern const struct wide wide_expm1_coefficients[14];
extern const struct wide wide_sin_coefficients[14];
extern const struct wide wide_cos_coefficients[14];
extern const struct wide wide_atanh_coefficients[21];
extern const struct wide wide_atan_coefficients[12];

/* 2^(i / 16 - 1) - 1 and atan(i / 16). */
extern const struct wide wide_exp2m1_sixteenths[33];
extern const struct wide wide_atan_sixteenths[17];

#endif
