/* The x86-64 back end on whole programs: faults, self-modifying code, exits, budget, cache. */
#include "softmmu/window.h"
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include "softmmu/base/bits.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES (UINT64_C(1) << 20)

struct hot {
    struct flat_machine *machine;
    struct translator *translator;
};

/** A machine that interprets its code a few times first. */
static void cold_create(struct hot *hot, uint64_t cache_bytes, bool has_window) {
    struct error error;
    hot->machine = flat_machine_create(UINT64_C(4) << 20);
    flat_machine_catch(hot->machine);
    hot->translator = translator_create(&hot->machine->cpu, "x86_64", cache_bytes, true, &error);
    cr_assert_not_null(hot->translator, "%s", error.message);
    for (unsigned i = 0; has_window && i < 100 && mmu_window(&hot->machine->cpu.mmu) == NULL; i++)
        hot->machine->cpu.mmu.executed[hot->machine->cpu.mmu.is_user] = 4000000;
    cr_assert_eq(has_window, mmu_window(&hot->machine->cpu.mmu) != NULL);
}

static void hot_create(struct hot *hot, uint64_t cache_bytes, bool has_window) {
    cold_create(hot, cache_bytes, has_window);
    translator_skip_warm_up(hot->translator);
}

static void hot_destroy(struct hot *hot) {
    translator_destroy(hot->translator);
    flat_machine_destroy(hot->machine);
}

static void load(struct hot *hot, const char *code, size_t size) {
    flat_machine_load(hot->machine, code, size, true);
}

/** Run the loaded code from the start, with these registers, often enough to be translated. */
static void run_hot(struct hot *hot, uint32_t eax, uint32_t ebx, uint32_t ecx, uint64_t limit) {
    struct cpu *cpu = &hot->machine->cpu;
    uint64_t icount = 0;
    for (unsigned i = 0; i < 6; i++) {
        cpu->eip = FLAT_CODE;
        cpu->activity = CPU_RUNNING;
        cpu->gpr[GPR_EAX] = eax;
        cpu->gpr[GPR_EBX] = ebx;
        cpu->gpr[GPR_ECX] = ecx;
        cpu->gpr[GPR_EDX] = 0;
        cpu->gpr[GPR_ESP] = FLAT_STACK;
        icount = cpu->icount;
        translator_run(hot->translator, cpu->icount + limit);
    }
    cr_assert_leq(cpu->icount - icount, limit);
    cr_expect_gt(translator_statistics(hot->translator)->blocks, 0, "nothing was translated");
}

static uint32_t stacked(const struct hot *hot, unsigned slot) {
    return load_le32(hot->machine->ram + hot->machine->cpu.gpr[GPR_ESP] + 4 * slot);
}

static void expect_reg(const struct hot *hot, unsigned reg, uint32_t expected) {
    uint64_t got = hot->machine->cpu.gpr[reg];
    cr_expect_eq(got, expected, "register %u: expected %08x, got %08x", reg, expected,
                 (uint32_t)got);
}

static void division_by_zero(bool has_window) {
    static const char code[] = "\x40\x83\xfb\x01\xf7\xf1\x40\xf4"; /* inc eax; cmp ebx,1; div ecx */
    struct hot hot;
    hot_create(&hot, CACHE_BYTES, has_window);
    load(&hot, code, sizeof(code) - 1);
    run_hot(&hot, 7, 0, 0, 100);
    cr_expect_eq(flat_machine_caught(&hot.machine[0]), VECTOR_DE);
    expect_reg(&hot, GPR_EAX, 8);
    cr_expect_eq(stacked(&hot, 0), FLAT_CODE + 4, "pushed EIP %08x", stacked(&hot, 0));
    cr_expect_eq(stacked(&hot, 2) & FLAGS_ARITHMETIC,
                 (uint32_t)(FLAG_CF | FLAG_AF | FLAG_SF | FLAG_PF), "pushed EFLAGS %08x",
                 stacked(&hot, 2));
    hot_destroy(&hot);
}

Test(x86_64, division_by_zero_shows_exact_state) {
    division_by_zero(false);
    division_by_zero(true);
}

