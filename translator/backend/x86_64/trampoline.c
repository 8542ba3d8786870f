/*
 * Ways in and out of translated code: the entry, the exits to the dispatcher, and thunks around
 * calls of C functions, which keep guest registers in struct cpu meanwhile. Guest flags go through
 * LAHF and SETO, which cost a fraction of PUSHF and POPF.
 */
#include "translator/backend/x86_64/encode.h"
#include "translator/backend/x86_64/x86_64.h"

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

static void save_simd(struct x64_asm *as, const struct x64_context *context) {
    uint8_t *skip = unless_holding_simd(as, context);
    move_simd(as, 0x0f11);
    struct x64_mem mxcsr = mxcsr_slot();
    x64_reg_mem(as, 0x0fae, X64_32, 3, &mxcsr); /* stmxcsr */
    load_mxcsr(as, x64_near(&context->host_mxcsr));
    x64_land(as, skip);
}

static void load_simd(struct x64_asm *as, const struct x64_context *context) {
    uint8_t *skip = unless_holding_simd(as, context);
    load_mxcsr(as, mxcsr_slot());
    move_simd(as, 0x0f10);
    x64_land(as, skip);
}

/** Guest registers, flags and budget to memory; RAX is lost. */
static void save_state(struct x64_asm *as, const struct x64_context *context) {
    for (unsigned i = 0; i < 8; i++)
        store(as, host_of_guest[i], gpr_slot(i));
    store(as, HOST_BUDGET, x64_near(&context->budget));
    x64_byte(as, 0x9f); /* lahf */
    x64_reg_reg(as, 0x0f90, X64_8, 0, X64_RAX);
    struct x64_mem flags = x64_near(&context->flags);
    x64_reg_mem(as, 0x89, X64_16, X64_RAX, &flags);
    save_simd(as, context);
}

static void load_state(struct x64_asm *as, const struct x64_context *context) {
    load_simd(as, context);
    struct x64_mem flags = x64_near(&context->flags);
    x64_reg_mem(as, 0x8b, X64_16, X64_RAX, &flags);
    x64_byte(as, 0x04); /* add al, 127: overflows when OF was set */
    x64_byte(as, 0x7f);
    x64_byte(as, 0x9e); /* sahf */
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

/** uint32_t enter(struct cpu *, const void *entry, uint8_t *biased_jumps); RSP is a multiple of 16
 * in translated code. */
static const uint8_t *make_enter(struct x64_asm *as, const struct x64_context *context) {
    const uint8_t *here = x64_here(as);
    for (unsigned i = 0; i < 6; i++)
        push(as, saved_registers[i]);
    add_to_stack(as, -8);
    x64_reg_reg(as, 0x8b, X64_64, HOST_CPU, X64_RDI);
    x64_reg_reg(as, 0x8b, X64_64, X64_R11, X64_RSI);
    x64_reg_reg(as, 0x8b, X64_64, HOST_JUMPS, X64_RDX);
    load(as, HOST_BUDGET, x64_near(&context->budget));
    load_state(as, context);
    x64_reg_reg(as, 0xff, X64_32, 4, X64_R11); /* jmp r11 */
    return here;
}

/** State is saved, EAX is enum block_exit: back to C. */
static const uint8_t *make_exit_saved(struct x64_asm *as) {
    const uint8_t *here = x64_here(as);
    add_to_stack(as, 8);
    for (unsigned i = 6; i-- > 0;)
        pop(as, saved_registers[i]);
    x64_byte(as, 0xc3);
    return here;
}

/* R11D = IP to continue at; R10 = exit taken, or enum exit_cause. */
static void make_exits(struct x64_asm *as, struct backend *backend) {
    const struct x64_context *context = backend->context;
    struct thunks *thunks = &backend->thunks;
    thunks->exit_miss = x64_here(as);
    x64_reg_reg(as, 0x8b, X64_32, X64_R11, X64_R8);
    x64_mov_imm32(as, X64_R10, CAUSE_INDIRECT);
    thunks->exit_next = x64_here(as);
    store(as, X64_R11, eip_slot());
    store(as, X64_R10, x64_near(&context->last_exit));
    thunks->exit_leave = x64_here(as);
    save_state(as, context);
    x64_mov_imm32(as, X64_RAX, EXIT_NEXT);
    x64_jmp(as, thunks->exit_saved);
    thunks->exit_event = x64_here(as);
    store(as, X64_R11, eip_slot());
    save_state(as, context);
    x64_mov_imm32(as, X64_RAX, EXIT_EVENT);
    x64_jmp(as, thunks->exit_saved);
}

/** Call the C function that `function` points to: first argument the context, the others from R11D
 *  (if it takes an offset) and R10. A result of 0 continues, n + 1 leaves with exit n. */
static const uint8_t *make_call(struct x64_asm *as, const struct backend *backend,
                                const void *function, bool takes_offset) {
    const struct x64_context *context = backend->context;
    const uint8_t *here = x64_here(as);
    add_to_stack(as, -8);
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
    add_to_stack(as, 8);
    x64_reg_reg(as, 0x85, X64_32, X64_RAX, X64_RAX);
    uint8_t *continues = x64_short_jump(as, 0x74);
    add_to_stack(as, 8); /* the return address */
    struct x64_mem minus_one = x64_at(X64_RAX, -1);
    x64_reg_mem(as, 0x8d, X64_32, X64_RAX, &minus_one);
    x64_jmp(as, backend->thunks.exit_saved);
    x64_land(as, continues);
    load(as, X64_R8, x64_near(&context->temp[0]));
    load(as, X64_R9, x64_near(&context->temp[1]));
    load_state(as, context);
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
    backend->thunks.enter = make_enter(&as, context);
    backend->thunks.exit_saved = make_exit_saved(&as);
    make_exits(&as, backend);
    backend->thunks.access = make_call(&as, backend, &context->call_access, true);
    backend->thunks.guest = make_call(&as, backend, &context->call_guest, false);
    backend->thunks.divide = make_call(&as, backend, &context->call_divide, false);
    backend->thunks.x87 = make_call(&as, backend, &context->call_x87, false);
    x64_make_lookups(backend, &as);
    memory->used = (size_t)(as.at - memory->writable);
    return !as.has_overflown;
}
