/*
 * Calls, returns and indirect jumps of translated code: whatever a guest does with its return
 * addresses and jump tables, it goes where the interpreter goes, and what it does again and again
 * does not take the long way through the dispatcher.
 */
#include "tests/unit/translator/engine_pair.h"

#include "softmmu/base/bits.h"
#include "softmmu/window.h"

#include <criterion/criterion.h>
#include <string.h>

#define START (FLAT_CODE + 128) /* where engine_pair_load puts code */
#define RUNS  6                 /* code is translated when it was wanted a few times */
#define LIMIT 1000000

struct program {
    const char *code;
    size_t size;
    uint32_t ecx;
    uint32_t code_base; /* of CS: IPs are smaller by it */
    int vector;         /* exception that ends it, or -1 */
};
#define PROGRAM(code, ecx)                                                                         \
    (struct program) {                                                                             \
        code, sizeof(code) - 1, ecx, 0, -1                                                         \
    }

/** Both engines agree about the program whatever the portions it runs in. Returns what the last of
 *  several runs made the back end count. */
static struct backend_counters check_portions(const struct program *program, bool has_window,
                                              uint64_t portion) {
    struct engine_pair pair;
    struct backend_counters before = {0}, counters;
    char message[160];
    engine_pair_create(&pair, "x86_64");
    translator_skip_warm_up(pair.translator);
    struct cpu *tested = &pair.tested->cpu;
    for (unsigned i = 0; has_window && i < 100 && mmu_window(&tested->mmu) == NULL; i++)
        tested->mmu.executed[tested->mmu.is_user] = 4000000;
    for (unsigned i = 0; i < RUNS; i++) {
        before = *translator_counters(pair.translator);
        engine_pair_load(&pair, (const uint8_t *)program->code, program->size, true);
        struct cpu *const cpus[] = {&pair.reference->cpu, tested};
        for (unsigned j = 0; j < 2; j++) {
            cpus[j]->gpr[GPR_ECX] = program->ecx;
            cpus[j]->gpr[GPR_EDI] = FLAT_DATA;
            cpus[j]->seg[SEG_CS].base = program->code_base;
            cpus[j]->eip -= program->code_base;
        }
        for (uint64_t limit = portion; tested->activity == CPU_RUNNING && limit <= LIMIT;
             limit += portion)
            engine_pair_run(&pair, limit);
        cr_assert_neq(tested->activity, CPU_RUNNING, "still running");
        int vector = flat_machine_caught(pair.tested);
        cr_assert_eq(vector, program->vector, "exception %d", vector);
        cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "run %u: %s", i, message);
    }
    cr_assert_gt(translator_statistics(pair.translator)->blocks, 0, "nothing was translated");
    counters = *translator_counters(pair.translator);
    counters.jump_misses -= before.jump_misses;
    counters.return_misses -= before.return_misses;
    counters.return_bottoms -= before.return_bottoms;
    counters.return_overflows -= before.return_overflows;
    engine_pair_destroy(&pair);
    return counters;
}

static struct backend_counters check(const struct program *program) {
    check_portions(program, true, LIMIT);
    return check_portions(program, false, LIMIT);
}

/* L: call A; dec ecx; jnz L; hlt; A: call B; ret; B: ret */
static const char nested[] = "\xe8\x04\x00\x00\x00\x49\x75\xf8\xf4\xe8\x01\x00\x00\x00\xc3\xc3";

Test(jumps, nested_calls_are_predicted) {
    struct backend_counters counters = check(&PROGRAM(nested, 1000));
    cr_expect_eq(counters.return_misses, 0, "%u misses", (unsigned)counters.return_misses);
    cr_expect_leq(counters.return_bottoms, 10, "%u bottoms", (unsigned)counters.return_bottoms);
    cr_expect_leq(counters.jump_misses, 10, "%u jumps missed", (unsigned)counters.jump_misses);
}

/* L: call edi; ... with mov edi, F before: mov edi,F; call edi; dec ecx; jnz L; hlt; F: ret */
Test(jumps, indirect_calls_are_predicted) {
    static const char code[] = "\xbf\x8b\x00\x01\x00\xff\xd7\x49\x75\xfb\xf4\xc3";
    struct backend_counters counters = check(&PROGRAM(code, 1000));
    cr_expect_eq(counters.return_misses, 0, "%u misses", (unsigned)counters.return_misses);
    cr_expect_leq(counters.return_bottoms, 10, "%u bottoms", (unsigned)counters.return_bottoms);
    cr_expect_leq(counters.jump_misses, 10, "%u jumps missed", (unsigned)counters.jump_misses);
}

