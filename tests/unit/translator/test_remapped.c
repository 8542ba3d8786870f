/* INVLPG in translated code: a page of code that is mapped elsewhere, on every back end. */
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>

static void run_at(struct translator *translator, struct cpu *cpu, uint32_t eip) {
    cpu->eip = eip;
    cpu->activity = CPU_RUNNING;
    translator_run(translator, cpu->icount + 100);
}

static void check(const char *backend) {
    /* mov dword [pte of 20000h],30007h; invlpg [20000h]; jmp 20000h */
    static const char code[] = "\xc7\x05\x80\x10\x04\x00\x07\x00\x03\x00\x0f\x01\x3d\x00\x00\x02"
                               "\x00\xe9\xea\xff\x00\x00";
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct error error;
    struct translator *translator =
        translator_create(&machine->cpu, backend, 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    flat_machine_enable_paging(machine);
    physmem_dma_write(machine->physmem, 0x20000, "\xb8\x01\x00\x00\x00\xf4", 6);
    physmem_dma_write(machine->physmem, 0x30000, "\xb8\x02\x00\x00\x00\xf4", 6);
    flat_machine_load(machine, code, sizeof(code) - 1, true);
    run_at(translator, &machine->cpu, 0x20000);
    run_at(translator, &machine->cpu, FLAT_CODE);
    cr_expect_eq(machine->cpu.gpr[GPR_EAX], 2, "EAX %x", (uint32_t)machine->cpu.gpr[GPR_EAX]);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

Test(remapped, portable_code_runs_the_new_bytes) {
    check("portable");
}
#if defined(__x86_64__)
Test(remapped, host_code_runs_the_new_bytes) {
    check("x86_64");
}
#endif
