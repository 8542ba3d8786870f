/*
 * The dispatcher: find or translate the block at CS:EIP, run it until it comes back, link what can
 * be linked. Events, faults, halts and debug traps are the business of interp's run loop, which
 * calls this file for each stretch of guest code; whatever cannot be translated here and now is
 * interpreted, one instruction or a bounded run at a time.
 */
#include "translator/run.h"

#include "interp/cpu/part.h"
#include "translator/cache/block_map.h"
#include "translator/cache/warm_up.h"
#include "translator/helpers.h"
#include "translator/lift/lift.h"
#include "translator/mode.h"
#include "translator/opt/passes.h"
#include "translator/superblock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Different CS limits that blocks may be translated for at a time: what the mode key can tell. */
#define CODE_LIMITS 1024u
#define RECENT      1024u

/* What ran last, for translator_explain. */
struct last_run {
    struct bt_block *block; /* NULL: interpreted; may be gone since, so look it up by `key` */
    struct block_place_key key;
};

/* A block that was found at an IP, for as long as no block goes and its page is mapped the same. */
struct recent_block {
    struct bt_block *block;
    uint64_t generation;
};

struct translator {
    struct cpu *cpu;
    const struct backend_ops *ops;
    struct backend *backend;
    struct block_map *map;
    struct decode_index *index;
    struct disasm *disasm;
    unsigned code_subscriber;
    bool counts_instructions;
    bool stops_after_block;          /* translator_run_block */
    unsigned block_limit;            /* guest instructions in one block; 0: as many as fit */
    struct block_link *pending_link; /* exit taken last, if its target is not known yet */
    uint64_t context;                /* insn_cache context for which the back end's caches hold */
    struct warm_up *warm_up;
    uint32_t code_limits[CODE_LIMITS];           /* CS limits by class */
    unsigned code_limit_count, code_limit_class; /* the class: of the limit looked up last */
    uint64_t generation;                         /* counts moments when blocks went */
    struct recent_block recent[RECENT];          /* by linear address */
    struct ir_block ir;                          /* under construction; too large for a stack */
    struct last_run last;
    struct recorder recorder;
    bool is_interpreting;      /* since cpu->icount was ... */
    uint64_t interpreted_from; /* ... this */
    struct translator_statistics statistics;
    struct backend_counters counters;
};

static const struct backend_ops *find_backend(const char *name, struct error *error) {
    static const struct backend_ops *const known[] = {
#if defined(__x86_64__) && defined(TRANSLATOR_HAS_X86_64)
        &backend_x86_64,
#endif
        &backend_portable,
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (name == NULL || strcmp(name, known[i]->name) == 0)
            return known[i];
    error_set(error, "this host has no translator back end '%s'", name);
    return NULL;
}

struct code_write {
    struct translator *translator;
    bool is_whole_frame;
};

static void block_killed(void *opaque, const struct bt_block *block) {
    const struct code_write *write = opaque;
    warm_up_note_loss(write->translator->warm_up, block->frame, block->frame_offset,
                      write->translator->cpu->icount, write->is_whole_frame);
}

/** Code of a frame changed. Blocks leave the map at once; a running one finishes its instruction.
 */
static void code_written(void *opaque, frame_number frame, unsigned offset, unsigned size) {
    struct translator *t = opaque;
    struct code_write write = {t, offset == 0 && size == GUEST_PAGE_SIZE};
    unsigned count = block_map_invalidate(t->map, frame, offset, size, block_killed, &write);
    t->generation += count != 0;
    t->statistics.invalidations += count;
    if (!block_map_has_frame(t->map, frame))
        code_pages_clear(t->cpu->code_pages, t->code_subscriber, frame);
}

/* Linked blocks look at nothing but the event page. */
static void kicked(void *opaque) {
    translator_request_exit(opaque);
}

bool translator_is_native(void) {
#ifdef TRANSLATOR_HAS_X86_64
    return true;
#else
    return false;
#endif
}

struct translator *translator_create_on(const struct backend_ops *ops, struct cpu *cpu,
                                        uint64_t code_cache_bytes, bool counts_instructions,
                                        struct error *error) {
    struct translator *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        error_set(error, "out of memory for the translator");
        return NULL;
    }
    t->cpu = cpu;
    t->counts_instructions = counts_instructions;
    t->ops = ops;
    t->backend = ops->create(cpu, code_cache_bytes, &t->counters, error);
    if (t->backend != NULL)
        t->map = block_map_create(t->ops, t->backend, physmem_frame_limit(cpu->physmem),
                                  code_cache_bytes, error);
    if (t->map != NULL)
        t->warm_up = warm_up_create(error);
    if (t->warm_up != NULL)
        t->index = decode_index_create(cpu->features, error);
    if (t->index == NULL) {
        translator_destroy(t);
        return NULL;
    }
    t->disasm = disasm_create();
    cpu->kicked = kicked;
    cpu->kicked_opaque = t;
    t->code_subscriber = code_pages_subscribe(cpu->code_pages, code_written, t);
    return t;
}

