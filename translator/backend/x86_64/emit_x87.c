/*
 * x87 instructions as they are: register forms are the same bytes in 64-bit mode, memory forms get
 * the operand in the window. The mode says that all exceptions are masked, so nothing but memory
 * can fault.
 *
 * Not here, but in the interpreter: the transcendental instructions, whose last bit differs between
 * hosts; images of the whole state; FFREEP and
 * FSTPNCE, which are not documented.
 *
 * Source: SDM vol. 2, the instructions; vol. 1, "x87 FPU Instruction and Data (Operand) Pointers".
 */
#include "translator/backend/x86_64/emit.h"
#include "translator/backend/x86_64/x87.h"

#include "interp/decode/op.h"

#define JRCXZ     0xe3
#define JMP_SHORT 0xeb

enum x87_way {
    X87_BY_HANDLER,
    X87_REGISTERS,
    X87_LOAD,
    X87_STORE,
    X87_CONTROL,       /* as X87_REGISTERS, but control instructions leave the pointers alone */
    X87_STORE_CONTROL, /* as X87_STORE */
    X87_LOAD_CONTROL,
    X87_STATUS_TO_AX,
    X87_NOTHING, /* waits, with nothing to wait for */
};

static const struct {
    uint8_t way, bytes;
} forms[OP_COUNT] = {
    // clang-format off
    [OP_FADD_ST] = {X87_REGISTERS, 0},
    [OP_FADD_STI] = {X87_REGISTERS, 0},
    [OP_FADDP] = {X87_REGISTERS, 0},
    [OP_FADD_M32] = {X87_LOAD, 4},
    [OP_FADD_M64] = {X87_LOAD, 8},
    [OP_FIADD_M16] = {X87_LOAD, 2},
    [OP_FIADD_M32] = {X87_LOAD, 4},
    [OP_FMUL_ST] = {X87_REGISTERS, 0},
    [OP_FMUL_STI] = {X87_REGISTERS, 0},
    [OP_FMULP] = {X87_REGISTERS, 0},
    [OP_FMUL_M32] = {X87_LOAD, 4},
    [OP_FMUL_M64] = {X87_LOAD, 8},
    [OP_FIMUL_M16] = {X87_LOAD, 2},
    [OP_FIMUL_M32] = {X87_LOAD, 4},
    [OP_FSUB_ST] = {X87_REGISTERS, 0},
    [OP_FSUB_STI] = {X87_REGISTERS, 0},
    [OP_FSUBP] = {X87_REGISTERS, 0},
    [OP_FSUB_M32] = {X87_LOAD, 4},
    [OP_FSUB_M64] = {X87_LOAD, 8},
    [OP_FISUB_M16] = {X87_LOAD, 2},
    [OP_FISUB_M32] = {X87_LOAD, 4},
    [OP_FSUBR_ST] = {X87_REGISTERS, 0},
    [OP_FSUBR_STI] = {X87_REGISTERS, 0},
    [OP_FSUBRP] = {X87_REGISTERS, 0},
    [OP_FSUBR_M32] = {X87_LOAD, 4},
    [OP_FSUBR_M64] = {X87_LOAD, 8},
    [OP_FISUBR_M16] = {X87_LOAD, 2},
    [OP_FISUBR_M32] = {X87_LOAD, 4},
    [OP_FDIV_ST] = {X87_REGISTERS, 0},
    [OP_FDIV_STI] = {X87_REGISTERS, 0},
    [OP_FDIVP] = {X87_REGISTERS, 0},
    [OP_FDIV_M32] = {X87_LOAD, 4},
    [OP_FDIV_M64] = {X87_LOAD, 8},
    [OP_FIDIV_M16] = {X87_LOAD, 2},
    [OP_FIDIV_M32] = {X87_LOAD, 4},
    [OP_FDIVR_ST] = {X87_REGISTERS, 0},
    [OP_FDIVR_STI] = {X87_REGISTERS, 0},
    [OP_FDIVRP] = {X87_REGISTERS, 0},
    [OP_FDIVR_M32] = {X87_LOAD, 4},
    [OP_FDIVR_M64] = {X87_LOAD, 8},
    [OP_FIDIVR_M16] = {X87_LOAD, 2},
    [OP_FIDIVR_M32] = {X87_LOAD, 4},
    [OP_FSQRT] = {X87_REGISTERS, 0},
    [OP_FRNDINT] = {X87_REGISTERS, 0},
    [OP_FSCALE] = {X87_REGISTERS, 0},
    [OP_FXTRACT] = {X87_REGISTERS, 0},
    [OP_FPREM] = {X87_REGISTERS, 0},
    [OP_FPREM1] = {X87_REGISTERS, 0},
    [OP_FCHS] = {X87_REGISTERS, 0},
    [OP_FABS] = {X87_REGISTERS, 0},
    [OP_FCOM_ST] = {X87_REGISTERS, 0},
    [OP_FCOMP_ST] = {X87_REGISTERS, 0},
    [OP_FCOMPP] = {X87_REGISTERS, 0},
    [OP_FUCOM] = {X87_REGISTERS, 0},
    [OP_FUCOMP] = {X87_REGISTERS, 0},
    [OP_FUCOMPP] = {X87_REGISTERS, 0},
    [OP_FTST] = {X87_REGISTERS, 0},
    [OP_FXAM] = {X87_REGISTERS, 0},
    [OP_FCOMI] = {X87_REGISTERS, 0},
    [OP_FCOMIP] = {X87_REGISTERS, 0},
    [OP_FUCOMI] = {X87_REGISTERS, 0},
    [OP_FUCOMIP] = {X87_REGISTERS, 0},
    [OP_FLD_ST] = {X87_REGISTERS, 0},
    [OP_FST_ST] = {X87_REGISTERS, 0},
    [OP_FSTP_ST] = {X87_REGISTERS, 0},
    [OP_FXCH] = {X87_REGISTERS, 0},
    [OP_FCMOVB] = {X87_REGISTERS, 0},
    [OP_FCMOVE] = {X87_REGISTERS, 0},
    [OP_FCMOVBE] = {X87_REGISTERS, 0},
    [OP_FCMOVU] = {X87_REGISTERS, 0},
    [OP_FCMOVNB] = {X87_REGISTERS, 0},
    [OP_FCMOVNE] = {X87_REGISTERS, 0},
    [OP_FCMOVNBE] = {X87_REGISTERS, 0},
    [OP_FCMOVNU] = {X87_REGISTERS, 0},
    [OP_FLD1] = {X87_REGISTERS, 0},
    [OP_FLDL2T] = {X87_REGISTERS, 0},
    [OP_FLDL2E] = {X87_REGISTERS, 0},
    [OP_FLDPI] = {X87_REGISTERS, 0},
    [OP_FLDLG2] = {X87_REGISTERS, 0},
    [OP_FLDLN2] = {X87_REGISTERS, 0},
    [OP_FLDZ] = {X87_REGISTERS, 0},
    [OP_FNOP] = {X87_REGISTERS, 0},
    [OP_FDECSTP] = {X87_REGISTERS, 0},
    [OP_FINCSTP] = {X87_REGISTERS, 0},
    [OP_FFREE] = {X87_REGISTERS, 0},
    [OP_FCOM_M32] = {X87_LOAD, 4},
    [OP_FCOMP_M32] = {X87_LOAD, 4},
    [OP_FCOM_M64] = {X87_LOAD, 8},
    [OP_FCOMP_M64] = {X87_LOAD, 8},
    [OP_FICOM_M16] = {X87_LOAD, 2},
    [OP_FICOMP_M16] = {X87_LOAD, 2},
    [OP_FICOM_M32] = {X87_LOAD, 4},
    [OP_FICOMP_M32] = {X87_LOAD, 4},
    [OP_FLD_M32] = {X87_LOAD, 4},
    [OP_FLD_M64] = {X87_LOAD, 8},
    [OP_FLD_M80] = {X87_LOAD, 10},
    [OP_FILD_M16] = {X87_LOAD, 2},
    [OP_FILD_M32] = {X87_LOAD, 4},
    [OP_FILD_M64] = {X87_LOAD, 8},
    [OP_FBLD] = {X87_LOAD, 10},
    [OP_FST_M32] = {X87_STORE, 4},
    [OP_FSTP_M32] = {X87_STORE, 4},
    [OP_FST_M64] = {X87_STORE, 8},
    [OP_FSTP_M64] = {X87_STORE, 8},
    [OP_FSTP_M80] = {X87_STORE, 10},
    [OP_FIST_M16] = {X87_STORE, 2},
    [OP_FISTP_M16] = {X87_STORE, 2},
    [OP_FIST_M32] = {X87_STORE, 4},
    [OP_FISTP_M32] = {X87_STORE, 4},
    [OP_FISTP_M64] = {X87_STORE, 8},
    [OP_FBSTP] = {X87_STORE, 10},
    [OP_FNSTCW] = {X87_STORE_CONTROL, 2},
    [OP_FNSTSW_M16] = {X87_STORE_CONTROL, 2},
    [OP_FNSTSW_AX] = {X87_STATUS_TO_AX, 0},
    [OP_FLDCW] = {X87_LOAD_CONTROL, 2},
    [OP_FNCLEX] = {X87_CONTROL, 0},
    [OP_FWAIT] = {X87_NOTHING, 0},
    [OP_FNOP_NO_WAIT] = {X87_NOTHING, 0},
    // clang-format on
};

