/* Repeated string instructions in line: counts, faults in the middle, wraps, overlaps, code. */
#include "softmmu/base/bits.h"
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>
#include <string.h>

#define SOURCE FLAT_DATA
#define TARGET (FLAT_DATA + 0x10000)
#define AREA   0xa000u /* bytes at each */

/* Both engines on the same program; the translated one with or without a window. */
struct run {
    const char *code; /* ends before HLTs */
    size_t size;
    uint32_t esi, edi, ecx, eax;
    uint32_t eflags;
};
#define RUN_OF(bytes, ...)                                                                         \
    ((const struct run){.code = (bytes), .size = sizeof(bytes) - 1, __VA_ARGS__})

static void grant_window(struct engine_pair *pair) {
    struct mmu *mmu = &pair->tested->cpu.mmu;
    for (unsigned i = 0; i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
    cr_assert_not_null(mmu_window(mmu));
}

static void create(struct engine_pair *pair, bool has_window) {
    engine_pair_create(pair, "x86_64");
    struct flat_machine *const machines[] = {pair->reference, pair->tested};
    for (unsigned i = 0; i < 2; i++)
        flat_machine_enable_paging(machines[i]);
    if (has_window)
        grant_window(pair);
}

static void set_entry(struct engine_pair *pair, uint32_t linear, uint32_t entry) {
    flat_machine_set_pte(pair->reference, linear, entry);
    flat_machine_set_pte(pair->tested, linear, entry);
}

/** Random bytes in both machines at SOURCE and TARGET, equal but for a few. */
static void fill(struct engine_pair *pair) {
    for (unsigned i = 0; i < AREA; i++) {
        uint8_t value = (uint8_t)(engine_pair_random(pair) & 7);
        uint8_t other = engine_pair_random(pair) % 50 == 0 ? 9 : value;
        pair->reference->ram[SOURCE + i] = pair->tested->ram[SOURCE + i] = value;
        pair->reference->ram[TARGET + i] = pair->tested->ram[TARGET + i] = other;
    }
}

/** Bytes at `target` become those at `source`, so that no comparison ends. */
static void repeat_source(struct engine_pair *pair, uint32_t source, uint32_t target) {
    uint8_t *const rams[] = {pair->reference->ram, pair->tested->ram};
    for (unsigned i = 0; i < 2; i++)
        memmove(rams[i] + target, rams[i] + source, AREA - 0x1000);
}

static void compare(struct engine_pair *pair, const struct run *run) {
    engine_pair_load(pair, (const uint8_t *)run->code, run->size, true);
    struct cpu *const cpus[] = {&pair->reference->cpu, &pair->tested->cpu};
    for (unsigned i = 0; i < 2; i++) {
        cpus[i]->gpr[GPR_ESI] = run->esi;
        cpus[i]->gpr[GPR_EDI] = run->edi;
        cpus[i]->gpr[GPR_ECX] = run->ecx;
        cpus[i]->gpr[GPR_EAX] = run->eax;
        cpu_set_eflags(cpus[i], run->eflags, FLAGS_ARITHMETIC | FLAG_DF);
    }
    engine_pair_run(pair, 100);
    char message[160];
    cr_expect(engine_pair_agrees(pair, message, sizeof(message)),
              "%s (ESI %x EDI %x ECX %x EAX %x)", message, run->esi, run->edi, run->ecx, run->eax);
}

static uint64_t handler_calls(const struct engine_pair *pair, enum op op) {
    return translator_counters(pair->translator)->handler_calls[op];
}

/* The second time, when the tables and the window have the pages. */
Test(x86_64_string, a_run_needs_no_handler) {
    static const enum op ops[] = {OP_MOVS, OP_STOS, OP_CMPS, OP_SCAS};
    static const struct run runs[] = {
        RUN_OF("\xf3\xa4", .esi = SOURCE, .edi = TARGET, .ecx = 24),
        RUN_OF("\xf3\xab", .edi = TARGET, .ecx = 1024, .eax = 0x12345678),
        RUN_OF("\xf3\xa6", .esi = SOURCE, .edi = TARGET, .ecx = 100),
        RUN_OF("\xf2\xae", .edi = TARGET, .ecx = 60, .eax = 3),
    };
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        create(&pair, has_window);
        fill(&pair);
        for (unsigned i = 0; i < ARRAY_SIZE(runs); i++) {
            compare(&pair, &runs[i]);
            uint64_t before = handler_calls(&pair, ops[i]);
            compare(&pair, &runs[i]);
            cr_expect_eq(handler_calls(&pair, ops[i]), before, "window %u, operation %u",
                         has_window, i);
        }
        cr_expect_gt(translator_statistics(pair.translator)->blocks, 3);
        engine_pair_destroy(&pair);
    }
}

