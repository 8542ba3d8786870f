/*
 * softfloat on any host: known results of x86's rules for rounding, NaNs, denormals, unsupported
 * encodings and unmasked exceptions. Expected values were taken from the SDM or from hardware.
 */
#include "interp/fpu/softfloat.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static const struct float80 one = {UINT64_C(0x8000000000000000), 0x3fff};
static const struct float80 two = {UINT64_C(0x8000000000000000), 0x4000};
static const struct float80 three = {UINT64_C(0xc000000000000000), 0x4000};
static const struct float80 infinity = {UINT64_C(0x8000000000000000), 0x7fff};
static const struct float80 largest = {UINT64_C(0xffffffffffffffff), 0x7ffe};
static const struct float80 smallest_normal = {UINT64_C(0x8000000000000000), 0x0001};
static const struct float80 denormal = {1, 0};
static const struct float80 pi = {UINT64_C(0xc90fdaa22168c235), 0x4000};

static struct float_env default_env(void) {
    return (struct float_env){.precision = 64, .masked = FLOAT_ALL_FLAGS};
}

#define EXPECT_F80(actual, expected_sign_exponent, expected_significand)                           \
    do {                                                                                           \
        struct float80 actual_ = (actual);                                                         \
        cr_expect(actual_.sign_exponent == (expected_sign_exponent) &&                             \
                      actual_.significand == UINT64_C(expected_significand),                       \
                  "expected %04x:%016" PRIx64 ", got %04x:%016" PRIx64, expected_sign_exponent,    \
                  UINT64_C(expected_significand), actual_.sign_exponent, actual_.significand);     \
    } while (0)

#define EXPECT_FLAGS(env, expected)                                                                \
    cr_expect_eq((env).flags, (expected), "expected flags %02x, got %02x", (unsigned)(expected),   \
                 (env).flags)

Test(softfloat, division_rounds_in_all_four_modes) {
    static const uint64_t thirds[] = {UINT64_C(0xaaaaaaaaaaaaaaab), UINT64_C(0xaaaaaaaaaaaaaaaa),
                                      UINT64_C(0xaaaaaaaaaaaaaaab), UINT64_C(0xaaaaaaaaaaaaaaaa)};
    for (unsigned mode = 0; mode < 4; mode++) {
        struct float_env env = default_env();
        env.rounding = (uint8_t)mode;
        struct float80 third = f80_div(one, three, &env);
        cr_expect_eq(third.significand, thirds[mode], "mode %u: got %016" PRIx64, mode,
                     third.significand);
        cr_expect_eq(env.rounded_up, thirds[mode] & 1);
        EXPECT_FLAGS(env, FLOAT_PE);
    }
}

Test(softfloat, precision_control_shortens_the_significand) {
    struct float_env env = default_env();
    env.precision = 53;
    EXPECT_F80(f80_div(one, three, &env), 0x3ffd, 0xaaaaaaaaaaaaa800);
    env.precision = 24;
    EXPECT_F80(f80_div(one, three, &env), 0x3ffd, 0xaaaaab0000000000);
}

Test(softfloat, precision_control_keeps_the_exponent_range) {
    struct float_env env = default_env();
    env.precision = 24;
    EXPECT_F80(f80_mul(largest, one, &env), 0x7fff, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_OE | FLOAT_PE);
    EXPECT_F80(f80_add(smallest_normal, F80_ZERO, &env), 0x0001, 0x8000000000000000);
}

Test(softfloat, square_root_of_two) {
    struct float_env env = default_env();
    EXPECT_F80(f80_sqrt(two, &env), 0x3fff, 0xb504f333f9de6484);
    EXPECT_FLAGS(env, FLOAT_PE);
}

Test(softfloat, square_root_of_a_negative_number_is_the_indefinite) {
    struct float_env env = default_env();
    EXPECT_F80(f80_sqrt(f80_negate(two), &env), 0xffff, 0xc000000000000000);
    EXPECT_FLAGS(env, FLOAT_IE);
}

