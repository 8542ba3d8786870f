/* See oracle_compare.h. Everything is compared bit for bit, with the exceptions named here. */
#include "tests/conformance/oracle_compare.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/oracle_engine.h"
#include "tests/conformance/oracle_generate.h"

#include <math.h>

#define X87_C1_PE 0x0220
#define X87_ES    0x0080
#define X87_MASKS 0x003f
/* 1.5 * 2^-12, the bound for RCPPS and RSQRTPS, twice: both sides may err. */
#define RECIPROCAL_ERROR (3.0 / 4096)
#define TINY_RESULT      (0x1p-126 * (1 + RECIPROCAL_ERROR))

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

/* The number of the instruction at `eip`; the count behind the last one; elsewhere
   ORACLE_MAX_INSNS + 1. */
static unsigned instruction_at(const struct oracle_case *c, uint32_t eip) {
    uint32_t at = c->initial.eip;
    for (unsigned i = 0; i <= c->count; i++) {
        if (at == eip)
            return i;
        at += i < c->count ? c->insns[i].length : 0;
    }
    return ORACLE_MAX_INSNS + 1;
}

static bool is_approximate(const struct oracle_case *c) {
    return c->count > 0 && oracle_is_approximate((enum op)c->insns[c->count - 1].op);
}

static bool is_x87(enum op op) {
    return op_info(op)->mnemonic[0] == 'f' && op != OP_FXSAVE;
}

/* Within 4 units in the last place, across powers of two as well. */
static bool are_neighbours(const struct oracle_fpu *host, const struct oracle_fpu *engine,
                           unsigned i) {
    uint32_t h = host->st[i].sign_exponent, e = engine->st[i].sign_exponent;
    uint64_t distance = (host->st[i].significand << 1) - (engine->st[i].significand << 1);
    return h - e + 1 <= 2 && distance + 8 <= 16;
}

static void compare_x87(struct comparison *cmp, const struct oracle_fpu *host,
                        const struct oracle_fpu *engine, bool is_close_enough) {
    unsigned last = is_close_enough ? X87_C1_PE : 0;
    check(cmp, "control", 0, host->control, engine->control);
    check(cmp, "status", 0, host->status & ~last, engine->status & ~last);
    check(cmp, "tags", 0, host->tags, engine->tags);
    if (host->status & X87_ES) { /* AMD's FXSAVE tells the pointers of a pending exception only */
        check(cmp, "fip", 0, host->ip, engine->ip);
        check(cmp, "fdp", 0, host->dp, engine->dp);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (is_close_enough && i < 2 && are_neighbours(host, engine, i))
            continue;
        check(cmp, "st.significand", i, host->st[i].significand, engine->st[i].significand);
        check(cmp, "st.exponent", i, host->st[i].sign_exponent, engine->st[i].sign_exponent);
    }
}