/* Every element size, at every distance to a page's end, around the counts that end a chunk. */
Test(x86_64_string, counts_and_pages_agree_with_the_interpreter) {
    static const uint32_t counts[] = {0,    1,    2,    7,    24,   64,   65,   1000,
                                      4095, 4096, 4097, 4159, 5000, 8192, 8208, 9000};
    static const struct run forms[] = {
        RUN_OF("\xf3\xa4"), RUN_OF("\x66\xf3\xa5"), RUN_OF("\xf3\xa5"),
        RUN_OF("\xf3\xaa"), RUN_OF("\x66\xf3\xab"), RUN_OF("\xf3\xab"),
        RUN_OF("\xf3\xa6"), RUN_OF("\xf2\xa6"),     RUN_OF("\xf3\xa7"),
        RUN_OF("\xf3\xae"), RUN_OF("\xf2\xae"),     RUN_OF("\x66\xf2\xaf"),
        RUN_OF("\xf2\xa4"), RUN_OF("\x40\xf3\xa4"), RUN_OF("\x40\xf2\xae"),
    };
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        create(&pair, has_window);
        for (unsigned form = 0; form < ARRAY_SIZE(forms); form++) {
            for (unsigned n = 0; n < ARRAY_SIZE(counts); n++) {
                struct run run = forms[form];
                run.esi = SOURCE + (engine_pair_random(&pair) & 0xfff);
                run.edi = TARGET + (engine_pair_random(&pair) & 0xfff);
                run.ecx = counts[n];
                run.eax = engine_pair_random(&pair) & 0x07070707;
                run.eflags = engine_pair_random(&pair) & FLAGS_ARITHMETIC;
                fill(&pair);
                compare(&pair, &run);
                run.eax |= 0x08080808; /* found nowhere */
                repeat_source(&pair, run.esi, run.edi);
                compare(&pair, &run);
            }
        }
        engine_pair_destroy(&pair);
    }
}

/* Accessed bits tell which operand came first. */
Test(x86_64_string, a_source_that_faults_leaves_the_page_of_the_other_operand_untouched) {
    static const struct run forms[] = {RUN_OF("\xf3\xa4"), RUN_OF("\xf3\xa5"), RUN_OF("\xf3\xa6"),
                                       RUN_OF("\x66\xf2\xa7"), RUN_OF("\xf3\xa7")};
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        create(&pair, has_window);
        for (unsigned n = 0; n < 2 * ARRAY_SIZE(forms); n++) {
            struct run run = forms[n / 2];
            run.esi = SOURCE + (n % 2 == 0 ? 0x800 : 0xffe); /* absent, or begins before it */
            run.edi = TARGET + 0x2344;
            run.ecx = 50;
            set_entry(&pair, SOURCE, n % 2 == 0 ? SOURCE | 2 : SOURCE | 7);
            set_entry(&pair, SOURCE + 0x1000, (SOURCE + 0x1000) | 2);
            set_entry(&pair, TARGET + 0x2000, (TARGET + 0x2000) | 7);
            repeat_source(&pair, run.esi, run.edi);
            compare(&pair, &run);
        }
        engine_pair_destroy(&pair);
    }
}