Test(jumps, any_portion_of_nested_calls_stops_exactly) {
    for (unsigned portion = 3; portion < 20; portion++) {
        check_portions(&PROGRAM(nested, 40), false, portion);
        check_portions(&PROGRAM(nested, 40), true, portion);
    }
}

/* L: call A; hlt; inc eax; dec ecx; jnz L; hlt; A: add dword [esp],1; ret */
Test(jumps, a_changed_return_address_is_followed) {
    static const char code[] = "\xe8\x06\x00\x00\x00\xf4\x40\x49\x75\xf6\xf4\x83\x04\x24\x01\xc3";
    struct backend_counters counters = check(&PROGRAM(code, 1000));
    cr_expect_geq(counters.return_misses, 990, "%u misses", (unsigned)counters.return_misses);
}

/* L: push X; ret; X: dec ecx; jnz L; hlt */
Test(jumps, more_returns_than_calls_find_their_way) {
    static const char code[] = "\x68\x86\x00\x01\x00\xc3\x49\x75\xf7\xf4";
    struct backend_counters counters = check(&PROGRAM(code, 1000));
    cr_expect_geq(counters.return_bottoms, 990, "%u bottoms", (unsigned)counters.return_bottoms);
    cr_expect_leq(counters.jump_misses, 10, "%u jumps missed", (unsigned)counters.jump_misses);
}

/* L: push X; push Y; ret; Y: ret; X: dec ecx; jnz L; hlt, called once more than it returns. */
Test(jumps, a_chain_of_pushed_addresses_is_followed) {
    static const char code[] =
        "\xe8\x00\x00\x00\x00\x68\x91\x00\x01\x00\x68\x90\x00\x01\x00\xc3\xc3\x49\x75\xf1\xf4";
    check(&PROGRAM(code, 1000));
}

/* call F; hlt; F: dec ecx; jz D; call F; D: inc eax; ret */
Test(jumps, recursion_deeper_than_the_return_stack_returns_all_the_way) {
    static const char code[] = "\xe8\x01\x00\x00\x00\xf4\x49\x74\x05\xe8\xf8\xff\xff\xff\x40\xc3";
    struct backend_counters counters = check(&PROGRAM(code, 20000));
    cr_expect_gt(counters.return_overflows, 0);
    cr_expect_gt(counters.return_bottoms, 1000, "%u bottoms", (unsigned)counters.return_bottoms);
    cr_expect_eq(counters.return_misses, 0, "%u misses", (unsigned)counters.return_misses);
}

/* L: call F; hlt; F: add esp,4; dec ecx; jnz L; hlt */
Test(jumps, calls_that_never_return_do_no_harm) {
    static const char code[] = "\xe8\x01\x00\x00\x00\xf4\x83\xc4\x04\x49\x75\xf4\xf4";
    struct backend_counters counters = check(&PROGRAM(code, 20000));
    cr_expect_gt(counters.return_overflows, 0);
}

/* L: call N; N: pop ebx; dec ecx; jnz L; hlt */
Test(jumps, code_that_asks_for_its_address_does_not_fill_the_return_stack) {
    static const char code[] = "\xe8\x00\x00\x00\x00\x5b\x49\x75\xf7\xf4";
    struct backend_counters counters = check(&PROGRAM(code, 20000));
    cr_expect_eq(counters.return_overflows, 0);
}

/* L: call F; hlt; F: add esp,4; pushf; popf; dec ecx; jnz L; hlt: flags go through the host's
   stack, which PUSHF finds full. */
Test(jumps, the_return_stack_may_overflow_within_an_instruction) {
    static const char code[] = "\xe8\x01\x00\x00\x00\xf4\x83\xc4\x04\x9c\x9d\x49\x75\xf2\xf4";
    struct backend_counters counters = check(&PROGRAM(code, 20000));
    cr_expect_gt(counters.return_overflows, 0);
}

/* L: call A; add bl,0; dec ecx; jnz L; hlt; A: test cl,15; jnz R; mov [L+4],ch; mov [L+7],cl; R:
   ret The call's block goes first, and what it returns to then. */
