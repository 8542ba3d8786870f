/*
 * Conversions between integers, singles and doubles, in XMM, MMX and general registers.
 *
 * Source: SDM vol. 2, under the mnemonics (CVT...).
 */
#include "interp/exec/sse.h"

/* A lane's conversion to a signed 32-bit integer, by MXCSR's rounding or truncated. */
static uint32_t integer_from_f32(uint32_t a, bool truncate, struct float_env *env) {
    enum float_rounding rounding = truncate ? FLOAT_ROUND_ZERO : (enum float_rounding)env->rounding;
    return (uint32_t)f32_to_i32(a, rounding, env);
}

static uint32_t integer_from_f64(uint64_t a, bool truncate, struct float_env *env) {
    enum float_rounding rounding = truncate ? FLOAT_ROUND_ZERO : (enum float_rounding)env->rounding;
    return (uint32_t)f64_to_i32(a, rounding, env);
}

static uint32_t f32_from_integer(uint32_t a, struct float_env *env) {
    return f32_from_i64((int32_t)a, env);
}

static uint64_t f64_from_integer(uint32_t a, struct float_env *env) {
    return f64_from_i64((int32_t)a, env);
}

/* ---- Integers in general registers --------------------------------------------------------- */

EXEC(CVTSI2SS) {
    sse_require(cpu);
    uint32_t source = simd_source_general(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint32_t result = f32_from_integer(source, &operation.env);
    sse_end(cpu, &operation);
    xmm_set32(&cpu->xmm[i->reg], 0, result);
    RESUME(cpu, i);
}

EXEC(CVTSI2SD) {
    sse_require(cpu);
    uint32_t source = simd_source_general(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    cpu->xmm[i->reg].u64[0] = f64_from_integer(source, &operation.env);
    RESUME(cpu, i);
}

#define DEFINE_TO_GENERAL(name, source, convert, truncate)                                         \
    EXEC(name) {                                                                                   \
        sse_require(cpu);                                                                          \
        __auto_type value = source(cpu, i);                                                        \
        struct sse_operation operation = sse_begin(cpu);                                           \
        uint32_t result = convert(value, truncate, &operation.env);                                \
        sse_end(cpu, &operation);                                                                  \
        cpu_set_reg32(cpu, i->reg, result);                                                        \
        RESUME(cpu, i);                                                                            \
    }

DEFINE_TO_GENERAL(CVTSS2SI, xmm_source32, integer_from_f32, false)
DEFINE_TO_GENERAL(CVTTSS2SI, xmm_source32, integer_from_f32, true)
DEFINE_TO_GENERAL(CVTSD2SI, xmm_source64, integer_from_f64, false)
DEFINE_TO_GENERAL(CVTTSD2SI, xmm_source64, integer_from_f64, true)

/* ---- Two integers in MMX registers --------------------------------------------------------- */

static uint64_t two_integers_from_f32(uint64_t a, bool truncate, struct sse_operation *operation) {
    uint32_t low = integer_from_f32((uint32_t)a, truncate, sse_lane(operation));
    return low | (uint64_t)integer_from_f32((uint32_t)(a >> 32), truncate, sse_lane(operation))
                     << 32;
}

static uint64_t two_integers_from_f64(const union xmm *a, bool truncate,
                                      struct sse_operation *operation) {
    uint32_t low = integer_from_f64(a->u64[0], truncate, sse_lane(operation));
    return low | (uint64_t)integer_from_f64(a->u64[1], truncate, sse_lane(operation)) << 32;
}

static uint64_t two_f32_from_integers(uint64_t a, struct sse_operation *operation) {
    uint32_t low = f32_from_integer((uint32_t)a, sse_lane(operation));
    return low | (uint64_t)f32_from_integer((uint32_t)(a >> 32), sse_lane(operation)) << 32;
}

/* The source of CVTPI2PS and CVTPI2PD. In memory, it has nothing to do with MMX state. (The SDM
   says so of CVTPI2PD only; of CVTPI2PS it was measured on hardware.) */
static uint64_t integers_source(struct cpu *cpu, const struct insn *i) {
    if (i->flags & INSN_MEM)
        return cpu_load64(cpu, i->seg, insn_ea(cpu, i));
    mmx_require(cpu);
    x87_enter_mmx(cpu);
    return mmx_get(cpu, i->rm);
}

EXEC(CVTPI2PS) {
    sse_require(cpu);
    uint64_t source = integers_source(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t result = two_f32_from_integers(source, &operation);
    sse_end(cpu, &operation);
    cpu->xmm[i->reg].u64[0] = result;
    RESUME(cpu, i);
}

EXEC(CVTPI2PD) {
    sse_require(cpu);
    uint64_t source = integers_source(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    cpu->xmm[i->reg].u64[0] = f64_from_integer((uint32_t)source, &operation.env);
    cpu->xmm[i->reg].u64[1] = f64_from_integer((uint32_t)(source >> 32), &operation.env);
    RESUME(cpu, i);
}

/* The x87 registers become MMX registers even if an unmasked exception follows. */
static const struct insn *mmx_from_f32(struct cpu *cpu, const struct insn *i, bool truncate) {
    sse_require(cpu);
    mmx_require(cpu);
    uint64_t source = xmm_source64(cpu, i);
    x87_enter_mmx(cpu);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t result = two_integers_from_f32(source, truncate, &operation);
    sse_end(cpu, &operation);
    mmx_set(cpu, i->reg, result);
    RESUME(cpu, i);
}

static const struct insn *mmx_from_f64(struct cpu *cpu, const struct insn *i, bool truncate) {
    sse_require(cpu);
    mmx_require(cpu);
    union xmm source = xmm_source(cpu, i);
    x87_enter_mmx(cpu);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t result = two_integers_from_f64(&source, truncate, &operation);
    sse_end(cpu, &operation);
    mmx_set(cpu, i->reg, result);
    RESUME(cpu, i);
}

EXEC(CVTPS2PI) {
    return mmx_from_f32(cpu, i, false);
}

EXEC(CVTTPS2PI) {
    return mmx_from_f32(cpu, i, true);
}

EXEC(CVTPD2PI) {
    return mmx_from_f64(cpu, i, false);
}

EXEC(CVTTPD2PI) {
    return mmx_from_f64(cpu, i, true);
}

/* ---- Integers in XMM registers ------------------------------------------------------------- */

EXEC(CVTDQ2PS) {
    sse_require(cpu);
    union xmm x = xmm_source(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    x.u64[0] = two_f32_from_integers(x.u64[0], &operation);
    x.u64[1] = two_f32_from_integers(x.u64[1], &operation);
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = x;
    RESUME(cpu, i);
}

EXEC(CVTDQ2PD) {
    sse_require(cpu);
    uint64_t source = xmm_source64(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    cpu->xmm[i->reg].u64[0] = f64_from_integer((uint32_t)source, &operation.env);
    cpu->xmm[i->reg].u64[1] = f64_from_integer((uint32_t)(source >> 32), &operation.env);
    RESUME(cpu, i);
}

static const struct insn *xmm_from_f32(struct cpu *cpu, const struct insn *i, bool truncate) {
    sse_require(cpu);
    union xmm x = xmm_source(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    x.u64[0] = two_integers_from_f32(x.u64[0], truncate, &operation);
    x.u64[1] = two_integers_from_f32(x.u64[1], truncate, &operation);
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = x;
    RESUME(cpu, i);
}

static const struct insn *xmm_from_f64(struct cpu *cpu, const struct insn *i, bool truncate) {
    sse_require(cpu);
    union xmm x = xmm_source(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t low = two_integers_from_f64(&x, truncate, &operation);
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = (union xmm){.u64 = {low, 0}};
    RESUME(cpu, i);
}

EXEC(CVTPS2DQ) {
    return xmm_from_f32(cpu, i, false);
}

EXEC(CVTTPS2DQ) {
    return xmm_from_f32(cpu, i, true);
}

EXEC(CVTPD2DQ) {
    return xmm_from_f64(cpu, i, false);
}

EXEC(CVTTPD2DQ) {
    return xmm_from_f64(cpu, i, true);
}

/* ---- Between singles and doubles ----------------------------------------------------------- */

EXEC(CVTPS2PD) {
    sse_require(cpu);
    uint64_t source = xmm_source64(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    union xmm result;
    result.u64[0] = f32_to_f64((uint32_t)source, sse_lane(&operation));
    result.u64[1] = f32_to_f64((uint32_t)(source >> 32), sse_lane(&operation));
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = result;
    RESUME(cpu, i);
}

EXEC(CVTPD2PS) {
    sse_require(cpu);
    union xmm source = xmm_source(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t result = f64_to_f32(source.u64[0], sse_lane(&operation));
    result |= (uint64_t)f64_to_f32(source.u64[1], sse_lane(&operation)) << 32;
    sse_end(cpu, &operation);
    cpu->xmm[i->reg] = (union xmm){.u64 = {result, 0}};
    RESUME(cpu, i);
}

EXEC(CVTSS2SD) {
    sse_require(cpu);
    uint32_t source = xmm_source32(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint64_t result = f32_to_f64(source, &operation.env);
    sse_end(cpu, &operation);
    cpu->xmm[i->reg].u64[0] = result;
    RESUME(cpu, i);
}

EXEC(CVTSD2SS) {
    sse_require(cpu);
    uint64_t source = xmm_source64(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    uint32_t result = f64_to_f32(source, &operation.env);
    sse_end(cpu, &operation);
    xmm_set32(&cpu->xmm[i->reg], 0, result);
    RESUME(cpu, i);
}