/* The budget ends a run after each chunk, wherever the instruction stands in its block. */
Test(x86_64_string, a_chunk_counts_as_an_instruction) {
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        create(&pair, has_window);
        for (uint64_t limit = 1; limit < 8; limit++) {
            for (unsigned at = 0; at < 2; at++) {
                static const struct run forms[] = {RUN_OF("\xf3\xaa\x41"),
                                                   RUN_OF("\x42\xf3\xaa\x41")};
                engine_pair_load(&pair, (const uint8_t *)forms[at].code, forms[at].size, true);
                struct cpu *const cpus[] = {&pair.reference->cpu, &pair.tested->cpu};
                for (unsigned i = 0; i < 2; i++) {
                    cpus[i]->gpr[GPR_EDI] = TARGET;
                    cpus[i]->gpr[GPR_ECX] = 3 * 4096 + 5;
                    cpu_set_eflags(cpus[i], 0, FLAG_DF);
                }
                for (unsigned warm = 0; warm < 3; warm++) {
                    engine_pair_run(&pair, cpus[0]->icount + limit);
                    char message[160];
                    cr_expect(engine_pair_agrees(&pair, message, sizeof(message)), "limit %u: %s",
                              (unsigned)limit, message);
                }
            }
        }
        engine_pair_destroy(&pair);
    }
}

/* A destination just behind the source repeats a pattern, one just before it copies. */
Test(x86_64_string, overlapping_moves_go_element_by_element) {
    static const struct run forms[] = {RUN_OF("\xf3\xa4"), RUN_OF("\x66\xf3\xa5"),
                                       RUN_OF("\xf3\xa5")};
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        create(&pair, has_window);
        for (int distance = -70; distance <= 70; distance++) {
            struct run run = forms[(unsigned)(distance + 70) % ARRAY_SIZE(forms)];
            run.esi = SOURCE + 0x800;
            run.edi = run.esi + (uint32_t)distance;
            run.ecx = 200;
            fill(&pair);
            compare(&pair, &run);
        }
        engine_pair_destroy(&pair);
    }
}

/** The operand at `hole` faults: what is done stays done, and the rest is done after a second start
 *  with the page present. */
static void fault_in_the_middle(bool has_window, const struct run *run, uint32_t hole,
                                uint32_t entry, uint32_t error_code) {
    struct engine_pair pair;
    create(&pair, has_window);
    for (unsigned round = 0; round < 12; round++) { /* a site that keeps trapping is patched */
        fill(&pair);
        memset(pair.reference->ram + TARGET, 1, AREA);
        memcpy(pair.tested->ram + TARGET, pair.reference->ram + TARGET, AREA);
        memset(pair.reference->ram + SOURCE, 1, AREA);
        memcpy(pair.tested->ram + SOURCE, pair.reference->ram + SOURCE, AREA);
        set_entry(&pair, hole, entry);
        compare(&pair, run);
        cr_expect_eq(flat_machine_caught(pair.tested), VECTOR_PF);
        cr_expect_eq(pair.tested->cpu.cr2, pair.reference->cpu.cr2, "CR2 %x instead of %x",
                     (uint32_t)pair.tested->cpu.cr2, (uint32_t)pair.reference->cpu.cr2);
        const uint8_t *stack = pair.tested->ram + pair.tested->cpu.gpr[GPR_ESP];
        cr_expect_eq(load_le32(stack), error_code, "error code %x", load_le32(stack));
        set_entry(&pair, hole, hole | 7);
        compare(&pair, run);
        cr_expect_neq(flat_machine_caught(pair.tested), VECTOR_PF);
    }
    engine_pair_destroy(&pair);
}

Test(x86_64_string, a_fault_in_the_middle_shows_exact_state) {
    const uint32_t source = SOURCE + 0xff0, target = TARGET + 0xfc0;
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        fault_in_the_middle(has_window,
                            &RUN_OF("\xf3\xa4", .esi = source, .edi = target, .ecx = 200),
                            SOURCE + 0x1000, 0, 0);
        fault_in_the_middle(has_window,
                            &RUN_OF("\xf3\xa5", .esi = source, .edi = target, .ecx = 5000),
                            TARGET + 0x2000, TARGET + 0x2001, 3);
        fault_in_the_middle(has_window, &RUN_OF("\xf3\xab", .edi = target, .ecx = 100),
                            TARGET + 0x1000, 0, 2);
        fault_in_the_middle(
            has_window,
            &RUN_OF("\xf3\xa6", .esi = source, .edi = target, .ecx = 6000, .eflags = FLAG_CF),
            TARGET + 0x1000, 0, 0);
        fault_in_the_middle(
            has_window,
            &RUN_OF("\xf2\xae", .edi = target, .ecx = 4100, .eax = 7, .eflags = FLAG_OF),
            TARGET + 0x1000, 0, 0);
    }
}

