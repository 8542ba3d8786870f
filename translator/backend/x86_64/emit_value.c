/* Where values are: guest registers, temporaries, addresses; moves between them. */
#include "translator/backend/x86_64/emit.h"

static const uint8_t temp_registers[2] = {X64_R8, X64_R9};

static void count_use(struct emitter *e, const struct ir_value *value, unsigned at) {
    if (value->kind != IR_TEMP)
        return;
    e->temps[value->number].uses++;
    e->temps[value->number].last_use = (uint16_t)at;
}

void emit_count_uses(struct emitter *e) {
    for (unsigned i = 0; i < e->ir->temps; i++)
        e->temps[i] = (struct temp){.reg = X64_NO_REG};
    for (unsigned i = 0; i < e->ir->count; i++) {
        const struct ir_insn *insn = &e->ir->insn[i];
        count_use(e, &insn->a, i);
        count_use(e, &insn->b, i);
        count_use(e, &insn->c, i);
        count_use(e, &insn->memory.base, i);
        count_use(e, &insn->memory.index, i);
    }
}

uint8_t emit_guest_register(unsigned number, enum ir_type type) {
    if (type == IR_I8)
        return (uint8_t)(number < 4 ? number : X64_HIGH + number);
    return number == GPR_ESP ? HOST_ESP : (uint8_t)number;
}

static bool is_same_value(const struct ir_value *a, const struct ir_value *b) {
    return a->kind == b->kind && a->number == b->number;
}

struct operand emit_source(struct emitter *e, const struct ir_value *value, enum ir_type type) {
    struct operand operand = {.kind = OPERAND_REG};
    if (value->kind == IR_CONSTANT) {
        operand.kind = OPERAND_CONSTANT;
        operand.constant = value->constant;
    } else if (value->kind == IR_REGISTER) {
        operand.reg = emit_guest_register(value->number, type);
    } else if (e->fused != NULL && is_same_value(&e->fused->dst, value)) {
        operand.kind = OPERAND_MEMORY;
    } else {
        operand.reg = e->temps[value->number].reg;
        if (operand.reg == X64_NO_REG) {
            e->is_unsupported = true;
            operand.reg = X64_R8;
        }
    }
    return operand;
}

uint8_t emit_source_reg(struct emitter *e, const struct ir_value *value, enum ir_type type) {
    struct operand operand = emit_source(e, value, type);
    if (operand.kind == OPERAND_CONSTANT) {
        x64_mov_imm32(&e->as, X64_R11, operand.constant);
        return X64_R11;
    }
    if (operand.kind == OPERAND_MEMORY)
        e->is_unsupported = true;
    return operand.reg;
}

/** Whether an operation reads or writes any part of a guest register. */
static bool touches(const struct ir_insn *insn, uint8_t host) {
    const struct ir_value *values[] = {&insn->dst, &insn->a, &insn->b, &insn->c};
    for (unsigned i = 0; i < 4; i++) {
        if (values[i]->kind != IR_REGISTER)
            continue;
        /* As a byte, number 4 is AH: a part of EAX. Both readings count. */
        uint8_t number = values[i]->number;
        if (emit_guest_register(number, IR_I32) == host || (number & 3) == host)
            return true;
    }
    return (insn->memory.base.kind == IR_REGISTER &&
            emit_guest_register(insn->memory.base.number, IR_I32) == host) ||
           (insn->memory.index.kind == IR_REGISTER &&
            emit_guest_register(insn->memory.index.number, IR_I32) == host);
}

static uint8_t whole_register(uint8_t reg) {
    return x64_is_high(reg) ? reg & 3 : reg;
}

/** Whether nothing between two operations touches `host`, may fault or has hidden operands. */
static bool is_quiet_between(const struct emitter *e, unsigned from, unsigned to, uint8_t host) {
    for (unsigned i = from + 1; i < to; i++) {
        const struct ir_insn *insn = &e->ir->insn[i];
        if (ir_op_info((enum ir_op)insn->op)->effects != IR_PURE || insn->op == IR_MUL ||
            insn->op == IR_IMUL_WIDE || touches(insn, host))
            return false;
    }
    return true;
}

/** When a temporary is only moved to a register later, and nothing is in the way, it can live
 *  there from the start. */
