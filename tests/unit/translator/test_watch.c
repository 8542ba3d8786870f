/* Frames are watched for code only while there are translations of them. */
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>

#define FRAME (FLAT_CODE >> GUEST_PAGE_SHIFT)

static void check(const char *backend) {
    struct flat_machine *machine = flat_machine_create(UINT64_C(1) << 20);
    struct cpu *cpu = &machine->cpu;
    struct error error;
    struct translator *translator = translator_create(cpu, backend, 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    flat_machine_load(machine, "\xb8\x01\x00\x00\x00\xf4", 6, true);
    translator_run(translator, cpu->icount + 100);
    cr_assert_eq(cpu->gpr[GPR_EAX], 1);
    cr_expect(physmem_watches(machine->physmem, FRAME) & WATCH_CODE);
    physmem_dma_write(machine->physmem, FLAT_CODE, "\xb8\x02", 2);
    cr_expect_eq(physmem_watches(machine->physmem, FRAME) & WATCH_CODE, 0u);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

Test(watch, portable_translations_release_their_frame) {
    check("portable");
}
#if defined(__x86_64__)
Test(watch, host_code_releases_its_frame) {
    check("x86_64");
}
#endif