/* In pages without RAM behind them (all ones) at both ends of the address space. */
Test(x86_64_string, pointers_wrap_at_4_gib) {
    static const struct run forms[] = {RUN_OF("\xf3\xa4"), RUN_OF("\xf3\xa5"), RUN_OF("\xf3\xaa"),
                                       RUN_OF("\xf3\xa6"), RUN_OF("\xf2\xae")};
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        engine_pair_create(&pair, "x86_64");
        if (has_window)
            grant_window(&pair);
        for (unsigned form = 0; form < ARRAY_SIZE(forms); form++) {
            for (uint32_t before = 1; before < 40; before += 13) {
                struct run run = forms[form];
                run.esi = 0 - before;
                run.edi = TARGET;
                run.ecx = 30;
                fill(&pair);
                compare(&pair, &run);
                run.esi = SOURCE;
                run.edi = 0 - before;
                run.eax = 0xff;
                compare(&pair, &run);
            }
        }
        engine_pair_destroy(&pair);
    }
}

/* F: rep movsb; inc eax; mov edx,imm32; hlt, where the copy replaces the immediate, the INC or the
   copying instruction itself. */
static void own_code(bool has_window, uint32_t offset, uint32_t count) {
    static const char code[] = "\xf3\xa4\x40\xba\x00\x00\x00\x00";
    struct engine_pair pair;
    create(&pair, has_window);
    for (unsigned round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < count; i++) { /* INC, DEC and PUSH instructions */
            uint8_t value = (uint8_t)(0x40 + (engine_pair_random(&pair) & 15));
            pair.reference->ram[SOURCE + i] = pair.tested->ram[SOURCE + i] = value;
        }
        compare(&pair, &(struct run){.code = code,
                                     .size = sizeof(code) - 1,
                                     .esi = SOURCE,
                                     .edi = FLAT_CODE + 128 + offset,
                                     .ecx = count});
    }
    engine_pair_destroy(&pair);
}

Test(x86_64_string, a_copy_over_the_code_behind_it_is_seen_at_once) {
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        own_code(has_window, 4, 4);
        own_code(has_window, 2, 1);
        own_code(has_window, 0, 3);
        own_code(has_window, (uint32_t)-60, 66);
    }
}

Test(x86_64_string, a_fill_over_the_running_loop_is_seen_at_once) {
    /* L: lea edi,[code]; mov ecx,1; rep stosb; dec edx; jnz L: AL goes to the JNZ, 74h or 75h */
    static const char code[] =
        "\xbf\x8f\x00\x01\x00\xb9\x01\x00\x00\x00\xf3\xaa\x04\x01\x4a\x75\xee";
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct engine_pair pair;
        create(&pair, has_window);
        for (unsigned round = 0; round < 12; round++)
            compare(&pair,
                    &(struct run){.code = code, .size = sizeof(code) - 1, .eax = 0x70 + round % 8});
        engine_pair_destroy(&pair);
    }
}

/* Stores to watched pages go one by one, however often: the site stays right when it is patched. */
Test(x86_64_string, a_patched_site_still_serves_ordinary_pages) {
    struct engine_pair pair;
    create(&pair, true);
    struct run to_code = RUN_OF("\xf3\xa4", .esi = SOURCE, .edi = FLAT_CODE - 8, .ecx = 24);
    struct run to_data = to_code;
    to_data.edi = TARGET;
    for (unsigned round = 0; round < 30; round++) {
        fill(&pair);
        compare(&pair, round % 3 == 2 ? &to_data : &to_code);
    }
    uint64_t calls = handler_calls(&pair, OP_MOVS);
    for (unsigned round = 0; round < 30; round++)
        compare(&pair, &to_data);
    cr_expect_eq(handler_calls(&pair, OP_MOVS), calls, "%u more calls of the handler",
                 (unsigned)(handler_calls(&pair, OP_MOVS) - calls));
    engine_pair_destroy(&pair);
}
