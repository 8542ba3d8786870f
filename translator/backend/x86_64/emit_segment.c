/*
 * Segment registers as operands. Stores of selectors run in line in every mode. Loads do in real
 * and virtual-8086 mode, where they read no descriptor, unless the block takes for granted that the
 * segment is flat.
 *
 * Source: SDM vol. 2, "MOV", "POP", "LDS/LES/LFS/LGS/LSS"; vol. 3B, "8086 Emulation".
 */
#include "translator/backend/x86_64/emit_system.h"

#define REAL_ATTRIBUTES (SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED)
#define REAL_LIMIT      UINT64_C(0xffff)

#define MOV_LOAD   0x8b
#define MOV_STORE  0x89
#define MOVZX_WORD 0x0fb7

struct host_address emit_stack_address(const struct emitter *e, int32_t displacement) {
    return (struct host_address){
        .base = HOST_ESP,
        .index = X64_NO_REG,
        .is_16_bit = !e->ir->mode.stack_is_32,
        .segment = SEG_SS,
        .check = e->ir->mode.segment_check[SEG_SS],
        .displacement = (uint32_t)displacement,
    };
}

void emit_adjust_stack(struct emitter *e, int32_t delta) {
    struct x64_mem sum = x64_at(HOST_ESP, delta);
    x64_reg_mem(&e->as, 0x8d, e->ir->mode.stack_is_32 ? X64_32 : X64_16, HOST_ESP, &sum);
}

void emit_check_real_segment(struct emitter *e, unsigned segment, unsigned slow) {
    struct x64_mem fields = emit_segment_slot(segment, offsetof(struct segment, attributes));
    struct x64_mem usable = emit_segment_slot(segment, offsetof(struct segment, is_usable));
    struct x64_mem difference = {.base = X64_RCX, .index = X64_R11};
    _Static_assert(offsetof(struct segment, limit) == offsetof(struct segment, attributes) + 2 &&
                       offsetof(struct segment, base) == offsetof(struct segment, limit) + 4,
                   "attributes, limit and two bytes more are one load");
    uint64_t attributes = REAL_ATTRIBUTES | (e->ir->mode.is_v86 ? SEG_DPL : 0u);
    uint64_t expected = REAL_LIMIT << 32 | attributes << 16 | true;
    emit_move64(e, X64_R10, X64_RCX);
    x64_mov_imm32(&e->as, X64_R11, 16);
    x64_reg_mem(&e->as, MOV_LOAD, X64_64, X64_RCX, &fields);
    x64_shlx(&e->as, X64_64, X64_RCX, X64_RCX, X64_R11);
    x64_reg_mem(&e->as, 0x8a, X64_8, X64_RCX, &usable);
    x64_mov_imm64(&e->as, X64_R11, 0 - expected);
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_RCX, &difference);
    uint8_t *same = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R10);
    x64_jmp(&e->as, x64_here(&e->as));
    emit_lead_to_handler(e, slow);
    x64_land(&e->as, same);
    emit_move64(e, X64_RCX, X64_R10);
}

void emit_set_real_segment(struct emitter *e, unsigned segment, uint8_t reg) {
    struct x64_mem selector = emit_segment_slot(segment, offsetof(struct segment, selector));
    struct x64_mem base = emit_segment_slot(segment, offsetof(struct segment, base));
    struct x64_mem times_8 = {.base = X64_NO_REG, .index = reg, .scale = 3};
    x64_reg_mem(&e->as, MOV_STORE, X64_16, reg, &selector);
    x64_reg_mem(&e->as, 0x8d, X64_32, reg, &times_8);
    emit_add(e, reg, reg, reg, 0);
    x64_reg_mem(&e->as, MOV_STORE, X64_64, reg, &base);
}

