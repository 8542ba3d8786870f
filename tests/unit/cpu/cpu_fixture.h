/* One CPU for each test, made and destroyed around it, and comparisons that print in hex. */
#ifndef TESTS_UNIT_CPU_CPU_FIXTURE_H
#define TESTS_UNIT_CPU_CPU_FIXTURE_H

#include "tests/support/test_cpu.h"

#include <criterion/criterion.h>

#define EQ(actual, expected)                                                                       \
    do {                                                                                           \
        unsigned long long actual_ = (unsigned long long)(actual);                                 \
        unsigned long long expected_ = (unsigned long long)(expected);                             \
        cr_assert(actual_ == expected_, #actual ": expected %llx, actual %llx", expected_,         \
                  actual_);                                                                        \
    } while (0)

/* The exception whose handler runs, and its error code on top of the stack. */
#define CAUGHT(t, vector, error)                                                                   \
    do {                                                                                           \
        test_cpu_run(t);                                                                           \
        EQ(test_cpu_caught(t), vector);                                                            \
        EQ(test_cpu_stack(t, 0), error);                                                           \
    } while (0)

/* A test with a CPU `t` of the default model in the given mode. */
#define CPU_TEST(suite, name, enter)                                                               \
    static void body_##suite##_##name(struct test_cpu *t);                                         \
    Test(suite, name) {                                                                            \
        struct test_cpu *t = test_cpu_create("pentium4");                                          \
        enter;                                                                                     \
        body_##suite##_##name(t);                                                                  \
        test_cpu_destroy(t);                                                                       \
    }                                                                                              \
    static void body_##suite##_##name(struct test_cpu *t)

#define REAL    test_cpu_enter_real(t)
#define RING0   test_cpu_enter_protected(t, 0)
#define RING3   test_cpu_enter_protected(t, 3)
#define V86(pl) test_cpu_enter_v86(t, pl)

#endif
