/* A block's head and its ways out. Nothing here changes flags. */
#include "translator/backend/x86_64/emit.h"

#include "softmmu/base/bits.h"
#include "translator/backend/x86_64/jumps.h"
#include "translator/backend/x86_64/x87.h"

#define JRCXZ 0xe3

void emit_guard(struct emitter *e) {
    const struct bt_block *block = e->block;
    struct x64_mem table =
        x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, mmu) + offsetof(struct mmu, read_table)));
    uint32_t entry_offset = (block->linear >> GUEST_PAGE_SHIFT) * (uint32_t)sizeof(uintptr_t);
    struct x64_mem entry = x64_at(X64_RCX, (int32_t)entry_offset);
    struct x64_mem difference = {.base = X64_RCX, .index = X64_R10};
    emit_move64(e, X64_R11, X64_RCX);
    e->jump_guard = emit_here(e);
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_RCX, &table);
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_RCX, &entry);
    x64_mov_imm64(&e->as, X64_R10, 0 - (uint64_t)block->addend);
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_RCX, &difference);
    uint8_t *same = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R11);
    x64_mov_imm32(&e->as, X64_R11, block->ip);
    x64_jmp(&e->as, e->backend->thunks.exit_unmapped);
    x64_land(&e->as, same);
    emit_move64(e, X64_RCX, X64_R11);
}

/** One more superblock was entered. */
static void count_run(struct emitter *e) {
    struct x64_mem runs = x64_at(X64_R10, 0), more = x64_at(X64_R11, 1);
    x64_mov_imm64(&e->as, X64_R10, (uintptr_t)&e->backend->counters->superblock_runs);
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_R11, &runs);
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_R11, &more);
    x64_reg_mem(&e->as, 0x89, X64_64, X64_R11, &runs);
}

void emit_block_head(struct emitter *e) {
    const struct code_memory *memory = &e->backend->memory;
    struct x64_mem event = x64_near(memory->event);
    emit_add_site(e, SITE_EVENT, emit_here(e), 0);
    x64_reg_mem(&e->as, 0x8b, X64_32, X64_R11, &event);
    e->past_poll = emit_here(e);
    struct x64_mem left = x64_at(HOST_BUDGET, -(int32_t)e->ir->guest_count * BUDGET_UNIT);
    x64_reg_mem(&e->as, 0x8d, X64_64, HOST_BUDGET, &left);
    if (!e->ir->mode.counts_instructions && e->ir->mode.uses_window)
        return;
    /* Trap when the budget is overdrawn: the top byte of a negative number indexes beyond the trap
       word's page. */
    x64_reg_reg(&e->as, 0x8b, X64_64, X64_R11, HOST_BUDGET);
    x64_byte(&e->as, 0x49); /* bswap r11 */
    x64_byte(&e->as, 0x0f);
    x64_byte(&e->as, 0xcb);
    x64_reg_reg(&e->as, 0x0fb6, X64_32, X64_R11, X64_R11);
    emit_add_site(e, SITE_BUDGET, emit_here(e), 0);
    struct x64_mem trap = {
        .base = HOST_JUMPS, .index = X64_R11, .scale = 3, .displacement = TRAP_DISPLACEMENT};
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_R11, &trap);
    if (e->ir->is_superblock && e->ir->mode.counts_instructions)
        count_run(e);
}

/** The block has nothing behind the guest instruction but the way to the dispatcher. */
static bool is_end(const struct emitter *e, unsigned guest) {
    const struct ir_insn *last = &e->ir->insn[e->ir->count - 1];
    return last->guest == guest && (last->op == IR_FALL_OUT || last->op == IR_LEAVE_BLOCK);
}

void emit_guest_call(struct emitter *e, unsigned guest) {
    bool uses_x87 = x87_is_used_by(e->ir->guest[guest].op);
    e->is_x87_resident &= !uses_x87;
    x64_mov_imm64(&e->as, X64_R10,
                  emit_callout_word(e, guest) | (uint64_t)is_end(e, guest) << CALLOUT_ENDS |
                      (uint64_t)uses_x87 << CALLOUT_X87);
    x64_call(&e->as, e->backend->thunks.guest);
}

#define JMP_EXTENSION  4 /* of opcode FF */
#define CALL_EXTENSION 2

/** R8 = the operation's target. */
static void load_target(struct emitter *e, const struct ir_insn *insn) {
    struct operand target = emit_source(e, &insn->a, IR_I32);
    if (target.kind == OPERAND_CONSTANT)
        x64_mov_imm32(&e->as, X64_R8, target.constant);
    else
        emit_move(e, IR_I32, X64_R8, target.reg);
}

/** Jump or call where the jump table says for the IP in R8, else leave to the dispatcher; RCX is in
 *  R11 already. */