static const struct x87_pending nothing_pending = {.code = -1, .data = -1};

void emit_x87_begin(struct emitter *e) {
    e->is_x87_resident = false;
    e->x87 = nothing_pending;
}

bool emit_x87_is_native(const struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    const struct block_mode *mode = &e->ir->mode;
    return (forms[insn->op].way != X87_BY_HANDLER || emit_mmx_is_known(insn->op)) &&
           mode->x87_usable && (emit_reaches_memory(e) || !(insn->flags & INSN_MEM));
}

void emit_x87_make_resident(struct emitter *e) {
    if (e->is_x87_resident)
        return;
    e->is_x87_resident = true;
    struct x64_mem is_absent = x64_near(&e->backend->context->x87_is_absent);
    emit_move64(e, X64_R11, X64_RCX);
    x64_reg_mem(&e->as, 0x8b, X64_32, X64_RCX, &is_absent);
    uint8_t *is_here = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R11);
    x64_call(&e->as, e->backend->thunks.x87);
    emit_move64(e, X64_R11, X64_RCX);
    x64_land(&e->as, is_here);
    emit_move64(e, X64_RCX, X64_R11);
}

static struct x64_mem x87_field(size_t field) {
    return x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, x87) + field));
}

static void store_constant(struct emitter *e, size_t field, uint32_t value) {
    struct x64_insn store = {.opcode = 0xc7, .size = X64_32, .imm_bytes = 4, .imm = value};
    struct x64_mem mem = x87_field(field);
    x64_with_mem(&e->as, &store, &mem);
}

