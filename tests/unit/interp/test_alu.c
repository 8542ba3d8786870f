/* Flags of the value functions in interp/exec/alu.h, against definitions in wide arithmetic. */
#include "interp/exec/alu.h"

#include <criterion/criterion.h>

static const uint32_t samples[] = {0,          1,          2,          0x0f,       0x10,
                                   0x7f,       0x80,       0x81,       0xff,       0x100,
                                   0x7fff,     0x8000,     0x8001,     0xffff,     0x10000,
                                   0x12345678, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};

static uint32_t szp(unsigned bits, uint32_t result) {
    result &= alu_mask(bits);
    uint32_t parity = FLAG_PF;
    for (unsigned n = 0; n < 8; n++)
        parity ^= (result >> n & 1) ? FLAG_PF : 0;
    return parity | (result == 0 ? FLAG_ZF : 0) | (result >> (bits - 1) & 1 ? FLAG_SF : 0);
}

static int64_t to_signed(unsigned bits, uint32_t value) {
    return bits_sign_extend(value, bits);
}

/* a + sign * (b + carry): CF from the unsigned value, OF from the signed one, AF from nibbles. */
static uint32_t sum_flags(unsigned bits, uint32_t a, uint32_t b, int carry, int sign) {
    int64_t limit = INT64_C(1) << bits;
    int64_t plain = (int64_t)a + sign * ((int64_t)b + carry);
    int64_t with_sign = to_signed(bits, a) + sign * (to_signed(bits, b) + carry);
    int64_t nibbles = (int64_t)(a & 15) + sign * ((int64_t)(b & 15) + carry);
    return szp(bits, (uint32_t)plain) | (plain < 0 || plain >= limit ? FLAG_CF : 0) |
           (with_sign < -limit / 2 || with_sign >= limit / 2 ? FLAG_OF : 0) |
           (nibbles < 0 || nibbles > 15 ? FLAG_AF : 0);
}

typedef uint32_t binary_fn(struct lazy_flags *f, unsigned bits, uint32_t a, uint32_t b);

static void check_sum(binary_fn *function, int sign, bool uses_carry) {
    static const unsigned widths[] = {8, 16, 32};
    for (size_t w = 0; w < 3; w++) {
        for (size_t x = 0; x < ARRAY_SIZE(samples); x++) {
            for (size_t n = 0; n < ARRAY_SIZE(samples) * 2; n++) {
                unsigned bits = widths[w];
                uint32_t a = samples[x] & alu_mask(bits), b = samples[n / 2] & alu_mask(bits);
                int carry = uses_carry && n % 2;
                struct lazy_flags f;
                lazy_flags_set(&f, n % 2 ? FLAG_CF : 0);
                uint32_t result = function(&f, bits, a, b) & alu_mask(bits);
                uint32_t expected = (a + (uint32_t)sign * (b + (uint32_t)carry)) & alu_mask(bits);
                cr_assert_eq(result, expected, "%u bits, %x op %x: got %x, expected %x", bits, a, b,
                             result, expected);
                uint32_t flags = lazy_flags_get(&f), want = sum_flags(bits, a, b, carry, sign);
                cr_assert_eq(flags, want, "%u bits, %x op %x: flags %x, expected %x", bits, a, b,
                             flags, want);
            }
        }
    }
}

Test(alu, add_sets_all_six_flags) {
    check_sum(alu_add, 1, false);
}

Test(alu, adc_adds_the_carry) {
    check_sum(alu_adc, 1, true);
}

Test(alu, sub_sets_all_six_flags) {
    check_sum(alu_sub, -1, false);
}

Test(alu, sbb_subtracts_the_borrow) {
    check_sum(alu_sbb, -1, true);
}

Test(alu, every_combination_of_flags_survives_the_lazy_form) {
    for (uint32_t n = 0; n < 64; n++) {
        uint32_t flags = (n & 1 ? FLAG_CF : 0) | (n & 2 ? FLAG_PF : 0) | (n & 4 ? FLAG_AF : 0) |
                         (n & 8 ? FLAG_ZF : 0) | (n & 16 ? FLAG_SF : 0) | (n & 32 ? FLAG_OF : 0);
        struct lazy_flags f;
        lazy_flags_set(&f, flags);
        cr_assert_eq(lazy_flags_get(&f), flags, "got %x, expected %x", lazy_flags_get(&f), flags);
    }
}

Test(alu, inc_and_dec_keep_carry_and_overflow_right) {
    for (size_t x = 0; x < ARRAY_SIZE(samples); x++) {
        for (unsigned carry = 0; carry < 2; carry++) {
            struct lazy_flags f;
            uint32_t a = samples[x], kept = carry ? FLAG_CF : 0;
            lazy_flags_set(&f, kept | FLAG_OF | FLAG_AF);
            alu_inc(&f, 32, a, 0);
            uint32_t want = (sum_flags(32, a, 1, 0, 1) & ~(uint32_t)FLAG_CF) | kept;
            cr_assert_eq(lazy_flags_get(&f), want, "inc %x: got %x, expected %x", a,
                         lazy_flags_get(&f), want);
            alu_dec(&f, 32, a, 0);
            want = (sum_flags(32, a, 1, 0, -1) & ~(uint32_t)FLAG_CF) | kept;
            cr_assert_eq(lazy_flags_get(&f), want, "dec %x: got %x, expected %x", a,
                         lazy_flags_get(&f), want);
        }
    }
}

/* One step at a time is how the manual defines shifts; CF is the last bit out. */
Test(alu, shifts_by_n_are_n_shifts_by_one) {
    static binary_fn *const functions[] = {alu_shl, alu_shr, alu_sar, alu_rol,
                                           alu_ror, alu_rcl, alu_rcr};
    for (size_t n = 0; n < ARRAY_SIZE(functions); n++) {
        for (size_t x = 0; x < ARRAY_SIZE(samples); x++) {
            for (uint32_t count = 1; count < 32; count++) {
                struct lazy_flags once = {1, 0}, steps = {1, 0};
                uint32_t a = samples[x] & 0xffff, b = a;
                a = functions[n](&once, 16, a, count) & 0xffff;
                for (uint32_t step = 0; step < count; step++)
                    b = functions[n](&steps, 16, b, 1) & 0xffff;
                cr_assert_eq(a, b, "function %zu of %x by %u: got %x, expected %x", n, samples[x],
                             count, a, b);
                cr_assert_eq(lazy_cf(&once), lazy_cf(&steps), "function %zu of %x by %u: CF", n,
                             samples[x], count);
            }
        }
    }
}

Test(alu, a_count_of_zero_changes_no_flag) {
    struct lazy_flags f;
    uint32_t flags = FLAG_CF | FLAG_ZF | FLAG_OF;
    lazy_flags_set(&f, flags);
    cr_assert_eq(alu_shl(&f, 32, 5, 32), 5);
    cr_assert_eq(lazy_flags_get(&f), flags, "got %x", lazy_flags_get(&f));
}