static void look_up(struct emitter *e, uint8_t extension) {
    struct x64_asm *as = &e->as;
    struct x64_mem key = {.base = HOST_JUMPS,
                          .index = X64_R10,
                          .scale = 2,
                          .displacement = (int32_t)(e->jump_bias * sizeof(uint32_t)) - JUMPS_BIAS};
    struct x64_mem entry = {
        .base = HOST_JUMPS,
        .index = X64_R10,
        .scale = 3,
        .displacement =
            (int32_t)(JUMP_SLOTS * sizeof(uint32_t) + e->jump_bias * sizeof(void *)) - JUMPS_BIAS};
    struct x64_mem difference = {.base = X64_RCX, .index = X64_R8};
    x64_reg_reg(as, 0x0fb7, X64_32, X64_R10, X64_R8);
    x64_reg_mem(as, 0x8b, X64_32, X64_RCX, &key);
    x64_reg_mem(as, 0x8d, X64_32, X64_RCX, &difference);
    uint8_t *hit = x64_short_jump(as, JRCXZ);
    x64_jmp(as, e->backend->thunks.exit_lost);
    x64_land(as, hit);
    x64_reg_mem(as, 0xff, X64_32, extension, &entry);
}

/** A jump by a table in guest memory. */
static bool is_switch(const struct emitter *e, const struct ir_insn *jump) {
    const struct insn *insn = &e->ir->guest[jump->guest];
    return (insn->flags & INSN_MEM) != 0 && insn->index_reg != GPR_ZERO;
}

/** Jump by the table of the page if R8 lies in it; RCX is in R11 already. */
static void look_up_in_page(struct emitter *e) {
    const struct code_memory *memory = &e->backend->memory;
    const struct bt_block *block = e->block;
    if (!e->backend->has_bmi2)
        return;
    e->page_jumps = jumps_find_page(e->backend, block);
    if (e->page_jumps == NO_PAGE_JUMPS)
        return;
    ptrdiff_t table = (const uint8_t *)memory->page_jumps - (const uint8_t *)memory->jump_keys +
                      e->page_jumps * (ptrdiff_t)(PAGE_JUMP_SLOTS * sizeof(void *));
    struct x64_mem offset = x64_at(X64_R8, (int32_t)(block->frame_offset - block->ip));
    struct x64_mem entry = {.base = HOST_JUMPS,
                            .index = X64_R10,
                            .scale = 3,
                            .displacement = (int32_t)table - JUMPS_BIAS};
    x64_reg_mem(&e->as, 0x8d, X64_32, X64_R10, &offset);
    x64_shrx(&e->as, X64_32, X64_RCX, X64_R10, HOST_JUMPS);
    uint8_t *within = x64_short_jump(&e->as, JRCXZ);
    uint8_t *beyond = x64_short_jump(&e->as, 0xeb);
    x64_land(&e->as, within);
    emit_move64(e, X64_RCX, X64_R11);
    x64_reg_mem(&e->as, 0xff, X64_32, JMP_EXTENSION, &entry);
    x64_land(&e->as, beyond);
}

void emit_jump_by_table(struct emitter *e) {
    emit_move64(e, X64_R11, X64_RCX);
    look_up(e, JMP_EXTENSION);
}

void emit_jump_indirect(struct emitter *e, const struct ir_insn *insn) {
    load_target(e, insn);
    emit_move64(e, X64_R11, X64_RCX);
    if (is_switch(e, insn))
        look_up_in_page(e);
    look_up(e, JMP_EXTENSION);
}

/** The displacement of direct exit `number` is what was emitted last. */
static void mark_exit(struct emitter *e, unsigned number) {
    e->exit_jump[number] = emit_here(e) - 4;
}

void emit_jump(struct emitter *e, const struct ir_insn *insn) {
    x64_jmp(&e->as, x64_here(&e->as));
    mark_exit(e, 0);
}

/** Where the host's RET comes back to, with the IP that the guest returned to in R8. */
static void emit_landing(struct emitter *e, uint32_t return_ip) {
    struct x64_mem difference = x64_at(X64_R8, (int32_t)(0 - return_ip));
    emit_move64(e, X64_R11, X64_RCX);
    x64_reg_mem(&e->as, 0x8d, X64_32, X64_RCX, &difference);
    uint8_t *expected = x64_short_jump(&e->as, JRCXZ);
    x64_jmp(&e->as, e->backend->thunks.return_miss);
    x64_land(&e->as, expected);
    emit_move64(e, X64_RCX, X64_R11);
    x64_jmp(&e->as, x64_here(&e->as));
    mark_exit(e, 1);
    e->has_landing = true;
}

void emit_call(struct emitter *e, const struct ir_insn *insn) {
    if (insn->imm == insn->imm2) { /* code that asks where it is, and does not return here */
        emit_jump(e, insn);
        return;
    }
    x64_call(&e->as, x64_here(&e->as));
    mark_exit(e, 0);
    emit_landing(e, insn->imm2);
}

void emit_call_indirect(struct emitter *e, const struct ir_insn *insn) {
    load_target(e, insn);
    emit_move64(e, X64_R11, X64_RCX);
    look_up(e, CALL_EXTENSION);
    emit_landing(e, insn->imm2);
}

void emit_return(struct emitter *e, const struct ir_insn *insn) {
    load_target(e, insn);
    x64_byte(&e->as, 0xc3);
}

