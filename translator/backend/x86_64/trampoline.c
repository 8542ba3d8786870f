/*
 * Ways in and out of translated code: the entry, the exits to the dispatcher, and thunks around
 * calls of C functions, which keep guest registers in struct cpu meanwhile. Guest flags go through
 * LAHF and SETO, which cost a fraction of PUSHF and POPF.
 */
#include "translator/backend/x86_64/encode.h"
#include "translator/backend/x86_64/light.h"
#include "translator/backend/x86_64/x86_64.h"

#define ABOVE         7      /* condition */
#define MXCSR_CONTROL 0xffc0 /* all but the exception flags */

static const uint8_t host_of_guest[8] = {X64_RAX,  X64_RCX, X64_RDX, X64_RBX,
                                         HOST_ESP, X64_RBP, X64_RSI, X64_RDI};

static struct x64_mem gpr_slot(unsigned guest) {
    return x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, gpr) + guest * sizeof(uint64_t)));
}

static struct x64_mem eip_slot(void) {
    return x64_at(HOST_CPU, (int32_t)offsetof(struct cpu, eip));
}

static void store(struct x64_asm *as, uint8_t reg, struct x64_mem mem) {
    x64_reg_mem(as, 0x89, X64_64, reg, &mem);
}

static void load(struct x64_asm *as, uint8_t reg, struct x64_mem mem) {
    x64_reg_mem(as, 0x8b, X64_64, reg, &mem);
}

static void add_to_stack(struct x64_asm *as, int8_t bytes) {
    struct x64_mem mem = x64_at(X64_RSP, bytes);
    x64_reg_mem(as, 0x8d, X64_64, X64_RSP, &mem);
}

static void move_simd(struct x64_asm *as, uint32_t movups) {
    for (unsigned i = 0; i < 8; i++) {
        struct x64_mem slot =
            x64_at(HOST_CPU, (int32_t)(offsetof(struct cpu, xmm) + i * sizeof(union xmm)));
        x64_reg_mem(as, movups, X64_32, (uint8_t)i, &slot);
    }
}

static void load_mxcsr(struct x64_asm *as, struct x64_mem mem) {
    x64_reg_mem(as, 0x0fae, X64_32, 2, &mem);
}

static struct x64_mem mxcsr_slot(void) {
    return x64_at(HOST_CPU, (int32_t)offsetof(struct cpu, mxcsr));
}

/** Jump if XMM registers are not the guest's; flags are lost. */
static uint8_t *unless_holding_simd(struct x64_asm *as, const struct x64_context *context) {
    struct x64_insn compare = {.opcode = 0x80, .reg = 7, .imm_bytes = 1};
    struct x64_mem holds = x64_near(&context->holds_simd);
    x64_with_mem(as, &compare, &holds);
    return x64_short_jump(as, 0x74);
}

static void store_mxcsr(struct x64_asm *as, struct x64_mem mem) {
    x64_reg_mem(as, 0x0fae, X64_32, 3, &mem);
}

/* Loading MXCSR costs more than the other registers together, and C code cares about its control
   bits only. RAX is lost. */
static void save_simd(struct x64_asm *as, const struct x64_context *context) {
    struct x64_mem guest = mxcsr_slot(), host = x64_near(&context->host_mxcsr);
    struct x64_insn test = {.opcode = 0xf7, .size = X64_32, .imm = MXCSR_CONTROL, .imm_bytes = 4};
    uint8_t *skip = unless_holding_simd(as, context);
    store_mxcsr(as, guest);
    move_simd(as, 0x0f11);
    x64_reg_mem(as, 0x8b, X64_32, X64_RAX, &guest);
    x64_reg_mem(as, 0x33, X64_32, X64_RAX, &host);
    x64_with_reg(as, &test, X64_RAX);
    uint8_t *same = x64_short_jump(as, 0x74);
    load_mxcsr(as, host);
    x64_land(as, same);
    x64_land(as, skip);
}

/* RAX is lost. */
static void load_simd(struct x64_asm *as, const struct x64_context *context) {
    struct x64_mem guest = mxcsr_slot(), now = x64_near(&context->mxcsr_in_c);
    uint8_t *skip = unless_holding_simd(as, context);
    store_mxcsr(as, now);
    move_simd(as, 0x0f10);
    x64_reg_mem(as, 0x8b, X64_32, X64_RAX, &now);
    x64_reg_mem(as, 0x3b, X64_32, X64_RAX, &guest);
    uint8_t *same = x64_short_jump(as, 0x74);
    load_mxcsr(as, guest);
    x64_land(as, same);
    x64_land(as, skip);
}