static uint8_t final_register(const struct emitter *e, const struct ir_insn *insn) {
    const struct temp *temp = &e->temps[insn->dst.number];
    if (temp->uses != 1)
        return X64_NO_REG;
    const struct ir_insn *use = &e->ir->insn[temp->last_use];
    if (use->op != IR_MOV || use->dst.kind != IR_REGISTER || use->type != insn->type ||
        use->guest != insn->guest)
        return X64_NO_REG;
    uint8_t reg = emit_guest_register(use->dst.number, (enum ir_type)use->type);
    unsigned number = use->type == IR_I8 ? use->dst.number & 3u : use->dst.number;
    bool is_awaited = reg == HOST_ESP && e->stack_pending != 0; /* R14 is still to be moved */
    if (is_awaited || emit_x87_needs_register(e, number))
        return X64_NO_REG;
    return is_quiet_between(e, e->at, temp->last_use, whole_register(reg)) ? reg : X64_NO_REG;
}

/** A copy of a register that stays unchanged until the copy's last use needs no register. */
static uint8_t copied_register(const struct emitter *e, const struct ir_insn *insn) {
    const struct temp *temp = &e->temps[insn->dst.number];
    if (insn->op != IR_MOV || insn->a.kind != IR_REGISTER)
        return X64_NO_REG;
    uint8_t reg = emit_guest_register(insn->a.number, (enum ir_type)insn->type);
    for (unsigned i = e->at + 1; i < temp->last_use; i++) {
        const struct ir_insn *between = &e->ir->insn[i];
        bool writes = between->dst.kind == IR_REGISTER && touches(between, whole_register(reg));
        if (writes || ir_op_info((enum ir_op)between->op)->effects == IR_CALLS)
            return X64_NO_REG;
    }
    /* The last use may write the register too, before it reads the copy: only moves do not. */
    const struct ir_insn *use = &e->ir->insn[temp->last_use];
    bool is_safe = use->op == IR_MOV || use->dst.kind != IR_REGISTER || use->b.kind == IR_NOTHING;
    return is_safe ? reg : X64_NO_REG;
}

static uint8_t allocate(struct emitter *e, struct temp *temp) {
    for (unsigned i = 0; i < 2; i++) {
        if (!e->is_temp_used[i]) {
            e->is_temp_used[i] = true;
            temp->owns_reg = true;
            return temp_registers[i];
        }
    }
    e->is_unsupported = true;
    return X64_R8;
}

uint8_t emit_destination(struct emitter *e, const struct ir_insn *insn) {
    if (insn->dst.kind == IR_REGISTER)
        return emit_guest_register(insn->dst.number, (enum ir_type)insn->type);
    if (insn->dst.kind != IR_TEMP)
        return X64_R11; /* nobody wants it */
    struct temp *temp = &e->temps[insn->dst.number];
    temp->reg = final_register(e, insn);
    if (temp->reg == X64_NO_REG)
        temp->reg = copied_register(e, insn);
    if (temp->reg == X64_NO_REG)
        temp->reg = allocate(e, temp);
    return temp->reg;
}

static void free_after_use(struct emitter *e, const struct ir_value *value) {
    if (value->kind != IR_TEMP)
        return;
    struct temp *temp = &e->temps[value->number];
    if (temp->owns_reg && temp->last_use <= e->at) {
        e->is_temp_used[temp->reg == temp_registers[1]] = false;
        temp->owns_reg = false;
    }
}

void emit_free_temps(struct emitter *e) {
    const struct ir_insn *insn = &e->ir->insn[e->at];
    free_after_use(e, &insn->a);
    free_after_use(e, &insn->b);
    free_after_use(e, &insn->c);
    free_after_use(e, &insn->memory.base);
    free_after_use(e, &insn->memory.index);
    free_after_use(e, &insn->dst);
}

static uint8_t address_register(struct emitter *e, const struct ir_value *value) {
    if (value->kind == IR_REGISTER)
        return emit_guest_register(value->number, IR_I32);
    if (value->kind != IR_TEMP)
        return X64_NO_REG;
    uint8_t reg = e->temps[value->number].reg;
    e->is_unsupported |= reg == X64_NO_REG || x64_is_high(reg);
    return reg;
}

