/*
 * Pairs of instructions with one destination register; see quick_pair.h.
 *
 * Invariants:
 *  1. The first instruction sets no flags that anybody sees, and faults before anything is changed:
 *     its regular handler then does it alone, and the second instruction follows by itself.
 *  2. The second one cannot fault. Either it changes the register that the first one left and has
 *     another second operand (SECONDS), or that register is the second operand of an operation on
 *     another one (FED).
 */
#include "interp/exec/quick_pair.h"
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

/* What the first instruction leaves in the register; `a` is what was there. */
#define FIRST_MOV_RR  cpu_reg32(cpu, i->reg)
#define FIRST_ADD_RR  a + cpu_reg32(cpu, i->reg)
#define FIRST_ADD_RI  a + i->imm
#define FIRST_SUB_RR  a - cpu_reg32(cpu, i->reg)
#define FIRST_AND_RR  a &cpu_reg32(cpu, i->reg)
#define FIRST_AND_RI  a & i->imm
#define FIRST_OR_RR   a | cpu_reg32(cpu, i->reg)
#define FIRST_XOR_RR  a ^ cpu_reg32(cpu, i->reg)
#define FIRST_SHL_RI  a << (i->imm & 31)
#define FIRST_SHR_RI  a >> (i->imm & 31)
#define FIRST_ROL_RI  (a << (i->imm & 31) | a >> (-i->imm & 31))
#define FIRST_ROR_RI  (a >> (i->imm & 31) | a << (-i->imm & 31))
#define FIRST_INC_RR  a + 1
#define FIRST_LEA_RM  insn_ea(cpu, i)
#define FIRST_LOAD_RM host_load32(host)
#define FIRST_BYTE_RM host_load8(host)
#define FIRST_IMUL_RM cpu_reg32(cpu, i->reg) * host_load32(host)

/* What the second one makes of `a`; `b` is its other operand. DEAD: without flags. */
#define SECOND_MOV_DEAD(a, b) (b)
#define SECOND_ADD_DEAD(a, b) (a + b)
#define SECOND_SUB_DEAD(a, b) (a - b)
#define SECOND_AND_DEAD(a, b) (a & b)
#define SECOND_OR_DEAD(a, b)  (a | b)
#define SECOND_XOR_DEAD(a, b) (a ^ b)
#define SECOND_SHL_DEAD(a, b) (a << (b & 31))
#define SECOND_SHR_DEAD(a, b) (a >> (b & 31))
#define SECOND_SAR_DEAD(a, b) ((uint32_t)((int32_t)a >> (b & 31)))
#define SECOND_ROL_DEAD(a, b) (a << (b & 31) | a >> (-b & 31))
#define SECOND_ROR_DEAD(a, b) (a >> (b & 31) | a << (-b & 31))
#define SECOND_NOT_DEAD(a, b) (~a)
#define SECOND_ADD_LIVE(a, b) alu_add(&cpu->lazy, 32, a, b)
#define SECOND_SUB_LIVE(a, b) alu_sub(&cpu->lazy, 32, a, b)
#define SECOND_AND_LIVE(a, b) alu_and(&cpu->lazy, 32, a, b)
#define SECOND_OR_LIVE(a, b)  alu_or(&cpu->lazy, 32, a, b)
#define SECOND_XOR_LIVE(a, b) alu_xor(&cpu->lazy, 32, a, b)
#define SECOND_SHL_LIVE(a, b) alu_shl(&cpu->lazy, 32, a, b)
#define SECOND_SHR_LIVE(a, b) alu_shr(&cpu->lazy, 32, a, b)
#define SECOND_SAR_LIVE(a, b) alu_sar(&cpu->lazy, 32, a, b)

/* X(first, operation, form, flags) for each second instruction. */
#define SECONDS(X, first)                                                                          \
    X(first, ADD, RR, DEAD)                                                                        \
    X(first, ADD, RI, DEAD)                                                                        \
    X(first, SUB, RR, DEAD)                                                                        \
    X(first, SUB, RI, DEAD)                                                                        \
    X(first, AND, RR, DEAD)                                                                        \
    X(first, AND, RI, DEAD)                                                                        \
    X(first, OR, RR, DEAD)                                                                         \
    X(first, XOR, RR, DEAD)                                                                        \
    X(first, XOR, RI, DEAD)                                                                        \
    X(first, SHL, RI, DEAD)                                                                        \
    X(first, SHR, RI, DEAD)                                                                        \
    X(first, SAR, RI, DEAD)                                                                        \
    X(first, ROL, RI, DEAD)                                                                        \
    X(first, ROR, RI, DEAD)                                                                        \
    X(first, NOT, RR, DEAD)                                                                        \
    X(first, ADD, RR, LIVE)                                                                        \
    X(first, ADD, RI, LIVE)                                                                        \
    X(first, SUB, RR, LIVE)                                                                        \
    X(first, SUB, RI, LIVE)                                                                        \
    X(first, AND, RR, LIVE)                                                                        \
    X(first, AND, RI, LIVE)                                                                        \
    X(first, OR, RR, LIVE)                                                                         \
    X(first, XOR, RR, LIVE)                                                                        \
    X(first, SHL, RI, LIVE)                                                                        \
    X(first, SHR, RI, LIVE)                                                                        \
    X(first, SAR, RI, LIVE)

