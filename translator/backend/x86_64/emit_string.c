/*
 * REP MOVS, STOS, CMPS and SCAS by the host's own, upwards and in flat segments. Counts, pointers
 * and the accumulator are in the host registers of the same names, so that only addresses must be
 * made: in the window by adding its base, as ES cannot be overridden (and a GS override costs ten
 * times as much on the processors measured); without a window by a look-up of each operand's page,
 * if the run stays in one.
 *
 * The host's instruction can be interrupted like the guest's. When an element traps, its registers
 * say exactly what is done, and a stub tries the rest by look-up, then by the handler, which may
 * raise. Larger counts go as far as the interpreter goes at a time (interp/exec/rep.h).
 *
 * No flags change but those of CMPS and SCAS.
 */
#include "interp/exec/rep.h"
#include "softmmu/shadow.h"
#include "translator/backend/x86_64/emit.h"

#include "interp/decode/op.h"

#define JRCXZ     0xe3
#define JMP_SHORT 0xeb
#define JZ        4 /* conditions */
#define JNZ       5

#define REP   0xf3
#define REPNE 0xf2

/* What a search does in line first. */
#define SEARCH_SHIFT 6

/* Shift counts in R12's low bits (x86_64.h). */
_Static_assert(REP_CHUNK_SHIFT == JUMPS_BIAS && GUEST_PAGE_SHIFT == JUMPS_BIAS,
               "R12 is no shift count for chunks and pages");

/* Out of line; R8 and RCX as said at the places that lead there. */
enum string_stub { NOT_STRING, STRING_COUNT, STRING_TRAP, STRING_UNFINISHED, STRING_HANDLER };

struct string_op {
    uint8_t opcode, prefix;
    uint8_t width; /* enum ir_type */
    bool reads_source, reads_destination;
    bool is_search; /* REPNE SCASB: beyond a few bytes the handler is many times faster */
};

static bool describe(const struct insn *insn, struct string_op *op) {
    *op = (struct string_op){.prefix = REP, .width = insn->width};
    switch (insn->op) {
    case OP_MOVS:
        op->opcode = 0xa4;
        op->reads_source = true;
        break;
    case OP_STOS:
        op->opcode = 0xaa;
        break;
    case OP_CMPS:
        op->opcode = 0xa6;
        op->reads_source = op->reads_destination = true;
        break;
    case OP_SCAS:
        op->opcode = 0xae;
        op->reads_destination = true;
        break;
    default:
        return false;
    }
    if (op->reads_destination && (insn->flags & INSN_REPNE) != 0)
        op->prefix = REPNE;
    op->is_search = op->prefix == REPNE && !op->reads_source && op->width == IR_I8;
    return (insn->flags & (INSN_REP | INSN_REPNE)) != 0;
}

static unsigned new_stub(struct emitter *e, enum string_stub kind, unsigned guest) {
    if (e->slow_count == MOST_SLOW) {
        e->as.has_overflown = true;
        e->slow_count--;
    }
    e->slow[e->slow_count] =
        (struct slow_access){.string_stub = (uint8_t)kind, .guest = (uint16_t)guest};
    return e->slow_count++;
}

static void jump_to_stub(struct emitter *e, unsigned stub) {
    x64_jmp(&e->as, x64_here(&e->as));
    emit_add_site(e, SITE_JUMP, emit_here(e) - 4, stub);
}

static void exchange(struct emitter *e, uint8_t a, uint8_t b) {
    x64_reg_reg(&e->as, 0x87, X64_64, a, b);
}

static void invert(struct emitter *e, uint8_t reg) {
    x64_reg_reg(&e->as, 0xf7, X64_64, 2, reg);
}

static void add(struct emitter *e, enum x64_size size, uint8_t to, uint8_t other,
                int32_t displacement) {
    struct x64_mem sum = {.base = to, .index = other, .displacement = displacement};
    x64_reg_mem(&e->as, 0x8d, size, to, &sum);
}

