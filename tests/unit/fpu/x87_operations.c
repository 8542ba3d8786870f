/* See x87_operations.h. */
#include "tests/unit/fpu/x87_operations.h"

#include <inttypes.h>

#define STATUS_FLAGS 0x3f
#define STATUS_C0    0x0100
#define STATUS_C1    0x0200
#define STATUS_C2    0x0400
#define STATUS_C3    0x4000

/* A number of 18 decimal digits and a sign, as FBLD reads it. */
static void draw_bcd(struct operand_source *source, uint8_t *memory) {
    unsigned bytes = operand_below(source, 10);
    for (unsigned i = 0; i < 9; i++)
        memory[i] =
            (uint8_t)(i < bytes ? operand_below(source, 10) << 4 | operand_below(source, 10) : 0);
    memory[9] = operand_random(source) & 1 ? 0x80 : 0;
}

static void draw_memory(struct operand_source *source, uint8_t *memory) {
    uint64_t r = operand_random(source);
    switch (operand_below(source, 4)) {
    case 0:
        store_le64(memory, operand_f64(source));
        break;
    case 1:
        store_le32(memory, operand_f32(source));
        break;
    case 2: /* integers of all sizes */
        store_le64(memory, (uint64_t)((int64_t)r >> (operand_random(source) & 63)));
        break;
    default:
        draw_bcd(source, memory);
        return;
    }
    store_le16(memory + 8, (uint16_t)r);
}

void x87_vector_draw(struct x87_vector *v, uint64_t seed, uint64_t number) {
    static const uint8_t precisions[] = {24, 24, 53, 64};
    struct operand_source source = {seed};
    source.state = operand_random(&source) ^ number * UINT64_C(0xd1342543de82ef95);
    *v = (struct x87_vector){.env = {.masked = FLOAT_ALL_FLAGS}};
    v->st0 = operand_f80(&source);
    v->st1 = operand_f80_near(&source, v->st0);
    draw_memory(&source, v->memory);
    uint64_t r = operand_random(&source);
    v->env.rounding = r & 3;
    v->env.precision = r & 4 ? 64 : precisions[r >> 3 & 3];
    if ((r >> 5 & 3) == 0)
        v->env.masked = r >> 8 & FLOAT_ALL_FLAGS;
}

static uint16_t control_word(const struct float_env *env) {
    unsigned precision = env->precision == 24 ? 0 : env->precision == 53 ? 2 : 3;
    return (uint16_t)(0x40 | env->masked | precision << 8 | env->rounding << 10);
}

void x87_run_host(const struct x87_operation *operation, const struct x87_vector *given,
                  struct x87_outcome *out) {
    uint16_t control = control_word(&given->env);
    struct host_x87_image image;
    memcpy(out->memory, given->memory, sizeof(out->memory));
    operation->host(&image, &given->st0, &given->st1, out->memory, &control);
    out->st0 = host_x87_register(&image, 0);
    out->st1 = host_x87_register(&image, 1);
    out->status = (uint16_t)image.status;
}

void x87_run_model(const struct x87_operation *operation, const struct x87_vector *given,
                   struct x87_outcome *out) {
    struct x87_vector v = *given;
    *out = (struct x87_outcome){.st0 = v.st0, .st1 = v.st1};
    operation->model(&v, out);
    memcpy(out->memory, v.memory, sizeof(out->memory));
    out->status |= v.env.flags;
}

/* Rounding up by one unit may overflow, and an unmasked overflow wraps the exponent by 24576. */
static struct float80 unwrapped(struct float80 value, uint16_t status,
                                const struct float_env *env) {
    if (status & ~env->masked & FLOAT_OE)
        value.sign_exponent = (uint16_t)(value.sign_exponent + 24576);
    return value;
}

bool x87_agrees(const struct x87_operation *operation, const struct x87_vector *given,
                const struct x87_outcome *host, const struct x87_outcome *model,
                uint64_t *distance) {
    struct float80 h = host->st0, m = model->st0;
    if (operation->ulps != 0 && (host->status ^ model->status) & FLOAT_OE) {
        h = unwrapped(h, host->status, &given->env);
        m = unwrapped(m, model->status, &given->env);
    }
    *distance = operand_distance(h, m);
    if (operation->registers > 1) {
        uint64_t second = operand_distance(host->st1, model->st1);
        *distance = second > *distance ? second : *distance;
    }
    return *distance <= operation->ulps &&
           !((host->status ^ model->status) & operation->status_mask) &&
           memcmp(host->memory, model->memory, operation->memory_bytes) == 0;
}

