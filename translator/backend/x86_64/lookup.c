/*
 * Accesses that no window serves, by the shadow tables. In code without a window the look-up stands
 * in the block (emit_lookup). For sites that the window cannot serve there are thunks that find the
 * entry of the page and load or store there, leaving flags and all registers but R10 and R11 alone.
 * What has no entry or crosses a page goes on to the C helper.
 *
 * JRCXZ is the only conditional jump that needs no flags, so everything meets in RCX.
 */
#include "interp/cpu/cpu.h"
#include "softmmu/shadow.h"
#include "translator/backend/x86_64/emit.h"

#define JRCXZ 0xe3

static struct x64_mem mmu_slot(size_t field) {
    return x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, mmu) + field));
}

/** Go on to `slow` when [R11D, R11D + size) reaches over the end of its page; RCX and R10 are lost.
 *  The page offset, moved to the top of 32 bits, then carries into bit 32. */
static void unless_crossing(struct x64_asm *as, unsigned size, const uint8_t *slow) {
    x64_rorx(as, X64_32, X64_R10, X64_R11, GUEST_PAGE_SHIFT);
    struct x64_mem last = x64_at(X64_R10, (int32_t)((size - 1) << (32 - GUEST_PAGE_SHIFT)));
    x64_reg_mem(as, 0x8d, X64_64, X64_R10, &last);
    x64_rorx(as, X64_64, X64_RCX, X64_R10, 32);
    x64_reg_reg(as, 0x8b, X64_32, X64_RCX, X64_RCX);
    uint8_t *within = x64_short_jump(as, JRCXZ);
    x64_jmp(as, slow);
    x64_land(as, within);
}

static void jump_if_rcx_is_zero(struct x64_asm *as, const uint8_t *to) {
    uint8_t *zero = x64_short_jump(as, JRCXZ);
    uint8_t *on = x64_short_jump(as, 0xeb);
    x64_land(as, zero);
    x64_jmp(as, to);
    x64_land(as, on);
}

/** RCX = host address - linear address of the page of R11D. */
static void find_entry(struct x64_asm *as, enum access_kind kind, const uint8_t *slow) {
    struct x64_mem table = mmu_slot(kind == ACCESS_LOAD ? offsetof(struct mmu, read_table)
                                                        : offsetof(struct mmu, write_table));
    struct x64_mem entry = {.base = X64_RCX, .index = X64_R10, .scale = 3};
    x64_mov_imm32(as, X64_RCX, GUEST_PAGE_SHIFT);
    x64_shrx(as, X64_32, X64_R10, X64_R11, X64_RCX);
    x64_reg_mem(as, 0x8b, X64_64, X64_RCX, &table);
    x64_reg_mem(as, 0x8b, X64_64, X64_RCX, &entry);
    jump_if_rcx_is_zero(as, slow);
}

static void access_host(struct x64_asm *as, const struct x64_context *context,
                        enum access_kind kind, enum ir_type type) {
    static const uint32_t load[] = {[IR_I8] = 0x0fb6, [IR_I16] = 0x0fb7, [IR_I32] = 0x8b};
    struct x64_mem host = {.base = X64_RCX, .index = X64_R11};
    struct x64_mem value = x64_near(&context->value);
    if (kind == ACCESS_STORE) {
        static const enum x64_size sizes[] = {X64_8, X64_16, X64_32};
        x64_reg_mem(as, 0x8b, X64_32, X64_R10, &value);
        x64_reg_mem(as, type == IR_I8 ? 0x88 : 0x89, sizes[type], X64_R10, &host);
    } else {
        x64_reg_mem(as, load[type], X64_32, X64_R10, &host);
        x64_reg_mem(as, 0x89, X64_64, X64_R10, &value);
    }
}