/** The pointer in `reg` becomes linear again; `base` is what was added and is lost. */
static void subtract_base(struct emitter *e, uint8_t reg, uint8_t base) {
    invert(e, base);
    add(e, X64_32, reg, base, 1);
}

static void rdgsbase(struct emitter *e, uint8_t reg) {
    struct x64_insn insn = {.opcode = 0x0fae, .prefix = REP, .size = X64_64, .reg = 1};
    x64_with_reg(&e->as, &insn, reg);
}

static void repeat(struct emitter *e, const struct string_op *op) {
    if (op->width == IR_I16)
        x64_byte(&e->as, 0x66);
    x64_byte(&e->as, op->prefix);
    x64_byte(&e->as, op->width == IR_I8 ? op->opcode : op->opcode + 1);
}

/** Room for the jump that may take the place of the instruction before. */
static void pad_for_jump(struct emitter *e) {
    static const uint8_t nop[3] = {0x0f, 0x1f, 0x00};
    for (unsigned i = 0; i < sizeof(nop); i++)
        x64_byte(&e->as, nop[i]);
}

/** From linear to host addresses and back; R10 = base of the window, in between. */
static void enter_window(struct emitter *e, const struct string_op *op) {
    rdgsbase(e, X64_R10);
    add(e, X64_64, X64_RDI, X64_R10, 0);
    if (op->reads_source)
        add(e, X64_64, X64_RSI, X64_R10, 0);
}

static void leave_window(struct emitter *e, const struct string_op *op) {
    invert(e, X64_R10);
    add(e, X64_32, X64_RDI, X64_R10, 1);
    if (op->reads_source)
        add(e, X64_32, X64_RSI, X64_R10, 1);
}

/** The register that shifts by the number of iterations that are made at a time. */
static uint8_t chunk_shift(struct emitter *e, const struct string_op *op) {
    if (!op->is_search)
        return HOST_JUMPS;
    x64_mov_imm32(&e->as, X64_R9, SEARCH_SHIFT);
    return X64_R9;
}

/** R8 = iterations that are left for later, 0 as a rule; ECX those of now. */
static void emit_in_window(struct emitter *e, const struct string_op *op, unsigned guest) {
    unsigned count = new_stub(e, STRING_COUNT, guest), trap = new_stub(e, STRING_TRAP, guest),
             unfinished = new_stub(e, STRING_UNFINISHED, guest);
    struct x64_mem minus_one = x64_at(X64_RCX, -1);
    uint8_t shift = chunk_shift(e, op);
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_R8, &minus_one);
    x64_shrx(&e->as, X64_64, X64_R8, X64_R8, shift);
    exchange(e, X64_RCX, X64_R8);
    uint8_t *is_small = x64_short_jump(&e->as, JRCXZ);
    jump_to_stub(e, count);
    x64_land(&e->as, is_small);
    exchange(e, X64_RCX, X64_R8);
    e->slow[count].resume = x64_here(&e->as);
    enter_window(e, op);
    emit_add_site(e, op->reads_source ? SITE_ACCESS_TWO : SITE_ACCESS, emit_here(e), trap);
    repeat(e, op);
    pad_for_jump(e);
    leave_window(e, op);
    exchange(e, X64_RCX, X64_R8);
    uint8_t *is_all = x64_short_jump(&e->as, JRCXZ);
    jump_to_stub(e, unfinished);
    x64_land(&e->as, is_all);
    emit_move64(e, X64_RCX, X64_R8);
    e->slow[trap].resume = e->slow[unfinished].resume = x64_here(&e->as);
}

/** R10 = not 0 in its lower half when [`pointer`, + R8 >> 20 + 1) reaches over the end of a page:
 *  the page offset, moved to the top of 32 bits, then carries beyond them. */
static void find_crossing(struct emitter *e, uint8_t reg, uint8_t pointer) {
    x64_rorx(&e->as, X64_32, reg, pointer, GUEST_PAGE_SHIFT);
    add(e, X64_64, reg, X64_R8, 0);
    x64_rorx(&e->as, X64_64, reg, reg, 32);
    x64_reg_reg(&e->as, 0x8b, X64_32, reg, reg);
}

