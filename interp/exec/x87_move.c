/*
 * x87 loads, stores, exchanges, conditional moves and constants.
 *
 * A store to memory commits nothing before the memory access is done: flags, C1, pointers and the
 * pop come after it.
 *
 * Source: SDM vol. 2, "FLD", "FST/FSTP", "FILD", "FIST/FISTP", "FBLD", "FBSTP", "FXCH", "FCMOVcc",
 * "FLD1/FLDL2T/...".
 */
#include "interp/exec/x87.h"

#define HANDLER(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *insn)

HANDLER(FLD_ST) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    /* Underflow of the source takes precedence over overflow. */
    struct float80 value = x87_get(cpu, insn->rm);
    if (UNLIKELY(x87_is_empty(cpu, insn->rm))) {
        if (x87_stack_fault(cpu, false))
            x87_push(cpu, F80_INDEFINITE);
    } else {
        x87_push_checked(cpu, value);
    }
    return x87_end(cpu, insn);
}

/* Push a value converted from memory. Only IE stops a load, a denormal is loaded all the same. */
static const struct insn *finish_load(struct cpu *cpu, const struct insn *insn,
                                      struct float80 value, const struct float_env *env) {
    x87_record(cpu, insn);
    if (UNLIKELY(!x87_is_empty(cpu, 7))) {
        x87_push_checked(cpu, value);
        return x87_end(cpu, insn);
    }
    if (UNLIKELY(env->flags))
        x87_raise(cpu, env->flags);
    if (LIKELY(!(env->flags & ~env->masked & FLOAT_IE)))
        x87_push(cpu, value);
    return x87_end(cpu, insn);
}

HANDLER(FLD_M32) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    uint32_t bits = cpu_load32(cpu, insn->seg, insn_ea(cpu, insn));
    return finish_load(cpu, insn, f80_from_f32(bits, &env), &env);
}

HANDLER(FLD_M64) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    uint64_t bits = cpu_load64(cpu, insn->seg, insn_ea(cpu, insn));
    return finish_load(cpu, insn, f80_from_f64(bits, &env), &env);
}

HANDLER(FLD_M80) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    struct float80 value = x87_load_f80(cpu, insn->seg, insn_ea(cpu, insn));
    return finish_load(cpu, insn, value, &env);
}

HANDLER(FILD_M16) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int16_t value = (int16_t)cpu_load16(cpu, insn->seg, insn_ea(cpu, insn));
    return finish_load(cpu, insn, f80_from_i64(value), &env);
}

HANDLER(FILD_M32) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int32_t value = (int32_t)cpu_load32(cpu, insn->seg, insn_ea(cpu, insn));
    return finish_load(cpu, insn, f80_from_i64(value), &env);
}

HANDLER(FILD_M64) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    int64_t value = (int64_t)cpu_load64(cpu, insn->seg, insn_ea(cpu, insn));
    return finish_load(cpu, insn, f80_from_i64(value), &env);
}

HANDLER(FBLD) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env = x87_env(cpu);
    struct float80 raw = x87_load_f80(cpu, insn->seg, insn_ea(cpu, insn));
    uint8_t bcd[10];
    store_le64(bcd, raw.significand);
    store_le16(bcd + 8, raw.sign_exponent);
    return finish_load(cpu, insn, f80_from_bcd(bcd), &env);
}

static const struct insn *store_to_register(struct cpu *cpu, const struct insn *insn, bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    bool is_stored = true;
    if (UNLIKELY(x87_is_empty(cpu, 0)))
        is_stored = x87_stack_underflow(cpu, insn->rm);
    else
        x87_set(cpu, insn->rm, x87_get(cpu, 0));
    if (pops && is_stored)
        x87_pop(cpu);
    return x87_end(cpu, insn);
}

HANDLER(FST_ST) {
    return store_to_register(cpu, insn, false);
}

HANDLER(FSTP_ST) {
    return store_to_register(cpu, insn, true);
}

/* D9 D8+i, undocumented: as FSTP, but an empty ST(0) is no fault and stores nothing. */
HANDLER(FSTPNCE) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    if (!x87_is_empty(cpu, 0))
        x87_set(cpu, insn->rm, x87_get(cpu, 0));
    x87_pop(cpu);
    return x87_end(cpu, insn);
}

