/*
 * System-mode scenarios on every engine of this host, compared with the interpreter.
 *
 *   scenarios SUPERVISOR --seed N [--first N] [--count N] [--seconds N]
 *   scenarios SUPERVISOR --seed N --number N [--step N] [--engine NAME] [--portable]
 *   scenarios SUPERVISOR --seed N --count N --image FILE
 *
 * The first form runs scenarios until the count or the time is used up and stops at a difference;
 * the second shows one: what the engine logged, and with --step only that step and its code.
 * --portable leaves out what only our board has, or what peers lack. The third is for
 * second_opinion.py: it writes portable scenarios to a file, and prints what the interpreter makes
 * of them. Exit status: 0 without a difference.
 */
#include "tests/scenario/scenario_run.h"

#include "interp/cpu/cpu.h"
#include "interp/decode/disasm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SUPERVISOR (SCENARIO_RAM - SCENARIO_BASE)

struct options {
    const char *supervisor, *engine, *image;
    uint64_t seed, first, count, number;
    double seconds;
    int step;
    bool shows_one, is_portable;
};

struct boards {
    const char *name[3];
    struct scenario_board *board[3];
    unsigned count;
    uint8_t supervisor[MAX_SUPERVISOR];
    size_t supervisor_bytes;
    uint64_t endless; /* runs that a step left without an end, by a fault in every handler */
};

static bool parse(int argc, char **argv, struct options *o) {
    *o = (struct options){.count = UINT64_MAX, .seconds = 1e9, .step = -1, .engine = "interp"};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "0";
        if (argv[i][0] != '-') {
            o->supervisor = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--portable") == 0) {
            o->is_portable = true;
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0)
            o->seed = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--first") == 0)
            o->first = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--count") == 0)
            o->count = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--seconds") == 0)
            o->seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--number") == 0)
            o->shows_one = true, o->number = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--step") == 0)
            o->step = atoi(value);
        else if (strcmp(argv[i], "--engine") == 0)
            o->engine = value;
        else if (strcmp(argv[i], "--image") == 0)
            o->image = value;
        else
            return false;
        i++;
    }
    return o->supervisor != NULL;
}

static bool read_supervisor(struct boards *boards, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    boards->supervisor_bytes = fread(boards->supervisor, 1, MAX_SUPERVISOR, file);
    fclose(file);
    return boards->supervisor_bytes != 0;
}

static bool add_board(struct boards *boards, const char *engine) {
    struct error error;
    struct scenario_board *board =
        scenario_board_create(engine, boards->supervisor, boards->supervisor_bytes, &error);
    if (board == NULL) {
        printf("%s: %s\n", engine, error.message);
        return false;
    }
    boards->name[boards->count] = engine;
    boards->board[boards->count++] = board;
    return true;
}

static void print_board(const struct scenario_board *board, const struct scenario *scenario) {
    const struct cpu *cpu = scenario_board_cpu(board);
    scenario_print_log(scenario, scenario_board_ram(board) + SCENARIO_LOG,
                       scenario_board_records(board), stdout);
    printf("%s after %" PRIu64 " instructions at %04x:%08" PRIx64 "\n",
           scenario_board_has_ended(board)       ? "ended"
           : cpu->activity == CPU_SHUTDOWN       ? "shut down"
           : cpu->icount < SCENARIO_INSTRUCTIONS ? "halted"
                                                 : "ran too long",
           cpu->icount, cpu->seg[SEG_CS].selector, cpu->eip);
}

/** Run one scenario from a step on, on all boards, several times; false when one disagrees. */
static bool compare_from(struct boards *boards, const struct scenario *scenario, unsigned first) {
    char text[200];
    scenario_board_run(boards->board[0], scenario, first);
    boards->endless += scenario_board_cpu(boards->board[0])->icount >= SCENARIO_INSTRUCTIONS;
    for (unsigned i = 1; i < boards->count; i++) {
        for (unsigned pass = 0; pass < SCENARIO_PASSES; pass++) {
            scenario_board_run(boards->board[i], scenario, first);
            if (scenario_boards_agree(boards->board[0], boards->board[i], text, sizeof(text)))
                continue;
            printf("seed %" PRIu64 " number %" PRIu64 ", pass %u, %s: %s\n", scenario->seed,
                   scenario->number, pass, boards->name[i], text);
            return false;
        }
    }
    return true;
}

/** Where to go on after a run that did not reach its end: behind the step that shut the CPU down.
 */
static unsigned step_after(const struct scenario_board *board, const struct scenario *scenario) {
    return scenario_board_has_ended(board) ? scenario->count : scenario_board_step(board) + 1;
}

static bool compare(struct boards *boards, const struct scenario *scenario) {
    for (unsigned first = 0; first < scenario->count;) {
        if (!compare_from(boards, scenario, first))
            return false;
        first = step_after(boards->board[0], scenario);
    }
    return true;
}