/** RCX = host - linear address of the page of `pointer`; 0: absent. R11 is lost. */
static void find_entry(struct emitter *e, uint8_t pointer, bool writes) {
    struct x64_mem entry = {.base = X64_NO_REG, .index = X64_RCX, .scale = 3, .in_tables = true};
    x64_shrx(&e->as, X64_32, X64_RCX, pointer, HOST_JUMPS);
    if (!e->ir->mode.uses_window) {
        if (writes) /* the tables of a view lie side by side */
            entry.displacement = (int32_t)(SHADOW_PAGES * sizeof(uintptr_t));
    } else {
        size_t table =
            writes ? offsetof(struct mmu, write_table) : offsetof(struct mmu, read_table);
        struct x64_mem slot = x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, mmu) + table));
        x64_reg_mem(&e->as, 0x8b, X64_64, X64_R11, &slot);
        entry = (struct x64_mem){.base = X64_R11, .index = X64_RCX, .scale = 3};
    }
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_RCX, &entry);
}

/** A jump back if RCX is 0. */
static void jrcxz_back(struct emitter *e, const uint8_t *target) {
    x64_byte(&e->as, JRCXZ);
    x64_byte(&e->as, (uint8_t)(target - (x64_here(&e->as) + 1)));
}

/** All iterations by the shadow tables, if their operands lie in one page each; else to `handler`
 *  with ECX in R10. */
static void emit_by_tables(struct emitter *e, const struct string_op *op, unsigned handler) {
    struct x64_mem last = {
        .base = X64_NO_REG, .index = X64_RCX, .scale = op->width, .displacement = -1};
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_R8, &last);
    x64_rorx(&e->as, X64_64, X64_R8, X64_R8, 64 - (32 - GUEST_PAGE_SHIFT));
    find_crossing(e, X64_R10, X64_RDI);
    if (op->reads_source) {
        find_crossing(e, X64_R11, X64_RSI);
        add(e, X64_64, X64_R10, X64_R11, 0);
    }
    exchange(e, X64_RCX, X64_R10);
    uint8_t *is_within = x64_short_jump(&e->as, JRCXZ);
    const uint8_t *absent = x64_here(&e->as);
    jump_to_stub(e, handler);
    x64_land(&e->as, is_within);
    find_entry(e, X64_RDI, !op->reads_destination);
    jrcxz_back(e, absent);
    emit_move64(e, X64_R9, X64_RCX);
    if (op->reads_source) {
        find_entry(e, X64_RSI, false);
        jrcxz_back(e, absent);
        add(e, X64_64, X64_RSI, X64_RCX, 0);
        emit_move64(e, X64_R8, X64_RCX);
    }
    add(e, X64_64, X64_RDI, X64_R9, 0);
    emit_move64(e, X64_RCX, X64_R10);
    repeat(e, op);
    subtract_base(e, X64_RDI, X64_R9);
    if (op->reads_source)
        subtract_base(e, X64_RSI, X64_R8);
}

bool emit_string(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    const struct block_mode *mode = &e->ir->mode;
    struct string_op op;
    if (!describe(insn, &op) || insn->ea_mask == 0xffff || mode->moves_down ||
        !e->backend->has_bmi2 || mode->segment_check[SEG_ES] != IR_SEG_FLAT ||
        (op.reads_source && mode->segment_check[insn->seg % SEG_COUNT] != IR_SEG_FLAT))
        return false;
    if (mode->uses_window && e->backend->has_wrgsbase) {
        emit_in_window(e, &op, guest);
    } else if (!mode->uses_window) {
        unsigned handler = new_stub(e, STRING_HANDLER, guest);
        emit_by_tables(e, &op, handler);
        e->slow[handler].resume = x64_here(&e->as);
    } else {
        return false;
    }
    return true;
}

