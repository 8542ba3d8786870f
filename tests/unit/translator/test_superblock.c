/*
 * Superblocks: hot loops of several basic blocks leave what the interpreter leaves, wherever they
 * are stopped, however they are left, and whatever faults or changes in their middle.
 */
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"
#include "translator/lift/lift.h"
#include "translator/superblock.h"

#include <criterion/criterion.h>
#include <string.h>

struct program {
    const uint8_t *code;
    size_t size;
    uint32_t ecx;         /* rounds */
    uint32_t unmapped;    /* a page that is not present; 0: no paging */
    unsigned superblocks; /* that must have been made, at least */
};

static void earn_window(struct engine_pair *pair) {
    struct mmu *mmu = &pair->tested->cpu.mmu;
    for (unsigned i = 0; i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
}

static void prepare(struct engine_pair *pair, const struct program *program) {
    struct flat_machine *const machines[] = {pair->reference, pair->tested};
    engine_pair_load(pair, program->code, program->size, true);
    for (unsigned i = 0; i < 2; i++) {
        struct cpu *cpu = &machines[i]->cpu;
        cpu->gpr[GPR_EAX] = cpu->gpr[GPR_EDX] = 0;
        cpu->gpr[GPR_EBX] = FLAT_DATA;
        cpu->gpr[GPR_ECX] = program->ecx;
        cpu->gpr[GPR_ESI] = 100;
        if (program->unmapped == 0)
            continue;
        flat_machine_enable_paging(machines[i]);
        flat_machine_set_pte(machines[i], program->unmapped, 0);
    }
}

static bool has_same_x87_pointers(const struct engine_pair *pair) {
    const struct x87_state *a = &pair->reference->cpu.x87, *b = &pair->tested->cpu.x87;
    return a->code_offset == b->code_offset && a->code_selector == b->code_selector &&
           a->data_offset == b->data_offset && a->data_selector == b->data_selector &&
           a->opcode == b->opcode;
}

/** Run the program in portions of so many instructions, and compare after each. */
static void compare(const struct program *program, const char *backend, bool has_window,
                    unsigned portion) {
    struct engine_pair pair;
    char message[200];
    engine_pair_create(&pair, backend);
    prepare(&pair, program);
    if (has_window)
        earn_window(&pair);
    const struct cpu *cpu = &pair.reference->cpu;
    for (uint64_t limit = portion; cpu->activity == CPU_RUNNING; limit += portion) {
        engine_pair_run(&pair, limit);
        cr_assert(engine_pair_agrees(&pair, message, sizeof(message)),
                  "%s in portions of %u, at %u: %s", backend, portion, (unsigned)limit, message);
        cr_assert(has_same_x87_pointers(&pair), "%s in portions of %u, at %u: x87 pointers",
                  backend, portion, (unsigned)limit);
    }
    cr_expect_geq(translator_statistics(pair.translator)->superblocks, program->superblocks,
                  "%s in portions of %u", backend, portion);
    cr_expect_gt(translator_counters(pair.translator)->superblock_runs, 0);
    engine_pair_destroy(&pair);
}

static void check(const struct program *program) {
    static const unsigned portions[] = {61, 250, 1013};
    for (unsigned i = 0; i < sizeof(portions) / sizeof(portions[0]); i++) {
        compare(program, "portable", false, portions[i]);
#if defined(__x86_64__)
        compare(program, "x86_64", false, portions[i]);
        compare(program, "x86_64", true, portions[i]);
#endif
    }
}

/* L: inc eax; test al,3; jz S; add edx,eax; jmp M; S: sub edx,7;
   M: mov [ebx],edx; adc esi,edx; dec ecx; jnz L; hlt */
static const uint8_t branchy[] = {0x40, 0xa8, 0x03, 0x74, 0x04, 0x01, 0xc2, 0xeb, 0x03, 0x83,
                                  0xea, 0x07, 0x89, 0x13, 0x11, 0xd6, 0x49, 0x75, 0xed, 0xf4};

Test(superblock, stops_and_side_exits_keep_count_and_flags_exact) {
    const struct program program = {branchy, sizeof(branchy), .ecx = 4000, .superblocks = 1};
    check(&program);
}

/* L: mov eax,1000; xor edx,edx; cmp esi,5; jb X; cmp ecx,7; div ecx; X: dec ecx; jns L; hlt */
Test(superblock, a_division_error_in_a_later_basic_block_shows_exact_state) {
    static const uint8_t code[] = {0xb8, 0xe8, 0x03, 0x00, 0x00, 0x31, 0xd2, 0x83, 0xfe, 0x05, 0x72,
                                   0x05, 0x83, 0xf9, 0x07, 0xf7, 0xf1, 0x49, 0x79, 0xec, 0xf4};
    const struct program program = {code, sizeof(code), .ecx = 2000, .superblocks = 1};
    check(&program);
}

/* L: add eax,3; cmp eax,0x70000000; jg X; cmp eax,ecx; add [ebx],eax; lea ebx,[ebx+4]; jmp L;
   X: hlt */
Test(superblock, a_page_fault_in_a_later_basic_block_shows_exact_state) {
    static const uint8_t code[] = {0x83, 0xc0, 0x03, 0x3d, 0x00, 0x00, 0x00, 0x70, 0x7f, 0x09,
                                   0x39, 0xc8, 0x01, 0x03, 0x8d, 0x5b, 0x04, 0xeb, 0xed, 0xf4};
    const struct program program = {code, sizeof(code), .ecx = 77, .unmapped = FLAT_DATA + 0x3000,
                                    .superblocks = 1};
    check(&program);
}

/* L: inc eax; test ax,0x3ff; jnz K; mov [P+1],ah; K: xor esi,eax; P: mov dl,7; add esi,edx;
   dec ecx; jnz L; hlt */
Test(superblock, one_that_changes_itself_runs_the_new_code) {
    static const uint8_t code[] = {0x40, 0x66, 0xa9, 0xff, 0x03, 0x75, 0x06, 0x88,
                                   0x25, 0x90, 0x00, 0x01, 0x00, 0x31, 0xc6, 0xb2,
                                   0x07, 0x01, 0xd6, 0x49, 0x75, 0xea, 0xf4};
    const struct program program = {code, sizeof(code), .ecx = 9000, .superblocks = 1};
    check(&program);
}

/* L: inc eax; test ah,0x10; jz A; add edx,3; xor esi,edx; jmp B; A: sub edx,eax; sbb edi,edx;
   B: dec ecx; jnz L; hlt: which way is hot changes every 4096 rounds. */
Test(superblock, a_path_that_is_left_most_of_the_time_is_replaced) {
    static const uint8_t code[] = {0x40, 0xf6, 0xc4, 0x10, 0x74, 0x07, 0x83, 0xc2, 0x03, 0x31, 0xd6,
                                   0xeb, 0x04, 0x29, 0xc2, 0x19, 0xd7, 0x49, 0x75, 0xec, 0xf4};
    const struct program program = {code, sizeof(code), .ecx = 20000, .superblocks = 2};
    check(&program);
}

/* fninit; L: fld dword [ebx]; add ebx,4; dec ecx; fstp dword [ebx+ecx*4+0x100]; sub ebx,4; dec ecx;
   mov edx,[ebx+ecx*4]; test cl,15; jz R; M: test ecx,ecx; jns L; hlt;
   R: fnstenv [0x118000]; mov ebp,ebx; jmp M */
Test(superblock, x87_pointers_are_exact_where_it_is_left) {
    static const uint8_t code[] = {0xdb, 0xe3, 0xd9, 0x03, 0x83, 0xc3, 0x04, 0x49, 0xd9, 0x9c, 0x8b,
                                   0x00, 0x01, 0x00, 0x00, 0x83, 0xeb, 0x04, 0x49, 0x8b, 0x14, 0x8b,
                                   0xf6, 0xc1, 0x0f, 0x74, 0x05, 0x85, 0xc9, 0x79, 0xe3, 0xf4, 0xd9,
                                   0x35, 0x00, 0x80, 0x11, 0x00, 0x89, 0xdd, 0xeb, 0xf1};
    const struct program program = {code, sizeof(code), .ecx = 6000, .superblocks = 1};
    check(&program);
}

/* fninit; L: fld dword [ebx]; fstp st0; add ebx,4; mov edx,[ebx+4]; dec ecx; jnz L; hlt */
Test(superblock, x87_pointers_are_exact_when_a_load_faults) {
    static const uint8_t code[] = {0xdb, 0xe3, 0xd9, 0x03, 0xdd, 0xd8, 0x83, 0xc3,
                                   0x04, 0x8b, 0x53, 0x04, 0x49, 0x75, 0xf3, 0xf4};
    const struct program program = {code, sizeof(code), .ecx = 9000, .unmapped = FLAT_DATA + 0x5000,
                                    .superblocks = 1};
    check(&program);
}

static bool majority(uint16_t first, uint16_t second) {
    struct recorder recorder = {.mode = {0}};
    const struct bt_block block = {.ip = 0x100, .page_ip = 0};
    uint32_t ip;
    recorder_begin(&recorder, &block);
    for (unsigned i = 0; i < first; i++)
        recorder_step(&recorder, 0x100, 0x102);
    for (unsigned i = 0; i < second; i++)
        recorder_step(&recorder, 0x100, 0x110);
    return recorder_next(&recorder, 0x100, &ip) && ip == (first > second ? 0x102 : 0x110);
}

Test(recorder, follows_the_way_that_was_taken_most) {
    cr_expect(majority(9, 1));
    cr_expect(majority(2, 8));
}

Test(recorder, ends_the_path_where_both_ways_are_taken) {
    cr_expect_not(majority(5, 5));
    cr_expect_not(majority(0, 0));
}

/** Samples of a block, each after so many instructions, until it is hot. */
static unsigned samples_until_hot(struct bt_block *block, uint64_t instructions) {
    struct recorder recorder = {.mode = {0}};
    for (unsigned samples = 1; samples < 1000; samples++) {
        recorder_note_stop(&recorder, block->linear, samples * instructions);
        if (recorder_finds_hot(&recorder, block))
            return samples;
    }
    return 1000;
}

Test(recorder, takes_one_sample_after_a_long_run_for_several_after_short_ones) {
    struct bt_block after_short_runs = {.linear = 0x1000}, after_long_runs = {.linear = 0x1000};
    cr_expect_eq(samples_until_hot(&after_short_runs, 1000), 3);
    cr_expect_eq(samples_until_hot(&after_long_runs, 10000000), 1);
}

Test(recorder, asks_for_twice_as_many_samples_after_each_attempt) {
    struct bt_block block = {.linear = 0x1000, .attempts = 2};
    cr_expect_eq(samples_until_hot(&block, 1000), 12);
}

Test(recorder, looks_at_the_path_of_a_superblock_again_much_later) {
    struct bt_block block = {.linear = 0x1000, .is_superblock = true};
    cr_expect_eq(samples_until_hot(&block, 1000), 24);
}

Test(recorder, takes_no_block_for_the_one_that_was_stopped_but_that_at_its_address) {
    struct recorder recorder = {.mode = {0}};
    struct bt_block block = {.linear = 0x2000};
    recorder_note_stop(&recorder, 0x1000, 10000000);
    cr_expect_not(recorder_finds_hot(&recorder, &block));
    cr_expect_eq(recorder.samples, 0);
}

Test(recorder, finds_the_head_of_the_loop_that_was_gone_round_most) {
    struct recorder recorder = {.mode = {0}};
    const struct bt_block block = {.ip = 0x100, .page_ip = 0};
    uint32_t ip = 0;
    recorder_begin(&recorder, &block);
    for (unsigned outer = 0; outer < 5; outer++) {
        for (unsigned inner = 0; inner < 5; inner++)
            recorder_step(&recorder, 0x120, 0x110);
        recorder_step(&recorder, 0x130, 0x100);
    }
    cr_expect(recorder_find_loop(&recorder, &ip));
    cr_expect_eq(ip, 0x110, "%x", ip);
}

/* What the branch at each IP of `branchy` does when S is rare. */
static bool branchy_next(const void *path, uint32_t ip, uint32_t *next_ip) {
    const uint32_t start = *(const uint32_t *)path;
    static const uint8_t next[20] = {[3] = 5, [7] = 12, [17] = 0};
    *next_ip = start + next[ip - start];
    return true;
}

static void lift_branchy(struct ir_block *ir, uint8_t page[GUEST_PAGE_SIZE]) {
    char message[128];
    struct error error;
    const uint32_t start = 0x5000ffc;
    struct decode_index *index = decode_index_create(UINT64_MAX, &error);
    const struct block_mode mode = {
        .code_is_32 = true, .stack_is_32 = true, .code_limit = UINT32_MAX};
    const struct lift_source source = {.page = page, .offset = 0x234, .ip = start, .index = index};
    memcpy(page + source.offset, branchy, sizeof(branchy));
    cr_assert_eq(lift_superblock(&source, &mode, branchy_next, &start, ir), LIFT_OK);
    cr_assert(ir_verify(ir, message, sizeof(message)), "%s", message);
    decode_index_destroy(index);
}

Test(superblock, lifting_follows_the_path_and_unrolls_short_loops) {
    static struct ir_block ir;
    static uint8_t page[GUEST_PAGE_SIZE];
    lift_branchy(&ir, page);
    const struct ir_insn *end = &ir.insn[ir.count - 1];
    cr_expect_eq(ir.guest_count % 9, 0, "%u instructions", ir.guest_count);
    cr_expect_gt(ir.guest_count, 9);
    cr_expect_eq(end->op, IR_BRANCH);
    cr_expect_eq(end->imm, ir.ip);
    /* In each round one branch leads off the path, and in all but the last the loop's end. */
    cr_expect_eq(ir.exit_count, IR_FIRST_SIDE_EXIT + 2 * (ir.guest_count / 9) - 1);
}

Test(superblock, depends_on_the_bytes_of_its_path_only) {
    static struct ir_block ir;
    static uint8_t page[GUEST_PAGE_SIZE];
    lift_branchy(&ir, page);
    struct bt_block *block = block_map_allocate(&ir, 1, 0x234, 1);
    cr_assert_not_null(block);
    cr_expect_not(bt_block_covers(block, 0x233, 1));
    cr_expect(bt_block_covers(block, 0x234, 1));
    cr_expect(bt_block_covers(block, 0x234 + 8, 1));
    cr_expect_not(bt_block_covers(block, 0x234 + 9, 3), "the instruction that is off the path");
    cr_expect(bt_block_covers(block, 0x234 + 12, 1));
    cr_expect_not(bt_block_covers(block, 0x234 + 19, 8));
    block_map_discard(block);
}