static void copy_selector(struct emitter *e, size_t field, unsigned segment) {
    struct x64_mem from =
        x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, seg) + segment * sizeof(struct segment) +
                                   offsetof(struct segment, selector)));
    struct x64_mem to = x87_field(field);
    x64_reg_mem(&e->as, 0x0fb7, X64_32, X64_R10, &from);
    x64_reg_mem(&e->as, 0x89, X64_16, X64_R10, &to);
}

static void set_code_pointer(struct emitter *e, const struct insn *insn) {
    /* The opcode goes with TOP and tags in one word: those are the host's now. */
    _Static_assert(offsetof(struct x87_state, opcode) == offsetof(struct x87_state, top) + 2 &&
                       offsetof(struct x87_state, is_valid) == offsetof(struct x87_state, top) + 1,
                   "one word");
    store_constant(e, offsetof(struct x87_state, code_offset), e->ir->page_ip + insn->ip_offset);
    store_constant(e, offsetof(struct x87_state, top), (insn->imm & 0x7ff) << 16);
    copy_selector(e, offsetof(struct x87_state, code_selector), SEG_CS);
}

static void set_data_pointer(struct emitter *e, const struct insn *insn, uint32_t moved) {
    struct host_address address = emit_operand_address(e, insn);
    address.displacement += moved;
    struct x64_mem offset = x87_field(offsetof(struct x87_state, data_offset));
    emit_offset(e, &address, X64_R11);
    x64_reg_mem(&e->as, 0x89, X64_32, X64_R11, &offset);
    copy_selector(e, offsetof(struct x87_state, data_selector), insn->seg);
}

