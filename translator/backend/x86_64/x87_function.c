/*
 * Transcendental instructions with the registers left in the host's unit. The interpreter's
 * functions compute the result; operands are read by FXSAVE, which changes nothing, and the result
 * is loaded. What cannot be brought about that way is rare and left to the handler: other
 * exceptions than a rounding, results of odd form, other modes than rounding to nearest.
 *
 * A loaded result clears C1. Where C1 or a new PE is wanted, the result comes from an addition that
 * rounds to it: from three quarters of a unit below it, or from a quarter above.
 *
 * Source: SDM vol. 1, "x87 FPU Status Register" and "Rounding"; vol. 2, "FXSAVE".
 */
#include "interp/decode/op.h"
#include "interp/exec/x87.h"
#include "translator/backend/x86_64/x87.h"

#include <string.h>

#define IMAGE_BYTES    512
#define IMAGE_STATUS   2
#define IMAGE_TAGS     4
#define IMAGE_ST       32
#define REGISTER_BYTES 10
#define CONTROL_EXACT  0x0f00u /* precision and rounding */
#define CONTROL_USUAL  0x0300u /* 64 bits, to nearest */

/* Far from the ends of the 64-bit format, which the small summand must have. */
#define MOST_EXPONENT 900
#define F64_BIAS      1023

struct function {
    uint8_t operands, results;
    bool clears_c2;
};

/* What came out, and how the registers are to be: `top` over `value`, if there are two. */
struct outcome {
    struct float80 value, top;
};

static const struct function *find_function(unsigned op) {
    static const struct function angle = {1, 1, true}, pair = {1, 2, true}, one = {1, 1, false},
                                 two = {2, 1, false};
    switch (op) {
    case OP_FSIN:
    case OP_FCOS:
        return &angle;
    case OP_FSINCOS:
    case OP_FPTAN:
        return &pair;
    case OP_F2XM1:
        return &one;
    case OP_FYL2X:
    case OP_FYL2XP1:
    case OP_FPATAN:
        return &two;
    default:
        return NULL;
    }
}

/** False when the argument is out of range. */
static bool evaluate(unsigned op, const struct float80 *st, struct float_env *env,
                     struct outcome *outcome) {
    switch (op) {
    case OP_FSIN:
        return f80_sin(st[0], &outcome->value, env);
    case OP_FCOS:
        return f80_cos(st[0], &outcome->value, env);
    case OP_FSINCOS:
        return f80_sincos(st[0], &outcome->value, &outcome->top, env);
    case OP_FPTAN:
        outcome->top = F80_ONE;
        return f80_tan(st[0], &outcome->value, env);
    case OP_F2XM1:
        outcome->value = f80_exp2_minus_1(st[0], env);
        return true;
    case OP_FYL2X:
        outcome->value = f80_y_log2_x(st[1], st[0], env);
        return true;
    case OP_FYL2XP1:
        outcome->value = f80_y_log2_x_plus_1(st[1], st[0], env);
        return true;
    default:
        outcome->value = f80_arctan(st[1], st[0], env);
        return true;
    }
}

static struct float80 image_register(const uint8_t *image, unsigned i) {
    const uint8_t *at = image + IMAGE_ST + (size_t)i * 16;
    struct float80 value;
    memcpy(&value.significand, at, 8);
    memcpy(&value.sign_exponent, at + 8, 2);
    return value;
}

/** Whether operands are there, and room for results. */
static bool stack_fits(const struct function *function, const uint8_t *image) {
    unsigned top = image[IMAGE_STATUS + 1] >> 3 & 7;
    unsigned tags = image[IMAGE_TAGS] * 0x101u >> top; /* bit i: ST(i) */
    unsigned needed = function->operands == 2 ? 3 : 1;
    unsigned free = function->results == 2 ? 0x80 : 0;
    return (tags & needed) == needed && (tags & free) == 0;
}

/** Make *value the larger summand and return the small one, so that the sum rounds to what it was:
 *  upwards, or else downwards. */
static double split(struct float80 *value, bool up) {
    int exponent = (value->sign_exponent & F80_EXPONENT_MASK) - F80_BIAS;
    uint64_t bits = (uint64_t)(value->sign_exponent >> 15) << 63 |
                    (uint64_t)(exponent - (up ? 64 : 65) + F64_BIAS) << 52;
    if (up) {
        value->significand--;
        bits |= UINT64_C(1) << 51;
    }
    double small;
    memcpy(&small, &bits, sizeof(small));
    return small;
}

static bool can_split(const struct cpu *cpu, struct float80 value) {
    int exponent = (value.sign_exponent & F80_EXPONENT_MASK) - F80_BIAS;
    return (cpu->x87.control & CONTROL_EXACT) == CONTROL_USUAL &&
           value.significand > F80_INTEGER_BIT && exponent > -MOST_EXPONENT &&
           exponent < MOST_EXPONENT;
}

static void load(const struct float80 *value) {
    uint8_t bytes[REGISTER_BYTES];
    memcpy(bytes, &value->significand, 8);
    memcpy(bytes + 8, &value->sign_exponent, 2);
    __asm__ volatile("fldt %0" : : "m"(bytes));
}

/** Operands off, results on. `rounds`: PE and, without a second result, C1 are those of a sum. */
static void replace(const struct function *function, struct outcome *outcome, bool rounds,
                    bool up) {
    for (unsigned i = 0; i < function->operands; i++)
        __asm__ volatile("fstp %st(0)");
    double small = rounds ? split(&outcome->value, up) : 0;
    load(&outcome->value);
    if (rounds)
        __asm__ volatile("faddl %0" : : "m"(small));
    if (function->results == 2)
        load(&outcome->top);
}

bool x87_evaluate(struct x64_context *context, const struct insn *insn) {
    struct cpu *cpu = context->backend->cpu;
    const struct function *function = find_function(insn->op);
    if (function == NULL || context->x87_is_absent)
        return false;
    _Alignas(16) uint8_t image[IMAGE_BYTES];
    __asm__ volatile("fxsave %0" : "=m"(image));
    unsigned status = image[IMAGE_STATUS] | (unsigned)image[IMAGE_STATUS + 1] << 8;
    if (!stack_fits(function, image) || (function->clears_c2 && (status & X87_C2) != 0))
        return false;
    const struct float80 st[2] = {image_register(image, 0), image_register(image, 1)};
    struct float_env env = x87_env(cpu);
    struct outcome outcome;
    if (!evaluate(insn->op, st, &env, &outcome) || (env.flags & ~FLOAT_PE) != 0 ||
        (outcome.value.sign_exponent & F80_EXPONENT_MASK) == F80_EXPONENT_MASK)
        return false;
    bool rounds = env.rounded_up || (env.flags & ~status) != 0;
    bool loses_c1 = env.rounded_up && function->results == 2;
    if (loses_c1 || (rounds && !can_split(cpu, outcome.value)))
        return false;
    replace(function, &outcome, rounds, env.rounded_up);
    x87_record_pointers(cpu, insn);
    return true;
}
