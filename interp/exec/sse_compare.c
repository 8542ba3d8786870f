/*
 * SSE comparisons: to a mask by one of eight predicates, and to EFLAGS.
 *
 * Source: SDM vol. 2, "CMPPS", "COMISS", "UCOMISS".
 */
#include "interp/exec/sse.h"

/* Predicates 4 to 7 negate 0 to 3: equal, less, less or equal, unordered. Those that order their
   operands also find quiet NaNs invalid. */
static bool predicate_is_quiet(unsigned predicate) {
    return (predicate & 3) == 0 || (predicate & 3) == 3;
}

static bool predicate_holds(unsigned predicate, enum float_relation relation) {
    bool holds;
    switch (predicate & 3) {
    case 0:
        holds = relation == FLOAT_EQUAL;
        break;
    case 1:
        holds = relation == FLOAT_LESS;
        break;
    case 2:
        holds = relation == FLOAT_LESS || relation == FLOAT_EQUAL;
        break;
    default:
        holds = relation == FLOAT_UNORDERED;
        break;
    }
    return holds != (predicate >= 4);
}

#define DEFINE_PREDICATE(n)                                                                        \
    static uint32_t f32_predicate_##n(uint32_t a, uint32_t b, struct float_env *env) {             \
        enum float_relation relation = f32_compare(a, b, predicate_is_quiet(n), env);              \
        return predicate_holds(n, relation) ? UINT32_MAX : 0;                                      \
    }                                                                                              \
    static uint64_t f64_predicate_##n(uint64_t a, uint64_t b, struct float_env *env) {             \
        enum float_relation relation = f64_compare(a, b, predicate_is_quiet(n), env);              \
        return predicate_holds(n, relation) ? UINT64_MAX : 0;                                      \
    }

DEFINE_PREDICATE(0)
DEFINE_PREDICATE(1)
DEFINE_PREDICATE(2)
DEFINE_PREDICATE(3)
DEFINE_PREDICATE(4)
DEFINE_PREDICATE(5)
DEFINE_PREDICATE(6)
DEFINE_PREDICATE(7)

static sse_f32_function *const f32_predicates[8] = {
    f32_predicate_0, f32_predicate_1, f32_predicate_2, f32_predicate_3,
    f32_predicate_4, f32_predicate_5, f32_predicate_6, f32_predicate_7};
static sse_f64_function *const f64_predicates[8] = {
    f64_predicate_0, f64_predicate_1, f64_predicate_2, f64_predicate_3,
    f64_predicate_4, f64_predicate_5, f64_predicate_6, f64_predicate_7};

/* The immediate's upper bits are reserved; processors ignore them. */
EXEC(CMPPS) {
    return sse_packed_f32(cpu, i, f32_predicates[i->imm & 7]);
}

EXEC(CMPPD) {
    return sse_packed_f64(cpu, i, f64_predicates[i->imm & 7]);
}

EXEC(CMPSS) {
    return sse_scalar_f32(cpu, i, f32_predicates[i->imm & 7]);
}

EXEC(CMPSD) {
    return sse_scalar_f64(cpu, i, f64_predicates[i->imm & 7]);
}

/* OF, SF and AF are cleared. */
static void set_flags(struct cpu *cpu, enum float_relation relation) {
    static const uint32_t flags[] = {[FLOAT_LESS] = FLAG_CF,
                                     [FLOAT_EQUAL] = FLAG_ZF,
                                     [FLOAT_GREATER] = 0,
                                     [FLOAT_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF};
    lazy_flags_set(&cpu->lazy, flags[relation]);
}

static const struct insn *compare_f32(struct cpu *cpu, const struct insn *i, bool quiet) {
    sse_require(cpu);
    uint32_t b = xmm_source32(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    enum float_relation relation =
        f32_compare(xmm_get32(&cpu->xmm[i->reg], 0), b, quiet, &operation.env);
    sse_end(cpu, &operation);
    set_flags(cpu, relation);
    RESUME(cpu, i);
}

static const struct insn *compare_f64(struct cpu *cpu, const struct insn *i, bool quiet) {
    sse_require(cpu);
    uint64_t b = xmm_source64(cpu, i);
    struct sse_operation operation = sse_begin(cpu);
    enum float_relation relation = f64_compare(cpu->xmm[i->reg].u64[0], b, quiet, &operation.env);
    sse_end(cpu, &operation);
    set_flags(cpu, relation);
    RESUME(cpu, i);
}

EXEC(COMISS) {
    return compare_f32(cpu, i, false);
}

EXEC(UCOMISS) {
    return compare_f32(cpu, i, true);
}

EXEC(COMISD) {
    return compare_f64(cpu, i, false);
}

EXEC(UCOMISD) {
    return compare_f64(cpu, i, true);
}