/* The same for second instructions that take the register as their second operand. */
#define FED(X, first)                                                                              \
    X(first, MOV, DEAD)                                                                            \
    X(first, ADD, DEAD)                                                                            \
    X(first, SUB, DEAD)                                                                            \
    X(first, AND, DEAD)                                                                            \
    X(first, OR, DEAD)                                                                             \
    X(first, XOR, DEAD)                                                                            \
    X(first, ADD, LIVE)                                                                            \
    X(first, SUB, LIVE)                                                                            \
    X(first, AND, LIVE)                                                                            \
    X(first, OR, LIVE)                                                                             \
    X(first, XOR, LIVE)

/* X(first) for each first instruction: those on registers, and those that load. */
#define REGISTER_FIRSTS(X)                                                                         \
    X(MOV_RR)                                                                                      \
    X(ADD_RR)                                                                                      \
    X(ADD_RI)                                                                                      \
    X(SUB_RR)                                                                                      \
    X(AND_RR)                                                                                      \
    X(AND_RI)                                                                                      \
    X(OR_RR)                                                                                       \
    X(XOR_RR)                                                                                      \
    X(SHL_RI)                                                                                      \
    X(SHR_RI)                                                                                      \
    X(ROL_RI)                                                                                      \
    X(ROR_RI)                                                                                      \
    X(INC_RR)                                                                                      \
    X(LEA_RM)
#define LOAD_FIRSTS(X)                                                                             \
    X(LOAD_RM)                                                                                     \
    X(BYTE_RM)                                                                                     \
    X(IMUL_RM)

#define SECOND_OPERAND_RR cpu_reg32(cpu, i[1].reg)
#define SECOND_OPERAND_RI i[1].imm

#define FINISH(first, operation, form, flags)                                                      \
    uint32_t value = FIRST_##first, b = SECOND_OPERAND_##form;                                     \
    (void)b;                                                                                       \
    cpu_set_reg32(cpu, i[1].rm, SECOND_##operation##_##flags(value, b));                           \
    NEXT(cpu, i + 1);

#define FINISH_FED(first, operation, flags)                                                        \
    uint32_t b = FIRST_##first;                                                                    \
    cpu_set_reg32(cpu, i[1].reg, b);                                                               \
    a = cpu_reg32(cpu, i[1].rm);                                                                   \
    (void)a;                                                                                       \
    cpu_set_reg32(cpu, i[1].rm, SECOND_##operation##_##flags(a, b));                               \
    NEXT(cpu, i + 1);

#define DEFINE_REGISTER_PAIR(first, operation, form, flags)                                        \
    static const struct insn *pair_##first##_##operation##_##form##_##flags(                       \
        struct cpu *cpu, const struct insn *i) {                                                   \
        uint32_t a = cpu_reg32(cpu, i[1].rm);                                                      \
        (void)a;                                                                                   \
        FINISH(first, operation, form, flags)                                                      \
    }
#define DEFINE_REGISTER_FED(first, operation, flags)                                               \
    static const struct insn *fed_##first##_##operation##_##flags(struct cpu *cpu,                 \
                                                                  const struct insn *i) {          \
        uint32_t a = cpu_reg32(cpu, i[1].reg);                                                     \
        FINISH_FED(first, operation, flags)                                                        \
    }
#define DEFINE_REGISTER_PAIRS(first)                                                               \
    SECONDS(DEFINE_REGISTER_PAIR, first) FED(DEFINE_REGISTER_FED, first)
REGISTER_FIRSTS(DEFINE_REGISTER_PAIRS)

/* The regular handler does what the fast path cannot. */
#define DEFINE_LOAD_PAIR(first, bits, regular, operation, form, flags)                             \
    static const struct insn *pair_##first##_##operation##_##form##_##flags(                       \
        struct cpu *cpu, const struct insn *i) {                                                   \
        const uint8_t *host = segment_host_read(cpu, i->seg, insn_ea(cpu, i), bits / 8);           \
        if (UNLIKELY(host == NULL))                                                                \
            return regular(cpu, i);                                                                \
        FINISH(first, operation, form, flags)                                                      \
    }
