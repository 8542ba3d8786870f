/* Counters of whole machines, and the sampler that tells where the host's time goes. */
#include "hw/machine/part_sampler.h"
#include "tests/unit/machine/rom_machine.h"

#include <criterion/criterion.h>
#include <string.h>

#define LIMIT          100000
#define STATISTICS_MAX 512

/* Sensitive instructions of all kinds, in a loop that every engine finds worth translating. */
static const uint8_t sensitive_code[] = {
    0x9c,                         /* next: pushf */
    0xfa,                         /* cli */
    0xe4, 0x21,                   /* in al, 21h */
    0xe6, 0x80,                   /* out 80h, al */
    0x9d,                         /* popf */
    0x8c, 0xd8,                   /* mov ax, ds */
    0x8e, 0xd8,                   /* mov ds, ax */
    0x1e,                         /* push ds */
    0x1f,                         /* pop ds */
    0x0f, 0x01, 0x06, 0x00, 0x05, /* sgdt [500h] */
    0x0f, 0x01, 0xe0,             /* smsw ax */
    0x0f, 0x20, 0xc0,             /* mov eax, cr0 */
    0x27,                         /* daa */
    0xeb, 0xe5,                   /* jmp next */
};
#define LOOP_INSTRUCTIONS 14

struct statistics {
    struct machine_statistic at[STATISTICS_MAX];
    size_t count;
};

static void run(struct statistics *statistics, enum machine_engine engine, const char *backend) {
    struct rom_machine m;
    struct machine_config config = rom_machine_config();
    config.engine = engine;
    config.engine_backend = backend;
    config.icount_limit = LIMIT;
    rom_machine_create(&m, &config, sensitive_code, sizeof(sensitive_code));
    cr_assert_eq(rom_machine_run(&m), MACHINE_LIMIT);
    statistics->count = machine_statistics(m.machine, statistics->at, STATISTICS_MAX);
    rom_machine_destroy(&m);
}

/* -1: no such counter. */
static double value(const struct statistics *statistics, const char *name) {
    for (size_t i = 0; i < statistics->count; i++)
        if (strcmp(statistics->at[i].name, name) == 0)
            return statistics->at[i].value;
    return -1;
}

static void expect_same_sensitive(const char *backend) {
    static const char *const names[] = {
        "sensitive.pushf",      "sensitive.cli",      "sensitive.in_imm",
        "sensitive.out_imm",    "sensitive.popf",     "sensitive.mov_from_seg",
        "sensitive.mov_to_seg", "sensitive.push_seg", "sensitive.pop_seg",
        "sensitive.sgdt",       "sensitive.smsw",     "sensitive.mov_from_cr",
    };
    struct statistics interpreted, translated;
    run(&interpreted, ENGINE_INTERP, NULL);
    run(&translated, ENGINE_BT, backend);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        double wanted = value(&interpreted, names[i]), found = value(&translated, names[i]);
        cr_expect_geq(wanted, LIMIT / LOOP_INSTRUCTIONS, "%s: %.0f", names[i], wanted);
        cr_expect_eq(found, wanted, "%s: expected %.0f, got %.0f", names[i], wanted, found);
    }
}

Test(statistics, the_best_back_end_counts_each_sensitive_instruction) {
    expect_same_sensitive(NULL);
}

Test(statistics, the_portable_back_end_counts_each_sensitive_instruction) {
    expect_same_sensitive("portable");
}

static void expect_split(const char *backend) {
    struct statistics s;
    run(&s, ENGINE_BT, backend);
    double interpreted = value(&s, "instructions.interp");
    double translated = value(&s, "instructions.translated");
    cr_expect_eq(interpreted + translated, LIMIT, "%.0f + %.0f", interpreted, translated);
    cr_expect_gt(interpreted, 0);
    cr_expect_gt(translated, LIMIT * 0.9, "%.0f of %d", translated, LIMIT);
}

Test(statistics, tell_translated_from_interpreted_instructions) {
    expect_split(NULL);
    expect_split("portable");
}

Test(statistics, name_the_handlers_that_translated_code_calls) {
    struct statistics s;
    run(&s, ENGINE_BT, NULL);
    double calls = value(&s, "handlers.daa");
    cr_expect_gt(calls, LIMIT / LOOP_INSTRUCTIONS * 0.9, "%.0f", calls);
    cr_expect_leq(calls, LIMIT / LOOP_INSTRUCTIONS + 1, "%.0f", calls);
    cr_expect_geq(value(&s, "instructions.handlers"), calls);
}

Test(statistics, have_no_counters_of_a_translator_that_does_not_run) {
    struct statistics s;
    run(&s, ENGINE_INTERP, NULL);
    cr_expect_eq(value(&s, "instructions.interp"), LIMIT);
    cr_expect_eq(value(&s, "instructions.translated"), -1);
    cr_expect_eq(value(&s, "translator.blocks"), -1);
}

Test(statistics, the_portable_back_end_tells_how_often_blocks_ran) {
    struct statistics s;
    run(&s, ENGINE_BT, "portable");
    double blocks = 0, instructions = 0;
    for (unsigned class = 0; class < 32; class ++) {
        char name[64];
        snprintf(name, sizeof(name), "reuse.blocks_%llu", 1ull << class);
        blocks += value(&s, name) > 0 ? value(&s, name) : 0;
        snprintf(name, sizeof(name), "reuse.instructions_%llu", 1ull << class);
        instructions += value(&s, name) > 0 ? value(&s, name) : 0;
    }
    cr_expect_gt(blocks, 0);
    cr_expect_leq(blocks, value(&s, "translator.blocks"));
    cr_expect_geq(instructions, value(&s, "instructions.translated"), "%.0f", instructions);
}

Test(part_sampler, gives_time_to_the_part_under_way) {
    struct part_sampler sampler;
    _Atomic uint8_t part = PART_TRANSLATED;
    part_sampler_init(&sampler, &part, 1000);
    part_sampler_take(&sampler, 1400);
    part = PART_HALTED;
    part_sampler_take(&sampler, 1500);
    part = PART_TRANSLATED;
    part_sampler_take(&sampler, 1507);
    cr_expect_eq(part_sampler_ns(&sampler, PART_TRANSLATED), 407);
    cr_expect_eq(part_sampler_ns(&sampler, PART_HALTED), 100);
    cr_expect_eq(part_sampler_ns(&sampler, PART_INTERPRETER), 0);
}