/** Loads of the segment read no descriptor, and the block takes nothing for granted of it. */
static bool is_load_simple(const struct emitter *e, unsigned segment) {
    const struct block_mode *mode = &e->ir->mode;
    return !mode->is_protected && segment != SEG_SS && segment != SEG_CS && segment < SEG_COUNT &&
           mode->segment_check[segment] == IR_SEG_CHECKED;
}

/** A light function may do the load. */
static bool is_load_light(const struct emitter *e, unsigned segment) {
    const struct block_mode *mode = &e->ir->mode;
    return mode->is_protected && !mode->is_user && segment != SEG_SS && segment != SEG_CS &&
           segment < SEG_COUNT;
}

void emit_light_call(struct emitter *e, const uint8_t *thunk, unsigned slow) {
    x64_call(&e->as, thunk);
    emit_move64(e, X64_R10, X64_RCX);
    emit_move64(e, X64_RCX, X64_R8);
    uint8_t *done = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R10);
    x64_jmp(&e->as, x64_here(&e->as));
    emit_lead_to_handler(e, slow);
    x64_land(&e->as, done);
    emit_move64(e, X64_RCX, X64_R10);
}

/** Load the segment with the selector in R8, zero-extended, or go to the handler. */
static void set_segment(struct emitter *e, unsigned segment, unsigned slow) {
    if (is_load_simple(e, segment)) {
        emit_check_real_segment(e, segment, slow);
        emit_set_real_segment(e, segment, X64_R8);
        return;
    }
    x64_mov_imm32(&e->as, X64_R10, segment);
    emit_light_call(e, e->backend->thunks.load_segment, slow);
}

static unsigned operand_bytes(const struct insn *insn) {
    return (insn->flags & INSN_OPSIZE_32) != 0 ? 4 : 2;
}

static enum x64_size operand_size(const struct insn *insn) {
    return (insn->flags & INSN_OPSIZE_32) != 0 ? X64_32 : X64_16;
}

/** A load of 2 or 4 bytes, zero-extended. */
static struct x64_insn load_into(uint8_t reg, unsigned bytes) {
    return (struct x64_insn){
        .opcode = bytes == 2 ? MOVZX_WORD : MOV_LOAD, .size = X64_32, .reg = reg};
}

static void emit_push(struct emitter *e, const struct insn *insn) {
    struct x64_mem selector = emit_segment_slot(insn->reg, offsetof(struct segment, selector));
    unsigned bytes = operand_bytes(insn);
    struct host_address top = emit_stack_address(e, -(int32_t)bytes);
    struct x64_insn store = {.opcode = MOV_STORE, .size = operand_size(insn), .reg = X64_R8};
    x64_reg_mem(&e->as, MOVZX_WORD, X64_32, X64_R8, &selector);
    struct slow_access *slow = emit_handled_access(e, ACCESS_STORE, bytes, &top, store);
    emit_adjust_stack(e, -(int32_t)bytes);
    emit_count_sensitive(e, OP_PUSH_SEG);
    slow->resume = x64_here(&e->as);
}

static void emit_store_selector(struct emitter *e, const struct insn *insn) {
    struct x64_mem selector = emit_segment_slot(insn->reg, offsetof(struct segment, selector));
    if ((insn->flags & INSN_MEM) == 0) {
        bool is_32 = (insn->flags & INSN_OPSIZE_32) != 0;
        uint8_t reg = emit_guest_register(insn->rm, is_32 ? IR_I32 : IR_I16);
        x64_reg_mem(&e->as, is_32 ? MOVZX_WORD : MOV_LOAD, operand_size(insn), reg, &selector);
        emit_count_sensitive(e, OP_MOV_FROM_SEG);
        return;
    }
    struct host_address address = emit_operand_address(e, insn);
    struct x64_insn store = {.opcode = MOV_STORE, .size = X64_16, .reg = X64_R8};
    x64_reg_mem(&e->as, MOVZX_WORD, X64_32, X64_R8, &selector);
    struct slow_access *slow = emit_handled_access(e, ACCESS_STORE, 2, &address, store);
    emit_count_sensitive(e, OP_MOV_FROM_SEG);
    slow->resume = x64_here(&e->as);
}

