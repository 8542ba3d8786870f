/*
 * Fuzz target: lifter and passes. Random code is lifted, as a basic block or as a superblock along
 * the path that the interpreter took; the IR must be well-formed then and after each pass, and what
 * the passes made of it must leave the same machine as what they began with, both run by the
 * portable back end.
 */
#include "tests/fuzz/random_guest.h"
#include "translator/cache/block_map.h"
#include "translator/helpers.h"
#include "translator/lift/lift.h"
#include "translator/opt/passes.h"
#include "translator/superblock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WANTS_SUPERBLOCK 0x20 /* in an input's first byte */
#define RECORDED_STEPS   100

/* One machine with the IR that it runs. */
struct side {
    struct test_cpu *t;
    struct backend *backend;
    struct backend_counters counters;
    struct ir_block ir;
    struct bt_block *block;
    bool has_run, has_faulted;
};

struct fuzz {
    struct side plain, optimised;
    struct decode_index *index;
    struct disasm *disasm;
    struct recorder recorder;
};

static void create(struct fuzz *fuzz) {
    struct side *sides[] = {&fuzz->plain, &fuzz->optimised};
    for (unsigned i = 0; i < 2; i++) {
        sides[i]->t = test_cpu_create_sized("pentium4", RANDOM_GUEST_RAM);
        sides[i]->backend =
            backend_portable.create(&sides[i]->t->cpu, 1 << 20, &sides[i]->counters, NULL);
    }
    fuzz->index = decode_index_create(fuzz->plain.t->cpu.features, NULL);
    fuzz->disasm = disasm_create();
    if (fuzz->plain.backend == NULL || fuzz->optimised.backend == NULL || fuzz->index == NULL)
        abort();
}

static void verify(struct fuzz *fuzz, const char *stage) {
    char message[128];
    if (ir_verify(&fuzz->optimised.ir, message, sizeof(message)))
        return;
    fprintf(stderr, "IR is broken after %s: %s\n", stage, message);
    ir_print(&fuzz->optimised.ir, fuzz->disasm, stderr);
    abort();
}

static struct block_mode mode_of(const struct cpu *cpu) {
    struct block_mode mode = {.code_is_32 = cpu->code_is_32,
                              .stack_is_32 = cpu->stack_is_32,
                              .is_user = cpu->cpl == 3,
                              .is_protected = cpu->is_protected,
                              .is_v86 = cpu->is_v86,
                              .moves_down = (cpu->eflags & FLAG_DF) != 0,
                              .x87_usable = helper_x87_is_quiet(cpu),
                              .simd_usable = true, /* as random_guest.c sets it up */
                              .counts_instructions = true,
                              .code_limit = cpu->seg[SEG_CS].limit};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        mode.segment_check[i] = (uint8_t)helper_segment_check(&cpu->seg[i], i != SEG_CS);
    return mode;
}

/** Note the way that the interpreter goes from the guest's start. */
static void record_path(struct fuzz *fuzz, const struct random_guest *guest) {
    struct test_cpu *t = fuzz->plain.t;
    random_guest_reset(guest, t, 0);
    const struct bt_block begin = {.ip = (uint32_t)t->cpu.eip,
                                   .page_ip = (uint32_t)t->cpu.eip & ~GUEST_PAGE_MASK};
    recorder_begin(&fuzz->recorder, &begin);
    for (unsigned n = 1; n <= RECORDED_STEPS; n++) {
        uint32_t ip = (uint32_t)t->cpu.eip;
        if (interp_run(&t->cpu, n) != CPU_EXIT_LIMIT)
            return;
        recorder_step(&fuzz->recorder, ip, (uint32_t)t->cpu.eip);
    }
}

static enum lift_status lift(struct fuzz *fuzz, const struct lift_source *source,
                             const struct block_mode *mode, bool is_superblock) {
    struct ir_block *ir = &fuzz->optimised.ir;
    return is_superblock ? lift_superblock(source, mode, recorder_next, &fuzz->recorder, ir)
                         : lift_block(source, mode, ir);
}

