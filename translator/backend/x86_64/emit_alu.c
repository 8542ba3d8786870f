/* Arithmetic and logic: two operands, one operand, multiplication and division. */
#include "translator/backend/x86_64/emit.h"

/** Number of the operation in the group of opcodes 00 to 3F, or -1. */
static int alu_number(unsigned op) {
    switch (op) {
    case IR_ADD:
        return 0;
    case IR_OR:
        return 1;
    case IR_ADC:
        return 2;
    case IR_SBB:
        return 3;
    case IR_AND:
        return 4;
    case IR_SUB:
        return 5;
    case IR_XOR:
        return 6;
    case IR_CMP:
        return 7;
    default:
        return -1;
    }
}

static void set_immediate(struct x64_insn *insn, enum ir_type type, uint32_t value) {
    insn->imm = value;
    insn->imm_bytes = (uint8_t)(1u << type);
}

/** `op r/m, constant`, with the short form where the constant allows it. */
static struct x64_insn alu_constant(int number, enum ir_type type, uint32_t value) {
    struct x64_insn insn = emit_group(0x80, type, (uint8_t)number);
    set_immediate(&insn, type, value);
    int32_t extended = type == IR_I16 ? (int16_t)value : (int32_t)value;
    if (type != IR_I8 && extended >= -128 && extended <= 127) {
        insn.opcode = 0x83;
        insn.imm_bytes = 1;
    }
    return insn;
}

static struct x64_insn test_constant(enum ir_type type, uint32_t value) {
    struct x64_insn insn = emit_group(0xf6, type, 0);
    set_immediate(&insn, type, value);
    return insn;
}

/** INC, DEC, NEG, NOT as group opcodes; false for others. */
static bool in_place_insn(const struct ir_insn *insn, struct x64_insn *result) {
    enum ir_type type = (enum ir_type)insn->type;
    switch (insn->op) {
    case IR_INC:
        *result = emit_group(0xfe, type, 0);
        return true;
    case IR_DEC:
        *result = emit_group(0xfe, type, 1);
        return true;
    case IR_NOT:
        *result = emit_group(0xf6, type, 2);
        return true;
    case IR_NEG:
        *result = emit_group(0xf6, type, 3);
        return true;
    default:
        return false;
    }
}

bool emit_alu_insn(struct emitter *e, const struct ir_insn *insn, struct x64_insn *result) {
    if (in_place_insn(insn, result))
        return true;
    int number = alu_number(insn->op);
    if (number < 0 || insn->op == IR_CMP)
        return false;
    enum ir_type type = (enum ir_type)insn->type;
    *result = insn->b.kind == IR_CONSTANT ? alu_constant(number, type, insn->b.constant)
                                          : emit_sized((uint32_t)number * 8, type,
                                                       emit_guest_register(insn->b.number, type));
    return true;
}

/** reg = reg op source, or flags of it. */
static void two_operand(struct emitter *e, int number, enum ir_type type, uint8_t reg,
                        struct operand source) {
    if (source.kind == OPERAND_CONSTANT) {
        struct x64_insn insn = alu_constant(number, type, source.constant);
        x64_with_reg(&e->as, &insn, reg);
    } else {
        emit_with_source(e, emit_sized((uint32_t)number * 8 + 2, type, reg), source);
    }
}

void emit_alu(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type), b = emit_source(e, &insn->b, type);
    uint8_t dst = emit_destination(e, insn);
    bool is_in_place = a.kind == OPERAND_REG && a.reg == dst;
    bool overlaps = !is_in_place && b.kind == OPERAND_REG && b.reg == dst;
    if (b.kind == OPERAND_MEMORY && !is_in_place)
        e->is_unsupported = true;
    uint8_t work = overlaps ? X64_R11 : dst;
    if (a.kind == OPERAND_CONSTANT)
        emit_move_constant(e, type, work, a.constant);
    else
        emit_move(e, type, work, a.reg);
    two_operand(e, alu_number(insn->op), type, work, b);
    emit_move(e, type, dst, work);
}

/** The first operand is in memory: the form `op r/m, reg` or `op r/m, constant`. */
static void compare_memory(struct emitter *e, const struct ir_insn *insn, struct operand memory,
                           struct operand b) {
    enum ir_type type = (enum ir_type)insn->type;
    bool is_test = insn->op == IR_TEST;
    if (b.kind == OPERAND_CONSTANT)
        emit_with_source(
            e, is_test ? test_constant(type, b.constant) : alu_constant(7, type, b.constant),
            memory);
    else
        emit_with_source(e, emit_sized(is_test ? 0x84 : 0x38, type, b.reg), memory);
}

