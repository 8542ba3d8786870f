/*
 * ESP in translated code, which may lag behind while PUSH and POP go on: it is exact wherever it
 * shows, on every engine.
 */
#include "tests/unit/translator/engine_pair.h"

#include "softmmu/window.h"

#include <criterion/criterion.h>

#define START (FLAT_CODE + 128) /* where engine_pair_load puts code */
#define RUNS  3

struct program {
    const char *code;
    size_t size;
    uint32_t esp, edi;
    bool is_32;
};

static void check_on(const char *backend, const struct program *program, bool has_window,
                     uint64_t portion) {
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, backend);
    translator_skip_warm_up(pair.translator);
    struct cpu *const cpus[] = {&pair.reference->cpu, &pair.tested->cpu};
    for (unsigned i = 0; has_window && i < 100 && mmu_window(&cpus[1]->mmu) == NULL; i++)
        cpus[1]->mmu.executed[cpus[1]->mmu.is_user] = 4000000;
    for (unsigned run = 0; run < RUNS; run++) {
        engine_pair_load(&pair, (const uint8_t *)program->code, program->size, program->is_32);
        for (unsigned i = 0; i < 2; i++) {
            cpus[i]->gpr[GPR_ESP] = program->esp;
            cpus[i]->gpr[GPR_EDI] = program->edi;
        }
        for (uint64_t limit = portion; cpus[1]->activity == CPU_RUNNING && limit < 200;
             limit += portion)
            engine_pair_run(&pair, limit);
        cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "%s, portion %u: %s",
                  backend, (unsigned)portion, message);
    }
    engine_pair_destroy(&pair);
}

static void check(const struct program *program) {
    for (uint64_t portion = 100; portion > 1; portion = portion == 100 ? 7 : portion - 1) {
        check_on("portable", program, false, portion);
#if defined(__x86_64__)
        check_on("x86_64", program, false, portion);
        check_on("x86_64", program, true, portion);
#endif
    }
}

#define CHECK(code, esp, edi) check(&(struct program){code, sizeof(code) - 1, esp, edi, true})

/* push eax; push ebx; push 5; push [edi]; pop ecx; pop edx; pop [edi+4]; pop esi */
#define ROW "\x50\x53\x6a\x05\xff\x37\x59\x5a\x8f\x47\x04\x5e"

Test(stack, rows_of_pushes_and_pops_move_it_once) {
    CHECK(ROW ROW, FLAT_STACK, FLAT_DATA);
}

Test(stack, a_row_that_wraps_at_4_gib_moves_it_around) {
    CHECK("\x58\x5b\x59\x50\x53\x51", 0xfffffff8, FLAT_DATA);
}

Test(stack, it_may_lie_where_code_does) {
    CHECK(ROW ROW, START + 0x78, FLAT_DATA);
}

/* mov [edi],esp; push eax; push ebx; mov esp,[edi]; push ecx */
Test(stack, it_may_be_loaded_between) {
    CHECK("\x89\x27\x50\x53\x8b\x27\x51", FLAT_STACK, FLAT_DATA);
}

/* push eax; push esp; mov ebp,esp; push ebx; lea ecx,[esp+4]; mov edx,[esp+8]; pop eax; pop esp;
   push ecx; mov ebp,esp; push edx; push ebx; leave */
Test(stack, its_value_can_be_had_between) {
    CHECK("\x50\x54\x89\xe5\x53\x8d\x4c\x24\x04\x8b\x54\x24\x08\x58\x5c\x51\x89\xe5\x52\x53\xc9",
          FLAT_STACK, FLAT_DATA);
}

/* push eax; push ebx; inc dword [esp+4]; xor [esp],esp; add [esp+4],ecx; cmp esp,[esp]; adc
   edx,[esp+4]; push ecx; sub esp,8; push edx; add esp,4 */
Test(stack, what_it_addresses_can_be_worked_on_between) {
    CHECK("\x50\x53\xff\x44\x24\x04\x31\x24\x24\x01\x4c\x24\x04\x3b\x24\x24\x13\x54\x24\x04\x51\x83"
          "\xec\x08\x52\x83\xc4\x04",
          FLAT_STACK, FLAT_DATA);
}

/* push eax; mov [esp+1],ah; mov ch,[esp+2]; push ebx; xchg [esp],eax; movzx edx,byte [esp+1];
   pushf; pop ebx; push fs; pop eax */
Test(stack, bytes_flags_and_segments_find_it) {
    CHECK("\x50\x88\x64\x24\x01\x8a\x6c\x24\x02\x53\x87\x04\x24\x0f\xb6\x54\x24\x01\x9c\x5b\x0f\xa0"
          "\x58",
          FLAT_STACK, FLAT_DATA);
}