/*
 * ST(0) on its way to memory, converted by the caller; an empty ST(0) stands for the indefinite,
 * which the caller stores with the stack fault's flags instead of its own.
 */
static struct float80 value_to_store(const struct cpu *cpu, struct float_env *env) {
    *env = x87_env(cpu);
    return x87_is_empty(cpu, 0) ? F80_INDEFINITE : x87_get(cpu, 0);
}

/* Does the memory operand get written? Not with an unmasked IE, OE or UE. */
static bool may_store(const struct cpu *cpu, const struct float_env *env) {
    uint8_t flags = x87_is_empty(cpu, 0) ? FLOAT_IE : env->flags;
    return !(flags & ~env->masked & (FLOAT_IE | FLOAT_OE | FLOAT_UE));
}

/* After the memory operand is written, or left alone. */
static const struct insn *finish_store(struct cpu *cpu, const struct insn *insn,
                                       const struct float_env *env, bool pops) {
    bool is_stored = may_store(cpu, env);
    x87_record(cpu, insn);
    if (UNLIKELY(x87_is_empty(cpu, 0)))
        x87_stack_fault(cpu, false);
    else if (env->flags)
        x87_raise(cpu, env->flags);
    if (is_stored) {
        if (env->rounded_up)
            cpu->x87.status |= X87_C1;
        if (pops)
            x87_pop(cpu);
    }
    return x87_end(cpu, insn);
}

static const struct insn *store_f32(struct cpu *cpu, const struct insn *insn, bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    uint32_t bits = f80_to_f32(value, &env);
    if (may_store(cpu, &env))
        cpu_store32(cpu, insn->seg, insn_ea(cpu, insn), bits);
    return finish_store(cpu, insn, &env, pops);
}

static const struct insn *store_f64(struct cpu *cpu, const struct insn *insn, bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    uint64_t bits = f80_to_f64(value, &env);
    if (may_store(cpu, &env))
        cpu_store64(cpu, insn->seg, insn_ea(cpu, insn), bits);
    return finish_store(cpu, insn, &env, pops);
}

HANDLER(FST_M32) {
    return store_f32(cpu, insn, false);
}

HANDLER(FSTP_M32) {
    return store_f32(cpu, insn, true);
}

HANDLER(FST_M64) {
    return store_f64(cpu, insn, false);
}

HANDLER(FSTP_M64) {
    return store_f64(cpu, insn, true);
}

HANDLER(FSTP_M80) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    if (may_store(cpu, &env))
        x87_store_f80(cpu, insn->seg, insn_ea(cpu, insn), value);
    return finish_store(cpu, insn, &env, true);
}

static const struct insn *store_i16(struct cpu *cpu, const struct insn *insn, bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    int16_t integer = f80_to_i16(value, env.rounding, &env);
    if (may_store(cpu, &env))
        cpu_store16(cpu, insn->seg, insn_ea(cpu, insn), (uint16_t)integer);
    return finish_store(cpu, insn, &env, pops);
}

static const struct insn *store_i32(struct cpu *cpu, const struct insn *insn, bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    int32_t integer = f80_to_i32(value, env.rounding, &env);
    if (may_store(cpu, &env))
        cpu_store32(cpu, insn->seg, insn_ea(cpu, insn), (uint32_t)integer);
    return finish_store(cpu, insn, &env, pops);
}

HANDLER(FIST_M16) {
    return store_i16(cpu, insn, false);
}

HANDLER(FISTP_M16) {
    return store_i16(cpu, insn, true);
}

HANDLER(FIST_M32) {
    return store_i32(cpu, insn, false);
}

HANDLER(FISTP_M32) {
    return store_i32(cpu, insn, true);
}

HANDLER(FISTP_M64) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    int64_t integer = f80_to_i64(value, env.rounding, &env);
    if (may_store(cpu, &env))
        cpu_store64(cpu, insn->seg, insn_ea(cpu, insn), (uint64_t)integer);
    return finish_store(cpu, insn, &env, true);
}

