/* The human monitor; see monitor.h. */
#include "frontend/monitor.h"

#include "frontend/key_names.h"
#include "frontend/option_value.h"
#include "frontend/statistics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKSPACE 0x08
#define DELETE    0x7f
#define CTRL_U    0x15

#define SENDKEY_MAX 8

static void say(struct monitor *monitor, const char *text) {
    char_write(monitor->out, (const uint8_t *)text, strlen(text));
}

/* Let a function that prints to a FILE print to the monitor. */
static void say_printed(struct monitor *monitor, bool (*print)(struct machine *, FILE *)) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    bool is_good = print(monitor->machine, out);
    fclose(out);
    if (is_good)
        char_write(monitor->out, (const uint8_t *)text, size);
    else
        say(monitor, "the screen is in a graphics mode\n");
    free(text);
}

static void run_quit(struct monitor *monitor, const char *argument) {
    monitor->quit(monitor->opaque);
}

static bool print_registers(struct machine *machine, FILE *out) {
    machine_print_registers(machine, out);
    return true;
}

static void run_registers(struct monitor *monitor, const char *argument) {
    say_printed(monitor, print_registers);
}

static bool print_statistics(struct machine *machine, FILE *out) {
    statistics_print_table(machine, out);
    return true;
}

static void run_statistics(struct monitor *monitor, const char *argument) {
    say_printed(monitor, print_statistics);
}

static void run_screen(struct monitor *monitor, const char *argument) {
    say_printed(monitor, machine_text_screen);
}

static void run_status(struct monitor *monitor, const char *argument) {
    char text[128];
    enum machine_stop state = machine_wait(monitor->machine, 0);
    snprintf(text, sizeof(text), "VM status: %s\ninstructions: %" PRIu64 "\n",
             state == MACHINE_RUNNING ? "running" : "paused", machine_icount(monitor->machine));
    say(monitor, text);
}

static void run_stop(struct monitor *monitor, const char *argument) {
    machine_pause(monitor->machine);
}

static void run_continue(struct monitor *monitor, const char *argument) {
    machine_continue(monitor->machine);
}

static void run_reset(struct monitor *monitor, const char *argument) {
    machine_reset(monitor->machine);
}

static void run_powerdown(struct monitor *monitor, const char *argument) {
    machine_power_button(monitor->machine);
}

static void run_nmi(struct monitor *monitor, const char *argument) {
    machine_nmi(monitor->machine);
}

/* All keys go down in order and up again at once: the keyboard's queue spaces them for the guest.
 */
static void run_sendkey(struct monitor *monitor, const char *argument) {
    uint8_t keys[SENDKEY_MAX];
    struct error error;
    size_t count = key_names_parse(argument, keys, SENDKEY_MAX, &error);
    if (count == 0) {
        say(monitor, error.message);
        say(monitor, "\n");
        return;
    }
    struct keyboard_input *keyboard = machine_keyboard(monitor->machine);
    machine_lock(monitor->machine);
    for (size_t i = 0; i < count; i++)
        keyboard->key(keyboard->opaque, keys[i], true);
    for (size_t i = count; i-- > 0;)
        keyboard->key(keyboard->opaque, keys[i], false);
    machine_unlock(monitor->machine);
}

static void run_help(struct monitor *monitor, const char *argument);

static const struct {
    const char *name, *help;
    void (*run)(struct monitor *monitor, const char *argument);
    bool has_argument;
} commands[] = {
    {"help", "this list", run_help, false},
    {"quit", "end the machine and the program", run_quit, false},
    {"q", NULL, run_quit, false},
    {"info registers", "the CPU's registers", run_registers, false},
    {"info status", "whether the machine runs, and how far it came", run_status, false},
    {"info stats", "all counters, as -stats prints them", run_statistics, false},
    {"screen", "the text screen", run_screen, false},
    {"system_reset", "press the reset button", run_reset, false},
    {"system_powerdown", "press the power button", run_powerdown, false},
    {"nmi", "raise a non-maskable interrupt", run_nmi, false},
    {"sendkey", "KEY[-KEY...]: press keys together, as in ctrl-alt-delete", run_sendkey, true},
    {"stop", "stop the CPU", run_stop, false},
    {"cont", "let the CPU go on", run_continue, false},
    {"c", NULL, run_continue, false},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void run_help(struct monitor *monitor, const char *argument) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char text[96];
        if (commands[i].help == NULL)
            continue;
        snprintf(text, sizeof(text), "%-18s %s\n", commands[i].name, commands[i].help);
        say(monitor, text);
    }
}

/* What follows the command's name in the line; NULL when the line is another command. */
static const char *argument_of(const char *line, const char *name, bool has_argument) {
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || (line[length] != '\0' && line[length] != ' '))
        return NULL;
    const char *argument = line + length + strspn(line + length, " ");
    return has_argument || *argument == '\0' ? argument : NULL;
}

void monitor_execute(struct monitor *monitor, const char *line) {
    struct option_nearest nearest = {0};
    if (*line == '\0')
        return;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *argument = argument_of(line, commands[i].name, commands[i].has_argument);
        if (argument != NULL) {
            commands[i].run(monitor, argument);
            return;
        }
        option_nearest_offer(&nearest, line, commands[i].name);
    }
    char near[80], text[MONITOR_LINE_MAX + 128];
    option_nearest_text(&nearest, near, sizeof(near));
    snprintf(text, sizeof(text), "unknown command: '%s'%s\n", line, near);
    say(monitor, text);
}

static void prompt(struct monitor *monitor) {
    say(monitor, "(pentimento) ");
}

void monitor_init(struct monitor *monitor, struct char_backend *out, bool has_echo,
                  void (*quit)(void *opaque), void *opaque) {
    *monitor = (struct monitor){.out = out, .has_echo = has_echo, .quit = quit, .opaque = opaque};
}

void monitor_greet(struct monitor *monitor) {
    say(monitor, "\nPentimento " PENTIMENTO_VERSION " monitor - type 'help'\n");
    prompt(monitor);
}

static void take_byte(struct monitor *monitor, char byte) {
    if (byte == '\r' || byte == '\n') {
        if (monitor->has_echo)
            say(monitor, "\n");
        monitor->line[monitor->length] = '\0';
        monitor->length = 0;
        char *line = monitor->line + strspn(monitor->line, " ");
        for (size_t end = strlen(line); end > 0 && line[end - 1] == ' '; end--)
            line[end - 1] = '\0';
        monitor_execute(monitor, line);
        prompt(monitor);
    } else if (byte == BACKSPACE || byte == DELETE) {
        if (monitor->length > 0) {
            monitor->length--;
            if (monitor->has_echo)
                say(monitor, "\b \b");
        }
    } else if (byte == CTRL_U) {
        while (monitor->length > 0)
            take_byte(monitor, BACKSPACE);
    } else if ((unsigned char)byte >= ' ' && monitor->length < MONITOR_LINE_MAX - 1) {
        monitor->line[monitor->length++] = byte;
        if (monitor->has_echo)
            char_write(monitor->out, (const uint8_t *)&byte, 1);
    }
}

void monitor_input(struct monitor *monitor, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        take_byte(monitor, (char)bytes[i]);
}