/* fninit; fld dword [esp+8]; push eax; push ebx; pop ecx; push ecx; fnstenv [edi] */
Test(stack, the_data_pointer_of_an_x87_operand_there_stays_right) {
    CHECK("\xdb\xe3\xd9\x44\x24\x08\x50\x53\x59\x51\xd9\x37", FLAT_STACK - 16, FLAT_DATA);
}

/* push eax; push ebx; push ebx; call F; pop ecx; hlt; F: push edx; mov eax,[esp+4]; pop edx; ret 4
 */
Test(stack, calls_and_returns_move_it_with_the_rest) {
    CHECK("\x50\x53\x53\xe8\x02\x00\x00\x00\x59\xf4\x52\x8b\x44\x24\x04\x5a\xc2\x04\x00",
          FLAT_STACK, FLAT_DATA);
}

/* push ax; push ebx; pop cx; push 5 (16 bits); pop edx; pop si */
Test(stack, it_moves_by_2_or_4) {
    CHECK("\x66\x50\x53\x66\x59\x66\x6a\x05\x5a\x66\x5e", FLAT_STACK, FLAT_DATA);
}

/* push eax; push bx; sub word [edi],5 as 16-bit code: push ax; push bx; pop ecx; call +0; ret */
Test(stack, sixteen_bit_code_moves_sp) {
    static const char code[] = "\x50\x53\x66\x59\xe8\x00\x00\x50\x66\x58";
    check(&(struct program){code, sizeof(code) - 1, 0x8004, FLAT_DATA, false});
    check(&(struct program){code, sizeof(code) - 1, 0x12340002, FLAT_DATA, false});
}

/* push eax; push ebx; xor edx,edx; xor ecx,ecx; push edx; div ecx */
Test(stack, a_division_fault_shows_it) {
    CHECK("\x50\x53\x31\xd2\x31\xc9\x52\xf7\xf1", FLAT_STACK, FLAT_DATA);
}

/* push eax; push ebx; bswap ax; pop ecx; push edx: BSWAP of 16 bits has a handler */
Test(stack, handlers_find_it) {
    CHECK("\x50\x53\x66\x0f\xc8\x59\x52", FLAT_STACK, FLAT_DATA);
}

#define ABSENT UINT32_C(0x123000) /* linear, not mapped */

/** Each access of the row faults in its turn: EDI is next to a page that is not mapped. */
static void check_faults(const char *backend, const char *code, size_t size, uint32_t edi) {
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, backend);
    translator_skip_warm_up(pair.translator);
    struct cpu *const cpus[] = {&pair.reference->cpu, &pair.tested->cpu};
    struct flat_machine *const machines[] = {pair.reference, pair.tested};
    for (unsigned i = 0; i < 2; i++) {
        flat_machine_enable_paging(machines[i]);
        flat_machine_set_pte(machines[i], ABSENT, 0);
    }
    for (unsigned run = 0; run < RUNS; run++) {
        engine_pair_load(&pair, (const uint8_t *)code, size, true);
        for (unsigned i = 0; i < 2; i++) {
            cpus[i]->gpr[GPR_ESP] = FLAT_STACK;
            cpus[i]->gpr[GPR_EDI] = edi;
        }
        engine_pair_run(&pair, 100);
        cr_assert_eq(flat_machine_caught(pair.tested), VECTOR_PF);
        cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "%s, EDI %x: %s", backend,
                  (unsigned)edi, message);
    }
    engine_pair_destroy(&pair);
}

/* push eax; push ebx; mov [edi],ecx; push [edi+4]; pop edx; add [edi+8],ecx; pop [edi+12]; push
   ecx; call [edi+16] */
Test(stack, page_faults_of_other_accesses_show_it) {
    static const char code[] =
        "\x50\x53\x89\x0f\xff\x77\x04\x5a\x01\x4f\x08\x8f\x47\x0c\x51\xff\x57"
        "\x10";
    for (unsigned offset = 0; offset <= 16; offset += 4) {
        check_faults("portable", code, sizeof(code) - 1, ABSENT - offset);
#if defined(__x86_64__)
        check_faults("x86_64", code, sizeof(code) - 1, ABSENT - offset);
#endif
    }
}

/* push eax; push ebx; mov [edi],ch */
Test(stack, page_faults_of_bytes_show_it) {
    static const char code[] = "\x50\x53\x88\x2f";
    check_faults("portable", code, sizeof(code) - 1, ABSENT);
#if defined(__x86_64__)
    check_faults("x86_64", code, sizeof(code) - 1, ABSENT);
#endif
}