Test(softfloat, difference_of_equals_is_minus_zero_only_when_rounding_down) {
    struct float_env env = default_env();
    EXPECT_F80(f80_sub(pi, pi, &env), 0x0000, 0x0);
    env.rounding = FLOAT_ROUND_DOWN;
    EXPECT_F80(f80_sub(pi, pi, &env), 0x8000, 0x0);
    EXPECT_FLAGS(env, 0);
}

Test(softfloat, x87_nan_with_the_larger_significand_wins) {
    struct float80 small = {UINT64_C(0xc000000000000001), 0x7fff};
    struct float80 large = {UINT64_C(0xc000000000000002), 0xffff};
    struct float_env env = default_env();
    EXPECT_F80(f80_add(small, large, &env), 0xffff, 0xc000000000000002);
    EXPECT_FLAGS(env, 0);
}

Test(softfloat, x87_quiet_nan_beats_a_signalling_one) {
    struct float80 quiet = {UINT64_C(0xc000000000000001), 0x7fff};
    struct float80 signalling = {UINT64_C(0xbfffffffffffffff), 0x7fff};
    struct float_env env = default_env();
    EXPECT_F80(f80_mul(signalling, quiet, &env), 0x7fff, 0xc000000000000001);
    EXPECT_FLAGS(env, FLOAT_IE);
}

Test(softfloat, sse_takes_the_first_nan) {
    struct float_env env = default_env();
    cr_expect_eq(f32_add(0x7f800001, 0x7fc00002, &env), 0x7fc00001);
    EXPECT_FLAGS(env, FLOAT_IE);
    cr_expect_eq(f64_mul(UINT64_C(0x7ff8000000000001), UINT64_C(0xfff8000000000002), &env),
                 UINT64_C(0x7ff8000000000001));
}

Test(softfloat, unsupported_encodings_are_invalid) {
    static const struct float80 unsupported[] = {
        {UINT64_C(0x4000000000000000), 0x3fff},
        {0, 0x7fff},
        {UINT64_C(0x4000000000000000), 0x7fff},
    };
    for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
        struct float_env env = default_env();
        EXPECT_F80(f80_add(one, unsupported[i], &env), 0xffff, 0xc000000000000000);
        EXPECT_FLAGS(env, FLOAT_IE);
    }
}

Test(softfloat, pseudo_denormal_counts_as_denormal_with_its_full_value) {
    struct float80 pseudo = {UINT64_C(0x8000000000000000), 0x0000};
    struct float_env env = default_env();
    EXPECT_F80(f80_add(pseudo, F80_ZERO, &env), 0x0001, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_DE);
}

Test(softfloat, exact_denormal_result_raises_underflow_only_when_unmasked) {
    struct float80 half = {UINT64_C(0x8000000000000000), 0x3ffe};
    struct float_env env = default_env();
    EXPECT_F80(f80_mul(smallest_normal, half, &env), 0x0000, 0x4000000000000000);
    EXPECT_FLAGS(env, 0);
    env.masked = FLOAT_ALL_FLAGS & ~FLOAT_UE;
    EXPECT_F80(f80_mul(smallest_normal, half, &env), 0x6000, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_UE);
}

Test(softfloat, unmasked_overflow_wraps_the_exponent) {
    struct float_env env = default_env();
    env.masked = FLOAT_ALL_FLAGS & ~FLOAT_OE;
    EXPECT_F80(f80_mul(largest, two, &env), 0x1fff, 0xffffffffffffffff);
    EXPECT_FLAGS(env, FLOAT_OE);
}

Test(softfloat, masked_overflow_depends_on_rounding) {
    struct float_env env = default_env();
    env.rounding = FLOAT_ROUND_ZERO;
    EXPECT_F80(f80_mul(largest, two, &env), 0x7ffe, 0xffffffffffffffff);
    env.rounding = FLOAT_ROUND_UP;
    EXPECT_F80(f80_mul(largest, two, &env), 0x7fff, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_OE | FLOAT_PE);
}

Test(softfloat, zero_divide_takes_precedence_over_denormal) {
    struct float_env env = default_env();
    EXPECT_F80(f80_div(denormal, F80_ZERO, &env), 0x7fff, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_ZE);
}

