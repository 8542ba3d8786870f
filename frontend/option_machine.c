/* Options that describe the machine: kind, engine, CPU, memory, time, firmware and kernel. */
#include "frontend/option_table.h"
#include "hw/machine/catalogue.h"
#include "hw/machine/firmware.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RAM_MIN        (UINT64_C(1) << 20)
#define RAM_MAX        (UINT64_C(3584) << 20)
#define CODE_CACHE_MIN (UINT64_C(1) << 20)
#define CODE_CACHE_MAX (UINT64_C(2) << 30)
#define SHIFT_MAX      20

static const struct option_name engine_names[] = {
    {"interp", "interpreter: one instruction at a time", ENGINE_INTERP},
    {"bt", "binary translator", ENGINE_BT},
    {"lockstep", "both, compared after every block", ENGINE_LOCKSTEP},
    {NULL, NULL, 0}};

static const struct option_name backend_names[] = {
    {"x86_64", "", 0}, {"portable", "", 1}, {NULL, NULL, 0}};

static const struct option_name machine_names[] = {
    {"pc", "i440FX and PIIX3/4: PCI, ACPI, APIC", MACHINE_PC},
    {"isapc", "ISA bus only, no PCI and no ACPI", MACHINE_ISAPC},
    {NULL, NULL, 0}};

static const struct option_name clock_names[] = {
    {"host", "follows the host's time", CLOCK_HOST},
    {"icount", "derived from the instructions executed; shift=N: 2^N ns each", CLOCK_ICOUNT},
    {NULL, NULL, 0}};

static bool wants_help(struct option_context *context, const char *value) {
    bool is_help = strcmp(value, "help") == 0 || strcmp(value, "?") == 0;
    context->is_done |= is_help;
    return is_help;
}

static bool set_engine(struct option_context *context, const char *name) {
    struct error error;
    int engine;
    if (strcmp(name, "tcg") == 0 && strcmp(context->name, "engine") != 0)
        name = "bt";
    if (!option_parse_name(name, engine_names, &engine, &error))
        return option_fail(context, "%s", error.message);
    context->options->machine.engine = (enum machine_engine)engine;
    return true;
}

static bool instruction_count(struct option_context *context, const struct option_pairs *pairs,
                              const char *name, uint64_t *count) {
    const char *text = option_pairs_get(pairs, name);
    if (text == NULL || option_parse_number(text, UINT32_MAX, count))
        return true;
    return option_fail(context, "%s=%s: must be a number of instructions", name, text);
}

static bool engine_from_pairs(struct option_context *context, const struct option_pairs *pairs) {
    static const char *const known[] = {"engine", "backend", "window", "memory", NULL};
    struct error error;
    int backend = 0;
    if (!option_pairs_check(pairs, known, &error))
        return option_fail(context, "%s", error.message);
    const char *engine = option_pairs_get(pairs, "engine");
    if (!set_engine(context, engine == NULL ? "" : engine))
        return false;
    struct machine_config *machine = &context->options->machine;
    if (!instruction_count(context, pairs, "window", &machine->lockstep_window) ||
        !instruction_count(context, pairs, "memory", &machine->lockstep_memory))
        return false;
    const char *name = option_pairs_get(pairs, "backend");
    if (name == NULL)
        return true;
    if (!option_parse_name(name, backend_names, &backend, &error))
        return option_fail(context, "backend=%s: %s", name, error.message);
    if (context->options->machine.engine == ENGINE_INTERP)
        return option_fail(context, "backend=%s: goes with bt and lockstep", name);
    context->options->machine.engine_backend = backend_names[backend].name;
    return true;
}

bool option_engine(struct option_context *context, const char *value) {
    struct option_pairs pairs;
    struct error error;
    if (wants_help(context, value)) {
        option_print_names("engines", engine_names);
        return true;
    }
    if (!option_pairs_parse(&pairs, value, "engine", &error))
        return option_fail(context, "%s", error.message);
    bool is_good = engine_from_pairs(context, &pairs);
    option_pairs_free(&pairs);
    return is_good;
}

bool option_accel(struct option_context *context, const char *value) {
    return option_engine(context, value);
}

static bool machine_from_pairs(struct option_context *context, const struct option_pairs *pairs) {
    static const char *const known[] = {"type", "accel", NULL};
    struct error error;
    int kind;
    if (!option_pairs_check(pairs, known, &error))
        return option_fail(context, "%s", error.message);
    const char *type = option_pairs_get(pairs, "type");
    if (type != NULL) {
        if (!option_parse_name(type, machine_names, &kind, &error))
            return option_fail(context, "%s", error.message);
        context->options->machine.kind = (enum machine_kind)kind;
    }
    const char *accel = option_pairs_get(pairs, "accel");
    return accel == NULL || set_engine(context, accel);
}