/* RAX is lost. */
static void save_flags(struct x64_asm *as, const struct x64_context *context) {
    struct x64_mem flags = x64_near(&context->flags);
    x64_byte(as, 0x9f); /* lahf */
    x64_reg_reg(as, 0x0f90, X64_8, 0, X64_RAX);
    x64_reg_mem(as, 0x89, X64_16, X64_RAX, &flags);
}

/* RAX is lost. */
static void load_flags(struct x64_asm *as, const struct x64_context *context) {
    struct x64_mem flags = x64_near(&context->flags);
    x64_reg_mem(as, 0x8b, X64_16, X64_RAX, &flags);
    x64_byte(as, 0x04); /* add al, 127: overflows when OF was set */
    x64_byte(as, 0x7f);
    x64_byte(as, 0x9e); /* sahf */
}

/** Guest registers, flags and budget to memory; RAX is lost. */
static void save_state(struct x64_asm *as, const struct x64_context *context) {
    for (unsigned i = 0; i < 8; i++)
        store(as, host_of_guest[i], gpr_slot(i));
    store(as, HOST_BUDGET, x64_near(&context->budget));
    save_flags(as, context);
    save_simd(as, context);
}

static void load_state(struct x64_asm *as, const struct x64_context *context) {
    load_simd(as, context);
    load_flags(as, context);
    for (unsigned i = 0; i < 8; i++)
        load(as, host_of_guest[i], gpr_slot(i));
}

static const uint8_t saved_registers[6] = {X64_RBX, X64_RBP, X64_R12, X64_R13, X64_R14, X64_R15};

static void push(struct x64_asm *as, uint8_t reg) {
    if (x64_needs_rex(reg))
        x64_byte(as, 0x41);
    x64_byte(as, 0x50 | (reg & 7));
}

static void pop(struct x64_asm *as, uint8_t reg) {
    if (x64_needs_rex(reg))
        x64_byte(as, 0x41);
    x64_byte(as, 0x58 | (reg & 7));
}

/** uint32_t enter(struct cpu *, const void *entry, uint8_t *biased_jumps). The return stack starts
 *  empty: what an earlier run left there may be mapped elsewhere, or gone. */
static const uint8_t *make_enter(struct x64_asm *as, const struct backend *backend) {
    const struct x64_context *context = backend->context;
    struct x64_mem base = x64_near(x64_return_base(&backend->memory));
    const uint8_t *here = x64_here(as);
    for (unsigned i = 0; i < 6; i++)
        push(as, saved_registers[i]);
    add_to_stack(as, -8);
    x64_reg_reg(as, 0x8b, X64_64, HOST_CPU, X64_RDI);
    x64_reg_reg(as, 0x8b, X64_64, X64_R11, X64_RSI);
    x64_reg_reg(as, 0x8b, X64_64, HOST_JUMPS, X64_RDX);
    store(as, X64_RSP, x64_near(&context->host_stack));
    x64_reg_mem(as, 0x8d, X64_64, X64_RSP, &base);
    load(as, HOST_BUDGET, x64_near(&context->budget));
    load_state(as, context);
    x64_reg_reg(as, 0xff, X64_32, 4, X64_R11); /* jmp r11 */
    return here;
}

/** State is saved, EAX is enum block_exit: back to C. */
static const uint8_t *make_exit_saved(struct x64_asm *as, const struct x64_context *context) {
    const uint8_t *here = x64_here(as);
    load(as, X64_RSP, x64_near(&context->host_stack));
    add_to_stack(as, 8);
    for (unsigned i = 6; i-- > 0;)
        pop(as, saved_registers[i]);
    x64_byte(as, 0xc3);
    return here;
}

/** Leave with `exit` when cpu->eip is right. */
static void leave(struct x64_asm *as, const struct backend *backend, uint32_t exit) {
    save_state(as, backend->context);
    x64_mov_imm32(as, X64_RAX, exit);
    x64_jmp(as, backend->thunks.exit_saved);
}

/* R11D = IP to continue at, or R8D for exit_miss and for exit_lost, which has RCX in R11; R10 =
   exit taken, or enum exit_cause, for exit_next. */