#define DEFINE_LOAD_FED(first, bits, regular, operation, flags)                                    \
    static const struct insn *fed_##first##_##operation##_##flags(struct cpu *cpu,                 \
                                                                  const struct insn *i) {          \
        const uint8_t *host = segment_host_read(cpu, i->seg, insn_ea(cpu, i), bits / 8);           \
        if (UNLIKELY(host == NULL))                                                                \
            return regular(cpu, i);                                                                \
        uint32_t a;                                                                                \
        FINISH_FED(first, operation, flags)                                                        \
    }
#define DEFINE_WORD_PAIR(first, operation, form, flags)                                            \
    DEFINE_LOAD_PAIR(first, 32, exec_MOV_32_RM, operation, form, flags)
#define DEFINE_BYTE_PAIR(first, operation, form, flags)                                            \
    DEFINE_LOAD_PAIR(first, 8, exec_MOVZX8_32_RM, operation, form, flags)
#define DEFINE_PRODUCT_PAIR(first, operation, form, flags)                                         \
    DEFINE_LOAD_PAIR(first, 32, exec_IMUL2_32_RM, operation, form, flags)
#define DEFINE_WORD_FED(first, operation, flags)                                                   \
    DEFINE_LOAD_FED(first, 32, exec_MOV_32_RM, operation, flags)
#define DEFINE_BYTE_FED(first, operation, flags)                                                   \
    DEFINE_LOAD_FED(first, 8, exec_MOVZX8_32_RM, operation, flags)
#define DEFINE_PRODUCT_FED(first, operation, flags)                                                \
    DEFINE_LOAD_FED(first, 32, exec_IMUL2_32_RM, operation, flags)
SECONDS(DEFINE_WORD_PAIR, LOAD_RM)
SECONDS(DEFINE_BYTE_PAIR, BYTE_RM)
SECONDS(DEFINE_PRODUCT_PAIR, IMUL_RM)
FED(DEFINE_WORD_FED, LOAD_RM)
FED(DEFINE_BYTE_FED, BYTE_RM)
FED(DEFINE_PRODUCT_FED, IMUL_RM)

enum first_kind {
#define X(first) IS_##first,
    REGISTER_FIRSTS(X) LOAD_FIRSTS(X)
#undef X
        FIRST_NONE,
};

enum second_kind {
#define X(first, operation, form, flags) IS_##operation##_##form##_##flags,
    SECONDS(X, _)
#undef X
        SECOND_NONE,
};

enum fed_kind {
#define X(first, operation, flags) IS_FED_##operation##_##flags,
    FED(X, _)
#undef X
        FED_NONE,
};

