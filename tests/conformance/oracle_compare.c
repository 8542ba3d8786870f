/* See oracle_compare.h. Everything is compared bit for bit, with the exceptions named here. */
#include "tests/conformance/oracle_compare.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/oracle_engine.h"
#include "tests/conformance/oracle_generate.h"

#include <math.h>

#define X87_C1_PE  0x0220
#define MXCSR_PE   UINT32_C(0x20)
/* 1.5 * 2^-12, the bound for RCPPS and RSQRTPS, twice: both sides may err. */
#define RECIPROCAL_ERROR (3.0 / 4096)

struct comparison {
    const struct oracle_case *c;
    FILE *report;
    bool is_equal;
};

static void check(struct comparison *cmp, const char *name, unsigned index, uint64_t host,
                  uint64_t engine) {
    if (host == engine)
        return;
    cmp->is_equal = false;
    if (cmp->report != NULL)
        fprintf(cmp->report, "    %s%u: host %llx, engine %llx\n", name, index,
                (unsigned long long)host, (unsigned long long)engine);
}

/* The number of the instruction at `eip`, or the count when it is none of them. */
static unsigned instruction_at(const struct oracle_case *c, uint32_t eip) {
    uint32_t at = c->initial.eip;
    unsigned i = 0;
    while (i < c->count && at != eip)
        at += c->insns[i++].length;
    return i;
}

static bool is_approximate(const struct oracle_case *c) {
    return c->count > 0 && oracle_is_approximate((enum op)c->insns[c->count - 1].op);
}

static bool is_x87(enum op op) {
    return op_info(op)->mnemonic[0] == 'f';
}

static void compare_x87(struct comparison *cmp, const struct oracle_fpu *host,
                        const struct oracle_fpu *engine, bool is_close_enough) {
    unsigned last = is_close_enough ? X87_C1_PE : 0;
    check(cmp, "control", 0, host->control, engine->control);
    check(cmp, "status", 0, host->status & ~last, engine->status & ~last);
    check(cmp, "tags", 0, host->tags, engine->tags);
    check(cmp, "fip", 0, host->ip, engine->ip);
    check(cmp, "fdp", 0, host->dp, engine->dp);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t distance = host->st[i].significand - engine->st[i].significand;
        if (is_close_enough && i < 2 && (distance + 1 <= 2 || distance + 4 <= 8))
            continue;
        check(cmp, "st.significand", i, host->st[i].significand, engine->st[i].significand);
        check(cmp, "st.exponent", i, host->st[i].sign_exponent, engine->st[i].sign_exponent);
    }
}

static bool are_close(uint32_t a, uint32_t b) {
    float x, y;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    return a == b || (isfinite(x) && isfinite(y) && fabs((double)x - (double)y) <=
                                                        RECIPROCAL_ERROR * fabs((double)x));
}

static void compare_sse(struct comparison *cmp, const struct oracle_fpu *host,
                        const struct oracle_fpu *engine, bool is_close_enough) {
    check(cmp, "mxcsr", 0, host->mxcsr, engine->mxcsr);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned half = 0; half < 2; half++) {
            uint64_t h = host->xmm[i][half], e = engine->xmm[i][half];
            if (is_close_enough && are_close((uint32_t)h, (uint32_t)e) &&
                are_close((uint32_t)(h >> 32), (uint32_t)(e >> 32)))
                continue;
            check(cmp, half ? "xmm.high" : "xmm.low", i, h, e);
        }
}

static void compare_memory(struct comparison *cmp, const uint8_t *host, const uint8_t *engine) {
    if (memcmp(host, engine, ORACLE_DATA_BYTES) == 0)
        return;
    for (uint32_t i = 0; i < ORACLE_DATA_BYTES; i += 4)
        check(cmp, "data+", i, load_le32(host + i), load_le32(engine + i));
}

/* A page that only the emulated kernel has answers "protected" where the host says "not present". */
static uint32_t error_mask(const struct oracle_outcome *o) {
    return o->vector == VECTOR_PF && o->cr2 - ORACLE_KERNEL < ORACLE_KERNEL_BYTES ? ~1u : ~0u;
}

bool oracle_compare(const struct oracle_case *c, const struct oracle_outcome *host,
                    const struct oracle_outcome *engine, FILE *report) {
    struct comparison cmp = {c, report, true};
    const struct oracle_state *h = &host->state, *e = &engine->state;
    check(&cmp, "vector", 0, host->vector, engine->vector);
    check(&cmp, "eip", 0, h->eip, e->eip);
    if (host->vector != engine->vector || h->eip != e->eip)
        return false; /* the rest follows from it */
    check(&cmp, "error", 0, host->error_code & error_mask(engine),
          engine->error_code & error_mask(engine));
    check(&cmp, "cr2", 0, host->cr2, engine->cr2);
    for (unsigned i = 0; i < 8; i++)
        check(&cmp, "gpr", i, h->gpr[i], e->gpr[i]);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        check(&cmp, "seg", i, h->selector[i], e->selector[i]);
    uint32_t undefined = oracle_undefined_flags(c, instruction_at(c, e->eip));
    check(&cmp, "eflags", 0, h->eflags & ~undefined, e->eflags & ~undefined);
    bool is_loose = is_approximate(c);
    bool is_loose_x87 = is_loose && is_x87((enum op)c->insns[c->count - 1].op);
    compare_x87(&cmp, &h->fpu, &e->fpu, is_loose_x87);
    compare_sse(&cmp, &h->fpu, &e->fpu, is_loose && !is_loose_x87);
    compare_memory(&cmp, host->memory, engine->memory);
    return cmp.is_equal;
}
