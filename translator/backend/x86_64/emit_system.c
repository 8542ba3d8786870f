/*
 * Sensitive instructions that kernels execute all the time, at CPL 0, where none of them can fault
 * but for its stack access: CLI, STI, PUSHF and POPF. What is rare (a waiting event, a change of
 * TF, IOPL and the like) goes to the handler.
 *
 * Source: SDM vol. 2, under the mnemonics.
 */
#include "translator/backend/x86_64/emit_system.h"

#define JNZ      5 /* condition */
#define JZ_SHORT 0x74
#define IF_BIT   9

/* Flags that POPF changes at CPL 0, but for those that are dealt with here. */
#define RARELY_POPPED (FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID | FLAG_IOPL)

unsigned emit_prepare_handler(struct emitter *e, unsigned guest) {
    if (e->slow_count == MOST_SLOW) {
        e->as.has_overflown = true;
        e->slow_count--;
    }
    e->slow[e->slow_count] = (struct slow_access){.is_handled = true, .guest = (uint16_t)guest};
    return e->slow_count++;
}

void emit_lead_to_handler(struct emitter *e, unsigned slow) {
    emit_add_site(e, SITE_JUMP, emit_here(e) - 4, slow);
}

void emit_count_sensitive(struct emitter *e, enum op op) {
    uint64_t *counts = e->backend->cpu->sensitive_counts;
    if (counts == NULL)
        return;
    struct x64_mem count = x64_at(X64_R10, 0), next = x64_at(X64_R11, 1);
    x64_mov_imm64(&e->as, X64_R10, (uintptr_t)&counts[op]);
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_R11, &count);
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_R11, &next);
    x64_reg_mem(&e->as, 0x89, X64_64, X64_R11, &count);
}

/** IF = `value`, without touching host flags: rotated to the top, the bit falls out of a sum. */
static void set_interrupt_flag(struct emitter *e, bool value) {
    struct x64_mem eflags = emit_cpu_slot(offsetof(struct cpu, eflags));
    emit_load32(e, X64_R10, eflags);
    x64_rorx(&e->as, X64_32, X64_R10, X64_R10, IF_BIT + 1);
    emit_add(e, X64_R10, X64_R10, X64_R10, 0);
    x64_rorx(&e->as, X64_32, X64_R10, X64_R10, 32 - IF_BIT);
    if (value)
        emit_add(e, X64_R10, X64_R10, X64_NO_REG, FLAG_IF);
    emit_store32(e, X64_R10, eflags);
}

/** The instruction behind STI is in the block and is executed before any event is looked at. */
static void emit_sti(struct emitter *e, unsigned guest) {
    unsigned slow = emit_prepare_handler(e, guest);
    emit_move64(e, X64_R10, X64_RCX);
    emit_load32(e, X64_RCX, emit_cpu_slot(offsetof(struct cpu, events)));
    uint8_t *quiet = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R10);
    x64_jmp(&e->as, x64_here(&e->as));
    emit_lead_to_handler(e, slow);
    x64_land(&e->as, quiet);
    emit_move64(e, X64_RCX, X64_R10);
    set_interrupt_flag(e, true);
    emit_count_sensitive(e, OP_STI);
    e->slow[slow].resume = x64_here(&e->as);
}

static struct ir_memory stack_top(const struct emitter *e, int32_t displacement) {
    return (struct ir_memory){
        .base = {.kind = IR_REGISTER, .number = GPR_ESP},
        .displacement = (uint32_t)displacement,
        .segment = SEG_SS,
        .check = e->ir->mode.segment_check[SEG_SS],
    };
}

/** Push R8D. */
static void push_r8(struct emitter *e) {
    struct ir_memory memory = stack_top(e, -4);
    emit_access(e, ACCESS_STORE, IR_I32, &memory, emit_sized(0x88, IR_I32, X64_R8));
    emit_add(e, HOST_ESP, HOST_ESP, X64_NO_REG, -4);
}

/** LAHF gives five flags and bit 1, which EFLAGS has as well; SETO the sixth. RF and VM are 0. */
static void emit_pushf(struct emitter *e) {
    emit_move64(e, X64_R11, X64_RAX);
    x64_byte(&e->as, 0x9f);
    x64_reg_reg(&e->as, 0x0fb7, X64_32, X64_R8, X64_RAX);
    x64_rorx(&e->as, X64_32, X64_R8, X64_R8, 8);
    struct x64_insn low_byte = {
        .opcode = 0x0fb6, .size = X64_32, .reg = X64_R8, .rm_is_byte = true};
    x64_with_reg(&e->as, &low_byte, X64_R8);
    x64_reg_reg(&e->as, 0x0f90, X64_8, 0, X64_RAX);
    low_byte.reg = X64_RAX;
    x64_with_reg(&e->as, &low_byte, X64_RAX);
    x64_rorx(&e->as, X64_32, X64_RAX, X64_RAX, 32 - 11);
    emit_add(e, X64_R8, X64_R8, X64_RAX, -2);
    emit_load32(e, X64_RAX, emit_cpu_slot(offsetof(struct cpu, eflags)));
    emit_add(e, X64_R8, X64_R8, X64_RAX, 0);
    emit_move64(e, X64_RAX, X64_R11);
    push_r8(e);
    emit_count_sensitive(e, OP_PUSHF);
}

