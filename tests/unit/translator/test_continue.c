/* From a handler that ended its block straight into the next block, on the x86-64 back end. */
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>

#define ROUNDS 50

/** Run both machines from the start of `code` up to each limit in turn, warmed up. */
static void check_limits(const uint8_t *code, size_t size, uint64_t most) {
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, "x86_64");
    translator_skip_warm_up(pair.translator);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t limit = 1; limit <= most; limit++) {
            engine_pair_load(&pair, code, size, true);
            struct cpu *cpus[] = {&pair.reference->cpu, &pair.tested->cpu};
            for (unsigned i = 0; i < 2; i++) {
                cpus[i]->gpr[GPR_EAX] = cpus[i]->seg[SEG_SS].selector;
                cpus[i]->gpr[GPR_ECX] = 0x5000;
                cpus[i]->gpr[GPR_ESI] = FLAT_DATA;
                cpus[i]->gpr[GPR_EDI] = FLAT_DATA + 0x8000;
                cpu_set_eflags(cpus[i], 0, FLAG_DF);
                cpus[i]->interrupt_shadow = cpus[i]->debug_shadow = false;
            }
            engine_pair_run(&pair, limit);
            cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "limit %u: %s",
                      (unsigned)limit, message);
            cr_assert_eq(cpus[0]->interrupt_shadow, cpus[1]->interrupt_shadow,
                         "limit %u: interrupt shadow %d, translated %d", (unsigned)limit,
                         cpus[0]->interrupt_shadow, cpus[1]->interrupt_shadow);
        }
    }
    engine_pair_destroy(&pair);
}

static void check_loop_with_handler(uint64_t limit) {
    /* clts; inc ecx; cmp ecx, ROUNDS; jne to the start; hlt */
    static const uint8_t code[] = {0x0f, 0x06, 0x41, 0x83, 0xf9, ROUNDS, 0x75, 0xf8, 0xf4};
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, "x86_64");
    translator_skip_warm_up(pair.translator);
    engine_pair_load(&pair, code, sizeof(code), true);
    pair.reference->cpu.gpr[GPR_ECX] = pair.tested->cpu.gpr[GPR_ECX] = 0;
    engine_pair_run(&pair, limit);
    cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "%s", message);
    cr_expect_eq(pair.tested->cpu.gpr[GPR_ECX], ROUNDS);
    uint64_t count = translator_counters(pair.translator)->continuations;
    cr_expect_geq(count, ROUNDS - 5, "%u of %u rounds without the dispatcher", (unsigned)count,
                  ROUNDS);
    engine_pair_destroy(&pair);
}

Test(continue_x86_64, handlers_lead_to_the_next_block_without_the_dispatcher) {
    check_loop_with_handler(1000);
}

Test(continue_x86_64, handlers_lead_to_the_next_block_where_there_is_no_limit) {
    check_loop_with_handler(UINT64_MAX);
}

Test(continue_x86_64, string_instructions_in_pieces_are_counted_one_by_one) {
    /* inc ebx; rep movsb; inc ebx; inc ebx; clts; hlt */
    static const uint8_t code[] = {0x43, 0xf3, 0xa4, 0x43, 0x43, 0x0f, 0x06, 0xf4};
    check_limits(code, sizeof(code), 14);
}

Test(continue_x86_64, a_limit_behind_a_load_of_ss_keeps_its_shadow) {
    /* mov ss, eax; inc ebx; clts; jmp to the start */
    static const uint8_t code[] = {0x8e, 0xd0, 0x43, 0x0f, 0x06, 0xeb, 0xf9};
    check_limits(code, sizeof(code), 16);
}