static void print_number(FILE *file, const char *name, struct float80 a) {
    fprintf(file, " %s %04x:%016" PRIx64, name, a.sign_exponent, a.significand);
}

static void print_outcome(FILE *file, const char *who, const struct x87_outcome *o) {
    fprintf(file, "    %s", who);
    print_number(file, "st0", o->st0);
    print_number(file, "st1", o->st1);
    fprintf(file, " status %04x memory %04x%016" PRIx64 "\n", o->status, load_le16(o->memory + 8),
            load_le64(o->memory));
}

void x87_print_case(FILE *file, const struct x87_operation *operation,
                    const struct x87_vector *given, const struct x87_outcome *host,
                    const struct x87_outcome *model) {
    fprintf(file, "%s control %04x", operation->name, control_word(&given->env));
    print_number(file, "st0", given->st0);
    print_number(file, "st1", given->st1);
    fprintf(file, " memory %04x%016" PRIx64 "\n", load_le16(given->memory + 8),
            load_le64(given->memory));
    print_outcome(file, "host    ", host);
    print_outcome(file, "softfloat", model);
}

static void finish(const struct x87_vector *v, struct x87_outcome *out, struct float80 result) {
    if (float_env_aborted(&v->env))
        return;
    out->st0 = result;
    if (v->env.rounded_up)
        out->status |= STATUS_C1;
}

#define BINARY_MODEL(name, function)                                                               \
    static void name(struct x87_vector *v, struct x87_outcome *out) {                              \
        finish(v, out, function(v->st0, v->st1, &v->env));                                         \
    }