static void test_constant(struct emitter *e, uint8_t reg, uint32_t constant) {
    struct x64_insn test = {.opcode = 0xf7, .size = X64_32, .imm = constant, .imm_bytes = 4};
    x64_with_reg(&e->as, &test, reg);
}

/** Arithmetic flags from R8D: SAHF takes five, and an addition makes the sixth. */
static void load_arithmetic_flags(struct emitter *e) {
    emit_move64(e, X64_R11, X64_RAX);
    x64_reg_reg(&e->as, 0x8b, X64_32, X64_RAX, X64_R8);
    x64_byte(&e->as, 0x88); /* mov ah, al */
    x64_byte(&e->as, 0xc4);
    test_constant(e, X64_R8, FLAG_OF);
    x64_reg_reg(&e->as, 0x0f95, X64_8, 0, X64_RAX); /* setnz al */
    x64_byte(&e->as, 0x04);                         /* add al, 127 */
    x64_byte(&e->as, 0x7f);
    x64_byte(&e->as, 0x9e);
    emit_move64(e, X64_RAX, X64_R11);
}

/** Behind the load nothing can fault, and all arithmetic flags change: host flags are free. */
static void emit_popf(struct emitter *e, unsigned guest) {
    struct ir_memory memory = stack_top(e, 0);
    struct x64_mem eflags = emit_cpu_slot(offsetof(struct cpu, eflags));
    struct x64_mem events = emit_cpu_slot(offsetof(struct cpu, events));
    struct x64_insn is_quiet = {.opcode = 0x83, .size = X64_32, .reg = 7, .imm_bytes = 1};
    struct x64_insn flip = {
        .opcode = 0x81, .size = X64_32, .reg = 6, .imm = FLAG_IF, .imm_bytes = 4};
    emit_access(e, ACCESS_LOAD, IR_I32, &memory, emit_sized(0x8a, IR_I32, X64_R8));
    unsigned slow = emit_prepare_handler(e, guest);
    emit_load32(e, X64_R11, eflags);
    x64_reg_reg(&e->as, 0x33, X64_32, X64_R11, X64_R8);
    test_constant(e, X64_R11, RARELY_POPPED);
    x64_jcc(&e->as, JNZ, x64_here(&e->as));
    emit_lead_to_handler(e, slow);
    test_constant(e, X64_R11, FLAG_IF);
    uint8_t *same = x64_short_jump(&e->as, JZ_SHORT);
    test_constant(e, X64_R8, FLAG_IF);
    uint8_t *disables = x64_short_jump(&e->as, JZ_SHORT);
    x64_with_mem(&e->as, &is_quiet, &events);
    x64_jcc(&e->as, JNZ, x64_here(&e->as));
    emit_lead_to_handler(e, slow);
    x64_land(&e->as, disables);
    x64_with_mem(&e->as, &flip, &eflags);
    x64_land(&e->as, same);
    emit_add(e, HOST_ESP, HOST_ESP, X64_NO_REG, 4);
    load_arithmetic_flags(e);
    emit_count_sensitive(e, OP_POPF);
    e->slow[slow].resume = x64_here(&e->as);
}

bool emit_system(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    const struct block_mode *mode = &e->ir->mode;
    bool is_wide = (insn->flags & INSN_OPSIZE_32) != 0 && mode->stack_is_32;
    if (!e->backend->has_bmi2 || log_is_on(e->backend->cpu->log, LOG_SENSITIVE))
        return false;
    if (emit_segment(e, guest) || emit_far(e, guest))
        return true;
    if (!mode->is_ring_0)
        return false;
    switch (insn->op) {
    case OP_CLI:
        set_interrupt_flag(e, false);
        emit_count_sensitive(e, OP_CLI);
        return true;
    case OP_STI:
        if (guest + 1 >= e->ir->guest_count)
            return false;
        emit_sti(e, guest);
        return true;
    case OP_PUSHF:
        if (is_wide)
            emit_pushf(e);
        return is_wide;
    case OP_POPF:
        if (is_wide)
            emit_popf(e, guest);
        return is_wide;
    default:
        return false;
    }
}