struct translator *translator_create(struct cpu *cpu, const char *backend,
                                     uint64_t code_cache_bytes, bool counts_instructions,
                                     struct error *error) {
    const struct backend_ops *ops = find_backend(backend, error);
    return ops == NULL
               ? NULL
               : translator_create_on(ops, cpu, code_cache_bytes, counts_instructions, error);
}

void translator_destroy(struct translator *t) {
    if (t == NULL)
        return;
    t->cpu->kicked = NULL;
    if (t->map != NULL)
        block_map_destroy(t->map);
    free(t->warm_up);
    if (t->backend != NULL)
        t->ops->destroy(t->backend);
    if (t->index != NULL)
        decode_index_destroy(t->index);
    if (t->disasm != NULL)
        disasm_destroy(t->disasm);
    free(t);
}

static void flush(struct translator *t) {
    t->recorder.is_recording = false;
    block_map_flush(t->map);
    t->pending_link = NULL;
    t->last.block = NULL;
    t->generation++;
    t->statistics.flushes++;
}

/** The class of a CS limit; when there are too many, all translations go. */
static unsigned code_limit_class(struct translator *t, uint32_t limit) {
    if (t->code_limit_class < t->code_limit_count && t->code_limits[t->code_limit_class] == limit)
        return t->code_limit_class;
    unsigned class = 0;
    while (class < t->code_limit_count && t->code_limits[class] != limit)
        class ++;
    if (class == CODE_LIMITS) {
        flush(t);
        t->code_limit_count = class = 0;
    }
    if (class == t->code_limit_count)
        t->code_limits[t->code_limit_count++] = limit;
    t->code_limit_class = class;
    return class;
}

static struct block_mode current_mode(struct translator *t) {
    struct block_mode mode = mode_of_cpu(t->cpu);
    mode.counts_instructions = t->counts_instructions;
    mode.uses_window = t->ops->uses_window(t->backend);
    mode.code_limit_class = (uint16_t)code_limit_class(t, mode.code_limit);
    return mode;
}

/** Flags that may be read behind an exit to `ip`: looks at code in the same page. */
static uint16_t flags_live_at(const struct translator *t, const uint8_t *page, uint32_t ip) {
    uint32_t offset = ip - t->ir.page_ip;
    /* A run that counts may stop behind any block, and must show the same state on any engine. */
    if (t->counts_instructions || offset >= GUEST_PAGE_SIZE)
        return FLAGS_ARITHMETIC;
    return flags_read_by_successor(page + offset, GUEST_PAGE_SIZE - offset, &t->ir.mode, t->index);
}

/** Flags that may be read behind a block. */
static uint16_t flags_live_out(const struct translator *t, const uint8_t *page) {
    const struct ir_insn *end = &t->ir.insn[t->ir.count - 1];
    switch (end->op) {
    case IR_JUMP:
        return flags_live_at(t, page, end->imm);
    case IR_BRANCH:
        return flags_live_at(t, page, end->imm) | flags_live_at(t, page, end->imm2);
    default:
        return FLAGS_ARITHMETIC;
    }
}

static void add_flags_live_at_side_exits(struct translator *t, const uint8_t *page) {
    for (unsigned i = 0; i < t->ir.count; i++) {
        struct ir_insn *insn = &t->ir.insn[i];
        if (insn->op == IR_EXIT_IF)
            insn->flags_in |= flags_live_at(t, page, insn->imm);
    }
}

