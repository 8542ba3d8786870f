/* The human monitor: commands and line editing. */
#include "frontend/char_memory.h"
#include "frontend/monitor.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <string.h>

struct bench {
    struct rom_machine m;
    struct monitor monitor;
    struct char_memory out;
    unsigned quits;
};

static void quit(void *opaque) {
    struct bench *b = opaque;
    b->quits++;
}

static struct bench *set_up(bool has_echo) {
    static struct bench bench;
    struct machine_config config = rom_machine_config();
    struct bench *b = &bench;
    config.start_stopped = true;
    rom_machine_create(&b->m, &config, counting_code, counting_code_size);
    char_memory_init(&b->out);
    monitor_init(&b->monitor, &b->out.backend, has_echo, quit, b);
    b->monitor.machine = b->m.machine;
    return b;
}

static void tear_down(struct bench *b) {
    rom_machine_destroy(&b->m);
    char_memory_destroy(&b->out);
}

static void type(struct bench *b, const char *text) {
    monitor_input(&b->monitor, (const uint8_t *)text, strlen(text));
}

static void expect_said(struct bench *b, const char *text) {
    cr_expect(char_memory_contains(&b->out, text), "'%s' is not in: %.*s", text, (int)b->out.size,
              b->out.text);
}

Test(monitor, help_lists_the_commands) {
    struct bench *b = set_up(false);
    type(b, "help\n");
    expect_said(b, "info registers");
    expect_said(b, "sendkey");
    expect_said(b, "(pentimento) ");
    tear_down(b);
}

Test(monitor, shows_the_counters) {
    struct bench *b = set_up(false);
    type(b, "info stats\n");
    expect_said(b, "instructions.total");
    expect_said(b, "device.port_accesses");
    tear_down(b);
}

Test(monitor, shows_registers_and_state) {
    struct bench *b = set_up(false);
    type(b, "info registers\ninfo status\n");
    expect_said(b, "EIP=0000fff0");
    expect_said(b, "CS   f000 base ffff0000");
    expect_said(b, "VM status: paused");
    tear_down(b);
}

Test(monitor, stops_and_continues_the_machine) {
    struct bench *b = set_up(false);
    struct error error = {{0}};
    cr_assert(machine_start(b->m.machine, &error), "%s", error.message);
    type(b, "cont\n");
    while (machine_icount(b->m.machine) == 0)
        continue;
    type(b, "stop\n");
    enum machine_stop stop = MACHINE_RUNNING;
    for (unsigned i = 0; i < 30000 && stop != MACHINE_PAUSED; i++)
        stop = machine_wait(b->m.machine, 2);
    cr_expect_eq(stop, MACHINE_PAUSED);
    tear_down(b);
}

Test(monitor, a_slip_is_answered_with_the_nearest_command) {
    struct bench *b = set_up(false);
    type(b, "screan\nxyzzy plugh\n");
    expect_said(b, "did you mean 'screen'?");
    expect_said(b, "unknown command: 'xyzzy plugh'\n");
    tear_down(b);
}

Test(monitor, quit_is_passed_on) {
    struct bench *b = set_up(false);
    type(b, "  quit  \r");
    cr_expect_eq(b->quits, 1);
    tear_down(b);
}

Test(monitor, keys_are_checked_by_name) {
    struct bench *b = set_up(false);
    type(b, "sendkey ctrl-alt-delete\n");
    cr_expect_not(char_memory_contains(&b->out, "unknown key"));
    type(b, "sendkey ctrl-nokey\n");
    expect_said(b, "unknown key: 'nokey'");
    type(b, "sendkey a-a-a-a-a-a-a-a-a\n");
    expect_said(b, "more than 8 keys");
    tear_down(b);
}

Test(monitor, lines_can_be_edited) {
    struct bench *b = set_up(true);
    type(b, "wrong\x15quix\x08\x7fit\n");
    cr_expect_eq(b->quits, 1);
    expect_said(b, "\b \b");
    tear_down(b);
}

Test(monitor, a_long_line_is_cut) {
    struct bench *b = set_up(false);
    for (unsigned i = 0; i < 4 * MONITOR_LINE_MAX; i++)
        type(b, "a");
    cr_expect_lt(b->monitor.length, MONITOR_LINE_MAX);
    type(b, "\n");
    expect_said(b, "unknown command");
    cr_expect_eq(b->monitor.length, 0);
    tear_down(b);
}
