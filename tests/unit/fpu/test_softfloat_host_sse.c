/*
 * softfloat's 32- and 64-bit operations against the host's SSE2 unit: random and special operands
 * under all rounding modes, DAZ, FTZ and, through SIGFPE, unmasked exceptions. FPU_VECTORS in the
 * environment sets the number of vectors.
 */
#include "interp/fpu/softfloat.h"

#include "tests/unit/fpu/host_x86_64_fpu.h"
#include "tests/unit/fpu/operands.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define MXCSR_DAZ   0x0040
#define MXCSR_FTZ   0x8000
#define MAX_REPORTS 12

typedef uint64_t model(uint64_t a, uint64_t b, struct float_env *env);

enum operand_kind { OPERAND_F32, OPERAND_F64, OPERAND_I64 };

struct comparison {
    const char *name;
    host_sse_operation *host;
    model *model;
    enum operand_kind operands;
    uint64_t result_mask;
};

static sigjmp_buf on_exception;
static volatile uint32_t exception_mxcsr;

static void catch_exception(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    const ucontext_t *machine = context;
    exception_mxcsr = machine->uc_mcontext.fpregs->mxcsr;
    siglongjmp(on_exception, 1);
}

static uint64_t random_operand(struct operand_source *source, enum operand_kind kind) {
    switch (kind) {
    case OPERAND_F32:
        return operand_f32(source);
    case OPERAND_F64:
        return operand_f64(source);
    default:
        return (uint64_t)((int64_t)operand_random(source) >> (operand_random(source) & 63));
    }
}

/* Returns the flags; *result is valid only when no unmasked exception happened. */
static uint32_t run_on_host(const struct comparison *c, uint64_t a, uint64_t b, uint32_t modes,
                            uint64_t *result, bool *trapped) {
    uint32_t mxcsr = modes;
    *result = a;
    *trapped = false;
    if (sigsetjmp(on_exception, 1) != 0) {
        *trapped = true;
        return exception_mxcsr & FLOAT_ALL_FLAGS;
    }
    c->host(result, &b, &mxcsr);
    return mxcsr & FLOAT_ALL_FLAGS;
}

static void compare_with_host(const struct comparison *c, unsigned count, bool unmask) {
    struct operand_source source = {1999};
    unsigned failures = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t a = random_operand(&source, c->operands);
        uint64_t b = operand_random(&source) & 15 ? random_operand(&source, c->operands) : a;
        uint64_t r = operand_random(&source);
        struct float_env env = {.rounding = r & 3,
                                .precision = 64,
                                .masked = unmask ? r >> 8 & FLOAT_ALL_FLAGS : FLOAT_ALL_FLAGS,
                                .flush_to_zero = (r >> 2 & 3) == 3,
                                .denormals_are_zero = (r >> 4 & 3) == 3};
        uint32_t modes = (uint32_t)env.masked << 7 | (uint32_t)env.rounding << 13 |
                         (env.flush_to_zero ? MXCSR_FTZ : 0) |
                         (env.denormals_are_zero ? MXCSR_DAZ : 0);
        uint64_t expected;
        bool trapped;
        uint32_t expected_flags = run_on_host(c, a, b, modes, &expected, &trapped);
        uint64_t actual = c->model(a, b, &env);
        bool differs =
            env.flags != expected_flags || (!trapped && (actual ^ expected) & c->result_mask);
        if (!differs || failures++ >= MAX_REPORTS)
            continue;
        fprintf(stderr,
                "%s mxcsr %04x a %016" PRIx64 " b %016" PRIx64 " expected %016" PRIx64
                " flags %02x actual %016" PRIx64 " flags %02x\n",
                c->name, modes, a, b, expected, expected_flags, actual, env.flags);
    }
    cr_expect_eq(failures, 0, "%s: %u of %u vectors differ from the host", c->name, failures,
                 count);
}

#define BINARY_MODEL(name, function, type)                                                         \
    static uint64_t name(uint64_t a, uint64_t b, struct float_env *env) {                          \
        return function((type)a, (type)b, env);                                                    \
    }
#define UNARY_MODEL(name, expression)                                                              \
    static uint64_t name(uint64_t a, uint64_t b, struct float_env *env) {                          \
        (void)a;                                                                                   \
        return (uint64_t)(expression);                                                             \
    }

BINARY_MODEL(model_addss, f32_add, uint32_t)
BINARY_MODEL(model_subss, f32_sub, uint32_t)
BINARY_MODEL(model_mulss, f32_mul, uint32_t)
BINARY_MODEL(model_divss, f32_div, uint32_t)
BINARY_MODEL(model_minss, f32_min, uint32_t)
BINARY_MODEL(model_maxss, f32_max, uint32_t)
BINARY_MODEL(model_addsd, f64_add, uint64_t)
BINARY_MODEL(model_subsd, f64_sub, uint64_t)
BINARY_MODEL(model_mulsd, f64_mul, uint64_t)
BINARY_MODEL(model_divsd, f64_div, uint64_t)
BINARY_MODEL(model_minsd, f64_min, uint64_t)
BINARY_MODEL(model_maxsd, f64_max, uint64_t)
UNARY_MODEL(model_sqrtss, f32_sqrt((uint32_t)b, env))
UNARY_MODEL(model_sqrtsd, f64_sqrt(b, env))
UNARY_MODEL(model_cvtss2sd, f32_to_f64((uint32_t)b, env))
UNARY_MODEL(model_cvtsd2ss, f64_to_f32(b, env))
UNARY_MODEL(model_cvtss2si, (uint32_t)f32_to_i32((uint32_t)b, env->rounding, env))
UNARY_MODEL(model_cvttss2si, (uint32_t)f32_to_i32((uint32_t)b, FLOAT_ROUND_ZERO, env))
UNARY_MODEL(model_cvtsd2si, (uint32_t)f64_to_i32(b, env->rounding, env))
UNARY_MODEL(model_cvttsd2si, (uint32_t)f64_to_i32(b, FLOAT_ROUND_ZERO, env))
UNARY_MODEL(model_cvtss2siq, f32_to_i64((uint32_t)b, env->rounding, env))
UNARY_MODEL(model_cvtsd2siq, f64_to_i64(b, env->rounding, env))
UNARY_MODEL(model_cvtsi2ss, f32_from_i64((int64_t)b, env))
UNARY_MODEL(model_cvtsi2sd, f64_from_i64((int64_t)b, env))

