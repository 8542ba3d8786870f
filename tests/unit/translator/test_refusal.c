/* Places where no block can be made are interpreted, and not tried again each time. */
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>
#include <string.h>

#define LOOP   UINT32_C(0x50ffd)
#define ROUNDS 100

Test(refusal, an_instruction_over_the_end_of_a_page_is_interpreted_without_further_tries) {
    /* inc ecx; add eax, 7 (from the last two bytes of a page); cmp ecx, ROUNDS; jne to the start;
       hlt */
    static const uint8_t code[] = {0x41, 0x05, 0x07,   0x00, 0x00, 0x00,
                                   0x83, 0xf9, ROUNDS, 0x75, 0xf5, 0xf4};
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct cpu *cpu = &machine->cpu;
    struct error error;
    struct translator *translator = translator_create(cpu, NULL, 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    flat_machine_load(machine, code, sizeof(code), true);
    memcpy(machine->ram + LOOP, code, sizeof(code));
    cpu->eip = LOOP;
    cpu->gpr[GPR_EAX] = cpu->gpr[GPR_ECX] = 0;
    cr_expect_eq(translator_run(translator, 1000), CPU_EXIT_HALTED);
    cr_expect_eq(cpu->gpr[GPR_EAX], 7 * ROUNDS);
    cr_expect_eq(cpu->gpr[GPR_ECX], ROUNDS);
    uint64_t refusals = translator_statistics(translator)->refusals;
    cr_expect_eq(refusals, ROUNDS - 1, "%u of %u rounds", (unsigned)refusals, ROUNDS);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}
