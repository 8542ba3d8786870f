/* An access that traps again and again goes out of line, but not for ever. */
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>

#define STORES UINT32_C(50)
#define PAUSE  UINT32_C(12000000)

/* O: mov ecx,STORES; L: mov [edi],al; dec ecx; jnz L; mov ecx,PAUSE; P: dec ecx; jnz P; dec edx;
   jnz O; hlt */
static const uint8_t code[] = {0xb9,
                               STORES,
                               0x00,
                               0x00,
                               0x00,
                               0x88,
                               0x07,
                               0x49,
                               0x75,
                               0xfb,
                               0xb9,
                               PAUSE & 0xff,
                               PAUSE >> 8 & 0xff,
                               PAUSE >> 16 & 0xff,
                               PAUSE >> 24,
                               0x49,
                               0x75,
                               0xfd,
                               0x4a,
                               0x75,
                               0xeb,
                               0xf4};

/** Traps of a loop that stores beside its own code, in so many rounds with pauses. */
static uint64_t count_traps(uint32_t rounds) {
    struct engine_pair pair;
    engine_pair_create(&pair, "x86_64");
    engine_pair_load(&pair, code, sizeof(code), true);
    struct cpu *cpu = &pair.tested->cpu;
    cpu->gpr[GPR_EDI] = FLAT_CODE + 0x800;
    cpu->gpr[GPR_EDX] = rounds;
    for (unsigned i = 0; i < 100 && mmu_window(&cpu->mmu) == NULL; i++)
        cpu->mmu.executed[cpu->mmu.is_user] = 4000000;
    while (cpu->activity == CPU_RUNNING)
        translator_run(pair.translator, UINT64_MAX);
    uint64_t traps = translator_counters(pair.translator)->host_traps;
    engine_pair_destroy(&pair);
    return traps;
}

Test(slow_sites, an_access_that_keeps_trapping_goes_out_of_line_and_is_tried_again_later) {
    uint64_t once = count_traps(1), thrice = count_traps(3);
    cr_expect_lt(once, 16, "%u traps in one round", (unsigned)once);
    cr_expect_geq(thrice, 24, "%u traps in one round, %u in three", (unsigned)once,
                  (unsigned)thrice);
    cr_expect_lt(thrice, 2 * STORES, "%u traps in three rounds", (unsigned)thrice);
}
