/* Options for byte streams (serial, parallel, debug ports, monitor), screen, network and log. */
#include "frontend/char_open.h"
#include "frontend/option_table.h"

#include <stdlib.h>
#include <string.h>

static bool wants_help(struct option_context *context, const char *value) {
    bool is_help = strcmp(value, "help") == 0 || strcmp(value, "?") == 0;
    context->is_done |= is_help;
    return is_help;
}

/* Check a stream's text and keep it; "none" means that there is no port. */
static bool set_stream(struct option_context *context, char **to, const char *value) {
    struct error error;
    if (wants_help(context, value)) {
        char_print_kinds();
        return true;
    }
    if (!char_check(value, &error))
        return option_fail(context, "%s", error.message);
    free(*to);
    *to = strcmp(value, "none") == 0 ? NULL : option_copy(value);
    return true;
}

static bool uses_terminal(const char *text) {
    return text != NULL && (strcmp(text, "stdio") == 0 || strcmp(text, "mon:stdio") == 0);
}

bool option_serial(struct option_context *context, const char *value) {
    struct options *options = context->options;
    if (context->serial_count == MACHINE_SERIAL_PORTS)
        return option_fail(context, "more than %d serial ports", MACHINE_SERIAL_PORTS);
    for (unsigned i = 0; i < context->serial_count; i++) {
        if (uses_terminal(value) && uses_terminal(options->serial[i]))
            return option_fail(context, "the terminal already belongs to serial port %u", i);
    }
    return set_stream(context, &options->serial[context->serial_count++], value);
}

bool option_parallel(struct option_context *context, const char *value) {
    context->has_parallel = true;
    return set_stream(context, &context->options->parallel, value);
}

bool option_debugcon(struct option_context *context, const char *value) {
    return set_stream(context, &context->options->debugcon, value);
}

bool option_firmware_log(struct option_context *context, const char *value) {
    return set_stream(context, &context->options->firmware_log, value);
}

bool option_monitor(struct option_context *context, const char *value) {
    context->has_monitor = true;
    return set_stream(context, &context->options->monitor, value);
}

bool option_nographic(struct option_context *context, const char *value) {
    context->options->is_nographic = true;
    context->options->machine.serial_console = true;
    return true;
}

bool option_display(struct option_context *context, const char *value) {
    enum { KIND_NONE, KIND_SDL, KIND_CURSES };
    static const struct option_name kinds[] = {
        {"none", "no window; see -nographic, -d screen and SIGUSR1", KIND_NONE},
        {"sdl", "a window (not in this build yet)", KIND_SDL},
        {"curses", "the text screen on the terminal (not in this build yet)", KIND_CURSES},
        {NULL, NULL, 0}};
    struct error error;
    int kind;
    if (wants_help(context, value)) {
        option_print_names("displays", kinds);
        return true;
    }
    if (!option_parse_name(value, kinds, &kind, &error))
        return option_fail(context, "%s", error.message);
    if (kind != KIND_NONE)
        return option_not_yet(context, "that display");
    context->options->display = DISPLAY_NONE;
    return true;
}

bool option_qmp(struct option_context *context, const char *value) {
    return option_not_yet(context, "QMP");
}

bool option_gdb(struct option_context *context, const char *value) {
    return option_not_yet(context, "the gdb server");
}

bool option_gdb_short(struct option_context *context, const char *value) {
    return option_not_yet(context, "the gdb server");
}

bool option_netdev(struct option_context *context, const char *value) {
    return option_not_yet(context, "a network");
}

static bool only_no_network(struct option_context *context, const char *value) {
    return strcmp(value, "none") == 0 || option_not_yet(context, "a network");
}

bool option_nic(struct option_context *context, const char *value) {
    return only_no_network(context, value);
}

bool option_net(struct option_context *context, const char *value) {
    return only_no_network(context, value);
}

static const struct option_name log_names[] = {
#define X(name, text, help) {text, help, LOG_##name},
    LOG_ITEMS(X)
#undef X
        {NULL, NULL, 0}};

bool option_log_items(struct option_context *context, const char *value) {
    if (wants_help(context, value)) {
        option_print_names("log items", log_names);
        return true;
    }
    char *words = option_copy(value), *rest = words;
    bool is_good = true;
    while (is_good && rest != NULL) {
        struct error error;
        int item;
        const char *word = strsep(&rest, ",");
        if (option_parse_name(word, log_names, &item, &error))
            context->options->log_mask |= (uint32_t)item;
        else
            is_good = option_fail(context, "'%s' is %s", word, error.message);
    }
    free(words);
    return is_good;
}

void option_default_ports(struct option_context *context) {
    struct options *options = context->options;
    if (options->is_nographic) {
        bool serial_is_free = context->serial_count == 0;
        for (unsigned i = 0; i < context->serial_count; i++)
            serial_is_free = serial_is_free && !uses_terminal(options->serial[i]);
        if (context->serial_count == 0)
            option_set_string(&options->serial[0], "mon:stdio");
        else if (serial_is_free && !context->has_monitor)
            option_set_string(&options->monitor, "stdio");
        context->has_monitor = true;
    }
    if (!context->has_no_defaults) {
        if (context->serial_count == 0 && options->serial[0] == NULL)
            option_set_string(&options->serial[0], "null");
        if (!context->has_parallel)
            option_set_string(&options->parallel, "null");
    }
    /* isa-debugcon moved to port 402h: its stream is where SeaBIOS reports. */
    if (context->debugcon_port == 0x402 && options->firmware_log == NULL) {
        options->firmware_log = options->debugcon;
        options->debugcon = NULL;
    }
}