/** Go on at the instruction itself, which counts again then. */
static void emit_again(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    int32_t not_done = (int32_t)(e->ir->guest_count - guest - 1);
    struct x64_mem left = x64_at(HOST_BUDGET, not_done * BUDGET_UNIT);
    x64_reg_mem(&e->as, 0x8d, X64_64, HOST_BUDGET, &left);
    if (guest == 0) {
        x64_jmp(&e->as, e->backend->memory.code + e->start);
        return;
    }
    x64_mov_imm32(&e->as, X64_R8, e->ir->page_ip + insn->ip_offset);
    emit_jump_by_table(e);
}

/** RCX is a number of chunks, R8 the count: do the odd rest first. ECX = 0 is no chunk. */
static void emit_count_stub(struct emitter *e, const struct string_op *op,
                            const struct slow_access *slow) {
    exchange(e, X64_RCX, X64_R8);
    uint8_t *is_none = x64_short_jump(&e->as, JRCXZ);
    uint8_t shift = chunk_shift(e, op);
    x64_shlx(&e->as, X64_64, X64_R8, X64_R8, shift);
    invert(e, X64_R8);
    add(e, X64_32, X64_RCX, X64_R8, 1);
    invert(e, X64_R8);
    x64_jmp(&e->as, slow->resume);
    x64_land(&e->as, is_none);
    emit_move64(e, X64_R8, X64_RCX);
    x64_jmp(&e->as, slow->resume);
}

/** The handler goes on, unless the chunk ends here: then control comes out behind. */
static void emit_rest_of_search(struct emitter *e, const struct slow_access *slow) {
    x64_mov_imm32(&e->as, X64_R9, 32 - REP_CHUNK_SHIFT);
    x64_shlx(&e->as, X64_32, X64_R10, X64_RCX, X64_R9);
    exchange(e, X64_RCX, X64_R10);
    uint8_t *is_whole = x64_short_jump(&e->as, JRCXZ);
    emit_move64(e, X64_RCX, X64_R10);
    emit_guest_call(e, slow->guest);
    x64_jmp(&e->as, slow->resume);
    x64_land(&e->as, is_whole);
    emit_move64(e, X64_RCX, X64_R10);
}

/** RCX iterations are for later, R8 were not made because a comparison ended it. */
static void emit_unfinished_stub(struct emitter *e, const struct string_op *op,
                                 const struct slow_access *slow) {
    add(e, X64_32, X64_RCX, X64_R8, 0);
    if (op->reads_destination)
        x64_jcc(&e->as, op->prefix == REP ? JNZ : JZ, slow->resume);
    if (op->is_search)
        emit_rest_of_search(e, slow);
    emit_again(e, slow->guest);
}

/** An element trapped in the window: R10 is its base, R8 iterations are for later. */
static void emit_trap_stub(struct emitter *e, const struct string_op *op,
                           const struct slow_access *slow) {
    unsigned handler = new_stub(e, STRING_HANDLER, slow->guest);
    e->slow[handler].resume = slow->resume;
    leave_window(e, op);
    add(e, X64_32, X64_RCX, X64_R8, 0);
    emit_by_tables(e, op, handler);
    x64_jmp(&e->as, slow->resume);
}

void emit_string_stub(struct emitter *e, unsigned number) {
    struct slow_access slow = e->slow[number];
    struct string_op op;
    describe(&e->ir->guest[slow.guest], &op);
    switch (slow.string_stub) {
    case STRING_COUNT:
        emit_count_stub(e, &op, &slow);
        break;
    case STRING_TRAP:
        emit_trap_stub(e, &op, &slow);
        break;
    case STRING_UNFINISHED:
        emit_unfinished_stub(e, &op, &slow);
        break;
    default: {
        emit_move64(e, X64_RCX, X64_R10);
        uint8_t *is_some = x64_short_jump(&e->as, JRCXZ);
        emit_guest_call(e, slow.guest);
        x64_land(&e->as, is_some);
        x64_jmp(&e->as, slow.resume);
        break;
    }
    }
}