static void verify(const struct translator *t, const char *stage) {
#ifndef NDEBUG
    char message[128];
    if (!ir_verify(&t->ir, message, sizeof(message))) {
        fprintf(stderr, "IR is broken after %s: %s\n", stage, message);
        ir_print(&t->ir, t->disasm, stderr);
        abort();
    }
#endif
}

static void log_ir(struct translator *t, uint32_t item, const char *title) {
    struct log *log = t->cpu->log;
    if (!log_is_on(log, item))
        return;
    fprintf(log->out, "---- %s %08x\n", title, t->ir.ip);
    ir_print(&t->ir, t->disasm, log->out);
}

static void optimise(struct translator *t, const uint8_t *page) {
    pass_fold_constants(&t->ir);
    verify(t, "constant folding");
    add_flags_live_at_side_exits(t, page);
    pass_dead_flags(&t->ir, flags_live_out(t, page));
    pass_dead_code(&t->ir);
    verify(t, "removal of dead code");
}

/** Hand the IR to the back end, making room once if it has none and `may_flush`. */
static struct bt_block *generate(struct translator *t, const struct fetch_page *page,
                                 uint32_t linear, bool may_flush) {
    uintptr_t addend = (uintptr_t)page->host - (linear & ~(uint32_t)GUEST_PAGE_MASK);
    if (addend == 0) /* an entry of 0 says nothing */
        return NULL;
    struct bt_block *block = block_map_allocate(&t->ir, page->frame, linear, addend);
    if (block == NULL)
        return NULL;
    bool is_done =
        block_map_has_room(t->map, &t->ir) && t->ops->translate(t->backend, &t->ir, block);
    if (!is_done && may_flush) {
        flush(t);
        is_done = t->ops->translate(t->backend, &t->ir, block);
    }
    if (!is_done) {
        block_map_discard(block);
        return NULL;
    }
    t->statistics.host_bytes += block->host_bytes;
    return block;
}

/** Let the block be found, and writes to its bytes be heard of. */
static void publish(struct translator *t, struct bt_block *block) {
    block_map_insert(t->map, block);
    for (unsigned i = 0; i < block->piece_count; i++)
        code_pages_mark(t->cpu->code_pages, t->code_subscriber, block->frame,
                        block->piece[i].offset, block->piece[i].bytes);
    if (log_is_on(t->cpu->log, LOG_OUT_ASM)) {
        fprintf(t->cpu->log->out, "---- host code of %08x\n", block->ip);
        t->ops->print(t->backend, block, t->cpu->log->out);
    }
}

/** Whether the IR's guest code lies below the CS limit; the interpreter raises the #GP otherwise.
 */
static bool is_within_limit(const struct ir_block *ir) {
    for (unsigned i = 0; i < ir->piece_count; i++) {
        uint32_t ip = ir->page_ip + ir->piece[i].offset;
        if (ip + (uint64_t)ir->piece[i].bytes > (uint64_t)ir->mode.code_limit + 1)
            return false;
    }
    return true;
}

static struct bt_block *translate(struct translator *t, const struct fetch_page *page,
                                  uint32_t linear, const struct block_mode *mode) {
    const struct lift_source source = {
        .page = page->host,
        .offset = linear & GUEST_PAGE_MASK,
        .ip = (uint32_t)t->cpu->eip,
        .index = t->index,
        .most_guest = t->block_limit,
    };
    if (lift_block(&source, mode, &t->ir) != LIFT_OK || !is_within_limit(&t->ir))
        return NULL;
    verify(t, "lifting");
    log_ir(t, LOG_OP | LOG_IN_ASM, "lifted");
    optimise(t, page->host);
    log_ir(t, LOG_OP_OPT, "optimised");
    struct bt_block *block = generate(t, page, linear, true);
    if (block == NULL)
        return NULL;
    publish(t, block);
    t->statistics.blocks++;
    t->statistics.guest_instructions_translated += block->guest_count;
    return block;
}

/** Lift the recorded path that begins at `ip`, if it is more than a basic block. */
static bool lift_path(struct translator *t, const uint8_t *page, uint32_t ip) {
    const struct lift_source source = {
        .page = page,
        .offset = ip - t->recorder.page_ip,
        .ip = ip,
        .index = t->index,
    };
    bool is_lifted =
        lift_superblock(&source, &t->recorder.mode, recorder_next, &t->recorder, &t->ir) == LIFT_OK;
    return is_lifted && t->ir.has_gone_on && is_within_limit(&t->ir);
}