/** Lift for both sides and optimise one; false when no block can begin there. */
static bool make_ir(struct fuzz *fuzz, bool is_superblock, uint16_t live_out) {
    const struct cpu *cpu = &fuzz->plain.t->cpu;
    uint32_t at = TEST_CODE + RANDOM_GUEST_CODE_BYTES;
    unsigned offset = at % GUEST_PAGE_SIZE;
    const struct lift_source source = {.page = fuzz->plain.t->ram + at - offset,
                                       .offset = offset,
                                       .ip = (uint32_t)cpu->eip,
                                       .index = fuzz->index};
    struct block_mode mode = mode_of(cpu);
    struct ir_block *ir = &fuzz->optimised.ir;
    if (lift(fuzz, &source, &mode, is_superblock) != LIFT_OK)
        return false;
    for (unsigned i = 0; i < ir->count; i++)
        if (ir_is_side_exit(&ir->insn[i]))
            ir->insn[i].flags_in |= live_out;
    fuzz->plain.ir = *ir;
    verify(fuzz, "lifting");
    pass_fold_constants(ir);
    verify(fuzz, "constant folding");
    pass_dead_flags(ir, live_out);
    verify(fuzz, "removal of dead flags");
    pass_dead_code(ir);
    verify(fuzz, "removal of dead code");
    return true;
}

/** The block once; nothing behind it, nor an exception's handler, is run. */
static void run_once(void *opaque, uint64_t budget) {
    struct side *side = opaque;
    struct cpu *cpu = &side->t->cpu;
    struct block_link *link;
    if (side->has_run) {
        side->has_faulted = true;
    } else {
        side->has_run = true;
        backend_portable.run(side->backend, cpu, side->block, &link);
        cpu->insn = NULL;
    }
    cpu->icount_limit = cpu->icount;
}

static void run(struct side *side) {
    struct cpu *cpu = &side->t->cpu;
    struct fetch_page page = {0};
    uint32_t linear = TEST_CODE + RANDOM_GUEST_CODE_BYTES;
    /* Blocks look whether their page is still where it was. */
    mmu_fetch_page(&cpu->mmu, linear, &page);
    uintptr_t addend = (uintptr_t)page.host - (linear & ~(uint32_t)GUEST_PAGE_MASK);
    side->has_run = side->has_faulted = false;
    side->block = block_map_allocate(&side->ir, page.frame, linear, addend);
    if (side->block == NULL || !backend_portable.translate(side->backend, &side->ir, side->block))
        abort();
    side->block->is_valid = true;
    cpu_run(cpu, 1000, run_once, side);
    backend_portable.invalidate(side->backend, side->block);
    block_map_discard(side->block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Made once: decode tables and machines take longer to make than an input to run. */
    static struct fuzz fuzz;
    struct random_guest guest;
    if (!random_guest_parse(&guest, data, size))
        return 0;
    if (fuzz.index == NULL)
        create(&fuzz);
    uint16_t dead = data[3] & FLAGS_ARITHMETIC;
    bool is_superblock = data[0] & WANTS_SUPERBLOCK;
    if (is_superblock)
        record_path(&fuzz, &guest);
    random_guest_reset(&guest, fuzz.plain.t, 0);
    random_guest_reset(&guest, fuzz.optimised.t, 0);
    if (!make_ir(&fuzz, is_superblock, FLAGS_ARITHMETIC & ~dead))
        return 0;
    run(&fuzz.plain);
    run(&fuzz.optimised);
    /* Only behind the block may dead flags differ. */
    if (!fuzz.plain.has_faulted && !fuzz.optimised.has_faulted) {
        cpu_set_eflags(&fuzz.plain.t->cpu, 0, dead);
        cpu_set_eflags(&fuzz.optimised.t->cpu, 0, dead);
    }
    if (!random_guest_same(&guest, fuzz.plain.t, fuzz.optimised.t, "optimised")) {
        ir_print(&fuzz.plain.ir, fuzz.disasm, stderr);
        ir_print(&fuzz.optimised.ir, fuzz.disasm, stderr);
        abort();
    }
    return 0;
}
