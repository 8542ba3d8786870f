/* What software sees of each model; the features are those of the parts that the models are named
 * after (Intel AP-485, "Feature Flags Reported"). */
#include "interp/cpu/cpuid.h"
#include "tests/unit/cpu/cpu_fixture.h"

struct identity {
    const char *model;
    uint32_t signature, max_leaf, features;
};

static const struct identity identities[] = {
    {"pentium", 0x052c, 1, 0x000003bf},
    {"pentium2", 0x0652, 2, 0x0183fbff},
    {"pentium3", 0x068a, 2, 0x0383fbff},
    {"pentium4", 0x106ca, 2, 0x078bfbff},
};

Test(cpuid, each_model_reports_signature_and_features) {
    for (unsigned n = 0; n < sizeof identities / sizeof identities[0]; n++) {
        const struct identity *is = &identities[n];
        struct test_cpu *t = test_cpu_create(is->model);
        cr_expect_eq(cpuid_read(&t->cpu, 0).eax, is->max_leaf, "%s", is->model);
        cr_expect_eq(cpuid_read(&t->cpu, 1).eax, is->signature, "%s", is->model);
        uint32_t features = cpuid_read(&t->cpu, 1).edx;
        cr_expect_eq(features, is->features, "%s: %08x, expected %08x", is->model, features,
                     is->features);
        cr_expect_eq(t->cpu.gpr[GPR_EDX], is->signature, "%s: EDX at reset", is->model);
        test_cpu_destroy(t);
    }
}

Test(cpuid, a_removed_feature_is_not_reported) {
    struct test_cpu *t = test_cpu_create("pentium4,-apic,-sse2");
    uint32_t features = cpuid_read(&t->cpu, 1).edx;
    EQ(features, 0x038bfbff & ~(1u << 9));
    test_cpu_destroy(t);
}

Test(cpuid, a_leaf_beyond_the_last_reads_as_the_last) {
    struct test_cpu *t = test_cpu_create("pentium3");
    EQ(cpuid_read(&t->cpu, 0x7fffffff).edx, cpuid_read(&t->cpu, 2).edx);
    EQ(cpuid_read(&t->cpu, 0x80000000).edx, cpuid_read(&t->cpu, 2).edx);
    test_cpu_destroy(t);
}

/* PUSHFD; POP EAX; XOR EAX,mask; PUSH EAX; POPFD; PUSHFD; POP EBX; XOR EAX,EBX; HLT: EAX is 0 where
   the flag under the mask could be changed. */
static bool can_change_flag(const char *model, uint32_t mask) {
    struct test_cpu *t = test_cpu_create(model);
    test_cpu_enter_protected(t, 0);
    PLACE(t, TEST_CODE, 0x9c, 0x58, 0x35, (uint8_t)mask, (uint8_t)(mask >> 8),
          (uint8_t)(mask >> 16), (uint8_t)(mask >> 24), 0x50, 0x9d, 0x9c, 0x5b, 0x31, 0xd8, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_CODE + 14);
    bool can_change = t->cpu.gpr[GPR_EAX] == 0;
    test_cpu_destroy(t);
    return can_change;
}

Test(cpuid, flags_tell_a_386_from_a_486_and_a_486_from_a_pentium) {
    EQ(can_change_flag("386", FLAG_AC), false);
    EQ(can_change_flag("486", FLAG_AC), true);
    EQ(can_change_flag("486", FLAG_ID), false);
    EQ(can_change_flag("pentium", FLAG_ID), true);
    EQ(can_change_flag("pentium4", FLAG_ID), true);
}

/* The vector that a program of the given bytes ends with at CPL 0, or -1 for its HLT. */
static int outcome(const char *model, const uint8_t *code, size_t size) {
    struct test_cpu *t = test_cpu_create(model);
    test_cpu_enter_protected(t, 0);
    t->cpu.gpr[GPR_EBX] = 0x50000;
    test_cpu_place(t, TEST_CODE, code, size);
    test_cpu_place(t, TEST_CODE + (uint32_t)size, "\xf4", 1);
    test_cpu_run(t);
    int vector = test_cpu_caught(t);
    test_cpu_destroy(t);
    return vector;
}

Test(cpuid, instructions_need_the_model_that_brought_them) {
    static const struct {
        uint8_t code[4];
        uint8_t size;
        const char *last_without, *first_with;
    } rows[] = {
        {{0x0f, 0xc8}, 2, "386", "486"},                /* BSWAP */
        {{0x0f, 0xb0, 0x03}, 3, "386", "486"},          /* CMPXCHG */
        {{0x0f, 0x01, 0x3b}, 3, "386", "486"},          /* INVLPG */
        {{0x0f, 0xa2}, 2, "486", "pentium"},            /* CPUID */
        {{0x0f, 0x31}, 2, "486", "pentium"},            /* RDTSC */
        {{0x0f, 0xc7, 0x0b}, 3, "486", "pentium"},      /* CMPXCHG8B */
        {{0x0f, 0x40, 0xc1}, 3, "pentium", "pentium2"}, /* CMOVO */
        {{0x0f, 0x6f, 0xc1}, 3, "pentium", "pentium2"}, /* MOVQ */
        {{0x0f, 0xae, 0x03}, 3, "pentium", "pentium2"}, /* FXSAVE */
        {{0x0f, 0x0b}, 2, "pentium4", NULL},            /* UD2 */
    };
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        int without = outcome(rows[n].last_without, rows[n].code, rows[n].size);
        cr_expect_eq(without, VECTOR_UD, "row %u on %s: %d", n, rows[n].last_without, without);
        if (rows[n].first_with == NULL)
            continue;
        int with = outcome(rows[n].first_with, rows[n].code, rows[n].size);
        cr_expect_eq(with, -1, "row %u on %s: %d", n, rows[n].first_with, with);
    }
}
