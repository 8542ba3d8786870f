/*
 * Accesses that a window does not serve, by the shadow tables: thunks that find the entry of the
 * page and load or store there, leaving flags and all registers but R10 and R11 alone. What has no
 * entry, crosses a page, or is the last of a period goes on to the C helper.
 *
 * JRCXZ is the only conditional jump that needs no flags, so everything meets in RCX.
 */
#include "interp/cpu/cpu.h"
#include "translator/backend/x86_64/encode.h"
#include "translator/backend/x86_64/x86_64.h"

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

static void count_down(struct x64_asm *as, const uint8_t *slow) {
    struct x64_mem left = mmu_slot(offsetof(struct mmu, callouts_left));
    struct x64_mem minus_one = x64_at(X64_RCX, -1);
    x64_reg_mem(as, 0x8b, X64_64, X64_RCX, &left);
    x64_reg_mem(as, 0x8d, X64_64, X64_RCX, &minus_one);
    x64_reg_mem(as, 0x89, X64_64, X64_RCX, &left);
    jump_if_rcx_is_zero(as, slow);
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
    count_down(as, slow);
    find_entry(as, kind, slow);
    access_host(as, context, kind, type);
    x64_reg_mem(as, 0x8b, X64_64, X64_RCX, &rcx);
    x64_byte(as, 0xc3);
    return here;
}

void x64_make_lookups(struct backend *backend, struct x64_asm *as) {
    bool has_bmi2 = __builtin_cpu_supports("bmi2");
    for (unsigned kind = ACCESS_LOAD; kind <= ACCESS_PROBE; kind++)
        for (unsigned type = IR_I8; type <= IR_I32; type++)
            backend->thunks.lookup[kind][type] =
                has_bmi2 ? make_lookup(as, backend, (enum access_kind)kind, (enum ir_type)type)
                         : backend->thunks.access;
}
