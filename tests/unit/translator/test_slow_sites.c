/* An access that traps again and again goes out of line, but not for ever. */
#include "softmmu/base/bits.h"
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"
#include "translator/backend/x86_64/slow_sites.h"

#include <criterion/criterion.h>
#include <string.h>

#define STORES  UINT32_C(50)
#define PAUSE   UINT32_C(12000000)
#define PORTION UINT32_C(20000000)

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

/** Traps of a program that stores to a watched page. */
static uint64_t count_traps(const uint8_t *program, size_t size, uint32_t rounds) {
    struct engine_pair pair;
    engine_pair_create(&pair, "x86_64");
    flat_machine_load(pair.tested, (const char *)program, size, true);
    struct cpu *cpu = &pair.tested->cpu;
    physmem_watch(pair.tested->physmem, FLAT_DATA >> GUEST_PAGE_SHIFT, WATCH_STORES);
    cpu->gpr[GPR_EDI] = FLAT_DATA;
    cpu->gpr[GPR_EDX] = rounds;
    for (unsigned i = 0; i < 100 && mmu_window(&cpu->mmu) == NULL; i++)
        cpu->mmu.executed[cpu->mmu.is_user] = 4000000;
    while (cpu->activity == CPU_RUNNING)
        translator_run(pair.translator, cpu->icount + PORTION);
    uint64_t traps = translator_counters(pair.translator)->host_traps;
    engine_pair_destroy(&pair);
    return traps;
}

Test(slow_sites, an_access_that_keeps_trapping_goes_out_of_line_and_is_tried_again_later) {
    uint64_t once = count_traps(code, sizeof(code), 1);
    uint64_t thrice = count_traps(code, sizeof(code), 3);
    cr_expect_lt(once, 16, "%u traps in one round", (unsigned)once);
    cr_expect_geq(thrice, 24, "%u traps in one round, %u in three", (unsigned)once,
                  (unsigned)thrice);
    cr_expect_lt(thrice, 2 * STORES, "%u traps in three rounds", (unsigned)thrice);
}

/* O: many times mov [edi],al; dec edx; jnz O; hlt */
Test(slow_sites, more_than_can_be_remembered_stop_trapping_as_well) {
    enum { SITES = MOST_SLOW_SITES + 50, ROUNDS = 60 };
    static uint8_t program[2 * SITES + 8];
    for (unsigned i = 0; i < SITES; i++)
        memcpy(program + 2 * i, "\x88\x07", 2);
    uint8_t *end = program + 2 * SITES;
    memcpy(end, "\x4a\x0f\x85", 3);
    store_le32(end + 3, (uint32_t) - (2 * SITES + 7));
    end[7] = 0xf4;
    uint64_t traps = count_traps(program, sizeof(program), ROUNDS);
    cr_expect_lt(traps, 9 * SITES, "%u traps", (unsigned)traps);
}