/* ZF, PF and CF as COMISS leaves them, in LAHF's layout. */
static uint64_t relation_flags(enum float_relation relation) {
    static const uint8_t flags[] = {[FLOAT_LESS] = 0x01,
                                    [FLOAT_EQUAL] = 0x40,
                                    [FLOAT_GREATER] = 0x00,
                                    [FLOAT_UNORDERED] = 0x45};
    return flags[relation];
}

static uint64_t model_comiss(uint64_t a, uint64_t b, struct float_env *env) {
    return relation_flags(f32_compare((uint32_t)a, (uint32_t)b, false, env));
}

static uint64_t model_ucomiss(uint64_t a, uint64_t b, struct float_env *env) {
    return relation_flags(f32_compare((uint32_t)a, (uint32_t)b, true, env));
}

static uint64_t model_comisd(uint64_t a, uint64_t b, struct float_env *env) {
    return relation_flags(f64_compare(a, b, false, env));
}

static uint64_t model_ucomisd(uint64_t a, uint64_t b, struct float_env *env) {
    return relation_flags(f64_compare(a, b, true, env));
}

#define LOW_32     UINT64_C(0xffffffff)
#define ALL_64     UINT64_C(0xffffffffffffffff)
#define FLAGS_LAHF UINT64_C(0x45)

static const struct comparison operations[] = {
    {"addss", host_addss, model_addss, OPERAND_F32, LOW_32},
    {"subss", host_subss, model_subss, OPERAND_F32, LOW_32},
    {"mulss", host_mulss, model_mulss, OPERAND_F32, LOW_32},
    {"divss", host_divss, model_divss, OPERAND_F32, LOW_32},
    {"sqrtss", host_sqrtss, model_sqrtss, OPERAND_F32, LOW_32},
    {"minss", host_minss, model_minss, OPERAND_F32, LOW_32},
    {"maxss", host_maxss, model_maxss, OPERAND_F32, LOW_32},
    {"comiss", host_comiss, model_comiss, OPERAND_F32, FLAGS_LAHF},
    {"ucomiss", host_ucomiss, model_ucomiss, OPERAND_F32, FLAGS_LAHF},
    {"addsd", host_addsd, model_addsd, OPERAND_F64, ALL_64},
    {"subsd", host_subsd, model_subsd, OPERAND_F64, ALL_64},
    {"mulsd", host_mulsd, model_mulsd, OPERAND_F64, ALL_64},
    {"divsd", host_divsd, model_divsd, OPERAND_F64, ALL_64},
    {"sqrtsd", host_sqrtsd, model_sqrtsd, OPERAND_F64, ALL_64},
    {"minsd", host_minsd, model_minsd, OPERAND_F64, ALL_64},
    {"maxsd", host_maxsd, model_maxsd, OPERAND_F64, ALL_64},
    {"comisd", host_comisd, model_comisd, OPERAND_F64, FLAGS_LAHF},
    {"ucomisd", host_ucomisd, model_ucomisd, OPERAND_F64, FLAGS_LAHF},
    {"cvtss2sd", host_cvtss2sd, model_cvtss2sd, OPERAND_F32, ALL_64},
    {"cvtsd2ss", host_cvtsd2ss, model_cvtsd2ss, OPERAND_F64, LOW_32},
    {"cvtss2si", host_cvtss2si, model_cvtss2si, OPERAND_F32, LOW_32},
    {"cvttss2si", host_cvttss2si, model_cvttss2si, OPERAND_F32, LOW_32},
    {"cvtsd2si", host_cvtsd2si, model_cvtsd2si, OPERAND_F64, LOW_32},
    {"cvttsd2si", host_cvttsd2si, model_cvttsd2si, OPERAND_F64, LOW_32},
    {"cvtss2si r64", host_cvtss2siq, model_cvtss2siq, OPERAND_F32, ALL_64},
    {"cvtsd2si r64", host_cvtsd2siq, model_cvtsd2siq, OPERAND_F64, ALL_64},
    {"cvtsi2ss", host_cvtsi2ss, model_cvtsi2ss, OPERAND_I64, LOW_32},
    {"cvtsi2sd", host_cvtsi2sd, model_cvtsi2sd, OPERAND_I64, ALL_64},
};

static void compare_all(unsigned usual, bool unmask) {
    const char *text = getenv("FPU_VECTORS");
    unsigned count = text ? (unsigned)strtoul(text, NULL, 0) : usual;
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        compare_with_host(&operations[i], count, unmask);
}

Test(softfloat_host_sse, results_and_flags_equal_the_host) {
    compare_all(20000, false);
}

Test(softfloat_host_sse, unmasked_exceptions_raise_the_flags_of_the_host) {
    struct sigaction action = {.sa_sigaction = catch_exception, .sa_flags = SA_SIGINFO};
    cr_assert_eq(sigaction(SIGFPE, &action, NULL), 0);
    compare_all(2000, true);
}
