/*
 * The x86-64 back end: life cycle, entry, links, and the jump table. See x86_64.h for the register
 * assignment and docs/translator.md for the design.
 */
#include "translator/backend/x86_64/x86_64.h"

#include "interp/decode/disasm.h"
#include "interp/run.h"
#include "softmmu/base/bits.h"
#include "translator/backend/x86_64/emit.h"
#include "translator/backend/x86_64/jumps.h"
#include "translator/backend/x86_64/window.h"
#include "translator/backend/x86_64/x87.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define HWCAP2_FSGSBASE_BIT 2u /* Linux, Documentation/arch/x86/x86_64/fsgs.rst */
#define LEAST_BLOCK_BYTES   96u
/* R13's top byte must be 0 (emit_block_head). */
#define MOST_BUDGET (UINT64_C(1) << 49)
/* Code without a window comes back after so many instructions, to see whether there is one now. */
#define TABLES_SLICE (UINT64_C(1) << 17)

static void x64_destroy(struct backend *backend) {
    x64_windows_destroy(backend);
    code_memory_destroy(&backend->memory);
    free(backend->places);
    free(backend->emitter);
    x64_signals_enter(NULL);
    x64_signals_release();
    free(backend);
}

static bool allocate(struct backend *backend, uint64_t code_bytes, struct error *error) {
    if (!code_memory_create(&backend->memory, code_bytes, error))
        return false;
    backend->place_limit = (unsigned)(backend->memory.bytes / LEAST_BLOCK_BYTES);
    backend->places = malloc(backend->place_limit * sizeof(*backend->places));
    backend->emitter = malloc(sizeof(*backend->emitter));
    if (backend->places == NULL || backend->emitter == NULL)
        return error_set(error, "out of memory for the translator");
    return x64_windows_create(backend, error);
}

static struct backend *x64_create(struct cpu *cpu, uint64_t code_bytes,
                                  struct backend_counters *counters, struct error *error) {
    struct backend *backend = calloc(1, sizeof(*backend));
    if (backend == NULL || !x64_signals_acquire(error)) {
        free(backend);
        error_set(error, "cannot start the translator");
        return NULL;
    }
    backend->cpu = cpu;
    slow_sites_clear(&backend->slow_sites);
    backend->has_bmi2 = __builtin_cpu_supports("bmi2") != 0;
    backend->counters = counters;
    backend->has_wrgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) != 0;
    if (!allocate(backend, code_bytes, error)) {
        x64_destroy(backend);
        return NULL;
    }
    backend->context = (struct x64_context *)(void *)backend->memory.context;
    backend->context->backend = backend;
    backend->context->host_mxcsr = __builtin_ia32_stmxcsr() & ~UINT32_C(0x3f);
    x64_callout_install(backend->context);
    if (!x64_make_thunks(backend)) {
        error_set(error, "no room for the translator's own code");
        x64_destroy(backend);
        return NULL;
    }
    backend->first_block = backend->memory.used;
    return backend;
}

static bool x64_translate(struct backend *backend, const struct ir_block *ir,
                          struct bt_block *block) {
    if (backend->place_count == backend->place_limit ||
        !jumps_find_bias(backend, block, &backend->emitter->jump_bias))
        return false;
    struct x64_block *record = x64_emit_block(backend, ir, block);
    if (record == NULL)
        return false;
    backend->places[backend->place_count++] = (struct block_place){record->start, record};
    jumps_count_site(backend, record, 1);
    return true;
}

void x64_count_executed(struct backend *backend, uint64_t icount) {
    if (icount > backend->counted_to)
        backend->cpu->mmu.executed[backend->counts_as_user] += icount - backend->counted_to;
    backend->counted_to = icount;
}

void x64_begin_stretch(struct backend *backend, const struct bt_block *block, uint64_t icount) {
    struct x64_context *context = backend->context;
    const struct cpu *cpu = backend->cpu;
    uint64_t most = block->mode.uses_window ? MOST_BUDGET : TABLES_SLICE;
    uint64_t left = cpu->icount_limit > icount ? cpu->icount_limit - icount : 0;
    left = left < most ? left : most;
    x64_set_instructions_left(context, (int64_t)left);
    context->limit = icount + left;
    context->jump_bias = ((const struct x64_block *)block->host)->jump_bias;
    context->holds_simd = block->mode.simd_usable;
    x64_count_executed(backend, icount); /* what a fault kept the last run from counting */
    backend->counts_as_user = block->mode.is_user;
}

static void count_jumps(struct backend *backend) {
    struct x64_context *context = backend->context;
    backend->counters->jump_misses += backend->has_missed;
    backend->counters->return_misses += context->return_misses;
    backend->counters->return_bottoms += context->return_bottoms;
    context->return_misses = context->return_bottoms = 0;
}

/** Count the way out; the exit taken when it is one to link, or NULL. */
static struct block_link *note_exit(struct backend *backend, enum block_exit exit) {
    uintptr_t last = backend->context->last_exit;
    struct block_link *link = NULL;
    enum exit_cause cause = CAUSE_UNLINKED;
    if (exit == EXIT_EVENT)
        cause = CAUSE_EVENT;
    else if (exit == EXIT_INTERPRET)
        cause = CAUSE_WRITE;
    else if (last < CAUSE_COUNT)
        cause = (enum exit_cause)last;
    else
        link = (struct block_link *)last;
    backend->counters->exits[cause]++;
    return link;
}

