/*
 * Which insns of a block get quick handlers (see quick.h), and the handlers.
 */
#include "interp/exec/quick.h"
#include "interp/exec/alu.h"
#include "interp/exec/chain.h"
#include "interp/exec/condition.h"
#include "interp/exec/operand.h"
#include "interp/exec/quick_pair.h"
#include "interp/exec/stack.h"

#define QUICK(name) static const struct insn *quick_##name(struct cpu *cpu, const struct insn *i)

/* Register operations whose flags nobody sees. */
#define DEFINE_DEAD(name, source, expression)                                                      \
    QUICK(name) {                                                                                  \
        uint32_t a = cpu_reg32(cpu, i->rm), b = source(32);                                        \
        (void)b;                                                                                   \
        cpu_set_reg32(cpu, i->rm, expression);                                                     \
        NEXT(cpu, i);                                                                              \
    }
#define DEFINE_DEAD_BINARY(name, expression)                                                       \
    DEFINE_DEAD(name##_RR, SOURCE_REG, expression)                                                 \
    DEFINE_DEAD(name##_RI, SOURCE_IMM, expression)
DEFINE_DEAD_BINARY(ADD, a + b)
DEFINE_DEAD_BINARY(SUB, a - b)
DEFINE_DEAD_BINARY(AND, a &b)
DEFINE_DEAD_BINARY(OR, a | b)
DEFINE_DEAD_BINARY(XOR, a ^ b)
DEFINE_DEAD(INC, SOURCE_NONE, a + 1)
DEFINE_DEAD(DEC, SOURCE_NONE, a - 1)
DEFINE_DEAD(NEG, SOURCE_NONE, 0 - a)
DEFINE_DEAD(SHL, SOURCE_IMM, a << (b & 31))
DEFINE_DEAD(SHR, SOURCE_IMM, a >> (b & 31))
DEFINE_DEAD(SAR, SOURCE_IMM, (uint32_t)((int32_t)a >> (b & 31)))
DEFINE_DEAD(ROL, SOURCE_IMM, a << (b & 31) | a >> (-b & 31))
DEFINE_DEAD(ROR, SOURCE_IMM, a >> (b & 31) | a << (-b & 31))

/** Offset of an operand [base + disp], with 32-bit addressing. */
static inline uint32_t base_ea(const struct cpu *cpu, const struct insn *i) {
    return (uint32_t)cpu->gpr[i->base] + i->disp;
}

/* The regular handler does what the fast path cannot. */
#define DEFINE_BASE_LOAD(name, bits, statement)                                                    \
    QUICK(name) {                                                                                  \
        const uint8_t *host = segment_host_read(cpu, i->seg, base_ea(cpu, i), bits / 8);           \
        if (UNLIKELY(host == NULL))                                                                \
            return exec_##name(cpu, i);                                                            \
        uint32_t value = host_load##bits(host);                                                    \
        statement;                                                                                 \
        NEXT(cpu, i);                                                                              \
    }
#define DEFINE_BASE_STORE(name, bits, expression)                                                  \
    QUICK(name) {                                                                                  \
        uint8_t *host = segment_host_write(cpu, i->seg, base_ea(cpu, i), bits / 8);                \
        if (UNLIKELY(host == NULL))                                                                \
            return exec_##name(cpu, i);                                                            \
        host_store##bits(host, expression);                                                        \
        NEXT(cpu, i);                                                                              \
    }
DEFINE_BASE_LOAD(MOV_32_RM, 32, cpu_set_reg32(cpu, i->reg, value))
DEFINE_BASE_STORE(MOV_32_MR, 32, cpu_reg32(cpu, i->reg))
DEFINE_BASE_STORE(MOV_32_MI, 32, i->imm)
DEFINE_BASE_LOAD(MOVZX8_32_RM, 8, cpu_set_reg32(cpu, i->reg, value))
DEFINE_BASE_LOAD(ADD_32_RM, 32, {
    unsigned to = i->reg;
    cpu_set_reg32(cpu, to, alu_add(&cpu->lazy, 32, cpu_reg32(cpu, to), value));
})
DEFINE_BASE_LOAD(CMP_32_RM, 32, alu_sub(&cpu->lazy, 32, cpu_reg32(cpu, i->reg), value))

EXEC_COLD const struct insn *raise_beyond_limit(struct cpu *cpu, const struct insn *branch) {
    cpu->insn = branch;
    cpu_raise_error(cpu, VECTOR_GP, 0);
}

/** End the block with its branch, whose condition is decided; the sentinel is behind it. */
ALU_INLINE const struct insn *end_block(struct cpu *cpu, const struct insn *branch, bool is_taken) {
    if (is_taken) {
        uint32_t target = (uint32_t)cpu->eip + branch->imm;
        if (UNLIKELY(target > cpu->seg[SEG_CS].limit))
            return raise_beyond_limit(cpu, branch);
        cpu->eip = target;
    }
    cpu->icount += branch[1].index;
    return chain_next(cpu, branch + 1);
}

/* Conditions after CMP of two operands, and after TEST or another operation that clears CF and OF
   with a result; all sign-extended to 32 bits, which keeps the unsigned order, too. */
#define CMP_O(a, b)   condition_O(&cpu->lazy)
#define CMP_NO(a, b)  condition_NO(&cpu->lazy)
#define CMP_B(a, b)   ((a) < (b))
#define CMP_NB(a, b)  ((a) >= (b))
#define CMP_Z(a, b)   ((a) == (b))
#define CMP_NZ(a, b)  ((a) != (b))
#define CMP_BE(a, b)  ((a) <= (b))
#define CMP_NBE(a, b) ((a) > (b))
#define CMP_S(a, b)   condition_S(&cpu->lazy) /* 8 bits may wrap */
#define CMP_NS(a, b)  condition_NS(&cpu->lazy)
#define CMP_P(a, b)   condition_P(&cpu->lazy)
#define CMP_NP(a, b)  condition_NP(&cpu->lazy)
#define CMP_L(a, b)   ((int32_t)(a) < (int32_t)(b))
#define CMP_NL(a, b)  ((int32_t)(a) >= (int32_t)(b))
#define CMP_LE(a, b)  ((int32_t)(a) <= (int32_t)(b))
#define CMP_NLE(a, b) ((int32_t)(a) > (int32_t)(b))
#define TEST_O(r)     false
#define TEST_NO(r)    true
#define TEST_B(r)     false
#define TEST_NB(r)    true
#define TEST_Z(r)     ((r) == 0)
#define TEST_NZ(r)    ((r) != 0)
#define TEST_BE(r)    ((r) == 0)
#define TEST_NBE(r)   ((r) != 0)
#define TEST_S(r)     ((int32_t)(r) < 0)
#define TEST_NS(r)    ((int32_t)(r) >= 0)
#define TEST_P(r)     condition_P(&cpu->lazy)
#define TEST_NP(r)    condition_NP(&cpu->lazy)
#define TEST_L(r)     ((int32_t)(r) < 0)
#define TEST_NL(r)    ((int32_t)(r) >= 0)
#define TEST_LE(r)    ((int32_t)(r) <= 0)
#define TEST_NLE(r)   ((int32_t)(r) > 0)

#define DEFINE_CMP_BRANCH(bits, form, first, second, condition)                                    \
    QUICK(CMP_##bits##_##form##_J##condition) {                                                    \
        uint32_t a = first, b = second;                                                            \
        alu_sub(&cpu->lazy, bits, a, b);                                                           \
        a = alu_sign_extend(bits, a);                                                              \
        b = alu_sign_extend(bits, b);                                                              \
        return end_block(cpu, i + 1, CMP_##condition(a, b));                                       \
    }
#define DEFINE_TEST_BRANCH(bits, form, second, condition)                                          \
    QUICK(TEST_##bits##_##form##_J##condition) {                                                   \
        uint32_t result = cpu_reg##bits(cpu, i->rm) & (second);                                    \
        alu_set_flags(&cpu->lazy, bits, result, 0);                                                \
        result = alu_sign_extend(bits, result);                                                    \
        return end_block(cpu, i + 1, TEST_##condition(result));                                    \
    }
/* Comparison with memory [base + disp + index]. */
#define DEFINE_CMP_MEMORY_BRANCH(bits, form, first, second, condition)                             \
    QUICK(CMP_##bits##_##form##_J##condition) {                                                    \
        const uint8_t *host = segment_host_read(cpu, i->seg, insn_ea(cpu, i), bits / 8);           \
        if (UNLIKELY(host == NULL))                                                                \
            return exec_CMP_##bits##_##form(cpu, i);                                               \
        uint32_t value = host_load##bits(host);                                                    \
        uint32_t a = first, b = second;                                                            \
        alu_sub(&cpu->lazy, bits, a, b);                                                           \
        a = alu_sign_extend(bits, a);                                                              \
        b = alu_sign_extend(bits, b);                                                              \
        return end_block(cpu, i + 1, CMP_##condition(a, b));                                       \
    }
#define DEFINE_BRANCHES(condition)                                                                 \
    QUICK(J##condition) {                                                                          \
        return end_block(cpu, i, condition_##condition(&cpu->lazy));                               \
    }                                                                                              \
    DEFINE_CMP_BRANCH(32, RR, cpu_reg32(cpu, i->rm), cpu_reg32(cpu, i->reg), condition)            \
    DEFINE_CMP_BRANCH(32, RI, cpu_reg32(cpu, i->rm), i->imm, condition)                            \
    DEFINE_CMP_BRANCH(8, RI, cpu_reg8(cpu, i->rm), (uint8_t)i->imm, condition)                     \
    DEFINE_CMP_MEMORY_BRANCH(32, RM, cpu_reg32(cpu, i->reg), value, condition)                     \
    DEFINE_CMP_MEMORY_BRANCH(32, MR, value, cpu_reg32(cpu, i->reg), condition)                     \
    DEFINE_CMP_MEMORY_BRANCH(32, MI, value, i->imm, condition)                                     \
    DEFINE_CMP_MEMORY_BRANCH(8, MI, value, (uint8_t)i->imm, condition)                             \
    DEFINE_TEST_BRANCH(32, RR, cpu_reg32(cpu, i->reg), condition)                                  \
    DEFINE_TEST_BRANCH(32, RI, i->imm, condition)                                                  \
    DEFINE_TEST_BRANCH(8, RR, cpu_reg8(cpu, i->reg), condition)                                    \
    DEFINE_TEST_BRANCH(8, RI, (uint8_t)i->imm, condition)
CONDITIONS(DEFINE_BRANCHES)

/* A loop's end: DEC or INC, and a branch on zero. */
#define DEFINE_COUNT_BRANCH(name, function, condition)                                             \
    QUICK(name##_J##condition) {                                                                   \
        unsigned to = i->rm;                                                                       \
        uint32_t result = function(&cpu->lazy, 32, cpu_reg32(cpu, to), 0);                         \
        cpu_set_reg32(cpu, to, result);                                                            \
        return end_block(cpu, i + 1, TEST_##condition(result));                                    \
    }
DEFINE_COUNT_BRANCH(INC, alu_inc, Z)
DEFINE_COUNT_BRANCH(INC, alu_inc, NZ)
DEFINE_COUNT_BRANCH(DEC, alu_dec, Z)
DEFINE_COUNT_BRANCH(DEC, alu_dec, NZ)

QUICK(JMP) {
    return end_block(cpu, i, true);
}

QUICK(CALL_32) {
    struct stack_slot slot = stack_slot_push(cpu, 4);
    if (UNLIKELY(slot.host == NULL))
        return exec_CALL_32(cpu, i);
    uint32_t target = (uint32_t)cpu->eip + i->imm;
    if (UNLIKELY(target > cpu->seg[SEG_CS].limit))
        return raise_beyond_limit(cpu, i);
    host_store32(slot.host, (uint32_t)cpu->eip);
    cpu->gpr[GPR_ESP] = slot.new_esp;
    cpu->eip = target;
    cpu->icount += i[1].index;
    return chain_next(cpu, i + 1);
}

QUICK(RET_32) {
    const uint8_t *host = stack_host_top(cpu, 4);
    if (UNLIKELY(host == NULL))
        return exec_RET_32(cpu, i);
    uint32_t target = host_load32(host);
    if (UNLIKELY(target > cpu->seg[SEG_CS].limit))
        return raise_beyond_limit(cpu, i);
    cpu->eip = target;
    stack_drop(cpu, 4);
    cpu->icount += i[1].index;
    return chain_next(cpu, i + 1);
}

#define BRANCH_FORM(op, bits, form) [op][WIDTH_##bits][FORM_##form]

/* By condition, then by operation, width and form of the comparison. */
enum { FUSED_CMP, FUSED_TEST, FUSED_COUNT };
#define BRANCH_ROW(condition)                                                                      \
    [OP_J##condition - OP_JO] = {                                                                  \
        BRANCH_FORM(FUSED_CMP, 32, RR) = quick_CMP_32_RR_J##condition,                             \
        BRANCH_FORM(FUSED_CMP, 32, RI) = quick_CMP_32_RI_J##condition,                             \
        BRANCH_FORM(FUSED_CMP, 32, RM) = quick_CMP_32_RM_J##condition,                             \
        BRANCH_FORM(FUSED_CMP, 32, MR) = quick_CMP_32_MR_J##condition,                             \
        BRANCH_FORM(FUSED_CMP, 32, MI) = quick_CMP_32_MI_J##condition,                             \
        BRANCH_FORM(FUSED_CMP, 8, RI) = quick_CMP_8_RI_J##condition,                               \
        BRANCH_FORM(FUSED_CMP, 8, MI) = quick_CMP_8_MI_J##condition,                               \
        BRANCH_FORM(FUSED_TEST, 32, RR) = quick_TEST_32_RR_J##condition,                           \
        BRANCH_FORM(FUSED_TEST, 32, RI) = quick_TEST_32_RI_J##condition,                           \
        BRANCH_FORM(FUSED_TEST, 8, RR) = quick_TEST_8_RR_J##condition,                             \
        BRANCH_FORM(FUSED_TEST, 8, RI) = quick_TEST_8_RI_J##condition,                             \
    },
static exec_fn *const fused[16][FUSED_COUNT][WIDTH_COUNT][FORM_COUNT] = {CONDITIONS(BRANCH_ROW)};

#define CONDITION_ROW(condition) [OP_J##condition - OP_JO] = quick_J##condition,
static exec_fn *const conditional[16] = {CONDITIONS(CONDITION_ROW)};

static bool is_condition(unsigned op) {
    return op >= OP_JO && op < OP_JO + 16;
}

static bool branches_in_32_bits(const struct insn *insn) {
    return (insn->flags & INSN_OPSIZE_32) != 0;
}

/** The handler of the block's last insn that leads on by itself, or NULL. */
static exec_fn *quick_branch(const struct insn *last) {
    if (!branches_in_32_bits(last))
        return NULL;
    if (is_condition(last->op))
        return conditional[last->op - OP_JO];
    if (last->op == OP_JMP)
        return quick_JMP;
    if (last->op == OP_RET)
        return quick_RET_32;
    return last->op == OP_CALL ? quick_CALL_32 : NULL;
}

/** The handler of the insn before the block's conditional branch that does both, or NULL. */
static exec_fn *quick_compare_and_branch(const struct insn *insn) {
    const struct insn *branch = insn + 1;
    if (!is_condition(branch->op) || !branches_in_32_bits(branch))
        return NULL;
    unsigned condition = branch->op - OP_JO;
    if (insn->op == OP_CMP)
        return fused[condition][FUSED_CMP][insn->width][insn->form];
    if (insn->op == OP_TEST)
        return fused[condition][FUSED_TEST][insn->width][insn->form];
    bool is_z = branch->op == OP_JZ;
    if (insn->width != WIDTH_32 || insn->form != FORM_RR || (!is_z && branch->op != OP_JNZ))
        return NULL;
    if (insn->op == OP_INC)
        return is_z ? quick_INC_JZ : quick_INC_JNZ;
    return insn->op != OP_DEC ? NULL : is_z ? quick_DEC_JZ : quick_DEC_JNZ;
}

/** A handler for [base + disp] operands, or NULL. */
static exec_fn *quick_memory(const struct insn *insn) {
    if (!(insn->flags & INSN_MEM) || insn->index_reg != GPR_ZERO || insn->ea_mask != UINT32_MAX ||
        insn->width != WIDTH_32)
        return NULL;
    switch (insn->op) {
    case OP_MOV:
        return insn->form == FORM_RM   ? quick_MOV_32_RM
               : insn->form == FORM_MR ? quick_MOV_32_MR
               : insn->form == FORM_MI ? quick_MOV_32_MI
                                       : NULL;
    case OP_MOVZX8:
        return quick_MOVZX8_32_RM;
    case OP_ADD:
        return insn->form == FORM_RM ? quick_ADD_32_RM : NULL;
    case OP_CMP:
        return insn->form == FORM_RM ? quick_CMP_32_RM : NULL;
    default:
        return NULL;
    }
}

/** A handler that computes no flags, of a 32-bit operation on registers, or NULL. */
static exec_fn *quick_dead(const struct insn *insn) {
    bool is_immediate = insn->form == FORM_RI;
    if (insn->width != WIDTH_32)
        return NULL;
    switch (insn->op) {
    case OP_ADD:
        return is_immediate ? quick_ADD_RI : quick_ADD_RR;
    case OP_SUB:
        return is_immediate ? quick_SUB_RI : quick_SUB_RR;
    case OP_AND:
        return is_immediate ? quick_AND_RI : quick_AND_RR;
    case OP_OR:
        return is_immediate ? quick_OR_RI : quick_OR_RR;
    case OP_XOR:
        return is_immediate ? quick_XOR_RI : quick_XOR_RR;
    case OP_INC:
        return quick_INC;
    case OP_DEC:
        return quick_DEC;
    case OP_NEG:
        return quick_NEG;
    case OP_SHL:
        return is_immediate ? quick_SHL : NULL;
    case OP_SHR:
        return is_immediate ? quick_SHR : NULL;
    case OP_SAR:
        return is_immediate ? quick_SAR : NULL;
    case OP_ROL:
        return is_immediate ? quick_ROL : NULL;
    case OP_ROR:
        return is_immediate ? quick_ROR : NULL;
    default:
        return NULL;
    }
}

/** True for operations that can neither fault nor show flags to anybody but by `reads`. */
static bool is_pure(const struct insn *insn) {
    if (insn->flags & (INSN_MEM | INSN_LOCK))
        return insn->op == OP_LEA;
    switch (op_info((enum op)insn->op)->shape) {
    case SHAPE_BINARY:
    case SHAPE_SHIFT:
    case SHAPE_LOADS:
    case SHAPE_SETCC:
        return true;
    case SHAPE_UNARY:
        return insn->op != OP_DIV && insn->op != OP_IDIV;
    default:
        return insn->op == OP_LEA || insn->op == OP_BSWAP || insn->op == OP_CWD ||
               insn->op == OP_CBW;
    }
}

/** Flags that are wanted before an insn, given those wanted behind it. */
static unsigned live_before(const struct insn *insn, unsigned live) {
    if (!is_pure(insn))
        return FLAGS_ARITHMETIC;
    const struct op_info *info = op_info((enum op)insn->op);
    bool is_sure = info->shape != SHAPE_SHIFT || (insn->form == FORM_RI && (insn->imm & 31) != 0);
    /* What a product leaves undefined stays as it was; logic and shifts do set AF. */
    bool is_product = info->shape == SHAPE_UNARY || info->shape == SHAPE_LOADS;
    unsigned written = info->writes & ~(is_product ? (unsigned)info->undefined : 0u);
    return (is_sure ? live & ~written : live) | info->reads;
}

static exec_fn *quick_handler(const struct insn *insn, unsigned live) {
    const struct op_info *info = op_info((enum op)insn->op);
    if (is_pure(insn))
        return info->writes != 0 && (info->writes & live) == 0 ? quick_dead(insn) : NULL;
    return quick_memory(insn);
}

static void set_quick(struct insn *insn, exec_fn *handler) {
    if (handler == NULL)
        return;
    insn->exec = handler;
    insn->is_quick = true;
}

void quick_apply(struct insn *insns, unsigned count) {
    unsigned live = FLAGS_ARITHMETIC;
    uint64_t dead = 0; /* a bit per insn whose flags nobody sees */
    _Static_assert(BLOCK_MAX_INSNS <= 64, "the bits of `dead`");
    for (unsigned n = count; n-- > 0;) {
        dead |= (uint64_t)((op_info((enum op)insns[n].op)->writes & live) == 0) << n;
        set_quick(&insns[n], quick_handler(&insns[n], live));
        live = live_before(&insns[n], live);
    }
    for (unsigned n = 0; n + 1 < count; n++) {
        exec_fn *pair = quick_pair(&insns[n], dead >> n & 1, dead >> (n + 1) & 1);
        set_quick(&insns[n], pair);
        n += pair != NULL;
    }
    if (insns[count].exec != exec_next_block)
        return;
    set_quick(&insns[count - 1], quick_branch(&insns[count - 1]));
    if (count >= 2)
        set_quick(&insns[count - 2], quick_compare_and_branch(&insns[count - 2]));
}

void quick_remove(struct insn *insns, unsigned count) {
    for (unsigned n = 0; n < count; n++) {
        struct insn *insn = &insns[n];
        if (insn->is_quick)
            insn->exec = op_handler((enum op)insn->op, (enum insn_width)insn->width,
                                    (enum insn_form)insn->form);
        insn->is_quick = false;
    }
}
