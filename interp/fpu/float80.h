/* The x87's 80-bit double extended format (SDM vol. 1, "x87 FPU Data Types"), as plain integers. */
#ifndef INTERP_FPU_FLOAT80_H
#define INTERP_FPU_FLOAT80_H

#include <stdint.h>

struct float80 {
    uint64_t significand;   /* bit 63 is the explicit integer bit */
    uint16_t sign_exponent; /* bit 15 sign, bits 14:0 biased exponent */
};

#endif