void emit_x87_set_pointers(struct emitter *e, const struct x87_pending *pending) {
    if (pending->code >= 0)
        set_code_pointer(e, &e->ir->guest[pending->code]);
    if (pending->data >= 0)
        set_data_pointer(e, &e->ir->guest[pending->data], pending->moved);
}

void emit_x87_settle(struct emitter *e) {
    emit_x87_set_pointers(e, &e->x87);
    e->x87 = nothing_pending;
}

bool emit_x87_needs_register(const struct emitter *e, unsigned reg) {
    if (e->x87.data < 0)
        return false;
    const struct insn *data = &e->ir->guest[e->x87.data];
    return data->base == reg || data->index_reg == reg;
}

/** Whether the operation adds a constant to its register; then how much. */
static bool is_step(const struct ir_insn *insn, uint32_t *step) {
    const struct ir_value *from = insn->op == IR_LEA ? &insn->memory.base : &insn->a;
    if (insn->type != IR_I32 || from->kind != IR_REGISTER || from->number != insn->dst.number)
        return false;
    switch (insn->op) {
    case IR_ADD:
    case IR_SUB:
        *step = insn->op == IR_ADD ? insn->b.constant : 0 - insn->b.constant;
        return insn->b.kind == IR_CONSTANT;
    case IR_INC:
    case IR_DEC:
        *step = insn->op == IR_INC ? 1 : UINT32_MAX;
        return true;
    case IR_LEA:
        *step = insn->memory.displacement;
        return insn->memory.index.kind == IR_NOTHING && !insn->memory.is_16_bit;
    default:
        return false;
    }
}

/** A register is written that the pending data pointer may be made of. */
static void pass_write(struct emitter *e, const struct ir_insn *insn) {
    unsigned reg = insn->dst.number;
    uint32_t step;
    if (insn->type == IR_I8)
        reg &= 3;
    if (!emit_x87_needs_register(e, reg))
        return;
    /* R14 need not follow ESP at once (emit_stack.c). */
    if (reg == GPR_ESP || !is_step(insn, &step)) {
        emit_x87_settle(e);
        return;
    }
    const struct insn *data = &e->ir->guest[e->x87.data];
    if (data->base == reg)
        e->x87.moved -= step;
    if (data->index_reg == reg)
        e->x87.moved -= step << data->scale;
}

void emit_x87_pass(struct emitter *e, const struct ir_insn *insn) {
    switch (ir_op_info((enum ir_op)insn->op)->effects) {
    case IR_EXITS:
        e->exit_x87[insn->imm2 - IR_FIRST_SIDE_EXIT] = e->x87;
        break;
    case IR_PURE:
    case IR_LOADS:
    case IR_STORES:
        if (insn->op == IR_MUL || insn->op == IR_IMUL_WIDE) /* write EAX and EDX */
            emit_x87_settle(e);
        else if (insn->dst.kind == IR_REGISTER)
            pass_write(e, insn);
        break;
    default:
        emit_x87_settle(e);
        break;
    }
}

void emit_x87_stub(struct emitter *e, const struct slow_access *slow, unsigned guest) {
    emit_x87_set_pointers(e, &slow->x87);
    emit_guest_call(e, guest);
    x64_call(&e->as, e->backend->thunks.x87);
}

