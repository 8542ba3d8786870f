/*
 * softfloat against the host's x87: random and special operands under all rounding and precision
 * modes and random masks. FPU_VECTORS in the environment sets the number of vectors.
 */
#include "interp/fpu/softfloat.h"

#include "tests/unit/fpu/host_x86_64_fpu.h"
#include "tests/unit/fpu/operands.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_FLAGS 0x3f
#define STATUS_C0    0x0100
#define STATUS_C1    0x0200
#define STATUS_C2    0x0400
#define STATUS_C3    0x4000

#define MAX_REPORTS 12

struct outcome {
    struct float80 st0, st1;
    uint8_t memory[10];
    uint16_t status;
    bool pops;
};

/* What the operation under test gets and where it puts its results. */
struct vector {
    struct float80 st0, st1;
    uint8_t memory[16];
    struct float_env env;
};

typedef void model(struct vector *v, struct outcome *out);

static unsigned vector_count(unsigned usual) {
    const char *text = getenv("FPU_VECTORS");
    return text ? (unsigned)strtoul(text, NULL, 0) : usual;
}

struct comparison {
    const char *name;
    host_x87_operation *host;
    model *model;
    uint16_t status_mask;
    uint64_t ulps; /* allowed distance of ST0 and ST1 */
    unsigned memory_bytes;
};

static void random_vector(struct operand_source *source, struct vector *v) {
    static const uint8_t precisions[] = {24, 24, 53, 64};
    *v = (struct vector){.env = {.masked = FLOAT_ALL_FLAGS}};
    v->st0 = operand_f80(source);
    v->st1 = operand_f80_near(source, v->st0);
    if (operand_random(source) & 1)
        store_le64(v->memory, operand_f64(source));
    else
        store_le32(v->memory, operand_f32(source));
    store_le16(v->memory + 8, (uint16_t)operand_random(source));
    v->env.rounding = operand_random(source) & 3;
    v->env.precision = operand_random(source) & 1 ? 64 : precisions[operand_random(source) & 3];
    if (!(operand_random(source) & 3))
        v->env.masked = operand_random(source) & FLOAT_ALL_FLAGS;
}

static uint16_t control_word(const struct float_env *env) {
    unsigned precision = env->precision == 24 ? 0 : env->precision == 53 ? 2 : 3;
    return (uint16_t)(0x40 | env->masked | precision << 8 | env->rounding << 10);
}

static bool agrees(const struct comparison *c, const struct outcome *expected,
                   const struct outcome *actual) {
    return operand_distance(expected->st0, actual->st0) <= c->ulps &&
           operand_distance(expected->st1, actual->st1) <= c->ulps &&
           !((expected->status ^ actual->status) & c->status_mask) &&
           memcmp(expected->memory, actual->memory, c->memory_bytes) == 0;
}

static void print_outcome(const char *who, const struct outcome *o) {
    fprintf(stderr,
            "    %s st0 %04x:%016" PRIx64 " st1 %04x:%016" PRIx64 " status %04x memory %016" PRIx64
            "\n",
            who, o->st0.sign_exponent, o->st0.significand, o->st1.sign_exponent, o->st1.significand,
            o->status, load_le64(o->memory));
}

static void compare_with_host(const struct comparison *c, unsigned count) {
    struct operand_source source = {1987};
    unsigned failures = 0;
    for (unsigned i = 0; i < count; i++) {
        struct vector v;
        random_vector(&source, &v);
        struct vector given = v;
        uint16_t control = control_word(&v.env);
        uint8_t host_memory[16];
        memcpy(host_memory, v.memory, sizeof(host_memory));
        struct host_x87_image image;
        c->host(&image, &v.st0, &v.st1, host_memory, &control);
        struct outcome expected = {.st0 = host_x87_register(&image, 0),
                                   .st1 = host_x87_register(&image, 1),
                                   .status = (uint16_t)image.status};
        memcpy(expected.memory, host_memory, 10);
        struct outcome actual = {.st0 = v.st0, .st1 = v.st1};
        c->model(&v, &actual);
        memcpy(actual.memory, v.memory, 10);
        actual.status |= v.env.flags;
        if (agrees(c, &expected, &actual) || failures++ >= MAX_REPORTS)
            continue;
        fprintf(stderr,
                "%s control %04x st0 %04x:%016" PRIx64 " st1 %04x:%016" PRIx64 " memory %016" PRIx64
                "\n",
                c->name, control, given.st0.sign_exponent, given.st0.significand,
                given.st1.sign_exponent, given.st1.significand, load_le64(given.memory));
        print_outcome("expected", &expected);
        print_outcome("actual  ", &actual);
    }
    cr_expect_eq(failures, 0, "%s: %u of %u vectors differ from the host", c->name, failures,
                 count);
}

