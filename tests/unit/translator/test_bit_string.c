/* Bit strings in memory, whose index is in a register, on the x86-64 back end. */
#include "interp/cpu/cpu_compare.h"
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>
#include <string.h>

#define RAM_BYTES (UINT64_C(2) << 20)
#define READ_ONLY 5u /* present, user */

static const struct {
    const char *name;
    uint8_t code[10];
    uint8_t size;
} forms[] = {
    {"bt [ebx], eax", {0x0f, 0xa3, 0x03}, 3},
    {"bts [ebx+4], ecx", {0x0f, 0xab, 0x4b, 0x04}, 4},
    {"btr [ebx+esi*2-1], edx", {0x0f, 0xb3, 0x54, 0x73, 0xff}, 5},
    {"lock btc [ebx], ebp", {0xf0, 0x0f, 0xbb, 0x2b}, 4},
    {"bt word [ebx], ax", {0x66, 0x0f, 0xa3, 0x03}, 4},
    {"bts word [ebx+2], di", {0x66, 0x0f, 0xab, 0x7b, 0x02}, 5},
    {"btc word [ebx], bp", {0x66, 0x0f, 0xbb, 0x2b}, 4},
    {"bts [esp-8], esp", {0x0f, 0xab, 0x64, 0x24, 0xf8}, 5},
    {"addr16 btr [bx], eax", {0x67, 0x0f, 0xb3, 0x07}, 4},
};

static void prepare(struct engine_pair *pair, unsigned form) {
    struct cpu *cpus[] = {&pair->reference->cpu, &pair->tested->cpu};
    int32_t index = (int16_t)engine_pair_random(pair);
    engine_pair_load(pair, forms[form].code, forms[form].size, true);
    for (unsigned i = 0; i < 2; i++) {
        static const uint8_t indices[] = {GPR_EAX, GPR_ECX, GPR_EDX, GPR_EBP, GPR_EDI};
        for (unsigned r = 0; r < sizeof(indices); r++)
            cpus[i]->gpr[indices[r]] = (uint32_t)index;
        cpus[i]->gpr[GPR_EBX] = FLAT_DATA + 0x4000;
        cpus[i]->gpr[GPR_ESI] &= 0xff;
        memset((i == 0 ? pair->reference : pair->tested)->ram + FLAT_DATA + 0x3000,
               (int)(index & 0xff), 0x2000);
    }
}

static void check(bool has_window, bool is_read_only) {
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, "x86_64");
    struct mmu *mmu = &pair.tested->cpu.mmu;
    for (unsigned i = 0; has_window && i < 100 && mmu_window(mmu) == NULL; i++)
        mmu->executed[mmu->is_user] = 4000000;
    translator_skip_warm_up(pair.translator);
    if (is_read_only) {
        struct flat_machine *machines[] = {pair.reference, pair.tested};
        for (unsigned i = 0; i < 2; i++) {
            flat_machine_enable_paging(machines[i]);
            for (uint32_t page = 0; page < 8; page++)
                flat_machine_set_pte(machines[i], FLAT_DATA + page * 0x1000,
                                     (FLAT_DATA + page * 0x1000) | READ_ONLY);
        }
    }
    for (unsigned form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
        for (unsigned round = 0; round < 40; round++) {
            prepare(&pair, form);
            engine_pair_run(&pair, 4);
            cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "%s: %s",
                      forms[form].name, message);
        }
    }
    engine_pair_destroy(&pair);
}

Test(bit_string, bits_beyond_the_operand_agree_in_the_window) {
    check(true, false);
}
Test(bit_string, bits_beyond_the_operand_agree_without_a_window) {
    check(false, false);
}
Test(bit_string, faults_leave_the_carry_flag_alone) {
    check(true, true);
    check(false, true);
}

Test(bit_string, bits_and_fences_need_no_handler) {
    /* lfence; mfence; sfence; bts [ebx], eax */
    static const uint8_t code[] = {0x0f, 0xae, 0xe8, 0x0f, 0xae, 0xf0, 0x0f,
                                   0xae, 0xf8, 0x0f, 0xab, 0x03, 0xf4};
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, "x86_64");
    translator_skip_warm_up(pair.translator);
    for (unsigned round = 0; round < 4; round++) {
        engine_pair_load(&pair, code, sizeof(code), true);
        pair.reference->cpu.gpr[GPR_EAX] = pair.tested->cpu.gpr[GPR_EAX] = 77;
        pair.reference->cpu.gpr[GPR_EBX] = pair.tested->cpu.gpr[GPR_EBX] = FLAT_DATA;
        engine_pair_run(&pair, 10);
        cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "%s", message);
    }
    const uint64_t *calls = translator_counters(pair.translator)->handler_calls;
    cr_expect_eq(calls[OP_LFENCE] + calls[OP_MFENCE] + calls[OP_SFENCE], 0);
    cr_expect_leq(calls[OP_BTS], 1, "%u calls", (unsigned)calls[OP_BTS]);
    engine_pair_destroy(&pair);
}