static void make_exits(struct x64_asm *as, struct backend *backend) {
    const struct x64_context *context = backend->context;
    struct thunks *thunks = &backend->thunks;
    thunks->exit_lost = x64_here(as);
    x64_reg_reg(as, 0x8b, X64_64, X64_RCX, X64_R11);
    thunks->exit_miss = x64_here(as);
    x64_reg_reg(as, 0x8b, X64_32, X64_R11, X64_R8);
    x64_mov_imm32(as, X64_R10, CAUSE_INDIRECT);
    uint8_t *on = x64_short_jump(as, 0xeb);
    thunks->exit_unmapped = x64_here(as);
    x64_mov_imm32(as, X64_R10, CAUSE_REMAPPED);
    x64_land(as, on);
    store(as, X64_R11, eip_slot());
    store(as, X64_R10, x64_near(&context->last_exit));
    leave(as, backend, EXIT_MISS);
    thunks->exit_next = x64_here(as);
    store(as, X64_R11, eip_slot());
    store(as, X64_R10, x64_near(&context->last_exit));
    thunks->exit_leave = x64_here(as);
    leave(as, backend, EXIT_NEXT);
    thunks->exit_event = x64_here(as);
    store(as, X64_R11, eip_slot());
    leave(as, backend, EXIT_EVENT);
}

static void count(struct x64_asm *as, const uint64_t *counter) {
    struct x64_mem more = x64_at(X64_R10, 1);
    load(as, X64_R10, x64_near(counter));
    x64_reg_mem(as, 0x8d, X64_64, X64_R10, &more);
    store(as, X64_R10, x64_near(counter));
}

/** The rarer ways of a return: struct thunks says which. */
static void make_jumps(struct x64_asm *as, struct backend *backend) {
    const struct x64_context *context = backend->context;
    struct x64_mem bias = x64_near(&context->jump_bias);
    struct x64_mem slot = {.base = X64_R10, .index = X64_RCX};
    struct x64_mem key = {
        .base = HOST_JUMPS, .index = X64_R10, .scale = 2, .displacement = -JUMPS_BIAS};
    struct x64_mem difference = {.base = X64_RCX, .index = X64_R8};
    struct x64_mem entry = {.base = HOST_JUMPS,
                            .index = X64_R10,
                            .scale = 3,
                            .displacement = (int32_t)(JUMP_SLOTS * sizeof(uint32_t)) - JUMPS_BIAS};
    backend->thunks.return_bottom = x64_here(as);
    add_to_stack(as, -(int8_t)sizeof(uint64_t));
    count(as, &context->return_bottoms);
    backend->thunks.jump = x64_here(as);
    x64_reg_reg(as, 0x8b, X64_64, X64_R11, X64_RCX);
    uint8_t *on = x64_short_jump(as, 0xeb);
    backend->thunks.return_miss = x64_here(as);
    count(as, &context->return_misses);
    x64_land(as, on);
    x64_reg_reg(as, 0x0fb7, X64_32, X64_R10, X64_R8);
    x64_reg_mem(as, 0x8b, X64_32, X64_RCX, &bias);
    x64_reg_mem(as, 0x8d, X64_64, X64_R10, &slot);
    x64_reg_mem(as, 0x8b, X64_32, X64_RCX, &key);
    x64_reg_mem(as, 0x8d, X64_32, X64_RCX, &difference);
    uint8_t *hit = x64_short_jump(as, 0xe3);
    x64_jmp(as, backend->thunks.exit_lost);
    x64_land(as, hit);
    x64_reg_mem(as, 0xff, X64_32, 4, &entry);
}

/** All state is saved, RAX tells where to go on: load it and jump. */
static const uint8_t *make_enter_again(struct x64_asm *as, const struct backend *backend) {
    const struct x64_context *context = backend->context;
    const uint8_t *here = x64_here(as);
    struct x64_mem target = x64_near(&context->target);
    store(as, X64_RAX, target);
    load(as, X64_RSP, x64_near(&context->return_stack));
    load(as, HOST_BUDGET, x64_near(&context->budget));
    load_state(as, context);
    x64_reg_mem(as, 0xff, X64_32, 4, &target);
    return here;
}

/** Call the C function that `function` points to: first argument the context, the others from R11D
 *  (if it takes an offset) and R10. */