void emit_compare(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    bool is_test = insn->op == IR_TEST;
    struct operand a = emit_source(e, &insn->a, type), b = emit_source(e, &insn->b, type);
    if (a.kind == OPERAND_MEMORY) {
        compare_memory(e, insn, a, b);
        return;
    }
    if (a.kind == OPERAND_CONSTANT) {
        x64_mov_imm32(&e->as, X64_R10, a.constant);
        a = (struct operand){.kind = OPERAND_REG, .reg = X64_R10};
        if (b.kind == OPERAND_MEMORY)
            e->is_unsupported = true;
    }
    if (!is_test) {
        two_operand(e, 7, type, a.reg, b);
    } else if (b.kind == OPERAND_CONSTANT) {
        struct x64_insn test = test_constant(type, b.constant);
        x64_with_reg(&e->as, &test, a.reg);
    } else {
        emit_with_source(e, emit_sized(0x84, type, a.reg), b);
    }
}

void emit_in_place(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    uint8_t a = emit_source_reg(e, &insn->a, type), dst = emit_destination(e, insn);
    struct x64_insn host;
    emit_move(e, type, dst, a);
    if (in_place_insn(insn, &host))
        x64_with_reg(&e->as, &host, dst);
}

/** The accumulator operations name the same registers in host and guest. */
void emit_multiply(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type);
    if (a.kind == OPERAND_CONSTANT) {
        a.reg = emit_source_reg(e, &insn->a, type);
        a.kind = OPERAND_REG;
    }
    emit_with_source(e, emit_group(0xf6, type, insn->op == IR_MUL ? 4 : 5), a);
}

/** Flags to R11, in a form that `restore_flags` takes; R10 is lost. */
static void save_flags(struct emitter *e) {
    x64_reg_reg(&e->as, 0x8b, X64_64, X64_R10, X64_RAX);
    x64_byte(&e->as, 0x9f); /* lahf */
    x64_reg_reg(&e->as, 0x0f90, X64_8, 0, X64_RAX);
    x64_reg_reg(&e->as, 0x8b, X64_32, X64_R11, X64_RAX);
    x64_reg_reg(&e->as, 0x8b, X64_64, X64_RAX, X64_R10);
}

static void restore_flags(struct emitter *e) {
    x64_reg_reg(&e->as, 0x8b, X64_64, X64_R10, X64_RAX);
    x64_reg_reg(&e->as, 0x8b, X64_32, X64_RAX, X64_R11);
    x64_byte(&e->as, 0x04); /* add al, 127 */
    x64_byte(&e->as, 0x7f);
    x64_byte(&e->as, 0x9e); /* sahf */
    x64_reg_reg(&e->as, 0x8b, X64_64, X64_RAX, X64_R10);
}

/** The host's own #DE becomes the guest's, by way of SIGFPE. The manual leaves the flags undefined,
 *  and hosts differ; the IR keeps them. */
void emit_divide(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    uint8_t a = emit_source_reg(e, &insn->a, type);
    if (a == X64_R10 || a == X64_R11) {
        e->is_unsupported = true;
        return;
    }
    if (insn->flags_live != 0)
        save_flags(e);
    emit_add_site(e, SITE_DIVIDE, emit_here(e), 0);
    struct x64_insn host = emit_group(0xf6, type, insn->op == IR_DIV ? 6 : 7);
    x64_with_reg(&e->as, &host, a);
    if (insn->flags_live != 0)
        restore_flags(e);
}

void emit_IMUL(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type), b = emit_source(e, &insn->b, type);
    uint8_t dst = emit_destination(e, insn);
    struct x64_insn host = {.size = (uint8_t)type, .reg = dst};
    if (a.kind == OPERAND_CONSTANT || type == IR_I8) {
        e->is_unsupported = true;
    } else if (b.kind == OPERAND_CONSTANT) {
        host.opcode = 0x69;
        set_immediate(&host, type, b.constant);
        emit_with_source(e, host, a);
    } else if (a.kind == OPERAND_REG && a.reg == dst) {
        host.opcode = 0x0faf;
        emit_with_source(e, host, b);
    } else {
        e->is_unsupported = true;
    }
}