static const uint8_t *make_lookup(struct x64_asm *as, const struct backend *backend,
                                  enum access_kind kind, enum ir_type type) {
    const struct x64_context *context = backend->context;
    struct x64_mem word = x64_near(&context->word), rcx = x64_near(&context->rcx);
    const uint8_t *slow = x64_here(as);
    x64_reg_mem(as, 0x8b, X64_64, X64_RCX, &rcx);
    x64_reg_mem(as, 0x8b, X64_64, X64_R10, &word);
    x64_jmp(as, backend->thunks.access);
    const uint8_t *here = x64_here(as);
    x64_reg_mem(as, 0x89, X64_64, X64_R10, &word);
    x64_reg_mem(as, 0x89, X64_64, X64_RCX, &rcx);
    if (type != IR_I8)
        unless_crossing(as, 1u << type, slow);
    find_entry(as, kind, slow);
    access_host(as, context, kind, type);
    x64_reg_mem(as, 0x8b, X64_64, X64_RCX, &rcx);
    x64_byte(as, 0xc3);
    return here;
}

void x64_make_lookups(struct backend *backend, struct x64_asm *as) {
    for (unsigned kind = ACCESS_LOAD; kind <= ACCESS_PROBE; kind++)
        for (unsigned type = IR_I8; type <= IR_I32; type++)
            backend->thunks.lookup[kind][type] =
                backend->has_bmi2
                    ? make_lookup(as, backend, (enum access_kind)kind, (enum ir_type)type)
                    : backend->thunks.access;
}

static void load_trap_word(struct emitter *e, unsigned scale, unsigned slow) {
    struct x64_mem trap = {.base = HOST_JUMPS,
                           .index = X64_R10,
                           .scale = (uint8_t)scale,
                           .displacement = TRAP_DISPLACEMENT};
    emit_add_site(e, SITE_SEGMENT, emit_here(e), slow);
    x64_reg_mem(&e->as, 0x8b, X64_64, X64_R10, &trap);
}

/** Trap when [R11D, R11D + size) reaches over the end of its page. For the most frequent size any
 *  misaligned access traps, because that is cheaper to see: its low bits make an address that no
 *  host has. */
static void check_page(struct emitter *e, unsigned size, unsigned slow) {
    if (size == 1)
        return;
    if (size == 4) {
        x64_shlx(&e->as, X64_64, X64_R10, X64_R11, HOST_BUDGET);
        load_trap_word(e, 0, slow);
        return;
    }
    struct x64_mem last = x64_at(X64_R10, (int32_t)((size - 1) << (32 - GUEST_PAGE_SHIFT)));
    x64_rorx(&e->as, X64_32, X64_R10, X64_R11, GUEST_PAGE_SHIFT);
    x64_reg_mem(&e->as, 0x8d, X64_64, X64_R10, &last);
    x64_rorx(&e->as, X64_64, X64_R10, X64_R10, 32);
    x64_reg_reg(&e->as, 0x8b, X64_32, X64_R10, X64_R10);
    load_trap_word(e, 3, slow);
}

void emit_lookup(struct emitter *e, enum access_kind kind, unsigned size, unsigned slow,
                 const struct x64_insn *insn) {
    struct x64_asm *as = &e->as;
    struct x64_mem entry = {.base = X64_NO_REG, .index = X64_R10, .scale = 3, .in_tables = true};
    struct x64_mem host = {.base = X64_R10, .index = X64_R11};
    if (kind != ACCESS_LOAD) /* the tables of a view lie side by side */
        entry.displacement = (int32_t)(SHADOW_PAGES * sizeof(uintptr_t));
    check_page(e, size, slow);
    x64_shrx(as, X64_32, X64_R10, X64_R11, HOST_JUMPS);
    x64_reg_mem(as, 0x8b, X64_64, X64_R10, &entry);
    x64_reg_reg(as, 0x87, X64_64, X64_RCX, X64_R10); /* xchg */
    uint8_t *absent = x64_short_jump(as, JRCXZ);
    x64_reg_reg(as, 0x87, X64_64, X64_RCX, X64_R10);
    if (size == 16) /* may trap by itself, when it is not aligned */
        emit_add_site(e, SITE_SEGMENT, emit_here(e), slow);
    x64_with_mem(as, insn, &host);
    uint8_t *done = x64_short_jump(as, 0xeb);
    x64_land(as, absent);
    x64_jmp(as, x64_here(as));
    emit_add_site(e, SITE_LOOKUP, emit_here(e) - 4, slow);
    x64_land(as, done);
}
