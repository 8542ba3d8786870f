/*
 * Fuzz target: lifter and passes. Random code is lifted; the IR must be well-formed then and after
 * each pass, and what the passes made of it must leave the same machine as what they began with,
 * both run by the portable back end.
 */
#include "tests/fuzz/random_guest.h"
#include "translator/cache/block_map.h"
#include "translator/helpers.h"
#include "translator/lift/lift.h"
#include "translator/opt/passes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/** Lift for both sides and optimise one; false when no block can begin there. */
static bool make_ir(struct fuzz *fuzz, uint16_t live_out) {
    const struct cpu *cpu = &fuzz->plain.t->cpu;
    uint32_t at = TEST_CODE + RANDOM_GUEST_CODE_BYTES;
    unsigned offset = at % GUEST_PAGE_SIZE;
    const struct lift_source source = {.page = fuzz->plain.t->ram + at - offset,
                                       .offset = offset,
                                       .ip = (uint32_t)cpu->eip,
                                       .index = fuzz->index};
    struct block_mode mode = mode_of(cpu);
    struct ir_block *ir = &fuzz->optimised.ir;
    if (lift_block(&source, &mode, ir) != LIFT_OK)
        return false;
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
    frame_number frame = TEST_CODE >> GUEST_PAGE_SHIFT;
    side->has_run = side->has_faulted = false;
    side->block = block_map_allocate(&side->ir, frame, TEST_CODE + RANDOM_GUEST_CODE_BYTES, 0);
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
    random_guest_reset(&guest, fuzz.plain.t, 0);
    random_guest_reset(&guest, fuzz.optimised.t, 0);
    if (!make_ir(&fuzz, FLAGS_ARITHMETIC & ~dead))
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
