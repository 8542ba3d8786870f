/*
 * The host's CPU as oracle: random user-mode instruction sequences run natively and in an engine,
 * and everything visible afterwards must be equal.
 *
 *   host_oracle [--engine interp|portable|x86_64] [--seed S] [--case N | --count N]
 *               [--instructions N] [--seconds N] [--keep-going N] [--coverage FILE]
 *
 * Without --case, cases 0, 1, ... run until the first limit. A failure is shrunk and printed with
 * the command that repeats it. With --coverage, encodings and exceptions that no case reached are
 * printed, and FILE receives the encodings that completed (tests/support/encoding_coverage.h).
 * Exit status: 0 equal, 1 differences or gaps in the coverage, 77 the host cannot do this.
 */
#include "softmmu/base/bits.h"
#include "tests/conformance/host_x86_64_native.h"
#include "tests/conformance/oracle_compare.h"
#include "tests/conformance/oracle_engine.h"
#include "tests/conformance/oracle_generate.h"
#include "tests/conformance/oracle_reach.h"
#include "tests/conformance/oracle_report.h"
#include "tests/conformance/oracle_shrink.h"

#include <stdlib.h>
#include <time.h>

#define EXIT_SKIPPED 77

struct options {
    const char *engine;
    const char *coverage; /* file, or NULL */
    uint64_t seed, single, count, instructions;
    double seconds;
    unsigned failures; /* to stop after */
    bool is_single;
};

struct oracle {
    struct native *native;
    struct engine *engine;
    struct oracle_reach *reach;
    struct accepted_uses uses;
};

/* The engine goes first: what hangs or enters 64-bit code there is not tried on the host. */
static bool is_runnable(const struct oracle_outcome *o) {
    uint16_t cs = o->state.selector[SEG_CS];
    return o->vector != ORACLE_VECTOR_TIMEOUT && (cs == ORACLE_CS || cs == ORACLE_LDT_CODE_16);
}

static bool differs(void *opaque, const struct oracle_case *c, FILE *report) {
    struct oracle *oracle = opaque;
    struct oracle_outcome host, engine;
    engine_run(oracle->engine, c, &engine);
    if (!is_runnable(&engine)) {
        oracle->uses.count[ACCEPTED_NOT_32_BIT]++;
        return false;
    }
    native_run(oracle->native, c, &host);
    if (!oracle_compare(c, &host, &engine, &oracle->uses, report))
        return true;
    oracle_reach_count(oracle->reach, c, &host);
    return false;
}

/* Since the host kernel may lose FCS and FDS when it switches tasks, a difference counts when it
   shows twice. */
static bool differs_twice(struct oracle *oracle, const struct oracle_case *c) {
    if (!differs(oracle, c, NULL))
        return false;
    bool is_difference = differs(oracle, c, NULL);
    oracle->uses.count[ACCEPTED_TASK_SWITCH] += !is_difference;
    return is_difference;
}

static void report_failure(struct oracle *oracle, const struct options *options,
                           struct oracle_case *c) {
    printf("case %llu differs; again: host_oracle --engine %s --seed %llu --case %llu\n",
           (unsigned long long)c->number, options->engine, (unsigned long long)c->seed,
           (unsigned long long)c->number);
    oracle_shrink(c, differs, oracle);
    oracle_print_case(c, stdout);
    differs(oracle, c, stdout);
    fflush(stdout);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool parse(struct options *options, int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--engine") == 0)
            options->engine = value;
        else if (strcmp(name, "--seed") == 0)
            options->seed = strtoull(value, NULL, 0);
        else if (strcmp(name, "--coverage") == 0)
            options->coverage = value;
        else if (strcmp(name, "--count") == 0)
            options->count = strtoull(value, NULL, 0);
        else if (strcmp(name, "--instructions") == 0)
            options->instructions = strtoull(value, NULL, 0);
        else if (strcmp(name, "--seconds") == 0)
            options->seconds = strtod(value, NULL);
        else if (strcmp(name, "--keep-going") == 0)
            options->failures = (unsigned)strtoul(value, NULL, 0);
        else if (strcmp(name, "--case") == 0)
            options->single = strtoull(value, NULL, 0), options->is_single = true;
        else
            return false;
    }
    return argc % 2 == 1;
}

static unsigned run_all(struct oracle *oracle, const struct options *options) {
    double start = now();
    unsigned failures = 0;
    uint64_t number = 0;
    struct oracle_case c;
    while (number < options->count && engine_instructions(oracle->engine) < options->instructions &&
           (number % 1024 != 0 || now() - start < options->seconds) &&
           failures < options->failures) {
        oracle_generate(&c, options->seed, number++);
        if (differs_twice(oracle, &c)) {
            failures++;
            report_failure(oracle, options, &c);
        }
        if (options->coverage != NULL)
            engine_trace(oracle->engine, &c, oracle_reach_completed(oracle->reach));
    }
    double seconds = now() - start;
    printf("%llu sequences, %llu instructions in %.1f s (%.0f sequences/s), %u differ\n",
           (unsigned long long)number, (unsigned long long)engine_instructions(oracle->engine),
           seconds, (double)number / seconds, failures);
    engine_print_statistics(oracle->engine, stdout);
    oracle_reach_print_faults(oracle->reach, stdout);
    accepted_print_uses(&oracle->uses, stdout);
    return failures;
}

static unsigned run_single(struct oracle *oracle, const struct options *options) {
    struct oracle_case c;
    oracle_generate(&c, options->seed, options->single);
    oracle_print_case(&c, stdout);
    if (!differs(oracle, &c, stdout)) {
        printf("no difference\n");
        return 0;
    }
    report_failure(oracle, options, &c);
    return 1;
}

static bool finish_coverage(const struct oracle *oracle, const char *path) {
    if (!encoding_coverage_append(oracle_reach_completed(oracle->reach), path)) {
        printf("cannot write %s\n", path);
        return false;
    }
    return oracle_reach_print_gaps(oracle->reach, stdout);
}

static void mirror_descriptors(struct engine *engine) {
    for (uint16_t selector = 0x18; selector < 0x80; selector += 8) {
        uint32_t attributes, limit;
        if (native_descriptor(selector | 3, &attributes, &limit))
            engine_set_descriptor(engine, selector, attributes, limit);
    }
}

int main(int argc, char **argv) {
    struct options options = {.engine = "interp",
                              .seed = 1,
                              .count = UINT64_MAX,
                              .instructions = UINT64_MAX,
                              .seconds = 1e9,
                              .failures = 1};
    struct error error;
    if (!parse(&options, argc, argv)) {
        fprintf(stderr, "host_oracle: see the head of host_oracle.c for its options\n");
        return 2;
    }
    struct oracle oracle = {.native = native_create(&error)};
    if (oracle.native == NULL) {
        printf("host_oracle: skipped, %s\n", error.message);
        return EXIT_SKIPPED;
    }
    oracle.engine = engine_create(options.engine, &error);
    if (oracle.engine == NULL) {
        printf("host_oracle: %s\n", error.message);
        return 1;
    }
    oracle.reach = oracle_reach_create();
    mirror_descriptors(oracle.engine);
    printf("host_oracle: engine %s, seed %llu\n", options.engine, (unsigned long long)options.seed);
    unsigned failures =
        options.is_single ? run_single(&oracle, &options) : run_all(&oracle, &options);
    bool is_covered = options.coverage == NULL || finish_coverage(&oracle, options.coverage);
    oracle_reach_destroy(oracle.reach);
    engine_destroy(oracle.engine);
    native_destroy(oracle.native);
    return failures != 0 || !is_covered;
}