Test(softfloat, unmasked_denormal_ends_the_operation_before_rounding) {
    struct float_env env = default_env();
    env.masked = FLOAT_ALL_FLAGS & ~FLOAT_DE;
    f80_add(one, denormal, &env);
    EXPECT_FLAGS(env, FLOAT_DE);
    cr_expect(float_env_aborted(&env));
}

Test(softfloat, denormal_memory_operand_raises_de_although_it_is_normal_in_80_bits) {
    struct float_env env = default_env();
    struct float80 operand = f80_operand_from_f32(0x00000001, &env);
    EXPECT_F80(f80_add(F80_ZERO, operand, &env), 0x3f6a, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_DE);
    cr_expect_not(env.denormal_operand);
}

Test(softfloat, partial_remainder_of_distant_operands_sets_c2) {
    struct float80 huge = {UINT64_C(0xffffffffffffffff), 0x4100};
    struct float_env env = default_env();
    struct float_remainder r = f80_remainder_truncate(huge, three, &env);
    cr_expect(r.is_partial);
    for (unsigned steps = 0; r.is_partial; steps++) {
        cr_assert_lt(steps, 10u);
        r = f80_remainder_truncate(r.value, three, &env);
    }
    EXPECT_F80(r.value, 0x0000, 0x0);
}

Test(softfloat, nearest_remainder_may_be_negative) {
    struct float_env env = default_env();
    struct float_remainder r = f80_remainder_nearest(two, three, &env);
    EXPECT_F80(r.value, 0xbfff, 0x8000000000000000);
    cr_expect_eq(r.quotient, 1);
    r = f80_remainder_truncate(two, three, &env);
    EXPECT_F80(r.value, 0x4000, 0x8000000000000000);
    cr_expect_eq(r.quotient, 0);
}

Test(softfloat, scale_and_extract_are_inverse) {
    struct float_env env = default_env();
    struct float80 exponent;
    struct float80 significand = f80_extract(f80_negate(pi), &exponent, &env);
    EXPECT_F80(significand, 0xbfff, 0xc90fdaa22168c235);
    EXPECT_F80(exponent, 0x3fff, 0x8000000000000000);
    EXPECT_F80(f80_scale(significand, exponent, &env), 0xc000, 0xc90fdaa22168c235);
}

Test(softfloat, extract_of_zero_divides_by_zero) {
    struct float_env env = default_env();
    struct float80 exponent;
    EXPECT_F80(f80_extract(F80_ZERO, &exponent, &env), 0x0000, 0x0);
    EXPECT_F80(exponent, 0xffff, 0x8000000000000000);
    EXPECT_FLAGS(env, FLOAT_ZE);
}

Test(softfloat, comparison_of_quiet_nan_is_invalid_unless_quiet) {
    struct float_env env = default_env();
    cr_expect_eq(f80_compare(F80_INDEFINITE, one, true, &env), FLOAT_UNORDERED);
    EXPECT_FLAGS(env, 0);
    cr_expect_eq(f80_compare(F80_INDEFINITE, one, false, &env), FLOAT_UNORDERED);
    EXPECT_FLAGS(env, FLOAT_IE);
    cr_expect_eq(f80_compare(F80_ZERO, f80_negate(F80_ZERO), false, &env), FLOAT_EQUAL);
    cr_expect_eq(f80_compare(f80_negate(infinity), one, false, &env), FLOAT_LESS);
}

Test(softfloat, integer_store_out_of_range_is_the_integer_indefinite) {
    struct float_env env = default_env();
    cr_expect_eq(f80_to_i16(f80_from_i64(32768), FLOAT_ROUND_NEAREST, &env), INT16_MIN);
    EXPECT_FLAGS(env, FLOAT_IE);
    env.flags = 0;
    cr_expect_eq(f80_to_i64(f80_from_i64(INT64_MIN), FLOAT_ROUND_NEAREST, &env), INT64_MIN);
    cr_expect_eq(f80_to_i32(f80_negate(pi), FLOAT_ROUND_DOWN, &env), -4);
    EXPECT_FLAGS(env, FLOAT_PE);
}