/* add eax,ebx; inc dword [ecx]; inc eax; hlt: the middle one faults. */
static void page_fault(bool has_window, uint32_t entry, uint32_t error_code) {
    static const char code[] = "\x01\xd8\xff\x01\x40\xf4";
    struct hot hot;
    hot_create(&hot, CACHE_BYTES, has_window);
    flat_machine_enable_paging(hot.machine);
    flat_machine_set_pte(hot.machine, 0x123000, entry);
    for (unsigned i = 0; has_window && i < 100 && mmu_window(&hot.machine->cpu.mmu) == NULL; i++)
        hot.machine->cpu.mmu.executed[hot.machine->cpu.mmu.is_user] = 4000000;
    load(&hot, code, sizeof(code) - 1);
    run_hot(&hot, 5, 0xfffffffb, 0x123ffe, 100);
    cr_expect_eq(flat_machine_caught(hot.machine), VECTOR_PF);
    expect_reg(&hot, GPR_EAX, 0);
    cr_expect_eq(hot.machine->cpu.cr2, 0x123ffe, "CR2 %08x", (uint32_t)hot.machine->cpu.cr2);
    cr_expect_eq(stacked(&hot, 0), error_code, "error code %x", stacked(&hot, 0));
    cr_expect_eq(stacked(&hot, 1), FLAT_CODE + 2, "pushed EIP %08x", stacked(&hot, 1));
    cr_expect_eq(stacked(&hot, 3) & (FLAG_ZF | FLAG_CF), (uint32_t)(FLAG_ZF | FLAG_CF),
                 "pushed EFLAGS %08x", stacked(&hot, 3));
    hot_destroy(&hot);
}

Test(x86_64, a_page_fault_shows_exact_state) {
    page_fault(false, 0, 2);
    page_fault(true, 0, 2);
}

Test(x86_64, a_write_to_a_read_only_page_faults_as_a_write) {
    page_fault(false, 0x123001, 3);
    page_fault(true, 0x123001, 3);
}

/* mov byte [FLAT_CODE+11],bl; inc eax; nop; nop; mov ecx,imm8..: the store changes what follows. */
static void own_code(bool has_window) {
    static const char code[] = "\x88\x1d\x0a\x00\x01\x00\x40\x90\x90\xb9\x00\x00\x00\x00\xf4";
    struct hot hot;
    hot_create(&hot, CACHE_BYTES, has_window);
    load(&hot, code, sizeof(code) - 1);
    for (uint32_t value = 1; value < 40; value++) {
        run_hot(&hot, 1, value, 0, 100);
        expect_reg(&hot, GPR_ECX, value);
        expect_reg(&hot, GPR_EAX, 2);
    }
    hot_destroy(&hot);
}

Test(x86_64, a_block_that_changes_itself_runs_the_new_code) {
    own_code(false);
    own_code(true);
}

/* L: inc eax; call F; dec ecx; jnz L; hlt; F: push ebx; mov edx,[esp+4]; pop ebx; ret */
static const char calls[] = "\x40\xe8\x04\x00\x00\x00\x49\x75\xf7\xf4\x53\x8b\x54\x24\x04\x5b\xc3";

Test(x86_64, links_and_returns_keep_the_count_exact) {
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct hot hot;
        hot_create(&hot, CACHE_BYTES, has_window);
        load(&hot, calls, sizeof(calls) - 1);
        uint64_t before = hot.machine->cpu.icount;
        run_hot(&hot, 0, 3, 100, 5000);
        expect_reg(&hot, GPR_EAX, 100);
        expect_reg(&hot, GPR_EDX, FLAT_CODE + 6);
        uint64_t count = hot.machine->cpu.icount - before;
        cr_expect_eq(count, 6 * 801, "%u instructions", (unsigned)count);
        cr_expect_gt(translator_statistics(hot.translator)->links, 0);
        hot_destroy(&hot);
    }
}

Test(x86_64, a_budget_is_met_exactly) {
    struct hot hot;
    hot_create(&hot, CACHE_BYTES, false);
    load(&hot, calls, sizeof(calls) - 1);
    run_hot(&hot, 0, 3, 100, 5000);
    struct cpu *cpu = &hot.machine->cpu;
    for (unsigned limit = 1; limit < 60; limit++) {
        cpu->eip = FLAT_CODE;
        cpu->activity = CPU_RUNNING;
        cpu->gpr[GPR_ECX] = 1000;
        uint64_t before = cpu->icount;
        cr_expect_eq(translator_run(hot.translator, before + limit), CPU_EXIT_LIMIT);
        cr_expect_eq(cpu->icount - before, limit, "%u instead of %u",
                     (unsigned)(cpu->icount - before), limit);
    }
    hot_destroy(&hot);
}

Test(x86_64, a_full_cache_is_flushed) {
    struct hot hot;
    hot_create(&hot, 1, false); /* the least there is */
    static char code[16384];
    for (unsigned i = 0; i < sizeof(code) - 4; i += 4)
        memcpy(code + i, "\x40\xeb\x01\x90", 4); /* inc eax; jmp +1; nop */
    code[sizeof(code) - 4] = (char)0xf4;
    load(&hot, code, sizeof(code));
    for (unsigned i = 0; i < 25; i++) {
        run_hot(&hot, 0, 0, 0, 100000);
        expect_reg(&hot, GPR_EAX, sizeof(code) / 4 - 1);
    }
    cr_expect_gt(translator_statistics(hot.translator)->flushes, 0);
    hot_destroy(&hot);
}

