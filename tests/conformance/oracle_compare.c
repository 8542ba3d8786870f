/* See oracle_compare.h. Everything is compared bit for bit, but for the rows of accepted.def. */
#include "tests/conformance/oracle_compare.h"
#include "interp/fpu/float80.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/oracle_engine.h"
#include "tests/conformance/oracle_generate.h"

#include <math.h>

#define X87_C1_PE 0x0220
#define X87_ES    0x0080
#define X87_TOP   0x3800
#define X87_MASKS 0x003f
#define MXCSR_MM  0x20000 /* AMD: misaligned exception mask */
/* 1.5 * 2^-12, the bound for RCPPS and RSQRTPS, twice: both sides may err. */
#define RECIPROCAL_ERROR (3.0 / 4096)
#define TINY_RESULT      (0x1p-126 * (1 + RECIPROCAL_ERROR))

struct comparison {
    const struct oracle_case *c;
    FILE *report;
    bool is_equal;
    struct accepted_uses uses;
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

/* The engine's value with the host's in place of `bits`, which row `id` lets differ. */
static uint64_t accept_bits(struct comparison *cmp, enum accepted_id id, uint64_t host,
                            uint64_t engine, uint64_t bits) {
    if (((host ^ engine) & bits) == 0)
        return engine;
    cmp->uses.count[id]++;
    return (engine & ~bits) | (host & bits);
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

/* How the results of the last instruction are compared: 0, exactly, or a BY_ detail. */
static uint32_t tolerance(const struct oracle_case *c) {
    return c->count == 0 ? 0 : accepted_detail(APPROXIMATE, (enum op)c->insns[c->count - 1].op);
}

/* A value of the last instruction is near enough. */
static void use_tolerance(struct comparison *cmp) {
    enum op op = (enum op)cmp->c->insns[cmp->c->count - 1].op;
    cmp->uses.count[accepted_find(APPROXIMATE, op)]++;
}

/* The row that lets an instruction that faulted have done this part of its work, if any. */
static enum accepted_id partial(const struct oracle_case *c, const struct oracle_outcome *host,
                                uint32_t part) {
    unsigned at = instruction_at(c, host->state.eip);
    if (at >= c->count || accepted_detail(PARTIAL, (enum op)c->insns[at].op) != part)
        return ACCEPTED_NONE;
    return accepted_find(PARTIAL, (enum op)c->insns[at].op);
}

/* The physical register `r` of the x87, which the image has relative to TOP. */
static struct float80 x87_register(const struct oracle_fpu *fpu, unsigned r) {
    unsigned i = (r - (fpu->status >> 11)) & 7;
    return (struct float80){fpu->st[i].significand, fpu->st[i].sign_exponent};
}

/* Within 1 unit in the last place, across powers of two as well. */
static bool are_neighbours(struct float80 host, struct float80 engine) {
    uint32_t h = host.sign_exponent, e = engine.sign_exponent;
    uint64_t distance = (host.significand << 1) - (engine.significand << 1);
    return h - e + 1 <= 2 && distance + 2 <= 4;
}

static void compare_x87_registers(struct comparison *cmp, const struct oracle_fpu *host,
                                  const struct oracle_fpu *engine, bool is_close_enough) {
    for (unsigned r = 0; r < 8; r++) {
        struct float80 h = x87_register(host, r), e = x87_register(engine, r);
        bool is_equal = h.significand == e.significand && h.sign_exponent == e.sign_exponent;
        bool is_result = ((r - (host->status >> 11)) & 7) < 2;
        if (!is_equal && is_close_enough && is_result && are_neighbours(h, e)) {
            use_tolerance(cmp);
            continue;
        }
        check(cmp, "x87.significand", r, h.significand, e.significand);
        check(cmp, "x87.exponent", r, h.sign_exponent, e.sign_exponent);
    }
}

static void compare_x87(struct comparison *cmp, const struct oracle_outcome *host_outcome,
                        const struct oracle_fpu *engine) {
    const struct oracle_fpu *host = &host_outcome->state.fpu;
    bool is_close_enough = tolerance(cmp->c) == BY_ULPS;
    uint64_t pointers = host->status & X87_ES ? 0 : UINT64_MAX;
    enum accepted_id mmx = partial(cmp->c, host_outcome, IN_MMX_STATE);
    bool is_mmx = mmx != ACCEPTED_NONE;
    uint64_t status = accept_bits(cmp, mmx, host->status, engine->status, is_mmx ? X87_TOP : 0);
    uint64_t tags = accept_bits(cmp, mmx, host->tags, engine->tags, is_mmx ? 0xff : 0);
    uint64_t unlike = is_close_enough ? X87_C1_PE : 0;
    check(cmp, "control", 0, host->control, engine->control);
    check(cmp, "status", 0, host->status & ~unlike, status & ~unlike);
    check(cmp, "tags", 0, host->tags, tags);
    check(cmp, "fop", 0, host->opcode,
          accept_bits(cmp, ACCEPTED_X87_POINTERS, host->opcode, engine->opcode, pointers));
    check(cmp, "fip", 0, host->ip,
          accept_bits(cmp, ACCEPTED_X87_POINTERS, host->ip, engine->ip, pointers));
    check(cmp, "fdp", 0, host->dp,
          accept_bits(cmp, ACCEPTED_X87_POINTERS, host->dp, engine->dp, pointers));
    compare_x87_registers(cmp, host, engine, is_close_enough);
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
                        const struct oracle_fpu *engine) {
    bool is_close_enough = tolerance(cmp->c) == BY_RELATIVE_ERROR;
    check(cmp, "mxcsr", 0, host->mxcsr, engine->mxcsr);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned half = 0; half < 2; half++) {
            uint64_t h = host->xmm[i][half], e = engine->xmm[i][half];
            if (h != e && is_close_enough && are_close((uint32_t)h, (uint32_t)e) &&
                are_close((uint32_t)(h >> 32), (uint32_t)(e >> 32)))
                use_tolerance(cmp);
            else
                check(cmp, half ? "xmm.high" : "xmm.low", i, h, e);
        }
}

/* Pointers and MXCSR_MASK in the image of an FXSAVE: the host's are its own. */
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

static void compare_memory(struct comparison *cmp, const struct oracle_outcome *host,
                           const struct oracle_outcome *engine) {
    const struct oracle_case *c = cmp->c;
    if (memcmp(host->memory, engine->memory, ORACLE_DATA_BYTES) == 0)
        return;
    enum accepted_id stored = partial(c, host, IN_MEMORY);
    if (stored != ACCEPTED_NONE)
        cmp->uses.count[stored]++;
    else if (tolerance(c) == BY_IMAGE && differs_like_fxsave(host->memory, engine->memory))
        use_tolerance(cmp);
    else
        for (uint32_t i = 0; i < ORACLE_DATA_BYTES; i += 4)
            check(cmp, "data+", i, load_le32(host->memory + i), load_le32(engine->memory + i));
}

/* What may unmask x87 exceptions. */
static bool loads_control_word(enum op op) {
    return op == OP_FLDCW || op == OP_FLDENV || op == OP_FRSTOR || op == OP_FXRSTOR;
}

/* The engine has an unmasked exception, or went on behind instruction `at` with one, which what
   followed cleared. */
static bool may_have_cancelled(const struct oracle_case *c, unsigned at,
                               const struct oracle_outcome *host,
                               const struct oracle_outcome *engine) {
    bool is_unmasked = ~c->initial.fpu.control & X87_MASKS;
    for (unsigned i = 0; i < at; i++)
        is_unmasked |= loads_control_word((enum op)c->insns[i].op);
    return (engine->state.fpu.status & X87_ES) ||
           (engine->state.eip != host->state.eip && is_unmasked);
}

/* The host's exception is one that a processor chooses whether to raise. */
static enum accepted_id optional_fault(const struct oracle_case *c,
                                       const struct oracle_outcome *host,
                                       const struct oracle_outcome *engine) {
    unsigned at = instruction_at(c, host->state.eip);
    if (at >= c->count || host->vector >= 32)
        return ACCEPTED_NONE;
    enum op op = (enum op)c->insns[at].op;
    if (accepted_detail(MAY_FAULT, op) >> host->vector & 1)
        return accepted_find(MAY_FAULT, op);
    return may_have_cancelled(c, at, host, engine) ? accepted_find(CANCELLED, op) : ACCEPTED_NONE;
}

/* The engine refused a bit of MXCSR that the host then had. */
static enum accepted_id refused_bit(const struct oracle_case *c, const struct oracle_outcome *host,
                                    const struct oracle_outcome *engine) {
    unsigned at = instruction_at(c, engine->state.eip);
    if (at >= c->count || engine->vector != VECTOR_GP || !(host->state.fpu.mxcsr & MXCSR_MM))
        return ACCEPTED_NONE;
    return accepted_find(REFUSED, (enum op)c->insns[at].op);
}

#define VECTOR_BIT(name) (1u << VECTOR_##name)

/* Both sides faulted at the same instruction, each in a way of its own. */
static enum accepted_id other_fault(const struct oracle_case *c, const struct oracle_outcome *host,
                                    const struct oracle_outcome *engine) {
    const uint32_t faults = VECTOR_BIT(TS) | VECTOR_BIT(SS) | VECTOR_BIT(GP) | VECTOR_BIT(PF) |
                            VECTOR_BIT(AC) | VECTOR_BIT(NP);
    const uint32_t refusals = VECTOR_BIT(SS) | VECTOR_BIT(GP);
    unsigned at = instruction_at(c, host->state.eip);
    if (at >= c->count || host->state.eip != engine->state.eip || host->vector >= 32 ||
        engine->vector >= 32 || !(faults >> host->vector & faults >> engine->vector & 1))
        return ACCEPTED_NONE;
    if (c->insns[at].is_simd && (refusals >> host->vector & refusals >> engine->vector & 1))
        return ACCEPTED_SIMD_REFUSAL;
    return accepted_find(ANY_FAULT, (enum op)c->insns[at].op);
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

static void compare_flags(struct comparison *cmp, const struct oracle_outcome *host,
                          const struct oracle_outcome *engine) {
    const struct oracle_case *c = cmp->c;
    uint32_t eip = host->state.eip;
    unsigned at = instruction_at(c, eip);
    bool is_repeated = host->vector == VECTOR_DB && at < c->count &&
                       op_info((enum op)c->insns[at].op)->shape == SHAPE_SIZED;
    uint64_t e = accept_bits(cmp, ACCEPTED_UNDEFINED_FLAGS, host->state.eflags,
                             engine->state.eflags, undefined_flags(c, eip));
    e = accept_bits(cmp, ACCEPTED_REPEAT_TRAP_RF, host->state.eflags, e, is_repeated ? FLAG_RF : 0);
    check(cmp, "eflags", 0, host->state.eflags, e);
}

static void compare_segments(struct comparison *cmp, const struct oracle_state *host,
                             const struct oracle_state *engine) {
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        bool is_null = host->selector[i] == 0 && engine->selector[i] < 4;
        check(cmp, "seg", i, host->selector[i],
              accept_bits(cmp, ACCEPTED_NULL_SELECTOR, host->selector[i], engine->selector[i],
                          is_null ? 3 : 0));
    }
}

static void compare_exception(struct comparison *cmp, const struct oracle_outcome *host,
                              const struct oracle_outcome *engine) {
    bool is_kernel_page =
        engine->vector == VECTOR_PF && engine->cr2 - ORACLE_KERNEL < ORACLE_KERNEL_BYTES;
    uint64_t code = accept_bits(cmp, ACCEPTED_KERNEL_PAGE, host->error_code, engine->error_code,
                                is_kernel_page ? 1 : 0);
    enum accepted_id other = other_fault(cmp->c, host, engine);
    if ((host->error_code != code || host->cr2 != engine->cr2) && other != ACCEPTED_NONE) {
        cmp->uses.count[other]++;
        return;
    }
    check(cmp, "error", 0, host->error_code, code);
    check(cmp, "cr2", 0, host->cr2, engine->cr2);
}

static bool compare(struct comparison *cmp, const struct oracle_outcome *host,
                    const struct oracle_outcome *engine) {
    const struct oracle_state *h = &host->state, *e = &engine->state;
    if (host->vector != engine->vector || h->eip != e->eip) { /* the rest would follow from it */
        enum accepted_id id = optional_fault(cmp->c, host, engine);
        if (id == ACCEPTED_NONE)
            id = other_fault(cmp->c, host, engine);
        if (id == ACCEPTED_NONE)
            id = refused_bit(cmp->c, host, engine);
        if (id == ACCEPTED_NONE) {
            check(cmp, "vector", 0, host->vector, engine->vector);
            check(cmp, "eip", 0, h->eip, e->eip);
        }
        cmp->uses.count[id]++;
        return id != ACCEPTED_NONE;
    }
    compare_exception(cmp, host, engine);
    for (unsigned i = 0; i < 8; i++)
        check(cmp, "gpr", i, h->gpr[i], e->gpr[i]);
    compare_segments(cmp, h, e);
    compare_flags(cmp, host, engine);
    compare_x87(cmp, host, &e->fpu);
    compare_sse(cmp, &h->fpu, &e->fpu);
    compare_memory(cmp, host, engine);
    return cmp->is_equal;
}

bool oracle_compare(const struct oracle_case *c, const struct oracle_outcome *host,
                    const struct oracle_outcome *engine, struct accepted_uses *uses, FILE *report) {
    struct comparison cmp = {.c = c, .report = report, .is_equal = true};
    bool is_equal = compare(&cmp, host, engine);
    for (unsigned i = 0; is_equal && i < ACCEPTED_COUNT; i++)
        uses->count[i] += cmp.uses.count[i];
    return is_equal;
}
