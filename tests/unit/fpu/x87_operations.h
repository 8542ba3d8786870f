/*
 * x87 operations that exist twice: on the host's unit and as functions of softfloat. A vector of
 * operands and modes follows from (seed, number) alone, so that one can be had again.
 */
#ifndef TESTS_UNIT_FPU_X87_OPERATIONS_H
#define TESTS_UNIT_FPU_X87_OPERATIONS_H

#include "interp/fpu/softfloat.h"
#include "tests/unit/fpu/host_x86_64_fpu.h"
#include "tests/unit/fpu/operands.h"

#include <stdio.h>

struct x87_vector {
    struct float80 st0, st1;
    uint8_t memory[16];
    struct float_env env; /* modes and masks; one vector in four has random masks */
};

struct x87_outcome {
    struct float80 st0, st1;
    uint8_t memory[16];
    uint16_t status;
};

typedef void x87_model(struct x87_vector *v, struct x87_outcome *out);

struct x87_operation {
    const char *name;
    host_x87_operation *host;
    x87_model *model;
    uint16_t status_mask; /* bits of the status word that must agree */
    uint8_t ulps;         /* units in the last place by which results may differ; 0: exact */
    uint8_t memory_bytes; /* stored ones, compared exactly */
    uint8_t registers;    /* compared ones, from ST0 on */
};

/** All operations; *count receives their number. Those with `ulps` are the transcendental ones. */
const struct x87_operation *x87_operations(size_t *count);

/** Operands with special and neighbouring values favoured, all rounding and precision modes. */
void x87_vector_draw(struct x87_vector *v, uint64_t seed, uint64_t number);

void x87_run_host(const struct x87_operation *operation, const struct x87_vector *given,
                  struct x87_outcome *out);
void x87_run_model(const struct x87_operation *operation, const struct x87_vector *given,
                   struct x87_outcome *out);

/** Whether both did the same; *distance receives that of the results in units in the last place. */
bool x87_agrees(const struct x87_operation *operation, const struct x87_vector *given,
                const struct x87_outcome *host, const struct x87_outcome *model,
                uint64_t *distance);

/** Operands and both outcomes, three lines. */
void x87_print_case(FILE *file, const struct x87_operation *operation,
                    const struct x87_vector *given, const struct x87_outcome *host,
                    const struct x87_outcome *model);

#endif
