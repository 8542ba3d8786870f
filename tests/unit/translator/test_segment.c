/* Segment registers that change in the middle of a block, on every back end. */
#include "softmmu/window.h"
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>

/** LDS and its like load a null selector into a segment; what reads through it must fault. */
static void check_far_pointer(const char *backend, const uint8_t *code, size_t size) {
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct error error;
    flat_machine_catch(machine);
    struct translator *translator =
        translator_create(&machine->cpu, backend, 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    for (unsigned i = 0; i < 100 && mmu_window(&machine->cpu.mmu) == NULL; i++)
        machine->cpu.mmu.executed[machine->cpu.mmu.is_user] =
            4000000; /* where the back end has windows, it wants one */
    translator_skip_warm_up(translator);
    flat_machine_load(machine, code, size, true);
    machine->cpu.gpr[GPR_EBX] = FLAT_DATA; /* zeros */
    translator_run(translator, 40);
    cr_expect_gt(translator_statistics(translator)->blocks, 0, "nothing was translated");
    cr_expect_eq(flat_machine_caught(machine), VECTOR_GP, "code %02x: vector %d", code[1],
                 flat_machine_caught(machine));
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

static void check_all(const char *backend) {
    static const uint8_t lds[] = {0x90, 0xc5, 0x03, 0x8b, 0x13, 0xf4}; /* mov edx,[ebx] */
    static const uint8_t les[] = {0x90, 0xc4, 0x03, 0x26, 0x8b, 0x13, 0xf4};
    static const uint8_t lfs[] = {0x0f, 0xb4, 0x03, 0x64, 0x8b, 0x13, 0xf4};
    static const uint8_t lgs[] = {0x0f, 0xb5, 0x03, 0x65, 0x8b, 0x13, 0xf4};
    check_far_pointer(backend, lds, sizeof(lds));
    check_far_pointer(backend, les, sizeof(les));
    check_far_pointer(backend, lfs, sizeof(lfs));
    check_far_pointer(backend, lgs, sizeof(lgs));
}

Test(segment, portable_code_checks_a_segment_loaded_with_a_pointer) {
    check_all("portable");
}
#if defined(__x86_64__)
Test(segment, host_code_checks_a_segment_loaded_with_a_pointer) {
    check_all("x86_64");
}
#endif