bool option_machine(struct option_context *context, const char *value) {
    struct option_pairs pairs;
    struct error error;
    if (wants_help(context, value)) {
        option_print_names("machines", machine_names);
        return true;
    }
    if (!option_pairs_parse(&pairs, value, "type", &error))
        return option_fail(context, "%s", error.message);
    bool is_good = machine_from_pairs(context, &pairs);
    option_pairs_free(&pairs);
    return is_good;
}

bool option_cpu(struct option_context *context, const char *value) {
    struct error error;
    if (wants_help(context, value)) {
        catalogue_list_cpu_models(stdout);
        return true;
    }
    if (!catalogue_check_cpu_model(value, &error)) {
        /* The message names the option already. */
        size_t skip = strncmp(error.message, "-cpu: ", 6) == 0 ? 6 : 0;
        return option_fail(context, "%s", error.message + skip);
    }
    option_set_string((char **)&context->options->machine.cpu_model, value);
    return true;
}

bool option_memory(struct option_context *context, const char *value) {
    uint64_t bytes;
    /* QEMU also writes -m size=128M. */
    const char *text = strncmp(value, "size=", 5) == 0 ? value + 5 : value;
    if (!option_parse_size(text, UINT64_C(1) << 20, &bytes))
        return option_fail(context, "must be a size such as 64, 64M or 1G");
    if (bytes < RAM_MIN || bytes > RAM_MAX)
        return option_fail(context, "must be between 1M and 3.5G");
    if (bytes % 4096 != 0)
        return option_fail(context, "must be a multiple of 4K");
    context->options->machine.ram_bytes = bytes;
    return true;
}

bool option_smp(struct option_context *context, const char *value) {
    uint64_t count;
    const char *text = strncmp(value, "cpus=", 5) == 0 ? value + 5 : value;
    if (!option_parse_number(text, 255, &count) || count == 0)
        return option_fail(context, "must be a number of CPUs");
    if (count > 1)
        return option_not_yet(context, "more than one CPU");
    context->options->machine.cpu_count = (unsigned)count;
    return true;
}

bool option_code_cache(struct option_context *context, const char *value) {
    uint64_t bytes;
    if (!option_parse_size(value, UINT64_C(1) << 20, &bytes) || bytes < CODE_CACHE_MIN ||
        bytes > CODE_CACHE_MAX)
        return option_fail(context, "must be a size between 1M and 2G");
    context->options->machine.code_cache_bytes = bytes;
    return true;
}

/** One to four of a, c, d and n, each once. */
static bool is_boot_order(const char *order) {
    size_t length = strlen(order);
    if (length == 0 || length > 4 || strspn(order, "acdn") != length)
        return false;
    for (size_t i = 1; i < length; i++) {
        if (memchr(order, order[i], i) != NULL)
            return false;
    }
    return true;
}

static bool boot_from_pairs(struct option_context *context, const struct option_pairs *pairs) {
    static const char *const known[] = {"order", "menu", NULL};
    struct machine_config *machine = &context->options->machine;
    struct error error;
    if (!option_pairs_check(pairs, known, &error))
        return option_fail(context, "%s", error.message);
    const char *order = option_pairs_get(pairs, "order");
    const char *menu = option_pairs_get(pairs, "menu");
    if (menu != NULL && !option_parse_switch(menu, &machine->boot_menu))
        return option_fail(context, "menu=%s: must be on or off", menu);
    if (order == NULL)
        return menu != NULL || option_fail(context, "needs order=LETTERS or menu=on");
    if (!is_boot_order(order))
        return option_fail(context,
                           "order '%s' must be one to four of the letters a (floppy), "
                           "c (disk), d (CD) and n (network), each once",
                           order);
    strcpy(machine->boot_order, order);
    return true;
}

bool option_boot(struct option_context *context, const char *value) {
    struct option_pairs pairs;
    struct error error;
    bool is_order = strchr(value, '=') == NULL || strcspn(value, ",") < strcspn(value, "=");
    if (!option_pairs_parse(&pairs, value, is_order ? "order" : NULL, &error))
        return option_fail(context, "%s", error.message);
    bool is_good = boot_from_pairs(context, &pairs);
    option_pairs_free(&pairs);
    return is_good;
}

