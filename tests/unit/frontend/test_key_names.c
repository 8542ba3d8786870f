/* Key names of the monitor's sendkey. */
#include "frontend/key_names.h"

#include <criterion/criterion.h>

static uint8_t code_of(const char *name) {
    uint8_t keys[8] = {0};
    struct error error = {{0}};
    size_t count = key_names_parse(name, keys, 8, &error);
    cr_assert_eq(count, 1, "%s: %zu keys, %s", name, count, error.message);
    return keys[0];
}

Test(key_names, letters_and_digits_have_the_codes_of_set_1) {
    cr_expect_eq(code_of("a"), 0x1e);
    cr_expect_eq(code_of("q"), 0x10);
    cr_expect_eq(code_of("m"), 0x32);
    cr_expect_eq(code_of("1"), 0x02);
    cr_expect_eq(code_of("0"), 0x0b);
}

Test(key_names, keys_of_one_place_differ_by_the_extended_bit) {
    cr_expect_eq(code_of("kp_enter") ^ code_of("ret"), 0x80);
    cr_expect_eq(code_of("ctrl_r") ^ code_of("ctrl"), 0x80);
}

Test(key_names, a_dash_joins_keys_in_their_order) {
    uint8_t keys[3];
    struct error error;
    cr_assert_eq(key_names_parse("ctrl-alt-delete", keys, 3, &error), 3);
    cr_expect_eq(keys[0], code_of("ctrl"));
    cr_expect_eq(keys[1], code_of("alt"));
    cr_expect_eq(keys[2], code_of("delete"));
}

Test(key_names, more_keys_than_fit_are_refused) {
    uint8_t keys[2];
    struct error error;
    cr_assert_eq(key_names_parse("ctrl-alt-delete", keys, 2, &error), 0);
    cr_expect_str_eq(error.message, "more than 2 keys");
}

Test(key_names, what_is_no_key_is_named) {
    uint8_t keys[2];
    struct error error;
    cr_assert_eq(key_names_parse("ctrl-hyper", keys, 2, &error), 0);
    cr_expect_str_eq(error.message, "unknown key: 'hyper'");
    cr_assert_eq(key_names_parse("a-", keys, 2, &error), 0);
    cr_expect_str_eq(error.message, "unknown key: ''");
}