Test(softfloat, packed_decimal_keeps_eighteen_digits) {
    static const uint8_t digits[10] = {0x78, 0x56, 0x34, 0x12, 0x90, 0x78, 0x56, 0x34, 0x12, 0x80};
    uint8_t back[10];
    struct float_env env = default_env();
    f80_to_bcd(f80_from_bcd(digits), back, &env);
    cr_expect_arr_eq(back, digits, 10);
    EXPECT_FLAGS(env, 0);
}

Test(softfloat, packed_decimal_of_a_nan_is_the_indefinite) {
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    uint8_t bcd[10];
    struct float_env env = default_env();
    f80_to_bcd(F80_INDEFINITE, bcd, &env);
    cr_expect_arr_eq(bcd, indefinite, 10);
    EXPECT_FLAGS(env, FLOAT_IE);
}

Test(softfloat, storing_a_nan_as_single_makes_it_quiet_and_shortens_its_payload) {
    struct float80 signalling = {UINT64_C(0x8000010000000001), 0xffff};
    struct float_env env = default_env();
    cr_expect_eq(f80_to_f32(signalling, &env), 0xffc00001);
    EXPECT_FLAGS(env, FLOAT_IE);
}

Test(softfloat, sse_flush_to_zero_needs_masked_underflow) {
    struct float_env env = default_env();
    env.flush_to_zero = true;
    cr_expect_eq(f32_mul(0x80800000, 0x3f000000, &env), 0x80000000);
    EXPECT_FLAGS(env, FLOAT_UE | FLOAT_PE);
    env.flags = 0;
    env.masked = FLOAT_ALL_FLAGS & ~FLOAT_UE;
    f32_mul(0x80800000, 0x3f000000, &env);
    EXPECT_FLAGS(env, FLOAT_UE);
}

Test(softfloat, sse_denormals_are_zero_hides_them) {
    struct float_env env = default_env();
    env.denormals_are_zero = true;
    cr_expect_eq(f32_add(0x00000001, 0x00000001, &env), 0);
    EXPECT_FLAGS(env, 0);
}

Test(softfloat, sse_minimum_of_two_zeros_or_a_nan_is_the_second_operand) {
    struct float_env env = default_env();
    cr_expect_eq(f32_min(0x00000000, 0x80000000, &env), 0x80000000);
    cr_expect_eq(f64_max(UINT64_C(0x7ff8000000000000), 1, &env), 1);
    EXPECT_FLAGS(env, FLOAT_IE);
}

Test(softfloat, sine_of_pi_shows_the_66_bit_pi) {
    struct float_env env = default_env();
    struct float80 sine;
    cr_expect(f80_sin(pi, &sine, &env));
    EXPECT_F80(sine, 0xbfbf, 0x8000000000000000);
}

Test(softfloat, trigonometric_functions_refuse_arguments_from_2_to_the_63) {
    struct float80 limit = {UINT64_C(0x8000000000000000), 0x403e}, result;
    struct float_env env = default_env();
    cr_expect_not(f80_sin(limit, &result, &env));
    cr_expect_not(f80_tan(f80_negate(limit), &result, &env));
    EXPECT_FLAGS(env, 0);
}

Test(softfloat, transcendental_functions_hit_known_values) {
    struct float_env env = default_env();
    struct float80 half = {UINT64_C(0x8000000000000000), 0x3ffe};
    EXPECT_F80(f80_exp2_minus_1(half, &env), 0x3ffd, 0xd413cccfe7799211);
    EXPECT_F80(f80_y_log2_x(one, three, &env), 0x3fff, 0xcae00d1cfdeb43d0);
    EXPECT_F80(f80_y_log2_x_plus_1(one, two, &env), 0x3fff, 0xcae00d1cfdeb43d0);
    EXPECT_F80(f80_arctan(one, one, &env), 0x3ffe, 0xc90fdaa22168c235);
    EXPECT_F80(f80_arctan(F80_ZERO, f80_negate(one), &env), 0x4000, 0xc90fdaa22168c235);
    EXPECT_FLAGS(env, FLOAT_PE);
}