/** A superblock of the recorded path from `ip` on; false when there is none, or it exists already.
 *  It takes the place of the block that was there. */
static bool make_superblock(struct translator *t, const struct fetch_page *page, uint32_t ip) {
    struct block_place_key key = t->recorder.at;
    key.linear += ip - key.ip;
    key.ip = ip;
    struct bt_block *before = block_map_find(t->map, &key);
    unsigned attempts = before != NULL ? before->attempts + 1u : 0;
    if (attempts > SUPERBLOCK_ATTEMPTS || !lift_path(t, page->host, ip) ||
        (before != NULL && superblock_is_same(before, &t->ir)))
        return false;
    verify(t, "lifting");
    log_ir(t, LOG_OP | LOG_IN_ASM, "superblock lifted");
    optimise(t, page->host);
    log_ir(t, LOG_OP_OPT, "superblock optimised");
    struct bt_block *block = generate(t, page, key.linear, false);
    if (block == NULL)
        return false;
    if (before != NULL)
        block_map_remove(t->map, before);
    t->generation++;
    block->attempts = (uint8_t)attempts;
    publish(t, block);
    t->statistics.superblocks++;
    t->statistics.superblock_instructions += block->guest_count;
    return true;
}

/** Make of what was recorded a superblock of the loop that was found, else of the sampled block. */
static void use_recording(struct translator *t) {
    struct recorder *recorder = &t->recorder;
    uint8_t *host = physmem_frame_host(t->cpu->physmem, recorder->at.frame);
    struct bt_block *sampled = block_map_find(t->map, &recorder->at);
    uint32_t loop_ip;
    if (!recorder_end(recorder) || host == NULL || sampled == NULL)
        return;
    const struct fetch_page page = {.host = host, .frame = recorder->at.frame};
    sampled->attempts++;
    if (!recorder_find_loop(recorder, &loop_ip) || !make_superblock(t, &page, loop_ip))
        make_superblock(t, &page, recorder->at.ip);
}

static uint64_t host_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static struct bt_block *translate_timed(struct translator *t, const struct fetch_page *page,
                                        uint32_t linear, const struct block_mode *mode) {
    enum cpu_part before = cpu_enter_part(t->cpu, PART_TRANSLATOR);
    uint64_t from = host_now_ns();
    struct bt_block *block = translate(t, page, linear, mode);
    t->statistics.translation_ns += host_now_ns() - from;
    cpu_set_part(t->cpu, before);
    return block;
}

static void use_recording_timed(struct translator *t) {
    enum cpu_part before = cpu_enter_part(t->cpu, PART_TRANSLATOR);
    uint64_t from = host_now_ns();
    use_recording(t);
    t->statistics.translation_ns += host_now_ns() - from;
    cpu_set_part(t->cpu, before);
}

void translator_skip_warm_up(struct translator *t) {
    warm_up_skip(t->warm_up);
}

void translator_limit_blocks(struct translator *t, unsigned instructions) {
    flush(t);
    t->block_limit = instructions;
    translator_skip_warm_up(t);
}

/** Whether the block is what lies at a place whose frame is not known, as far as that can be told
 *  without a page walk. */
static bool is_mapped_here(const struct cpu *cpu, const struct bt_block *block,
                           const struct block_place_key *key) {
    return block != NULL && block->linear == key->linear && block->ip == key->ip &&
           block->mode_key == key->mode_key &&
           cpu->mmu.read_table[key->linear >> GUEST_PAGE_SHIFT] == block->addend;
}

static struct recent_block *recent_at(struct translator *t, uint32_t linear) {
    return &t->recent[(linear ^ linear >> 10) % RECENT];
}