/** Find the first step that differs by itself, and show it. */
static void shrink(struct boards *boards, const struct scenario *scenario) {
    struct scenario small;
    for (int step = 0; step < SCENARIO_MAX_STEPS; step++) {
        scenario_generate(&small, scenario->seed, scenario->number, scenario->is_portable, step);
        if (small.count != 0 && !compare(boards, &small)) {
            printf("step %d differs by itself; shown by --seed %" PRIu64 " --number %" PRIu64
                   " --step %d\n",
                   step, scenario->seed, scenario->number, step);
            scenario = &small;
            break;
        }
    }
    for (unsigned i = 0; i < boards->count; i++) {
        for (unsigned pass = 0; pass < SCENARIO_PASSES; pass++)
            scenario_board_run(boards->board[i], scenario, 0);
        printf("---- %s\n", boards->name[i]);
        print_board(boards->board[i], scenario);
        scenario_board_explain(boards->board[i], stdout);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run_many(struct boards *boards, const struct options *o) {
    static struct scenario scenario;
    double end = now() + o->seconds;
    uint64_t done = 0, steps = 0, records = 0, ended = 0;
    for (uint64_t n = o->first; done < o->count && now() < end; n++, done++) {
        scenario_generate(&scenario, o->seed, n, o->is_portable, -1);
        if (!compare(boards, &scenario)) {
            shrink(boards, &scenario);
            return 1;
        }
        steps += scenario.count;
        records += scenario_board_records(boards->board[0]);
        ended += scenario_board_has_ended(boards->board[0]);
    }
    printf("%" PRIu64 " scenarios from seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64
           " exceptions and arrivals, %" PRIu64 " ran to the last step, %" PRIu64
           " left without an end; %u engines agree\n",
           done, o->seed, steps, records, ended, boards->endless, boards->count);
    return done == 0;
}

static int show_one(struct boards *boards, const struct options *o) {
    static struct scenario scenario;
    scenario_generate(&scenario, o->seed, o->number, o->is_portable, o->step);
    struct disasm *disasm = disasm_create();
    if (o->step >= 0 && disasm != NULL)
        disasm_print(disasm, DISASM_32, scenario.code + 4, scenario.code_bytes - 4,
                     SCENARIO_CODE + 4, stdout);
    disasm_destroy(disasm);
    scenario_board_run(boards->board[0], &scenario, 0);
    print_board(boards->board[0], &scenario);
    return 0;
}

/** What became of a scenario, in the form that boot.asm prints. */
static void print_outcome(struct scenario_board *board, const struct scenario *scenario) {
    printf("B %08" PRIx64 "\n", scenario->number);
    for (unsigned i = 0; i < scenario->count; i++)
        printf("K %08" PRIx64 " %08x %s\n", scenario->number, i, scenario->what[i]);
    for (unsigned first = 0; first < scenario->count;) {
        scenario_board_run(board, scenario, first);
        const uint8_t *record = scenario_board_ram(board) + SCENARIO_LOG;
        for (unsigned i = scenario_board_records(board); i > 0; i--) {
            printf("T %08x\nR ", record[120]);
            for (unsigned word = 0; word < SCENARIO_RECORD_BYTES; word += 4)
                printf("%02x%02x%02x%02x", record[word + 3], record[word + 2], record[word + 1],
                       record[word]);
            putchar('\n');
            record += SCENARIO_RECORD_BYTES;
        }
        if (!scenario_board_has_ended(board))
            printf("X %08x\n", scenario_board_step(board));
        first = step_after(board, scenario);
    }
    printf("E %08" PRIx64 "\n", scenario->number);
}

static int write_image(struct boards *boards, const struct options *o) {
    static struct scenario scenario;
    uint8_t variables[SCENARIO_VARIABLE_BYTES];
    FILE *file = fopen(o->image, "wb");
    if (file == NULL)
        return 1;
    for (uint64_t n = 0; n < o->count; n++) {
        scenario_generate(&scenario, o->seed, n, true, -1);
        scenario_variables(&scenario, variables);
        fwrite(variables, 1, sizeof(variables), file);
        fwrite(scenario.code, 1, SCENARIO_CODE_BYTES, file);
        print_outcome(boards->board[0], &scenario);
    }
    return fclose(file) != 0;
}

static int run(struct boards *boards, const struct options *o) {
    if (o->shows_one)
        return add_board(boards, o->engine) ? show_one(boards, o) : 1;
    if (o->image != NULL)
        return add_board(boards, o->engine) ? write_image(boards, o) : 1;
    if (!add_board(boards, "interp") || !add_board(boards, "portable"))
        return 1;
#if defined(__x86_64__)
    if (!add_board(boards, "x86_64"))
        return 1;
#endif
    return run_many(boards, o);
}

int main(int argc, char **argv) {
    static struct boards boards;
    struct options o;
    if (!parse(argc, argv, &o) || !read_supervisor(&boards, o.supervisor)) {
        fputs("usage: see the head of scenarios.c\n", stderr);
        return 2;
    }
    int status = run(&boards, &o);
    for (unsigned i = 0; i < boards.count; i++) /* they report the encodings that they executed */
        scenario_board_destroy(boards.board[i]);
    return status;
}
