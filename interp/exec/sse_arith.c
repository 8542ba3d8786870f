/*
 * SSE floating-point arithmetic, packed and scalar, and what every SSE floating-point operation
 * does at its beginning and end.
 */
#include "interp/exec/sse.h"

struct sse_operation sse_begin(const struct cpu *cpu) {
    return (struct sse_operation){
        .env = {.rounding = cpu->mxcsr >> MXCSR_ROUNDING_SHIFT & 3,
                .masked = cpu->mxcsr >> MXCSR_MASKS_SHIFT & FLOAT_ALL_FLAGS,
                .flush_to_zero = (cpu->mxcsr & MXCSR_FTZ) != 0,
                .denormals_are_zero = (cpu->mxcsr & MXCSR_DAZ) != 0},
    };
}

void sse_end(struct cpu *cpu, struct sse_operation *operation) {
    unsigned flags = operation->flags | operation->env.flags;
    unsigned unmasked = flags & ~(unsigned)operation->env.masked;
    unsigned before_computation = FLOAT_IE | FLOAT_DE | FLOAT_ZE;
    /* An unmasked exception before the computation, in any lane, keeps all lanes from being
       computed: there is nothing that could overflow or be inexact. */
    if (unmasked & before_computation)
        flags &= before_computation;
    cpu->mxcsr |= flags;
    if (unmasked)
        cpu_raise(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD);
}

const struct insn *sse_packed_f32(struct cpu *cpu, const struct insn *i, sse_f32_function *f) {
    sse_require(cpu);
    union xmm b = xmm_source(cpu, i), a = cpu->xmm[i->reg];
    struct sse_operation operation = sse_begin(cpu);
    for (unsigned n = 0; n < 4; n++)
        xmm_set32(&a, n, f(xmm_get32(&a, n), xmm_get32(&b, n), sse_lane(&operation)));
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = a;
    RESUME(cpu, i);
}

const struct insn *sse_packed_f64(struct cpu *cpu, const struct insn *i, sse_f64_function *f) {
    sse_require(cpu);
    union xmm b = xmm_source(cpu, i), a = cpu->xmm[i->reg];
    struct sse_operation operation = sse_begin(cpu);
    for (unsigned n = 0; n < 2; n++)
        a.u64[n] = f(a.u64[n], b.u64[n], sse_lane(&operation));
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = a;
    RESUME(cpu, i);
}

const struct insn *sse_scalar_f32(struct cpu *cpu, const struct insn *i, sse_f32_function *f) {
    sse_require(cpu);
    uint32_t b = xmm_source32(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint32_t result = f(xmm_get32(&cpu->xmm[i->reg], 0), b, &operation.env);
    sse_end(cpu, &operation);
    xmm_set32(&cpu->xmm[i->reg], 0, result);
    RESUME(cpu, i);
}

const struct insn *sse_scalar_f64(struct cpu *cpu, const struct insn *i, sse_f64_function *f) {
    sse_require(cpu);
    uint64_t b = xmm_source64(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t result = f(cpu->xmm[i->reg].u64[0], b, &operation.env);
    sse_end(cpu, &operation);
    cpu->xmm[i->reg].u64[0] = result;
    RESUME(cpu, i);
}

/* ---- Operations of one operand: the destination's old value does not matter ----------------- */

static uint32_t square_root_f32(uint32_t a, uint32_t b, struct float_env *env) {
    return f32_sqrt(b, env);
}

static uint64_t square_root_f64(uint64_t a, uint64_t b, struct float_env *env) {
    return f64_sqrt(b, env);
}

/*
 * Approximations. Processors take them from tables of their own making, with a relative error
 * below 1.5 * 2^-12 (SDM vol. 2, "RCPPS", "RSQRTPS"); these are exact but for rounding, which is
 * within that bound but not the result of any one processor. Neither instruction raises or
 * records exceptions; denormals count as zeros and tiny results become zeros, whatever MXCSR says.
 */
#define F32_ONE UINT32_C(0x3f800000)

static const struct float_env approximate = {.rounding = FLOAT_ROUND_NEAREST,
                                             .masked = FLOAT_ALL_FLAGS,
                                             .flush_to_zero = true,
                                             .denormals_are_zero = true};

static uint32_t reciprocal(uint32_t a, uint32_t b, struct float_env *env) {
    struct float_env own = approximate;
    return f32_div(F32_ONE, b, &own);
}

static uint32_t reciprocal_square_root(uint32_t a, uint32_t b, struct float_env *env) {
    struct float_env own = approximate;
    return f32_div(F32_ONE, f32_sqrt(b, &own), &own);
}

/* ---- Handlers ------------------------------------------------------------------------------- */

#define DEFINE_F32(name, function)                                                                 \
    EXEC(name##PS) {                                                                               \
        return sse_packed_f32(cpu, i, function);                                                   \
    }                                                                                              \
    EXEC(name##SS) {                                                                               \
        return sse_scalar_f32(cpu, i, function);                                                   \
    }
#define DEFINE_F64(name, function)                                                                 \
    EXEC(name##PD) {                                                                               \
        return sse_packed_f64(cpu, i, function);                                                   \
    }                                                                                              \
    EXEC(name##SD) {                                                                               \
        return sse_scalar_f64(cpu, i, function);                                                   \
    }

DEFINE_F32(ADD, f32_add)
DEFINE_F64(ADD, f64_add)
DEFINE_F32(SUB, f32_sub)
DEFINE_F64(SUB, f64_sub)
DEFINE_F32(MUL, f32_mul)
DEFINE_F64(MUL, f64_mul)
DEFINE_F32(DIV, f32_div)
DEFINE_F64(DIV, f64_div)
DEFINE_F32(MIN, f32_min)
DEFINE_F64(MIN, f64_min)
DEFINE_F32(MAX, f32_max)
DEFINE_F64(MAX, f64_max)
DEFINE_F32(SQRT, square_root_f32)
DEFINE_F64(SQRT, square_root_f64)
DEFINE_F32(RCP, reciprocal)
DEFINE_F32(RSQRT, reciprocal_square_root)
