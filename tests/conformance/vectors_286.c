/*
 * Runs the single-step vectors of a real 80286 (real mode) through the CPU and compares registers,
 * flags, memory and exceptions.
 *
 *   vectors_286 DIRECTORY [--engine interp|portable|x86_64] [--form FORM [--case INDEX]]
 *               [--coverage FILE]
 *
 * DIRECTORY holds metadata.json, revocation_list.txt and sample286/. A line for each form (opcode,
 * with its ModRM.reg digit) tells how many cases passed, failed, and were left out by which rule of
 * accepted_286.def; with --form, every failure is printed whole. FILE receives the encodings that
 * completed (tests/support/encoding_coverage.h).
 * Exit status: 0 all passed, 1 failures, 77 no vectors there (skipped).
 */
#include "softmmu/base/bits.h"
#include "tests/conformance/vectors_286_rig.h"
#include "tests/conformance/vectors_286_rules.h"
#include "tests/support/encoding_coverage.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_SKIPPED 77
#define MAX_REPORTS  3 /* for each form */

struct options {
    const char *directory, *engine, *form, *coverage;
    long single; /* -1: all cases */
};

struct run {
    const struct options *options;
    struct vectors_286 vectors;
    struct rig *rig;
    struct encoding_coverage *coverage;
    uint64_t passed, failed, left_out;
    uint64_t uses[RULE_286_COUNT];
};

/* INT3, INT n and INTO complete by way of an exception. */
static bool completes(const struct moo_case *one) {
    uint8_t opcode = one->bytes[case_286_opcode_at(one)];
    return !one->has_exception || (opcode >= 0xcc && opcode <= 0xce);
}

static void print_form(const char *form, const uint64_t counts[3],
                       const uint64_t left_out[RULE_286_COUNT]) {
    printf("%-5s %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " left out", form, counts[0],
           counts[1], counts[2]);
    for (unsigned rule = 1; rule < RULE_286_COUNT; rule++)
        if (left_out[rule] != 0)
            printf(", %s %" PRIu64, rule_286_name((enum rule_286)rule), left_out[rule]);
    printf("\n");
}

static void run_form(struct run *run, const char *form) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/sample286/%s.MOO.gz", run->options->directory, form);
    struct moo_file file;
    if (!moo_load(path, &file)) {
        printf("%s: malformed\n", path);
        run->failed++;
        return;
    }
    uint64_t counts[3] = {0}, left_out[RULE_286_COUNT] = {0};
    bool is_verbose = run->options->form != NULL;
    for (unsigned i = 0; i < file.count; i++) {
        const struct moo_case *one = &file.cases[i];
        if (run->options->single >= 0 && one->index != (unsigned)run->options->single)
            continue;
        enum rule_286 rule = case_286_left_out(&run->vectors, rig_encodings(run->rig), one);
        if (rule != RULE_286_NONE) {
            left_out[rule]++;
            counts[2]++;
            continue;
        }
        uint16_t flags = case_286_flags(&run->vectors, one, form, run->uses);
        run->uses[RULE_286_STACK_LIMIT] += case_286_merges_stack_faults(one);
        bool is_equal =
            rig_run_case(run->rig, one, flags, is_verbose, &run->uses[RULE_286_STRING_FAULT]);
        counts[is_equal ? 0 : 1]++;
        if (!is_equal && !is_verbose && counts[1] <= MAX_REPORTS)
            printf("fails; again: vectors_286 %s --engine %s --form %s --case %u\n",
                   run->options->directory, run->options->engine, form, one->index);
        if (is_equal && completes(one))
            encoding_coverage_mark_bytes(run->coverage, one->bytes, one->length);
    }
    print_form(form, counts, left_out);
    run->passed += counts[0];
    run->failed += counts[1];
    run->left_out += counts[2];
    for (unsigned rule = 1; rule < RULE_286_COUNT; rule++)
        run->uses[rule] += left_out[rule];
    moo_free(&file);
}

static char *read_text(const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return NULL;
    fseek(in, 0, SEEK_END);
    long size = ftell(in);
    rewind(in);
    char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);
    if (text != NULL && fread(text, 1, (size_t)size, in) != (size_t)size)
        text[0] = 0;
    fclose(in);
    return text;
}

static int is_vector_file(const struct dirent *entry) {
    return strstr(entry->d_name, ".MOO.gz") != NULL;
}

static void run_directory(struct run *run) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/sample286", run->options->directory);
    struct dirent **entries;
    int count = scandir(path, &entries, is_vector_file, alphasort);
    for (int i = 0; i < count; i++) {
        *strstr(entries[i]->d_name, ".MOO.gz") = 0;
        run_form(run, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static bool parse(struct options *options, int argc, char **argv) {
    if (argc < 2)
        return false;
    options->directory = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--engine") == 0)
            options->engine = value;
        else if (strcmp(name, "--form") == 0)
            options->form = value;
        else if (strcmp(name, "--case") == 0)
            options->single = strtol(value, NULL, 0);
        else if (strcmp(name, "--coverage") == 0)
            options->coverage = value;
        else
            return false;
    }
    return argc % 2 == 0 && (options->single < 0 || options->form != NULL);
}

static void print_totals(const struct run *run) {
    printf("%s: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " left out\n",
           run->options->engine, run->passed, run->failed, run->left_out);
    printf("accepted differences (accepted_286.def), by cases:\n");
    for (unsigned rule = 1; rule < RULE_286_COUNT; rule++)
        if (run->uses[rule] != 0)
            printf("  %-15s %" PRIu64 "\n", rule_286_name((enum rule_286)rule), run->uses[rule]);
}

int main(int argc, char **argv) {
    struct options options = {.engine = "interp", .single = -1};
    struct error error;
    if (!parse(&options, argc, argv)) {
        fprintf(stderr, "vectors_286: see the head of vectors_286.c for its options\n");
        return 2;
    }
    struct run run = {.options = &options};
    run.vectors.metadata = read_text(options.directory, "metadata.json");
    run.vectors.revocations = read_text(options.directory, "revocation_list.txt");
    if (run.vectors.metadata == NULL) {
        printf("no vectors in %s: skipped\n", options.directory);
        return EXIT_SKIPPED;
    }
    run.rig = rig_create(options.engine, &error);
    if (run.rig == NULL) {
        printf("cannot create the CPU: %s\n", error.message);
        return 1;
    }
    run.coverage = encoding_coverage_create();
    if (options.form != NULL)
        run_form(&run, options.form);
    else
        run_directory(&run);
    print_totals(&run);
    rig_print_statistics(run.rig);
    if (options.coverage != NULL && !encoding_coverage_append(run.coverage, options.coverage))
        run.failed++;
    encoding_coverage_destroy(run.coverage);
    rig_destroy(run.rig);
    free(run.vectors.metadata);
    free(run.vectors.revocations);
    return run.failed > 0;
}
