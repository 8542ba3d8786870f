/*
 * Guest memory. In the window an access is one host instruction; what the window cannot serve goes
 * to a stub, which has a C helper move the value between memory and a slot, and runs the same
 * instruction on the slot. Without a window that is what stands in the block itself.
 */
#include "softmmu/base/bits.h"
#include "translator/backend/x86_64/emit.h"

uint64_t emit_callout_word(const struct emitter *e, unsigned guest) {
    return (uint64_t)(uintptr_t)e->block | (uint64_t)guest << CALLOUT_GUEST;
}

void emit_add_site(struct emitter *e, enum site_kind kind, uint32_t at, unsigned slow) {
    if (e->site_count == MOST_SITES) {
        e->as.has_overflown = true;
        return;
    }
    e->sites[e->site_count++] = (struct pending_site){
        .at = at,
        .kind = (uint8_t)kind,
        .slow = (uint16_t)slow,
        .guest = e->ir->insn[e->at].guest,
    };
}

static struct x64_mem segment_slot(unsigned segment, size_t field) {
    size_t at = offsetof(struct cpu, seg) + segment * sizeof(struct segment) + field;
    return x64_at(HOST_CPU, (int32_t)at);
}

static void load_segment_base(struct emitter *e, unsigned segment, uint8_t reg) {
    struct x64_mem base = segment_slot(segment, offsetof(struct segment, base));
    x64_reg_mem(&e->as, 0x8b, X64_32, reg, &base);
}

/** Trap unless [R11, R11 + size) lies below the segment's checked end; R10 is lost. The difference
 *  is negative when it does not; its top byte then indexes beyond the trap word's page. */
static void check_segment(struct emitter *e, unsigned segment, enum access_kind kind, unsigned size,
                          unsigned slow) {
    size_t field = kind == ACCESS_LOAD ? offsetof(struct segment, read_end)
                                       : offsetof(struct segment, write_end);
    struct x64_mem end = segment_slot(segment, field);
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_R10, &end);
    x64_reg_reg(&e->as, 0xf7, X64_64, 2, X64_R11); /* not: -offset - 1 */
    struct x64_mem difference = {
        .base = X64_R10, .index = X64_R11, .displacement = 1 - (int32_t)size};
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_R10, &difference);
    x64_reg_reg(&e->as, 0xf7, X64_64, 2, X64_R11);
    x64_byte(&e->as, 0x49); /* bswap r10 */
    x64_byte(&e->as, 0x0f);
    x64_byte(&e->as, 0xca);
    x64_reg_reg(&e->as, 0x0fb6, X64_32, X64_R10, X64_R10);
    emit_add_site(e, SITE_SEGMENT, emit_here(e), slow);
    struct x64_mem trap = {
        .base = HOST_JUMPS, .index = X64_R10, .scale = 3, .displacement = TRAP_DISPLACEMENT};
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_R10, &trap);
}

/** The linear address as an operand in the window. May use R10 and R11. */
static struct x64_mem resolve(struct emitter *e, const struct host_address *address,
                              enum access_kind kind, unsigned size, unsigned slow) {
    struct x64_mem mem = {.base = address->base,
                          .index = address->index,
                          .scale = address->scale,
                          .displacement = (int32_t)address->displacement,
                          .in_window = true};
    if (address->check == IR_SEG_FLAT && !address->is_16_bit)
        return mem;
    bool needs_offset = address->is_16_bit || address->check == IR_SEG_CHECKED ||
                        (address->base != X64_NO_REG && address->index != X64_NO_REG) ||
                        (address->index != X64_NO_REG && address->scale != 0);
    if (needs_offset) {
        emit_offset(e, address, X64_R11);
        if (address->check == IR_SEG_CHECKED)
            check_segment(e, address->segment, kind, size, slow);
        mem = (struct x64_mem){.base = X64_R11, .index = X64_NO_REG, .in_window = true};
    } else if (mem.base == X64_NO_REG) {
        mem.base = mem.index;
        mem.index = X64_NO_REG;
    }
    if (address->check == IR_SEG_FLAT)
        return mem;
    load_segment_base(e, address->segment, X64_R10);
    mem.index = mem.base;
    mem.base = X64_R10;
    mem.scale = 0;
    return mem;
}