Test(jumps, a_caller_that_its_callee_changes_runs_its_new_code) {
    static const char code[] =
        "\xe8\x07\x00\x00\x00\x80\xc3\x00\x49\x75\xf5\xf4\xf6\xc1\x0f\x75\x0c\x88\x2d\x84\x00"
        "\x01\x00\x88\x0d\x87\x00\x01\x00\xc3";
    check(&PROGRAM(code, 200));
    check_portions(&PROGRAM(code, 200), true, 3);
}

/* L: call A; stosb; cld; dec ecx; jnz L; hlt; A: test cl,1; jz R; std; R: ret */
Test(jumps, a_callee_may_change_the_mode_of_its_caller) {
    static const char code[] =
        "\xe8\x06\x00\x00\x00\xaa\xfc\x49\x75\xf6\xf4\xf6\xc1\x01\x74\x01\xfd\xc3";
    check(&PROGRAM(code, 1000));
}

/* L: call A; dec ecx; jnz L; hlt; A: call B; ret; B: mov ebx,ecx; sub ebx,3; mov eax,ebx; xor
   edx,edx; div ebx; ret: #DE when ecx is 3 */
Test(jumps, a_fault_in_a_callee_shows_exact_state) {
    static const char code[] = "\xe8\x04\x00\x00\x00\x49\x75\xf8\xf4\xe8\x01\x00\x00\x00\xc3\x89"
                               "\xcb\x83\xeb\x03\x89\xd8\x31\xd2\xf7\xf3\xc3";
    struct program program = PROGRAM(code, 50);
    program.vector = VECTOR_DE;
    check(&program);
}

/* mov ebp,esp; L: call A; dec ecx; jnz L; hlt; A: call B; ret; B: mov esp,ebp; test cl,1; jz Y;
   push L+; ret: unwinding over a frame, as longjmp does */
Test(jumps, frames_may_be_left_without_returning) {
    static const char code[] = "\x89\xe5\xe8\x04\x00\x00\x00\x49\x75\xf8\xf4\xe8\x01\x00\x00\x00"
                               "\xc3\x8d\x65\xfc\xc3";
    struct backend_counters counters = check(&PROGRAM(code, 20000));
    cr_expect_gt(counters.return_misses, 1000, "%u misses", (unsigned)counters.return_misses);
}