static void finish(const struct vector *v, struct outcome *out, struct float80 result) {
    if (float_env_aborted(&v->env))
        return;
    out->st0 = result;
    if (v->env.rounded_up)
        out->status |= STATUS_C1;
}

#define BINARY_MODEL(name, function)                                                               \
    static void name(struct vector *v, struct outcome *out) {                                      \
        finish(v, out, function(v->st0, v->st1, &v->env));                                         \
    }
#define UNARY_MODEL(name, function)                                                                \
    static void name(struct vector *v, struct outcome *out) {                                      \
        finish(v, out, function(v->st0, &v->env));                                                 \
    }

BINARY_MODEL(model_add, f80_add)
BINARY_MODEL(model_sub, f80_sub)
BINARY_MODEL(model_mul, f80_mul)
BINARY_MODEL(model_div, f80_div)
BINARY_MODEL(model_scale, f80_scale)
UNARY_MODEL(model_sqrt, f80_sqrt)
UNARY_MODEL(model_rndint, f80_round_to_integral)

static uint16_t relation_status(enum float_relation relation) {
    static const uint16_t codes[] = {[FLOAT_LESS] = STATUS_C0,
                                     [FLOAT_EQUAL] = STATUS_C3,
                                     [FLOAT_GREATER] = 0,
                                     [FLOAT_UNORDERED] = STATUS_C0 | STATUS_C2 | STATUS_C3};
    return codes[relation];
}

static void model_com(struct vector *v, struct outcome *out) {
    out->status = relation_status(f80_compare(v->st0, v->st1, false, &v->env));
}

static void model_ucom(struct vector *v, struct outcome *out) {
    out->status = relation_status(f80_compare(v->st0, v->st1, true, &v->env));
}

static void model_com_m64(struct vector *v, struct outcome *out) {
    struct float80 b = f80_operand_from_f64(load_le64(v->memory), &v->env);
    out->status = relation_status(f80_compare(v->st0, b, false, &v->env));
}

static void model_add_m32(struct vector *v, struct outcome *out) {
    struct float80 b = f80_operand_from_f32(load_le32(v->memory), &v->env);
    finish(v, out, f80_add(v->st0, b, &v->env));
}

static void model_add_m64(struct vector *v, struct outcome *out) {
    struct float80 b = f80_operand_from_f64(load_le64(v->memory), &v->env);
    finish(v, out, f80_add(v->st0, b, &v->env));
}

static void model_div_m32(struct vector *v, struct outcome *out) {
    struct float80 b = f80_operand_from_f32(load_le32(v->memory), &v->env);
    finish(v, out, f80_div(v->st0, b, &v->env));
}

static void model_divr_m64(struct vector *v, struct outcome *out) {
    struct float80 b = f80_operand_from_f64(load_le64(v->memory), &v->env);
    finish(v, out, f80_div(b, v->st0, &v->env));
}

static void finish_load(struct vector *v, struct outcome *out, struct float80 value) {
    if (v->env.flags & ~v->env.masked & FLOAT_IE)
        return;
    out->st1 = v->st0;
    out->st0 = value;
}

static void model_ld_m32(struct vector *v, struct outcome *out) {
    finish_load(v, out, f80_from_f32(load_le32(v->memory), &v->env));
}

static void model_ld_m64(struct vector *v, struct outcome *out) {
    finish_load(v, out, f80_from_f64(load_le64(v->memory), &v->env));
}

static void model_xtract(struct vector *v, struct outcome *out) {
    struct float80 exponent;
    struct float80 significand = f80_extract(v->st0, &exponent, &v->env);
    if (float_env_aborted(&v->env))
        return;
    out->st0 = significand;
    out->st1 = exponent;
}

static void finish_remainder(const struct vector *v, struct outcome *out,
                             const struct float_remainder *r) {
    if (float_env_aborted(&v->env))
        return;
    out->st0 = r->value;
    if (r->is_partial)
        out->status |= STATUS_C2;
    else
        out->status |=
            (uint16_t)((r->quotient & 4 ? STATUS_C0 : 0) | (r->quotient & 2 ? STATUS_C3 : 0) |
                       (r->quotient & 1 ? STATUS_C1 : 0));
}

static void model_prem(struct vector *v, struct outcome *out) {
    struct float_remainder r = f80_remainder_truncate(v->st0, v->st1, &v->env);
    finish_remainder(v, out, &r);
}