/** R11D = linear address; R10 is lost. */
static void resolve_linear(struct emitter *e, const struct host_address *address,
                           enum access_kind kind, unsigned size, unsigned slow) {
    emit_offset(e, address, X64_R11);
    if (address->check == IR_SEG_CHECKED)
        check_segment(e, address->segment, kind, size, slow);
    if (address->check == IR_SEG_FLAT)
        return;
    load_segment_base(e, address->segment, X64_R10);
    struct x64_mem sum = {.base = X64_R10, .index = X64_R11};
    x64_reg_mem(&e->as, 0x8d, X64_32, X64_R11, &sum);
}

bool emit_reaches_memory(const struct emitter *e) {
    return e->ir->mode.uses_window || e->backend->has_bmi2;
}

static void call_access(struct emitter *e, const struct slow_access *slow, enum access_kind kind) {
    bool is_flat = slow->address.check == IR_SEG_FLAT &&
                   (kind == ACCESS_LOAD || slow->address.segment != SEG_CS);
    uint64_t word = emit_callout_word(e, slow->guest) |
                    (uint64_t)slow->address.segment << CALLOUT_SEGMENT |
                    (uint64_t)slow->type << CALLOUT_TYPE | (uint64_t)kind << CALLOUT_KIND;
    emit_offset(e, &slow->address, X64_R11);
    x64_mov_imm64(&e->as, X64_R10, word);
    const struct thunks *thunks = &e->backend->thunks;
    x64_call(&e->as, is_flat ? thunks->lookup[kind][slow->type] : thunks->access);
}

/** The access by its helper; guest state is that before the instruction. */
static void emit_out_of_line(struct emitter *e, const struct slow_access *slow) {
    struct x64_mem slot = x64_near(&e->backend->context->value);
    if (slow->kind == ACCESS_STORE)
        x64_with_mem(&e->as, &slow->insn, &slot);
    emit_x87_set_pointers(e, &slow->x87);
    call_access(e, slow, (enum access_kind)slow->kind);
    if (slow->kind == ACCESS_STORE)
        return;
    x64_with_mem(&e->as, &slow->insn, &slot);
    if (slow->kind != ACCESS_RMW)
        return;
    call_access(e, slow, ACCESS_STORE);
}

/** AH..BH cannot stand beside R8..R15. A read comes in through R10 and the byte slot. */
static void read_beside_high(struct emitter *e, struct slow_access *slow, unsigned number,
                             const struct x64_mem *mem) {
    struct x64_insn wanted = slow->insn;
    slow->insn = (struct x64_insn){.opcode = 0x0fb6, .size = X64_32, .reg = X64_R10};
    emit_add_site(e, SITE_ACCESS, emit_here(e), number);
    x64_with_mem(&e->as, &slow->insn, mem);
    slow->resume = x64_here(&e->as);
    struct x64_mem slot = x64_near(&e->backend->context->byte);
    x64_reg_mem(&e->as, 0x88, X64_8, X64_R10, &slot);
    x64_with_mem(&e->as, &wanted, &slot);
}

/** A write takes the byte from R10; R11 holds the address then. */
static void bring_high_to_r10(struct emitter *e, struct x64_insn *insn, struct x64_mem *mem) {
    struct x64_mem slot = x64_near(&e->backend->context->byte);
    x64_reg_mem(&e->as, 0x88, X64_8, insn->reg, &slot);
    mem->in_window = false;
    x64_reg_mem(&e->as, 0x8d, X64_32, X64_R11, mem);
    *mem = (struct x64_mem){.base = X64_R11, .index = X64_NO_REG, .in_window = true};
    x64_reg_mem(&e->as, 0x0fb6, X64_32, X64_R10, &slot);
    insn->reg = X64_R10;
}

