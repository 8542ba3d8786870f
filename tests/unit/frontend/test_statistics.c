/* -stats and -stats-json. */
#include "frontend/statistics.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* What is printed of a machine that ran 1000 instructions; to be freed. */
static char *printed(void (*print)(struct machine *machine, FILE *out)) {
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    char *text = NULL;
    size_t size;
    config.icount_limit = 1000;
    rom_machine_create(&m, &config, counting_code, counting_code_size);
    cr_assert_eq(rom_machine_run(&m), MACHINE_LIMIT);
    FILE *out = open_memstream(&text, &size);
    print(m.machine, out);
    fclose(out);
    rom_machine_destroy(&m);
    return text;
}

Test(statistics, json_is_one_object_of_numbers_and_strings) {
    char *text = printed(statistics_print_json);
    cr_expect_eq(strncmp(text, "{\n  \"", 5), 0, "%.40s", text);
    cr_expect_str_eq(text + strlen(text) - 3, "\n}\n");
    cr_expect_not_null(strstr(text, "\"instructions.total\": 1000"), "%s", text);
    cr_expect_not_null(strstr(text, "\"machine.stop\": \"limit\""), "%s", text);
    cr_expect_null(strstr(text, ",\n}"), "a comma before the end");
    free(text);
}

Test(statistics, the_table_has_a_name_and_a_value_on_each_line) {
    char *text = printed(statistics_print_table), *rest = text;
    unsigned lines = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; lines++) {
        char name[64], value[64], more[2];
        cr_expect_eq(sscanf(line, "%63s %63s %1s", name, value, more), 2, "%s", line);
    }
    cr_expect_gt(lines, 20);
    free(text);
}