#define UNARY_MODEL(name, function)                                                                \
    static void name(struct x87_vector *v, struct x87_outcome *out) {                              \
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

static void model_com(struct x87_vector *v, struct x87_outcome *out) {
    out->status = relation_status(f80_compare(v->st0, v->st1, false, &v->env));
}

static void model_ucom(struct x87_vector *v, struct x87_outcome *out) {
    out->status = relation_status(f80_compare(v->st0, v->st1, true, &v->env));
}

static void model_com_m64(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 b = f80_operand_from_f64(load_le64(v->memory), &v->env);
    out->status = relation_status(f80_compare(v->st0, b, false, &v->env));
}

static void model_add_m32(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 b = f80_operand_from_f32(load_le32(v->memory), &v->env);
    finish(v, out, f80_add(v->st0, b, &v->env));
}

static void model_add_m64(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 b = f80_operand_from_f64(load_le64(v->memory), &v->env);
    finish(v, out, f80_add(v->st0, b, &v->env));
}

static void model_div_m32(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 b = f80_operand_from_f32(load_le32(v->memory), &v->env);
    finish(v, out, f80_div(v->st0, b, &v->env));
}

static void model_divr_m64(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 b = f80_operand_from_f64(load_le64(v->memory), &v->env);
    finish(v, out, f80_div(b, v->st0, &v->env));
}

static void finish_load(struct x87_vector *v, struct x87_outcome *out, struct float80 value) {
    if (v->env.flags & ~v->env.masked & FLOAT_IE)
        return;
    out->st1 = v->st0;
    out->st0 = value;
}

static void model_ld_m32(struct x87_vector *v, struct x87_outcome *out) {
    finish_load(v, out, f80_from_f32(load_le32(v->memory), &v->env));
}

static void model_ld_m64(struct x87_vector *v, struct x87_outcome *out) {
    finish_load(v, out, f80_from_f64(load_le64(v->memory), &v->env));
}

static void model_ild_m16(struct x87_vector *v, struct x87_outcome *out) {
    finish_load(v, out, f80_from_i64((int16_t)load_le16(v->memory)));
}

static void model_ild_m32(struct x87_vector *v, struct x87_outcome *out) {
    finish_load(v, out, f80_from_i64((int32_t)load_le32(v->memory)));
}

static void model_ild_m64(struct x87_vector *v, struct x87_outcome *out) {
    finish_load(v, out, f80_from_i64((int64_t)load_le64(v->memory)));
}

static void model_xtract(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 exponent;
    struct float80 significand = f80_extract(v->st0, &exponent, &v->env);
    if (float_env_aborted(&v->env))
        return;
    out->st0 = significand;
    out->st1 = exponent;
}

static void finish_remainder(const struct x87_vector *v, struct x87_outcome *out,
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

static void model_prem(struct x87_vector *v, struct x87_outcome *out) {
    struct float_remainder r = f80_remainder_truncate(v->st0, v->st1, &v->env);
    finish_remainder(v, out, &r);
}

static void model_prem1(struct x87_vector *v, struct x87_outcome *out) {
    struct float_remainder r = f80_remainder_nearest(v->st0, v->st1, &v->env);
    finish_remainder(v, out, &r);
}

static bool may_store(const struct x87_vector *v, struct x87_outcome *out) {
    if (v->env.flags & ~v->env.masked & (FLOAT_IE | FLOAT_OE | FLOAT_UE))
        return false;
    if (v->env.rounded_up)
        out->status |= STATUS_C1;
    return true;
}

static void model_st_m32(struct x87_vector *v, struct x87_outcome *out) {
    uint32_t value = f80_to_f32(v->st0, &v->env);
    if (may_store(v, out))
        store_le32(v->memory, value);
}

static void model_st_m64(struct x87_vector *v, struct x87_outcome *out) {
    uint64_t value = f80_to_f64(v->st0, &v->env);
    if (may_store(v, out))
        store_le64(v->memory, value);
}

static void model_ist_m16(struct x87_vector *v, struct x87_outcome *out) {
    int16_t value = f80_to_i16(v->st0, v->env.rounding, &v->env);
    if (may_store(v, out))
        store_le16(v->memory, (uint16_t)value);
}

static void model_ist_m32(struct x87_vector *v, struct x87_outcome *out) {
    int32_t value = f80_to_i32(v->st0, v->env.rounding, &v->env);
    if (may_store(v, out))
        store_le32(v->memory, (uint32_t)value);
}

static void model_istp_m64(struct x87_vector *v, struct x87_outcome *out) {
    int64_t value = f80_to_i64(v->st0, v->env.rounding, &v->env);
    if (!may_store(v, out))
        return;
    store_le64(v->memory, (uint64_t)value);
    out->st0 = v->st1;
}

static void model_bstp(struct x87_vector *v, struct x87_outcome *out) {
    uint8_t bcd[10];
    f80_to_bcd(v->st0, bcd, &v->env);
    if (!may_store(v, out))
        return;
    memcpy(v->memory, bcd, 10);
    out->st0 = v->st1;
}

static void model_bld(struct x87_vector *v, struct x87_outcome *out) {
    finish_load(v, out, f80_from_bcd(v->memory));
}

UNARY_MODEL(model_2xm1, f80_exp2_minus_1)

/* The host pops; its result is then in ST0 and ST1 is empty. */
static void finish_popped(struct x87_vector *v, struct x87_outcome *out, struct float80 result) {
    if (float_env_aborted(&v->env))
        return;
    out->st0 = result;
}

static void model_yl2x(struct x87_vector *v, struct x87_outcome *out) {
    finish_popped(v, out, f80_y_log2_x(v->st1, v->st0, &v->env));
}

static void model_yl2xp1(struct x87_vector *v, struct x87_outcome *out) {
    finish_popped(v, out, f80_y_log2_x_plus_1(v->st1, v->st0, &v->env));
}

static void model_patan(struct x87_vector *v, struct x87_outcome *out) {
    finish_popped(v, out, f80_arctan(v->st1, v->st0, &v->env));
}

static void finish_trigonometric(struct x87_vector *v, struct x87_outcome *out, bool in_range,
                                 struct float80 result) {
    if (!in_range)
        out->status = STATUS_C2;
    else if (!float_env_aborted(&v->env))
        out->st0 = result;
}

static void model_sin(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 sine;
    bool in_range = f80_sin(v->st0, &sine, &v->env);
    finish_trigonometric(v, out, in_range, sine);
}

static void model_cos(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 cosine;
    bool in_range = f80_cos(v->st0, &cosine, &v->env);
    finish_trigonometric(v, out, in_range, cosine);
}

static void finish_pushed(struct x87_vector *v, struct x87_outcome *out, bool in_range,
                          struct float80 st0, struct float80 st1) {
    finish_trigonometric(v, out, in_range, st0);
    if (in_range && !float_env_aborted(&v->env))
        out->st1 = st1;
}

static void model_sincos(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 sine, cosine;
    bool in_range = f80_sincos(v->st0, &sine, &cosine, &v->env);
    finish_pushed(v, out, in_range, cosine, sine);
}

static void model_ptan(struct x87_vector *v, struct x87_outcome *out) {
    struct float80 tangent;
    bool in_range = f80_tan(v->st0, &tangent, &v->env);
    bool is_nan = (tangent.sign_exponent & F80_EXPONENT_MASK) == F80_EXPONENT_MASK;
    finish_pushed(v, out, in_range, is_nan ? tangent : F80_ONE, tangent);
}

#define STATUS_RESULT  (STATUS_FLAGS | STATUS_C1)
#define STATUS_COMPARE (STATUS_FLAGS | STATUS_C0 | STATUS_C1 | STATUS_C2 | STATUS_C3)
/* C1, and overflow at the edge of the range, reflect the last digit: not compared. */
#define STATUS_ROUGH (FLOAT_IE | FLOAT_DE | FLOAT_ZE | FLOAT_UE | FLOAT_PE | STATUS_C2)

/* name, host, model, status, ulps, bytes of memory, registers; a third register, left after a pop,
   was never loaded. */
static const struct x87_operation operations[] = {
    {"fadd", host_fadd, model_add, STATUS_RESULT, 0, 0, 2},
    {"fsub", host_fsub, model_sub, STATUS_RESULT, 0, 0, 2},
    {"fmul", host_fmul, model_mul, STATUS_RESULT, 0, 0, 2},
    {"fdiv", host_fdiv, model_div, STATUS_RESULT, 0, 0, 2},
    {"fsqrt", host_fsqrt, model_sqrt, STATUS_RESULT, 0, 0, 2},
    {"frndint", host_frndint, model_rndint, STATUS_RESULT, 0, 0, 2},
    {"fscale", host_fscale, model_scale, STATUS_RESULT, 0, 0, 2},
    {"fxtract", host_fxtract, model_xtract, STATUS_RESULT, 0, 0, 2},
    {"fcom", host_fcom, model_com, STATUS_COMPARE, 0, 0, 2},
    {"fucom", host_fucom, model_ucom, STATUS_COMPARE, 0, 0, 2},
    {"fcom m64", host_fcom_m64, model_com_m64, STATUS_COMPARE, 0, 0, 2},
    {"fprem", host_fprem, model_prem, STATUS_COMPARE, 0, 0, 2},
    {"fprem1", host_fprem1, model_prem1, STATUS_COMPARE, 0, 0, 2},
    {"fld m32", host_fld_m32, model_ld_m32, STATUS_RESULT, 0, 0, 2},
    {"fld m64", host_fld_m64, model_ld_m64, STATUS_RESULT, 0, 0, 2},
    {"fild m16", host_fild_m16, model_ild_m16, STATUS_RESULT, 0, 0, 2},
    {"fild m32", host_fild_m32, model_ild_m32, STATUS_RESULT, 0, 0, 2},
    {"fild m64", host_fild_m64, model_ild_m64, STATUS_RESULT, 0, 0, 2},
    {"fadd m32", host_fadd_m32, model_add_m32, STATUS_RESULT, 0, 0, 2},
    {"fadd m64", host_fadd_m64, model_add_m64, STATUS_RESULT, 0, 0, 2},
    {"fdiv m32", host_fdiv_m32, model_div_m32, STATUS_RESULT, 0, 0, 2},
    {"fdivr m64", host_fdivr_m64, model_divr_m64, STATUS_RESULT, 0, 0, 2},
    {"fst m32", host_fst_m32, model_st_m32, STATUS_RESULT, 0, 4, 2},
    {"fst m64", host_fst_m64, model_st_m64, STATUS_RESULT, 0, 8, 2},
    {"fist m16", host_fist_m16, model_ist_m16, STATUS_RESULT, 0, 2, 2},
    {"fist m32", host_fist_m32, model_ist_m32, STATUS_RESULT, 0, 4, 2},
    {"fistp m64", host_fistp_m64, model_istp_m64, STATUS_RESULT, 0, 8, 1},
    {"fbstp", host_fbstp, model_bstp, STATUS_RESULT, 0, 10, 1},
    {"fbld", host_fbld, model_bld, STATUS_RESULT, 0, 0, 2},
    {"f2xm1", host_f2xm1, model_2xm1, STATUS_ROUGH, 1, 0, 2},
    {"fyl2x", host_fyl2x, model_yl2x, STATUS_ROUGH, 1, 0, 1},
    {"fyl2xp1", host_fyl2xp1, model_yl2xp1, STATUS_ROUGH, 1, 0, 1},
    {"fpatan", host_fpatan, model_patan, STATUS_ROUGH, 1, 0, 1},
    {"fsin", host_fsin, model_sin, STATUS_ROUGH, 1, 0, 2},
    {"fcos", host_fcos, model_cos, STATUS_ROUGH, 1, 0, 2},
    {"fsincos", host_fsincos, model_sincos, STATUS_ROUGH, 1, 0, 2},
    {"fptan", host_fptan, model_ptan, STATUS_ROUGH, 1, 0, 2},
};

const struct x87_operation *x87_operations(size_t *count) {
    *count = ARRAY_SIZE(operations);
    return operations;
}