static void model_prem1(struct vector *v, struct outcome *out) {
    struct float_remainder r = f80_remainder_nearest(v->st0, v->st1, &v->env);
    finish_remainder(v, out, &r);
}

static bool may_store(const struct vector *v, struct outcome *out) {
    if (v->env.flags & ~v->env.masked & (FLOAT_IE | FLOAT_OE | FLOAT_UE))
        return false;
    if (v->env.rounded_up)
        out->status |= STATUS_C1;
    return true;
}

static void model_st_m32(struct vector *v, struct outcome *out) {
    uint32_t value = f80_to_f32(v->st0, &v->env);
    if (may_store(v, out))
        store_le32(v->memory, value);
}

static void model_st_m64(struct vector *v, struct outcome *out) {
    uint64_t value = f80_to_f64(v->st0, &v->env);
    if (may_store(v, out))
        store_le64(v->memory, value);
}

static void model_ist_m16(struct vector *v, struct outcome *out) {
    int16_t value = f80_to_i16(v->st0, v->env.rounding, &v->env);
    if (may_store(v, out))
        store_le16(v->memory, (uint16_t)value);
}

static void model_ist_m32(struct vector *v, struct outcome *out) {
    int32_t value = f80_to_i32(v->st0, v->env.rounding, &v->env);
    if (may_store(v, out))
        store_le32(v->memory, (uint32_t)value);
}

static void model_istp_m64(struct vector *v, struct outcome *out) {
    int64_t value = f80_to_i64(v->st0, v->env.rounding, &v->env);
    if (!may_store(v, out))
        return;
    store_le64(v->memory, (uint64_t)value);
    out->st0 = v->st1;
    out->st1 = F80_ZERO; /* not compared: see status and memory */
}

static void model_bstp(struct vector *v, struct outcome *out) {
    uint8_t bcd[10];
    f80_to_bcd(v->st0, bcd, &v->env);
    if (!may_store(v, out))
        return;
    memcpy(v->memory, bcd, 10);
    out->st0 = v->st1;
    out->st1 = F80_ZERO;
}

static void model_bld(struct vector *v, struct outcome *out) {
    finish_load(v, out, f80_from_bcd(v->memory));
}

UNARY_MODEL(model_2xm1, f80_exp2_minus_1)

/* The host pops; its result is then in ST0 and ST1 is empty. */
static void finish_popped(struct vector *v, struct outcome *out, struct float80 result) {
    if (float_env_aborted(&v->env))
        return;
    out->st0 = result;
    out->st1 = F80_ZERO;
}

static void model_yl2x(struct vector *v, struct outcome *out) {
    finish_popped(v, out, f80_y_log2_x(v->st1, v->st0, &v->env));
}

static void model_yl2xp1(struct vector *v, struct outcome *out) {
    finish_popped(v, out, f80_y_log2_x_plus_1(v->st1, v->st0, &v->env));
}

static void model_patan(struct vector *v, struct outcome *out) {
    finish_popped(v, out, f80_arctan(v->st1, v->st0, &v->env));
}

static void finish_trigonometric(struct vector *v, struct outcome *out, bool in_range,
                                 struct float80 result) {
    if (!in_range)
        out->status = STATUS_C2;
    else if (!float_env_aborted(&v->env))
        out->st0 = result;
}

static void model_sin(struct vector *v, struct outcome *out) {
    struct float80 sine;
    bool in_range = f80_sin(v->st0, &sine, &v->env);
    finish_trigonometric(v, out, in_range, sine);
}

static void model_cos(struct vector *v, struct outcome *out) {
    struct float80 cosine;
    bool in_range = f80_cos(v->st0, &cosine, &v->env);
    finish_trigonometric(v, out, in_range, cosine);
}

static void finish_pushed(struct vector *v, struct outcome *out, bool in_range, struct float80 st0,
                          struct float80 st1) {
    finish_trigonometric(v, out, in_range, st0);
    if (in_range && !float_env_aborted(&v->env))
        out->st1 = st1;
}

static void model_sincos(struct vector *v, struct outcome *out) {
    struct float80 sine, cosine;
    bool in_range = f80_sincos(v->st0, &sine, &cosine, &v->env);
    finish_pushed(v, out, in_range, cosine, sine);
}

static void model_ptan(struct vector *v, struct outcome *out) {
    struct float80 tangent;
    bool in_range = f80_tan(v->st0, &tangent, &v->env);
    bool is_nan = (tangent.sign_exponent & F80_EXPONENT_MASK) == F80_EXPONENT_MASK;
    finish_pushed(v, out, in_range, is_nan ? tangent : F80_ONE, tangent);
}