bool option_rtc(struct option_context *context, const char *value) {
    struct machine_config *machine = &context->options->machine;
    const char *base = strncmp(value, "base=", 5) == 0 ? value + 5 : value;
    struct tm date = {.tm_isdst = 0};
    machine->rtc_is_localtime = strcmp(base, "localtime") == 0;
    machine->rtc_has_date = false;
    if (machine->rtc_is_localtime || strcmp(base, "utc") == 0)
        return true;
    const char *end = strptime(base, "%Y-%m-%d", &date);
    if (end != NULL && *end == 'T')
        end = strptime(end, "T%H:%M:%S", &date);
    if (end == NULL || *end != '\0' || date.tm_year < 80 || date.tm_year > 199)
        return option_fail(context, "must be base=utc, base=localtime or base=YYYY-MM-DD"
                                    "[THH:MM:SS] from 1980 to 2099");
    machine->rtc_has_date = true;
    machine->rtc_date = timegm(&date);
    return true;
}

static bool clock_from_pairs(struct option_context *context, const struct option_pairs *pairs) {
    static const char *const known[] = {"base", "shift", "limit", NULL};
    struct machine_config *machine = &context->options->machine;
    struct error error;
    int base;
    uint64_t number;
    if (!option_pairs_check(pairs, known, &error))
        return option_fail(context, "%s", error.message);
    const char *name = option_pairs_get(pairs, "base");
    if (!option_parse_name(name == NULL ? "" : name, clock_names, &base, &error))
        return option_fail(context, "%s", error.message);
    machine->clock = (enum machine_clock)base;
    const char *shift = option_pairs_get(pairs, "shift");
    if (shift != NULL) {
        if (base != CLOCK_ICOUNT || !option_parse_number(shift, SHIFT_MAX, &number))
            return option_fail(context, "shift=%s: must be 0 to %d, with icount", shift, SHIFT_MAX);
        machine->icount_shift = (unsigned)number;
    }
    const char *limit = option_pairs_get(pairs, "limit");
    if (limit != NULL && !option_parse_number(limit, UINT64_MAX / 2, &machine->icount_limit))
        return option_fail(context, "limit=%s: must be a number of instructions", limit);
    return true;
}

bool option_clock(struct option_context *context, const char *value) {
    struct option_pairs pairs;
    struct error error;
    if (wants_help(context, value)) {
        option_print_names("time bases", clock_names);
        return true;
    }
    if (!option_pairs_parse(&pairs, value, "base", &error))
        return option_fail(context, "%s", error.message);
    bool is_good = clock_from_pairs(context, &pairs);
    option_pairs_free(&pairs);
    return is_good;
}

bool option_kernel(struct option_context *context, const char *value) {
    option_set_string((char **)&context->options->machine.kernel_path, value);
    return option_check_readable(context, value);
}

/* Multiboot modules are "file arguments,file arguments"; a Linux image is a single file. */
bool option_initrd(struct option_context *context, const char *value) {
    struct option_pairs modules;
    struct error error;
    if (!option_pairs_parse(&modules, value, NULL, &error))
        return option_fail(context, "%s", error.message);
    bool is_good = true;
    for (unsigned i = 0; is_good && i < modules.count; i++) {
        char *path = option_copy(modules.pair[i].key);
        path[strcspn(path, " ")] = '\0';
        is_good = option_check_readable(context, path);
        free(path);
    }
    option_pairs_free(&modules);
    option_set_string((char **)&context->options->machine.initrd_path, value);
    return is_good;
}

bool option_append(struct option_context *context, const char *value) {
    option_set_string((char **)&context->options->machine.kernel_command_line, value);
    return true;
}

bool option_bios(struct option_context *context, const char *value) {
    struct error error;
    option_set_string((char **)&context->options->machine.bios_path, value);
    char *path = firmware_find(value, context->options->machine.firmware_dir, &error);
    if (path == NULL)
        return option_fail(context, "%s", error.message);
    free(path);
    return true;
}

bool option_firmware_dir(struct option_context *context, const char *value) {
    struct stat status;
    if (stat(value, &status) != 0 || !S_ISDIR(status.st_mode))
        return option_fail(context, "is not a directory");
    option_set_string((char **)&context->options->machine.firmware_dir, value);
    return true;
}

bool option_vga(struct option_context *context, const char *value) {
    static const struct option_name cards[] = {{"std", "VGA with Bochs VBE extensions", 1},
                                               {"none", "no display card", 0},
                                               {NULL, NULL, 0}};
    struct error error;
    int has_card;
    if (wants_help(context, value)) {
        option_print_names("display cards", cards);
        return true;
    }
    if (!option_parse_name(value, cards, &has_card, &error))
        return option_fail(context, "%s", error.message);
    context->options->machine.has_vga = has_card != 0;
    return true;
}