void emit_access(struct emitter *e, enum access_kind kind, enum ir_type type,
                 const struct ir_memory *memory, struct x64_insn insn) {
    bool uses_window = e->ir->mode.uses_window;
    bool is_awkward =
        insn.reg == X64_R10 || insn.reg == X64_R11 || (insn.reg_is_byte && x64_is_high(insn.reg));
    bool is_called = !emit_reaches_memory(e) || (!uses_window && is_awkward);
    if (is_called)
        emit_settle_stack(e);
    struct slow_access slow = {
        .insn = insn,
        .address = emit_address(e, memory),
        .kind = (uint8_t)kind,
        .type = (uint8_t)type,
        .guest = e->ir->insn[e->at].guest,
        .stack = e->stack_pending,
        .x87 = e->x87,
    };
    if (is_called) {
        emit_out_of_line(e, &slow);
        return;
    }
    if (e->slow_count == MOST_SLOW) {
        e->as.has_overflown = true;
        return;
    }
    unsigned number = e->slow_count++;
    /* The mode vouches for reads through CS only. */
    if (kind != ACCESS_LOAD && slow.address.segment == SEG_CS)
        slow.address.check = IR_SEG_CHECKED;
    if (!uses_window) {
        resolve_linear(e, &slow.address, kind, 1u << type, number);
        emit_lookup(e, kind, 1u << type, number, &insn);
        slow.resume = x64_here(&e->as);
        e->slow[number] = slow;
        return;
    }
    struct x64_mem mem = resolve(e, &slow.address, kind, 1u << type, number);
    bool conflicts = insn.reg_is_byte && x64_is_high(insn.reg) && x64_mem_needs_rex(&mem);
    if (conflicts && (kind == ACCESS_LOAD || kind == ACCESS_PROBE)) {
        read_beside_high(e, &slow, number, &mem);
    } else {
        if (conflicts)
            bring_high_to_r10(e, &insn, &mem);
        emit_add_site(e, SITE_ACCESS, emit_here(e), number);
        x64_with_mem(&e->as, &insn, &mem);
        slow.resume = x64_here(&e->as);
    }
    e->slow[number] = slow;
}

struct slow_access *emit_handled_access(struct emitter *e, enum access_kind kind, unsigned bytes,
                                        const struct host_address *address, struct x64_insn insn) {
    if (e->slow_count == MOST_SLOW) {
        e->as.has_overflown = true;
        e->slow_count--;
    }
    unsigned number = e->slow_count++;
    struct slow_access *slow = &e->slow[number];
    *slow = (struct slow_access){.address = *address, .is_handled = true};
    if (kind != ACCESS_LOAD && slow->address.segment == SEG_CS)
        slow->address.check = IR_SEG_CHECKED;
    if (e->ir->mode.uses_window) {
        struct x64_mem mem = resolve(e, &slow->address, kind, bytes, number);
        emit_add_site(e, SITE_ACCESS, emit_here(e), number);
        x64_with_mem(&e->as, &insn, &mem);
    } else {
        resolve_linear(e, &slow->address, kind, bytes, number);
        emit_lookup(e, kind, bytes, number, &insn);
    }
    slow->resume = x64_here(&e->as);
    return slow;
}

/** All sites of one access share its stub. */
static void emit_access_stub(struct emitter *e, struct slow_access *slow, unsigned guest) {
    if (slow->stub != 0) {
        x64_jmp(&e->as, e->backend->memory.code + slow->stub);
        return;
    }
    slow->stub = emit_here(e);
    int32_t stack = slow->stack;
    emit_move_stack(e, stack);
    if (slow->address.base == HOST_ESP)
        slow->address.displacement -= (uint32_t)stack;
    if (slow->string_stub != 0) {
        emit_string_stub(e, (unsigned)(slow - e->slow));
        return;
    }
    if (slow->is_x87)
        emit_x87_stub(e, slow, guest);
    else if (slow->is_handled)
        emit_guest_call(e, guest);
    else
        emit_out_of_line(e, slow);
    emit_move_stack(e, -stack);
    x64_jmp(&e->as, slow->resume);
}

/** A look-up's jump comes with RCX and R10 exchanged. */
static void land_jump(struct emitter *e, const struct pending_site *site) {
    if (!e->as.has_overflown)
        store_le32(e->backend->memory.writable + site->at, emit_here(e) - (site->at + 4));
    if (site->kind == SITE_LOOKUP)
        x64_reg_reg(&e->as, 0x87, X64_64, X64_RCX, X64_R10);
}

static bool shares_stub(const struct emitter *e, const struct pending_site *site) {
    return (site->kind == SITE_ACCESS || site->kind == SITE_SEGMENT) &&
           e->slow[site->slow].stub != 0;
}

static void emit_site_stub(struct emitter *e, const struct pending_site *site) {
    switch (site->kind) {
    case SITE_DIVIDE:
        x64_mov_imm64(&e->as, X64_R10, emit_callout_word(e, site->guest));
        x64_call(&e->as, e->backend->thunks.divide);
        break;
    case SITE_BUDGET: {
        struct x64_mem undo = x64_at(HOST_BUDGET, (int32_t)e->ir->guest_count * BUDGET_UNIT);
        x64_reg_mem(&e->as, 0x8d, X64_64, HOST_BUDGET, &undo);
        x64_mov_imm32(&e->as, X64_R11, e->ir->ip);
        x64_jmp(&e->as, e->backend->thunks.exit_event);
        break;
    }
    case SITE_EVENT:
        x64_mov_imm32(&e->as, X64_R11, e->ir->ip);
        x64_jmp(&e->as, e->backend->thunks.exit_event);
        break;
    default:
        emit_access_stub(e, &e->slow[site->slow], site->guest);
        break;
    }
}

