/* Moves, extensions, conditions as values, and moves of flags. None but the last changes flags. */
#include "translator/backend/x86_64/emit.h"

void emit_MOV(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type);
    uint8_t dst = emit_destination(e, insn);
    if (a.kind == OPERAND_CONSTANT)
        emit_move_constant(e, type, dst, a.constant);
    else
        emit_move(e, type, dst, a.reg);
}

void emit_LEA(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct host_address address = emit_address(e, &insn->memory);
    uint8_t dst = emit_destination(e, insn);
    if (type == IR_I32) {
        emit_offset(e, &address, dst);
        return;
    }
    /* The low 16 bits do not depend on where the offset wraps. */
    struct x64_mem mem = {.base = address.base,
                          .index = address.index,
                          .scale = address.scale,
                          .displacement = (int32_t)address.displacement};
    if (type == IR_I8)
        e->is_unsupported = true;
    else
        x64_reg_mem(&e->as, 0x8d, X64_16, dst, &mem);
}

/** Temporaries are loaded with zero extension, so that they depend on nothing older. */
static struct x64_insn load_insn(enum ir_type type, uint8_t dst, bool is_guest_register) {
    if (is_guest_register || type == IR_I32)
        return emit_sized(0x8a, type, dst);
    return (struct x64_insn){.opcode = type == IR_I8 ? 0x0fb6 : 0x0fb7, .size = X64_32, .reg = dst};
}

/** An operation between LOAD_RMW and its STORE must not change flags: the STORE may still fault. */
static bool changes_flags_before_store(const struct emitter *e) {
    const struct ir_insn *insn = &e->ir->insn[e->at];
    for (unsigned i = e->at + 1; i < e->ir->count && e->ir->insn[i].guest == insn->guest; i++) {
        if (e->ir->insn[i].op == IR_STORE)
            return false;
        if (ir_op_info((enum ir_op)e->ir->insn[i].op)->sets_flags)
            return true;
    }
    return false;
}

void emit_LOAD(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    const struct ir_insn *next = insn + 1;
    if (insn->op == IR_LOAD && emit_can_fuse(e, insn, next)) {
        e->fused = insn;
        return;
    }
    if (insn->op == IR_LOAD_RMW) {
        if (emit_fused_rmw(e)) {
            e->at += 2;
            return;
        }
        e->is_unsupported |= changes_flags_before_store(e);
    }
    uint8_t dst = emit_destination(e, insn);
    bool is_guest_register = dst != X64_R8 && dst != X64_R9 && dst != X64_R11;
    emit_access(e, insn->op == IR_LOAD ? ACCESS_LOAD : ACCESS_PROBE, type, &insn->memory,
                load_insn(type, dst, is_guest_register));
}

void emit_STORE(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type);
    struct x64_insn store;
    if (a.kind == OPERAND_CONSTANT) {
        store = emit_group(0xc6, type, 0);
        store.imm = a.constant;
        store.imm_bytes = (uint8_t)(1u << type);
    } else {
        store = emit_sized(0x88, type, a.reg);
    }
    emit_access(e, ACCESS_STORE, type, &insn->memory, store);
}

void emit_extend(struct emitter *e, const struct ir_insn *insn) {
    bool is_byte = insn->op == IR_ZEXT8 || insn->op == IR_SEXT8;
    bool is_signed = insn->op == IR_SEXT8 || insn->op == IR_SEXT16;
    struct operand a = emit_source(e, &insn->a, is_byte ? IR_I8 : IR_I16);
    uint8_t dst = emit_destination(e, insn);
    if (a.kind == OPERAND_CONSTANT || insn->type == IR_I8 ||
        (is_byte && insn->a.kind == IR_REGISTER && insn->a.number >= 4)) {
        e->is_unsupported = true; /* as an I32 register, number 4 is ESP, not AH */
        return;
    }
    struct x64_insn host = {
        .opcode = (is_byte ? 0x0fb6u : 0x0fb7u) + (is_signed ? 8 : 0),
        .size = insn->type,
        .reg = dst,
        .rm_is_byte = is_byte,
    };
    emit_with_source(e, host, a);
}

/** CWD and CDQ; nothing else makes this operation. */
void emit_SIGN(struct emitter *e, const struct ir_insn *insn) {
    bool is_cdq = insn->a.kind == IR_REGISTER && insn->a.number == GPR_EAX &&
                  insn->dst.kind == IR_REGISTER && insn->dst.number == GPR_EDX;
    e->is_unsupported |= !is_cdq || insn->type == IR_I8;
    if (insn->type == IR_I16)
        x64_byte(&e->as, 0x66);
    x64_byte(&e->as, 0x99);
}