typedef uint32_t enter_fn(struct cpu *cpu, const void *entry, uint8_t *biased_jumps);

static enum block_exit x64_run(struct backend *backend, struct cpu *cpu, struct bt_block *block,
                               struct block_link **last_link) {
    struct x64_context *context = backend->context;
    context->last_exit = CAUSE_HANDLER;
    context->mapping = interp_context(cpu);
    if (backend->has_missed)
        jumps_remember(backend, block);
    backend->has_missed = false;
    x64_know_block(backend, block);
    x64_begin_stretch(backend, block, cpu->icount);
    context->flags = x64_flags_from_eflags(lazy_flags_get(&cpu->lazy));
    x64_signals_enter(backend);
    x64_load_window(backend, block->mode.uses_window);
    enter_fn *enter = (enter_fn *)(uintptr_t)backend->thunks.enter;
    uint8_t *jumps = (uint8_t *)backend->memory.jump_keys + JUMPS_BIAS;
    uint32_t exit = enter(cpu, block->entry, jumps);
    lazy_flags_set(&cpu->lazy, x64_flags_to_eflags(context->flags));
    cpu->icount = context->limit - (uint64_t)x64_instructions_left(context);
    x64_count_executed(backend, cpu->icount);
    *last_link = note_exit(backend, (enum block_exit)exit);
    backend->has_missed = exit == EXIT_MISS;
    count_jumps(backend);
    slow_sites_retry(backend, cpu->icount);
    return backend->has_missed ? EXIT_NEXT : (enum block_exit)exit;
}

static void patch_jump(struct backend *backend, uint32_t displacement, uint32_t target) {
    store_le32(backend->memory.writable + displacement, target - (displacement + 4));
}

/** Whether the jump needs no look at the event page. A loop has a jump back, a call or a jump
 * through the table, and a landing follows a call; so all that leads forward may go on at once. */
static bool leads_forward(const struct block_link *link) {
    const struct x64_block *from = link->from->host;
    bool is_call = from->has_landing && link == &link->from->link[0];
    return !is_call && link->to->linear > link->from->linear;
}

static void x64_link(struct backend *backend, struct block_link *link) {
    const struct x64_block *target = link->to->host;
    bool is_one_page = (link->from->linear ^ link->to->linear) >> GUEST_PAGE_SHIFT == 0;
    uint32_t entry = target->guard;
    if (is_one_page)
        entry = leads_forward(link) ? target->past_poll : target->start;
    if (link->host_offset != 0)
        patch_jump(backend, link->host_offset, entry);
}

static void x64_unlink(struct backend *backend, struct block_link *link) {
    const struct x64_block *from = link->from->host;
    size_t number = (size_t)(link - link->from->link);
    bool is_side_exit = number >= IR_FIRST_SIDE_EXIT;
    if (link->host_offset != 0)
        patch_jump(backend, link->host_offset,
                   is_side_exit ? link->host_offset + 4 : from->exit_stub[number]);
}

static void x64_retire(struct backend *backend, struct bt_block *block) {
    const struct x64_block *record = block->host;
    jumps_forget(backend, block);
    jumps_count_site(backend, record, -1);
    /* A callee may return into the block, whose links nobody will undo. */
    if (record->has_landing)
        patch_jump(backend, block->link[1].host_offset,
                   (uint32_t)(backend->thunks.jump - backend->memory.code));
    x64_forget_block(backend, block);
}

static void x64_invalidate(struct backend *backend, struct bt_block *block) {
    block->host = NULL;
}

static uint64_t x64_used_bytes(const struct backend *backend) {
    return backend->memory.used - backend->first_block +
           backend->place_count * sizeof(*backend->places);
}

static void x64_flush(struct backend *backend) {
    backend->memory.used = backend->first_block;
    backend->place_count = 0;
    slow_sites_clear(&backend->slow_sites);
    jumps_clear(backend);
}

static void x64_request_exit(struct backend *backend) {
    mprotect(backend->memory.event, HOST_PAGE_BYTES, PROT_NONE);
}

static bool x64_uses_window(struct backend *backend) {
    return x64_window_in_force(backend);
}

/* Windows are looked up at each entry, and blocks check their mapping. */
static void x64_context_changed(struct backend *backend) {}

static void x64_sync_state(struct backend *backend) {
    x87_make_absent(backend->context);
}

static void x64_print(struct backend *backend, const struct bt_block *block, FILE *out) {
    const struct x64_block *record = block->host;
    struct disasm *disasm = disasm_create();
    if (disasm == NULL)
        return;
    const uint8_t *code = backend->memory.code + record->start;
    disasm_print(disasm, DISASM_64, code, record->end - record->start, (uintptr_t)code, out);
    disasm_destroy(disasm);
}

const struct backend_ops backend_x86_64 = {
    .name = "x86_64",
    .links_pages = true,
    .create = x64_create,
    .destroy = x64_destroy,
    .translate = x64_translate,
    .run = x64_run,
    .used_bytes = x64_used_bytes,
    .link = x64_link,
    .unlink = x64_unlink,
    .retire = x64_retire,
    .invalidate = x64_invalidate,
    .flush = x64_flush,
    .request_exit = x64_request_exit,
    .uses_window = x64_uses_window,
    .context_changed = x64_context_changed,
    .sync_state = x64_sync_state,
    .print = x64_print,
};
