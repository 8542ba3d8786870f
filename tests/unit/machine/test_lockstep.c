/* Lockstep must notice whatever makes the two machines differ, and nothing else. */
#include "hw/core/port_map.h"
#include "hw/machine/lockstep.h"
#include "translator/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTRUCTIONS UINT64_C(2000000) /* of the firmware's start */

static struct log test_log;

/** A PC with firmware and nothing else. */
static struct machine *create_pc(void) {
    struct error error;
    log_init(&test_log);
    const struct machine_config config = {.engine = ENGINE_LOCKSTEP,
                                          .engine_backend = "portable",
                                          .ram_bytes = UINT64_C(16) << 20,
                                          .cpu_count = 1,
                                          .boot_order = "c",
                                          .icount_limit = INSTRUCTIONS,
                                          .code_cache_bytes = UINT64_C(16) << 20,
                                          .log = &test_log};
    struct machine *machine = machine_create(&config, &error);
    cr_assert_not_null(machine, "%s", error.message);
    return machine;
}

/** Run to the end with the report, which goes to stderr, thrown away. */
static enum machine_stop run(struct machine *machine) {
    struct error error;
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    cr_assert(machine_start(machine, &error), "%s", error.message);
    return machine_wait(machine, 60000);
}

static void expect_difference(struct machine *machine, const char *what) {
    enum machine_stop stop = run(machine);
    cr_assert_eq(stop, MACHINE_FAILED, "stop is %d, expected %d", stop, MACHINE_FAILED);
    cr_assert_eq(machine_exit_status(machine), 1);
    cr_assert_not_null(strstr(machine->lockstep->difference, what), "reported: %s",
                       machine->lockstep->difference);
    machine_destroy(machine);
}

Test(lockstep, firmware_runs_without_a_difference) {
    struct machine *machine = create_pc();
    enum machine_stop stop = run(machine);
    cr_assert_eq(stop, MACHINE_LIMIT, "stop is %d, expected %d: %s", stop, MACHINE_LIMIT,
                 machine->lockstep->difference);
    cr_assert_gt(machine->lockstep->stops, 10000);
    machine_destroy(machine);
}

Test(lockstep, wrong_register_is_reported) {
    struct machine *machine = create_pc();
    machine->lockstep->twin->cpu.gpr[GPR_EBP] ^= 0x10;
    expect_difference(machine, "cpu.gpr");
}

Test(lockstep, wrong_flag_is_reported) {
    struct machine *machine = create_pc();
    cpu_set_eflags(&machine->lockstep->twin->cpu, FLAG_ID, FLAG_ID);
    expect_difference(machine, "eflags");
}

Test(lockstep, wrong_hidden_part_of_a_segment_is_reported) {
    struct machine *machine = create_pc();
    machine->lockstep->twin->cpu.tr.base = 0x1000;
    expect_difference(machine, "tr.base");
}

Test(lockstep, wrong_byte_in_memory_is_reported) {
    struct machine *machine = create_pc();
    physmem_ram(machine->lockstep->twin->physmem)[0x234567] = 0xa5;
    expect_difference(machine, "byte 567 of frame 234");
}

Test(lockstep, wrong_state_of_a_chip_is_reported) {
    struct machine *machine = create_pc();
    port_map_write(machine->lockstep->twin->ports, 0x21, 1, 0x5a);
    expect_difference(machine, "pic_i8259");
}

/** Run until a translated block ran last, spoil the twin, run one more; the report as text. */
static char *report_of(struct machine *machine, void (*spoil)(struct cpu *twin)) {
    struct lockstep *lockstep = machine->lockstep;
    char *text = NULL, *explained = NULL;
    size_t size = 0;
    bool is_translated = false;
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    for (unsigned stops = 0; stops < 200000 && !is_translated; stops++) {
        lockstep_run(lockstep, INSTRUCTIONS);
        FILE *file = open_memstream(&explained, &size);
        translator_explain(lockstep->twin->translator, file);
        fclose(file);
        is_translated = strstr(explained, "IR as lifted") != NULL;
        free(explained);
    }
    cr_assert(is_translated && !lockstep_has_failed(lockstep), "%s", lockstep->difference);
    spoil(&lockstep->twin->cpu);
    lockstep_compare(lockstep);
    FILE *file = open_memstream(&text, &size);
    lockstep_report(lockstep, file);
    fclose(file);
    return text;
}

static void expect_report(struct machine *machine, void (*spoil)(struct cpu *twin),
                          const char *difference) {
    const char *const parts[] = {difference,          "Guest code there",   "IR as lifted",
                                 "IR as optimised",   "host code",          "Reference (interp",
                                 "Twin (translator)", "hash of all stores", "XMM7="};
    char *text = report_of(machine, spoil);
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        cr_assert_not_null(strstr(text, parts[i]), "no '%s' in the report:\n%s", parts[i], text);
    free(text);
    machine_destroy(machine);
}

static void spoil_xmm(struct cpu *twin) {
    twin->xmm[5].u64[1] ^= 1;
}
static void spoil_x87(struct cpu *twin) {
    twin->x87.st[3].significand ^= 4;
}
static void spoil_flag(struct cpu *twin) {
    cpu_set_eflags(twin, cpu_eflags(twin) ^ FLAG_AF, FLAG_AF);
}

Test(lockstep, wrong_xmm_register_is_reported_with_the_code) {
    expect_report(create_pc(), spoil_xmm, "cpu.xmm[11]");
}

Test(lockstep, wrong_x87_register_is_reported_with_the_code) {
    expect_report(create_pc(), spoil_x87, "x87.r3.significand");
}

Test(lockstep, wrong_arithmetic_flag_is_reported_with_the_code) {
    expect_report(create_pc(), spoil_flag, "eflags");
}

Test(lockstep, stores_are_hashed_alike) {
    struct machine *machine = create_pc();
    cr_assert_eq(run(machine), MACHINE_LIMIT, "%s", machine->lockstep->difference);
    cr_assert_neq(machine->lockstep->store_hash[0], 0);
    cr_assert_eq(machine->lockstep->store_hash[0], machine->lockstep->store_hash[1]);
    machine_destroy(machine);
}

Test(lockstep, key_reaches_both_machines) {
    struct machine *machine = create_pc();
    const struct keyboard_input *keyboard = machine_keyboard(machine);
    machine_lock(machine);
    keyboard->key(keyboard->opaque, 0x1e, true);
    machine_unlock(machine);
    cr_assert_eq(run(machine), MACHINE_LIMIT, "%s", machine->lockstep->difference);
    machine_destroy(machine);
}
