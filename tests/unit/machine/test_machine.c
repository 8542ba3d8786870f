/* Machines as values: how they end, pause, repeat themselves and stay apart. */
#include "tests/unit/machine/rom_machine.h"

#include "hw/machine/machine_private.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define LIMIT 200000

static void create_counting(struct rom_machine *m, enum machine_engine engine,
                            const char *backend) {
    struct machine_config config = rom_machine_config();
    config.engine = engine;
    config.engine_backend = backend;
    config.icount_limit = LIMIT;
    rom_machine_create(m, &config, counting_code, counting_code_size);
}

static uint64_t hash_after(enum machine_engine engine, const char *backend) {
    struct rom_machine m;
    create_counting(&m, engine, backend);
    enum machine_stop stop = rom_machine_run(&m);
    cr_assert_eq(stop, MACHINE_LIMIT, "expected %x, got %x", MACHINE_LIMIT, stop);
    cr_assert_eq(machine_icount(m.machine), LIMIT);
    uint64_t hash = machine_state_hash(m.machine);
    rom_machine_destroy(&m);
    return hash;
}

Test(machine, two_in_one_process_end_in_the_same_state) {
    struct rom_machine a, b;
    struct error error = {{0}};
    create_counting(&a, ENGINE_INTERP, NULL);
    create_counting(&b, ENGINE_INTERP, NULL);
    cr_assert(machine_start(a.machine, &error) && machine_start(b.machine, &error));
    cr_assert_eq(machine_wait(a.machine, -1), MACHINE_LIMIT);
    cr_assert_eq(machine_wait(b.machine, -1), MACHINE_LIMIT);
    uint64_t first = machine_state_hash(a.machine), second = machine_state_hash(b.machine);
    cr_expect_eq(first, second, "expected %" PRIx64 ", got %" PRIx64, first, second);
    rom_machine_destroy(&a);
    rom_machine_destroy(&b);
}

Test(machine, the_engines_end_in_the_same_state) {
    uint64_t wanted = hash_after(ENGINE_INTERP, NULL);
    uint64_t best = hash_after(ENGINE_BT, NULL);
    uint64_t portable = hash_after(ENGINE_BT, "portable");
    cr_expect_eq(best, wanted, "expected %" PRIx64 ", got %" PRIx64, wanted, best);
    cr_expect_eq(portable, wanted, "expected %" PRIx64 ", got %" PRIx64, wanted, portable);
}

Test(machine, the_state_hash_sees_how_far_the_guest_came) {
    struct machine_config config = rom_machine_config();
    uint64_t hash[2];
    for (unsigned i = 0; i < 2; i++) {
        struct rom_machine m;
        config.icount_limit = LIMIT + i;
        rom_machine_create(&m, &config, counting_code, counting_code_size);
        cr_assert_eq(rom_machine_run(&m), MACHINE_LIMIT);
        hash[i] = machine_state_hash(m.machine);
        rom_machine_destroy(&m);
    }
    cr_expect_neq(hash[0], hash[1], "both %" PRIx64, hash[0]);
}

static void wait_for(struct rom_machine *m, enum machine_stop wanted) {
    enum machine_stop stop = machine_wait(m->machine, 0);
    for (unsigned i = 0; i < 30000 && stop != wanted; i++)
        stop = machine_wait(m->machine, 2);
    cr_assert_eq(stop, wanted, "expected %x, got %x", wanted, stop);
}

Test(machine, stands_still_while_paused) {
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    struct error error = {{0}};
    config.start_stopped = true;
    rom_machine_create(&m, &config, counting_code, counting_code_size);
    cr_assert(machine_start(m.machine, &error), "%s", error.message);
    wait_for(&m, MACHINE_PAUSED);
    cr_expect_eq(machine_icount(m.machine), 0);
    machine_continue(m.machine);
    wait_for(&m, MACHINE_RUNNING);
    while (machine_icount(m.machine) == 0)
        continue;
    machine_pause(m.machine);
    wait_for(&m, MACHINE_PAUSED);
    uint64_t before = machine_icount(m.machine);
    machine_wait(m.machine, 20);
    cr_expect_eq(machine_icount(m.machine), before);
    machine_quit(m.machine);
    cr_expect_eq(machine_wait(m.machine, -1), MACHINE_QUIT);
    rom_machine_destroy(&m);
}

Test(machine, a_request_reaches_a_loop_of_linked_translated_code) {
    static const uint8_t jump_to_itself[] = {0x40, 0xeb, 0xfd}; /* next: inc ax; jmp next */
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    struct error error = {{0}};
    config.engine = ENGINE_BT;
    config.clock = CLOCK_HOST;
    rom_machine_create(&m, &config, jump_to_itself, sizeof(jump_to_itself));
    cr_assert(machine_start(m.machine, &error), "%s", error.message);
    machine_wait(m.machine, 50); /* long enough for it to be in the loop */
    machine_quit(m.machine);
    enum machine_stop stop = machine_wait(m.machine, 20000);
    cr_assert_eq(stop, MACHINE_QUIT, "expected %x, got %x", MACHINE_QUIT, stop);
    rom_machine_destroy(&m);
}

