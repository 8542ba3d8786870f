/* The command line: values, slips of the pen, and what the options make of the machine. */
#include "frontend/option_value.h"
#include "frontend/options.h"
#include "tests/unit/machine/rom_machine.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16

/* Parse the NULL-terminated arguments. */
static enum options_result parse(struct options *options, struct error *error,
                                 const char *const *arguments) {
    char *argv[ARGUMENTS_MAX + 1] = {"pentimento"};
    int argc = 1;
    *error = (struct error){{0}};
    while (argc < ARGUMENTS_MAX && arguments[argc - 1] != NULL) {
        argv[argc] = (char *)arguments[argc - 1];
        argc++;
    }
    return options_parse(options, argc, argv, error);
}
#define PARSE(options, error, ...) parse(options, error, (const char *const[]){__VA_ARGS__, NULL})

static void expect_refused(const char *const *arguments, const char *message) {
    struct options options;
    struct error error;
    cr_expect_eq(parse(&options, &error, arguments), OPTIONS_BAD, "%s", arguments[0]);
    cr_expect_not_null(strstr(error.message, message), "expected '%s', got '%s'", message,
                       error.message);
    cr_expect_null(strchr(error.message, '\n'), "%s", error.message);
    options_free(&options);
}
#define EXPECT_REFUSED(message, ...)                                                               \
    expect_refused((const char *const[]){__VA_ARGS__, NULL}, message)

Test(options, sizes_have_units) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"64", 64 << 20},    {"64M", 64 << 20}, {"1G", 1 << 30}, {"1.5G", 0x60000000},
                 {"512k", 512 << 10}, {"4096B", 4096},   {"0", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t bytes = UINT64_MAX;
        cr_expect(option_parse_size(cases[i].text, 1 << 20, &bytes), "%s", cases[i].text);
        cr_expect_eq(bytes, cases[i].bytes, "%s: expected %" PRIx64 ", got %" PRIx64, cases[i].text,
                     cases[i].bytes, bytes);
    }
}

Test(options, what_is_no_size_is_refused) {
    static const char *const cases[] = {"", "M", "-1", "64Q", "64MB", "1e400", "nan", "9999999T"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t bytes;
        cr_expect_not(option_parse_size(cases[i], 1, &bytes), "%s", cases[i]);
    }
}

Test(options, numbers_are_bounded) {
    uint64_t value;
    cr_expect(option_parse_number("0xf4", 0xffff, &value) && value == 0xf4);
    cr_expect_not(option_parse_number("65536", 0xffff, &value));
    cr_expect_not(option_parse_number("99999999999999999999999", UINT64_MAX, &value));
    cr_expect_not(option_parse_number("12x", 100, &value));
}

Test(options, distance_counts_slips) {
    cr_expect_eq(option_distance("machine", "machine"), 0);
    cr_expect_eq(option_distance("mashine", "machine"), 1);
    cr_expect_eq(option_distance("serail", "serial"), 1);
    cr_expect_eq(option_distance("m", "machine"), 6);
    char text[200];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    option_distance(text, "b"); /* long words are cut, not overrun */
}

Test(options, a_near_miss_is_named) {
    struct option_nearest nearest = {0};
    char text[80];
    option_nearest_offer(&nearest, "scrern", "status");
    option_nearest_offer(&nearest, "scrern", "screen");
    option_nearest_text(&nearest, text, sizeof(text));
    cr_expect_str_eq(text, " (did you mean 'screen'?)");
    nearest = (struct option_nearest){0};
    option_nearest_offer(&nearest, "xyzzy", "screen");
    option_nearest_text(&nearest, text, sizeof(text));
    cr_expect_str_eq(text, "");
}

