/* Shifts, rotates, double shifts and bit operations. Counts are CL or constants. */
#include "translator/backend/x86_64/emit.h"

static int rotate_number(unsigned op) {
    switch (op) {
    case IR_ROL:
        return 0;
    case IR_ROR:
        return 1;
    case IR_RCL:
        return 2;
    case IR_RCR:
        return 3;
    case IR_SHL:
        return 4;
    case IR_SHR:
        return 5;
    case IR_SAR:
        return 7;
    default:
        return -1;
    }
}

static bool is_cl(const struct ir_value *value) {
    return value->kind == IR_REGISTER && value->number == GPR_ECX;
}

static bool shift_insn(const struct ir_insn *insn, struct x64_insn *result) {
    int number = rotate_number(insn->op);
    if (number < 0 || (insn->b.kind != IR_CONSTANT && !is_cl(&insn->b)))
        return false;
    bool is_constant = insn->b.kind == IR_CONSTANT;
    *result = emit_group(is_constant ? 0xc0 : 0xd2, (enum ir_type)insn->type, (uint8_t)number);
    result->imm = insn->b.constant & 31;
    result->imm_bytes = is_constant;
    return true;
}

static bool double_shift_insn(const struct ir_insn *insn, struct x64_insn *result) {
    if ((insn->op != IR_SHLD && insn->op != IR_SHRD) || insn->b.kind != IR_REGISTER ||
        (insn->c.kind != IR_CONSTANT && !is_cl(&insn->c)) || insn->type == IR_I8)
        return false;
    bool is_constant = insn->c.kind == IR_CONSTANT;
    *result = (struct x64_insn){
        .opcode = (insn->op == IR_SHLD ? 0x0fa4u : 0x0facu) + !is_constant,
        .size = insn->type,
        .reg = emit_guest_register(insn->b.number, (enum ir_type)insn->type),
        .imm = insn->c.constant & 31,
        .imm_bytes = is_constant,
    };
    return true;
}

static int bit_number(unsigned op) {
    return op == IR_BT ? 4 : op == IR_BTS ? 5 : op == IR_BTR ? 6 : op == IR_BTC ? 7 : -1;
}

/** With a constant bit number; a register would address memory beyond the operand. */
static bool bit_constant_insn(const struct ir_insn *insn, struct x64_insn *result) {
    int number = bit_number(insn->op);
    if (number < 0 || insn->b.kind != IR_CONSTANT || insn->type == IR_I8)
        return false;
    *result = (struct x64_insn){
        .opcode = 0x0fba,
        .size = insn->type,
        .reg = (uint8_t)number,
        .imm = insn->b.constant & (insn->type == IR_I16 ? 15 : 31),
        .imm_bytes = 1,
    };
    return true;
}

bool emit_shift_insn(struct emitter *e, const struct ir_insn *insn, struct x64_insn *result) {
    return shift_insn(insn, result) || double_shift_insn(insn, result) ||
           bit_constant_insn(insn, result);
}

/** dst = a, then the instruction on dst; the other operands must not be in dst. */
static void shift_in_place(struct emitter *e, const struct ir_insn *insn, struct x64_insn host) {
    enum ir_type type = (enum ir_type)insn->type;
    uint8_t a = emit_source_reg(e, &insn->a, type), dst = emit_destination(e, insn);
    bool reads_cl = is_cl(&insn->b) || is_cl(&insn->c);
    bool is_bad = a != dst && ((reads_cl && dst == X64_RCX) ||
                               (!x64_is_high(dst) && insn->b.kind == IR_REGISTER &&
                                emit_guest_register(insn->b.number, type) == dst));
    e->is_unsupported |= is_bad;
    emit_move(e, type, dst, a);
    x64_with_reg(&e->as, &host, dst);
}

void emit_shift(struct emitter *e, const struct ir_insn *insn) {
    struct x64_insn host;
    if (shift_insn(insn, &host))
        shift_in_place(e, insn, host);
    else
        e->is_unsupported = true;
}

void emit_double_shift(struct emitter *e, const struct ir_insn *insn) {
    struct x64_insn host;
    if (double_shift_insn(insn, &host))
        shift_in_place(e, insn, host);
    else
        e->is_unsupported = true;
}

void emit_bit(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct x64_insn host;
    if (!bit_constant_insn(insn, &host)) {
        static const uint16_t opcodes[4] = {0x0fa3, 0x0fab, 0x0fb3, 0x0fbb};
        host = (struct x64_insn){.opcode = opcodes[bit_number(insn->op) & 3], .size = insn->type};
        host.reg = emit_source_reg(e, &insn->b, type);
        e->is_unsupported |= type == IR_I8 || insn->b.kind == IR_CONSTANT;
    }
    if (insn->op == IR_BT) {
        struct operand a = emit_source(e, &insn->a, type);
        e->is_unsupported |= a.kind == OPERAND_CONSTANT;
        emit_with_source(e, host, a);
    } else {
        shift_in_place(e, insn, host);
    }
}

/** With a source of 0 the host leaves the destination alone, as the IR wants (AMD documents it,
 *  and Intel's processors do it). */
void emit_scan(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type), b = emit_source(e, &insn->b, type);
    uint8_t dst = emit_destination(e, insn);
    if (a.kind == OPERAND_CONSTANT || b.kind != OPERAND_REG || b.reg != dst || type == IR_I8) {
        e->is_unsupported = true;
        return;
    }
    struct x64_insn host = {
        .opcode = insn->op == IR_BSF ? 0x0fbc : 0x0fbd, .size = insn->type, .reg = dst};
    emit_with_source(e, host, a);
}
