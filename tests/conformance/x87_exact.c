/* See x87_exact.h. Needs a compiler with libquadmath. */
#include "tests/conformance/x87_exact.h"

#include <quadmath.h>

#define STATUS_C2 0x0400

typedef __float128 quad;

/* The results, and how many of them count: 0 outside of the function's domain. */
typedef unsigned exact_fn(quad st0, quad st1, quad *results);

/* The significand of pi that the instructions reduce by has 66 bits: C90FDAA22168C234C. */
static quad half_pi(void) {
    return scalbnq((quad)UINT64_C(0xc90fdaa22168c234) * 16 + 0xc, -67);
}

/* The angle less the nearest multiple of half pi, exactly, and that multiple's low bits. */
static quad reduce(quad angle, int *quadrant) {
    return remquoq(angle, half_pi(), quadrant);
}

static quad sine_in(quad rest, int quadrant) {
    quad value = quadrant & 1 ? cosq(rest) : sinq(rest);
    return quadrant & 2 ? -value : value;
}

static unsigned exact_sin(quad st0, quad st1, quad *results) {
    int quadrant;
    quad rest = reduce(st0, &quadrant);
    results[0] = sine_in(rest, quadrant);
    return 1;
}

static unsigned exact_cos(quad st0, quad st1, quad *results) {
    int quadrant;
    quad rest = reduce(st0, &quadrant);
    results[0] = sine_in(rest, quadrant + 1);
    return 1;
}

static unsigned exact_sincos(quad st0, quad st1, quad *results) {
    int quadrant;
    quad rest = reduce(st0, &quadrant);
    results[0] = sine_in(rest, quadrant + 1);
    results[1] = sine_in(rest, quadrant);
    return 2;
}

static unsigned exact_tan(quad st0, quad st1, quad *results) {
    int quadrant;
    quad rest = reduce(st0, &quadrant);
    results[0] = 1;
    results[1] = quadrant & 1 ? -1 / tanq(rest) : tanq(rest);
    return 2;
}

static unsigned exact_atan(quad st0, quad st1, quad *results) {
    results[0] = atan2q(st1, st0);
    return 1;
}

static unsigned exact_2xm1(quad st0, quad st1, quad *results) {
    results[0] = expm1q(st0 * M_LN2q);
    return fabsq(st0) <= 1;
}

/* log2q loses digits near 1, where log1pq does not: x - 1 is exact there. */
static unsigned exact_yl2x(quad st0, quad st1, quad *results) {
    bool is_near_1 = st0 > 0.5 && st0 < 2;
    results[0] = st1 * (is_near_1 ? log1pq(st0 - 1) / M_LN2q : log2q(st0));
    return st0 > 0;
}

static unsigned exact_yl2xp1(quad st0, quad st1, quad *results) {
    results[0] = st1 * (log1pq(st0) / M_LN2q);
    return fabsq(st0) < 1 - M_SQRT1_2q;
}

static exact_fn *exact_function(const char *name) {
    static const struct {
        const char *name;
        exact_fn *function;
    } functions[] = {
        {"fsin", exact_sin},   {"fcos", exact_cos},       {"fsincos", exact_sincos},
        {"fptan", exact_tan},  {"fpatan", exact_atan},    {"f2xm1", exact_2xm1},
        {"fyl2x", exact_yl2x}, {"fyl2xp1", exact_yl2xp1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
        if (strcmp(name, functions[i].name) == 0)
            return functions[i].function;
    return NULL;
}

static bool is_normal(struct float80 a) {
    unsigned exponent = a.sign_exponent & F80_EXPONENT_MASK;
    return exponent != 0 && exponent != F80_EXPONENT_MASK && (a.significand & F80_INTEGER_BIT);
}

static quad to_quad(struct float80 a) {
    int exponent = (a.sign_exponent & F80_EXPONENT_MASK) - F80_BIAS - 63;
    quad value = scalbnq((quad)a.significand, exponent);
    return a.sign_exponent & F80_SIGN_BIT ? -value : value;
}

/* In units in the last place of `exact`, whose exponent must be a normal one. */
static double error_of(struct float80 result, quad exact) {
    if (!is_normal(result))
        return -1;
    int exponent = ilogbq(exact);
    if (exponent <= 1 - F80_BIAS || exponent >= F80_BIAS)
        return -1;
    return (double)scalbnq(fabsq(to_quad(result) - exact), 63 - exponent);
}

double x87_exact_error(const struct x87_operation *operation, const struct x87_vector *given,
                       const struct x87_outcome *outcome) {
    exact_fn *function = exact_function(operation->name);
    quad results[2];
    uint16_t unmasked = outcome->status & FLOAT_ALL_FLAGS & (uint16_t)~given->env.masked;
    if (function == NULL || (outcome->status & STATUS_C2) || (unmasked & ~FLOAT_PE) ||
        !is_normal(given->st0) || (operation->registers == 1 && !is_normal(given->st1)))
        return -1;
    unsigned count = function(to_quad(given->st0), to_quad(given->st1), results);
    double worst = -1;
    for (unsigned i = 0; i < count; i++) {
        double error = error_of(i == 0 ? outcome->st0 : outcome->st1, results[i]);
        worst = error > worst ? error : worst;
    }
    return worst;
}