struct host_address emit_address(struct emitter *e, const struct ir_memory *memory) {
    struct host_address address = {
        .base = address_register(e, &memory->base),
        .index = address_register(e, &memory->index),
        .scale = memory->scale,
        .is_16_bit = memory->is_16_bit,
        .segment = memory->segment,
        .check = memory->check,
        .displacement = memory->displacement,
    };
    if (memory->base.kind == IR_CONSTANT)
        address.displacement += memory->base.constant;
    if (address.base == HOST_ESP)
        address.displacement += (uint32_t)e->stack_pending;
    if (memory->index.kind == IR_CONSTANT)
        address.displacement += memory->index.constant << memory->scale;
    return address;
}

void emit_offset(struct emitter *e, const struct host_address *address, uint8_t reg) {
    uint32_t displacement = address->displacement;
    bool has_register = address->base != X64_NO_REG || address->index != X64_NO_REG;
    if (!has_register) {
        x64_mov_imm32(&e->as, reg, address->is_16_bit ? displacement & 0xffff : displacement);
        return;
    }
    uint8_t low = address->base;
    if (address->base == X64_NO_REG || address->index != X64_NO_REG || displacement != 0) {
        struct x64_mem mem = {.base = address->base,
                              .index = address->index,
                              .scale = address->scale,
                              .displacement = (int32_t)displacement};
        x64_reg_mem(&e->as, 0x8d, X64_32, reg, &mem);
        low = reg;
    }
    if (address->is_16_bit)
        x64_reg_reg(&e->as, 0x0fb7, X64_32, reg, low);
    else if (low != reg)
        x64_reg_reg(&e->as, 0x8b, X64_32, reg, low);
}

struct x64_insn emit_sized(uint32_t opcode, enum ir_type type, uint8_t reg) {
    return (struct x64_insn){.opcode = opcode + (type != IR_I8),
                             .size = (uint8_t)type,
                             .reg = reg,
                             .reg_is_byte = type == IR_I8,
                             .rm_is_byte = type == IR_I8};
}

struct x64_insn emit_group(uint32_t opcode, enum ir_type type, uint8_t extension) {
    struct x64_insn insn = emit_sized(opcode, type, extension);
    insn.reg_is_byte = false;
    return insn;
}

void emit_with_reg(struct emitter *e, struct x64_insn insn, uint8_t rm) {
    bool conflicts = (x64_is_high(insn.reg) && x64_needs_rex(rm)) ||
                     (x64_is_high(rm) && x64_needs_rex(insn.reg));
    if (!conflicts) {
        x64_with_reg(&e->as, &insn, rm);
        return;
    }
    struct x64_mem slot = x64_near(&e->backend->context->byte);
    x64_reg_mem(&e->as, 0x88, X64_8, rm, &slot);
    x64_with_mem(&e->as, &insn, &slot);
}

void emit_with_source(struct emitter *e, struct x64_insn insn, struct operand source) {
    if (source.kind == OPERAND_MEMORY)
        emit_access(e, ACCESS_LOAD, (enum ir_type)e->fused->type, &e->fused->memory, insn);
    else
        emit_with_reg(e, insn, source.reg);
}

void emit_move(struct emitter *e, enum ir_type type, uint8_t to, uint8_t from) {
    if (to != from)
        emit_with_reg(e, emit_sized(0x8a, type, to), from);
}

void emit_move_constant(struct emitter *e, enum ir_type type, uint8_t to, uint32_t value) {
    if (type == IR_I32) {
        x64_mov_imm32(&e->as, to, value);
        return;
    }
    struct x64_insn insn = emit_group(0xc6, type, 0);
    insn.imm = value;
    insn.imm_bytes = type == IR_I8 ? 1 : 2;
    x64_with_reg(&e->as, &insn, to);
}

static uint8_t operand_register(unsigned slot) {
    return slot == GPR_ZERO ? X64_NO_REG : emit_guest_register(slot, IR_I32);
}

struct host_address emit_operand_address(const struct emitter *e, const struct insn *insn) {
    return (struct host_address){
        .base = operand_register(insn->base),
        .index = operand_register(insn->index_reg),
        .scale = insn->scale,
        .is_16_bit = insn->ea_mask == 0xffff,
        .segment = insn->seg,
        .check = e->ir->mode.segment_check[insn->seg % SEG_COUNT],
        .displacement = insn->disp,
    };
}
