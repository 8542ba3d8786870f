/*
 * SSE floating point: MXCSR, the life of one operation over several lanes, and loops over lanes.
 *
 * All lanes are computed and their exceptions gathered; only then are flags set, an unmasked
 * exception raised or the result written.
 *
 * Source: SDM vol. 1, "MXCSR Control and Status Register", "SSE and SSE2 SIMD Floating-Point
 * Exceptions".
 */
#ifndef INTERP_EXEC_SSE_H
#define INTERP_EXEC_SSE_H

#include "interp/exec/simd.h"
#include "interp/fpu/softfloat.h"

enum mxcsr_bit {
    MXCSR_FLAGS = 0x003f, /* enum float_flag; sticky */
    MXCSR_DAZ = 0x0040,
    MXCSR_MASKS = 0x1f80, /* enum float_flag << 7 */
    MXCSR_ROUNDING = 0x6000,
    MXCSR_FTZ = 0x8000,
};
#define MXCSR_MASKS_SHIFT    7
#define MXCSR_ROUNDING_SHIFT 13

/** MXCSR_MASK: what may be written. DAZ came with SSE2. */
static inline uint32_t sse_mxcsr_mask(const struct cpu *cpu) {
    return cpu_has(cpu, FEATURE_SSE2) ? 0xffff : UINT32_C(0xffff) & ~(uint32_t)MXCSR_DAZ;
}

struct sse_operation {
    struct float_env env;
    uint8_t flags; /* of the lanes done */
};

/** Begin an operation with MXCSR's modes. */
struct sse_operation sse_begin(const struct cpu *cpu);

/** The environment for the next lane. */
static inline struct float_env *sse_lane(struct sse_operation *operation) {
    operation->flags |= operation->env.flags;
    operation->env.flags = 0;
    return &operation->env;
}

/** Set MXCSR's flags; raise #XM, or #UD when CR4.OSXMMEXCPT is clear, if one of them is not
 *  masked. Results may be written after this. */
void sse_end(struct cpu *cpu, struct sse_operation *operation);

/* One lane of an operation: destination, source. */
typedef uint32_t sse_f32_function(uint32_t a, uint32_t b, struct float_env *env);
typedef uint64_t sse_f64_function(uint64_t a, uint64_t b, struct float_env *env);

/** Whole instructions: operands V and W, a function for each lane. Scalar ones leave the upper
 *  lanes of the destination alone. */
const struct insn *sse_packed_f32(struct cpu *cpu, const struct insn *i, sse_f32_function *f);
const struct insn *sse_packed_f64(struct cpu *cpu, const struct insn *i, sse_f64_function *f);
const struct insn *sse_scalar_f32(struct cpu *cpu, const struct insn *i, sse_f32_function *f);
const struct insn *sse_scalar_f64(struct cpu *cpu, const struct insn *i, sse_f64_function *f);

#endif