/** The x87 opcode's low bits and its ModRM byte are what FOP shows. */
static uint8_t opcode_of(const struct insn *insn) {
    return (uint8_t)(0xd8 | (insn->imm >> 8 & 7));
}

struct slow_access *emit_x87_memory_form(struct emitter *e, const struct insn *insn,
                                         enum access_kind kind, unsigned size,
                                         struct x64_insn host) {
    struct host_address address = emit_operand_address(e, insn);
    struct slow_access *slow = emit_handled_access(e, kind, size, &address, host);
    slow->is_x87 = true;
    slow->x87 = e->x87;
    return slow;
}

static void emit_as_it_is(struct emitter *e, const struct insn *insn, enum access_kind kind) {
    if (!(insn->flags & INSN_MEM)) {
        x64_byte(&e->as, opcode_of(insn));
        x64_byte(&e->as, (uint8_t)insn->imm);
        return;
    }
    struct x64_insn host = {.opcode = opcode_of(insn), .size = X64_32, .reg = insn->imm >> 3 & 7};
    emit_x87_memory_form(e, insn, kind, forms[insn->op].bytes, host);
}

/** FLDCW natively if all exceptions stay masked, which jumps alone find out, as flags are the
 *  guest's; else the handler, behind which the block is left. */
static void emit_load_control(struct emitter *e, const struct insn *insn) {
    struct x64_insn load = {.opcode = 0x0fb7, .size = X64_32, .reg = X64_R10};
    struct slow_access *slow = emit_x87_memory_form(e, insn, ACCESS_LOAD, 2, load);
    struct x64_mem value = x64_near(&e->backend->context->value);
    struct x64_mem control = x87_field(offsetof(struct x87_state, control));
    struct x64_mem by_four = {.base = X64_NO_REG, .index = X64_R10, .scale = 2};
    x64_reg_mem(&e->as, 0x89, X64_32, X64_R10, &value);
    x64_reg_reg(&e->as, 0xf7, X64_32, 2, X64_R10);        /* not */
    x64_reg_mem(&e->as, 0x8d, X64_32, X64_R10, &by_four); /* six masks to bits 7..2 */
    emit_move64(e, X64_R11, X64_RCX);
    x64_reg_reg(&e->as, 0x0fb6, X64_32, X64_RCX, X64_R10);
    uint8_t *is_masked = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R11);
    emit_x87_stub(e, slow, e->ir->insn[e->at].guest);
    e->is_x87_resident = true;
    uint8_t *end = x64_short_jump(&e->as, JMP_SHORT);
    x64_land(&e->as, is_masked);
    emit_move64(e, X64_RCX, X64_R11);
    x64_reg_mem(&e->as, 0xd9, X64_32, 5, &value);   /* fldcw */
    x64_reg_mem(&e->as, 0xd9, X64_32, 7, &control); /* fnstcw */
    x64_land(&e->as, end);
    slow->resume = x64_here(&e->as);
}

void emit_x87(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    enum x87_way way = (enum x87_way)forms[insn->op].way;
    if (way == X87_NOTHING)
        return;
    if (way == X87_BY_HANDLER) {
        emit_mmx(e, insn);
        return;
    }
    if (way == X87_STATUS_TO_AX && emit_x87_needs_register(e, GPR_EAX))
        emit_x87_settle(e);
    emit_x87_make_resident(e);
    if (way == X87_LOAD_CONTROL) {
        emit_load_control(e, insn);
        return;
    }
    bool is_store = way == X87_STORE || way == X87_STORE_CONTROL;
    emit_as_it_is(e, insn, is_store ? ACCESS_STORE : ACCESS_LOAD);
    if (way != X87_REGISTERS && way != X87_LOAD && way != X87_STORE)
        return;
    e->x87.code = (int)guest;
    if (insn->flags & INSN_MEM)
        e->x87 = (struct x87_pending){.code = (int)guest, .data = (int)guest};
}