HANDLER(FBSTP) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct float_env env;
    struct float80 value = value_to_store(cpu, &env);
    uint8_t bcd[10];
    f80_to_bcd(value, bcd, &env);
    struct float80 raw = {load_le64(bcd), load_le16(bcd + 8)};
    if (may_store(cpu, &env))
        x87_store_f80(cpu, insn->seg, insn_ea(cpu, insn), raw);
    return finish_store(cpu, insn, &env, true);
}

HANDLER(FXCH) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    struct float80 top = x87_get(cpu, 0), other = x87_get(cpu, insn->rm);
    bool top_empty = x87_is_empty(cpu, 0), other_empty = x87_is_empty(cpu, insn->rm);
    if (UNLIKELY(top_empty || other_empty)) {
        if (!x87_stack_fault(cpu, false))
            return x87_end(cpu, insn);
        top = top_empty ? F80_INDEFINITE : top;
        other = other_empty ? F80_INDEFINITE : other;
    }
    x87_set(cpu, 0, other);
    x87_set(cpu, insn->rm, top);
    return x87_end(cpu, insn);
}

/* An empty register faults whether the condition holds or not; only a fault clears C1. */
static const struct insn *move_if(struct cpu *cpu, const struct insn *insn, bool condition) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record_pointers(cpu, insn);
    if (UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, insn->rm)))
        x87_stack_underflow(cpu, 0);
    else if (condition)
        x87_set(cpu, 0, x87_get(cpu, insn->rm));
    return x87_end(cpu, insn);
}

HANDLER(FCMOVB) {
    return move_if(cpu, insn, lazy_cf(&cpu->lazy));
}

HANDLER(FCMOVE) {
    return move_if(cpu, insn, lazy_zf(&cpu->lazy));
}

HANDLER(FCMOVBE) {
    return move_if(cpu, insn, lazy_cf(&cpu->lazy) || lazy_zf(&cpu->lazy));
}

HANDLER(FCMOVU) {
    return move_if(cpu, insn, lazy_pf(&cpu->lazy));
}

HANDLER(FCMOVNB) {
    return move_if(cpu, insn, !lazy_cf(&cpu->lazy));
}

HANDLER(FCMOVNE) {
    return move_if(cpu, insn, !lazy_zf(&cpu->lazy));
}

HANDLER(FCMOVNBE) {
    return move_if(cpu, insn, !lazy_cf(&cpu->lazy) && !lazy_zf(&cpu->lazy));
}

HANDLER(FCMOVNU) {
    return move_if(cpu, insn, !lazy_pf(&cpu->lazy));
}

/*
 * A constant that 64 bits do not hold: truncated, and whether the nearest number is the next one.
 * The 80387 and later round it as RC says, without C1 or PE.
 */
static const struct insn *load_constant(struct cpu *cpu, const struct insn *insn,
                                        uint64_t truncated, uint16_t exponent, bool is_near_next) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    struct float80 value = {truncated, exponent};
    switch (cpu->x87.control >> 10 & 3) {
    case FLOAT_ROUND_NEAREST:
        value.significand += is_near_next;
        break;
    case FLOAT_ROUND_UP:
        value.significand++;
        break;
    default:
        break;
    }
    x87_push_checked(cpu, value);
    return x87_end(cpu, insn);
}

HANDLER(FLDL2T) {
    return load_constant(cpu, insn, UINT64_C(0xd49a784bcd1b8afe), 0x4000, false);
}

HANDLER(FLDL2E) {
    return load_constant(cpu, insn, UINT64_C(0xb8aa3b295c17f0bb), 0x3fff, true);
}

HANDLER(FLDPI) {
    return load_constant(cpu, insn, UINT64_C(0xc90fdaa22168c234), 0x4000, true);
}

HANDLER(FLDLG2) {
    return load_constant(cpu, insn, UINT64_C(0x9a209a84fbcff798), 0x3ffd, true);
}

HANDLER(FLDLN2) {
    return load_constant(cpu, insn, UINT64_C(0xb17217f7d1cf79ab), 0x3ffe, true);
}

static const struct insn *load_exact_constant(struct cpu *cpu, const struct insn *insn,
                                              struct float80 value) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    x87_push_checked(cpu, value);
    return x87_end(cpu, insn);
}

HANDLER(FLD1) {
    return load_exact_constant(cpu, insn, F80_ONE);
}

HANDLER(FLDZ) {
    return load_exact_constant(cpu, insn, F80_ZERO);
}