void emit_BSWAP(struct emitter *e, const struct ir_insn *insn) {
    uint8_t a = emit_source_reg(e, &insn->a, IR_I32), dst = emit_destination(e, insn);
    e->is_unsupported |= insn->type != IR_I32;
    emit_move(e, IR_I32, dst, a);
    if (x64_needs_rex(dst))
        x64_byte(&e->as, 0x41);
    x64_byte(&e->as, 0x0f);
    x64_byte(&e->as, 0xc8 | (dst & 7));
}

void emit_SETCC(struct emitter *e, const struct ir_insn *insn) {
    struct x64_insn host = {
        .opcode = 0x0f90u | (insn->cond & 15), .size = X64_8, .rm_is_byte = true};
    x64_with_reg(&e->as, &host, emit_destination(e, insn));
}

void emit_CMOV(struct emitter *e, const struct ir_insn *insn) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type), b = emit_source(e, &insn->b, type);
    uint8_t dst = emit_destination(e, insn);
    if (a.kind != OPERAND_REG || b.kind == OPERAND_CONSTANT || type == IR_I8 || a.reg != dst) {
        e->is_unsupported = true;
        return;
    }
    struct x64_insn host = {.opcode = 0x0f40u | (insn->cond & 15), .size = insn->type, .reg = dst};
    emit_with_source(e, host, b);
}

static void push_flags(struct emitter *e) {
    x64_byte(&e->as, 0x9c);
}

static void pop_flags(struct emitter *e) {
    x64_byte(&e->as, 0x9d);
}

/** PUSH or POP of R8..R15 (opcode 50 or 58). */
static void stack_high(struct emitter *e, uint8_t opcode, uint8_t reg) {
    x64_byte(&e->as, 0x41);
    x64_byte(&e->as, opcode | (reg & 7));
}

static void and_constant(struct emitter *e, uint8_t reg, uint32_t mask) {
    struct x64_insn insn = emit_group(0x80, IR_I32, 4);
    insn.imm = mask;
    insn.imm_bytes = 4;
    x64_with_reg(&e->as, &insn, reg);
}

static bool is_only_use(const struct emitter *e, const struct ir_value *value, unsigned temp) {
    return value->kind == IR_TEMP && value->number == temp && e->temps[temp].uses == 1;
}

/** GET_FLAGS, OR 2, MOV to AH: LAHF. */
static bool is_lahf(const struct emitter *e) {
    const struct ir_insn *get = &e->ir->insn[e->at];
    if (e->at + 2 >= e->ir->count)
        return false;
    const struct ir_insn *add_bit = get + 1, *move = get + 2;
    return add_bit->op == IR_OR && add_bit->type == IR_I8 &&
           is_only_use(e, &add_bit->a, get->dst.number) && add_bit->b.kind == IR_CONSTANT &&
           add_bit->b.constant == FLAG_RESERVED_1 && add_bit->dst.kind == IR_TEMP &&
           move->op == IR_MOV && move->type == IR_I8 &&
           is_only_use(e, &move->a, add_bit->dst.number) && move->dst.kind == IR_REGISTER &&
           move->dst.number == 4;
}

void emit_GET_FLAGS(struct emitter *e, const struct ir_insn *insn) {
    if (is_lahf(e)) {
        emit_x87_pass(e, insn + 2);
        x64_byte(&e->as, 0x9f);
        e->at += 2;
        return;
    }
    uint8_t dst = emit_destination(e, insn);
    push_flags(e);
    stack_high(e, 0x58, X64_R11);
    stack_high(e, 0x50, X64_R11);
    and_constant(e, X64_R11, FLAGS_ARITHMETIC);
    pop_flags(e);
    emit_move(e, IR_I32, dst, X64_R11);
}

void emit_SET_FLAGS(struct emitter *e, const struct ir_insn *insn) {
    struct operand a = emit_source(e, &insn->a, IR_I32);
    bool is_ah = a.kind == OPERAND_REG && a.reg == (X64_HIGH | 4);
    if (is_ah && (insn->flags_out & FLAG_OF) == 0) {
        x64_byte(&e->as, 0x9e);
        return;
    }
    if (a.kind != OPERAND_REG || x64_is_high(a.reg)) {
        e->is_unsupported = true;
        return;
    }
    uint32_t wanted = insn->flags_out;
    x64_reg_reg(&e->as, 0x8b, X64_32, X64_R10, a.reg);
    push_flags(e);
    stack_high(e, 0x58, X64_R11);
    and_constant(e, X64_R11, ~wanted);
    and_constant(e, X64_R10, wanted);
    x64_reg_reg(&e->as, 0x0b, X64_32, X64_R11, X64_R10);
    stack_high(e, 0x50, X64_R11);
    pop_flags(e);
}

void emit_carry(struct emitter *e, const struct ir_insn *insn) {
    x64_byte(&e->as, insn->op == IR_CLC ? 0xf8 : insn->op == IR_STC ? 0xf9 : 0xf5);
}