static exec_fn *const fed_pairs[FIRST_NONE][FED_NONE] = {
#define CELL(first, operation, flags)                                                              \
    [IS_FED_##operation##_##flags] = fed_##first##_##operation##_##flags,
#define ROW(first) [IS_##first] = {FED(CELL, first)},
    REGISTER_FIRSTS(ROW) LOAD_FIRSTS(ROW)
#undef ROW
#undef CELL
};

static exec_fn *const pairs[FIRST_NONE][SECOND_NONE] = {
#define CELL(first, operation, form, flags)                                                        \
    [IS_##operation##_##form##_##flags] = pair_##first##_##operation##_##form##_##flags,
#define ROW(first) [IS_##first] = {SECONDS(CELL, first)},
    REGISTER_FIRSTS(ROW) LOAD_FIRSTS(ROW)
#undef ROW
#undef CELL
};

/* By operation; the tables hold one more than the kind, so that 0 stands for none. */
static unsigned first_of(const struct insn *insn, bool is_dead) {
    static const uint8_t with_register[OP_COUNT] = {
        [OP_ADD] = IS_ADD_RR + 1, [OP_SUB] = IS_SUB_RR + 1, [OP_AND] = IS_AND_RR + 1,
        [OP_OR] = IS_OR_RR + 1,   [OP_XOR] = IS_XOR_RR + 1, [OP_INC] = IS_INC_RR + 1,
    };
    static const uint8_t with_immediate[OP_COUNT] = {
        [OP_ADD] = IS_ADD_RI + 1, [OP_AND] = IS_AND_RI + 1, [OP_SHL] = IS_SHL_RI + 1,
        [OP_SHR] = IS_SHR_RI + 1, [OP_ROL] = IS_ROL_RI + 1, [OP_ROR] = IS_ROR_RI + 1,
    };
    if (insn->width != WIDTH_32)
        return FIRST_NONE;
    switch (insn->op) {
    case OP_MOV:
        return insn->form == FORM_RR ? IS_MOV_RR : insn->form == FORM_RM ? IS_LOAD_RM : FIRST_NONE;
    case OP_MOVZX8:
        return insn->form == FORM_RM ? IS_BYTE_RM : FIRST_NONE;
    case OP_IMUL2:
        return insn->form == FORM_RM && is_dead ? IS_IMUL_RM : FIRST_NONE;
    case OP_LEA:
        return IS_LEA_RM;
    default:
        break;
    }
    unsigned kind = !is_dead                ? 0
                    : insn->form == FORM_RR ? with_register[insn->op]
                    : insn->form == FORM_RI ? with_immediate[insn->op]
                                            : 0;
    return kind == 0 ? FIRST_NONE : kind - 1;
}

static unsigned second_of(const struct insn *insn, bool is_dead) {
    static const uint8_t kinds[OP_COUNT][2][2] = {
        /* [form is RI][flags are live] */
        [OP_ADD] = {{IS_ADD_RR_DEAD + 1, IS_ADD_RR_LIVE + 1},
                    {IS_ADD_RI_DEAD + 1, IS_ADD_RI_LIVE + 1}},
        [OP_SUB] = {{IS_SUB_RR_DEAD + 1, IS_SUB_RR_LIVE + 1},
                    {IS_SUB_RI_DEAD + 1, IS_SUB_RI_LIVE + 1}},
        [OP_AND] = {{IS_AND_RR_DEAD + 1, IS_AND_RR_LIVE + 1},
                    {IS_AND_RI_DEAD + 1, IS_AND_RI_LIVE + 1}},
        [OP_OR] = {{IS_OR_RR_DEAD + 1, IS_OR_RR_LIVE + 1}, {0, 0}},
        [OP_XOR] = {{IS_XOR_RR_DEAD + 1, IS_XOR_RR_LIVE + 1}, {IS_XOR_RI_DEAD + 1, 0}},
        [OP_SHL] = {{0, 0}, {IS_SHL_RI_DEAD + 1, IS_SHL_RI_LIVE + 1}},
        [OP_SHR] = {{0, 0}, {IS_SHR_RI_DEAD + 1, IS_SHR_RI_LIVE + 1}},
        [OP_SAR] = {{0, 0}, {IS_SAR_RI_DEAD + 1, IS_SAR_RI_LIVE + 1}},
        [OP_ROL] = {{0, 0}, {IS_ROL_RI_DEAD + 1, 0}},
        [OP_ROR] = {{0, 0}, {IS_ROR_RI_DEAD + 1, 0}},
        [OP_NOT] = {{IS_NOT_RR_DEAD + 1, IS_NOT_RR_DEAD + 1}, {0, 0}},
    };
    if (insn->width != WIDTH_32 || (insn->form != FORM_RR && insn->form != FORM_RI))
        return SECOND_NONE;
    unsigned kind = kinds[insn->op][insn->form == FORM_RI][!is_dead];
    return kind == 0 ? SECOND_NONE : kind - 1;
}

static unsigned fed_of(const struct insn *insn, bool is_dead) {
    if (insn->width != WIDTH_32 || insn->form != FORM_RR)
        return FED_NONE;
    switch (insn->op) {
    case OP_MOV:
        return IS_FED_MOV_DEAD;
    case OP_ADD:
        return is_dead ? IS_FED_ADD_DEAD : IS_FED_ADD_LIVE;
    case OP_SUB:
        return is_dead ? IS_FED_SUB_DEAD : IS_FED_SUB_LIVE;
    case OP_AND:
        return is_dead ? IS_FED_AND_DEAD : IS_FED_AND_LIVE;
    case OP_OR:
        return is_dead ? IS_FED_OR_DEAD : IS_FED_OR_LIVE;
    case OP_XOR:
        return is_dead ? IS_FED_XOR_DEAD : IS_FED_XOR_LIVE;
    default:
        return FED_NONE;
    }
}

exec_fn *quick_pair(const struct insn *first, bool first_is_dead, bool second_is_dead) {
    const struct insn *second = first + 1;
    unsigned a = first_of(first, first_is_dead), b = second_of(second, second_is_dead);
    unsigned fed = fed_of(second, second_is_dead);
    if (a == FIRST_NONE)
        return NULL;
    bool is_in_reg = first->form == FORM_RM || first->op == OP_LEA;
    unsigned between = is_in_reg ? first->reg : first->rm;
    bool takes_register = second->form == FORM_RR && second->op != OP_NOT;
    bool is_fed = takes_register && second->reg == between;
    if (b != SECOND_NONE && second->rm == between && !is_fed)
        return pairs[a][b];
    return fed != FED_NONE && is_fed && second->rm != between ? fed_pairs[a][fed] : NULL;
}
