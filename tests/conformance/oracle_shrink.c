/* See oracle_shrink.h: greedy, until nothing more can be taken away. */
#include "tests/conformance/oracle_shrink.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/oracle_generate.h"

struct shrinker {
    struct oracle_case *best;
    oracle_differs_fn *differs;
    void *opaque;
};

/* Keep `candidate` if it still differs. */
static bool keep(struct shrinker *s, const struct oracle_case *candidate) {
    if (!oracle_is_valid(candidate) || !s->differs(s->opaque, candidate, NULL))
        return false;
    *s->best = *candidate;
    return true;
}

static bool drop_instruction(struct shrinker *s, unsigned index) {
    struct oracle_case candidate = *s->best;
    candidate.count--;
    memmove(&candidate.insns[index], &candidate.insns[index + 1],
            (candidate.count - index) * sizeof(candidate.insns[0]));
    return keep(s, &candidate);
}

static void drop_instructions(struct shrinker *s) {
    bool is_smaller = true;
    while (is_smaller) {
        is_smaller = false;
        for (unsigned i = s->best->count; i-- > 0;)
            is_smaller |= drop_instruction(s, i);
    }
}

/* Set one field of the initial state to a plain value. */
static void simplify(struct shrinker *s, size_t offset, const void *value, size_t size) {
    struct oracle_case candidate = *s->best;
    uint8_t *field = (uint8_t *)&candidate.initial + offset;
    if (memcmp(field, value, size) == 0)
        return;
    memcpy(field, value, size);
    keep(s, &candidate);
}

#define SIMPLIFY(s, field, ...)                                                                    \
    simplify(s, offsetof(struct oracle_state, field),                                              \
             &(__typeof__(((struct oracle_state *)0)->field)){__VA_ARGS__},                        \
             sizeof(((struct oracle_state *)0)->field))

static void simplify_state(struct shrinker *s) {
    SIMPLIFY(s, selector[SEG_GS], 0);
    SIMPLIFY(s, selector[SEG_ES], ORACLE_DS);
    SIMPLIFY(s, selector[SEG_DS], ORACLE_DS);
    for (unsigned r = 0; r < 8; r++)
        SIMPLIFY(s, gpr[r], 0);
    SIMPLIFY(s, eflags, FLAG_RESERVED_1 | FLAG_IF);
    SIMPLIFY(s, eip, oracle_is_16_bit(s->best) ? 0 : ORACLE_CODE);
    SIMPLIFY(s, fpu.control, 0x37f);
    SIMPLIFY(s, fpu.status, 0);
    SIMPLIFY(s, fpu.tags, 0);
    SIMPLIFY(s, fpu.tags, 0xff);
    SIMPLIFY(s, fpu.opcode, 0);
    SIMPLIFY(s, fpu.ip, 0);
    SIMPLIFY(s, fpu.dp, 0);
    SIMPLIFY(s, fpu.mxcsr, 0x1f80);
    for (unsigned i = 0; i < 8; i++) {
        SIMPLIFY(s, fpu.st[i], 0, 0);
        SIMPLIFY(s, fpu.xmm[i][0], 0);
        SIMPLIFY(s, fpu.xmm[i][1], 0);
    }
}

void oracle_shrink(struct oracle_case *c, oracle_differs_fn *differs, void *opaque) {
    struct shrinker s = {c, differs, opaque};
    drop_instructions(&s);
    simplify_state(&s);
    struct oracle_case candidate = *c;
    candidate.memory_seed = 0;
    keep(&s, &candidate);
    drop_instructions(&s);
}