static const uint8_t *make_call(struct x64_asm *as, const struct backend *backend,
                                const void *function, bool takes_offset) {
    const struct x64_context *context = backend->context;
    const uint8_t *here = x64_here(as);
    store(as, X64_RSP, x64_near(&context->return_stack));
    load(as, X64_RSP, x64_near(&context->host_stack));
    save_state(as, context);
    store(as, X64_R8, x64_near(&context->temp[0]));
    store(as, X64_R9, x64_near(&context->temp[1]));
    struct x64_mem self = x64_near(context);
    x64_reg_mem(as, 0x8d, X64_64, X64_RDI, &self);
    if (takes_offset)
        x64_reg_reg(as, 0x8b, X64_32, X64_RSI, X64_R11);
    x64_reg_reg(as, 0x8b, X64_64, takes_offset ? X64_RDX : X64_RSI, X64_R10);
    struct x64_mem callee = x64_near(function);
    x64_reg_mem(as, 0xff, X64_32, 2, &callee);
    x64_reg_reg(as, 0x85, X64_64, X64_RAX, X64_RAX);
    uint8_t *continues = x64_short_jump(as, 0x74);
    struct x64_insn compare = {
        .opcode = 0x83, .size = X64_64, .reg = 7, .imm = MOST_LEAVE, .imm_bytes = 1};
    x64_with_reg(as, &compare, X64_RAX);
    x64_jcc(as, ABOVE, backend->thunks.enter_again);
    struct x64_mem minus_one = x64_at(X64_RAX, -1);
    x64_reg_mem(as, 0x8d, X64_32, X64_RAX, &minus_one);
    x64_jmp(as, backend->thunks.exit_saved);
    x64_land(as, continues);
    load(as, X64_R8, x64_near(&context->temp[0]));
    load(as, X64_R9, x64_near(&context->temp[1]));
    load(as, X64_RSP, x64_near(&context->return_stack));
    load_state(as, context);
    x64_byte(as, 0xc3);
    return here;
}

/** Call a light function: its numbers are R8D and R10D, its result comes in R8D. */
static const uint8_t *make_light_call(struct x64_asm *as, const struct x64_context *context,
                                      light_fn *function) {
    static const uint8_t lost[] = {GPR_EAX, GPR_ECX, GPR_EDX, GPR_ESP, GPR_ESI, GPR_EDI};
    struct x64_mem flags = x64_near(&context->flags);
    const uint8_t *here = x64_here(as);
    struct x64_insn extend = {.opcode = 0x0fb6, .size = X64_32, .reg = X64_R8, .rm_is_byte = true};
    store(as, X64_RSP, x64_near(&context->return_stack));
    load(as, X64_RSP, x64_near(&context->host_stack));
    for (unsigned i = 0; i < sizeof(lost); i++)
        store(as, host_of_guest[lost[i]], gpr_slot(lost[i]));
    save_flags(as, context);
    x64_reg_reg(as, 0x8b, X64_64, X64_RDI, HOST_CPU);
    x64_reg_reg(as, 0x8b, X64_32, X64_RSI, X64_R8);
    x64_reg_reg(as, 0x8b, X64_32, X64_RDX, X64_R10);
    x64_reg_mem(as, 0x8d, X64_64, X64_RCX, &flags);
    x64_mov_imm64(as, X64_RAX, (uintptr_t)function);
    x64_reg_reg(as, 0xff, X64_32, 2, X64_RAX);
    x64_with_reg(as, &extend, X64_RAX);
    load_flags(as, context);
    for (unsigned i = 0; i < sizeof(lost); i++)
        load(as, host_of_guest[lost[i]], gpr_slot(lost[i]));
    load(as, X64_RSP, x64_near(&context->return_stack));
    x64_byte(as, 0xc3);
    return here;
}

bool x64_make_thunks(struct backend *backend) {
    struct code_memory *memory = &backend->memory;
    struct x64_context *context = backend->context;
    struct x64_asm as = {
        .at = memory->writable + memory->used,
        .end = memory->writable + memory->bytes,
        .to_code = (intptr_t)memory->code - (intptr_t)memory->writable,
    };
    backend->thunks.enter = make_enter(&as, backend);
    backend->thunks.exit_saved = make_exit_saved(&as, context);
    make_exits(&as, backend);
    make_jumps(&as, backend);
    backend->thunks.enter_again = make_enter_again(&as, backend);
    backend->thunks.access = make_call(&as, backend, &context->call_access, true);
    backend->thunks.guest = make_call(&as, backend, &context->call_guest, false);
    backend->thunks.divide = make_call(&as, backend, &context->call_divide, false);
    backend->thunks.x87 = make_call(&as, backend, &context->call_x87, false);
    backend->thunks.load_segment = make_light_call(&as, context, light_declines_segment);
    backend->thunks.interrupt = make_light_call(&as, context, light_declines_interrupt);
    backend->thunks.interrupt_return =
        make_light_call(&as, context, light_declines_interrupt_return);
    x64_make_lookups(backend, &as);
    memory->used = (size_t)(as.at - memory->writable);
    *(const uint8_t **)(void *)x64_return_base(memory) = backend->thunks.return_bottom;
    return !as.has_overflown;
}