static void emit_load_selector(struct emitter *e, const struct insn *insn, unsigned guest) {
    unsigned slow;
    if ((insn->flags & INSN_MEM) != 0) {
        struct host_address address = emit_operand_address(e, insn);
        slow = (unsigned)(emit_handled_access(e, ACCESS_LOAD, 2, &address, load_into(X64_R8, 2)) -
                          e->slow);
    } else {
        slow = emit_prepare_handler(e, guest);
        x64_reg_reg(&e->as, MOVZX_WORD, X64_32, X64_R8, emit_guest_register(insn->rm, IR_I16));
    }
    set_segment(e, insn->reg, slow);
    emit_count_sensitive(e, OP_MOV_TO_SEG);
    e->slow[slow].resume = x64_here(&e->as);
}

static void emit_pop(struct emitter *e, const struct insn *insn) {
    unsigned bytes = operand_bytes(insn);
    struct host_address top = emit_stack_address(e, 0);
    struct slow_access *slow =
        emit_handled_access(e, ACCESS_LOAD, bytes, &top, load_into(X64_R8, bytes));
    x64_reg_reg(&e->as, MOVZX_WORD, X64_32, X64_R8, X64_R8);
    set_segment(e, insn->reg, (unsigned)(slow - e->slow));
    emit_adjust_stack(e, (int32_t)bytes);
    emit_count_sensitive(e, OP_POP_SEG);
    slow->resume = x64_here(&e->as);
}

static void emit_far_pointer(struct emitter *e, const struct insn *insn, unsigned segment) {
    unsigned bytes = operand_bytes(insn);
    bool is_32 = bytes == 4;
    struct host_address address = emit_operand_address(e, insn);
    struct slow_access *offset =
        emit_handled_access(e, ACCESS_LOAD, bytes, &address, load_into(X64_R9, bytes));
    address.displacement += bytes;
    struct slow_access *selector =
        emit_handled_access(e, ACCESS_LOAD, 2, &address, load_into(X64_R8, 2));
    emit_check_real_segment(e, segment, (unsigned)(selector - e->slow));
    emit_set_real_segment(e, segment, X64_R8);
    emit_move(e, is_32 ? IR_I32 : IR_I16, emit_guest_register(insn->reg, is_32 ? IR_I32 : IR_I16),
              X64_R9);
    emit_count_sensitive(e, (enum op)insn->op);
    offset->resume = selector->resume = x64_here(&e->as);
}

static bool emit_far_pointer_if_simple(struct emitter *e, const struct insn *insn,
                                       unsigned segment) {
    if (!is_load_simple(e, segment))
        return false;
    emit_far_pointer(e, insn, segment);
    return true;
}

bool emit_segment(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    if (!emit_reaches_memory(e))
        return false;
    switch (insn->op) {
    case OP_PUSH_SEG:
        emit_push(e, insn);
        return true;
    case OP_MOV_FROM_SEG:
        emit_store_selector(e, insn);
        return true;
    case OP_MOV_TO_SEG:
        if (!is_load_simple(e, insn->reg) && !is_load_light(e, insn->reg))
            return false;
        emit_load_selector(e, insn, guest);
        return true;
    case OP_POP_SEG:
        if (!is_load_simple(e, insn->reg) && !is_load_light(e, insn->reg))
            return false;
        emit_pop(e, insn);
        return true;
    case OP_LES:
        return emit_far_pointer_if_simple(e, insn, SEG_ES);
    case OP_LDS:
        return emit_far_pointer_if_simple(e, insn, SEG_DS);
    case OP_LFS:
        return emit_far_pointer_if_simple(e, insn, SEG_FS);
    case OP_LGS:
        return emit_far_pointer_if_simple(e, insn, SEG_GS);
    default:
        return false;
    }
}