/** The block at CS:EIP, translated if it is worth it; NULL: interpret. Raises #PF as a fetch. */
static struct bt_block *block_here(struct translator *t) {
    struct cpu *cpu = t->cpu;
    uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    struct block_mode mode = current_mode(t);
    struct block_place_key key = {
        .linear = linear, .ip = (uint32_t)cpu->eip, .mode_key = block_mode_key(&mode)};
    struct recent_block *recent = recent_at(t, linear);
    if (recent->generation == t->generation && is_mapped_here(cpu, recent->block, &key)) {
        t->statistics.recent_hits++;
        return recent->block;
    }
    key.frame = mmu_known_frame(&cpu->mmu, linear);
    struct bt_block *block = key.frame == FRAME_NONE ? NULL : block_map_find(t->map, &key);
    if (block == NULL) {
        struct fetch_page page;
        if (mmu_fetch_page(&cpu->mmu, linear, &page) != MMU_OK || page.host == NULL)
            return NULL;
        frame_number known = key.frame;
        key.frame = page.frame;
        if (known != page.frame)
            block = block_map_find(t->map, &key);
        unsigned offset = linear & GUEST_PAGE_MASK;
        if (block == NULL && warm_up_is_over(t->warm_up, page.frame, offset, cpu->icount))
            block = translate_timed(t, &page, linear, &mode);
        t->statistics.cold_visits += block == NULL;
    }
    *recent = (struct recent_block){.block = block, .generation = t->generation};
    return block;
}

/** Whether a jump from one block may go straight to another: in one mode and with one CS base; in
 *  one page, or to one whose mapping the target checks. */
static bool is_linkable(const struct translator *t, const struct block_link *link,
                        const struct bt_block *to) {
    const struct bt_block *from = link->from;
    bool is_one_page = (from->linear ^ to->linear) >> GUEST_PAGE_SHIFT == 0;
    return from->is_valid && link->to == NULL && link->target_ip == to->ip &&
           from->mode_key == to->mode_key && to->linear - from->linear == to->ip - from->ip &&
           (is_one_page ? from->frame == to->frame : t->ops->links_pages);
}

static void link_pending(struct translator *t, struct bt_block *to) {
    struct block_link *link = t->pending_link;
    t->pending_link = NULL;
    if (link != NULL && is_linkable(t, link, to)) {
        block_map_link(t->map, link, to);
        t->statistics.links++;
    }
}

/** All guest state to struct cpu. */
static void sync_state(struct translator *t) {
    if (t->ops->sync_state != NULL)
        t->ops->sync_state(t->backend);
}

/** Count what the interpreter executed; later than at its end when a fault left it. */
static void settle_interpreted(struct translator *t) {
    if (t->is_interpreting)
        t->statistics.interpreted_instructions += t->cpu->icount - t->interpreted_from;
    t->is_interpreting = false;
}

static void interpret(struct translator *t, uint64_t budget) {
    sync_state(t);
    t->pending_link = NULL;
    t->last.block = NULL;
    t->is_interpreting = true;
    t->interpreted_from = t->cpu->icount;
    cpu_set_part(t->cpu, PART_INTERPRETER);
    t->statistics.interpreted_stretches++;
    interp_execute(t->cpu, budget);
    settle_interpreted(t);
}

/** Interpret at most `budget` instructions of what cannot be entered as a block. */
static void interpret_some(struct translator *t, uint64_t budget) {
    if (budget > IR_MAX_GUEST)
        budget = IR_MAX_GUEST;
    if (t->stops_after_block)
        cpu_lower_limit(t->cpu, t->cpu->icount + budget);
    interpret(t, budget);
}

/** Execute one instruction and record where it leads; false when the recording has ended. */
static bool record(struct translator *t) {
    struct cpu *cpu = t->cpu;
    struct block_mode mode = current_mode(t);
    uint32_t ip = (uint32_t)cpu->eip;
    if (!recorder_goes_on(&t->recorder, ip, block_mode_key(&mode))) {
        use_recording_timed(t);
        return false;
    }
    interpret_some(t, 1);
    recorder_step(&t->recorder, ip, (uint32_t)cpu->eip);
    return true;
}

/** The block at CS:EIP, which is seldom the next to run, shall come by the dispatcher when it is.
 */
static void note_stop(struct translator *t) {
    uint32_t linear = (uint32_t)(t->cpu->seg[SEG_CS].base + t->cpu->eip);
    const struct recent_block *recent = recent_at(t, linear);
    recorder_note_stop(&t->recorder, linear, t->cpu->icount);
    if (recent->generation == t->generation && recent->block != NULL &&
        recent->block->linear == linear)
        recent->block->was_stopped = true;
}

