/* From (seed, number) to a scenario. */
#include "tests/scenario/step.h"

#include "softmmu/base/bits.h"

#include <inttypes.h>
#include <string.h>

struct step_kind {
    const char *name;
    void (*make)(struct step *step);
    bool is_portable;
};

static const struct step_kind kinds[] = {
    {"segment load", step_segment_load, true},
    {"far transfer", step_far_transfer, true},
    {"gate", step_gate, true},
    {"task", step_task, true},
    {"paging", step_paging, true},
    {"V86", step_v86, true},
    {"privileged", step_privileged, true},
    {"debug", step_debug, true},
    {"interrupt", step_interrupt, false},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
/* Code bytes that no step exceeds. */
#define STEP_BYTES 0x700

static void make_step(struct scenario *scenario, uint64_t dice) {
    struct step step = {.scenario = scenario, .dice = dice};
    roll32(&step);
    const struct step_kind *kind;
    do
        kind = &kinds[roll(&step, KINDS)];
    while (scenario->is_portable && !kind->is_portable);
    snprintf(scenario->what[scenario->count], sizeof(scenario->what[0]), "%s", kind->name);
    scenario->steps[scenario->count++] = here(&step);
    kind->make(&step);
}

void scenario_generate(struct scenario *scenario, uint64_t seed, uint64_t number, bool is_portable,
                       int only) {
    memset(scenario, 0, sizeof(*scenario));
    scenario->seed = seed;
    scenario->number = number;
    scenario->is_portable = is_portable;
    struct step start = {.scenario = scenario};
    arrive(&start);
    EMIT(&start, 0xf4, 0x90);
    uint64_t dice = (seed * UINT64_C(0x9e3779b97f4a7c15) ^ number) * UINT64_C(0xbf58476d1ce4e5b9);
    for (int i = 0; i < SCENARIO_MAX_STEPS; i++) {
        if (scenario->code_bytes + STEP_BYTES > SCENARIO_CODE_BYTES)
            break;
        /* Each step has dice of its own, so that it is the same when the others are left out. */
        if (only < 0 || only == i)
            make_step(scenario, dice + (uint64_t)i * UINT64_C(0x94d049bb133111eb));
    }
}

void scenario_variables(const struct scenario *scenario, uint8_t bytes[SCENARIO_VARIABLE_BYTES]) {
    memset(bytes, 0, SCENARIO_VARIABLE_BYTES);
    store_le32(bytes, scenario->count);
    for (unsigned i = 0; i < scenario->count; i++)
        store_le32(bytes + SCENARIO_STEPS - SCENARIO_VARIABLES + i * 4, scenario->steps[i]);
}

static void print_words(const uint8_t *record, unsigned first, unsigned count, FILE *out) {
    for (unsigned i = first; i < first + count; i++) {
        uint32_t word = 0;
        for (unsigned byte = 0; byte < 4; byte++)
            word |= (uint32_t)record[i * 4 + byte] << (8 * byte);
        fprintf(out, " %" PRIx32, word);
    }
}

void scenario_print_log(const struct scenario *scenario, const uint8_t *log, unsigned records,
                        FILE *out) {
    for (unsigned i = 0; i < records; i++) {
        const uint8_t *record = log + i * SCENARIO_RECORD_BYTES;
        unsigned number = record[30 * 4];
        fprintf(out, "step %u (%s): tag", number,
                number < scenario->count ? scenario->what[number] : "?");
        print_words(record, 0, 1, out);
        fputs(" | frame", out);
        print_words(record, 9, 10, out);
        fputs(" | edi esi ebp esp ebx edx ecx eax", out);
        print_words(record, 1, 8, out);
        fputs(" | eflags", out);
        print_words(record, 19, 1, out);
        fputs(" | ds es fs gs ss ldt tr", out);
        print_words(record, 20, 7, out);
        fputs(" | cr0 cr2 dr6", out);
        print_words(record, 27, 3, out);
        fputs(" | sp", out);
        print_words(record, 31, 1, out);
        fputc('\n', out);
    }
}
