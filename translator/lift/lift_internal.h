/*
 * What the lifters share: the block under construction and helpers that append operations.
 * A lifter turns one decoded instruction into IR, or returns false to have its handler called.
 */
#ifndef TRANSLATOR_LIFT_LIFT_INTERNAL_H
#define TRANSLATOR_LIFT_LIFT_INTERNAL_H

#include "interp/decode/op.h"
#include "translator/ir/ir.h"
#include "translator/lift/lift.h"

struct lift {
    struct ir_block *block;
    const struct insn *insn; /* being lifted */
    uint16_t guest;          /* its number */
    bool is_ended;           /* an END operation was appended */
};

/** An empty block that begins at the source's IP. */
void lift_begin(struct lift *lift, const struct lift_source *source, const struct block_mode *mode,
                struct ir_block *block);
/** Decode and lift the instruction at `ip`, in the source's page; false when the block must end
 *  before it. */
bool lift_next(struct lift *lift, const struct lift_source *source, uint32_t ip,
               unsigned most_guest);
/** Let the block lead to `ip`, unless its last instruction ended it. */
enum lift_status lift_end(struct lift *lift, uint32_t ip);

typedef bool lift_fn(struct lift *lift);

/** The lifter of an operation, or NULL when its handler is called. */
lift_fn *lift_function(enum op op);

static inline struct ir_value ir_none(void) {
    return (struct ir_value){.kind = IR_NOTHING};
}
static inline struct ir_value ir_register(unsigned number) {
    return (struct ir_value){.kind = IR_REGISTER, .number = (uint8_t)number};
}
static inline struct ir_value ir_constant(uint32_t value) {
    return (struct ir_value){.kind = IR_CONSTANT, .constant = value};
}

/** A temporary that nothing uses yet. The block's size limits keep the count in range. */
struct ir_value lift_temp(struct lift *lift);
/** Append an operation with everything else zero; the caller fills in what its shape needs. */
struct ir_insn *lift_emit(struct lift *lift, enum ir_op op, enum ir_type type);
/** dst = op(a, b), all six flags produced where the operation sets flags. */
void lift_binary(struct lift *lift, enum ir_op op, enum ir_type type, struct ir_value dst,
                 struct ir_value a, struct ir_value b);
/** dst = op(a). */
void lift_unary(struct lift *lift, enum ir_op op, enum ir_type type, struct ir_value dst,
                struct ir_value a);
void lift_move(struct lift *lift, enum ir_type type, struct ir_value dst, struct ir_value a);

static inline enum ir_type lift_type(const struct lift *lift) {
    return (enum ir_type)lift->insn->width;
}
static inline bool lift_is_memory(const struct lift *lift) {
    return (lift->insn->flags & INSN_MEM) != 0;
}

/** The instruction's memory operand. */
struct ir_memory lift_memory(const struct lift *lift);
/** [ESP + displacement] or [SP + displacement] in the stack segment. */
struct ir_memory lift_stack_memory(const struct lift *lift, uint32_t displacement);
struct ir_value lift_load(struct lift *lift, enum ir_op load, enum ir_type type,
                          const struct ir_memory *memory);
void lift_store(struct lift *lift, enum ir_type type, const struct ir_memory *memory,
                struct ir_value value);
/** ESP (or SP, by the stack's size) += delta, no flags. */
void lift_adjust_stack(struct lift *lift, uint32_t delta);

/** IP of the lifted instruction's successor. Only jumps wrap at 64 KiB, by their operand size. */
uint32_t lift_next_ip(const struct lift *lift);

/* One lifter for each operation of these families. */
#define LIFTERS_ARITHMETIC(X)                                                                      \
    X(ADD)                                                                                         \
    X(ADC)                                                                                         \
    X(SUB)                                                                                         \
    X(SBB)                                                                                         \
    X(AND)                                                                                         \
    X(OR)                                                                                          \
    X(XOR)                                                                                         \
    X(CMP) X(TEST) X(INC) X(DEC) X(NEG) X(NOT) X(MUL) X(IMUL1) X(IMUL2) X(IMUL3) X(DIV) X(IDIV)
#define LIFTERS_SHIFT(X)                                                                           \
    X(ROL)                                                                                         \
    X(ROR)                                                                                         \
    X(RCL)                                                                                         \
    X(RCR) X(SHL) X(SHR) X(SAR) X(SHLD) X(SHRD) X(BT) X(BTS) X(BTR) X(BTC) X(BSF) X(BSR) X(BSWAP)
#define LIFTERS_MOVE(X)                                                                            \
    X(MOV)                                                                                         \
    X(LEA)                                                                                         \
    X(XCHG)                                                                                        \
    X(MOVZX8)                                                                                      \
    X(MOVZX16) X(MOVSX8) X(MOVSX16) X(CBW) X(CWD) X(NOP) X(LAHF) X(SAHF) X(CLC) X(STC) X(CMC)
#define LIFTERS_STACK(X)  X(PUSH) X(POP) X(PUSHR) X(POPR) X(PUSHI) X(LEAVE)
#define LIFTERS_STRING(X) X(MOVS) X(STOS) X(LODS) X(CMPS) X(SCAS) X(CLD) X(STD)
#define LIFTERS_BRANCH(X) X(JMP) X(CALL) X(JMPI) X(CALLI) X(RET) X(RETI) X(LOOP) X(JCXZ)
#define LIFTERS_CONDITION(X)                                                                       \
    X(O) X(NO) X(B) X(NB) X(Z) X(NZ) X(BE) X(NBE) X(S) X(NS) X(P) X(NP) X(L) X(NL) X(LE) X(NLE)

#define X(name) bool lift_##name(struct lift *lift);
LIFTERS_ARITHMETIC(X)
LIFTERS_SHIFT(X)
LIFTERS_MOVE(X)
LIFTERS_STACK(X)
LIFTERS_STRING(X)
LIFTERS_BRANCH(X)
#undef X
#define X(name)                                                                                    \
    bool lift_J##name(struct lift *lift);                                                          \
    bool lift_SET##name(struct lift *lift);                                                        \
    bool lift_CMOV##name(struct lift *lift);
LIFTERS_CONDITION(X)
#undef X

/** Arithmetic flags that condition code 0..15 reads. */
uint16_t condition_flags(unsigned condition);

#endif