static void *kick_later(void *opaque) {
    struct hot *hot = opaque;
    const struct timespec delay = {.tv_nsec = 20000000};
    nanosleep(&delay, NULL);
    cpu_set_event(&hot->machine->cpu, CPU_EVENT_KICK);
    translator_request_exit(hot->translator);
    return NULL;
}

Test(x86_64, another_thread_stops_an_endless_loop, .timeout = 10) {
    struct hot hot;
    hot_create(&hot, CACHE_BYTES, false);
    load(&hot, "\x40\xeb\xfd", 3); /* L: inc eax; jmp L */
    for (unsigned i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, kick_later, &hot);
        enum cpu_exit exit = translator_run(hot.translator, UINT64_MAX);
        pthread_join(thread, NULL);
        cr_expect_eq(exit, CPU_EXIT_KICK);
        cr_expect_gt(hot.machine->cpu.gpr[GPR_EAX], 1000);
    }
    hot_destroy(&hot);
}

Test(x86_64, two_machines_share_a_thread) {
    struct hot first, second;
    hot_create(&first, CACHE_BYTES, true);
    hot_create(&second, CACHE_BYTES, true);
    static const char code[] = "\x03\x03\xff\x03\xf4"; /* add eax,[ebx]; inc dword [ebx]; hlt */
    load(&first, code, sizeof(code) - 1);
    load(&second, code, sizeof(code) - 1);
    store_le32(second.machine->ram + FLAT_DATA, 100);
    for (unsigned i = 1; i < 10; i++) {
        run_hot(&first, 0, FLAT_DATA, 0, 100);
        run_hot(&second, 0, FLAT_DATA, 0, 100);
        expect_reg(&first, GPR_EAX, 6 * i - 1);
        expect_reg(&second, GPR_EAX, 100 + 6 * i - 1);
    }
    hot_destroy(&first);
    hot_destroy(&second);
}

/* mov byte [FLAT_CODE+8],bl; inc eax; mov ecx,imm32; dec dword [FLAT_DATA]; jnz 0; hlt: rewrites
   its immediate in each of the rounds that FLAT_DATA says. */
static const char rewriting[] = "\x88\x1d\x08\x00\x01\x00\x40\xb9\x00\x00\x00\x00"
                                "\xff\x0d\x00\x00\x10\x00\x75\xec\xf4";

static uint64_t blocks(const struct hot *hot) {
    return translator_statistics(hot->translator)->blocks;
}

static void run_rounds(struct hot *hot, uint32_t rounds) {
    store_le32(hot->machine->ram + FLAT_DATA, rounds);
    struct cpu *cpu = &hot->machine->cpu;
    cpu->eip = FLAT_CODE;
    cpu->activity = CPU_RUNNING;
    translator_run(hot->translator, cpu->icount + UINT64_C(8) * rounds);
}

Test(x86_64, code_that_is_rewritten_all_the_time_is_interpreted) {
    for (unsigned has_window = 0; has_window < 2; has_window++) {
        struct hot hot;
        cold_create(&hot, CACHE_BYTES, has_window);
        load(&hot, rewriting, sizeof(rewriting) - 1);
        hot.machine->cpu.gpr[GPR_EBX] = 0x77;
        hot.machine->cpu.gpr[GPR_EAX] = 0;
        run_rounds(&hot, 20000);
        expect_reg(&hot, GPR_EAX, 20000);
        expect_reg(&hot, GPR_ECX, 0x77);
        cr_expect_lt(blocks(&hot), 200, "%u blocks", (unsigned)blocks(&hot));
        hot_destroy(&hot);
    }
}

Test(x86_64, code_that_settles_is_translated_again) {
    struct hot hot;
    cold_create(&hot, CACHE_BYTES, false);
    load(&hot, rewriting, sizeof(rewriting) - 1);
    run_rounds(&hot, 20000);
    load(&hot, "\x90\x90\x90\x90\x90\x90", 6); /* the store is gone */
    run_rounds(&hot, 100000);
    const struct translator_statistics *statistics = translator_statistics(hot.translator);
    uint64_t before = statistics->interpreted_instructions;
    run_rounds(&hot, 100000);
    cr_expect_lt(statistics->interpreted_instructions - before, 1000, "%u were interpreted",
                 (unsigned)(statistics->interpreted_instructions - before));
    hot_destroy(&hot);
}
