/* -device NAME[,property=value] and -global. */
#include "frontend/option_table.h"

#include <string.h>

#define PORT_MAX 0xffff

enum device_kind { DEVICE_DEBUG_EXIT, DEVICE_DEBUGCON };

static const struct option_name device_names[] = {
    {"isa-debug-exit", "a write ends the run with status (value << 1) | 1", DEVICE_DEBUG_EXIT},
    {"isa-debugcon", "bytes written to a port go to -debugcon", DEVICE_DEBUGCON},
    {NULL, NULL, 0}};

static bool port_property(struct option_context *context, const struct option_pairs *pairs,
                          const char *key, uint64_t otherwise, uint64_t min, uint64_t max,
                          uint16_t *value) {
    const char *text = option_pairs_get(pairs, key);
    uint64_t number = otherwise;
    if (text != NULL && (!option_parse_number(text, max, &number) || number < min))
        return option_fail(context, "%s=%s: must be %llu to %s%llx", key, text,
                           (unsigned long long)min, max > 9 ? "0x" : "", (unsigned long long)max);
    *value = (uint16_t)number;
    return true;
}

static bool add_debug_exit(struct option_context *context, const struct option_pairs *pairs) {
    struct machine_config *machine = &context->options->machine;
    if (!port_property(context, pairs, "iobase", 0x501, 0, PORT_MAX, &machine->debug_exit_port) ||
        !port_property(context, pairs, "iosize", 2, 1, 8, &machine->debug_exit_size))
        return false;
    machine->has_debug_exit = true;
    return true;
}

static bool set_debugcon_port(struct option_context *context, uint16_t port) {
    if (port != 0xe9 && port != 0x402)
        return option_fail(context, "iobase must be 0xe9 or 0x402");
    context->debugcon_port = port;
    return true;
}

static bool device_from_pairs(struct option_context *context, const struct option_pairs *pairs) {
    static const char *const exit_known[] = {"driver", "iobase", "iosize", "help", NULL};
    static const char *const debugcon_known[] = {"driver", "iobase", "help", NULL};
    struct error error;
    int kind;
    const char *driver = option_pairs_get(pairs, "driver");
    if (driver == NULL || !option_parse_name(driver, device_names, &kind, &error))
        return option_fail(context, "%s", driver == NULL ? "needs a name" : error.message);
    if (pairs->count > 1 && strcmp(pairs->pair[1].key, "help") == 0) {
        printf("%s properties:\n  iobase=PORT\n%s", driver,
               kind == DEVICE_DEBUG_EXIT ? "  iosize=BYTES\n" : "");
        context->is_done = true;
        return true;
    }
    if (!option_pairs_check(pairs, kind == DEVICE_DEBUG_EXIT ? exit_known : debugcon_known, &error))
        return option_fail(context, "%s", error.message);
    if (kind == DEVICE_DEBUG_EXIT)
        return add_debug_exit(context, pairs);
    uint16_t port = 0;
    return port_property(context, pairs, "iobase", 0xe9, 0, PORT_MAX, &port) &&
           set_debugcon_port(context, port);
}

bool option_device(struct option_context *context, const char *value) {
    struct option_pairs pairs;
    struct error error;
    if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
        option_print_names("optional devices (-device NAME,help lists properties)", device_names);
        context->is_done = true;
        return true;
    }
    if (!option_pairs_parse(&pairs, value, "driver", &error))
        return option_fail(context, "%s", error.message);
    bool is_good = device_from_pairs(context, &pairs);
    option_pairs_free(&pairs);
    return is_good;
}

/* QEMU users write -debugcon stdio -global isa-debugcon.iobase=0x402 to see SeaBIOS's log. */
bool option_global(struct option_context *context, const char *value) {
    static const char prefix[] = "isa-debugcon.iobase=";
    uint64_t port;
    if (strncmp(value, prefix, strlen(prefix)) != 0)
        return option_fail(context, "only isa-debugcon.iobase=PORT can be set");
    if (!option_parse_number(value + strlen(prefix), PORT_MAX, &port))
        return option_fail(context, "must be a port number");
    return set_debugcon_port(context, (uint16_t)port);
}