void emit_branch(struct emitter *e, const struct ir_insn *insn) {
    x64_jcc(&e->as, insn->cond, x64_here(&e->as));
    mark_exit(e, 0);
    x64_jmp(&e->as, x64_here(&e->as));
    mark_exit(e, 1);
}

void emit_exit_if(struct emitter *e, const struct ir_insn *insn) {
    x64_jcc(&e->as, insn->cond, x64_here(&e->as));
    mark_exit(e, insn->imm2);
}

/** A short jump to be taken if the operation's value is 0. On both ways emit_after_zero_test must
 *  stand first. */
static uint8_t *emit_zero_test(struct emitter *e, const struct ir_insn *insn, bool *is_plain) {
    enum ir_type type = (enum ir_type)insn->type;
    struct operand a = emit_source(e, &insn->a, type);
    *is_plain = type == IR_I32 && a.kind == OPERAND_REG && a.reg == X64_RCX;
    if (!*is_plain) {
        emit_move64(e, X64_R11, X64_RCX);
        if (a.kind == OPERAND_CONSTANT)
            x64_mov_imm32(&e->as, X64_RCX, a.constant);
        else
            x64_reg_reg(&e->as, type == IR_I32 ? 0x8b : 0x0fb7, X64_32, X64_RCX, a.reg);
        e->is_unsupported |= type == IR_I8;
    }
    return x64_short_jump(&e->as, JRCXZ);
}

static void emit_after_zero_test(struct emitter *e, bool is_plain) {
    if (!is_plain)
        emit_move64(e, X64_RCX, X64_R11);
}

void emit_branch_zero(struct emitter *e, const struct ir_insn *insn) {
    bool is_plain;
    uint8_t *zero = emit_zero_test(e, insn, &is_plain);
    emit_after_zero_test(e, is_plain);
    x64_jmp(&e->as, x64_here(&e->as));
    mark_exit(e, 1);
    x64_land(&e->as, zero);
    emit_after_zero_test(e, is_plain);
    x64_jmp(&e->as, x64_here(&e->as));
    mark_exit(e, 0);
}

void emit_exit_zero(struct emitter *e, const struct ir_insn *insn) {
    bool is_plain;
    uint8_t *zero = emit_zero_test(e, insn, &is_plain);
    emit_after_zero_test(e, is_plain);
    uint8_t *on = x64_short_jump(&e->as, 0xeb);
    x64_land(&e->as, zero);
    emit_after_zero_test(e, is_plain);
    x64_jmp(&e->as, x64_here(&e->as));
    mark_exit(e, insn->imm2);
    x64_land(&e->as, on);
}

void emit_leave_block(struct emitter *e, const struct ir_insn *insn) {
    x64_jmp(&e->as, e->backend->thunks.exit_leave);
}

void emit_fall_out(struct emitter *e, const struct ir_insn *insn) {
    x64_mov_imm32(&e->as, X64_R11, insn->imm);
    x64_mov_imm32(&e->as, X64_R10, CAUSE_FALL_OUT);
    x64_jmp(&e->as, e->backend->thunks.exit_next);
}

/** To the dispatcher by exit `number`. */
static void emit_unlinked(struct emitter *e, unsigned number, uint32_t ip) {
    x64_mov_imm32(&e->as, X64_R11, ip);
    x64_mov_imm64(&e->as, X64_R10, (uintptr_t)&e->block->link[number]);
    x64_jmp(&e->as, e->backend->thunks.exit_next);
}

/** What was not executed goes back to the budget, then comes the jump that links patch. */
static void emit_side_exit(struct emitter *e, const struct ir_insn *insn) {
    uint32_t *jump = &e->exit_jump[insn->imm2];
    unsigned not_done = e->ir->guest_count - insn->guest - 1u;
    struct x64_mem left = x64_at(HOST_BUDGET, (int32_t)not_done * BUDGET_UNIT);
    store_le32(e->backend->memory.writable + *jump, emit_here(e) - (*jump + 4));
    emit_x87_set_pointers(e, &e->exit_x87[insn->imm2 - IR_FIRST_SIDE_EXIT]);
    x64_reg_mem(&e->as, 0x8d, X64_64, HOST_BUDGET, &left);
    x64_jmp(&e->as, x64_here(&e->as));
    *jump = emit_here(e) - 4;
    store_le32(e->backend->memory.writable + *jump, 0);
    emit_unlinked(e, insn->imm2, insn->imm);
}

void emit_exit_stubs(struct emitter *e) {
    const struct ir_insn *end = &e->ir->insn[e->ir->count - 1];
    for (const struct ir_insn *insn = e->ir->insn; insn < end && !e->as.has_overflown; insn++)
        if (ir_is_side_exit(insn))
            emit_side_exit(e, insn);
    for (unsigned i = 0; i < 2 && !e->as.has_overflown; i++) {
        uint32_t ip = i == 0 ? end->imm : end->imm2;
        if (e->exit_jump[i] == 0)
            continue;
        e->exit_stub[i] = emit_here(e);
        uint8_t *displacement = e->backend->memory.writable + e->exit_jump[i];
        store_le32(displacement, e->exit_stub[i] - (e->exit_jump[i] + 4));
        emit_unlinked(e, i, ip);
    }
}