Test(options, pairs_split_at_commas_but_not_at_two) {
    struct option_pairs pairs;
    struct error error;
    cr_assert(option_pairs_parse(&pairs, "a,,b.img,if=ide,snapshot", "file", &error));
    cr_expect_str_eq(option_pairs_get(&pairs, "file"), "a,b.img");
    cr_expect_str_eq(option_pairs_get(&pairs, "if"), "ide");
    cr_expect_null(option_pairs_get(&pairs, "index"));
    static const char *const known[] = {"file", "if", "index", NULL};
    cr_expect_not(option_pairs_check(&pairs, known, &error));
    cr_expect_not_null(strstr(error.message, "snapshot"), "%s", error.message);
    option_pairs_free(&pairs);
}

Test(options, defaults_are_those_of_a_pc) {
    struct options options;
    struct error error;
    cr_assert_eq(PARSE(&options, &error, NULL), OPTIONS_RUN, "%s", error.message);
    cr_expect_eq(options.machine.kind, MACHINE_PC);
    cr_expect_eq(options.machine.ram_bytes, UINT64_C(128) << 20);
    cr_expect(options.machine.has_vga);
    cr_expect(options.machine.ide[2].is_cdrom);
    cr_expect_not(options.machine.ide[0].is_present);
    options_free(&options);
}

Test(options, one_dash_or_two) {
    struct options options;
    struct error error;
    cr_assert_eq(PARSE(&options, &error, "--m", "64", "-no-reboot", "--machine", "isapc"),
                 OPTIONS_RUN, "%s", error.message);
    cr_expect_eq(options.machine.ram_bytes, UINT64_C(64) << 20);
    cr_expect_eq(options.machine.kind, MACHINE_ISAPC);
    cr_expect(options.machine.no_reboot);
    options_free(&options);
}

Test(options, nographic_shares_the_terminal_with_the_monitor) {
    struct options options;
    struct error error;
    cr_assert_eq(PARSE(&options, &error, "-nographic"), OPTIONS_RUN, "%s", error.message);
    cr_expect_str_eq(options.serial[0], "mon:stdio");
    cr_expect(options.machine.serial_console);
    options_free(&options);
}

Test(options, the_instruction_clock_has_shift_and_limit) {
    struct options options;
    struct error error;
    cr_assert_eq(PARSE(&options, &error, "-clock", "icount,shift=4,limit=1000"), OPTIONS_RUN, "%s",
                 error.message);
    cr_expect_eq(options.machine.clock, CLOCK_ICOUNT);
    cr_expect_eq(options.machine.icount_shift, 4);
    cr_expect_eq(options.machine.icount_limit, 1000);
    options_free(&options);
}

Test(options, drives_go_where_they_are_named_and_others_around_them) {
    struct options options;
    struct error error;
    char sector[512] = {0}, *path = temporary_file(sector, sizeof(sector));
    cr_assert_eq(PARSE(&options, &error, path, "-hda", path, "-snapshot", "-fda", path),
                 OPTIONS_RUN, "%s", error.message);
    const struct machine_config *machine = &options.machine;
    cr_expect(machine->ide[0].is_present && machine->ide[0].snapshot);
    cr_expect(machine->ide[1].is_present && machine->ide[1].snapshot);
    cr_expect(machine->ide[2].is_cdrom && machine->ide[2].path == NULL);
    cr_expect(machine->floppy[0].is_present);
    options_free(&options);
    EXPECT_REFUSED("already a drive", "-hda", path, "-hda", path);
    EXPECT_REFUSED("must be 0 to 3", "-drive", "file=x,index=4");
    unlink(path);
    free(path);
}

Test(options, mistakes_are_refused_in_one_line) {
    EXPECT_REFUSED("did you mean '-machine'?", "-mashine", "pc");
    EXPECT_REFUSED("-help lists them", "-qqqqqq");
    EXPECT_REFUSED("needs a value", "-m");
    EXPECT_REFUSED("must be a size", "-m", "64Q");
    EXPECT_REFUSED("needs -kernel", "-append", "quiet");
    EXPECT_REFUSED("No such file", "-hda", "/nowhere/disk.img");
    EXPECT_REFUSED("is a directory", "-hda", "/");
    EXPECT_REFUSED("did you mean 'pentium'?", "-cpu", "pentuim");
    EXPECT_REFUSED("file:PATH", "-serial", "file:");
}