/* f: inc eax; call next; ret, two thousand times, in a cache that does not hold them. */
Test(jumps, callers_may_be_gone_when_the_cache_was_flushed) {
    enum { LEVELS = 3000, BYTES = 7 };
    static uint8_t code[LEVELS * BYTES + 2];
    for (unsigned i = 0; i < LEVELS; i++)
        memcpy(code + i * BYTES, "\x40\xe8\x01\x00\x00\x00\xc3", BYTES);
    code[LEVELS * BYTES] = 0x40;
    code[LEVELS * BYTES + 1] = 0xc3;
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(4) << 20);
    struct translator *translator = translator_create(&machine->cpu, "x86_64", 1, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    flat_machine_load(machine, code, sizeof(code), true);
    machine->ram[FLAT_DATA] = 0xf4;
    for (unsigned i = 0; i < RUNS; i++) {
        struct cpu *cpu = &machine->cpu;
        cpu->eip = FLAT_CODE;
        cpu->activity = CPU_RUNNING;
        cpu->gpr[GPR_EAX] = 0;
        cpu->gpr[GPR_ESP] = FLAT_STACK;
        store_le32(machine->ram + FLAT_STACK, FLAT_DATA);
        cr_assert_eq(translator_run(translator, cpu->icount + LIMIT), CPU_EXIT_HALTED);
        cr_assert_eq(cpu->gpr[GPR_EAX], LEVELS + 1);
        cr_assert_eq(cpu->gpr[GPR_ESP], FLAT_STACK + 4);
    }
    cr_expect_gt(translator_statistics(translator)->flushes, 0);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

#define PAGE  UINT32_C(0x50000) /* linear; its frame changes between these two */
#define ONE   UINT32_C(0x50000)
#define TWO   UINT32_C(0x51000)
#define ENTRY UINT32_C(0x41140) /* of PAGE, in flat_machine's page table */

/* L: call A; dec ecx; jnz L; hlt; A: out 80h,al; ret */
Test(jumps, a_handler_in_a_callee_leaves_its_return_predicted) {
    static const char code[] = "\xe8\x04\x00\x00\x00\x49\x75\xf8\xf4\xe6\x80\xc3";
    struct backend_counters counters = check(&PROGRAM(code, 1000));
    cr_expect_leq(counters.return_bottoms, 10, "%u bottoms", (unsigned)counters.return_bottoms);
}

/* In both frames: call FLAT_CODE; mov eax,n; hlt. There: test cl,cl; jz R; xor dword [ENTRY],1000;
   invlpg [PAGE]; R: ret */
Test(jumps, a_caller_that_its_callee_maps_away_is_not_returned_to) {
    static const uint8_t callee[] = {0x84, 0xc9, 0x74, 0x11, 0x81, 0x35, 0x40, 0x11,
                                     0x04, 0x00, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x01,
                                     0x3d, 0x00, 0x00, 0x05, 0x00, 0xc3};
    static const uint8_t caller[] = {0xe8, 0xfb, 0xff, 0xfb, 0xff, 0xb8,
                                     0x01, 0x00, 0x00, 0x00, 0xf4};
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct translator *translator =
        translator_create(&machine->cpu, "x86_64", 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    memcpy(machine->ram + ONE, caller, sizeof(caller));
    memcpy(machine->ram + TWO, caller, sizeof(caller));
    machine->ram[TWO + 6] = 2;
    flat_machine_enable_paging(machine);
    flat_machine_load(machine, callee, sizeof(callee), true);
    struct cpu *cpu = &machine->cpu;
    uint32_t mapped = 1;
    for (unsigned i = 0; i < 8 * RUNS; i++) {
        bool changes = i % 4 == 3;
        mapped = changes ? 3 - mapped : mapped;
        cpu->eip = PAGE;
        cpu->activity = CPU_RUNNING;
        cpu->gpr[GPR_ECX] = changes;
        cr_assert_eq(translator_run(translator, cpu->icount + LIMIT), CPU_EXIT_HALTED);
        cr_assert_eq(cpu->gpr[GPR_EAX], mapped, "run %u: %u", i, (unsigned)cpu->gpr[GPR_EAX]);
    }
    cr_expect_gt(translator_statistics(translator)->blocks, 3);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

#define HIGH UINT32_C(0x150000) /* with A20 off, the same as LOW */
#define LOW  UINT32_C(0x50000)

static void switch_a20_off(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    physmem_set_a20(((struct flat_machine *)opaque)->physmem, false);
}

static void ignore_port(void *opaque, uint16_t port, unsigned size, uint32_t value) {}

/* At HIGH and LOW: call FLAT_CODE; mov eax,n; hlt. There: out 92h,al; ret */
Test(jumps, a_caller_that_a_chip_maps_away_is_not_returned_to) {
    static const uint8_t callee[] = {0xe6, 0x92, 0xc3};
    static const uint8_t caller[] = {0xe8, 0xfb, 0xff, 0xeb, 0xff, 0xb8,
                                     0x01, 0x00, 0x00, 0x00, 0xf4};
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct cpu *cpu = &machine->cpu;
    struct translator *translator = translator_create(cpu, "x86_64", 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    cpu->bus.opaque = machine;
    flat_machine_load(machine, callee, sizeof(callee), true);
    memcpy(machine->ram + HIGH, caller, sizeof(caller));
    memcpy(machine->ram + LOW, caller, sizeof(caller));
    machine->ram[LOW + 6] = 2;
    for (unsigned i = 0; i < 4 * RUNS; i++) {
        /* Some runs without a change, so that the return is linked. */
        cpu->bus.port_write = i % 3 == 2 ? switch_a20_off : ignore_port;
        physmem_set_a20(machine->physmem, true);
        cpu->eip = HIGH;
        cpu->activity = CPU_RUNNING;
        cr_assert_eq(translator_run(translator, cpu->icount + LIMIT), CPU_EXIT_HALTED);
        uint32_t expected = i % 3 == 2 ? 2 : 1;
        cr_assert_eq(cpu->gpr[GPR_EAX], expected, "run %u: %u", i, (unsigned)cpu->gpr[GPR_EAX]);
    }
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

/* L: mov eax,ecx; and eax,3; jmp [eax*4+T]; 0: inc ebx; jmp D; 1: dec ebx; jmp D; 2: not ebx; jmp
   D; 3: add ebx,ecx; D: dec ecx; jnz L; hlt; T: four addresses from 1008c on */
#define SWITCH(low)                                                                                \
    "\x89\xc8\x83\xe0\x03\xff\x24\x85\x9c\x00\x01\x00\x43\xeb\x09\x4b\xeb\x06\xf7\xd3\xeb\x02\x01" \
    "\xcb"                                                                                         \
    "\x49\x75\xe5\xf4" low

Test(jumps, a_switch_is_followed_without_the_dispatcher) {
    static const char code[] =
        SWITCH("\x8c\x00\x01\x00\x8f\x00\x01\x00\x92\x00\x01\x00\x96\x00\x01\x00");
    struct backend_counters counters = check(&PROGRAM(code, 1000));
    cr_expect_leq(counters.jump_misses, 10, "%u jumps missed", (unsigned)counters.jump_misses);
}

Test(jumps, a_switch_works_where_the_code_segment_begins_within_a_page) {
    static const char code[] =
        SWITCH("\x7c\x00\x01\x00\x7f\x00\x01\x00\x82\x00\x01\x00\x86\x00\x01\x00");
    struct program program = PROGRAM(code, 1000);
    program.code_base = 0x10;
    struct backend_counters counters = check(&program);
    cr_expect_leq(counters.jump_misses, 10, "%u jumps missed", (unsigned)counters.jump_misses);
}

/* mov byte [edi],c3; L: push D; mov eax,ecx; and eax,1; jmp [eax*4+T]; 0: inc ebx; ret; D: dec ecx;
   jnz L; hlt; T: where 0 is, FLAT_DATA */
Test(jumps, a_switch_may_lead_to_another_page) {
    static const char code[] =
        "\xc6\x07\xc3\x68\x96\x00\x01\x00\x89\xc8\x83\xe0\x01\xff\x24\x85\x9a\x00\x01\x00\x43"
        "\xc3\x49\x75\xea\xf4\x94\x00\x01\x00\x00\x00\x10\x00";
    struct backend_counters counters = check(&PROGRAM(code, 1000));
    cr_expect_leq(counters.jump_misses, 10, "%u jumps missed", (unsigned)counters.jump_misses);
}

/* L: test cl,15; setz al; movzx eax,al; jmp [eax*4+T]; 0: add bl,0; jmp D; 1: mov [0+2],cl; D: dec
   ecx; jnz L; hlt; T */
Test(jumps, a_switch_finds_the_new_code_of_a_changed_case) {
    static const char code[] = "\xf6\xc1\x0f\x0f\x94\xc0\x0f\xb6\xc0\xff\x24\x85\x9f\x00\x01\x00"
                               "\x80\xc3\x00\xeb\x06\x88\x0d\x92"
                               "\x00\x01\x00\x49\x75\xe2\xf4\x90\x00\x01\x00\x95\x00\x01\x00";
    check(&PROGRAM(code, 200));
}

/* In both frames: jmp [eax*4+T]; T: the next dword's address; mov ebx,n; hlt */
Test(jumps, a_switch_stays_in_the_frame_that_is_mapped) {
    static const uint8_t code[] = {0xff, 0x24, 0x85, 0x07, 0x00, 0x05, 0x00, 0x0b, 0x00,
                                   0x05, 0x00, 0xbb, 0x01, 0x00, 0x00, 0x00, 0xf4};
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct cpu *cpu = &machine->cpu;
    struct translator *translator = translator_create(cpu, "x86_64", 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    memcpy(machine->ram + ONE, code, sizeof(code));
    memcpy(machine->ram + TWO, code, sizeof(code));
    machine->ram[TWO + 12] = 2;
    flat_machine_enable_paging(machine);
    for (unsigned i = 0; i < 4 * RUNS; i++) {
        uint32_t expected = 1 + i / 3 % 2;
        flat_machine_set_pte(machine, PAGE, (expected == 1 ? ONE : TWO) | 7);
        cpu->eip = PAGE;
        cpu->activity = CPU_RUNNING;
        cpu->gpr[GPR_EAX] = 0;
        cr_assert_eq(translator_run(translator, cpu->icount + LIMIT), CPU_EXIT_HALTED);
        cr_assert_eq(cpu->gpr[GPR_EBX], expected, "run %u: %u", i, (unsigned)cpu->gpr[GPR_EBX]);
    }
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

enum { PAGES = 100 };

/** Page after page: jmp [eax*4+T]; T: the next dword's address; add ebx,`step`; jmp to the next. */
static void write_switch_pages(struct flat_machine *machine, uint8_t step) {
    for (uint32_t i = 0; i < PAGES; i++) {
        uint32_t page = FLAT_DATA + i * GUEST_PAGE_SIZE;
        uint8_t code[] = {0xff, 0x24, 0x85, 0,    0,    0, 0, 0, 0, 0,
                          0,    0x83, 0xc3, step, 0xe9, 0, 0, 0, 0};
        store_le32(code + 3, page + 7);
        store_le32(code + 7, page + 11);
        store_le32(code + 15, GUEST_PAGE_SIZE - sizeof(code));
        physmem_dma_write(machine->physmem, page, code, sizeof(code));
    }
    uint8_t halt = 0xf4;
    physmem_dma_write(machine->physmem, FLAT_DATA + PAGES * GUEST_PAGE_SIZE, &halt, 1);
}

Test(jumps, more_pages_have_switches_than_there_are_tables) {
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(4) << 20);
    struct cpu *cpu = &machine->cpu;
    struct translator *translator = translator_create(cpu, "x86_64", 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    for (unsigned i = 0; i < 4 * RUNS; i++) {
        uint8_t step = (uint8_t)(1 + i / RUNS);
        if (i % RUNS == 0)
            write_switch_pages(machine, step);
        cpu->eip = FLAT_DATA;
        cpu->activity = CPU_RUNNING;
        cpu->gpr[GPR_EAX] = cpu->gpr[GPR_EBX] = 0;
        cr_assert_eq(translator_run(translator, cpu->icount + LIMIT), CPU_EXIT_HALTED);
        cr_assert_eq(cpu->gpr[GPR_EBX], PAGES * step, "run %u: %u", i, (unsigned)cpu->gpr[GPR_EBX]);
    }
    cr_expect_gt(translator_statistics(translator)->invalidations, 3 * PAGES);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

#define REGISTER UINT32_C(0x200000) /* of a chip, beyond RAM */

static uint64_t read_register(void *opaque, phys_addr offset, unsigned size) {
    translator_request_exit(opaque);
    return 0;
}

static void write_register(void *opaque, phys_addr offset, unsigned size, uint64_t value) {}

/** The loop, which reads REGISTER each time around, comes back to the dispatcher each time. */
static void expect_stops(const char *code, size_t size) {
    enum { INSTRUCTIONS = 2000, LONGEST = 8 };
    struct error error;
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct cpu *cpu = &machine->cpu;
    struct translator *translator = translator_create(cpu, "x86_64", 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    const struct mmio_ops ops = {read_register, write_register};
    physmem_add_mmio(machine->physmem, "register", REGISTER, 4096, &ops, translator, 0);
    translator_skip_warm_up(translator);
    flat_machine_load(machine, code, size, true);
    translator_run(translator, INSTRUCTIONS);
    uint64_t before = translator_statistics(translator)->dispatches;
    translator_run(translator, 2 * INSTRUCTIONS);
    uint64_t count = translator_statistics(translator)->dispatches - before;
    cr_expect_geq(count, INSTRUCTIONS / LONGEST, "%u times", (unsigned)count);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

/* Only some ways from block to block look for events. All loops begin at L with mov eax,[REGISTER],
   or have it in the callee. */
Test(jumps, whatever_closes_a_loop_events_are_seen_each_time_around) {
    static const char jumps[] = "\xa1\x00\x00\x20\x00\xeb\x00\xeb\xf7"; /* jmp N; N: jmp L */
    static const char branches[] = /* inc eax; jz N; N: jnz L */
        "\xa1\x00\x00\x20\x00\x40\x74\x00\x75\xf6\xf4";
    static const char calls[] = /* L: call A; jmp L; A: ...; ret */
        "\xe8\x02\x00\x00\x00\xeb\xf9\xa1\x00\x00\x20\x00\xc3";
    static const char recursion[] = /* add esp,4; call L */
        "\xa1\x00\x00\x20\x00\x83\xc4\x04\xe8\xf3\xff\xff\xff";
    static const char returns[] = /* push L; ret */
        "\xa1\x00\x00\x20\x00\x68\x00\x00\x01\x00\xc3";
    static const char table[] = /* jmp [eax*4+T]; T: L */
        "\xa1\x00\x00\x20\x00\xff\x24\x85\x0c\x00\x01\x00\x00\x00\x01\x00";
    expect_stops(jumps, sizeof(jumps));
    expect_stops(branches, sizeof(branches));
    expect_stops(calls, sizeof(calls));
    expect_stops(recursion, sizeof(recursion));
    expect_stops(returns, sizeof(returns));
    expect_stops(table, sizeof(table));
}