void emit_stubs(struct emitter *e) {
    for (unsigned i = 0; i < e->site_count; i++) {
        const struct pending_site *site = &e->sites[i];
        bool shares = shares_stub(e, site);
        uint32_t stub = shares ? e->slow[site->slow].stub : emit_here(e);
        e->finished[i] = (struct x64_site){.at = site->at, .stub = stub, .kind = site->kind};
        if (site->kind == SITE_LOOKUP || site->kind == SITE_JUMP)
            land_jump(e, site);
        if (!shares)
            emit_site_stub(e, site);
    }
}

/** Whether an operation whose second operand is a temporary can have it in memory. */
static bool takes_second(const struct ir_insn *next) {
    bool is_in_place = next->a.kind == IR_REGISTER && next->dst.kind == IR_REGISTER &&
                       next->a.number == next->dst.number;
    switch (next->op) {
    case IR_ADD:
    case IR_ADC:
    case IR_SUB:
    case IR_SBB:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_CMOV:
    case IR_IMUL:
        return is_in_place;
    case IR_CMP:
    case IR_TEST:
        return next->a.kind == IR_REGISTER;
    default:
        return false;
    }
}

static bool takes_first(const struct ir_insn *next) {
    switch (next->op) {
    case IR_CMP:
    case IR_TEST:
        return next->b.kind == IR_REGISTER || next->b.kind == IR_CONSTANT;
    case IR_IMUL:
    case IR_BT:
        return next->b.kind == IR_CONSTANT;
    case IR_BSF:
    case IR_BSR:
        return next->b.kind == IR_REGISTER && next->dst.kind == IR_REGISTER &&
               next->b.number == next->dst.number;
    case IR_MUL:
    case IR_IMUL_WIDE:
        return true;
    default:
        return false;
    }
}

static bool extends(const struct ir_insn *load, const struct ir_insn *next) {
    bool is_byte = next->op == IR_ZEXT8 || next->op == IR_SEXT8;
    bool is_word = next->op == IR_ZEXT16 || next->op == IR_SEXT16;
    return next->dst.kind == IR_REGISTER && next->type != IR_I8 &&
           ((is_byte && load->type == IR_I8) || (is_word && load->type == IR_I16));
}

bool emit_can_fuse(const struct emitter *e, const struct ir_insn *load,
                   const struct ir_insn *next) {
    const struct temp *temp = &e->temps[load->dst.number];
    if (load->dst.kind != IR_TEMP || temp->uses != 1 || temp->last_use != e->at + 1)
        return false;
    bool is_first = next->a.kind == IR_TEMP && next->a.number == load->dst.number;
    bool is_second = next->b.kind == IR_TEMP && next->b.number == load->dst.number;
    if (is_first && extends(load, next))
        return true;
    return load->type == next->type &&
           ((is_first && takes_first(next)) || (is_second && takes_second(next)));
}

static bool is_temp(const struct ir_value *value, const struct ir_value *temp) {
    return value->kind == IR_TEMP && temp->kind == IR_TEMP && value->number == temp->number;
}

bool emit_fused_rmw(struct emitter *e) {
    const struct ir_insn *load = &e->ir->insn[e->at];
    if (e->at + 2 >= e->ir->count)
        return false;
    const struct ir_insn *op = load + 1, *store = load + 2;
    if (op->guest != load->guest || store->guest != load->guest || store->op != IR_STORE ||
        op->type != load->type || store->type != load->type || !is_temp(&op->a, &load->dst) ||
        !is_temp(&store->a, &op->dst) || e->temps[load->dst.number].uses != 1 ||
        e->temps[op->dst.number].uses != 1 || op->b.kind == IR_TEMP || op->c.kind == IR_TEMP)
        return false;
    struct x64_insn insn;
    if (!emit_alu_insn(e, op, &insn) && !emit_shift_insn(e, op, &insn))
        return false;
    emit_access(e, ACCESS_RMW, (enum ir_type)load->type, &load->memory, insn);
    return true;
}