static void run_block(struct translator *t, struct bt_block *block) {
    struct cpu *cpu = t->cpu;
    link_pending(t, block);
    t->last = (struct last_run){block, {block->frame, block->linear, block->ip, block->mode_key}};
    if (t->stops_after_block)
        cpu_lower_limit(cpu, cpu->icount + block->guest_count);
    cpu_set_part(cpu, PART_TRANSLATED);
    enum block_exit exit = t->ops->run(t->backend, cpu, block, &t->pending_link);
    cpu_set_part(cpu, PART_OTHER);
    cpu->insn = NULL;
    if (t->pending_link != NULL && !t->pending_link->from->is_valid)
        t->pending_link = NULL;
    block_map_reclaim(t->map);
    if (exit == EXIT_EVENT && !t->stops_after_block) /* there each block is stopped at */
        note_stop(t);
    if (exit == EXIT_INTERPRET)
        interpret(t, 1);
}

/** One stretch of guest code from an instruction boundary, at most `budget` instructions. */
static void execute(void *opaque, uint64_t budget) {
    struct translator *t = opaque;
    struct cpu *cpu = t->cpu;
    t->statistics.dispatches++;
    settle_interpreted(t);
    if (interp_context(cpu) != t->context) {
        t->context = interp_context(cpu);
        t->ops->context_changed(t->backend);
    }
    if (t->recorder.is_recording && record(t))
        return;
    if (budget == 1) {
        interpret(t, 1);
        return;
    }
    struct bt_block *block = block_here(t);
    if (block != NULL && t->block_limit == 0 && recorder_finds_hot(&t->recorder, block)) {
        recorder_begin(&t->recorder, block);
        record(t);
        return;
    }
    if (block == NULL || block->guest_count > budget)
        interpret_some(t, budget);
    else
        run_block(t, block);
}

enum cpu_exit translator_run(struct translator *t, uint64_t icount_limit) {
    t->pending_link = NULL;
    enum cpu_exit exit = cpu_run(t->cpu, icount_limit, execute, t);
    settle_interpreted(t);
    cpu_set_part(t->cpu, PART_OTHER);
    sync_state(t);
    return exit;
}

enum cpu_exit translator_run_block(struct translator *t, uint64_t icount_limit) {
    t->stops_after_block = true;
    enum cpu_exit exit = translator_run(t, icount_limit);
    t->stops_after_block = false;
    return exit;
}

void translator_explain(struct translator *t, FILE *out) {
    const struct last_run *last = &t->last;
    struct bt_block *block = NULL;
    if (last->block != NULL)
        block = block_map_find(t->map, &last->key);
    if (block == NULL) {
        fputs(last->block == NULL ? "(the code was interpreted, not translated)\n"
                                  : "(the translation has been invalidated)\n",
              out);
        return;
    }
    const uint8_t *page = physmem_frame_host(t->cpu->physmem, block->frame);
    const struct lift_source source = {
        .page = page,
        .offset = block->frame_offset,
        .ip = block->ip,
        .index = t->index,
        .most_guest = t->block_limit,
    };
    if (block->is_superblock)
        lift_superblock(&source, &block->mode, superblock_next, block, &t->ir);
    else
        lift_block(&source, &block->mode, &t->ir);
    fprintf(out, "---- guest code of %08x\n", block->ip);
    for (unsigned i = 0; i < block->piece_count; i++)
        disasm_print(t->disasm, block->mode.code_is_32 ? DISASM_32 : DISASM_16,
                     page + block->piece[i].offset, block->piece[i].bytes,
                     block->page_ip + block->piece[i].offset, out);
    fputs("---- IR as lifted\n", out);
    ir_print(&t->ir, t->disasm, out);
    optimise(t, page);
    fputs("---- IR as optimised\n", out);
    ir_print(&t->ir, t->disasm, out);
    fputs("---- host code\n", out);
    t->ops->print(t->backend, block, out);
}

void translator_request_exit(struct translator *t) {
    t->ops->request_exit(t->backend);
}

const struct translator_statistics *translator_statistics(const struct translator *t) {
    return &t->statistics;
}

void translator_count_reuse(const struct translator *t,
                            struct block_reuse reuse[BLOCK_REUSE_CLASSES]) {
    block_map_count_reuse(t->map, reuse);
}

const struct backend_counters *translator_counters(const struct translator *t) {
    return &t->counters;
}

void translator_count_samples(const struct translator *t, uint64_t *all, uint64_t *in_superblocks) {
    *all = t->recorder.samples;
    *in_superblocks = t->recorder.superblock_samples;
}