Test(machine, the_stop_descriptor_is_readable_at_the_end_only) {
    struct rom_machine m;
    create_counting(&m, ENGINE_INTERP, NULL);
    struct pollfd polled = {.fd = machine_stop_fd(m.machine), .events = POLLIN};
    cr_expect_eq(poll(&polled, 1, 0), 0);
    cr_assert_eq(rom_machine_run(&m), MACHINE_LIMIT);
    cr_expect_eq(poll(&polled, 1, 1000), 1);
    rom_machine_destroy(&m);
}

Test(machine, destroying_a_running_one_ends_it) {
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    struct error error = {{0}};
    rom_machine_create(&m, &config, counting_code, counting_code_size);
    cr_assert(machine_start(m.machine, &error), "%s", error.message);
    rom_machine_destroy(&m);
}

Test(machine, debug_exit_gives_the_status) {
    static const uint8_t code[] = {0xb0, 0x21, 0xe6, 0xf4, 0xf4}; /* mov al, 21h; out F4h; hlt */
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    config.has_debug_exit = true;
    config.debug_exit_port = 0xf4;
    config.debug_exit_size = 4;
    rom_machine_create(&m, &config, code, sizeof(code));
    cr_expect_eq(rom_machine_run(&m), MACHINE_DEBUG_EXIT);
    cr_expect_eq(machine_exit_status(m.machine), 0x43);
    rom_machine_destroy(&m);
}

Test(machine, a_reset_ends_the_run_with_no_reboot) {
    static const uint8_t code[] = {0xb0, 0xfe, 0xe6, 0x64, 0xf4}; /* keyboard controller: reset */
    struct machine_config config = rom_machine_config();
    struct rom_machine m;
    config.no_reboot = true;
    rom_machine_create(&m, &config, code, sizeof(code));
    cr_expect_eq(rom_machine_run(&m), MACHINE_RESET);
    rom_machine_destroy(&m);
}

Test(machine, statistics_have_one_value_for_a_name) {
    struct rom_machine m;
    static struct machine_statistic statistics[512];
    create_counting(&m, ENGINE_BT, NULL);
    cr_assert_eq(rom_machine_run(&m), MACHINE_LIMIT);
    size_t count = machine_statistics(m.machine, statistics, 512);
    bool has_blocks = false, has_windows = false;
    double exits = 0, dispatches = 0, interpreted = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = statistics[i].name;
        if (strcmp(name, "instructions.total") == 0)
            cr_expect_eq(statistics[i].value, LIMIT);
        has_blocks |= strcmp(name, "translator.blocks") == 0 && statistics[i].value > 0;
        has_windows |= strcmp(name, "mmu.window_fills") == 0;
        exits += strncmp(name, "exits.", 6) == 0 ? statistics[i].value : 0;
        if (strcmp(name, "translator.dispatches") == 0)
            dispatches = statistics[i].value;
        if (strcmp(name, "translator.interpreted_stretches") == 0)
            interpreted = statistics[i].value;
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(name, statistics[k].name);
    }
    cr_expect_gt(exits, 0);
    cr_expect_leq(exits, dispatches);
    cr_expect_geq(exits + interpreted, dispatches);
    cr_expect(has_blocks);
    cr_expect(has_windows);
    rom_machine_destroy(&m);
}

static void count_signal(int number, siginfo_t *info, void *context) {
    ++*(volatile int *)info->si_value.sival_ptr;
}

Test(machine, the_processor_does_not_handle_the_process_s_signals) {
    volatile int handled = 0;
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO}, before;
    cr_assert_eq(sigaction(SIGWINCH, &action, &before), 0);
    struct rom_machine m;
    struct machine_config config = rom_machine_config();
    struct error error = {{0}};
    config.icount_limit = LIMIT;
    config.start_stopped = true;
    rom_machine_create(&m, &config, counting_code, counting_code_size);
    cr_assert(machine_start(m.machine, &error));
    union sigval value = {.sival_ptr = (void *)&handled};
    cr_assert_eq(pthread_sigqueue(m.machine->thread, SIGWINCH, value), 0);
    machine_continue(m.machine);
    cr_assert_eq(machine_wait(m.machine, -1), MACHINE_LIMIT);
    rom_machine_destroy(&m);
    sigaction(SIGWINCH, &before, NULL);
    cr_expect_eq(handled, 0);
}