#define STATUS_RESULT  (STATUS_FLAGS | STATUS_C1)
#define STATUS_COMPARE (STATUS_FLAGS | STATUS_C0 | STATUS_C1 | STATUS_C2 | STATUS_C3)

static const struct comparison exact_operations[] = {
    {"fadd", host_fadd, model_add, STATUS_RESULT, 0, 0},
    {"fsub", host_fsub, model_sub, STATUS_RESULT, 0, 0},
    {"fmul", host_fmul, model_mul, STATUS_RESULT, 0, 0},
    {"fdiv", host_fdiv, model_div, STATUS_RESULT, 0, 0},
    {"fsqrt", host_fsqrt, model_sqrt, STATUS_RESULT, 0, 0},
    {"frndint", host_frndint, model_rndint, STATUS_RESULT, 0, 0},
    {"fscale", host_fscale, model_scale, STATUS_RESULT, 0, 0},
    {"fxtract", host_fxtract, model_xtract, STATUS_RESULT, 0, 0},
    {"fcom", host_fcom, model_com, STATUS_COMPARE, 0, 0},
    {"fucom", host_fucom, model_ucom, STATUS_COMPARE, 0, 0},
    {"fcom m64", host_fcom_m64, model_com_m64, STATUS_COMPARE, 0, 0},
    {"fprem", host_fprem, model_prem, STATUS_COMPARE, 0, 0},
    {"fprem1", host_fprem1, model_prem1, STATUS_COMPARE, 0, 0},
    {"fld m32", host_fld_m32, model_ld_m32, STATUS_RESULT, 0, 0},
    {"fld m64", host_fld_m64, model_ld_m64, STATUS_RESULT, 0, 0},
    {"fadd m32", host_fadd_m32, model_add_m32, STATUS_RESULT, 0, 0},
    {"fadd m64", host_fadd_m64, model_add_m64, STATUS_RESULT, 0, 0},
    {"fdiv m32", host_fdiv_m32, model_div_m32, STATUS_RESULT, 0, 0},
    {"fdivr m64", host_fdivr_m64, model_divr_m64, STATUS_RESULT, 0, 0},
    {"fst m32", host_fst_m32, model_st_m32, STATUS_RESULT, 0, 4},
    {"fst m64", host_fst_m64, model_st_m64, STATUS_RESULT, 0, 8},
    {"fist m16", host_fist_m16, model_ist_m16, STATUS_RESULT, 0, 2},
    {"fist m32", host_fist_m32, model_ist_m32, STATUS_RESULT, 0, 4},
    {"fistp m64", host_fistp_m64, model_istp_m64, STATUS_RESULT, UINT64_MAX, 8},
    {"fbstp", host_fbstp, model_bstp, STATUS_RESULT, UINT64_MAX, 10},
    {"fbld", host_fbld, model_bld, STATUS_RESULT, 0, 0},
};

/* C1, and overflow at the edge of the range, reflect the last digit: not compared. */
#define STATUS_ROUGH (FLOAT_IE | FLOAT_DE | FLOAT_ZE | FLOAT_UE | FLOAT_PE | STATUS_C2)

static const struct comparison transcendental_operations[] = {
    {"f2xm1", host_f2xm1, model_2xm1, STATUS_ROUGH, 1, 0},
    {"fyl2x", host_fyl2x, model_yl2x, STATUS_ROUGH, 1, 0},
    {"fyl2xp1", host_fyl2xp1, model_yl2xp1, STATUS_ROUGH, 1, 0},
    {"fpatan", host_fpatan, model_patan, STATUS_ROUGH, 1, 0},
    {"fsin", host_fsin, model_sin, STATUS_ROUGH, 1, 0},
    {"fcos", host_fcos, model_cos, STATUS_ROUGH, 1, 0},
    {"fsincos", host_fsincos, model_sincos, STATUS_ROUGH, 1, 0},
    {"fptan", host_fptan, model_ptan, STATUS_ROUGH, 1, 0},
};

Test(softfloat_host_x87, transcendental_functions_are_within_one_ulp_of_the_host) {
    for (size_t i = 0; i < ARRAY_SIZE(transcendental_operations); i++)
        compare_with_host(&transcendental_operations[i], vector_count(10000));
}

Test(softfloat_host_x87, exact_operations_equal_the_host) {
    for (size_t i = 0; i < ARRAY_SIZE(exact_operations); i++)
        compare_with_host(&exact_operations[i], vector_count(20000));
}
