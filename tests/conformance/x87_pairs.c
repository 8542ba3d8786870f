/*
 * softfloat against the host's x87, as many operand pairs as wanted.
 *
 *   x87_pairs [--pairs N] [--transcendental-pairs N] [--seed S] [--operation NAME] [--case N]
 *
 * Each operation runs on the vectors 0, 1, ... of the seed; exact ones must agree bit for bit,
 * transcendental ones within one unit in the last place. Where the compiler has 113-bit numbers,
 * the worst error of both sides against the exact value is printed for those; ours must not exceed
 * one unit either. --case prints one vector, and which side did what with it. Exit status: 0 equal,
 * 1 differences, 2 wrong arguments.
 */
#ifdef HAVE_QUADMATH
#include "tests/conformance/x87_exact.h"
#endif
#include "tests/unit/fpu/x87_operations.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAX_REPORTS 5

struct options {
    uint64_t pairs, transcendental_pairs, seed, single;
    const char *operation; /* NULL: all */
    bool is_single;
};

struct tally {
    uint64_t pairs, differing;
    uint64_t at_distance_1, worst;  /* of results, in units in the last place */
    double host_error, model_error; /* worst ones, likewise */
    double nearest_error;           /* of softfloat where it rounds to nearest */
    uint64_t exact;                 /* pairs whose exact result is known */
};

#ifdef HAVE_QUADMATH
/* True when softfloat's result is near enough to the exact one. */
static bool is_near_exact(const struct x87_operation *operation, const struct x87_vector *given,
                          const struct x87_outcome *host, const struct x87_outcome *model,
                          struct tally *tally) {
    double host_error = x87_exact_error(operation, given, host);
    double error = x87_exact_error(operation, given, model);
    if (host_error > tally->host_error)
        tally->host_error = host_error;
    if (error > tally->model_error)
        tally->model_error = error;
    if (given->env.rounding == FLOAT_ROUND_NEAREST && error > tally->nearest_error)
        tally->nearest_error = error;
    tally->exact += error >= 0;
    return error <= operation->ulps;
}
#else
static bool is_near_exact(const struct x87_operation *operation, const struct x87_vector *given,
                          const struct x87_outcome *host, const struct x87_outcome *model,
                          struct tally *tally) {
    return true;
}
#endif

static bool compare(const struct x87_operation *operation, const struct options *options,
                    uint64_t number, struct tally *tally, bool is_shown) {
    struct x87_vector v;
    struct x87_outcome host, model;
    uint64_t distance;
    x87_vector_draw(&v, options->seed, number);
    x87_run_host(operation, &v, &host);
    x87_run_model(operation, &v, &model);
    bool agrees = x87_agrees(operation, &v, &host, &model, &distance);
    if (operation->ulps != 0)
        agrees &= is_near_exact(operation, &v, &host, &model, tally);
    tally->pairs++;
    tally->differing += !agrees;
    tally->at_distance_1 += distance == 1;
    tally->worst = distance > tally->worst ? distance : tally->worst;
    if (is_shown || (!agrees && tally->differing <= MAX_REPORTS)) {
        if (!agrees)
            printf("differs; again: x87_pairs --seed %" PRIu64 " --operation '%s' --case %" PRIu64
                   "\n",
                   options->seed, operation->name, number);
        x87_print_case(stdout, operation, &v, &host, &model);
    }
    return agrees;
}

static bool run(const struct x87_operation *operation, const struct options *options) {
    struct tally tally = {0};
    if (options->is_single)
        return compare(operation, options, options->single, &tally, true);
    uint64_t pairs = operation->ulps == 0 ? options->pairs : options->transcendental_pairs;
    for (uint64_t number = 0; number < pairs; number++)
        compare(operation, options, number, &tally, false);
    printf("%-10s %" PRIu64 " pairs, %" PRIu64 " differ", operation->name, tally.pairs,
           tally.differing);
    if (operation->ulps != 0)
        printf("; %" PRIu64 " results 1 ulp from the host's, worst %" PRIu64 " ulp",
               tally.at_distance_1, tally.worst);
    if (tally.exact != 0)
        printf("; worst error of %" PRIu64 " against the exact result: %.4f ulp, to nearest %.4f; "
               "the host's %.4f",
               tally.exact, tally.model_error, tally.nearest_error, tally.host_error);
    printf("\n");
    fflush(stdout);
    return tally.differing == 0;
}

static bool parse(struct options *options, int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--pairs") == 0)
            options->pairs = strtoull(value, NULL, 0);
        else if (strcmp(name, "--transcendental-pairs") == 0)
            options->transcendental_pairs = strtoull(value, NULL, 0);
        else if (strcmp(name, "--seed") == 0)
            options->seed = strtoull(value, NULL, 0);
        else if (strcmp(name, "--operation") == 0)
            options->operation = value;
        else if (strcmp(name, "--case") == 0)
            options->single = strtoull(value, NULL, 0), options->is_single = true;
        else
            return false;
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv) {
    struct options options = {.pairs = 1000000, .transcendental_pairs = 100000, .seed = 1};
    if (!parse(&options, argc, argv)) {
        fprintf(stderr, "x87_pairs: see the head of x87_pairs.c for its options\n");
        return 2;
    }
    size_t count, chosen = 0, failed = 0;
    const struct x87_operation *operations = x87_operations(&count);
    for (size_t i = 0; i < count; i++) {
        if (options.operation != NULL && strcmp(options.operation, operations[i].name) != 0)
            continue;
        chosen++;
        failed += !run(&operations[i], &options);
    }
    if (chosen == 0) {
        fprintf(stderr, "x87_pairs: no operation %s\n", options.operation);
        return 2;
    }
    return failed != 0;
}
