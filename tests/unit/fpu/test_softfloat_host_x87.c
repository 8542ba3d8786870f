/*
 * softfloat against the host's x87: random and special operands under all rounding and precision
 * modes and random masks. tests/conformance/x87_pairs.c runs the same for longer.
 */
#include "tests/unit/fpu/x87_operations.h"

#include <criterion/criterion.h>

#define SEED        1987
#define MAX_REPORTS 12

static void compare_with_host(const struct x87_operation *operation, unsigned count) {
    unsigned failures = 0;
    for (unsigned i = 0; i < count; i++) {
        struct x87_vector v;
        struct x87_outcome host, model;
        uint64_t distance;
        x87_vector_draw(&v, SEED, i);
        x87_run_host(operation, &v, &host);
        x87_run_model(operation, &v, &model);
        if (!x87_agrees(operation, &v, &host, &model, &distance) && failures++ < MAX_REPORTS)
            x87_print_case(stderr, operation, &v, &host, &model);
    }
    cr_expect_eq(failures, 0, "%s: %u of %u vectors differ from the host", operation->name,
                 failures, count);
}

static void compare_all(bool is_exact, unsigned count) {
    size_t operation_count;
    const struct x87_operation *operations = x87_operations(&operation_count);
    for (size_t i = 0; i < operation_count; i++)
        if ((operations[i].ulps == 0) == is_exact)
            compare_with_host(&operations[i], count);
}

Test(softfloat_host_x87, transcendental_functions_are_within_one_ulp_of_the_host) {
    compare_all(false, 10000);
}

Test(softfloat_host_x87, exact_operations_equal_the_host) {
    compare_all(true, 20000);
}

/* FYL2X of the largest number, rounded to zero: just below 2^16384, which the host overflows to. */
Test(softfloat_host_x87, overflow_by_one_ulp_counts_as_one_ulp) {
    static const struct x87_operation fyl2x = {"fyl2x", NULL, NULL, FLOAT_PE, 1, 0, 1};
    struct x87_vector given = {.env = {.masked = FLOAT_ALL_FLAGS & ~FLOAT_OE}};
    struct x87_outcome host = {.st0 = {F80_INTEGER_BIT, 0x9fff}, .status = FLOAT_OE | FLOAT_PE};
    struct x87_outcome model = {.st0 = {UINT64_MAX, 0xfffe}, .status = FLOAT_PE};
    uint64_t distance;
    cr_expect(x87_agrees(&fyl2x, &given, &host, &model, &distance));
    cr_expect_eq(distance, 1, "distance %llu, expected 1", (unsigned long long)distance);
}
