/*
 * Fuzz target: the engines in lockstep. A small machine with random code is run by the interpreter
 * and by each back end of the translator; after every round all CPU state, all of memory and the
 * accesses to ports must be equal. Each input runs for several rounds, with other registers each,
 * so that translations made for one state serve others.
 */
#include "softmmu/window.h"
#include "tests/fuzz/random_guest.h"
#include "translator/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUNDS 3
/* In each round, and between stops: hot code is what is found at stops, so that loops get
   superblocks. */
#define INSTRUCTIONS     400
#define STRETCH          61
#define CODE_CACHE_BYTES (UINT64_C(4) << 20)

struct engine {
    const char *name;
    struct test_cpu *t;
    struct translator *translator; /* NULL: interpreted */
};

static void create(struct engine *engine, const char *name, bool is_translated) {
    struct error error;
    engine->name = name;
    engine->t = test_cpu_create_sized("pentium4", RANDOM_GUEST_RAM);
    if (!is_translated)
        return;
    engine->translator = translator_create(&engine->t->cpu, name, CODE_CACHE_BYTES, true, &error);
    if (engine->translator == NULL) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    translator_skip_warm_up(engine->translator);
}

/* An address space earns its window by the time it loses without: claim that it has. */
static void earn_window(struct mmu *mmu) {
    for (unsigned i = 0; i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
}

static enum cpu_exit run(struct engine *engine, const struct random_guest *guest, unsigned round) {
    struct test_cpu *t = engine->t;
    enum cpu_exit exit = CPU_EXIT_LIMIT;
    random_guest_reset(guest, t, round);
    if (engine->translator != NULL && guest->has_window)
        earn_window(&t->cpu.mmu);
    for (uint64_t limit = STRETCH; exit == CPU_EXIT_LIMIT && limit <= INSTRUCTIONS;
         limit += STRETCH)
        exit = engine->translator == NULL ? interp_run(&t->cpu, limit)
                                          : translator_run(engine->translator, limit);
    return exit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Made once: a translator's tables take longer to make than an input to run. */
    static struct engine engines[3];
    struct random_guest guest;
    if (!random_guest_parse(&guest, data, size))
        return 0;
    if (engines[0].t == NULL) {
        create(&engines[0], "interpreter", false);
        create(&engines[1], "portable", true);
#if defined(__x86_64__)
        create(&engines[2], "x86_64", true);
#endif
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* What follows may lawfully differ: docs/lockstep.md. */
        if (random_guest_remaps_its_page(&guest, engines[0].t, round, INSTRUCTIONS))
            return 0;
        enum cpu_exit exit = run(&engines[0], &guest, round);
        for (unsigned i = 1; i < 3 && engines[i].t != NULL; i++) {
            enum cpu_exit other = run(&engines[i], &guest, round);
            if (random_guest_same(&guest, engines[0].t, engines[i].t, engines[i].name) &&
                exit == other)
                continue;
            fprintf(stderr, "round %u: exit %d, expected %d\n", round, other, exit);
            translator_explain(engines[i].translator, stderr);
            abort();
        }
    }
    return 0;
}