static bool are_close(uint32_t a, uint32_t b) {
    float x, y;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    if (fabs((double)x) < TINY_RESULT && fabs((double)y) < TINY_RESULT)
        return signbit(x) == signbit(y); /* tiny results are flushed to zero */
    return a == b || (isfinite(x) && isfinite(y) &&
                      fabs((double)x - (double)y) <= RECIPROCAL_ERROR * fabs((double)x));
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

/* Pointers and MXCSR_MASK in the image of an FXSAVE: the host's are its own (accepted.def). */
static bool differs_like_fxsave(const uint8_t *host, const uint8_t *engine) {
    uint32_t first = 0;
    while (host[first] == engine[first])
        first++;
    uint32_t image = first & ~15u;
    if (first - image < 6)
        image -= 16;
    for (uint32_t i = first; i < ORACLE_DATA_BYTES; i++) {
        uint32_t at = i - image;
        if (host[i] != engine[i] && !(at >= 6 && at < 24) && !(at >= 28 && at < 32))
            return false;
    }
    return true;
}

static void compare_memory(struct comparison *cmp, const uint8_t *host, const uint8_t *engine) {
    const struct oracle_case *c = cmp->c;
    if (memcmp(host, engine, ORACLE_DATA_BYTES) == 0)
        return;
    if (c->count > 0 && c->insns[c->count - 1].op == OP_FXSAVE && differs_like_fxsave(host, engine))
        return;
    for (uint32_t i = 0; i < ORACLE_DATA_BYTES; i += 4)
        check(cmp, "data+", i, load_le32(host + i), load_le32(engine + i));
}

/* A page that only the emulated kernel has answers "protected" where the host says "not present".
 */
static uint32_t error_mask(const struct oracle_outcome *o) {
    return o->vector == VECTOR_PF && o->cr2 - ORACLE_KERNEL < ORACLE_KERNEL_BYTES ? ~1u : ~0u;
}

/* The host kernel's return to user mode clears the RPL of null selectors. */
static uint16_t shown_selector(uint16_t selector) {
    return selector < 4 ? 0 : selector;
}

struct leniency {
    bool may_store_partly; /* memory of a fault is not compared */
    uint32_t vectors;      /* exceptions that only the host may raise */
    bool is_any_fault;     /* which of its faults is reported may differ */
    bool may_be_cancelled; /* no fault where an x87 exception is pending */
};

#define VECTOR_BIT(name) (1u << VECTOR_##name)

static const struct leniency leniency[] = {
#define NOT_RUN(op, reason)
#define APPROXIMATE(op, reason)
#define ANY_FAULT(op, reason)
#define LENIENT(op, vectors_, reason) [OP_##op].vectors = vectors_,
#define CANCELLED(op, reason)         [OP_##op].may_be_cancelled = true,
#define PARTIAL(op, reason)           [OP_##op].may_store_partly = true,
#include "tests/conformance/accepted.def"
#undef ANY_FAULT
#undef LENIENT
#undef CANCELLED
#undef PARTIAL
#define ANY_FAULT(op, reason) [OP_##op].is_any_fault = true,
#define LENIENT(op, vectors, reason)
#define CANCELLED(op, reason)
#define PARTIAL(op, reason)
#include "tests/conformance/accepted.def"
#undef NOT_RUN
#undef APPROXIMATE
#undef ANY_FAULT
#undef LENIENT
#undef CANCELLED
#undef PARTIAL
    [OP_COUNT] = {0},
};

static const struct leniency *leniency_at(const struct oracle_case *c, uint32_t eip) {
    unsigned at = instruction_at(c, eip);
    return &leniency[at < c->count ? c->insns[at].op : OP_COUNT];
}

/* The engine went on behind a store, with an unmasked exception now or since cleared. */
static bool may_have_cancelled(const struct oracle_case *c, const struct oracle_outcome *host,
                               const struct oracle_outcome *engine) {
    return (engine->state.fpu.status & X87_ES) ||
           (engine->state.eip != host->state.eip && (~c->initial.fpu.control & X87_MASKS));
}

/* Exceptions that the processor chooses whether to raise. */
static bool is_lenient_fault(const struct oracle_case *c, const struct oracle_outcome *host,
                             const struct oracle_outcome *engine) {
    const struct leniency *l = leniency_at(c, host->state.eip);
    return host->vector < 32 && ((l->vectors >> host->vector & 1) ||
                                 (l->may_be_cancelled && may_have_cancelled(c, host, engine)));
}

/* Both sides faulted at the same instruction, each in a way of its own. #TS is IRET with NT, which
   a 64-bit kernel's tasks answer with #GP. */
static bool is_any_fault(const struct oracle_case *c, const struct oracle_outcome *host,
                         const struct oracle_outcome *engine) {
    const uint32_t faults = VECTOR_BIT(TS) | VECTOR_BIT(SS) | VECTOR_BIT(GP) | VECTOR_BIT(PF) |
                            VECTOR_BIT(AC) | VECTOR_BIT(NP);
    const uint32_t refusals = VECTOR_BIT(SS) | VECTOR_BIT(GP);
    unsigned at = instruction_at(c, host->state.eip);
    if (at >= c->count || host->state.eip != engine->state.eip || host->vector >= 32 ||
        engine->vector >= 32 || !(faults >> host->vector & 1))
        return false;
    if (c->insns[at].is_simd && (refusals >> host->vector & refusals >> engine->vector & 1))
        return true; /* misaligned and outside its segment */
    return leniency[c->insns[at].op].is_any_fault && (faults >> engine->vector & 1);
}

/* Flags at the exception. An address that is no instruction's may have been reached from anywhere.
 */
static uint32_t undefined_flags(const struct oracle_case *c, uint32_t eip) {
    unsigned at = instruction_at(c, eip);
    if (at <= c->count)
        return oracle_undefined_flags(c, at);
    uint32_t undefined = 0;
    for (unsigned i = 0; i <= c->count; i++)
        undefined |= oracle_undefined_flags(c, i);
    return undefined;
}

/* RF at a trap between two iterations of a string instruction: Intel's processors set it, AMD's
   leave it (SDM vol. 3B, "Instruction-Breakpoint Exception Condition"). */
static uint32_t repeated_flags(const struct oracle_case *c, uint32_t eip, unsigned vector) {
    unsigned at = instruction_at(c, eip);
    bool is_rep = at < c->count && op_info((enum op)c->insns[at].op)->shape == SHAPE_SIZED;
    return vector == VECTOR_DB && is_rep ? FLAG_RF : 0;
}

bool oracle_compare(const struct oracle_case *c, const struct oracle_outcome *host,
                    const struct oracle_outcome *engine, FILE *report) {
    struct comparison cmp = {c, report, true};
    const struct oracle_state *h = &host->state, *e = &engine->state;
    if (is_lenient_fault(c, host, engine) || is_any_fault(c, host, engine))
        return true;
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
        check(&cmp, "seg", i, shown_selector(h->selector[i]), shown_selector(e->selector[i]));
    uint32_t undefined = undefined_flags(c, e->eip) | repeated_flags(c, e->eip, host->vector);
    check(&cmp, "eflags", 0, h->eflags & ~undefined, e->eflags & ~undefined);
    bool is_loose = is_approximate(c);
    bool is_loose_x87 = is_loose && is_x87((enum op)c->insns[c->count - 1].op);
    compare_x87(&cmp, &h->fpu, &e->fpu, is_loose_x87);
    compare_sse(&cmp, &h->fpu, &e->fpu, is_loose && !is_loose_x87);
    if (!leniency_at(c, h->eip)->may_store_partly)
        compare_memory(&cmp, host->memory, engine->memory);
    return cmp.is_equal;
}
