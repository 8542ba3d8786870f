/*
 * Code whose page is mapped anew with INVLPG is the new page's code at once, on every engine and
 * in however small portions it runs.
 */
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>
#include <string.h>

#define PAGE  UINT32_C(0x50000) /* linear; its frame changes between these two */
#define ONE   UINT32_C(0x50000)
#define TWO   UINT32_C(0x51000)
#define ENTRY UINT32_C(0x41140) /* of PAGE, in flat_machine's page table */
#define RUNS  6                 /* code is translated when it was wanted a few times */

/* mov dword [ENTRY], ONE | 7; invlpg [PAGE]; call PAGE; mov ebx, eax;
   mov dword [ENTRY], TWO | 7; invlpg [PAGE]; call PAGE; hlt */
static const uint8_t code[] = {
    0xc7, 0x05, 0x40, 0x11, 0x04, 0x00, 0x07, 0x00, 0x05, 0x00, 0x0f, 0x01, 0x3d, 0x00, 0x00, 0x05,
    0x00, 0xe8, 0xea, 0xff, 0x03, 0x00, 0x89, 0xc3, 0xc7, 0x05, 0x40, 0x11, 0x04, 0x00, 0x07, 0x10,
    0x05, 0x00, 0x0f, 0x01, 0x3d, 0x00, 0x00, 0x05, 0x00, 0xe8, 0xd2, 0xff, 0x03, 0x00, 0xf4};
/* mov eax, n; ret */
static const uint8_t callee[] = {0xb8, 0x01, 0x00, 0x00, 0x00, 0xc3};

static enum cpu_exit run(struct translator *translator, struct cpu *cpu, uint64_t limit) {
    return translator != NULL ? translator_run(translator, limit) : interp_run(cpu, limit);
}

static void check(const char *backend, unsigned portion) {
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct cpu *cpu = &machine->cpu;
    struct translator *translator = NULL;
    struct error error;
    if (backend != NULL) {
        translator = translator_create(cpu, backend, 1 << 20, true, &error);
        cr_assert_not_null(translator, "%s", error.message);
    }
    memcpy(machine->ram + ONE, callee, sizeof(callee));
    memcpy(machine->ram + TWO, callee, sizeof(callee));
    machine->ram[TWO + 1] = 2;
    flat_machine_enable_paging(machine);
    flat_machine_load(machine, code, sizeof(code), true);
    for (unsigned i = 0; i < RUNS; i++) {
        cpu->eip = FLAT_CODE;
        cpu->activity = CPU_RUNNING;
        enum cpu_exit exit = CPU_EXIT_LIMIT;
        for (unsigned steps = 0; exit == CPU_EXIT_LIMIT && steps < 100; steps++)
            exit = run(translator, cpu, cpu->icount + portion);
        cr_assert_eq(exit, CPU_EXIT_HALTED, "run %u: exit %d", i, exit);
        cr_assert_eq(cpu->gpr[GPR_EBX], 1, "run %u: first page's code returned %u", i,
                     (unsigned)cpu->gpr[GPR_EBX]);
        cr_assert_eq(cpu->gpr[GPR_EAX], 2, "run %u: second page's code returned %u", i,
                     (unsigned)cpu->gpr[GPR_EAX]);
    }
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

Test(remap, interpreter_runs_the_new_code) {
    check(NULL, 1000);
}
Test(remap, interpreter_runs_the_new_code_step_by_step) {
    check(NULL, 1);
}
Test(remap, portable_code_is_the_new_code) {
    check("portable", 1000);
}
Test(remap, portable_code_is_the_new_code_step_by_step) {
    check("portable", 1);
}
#if defined(__x86_64__)
Test(remap, host_code_is_the_new_code) {
    check("x86_64", 1000);
}
Test(remap, host_code_is_the_new_code_step_by_step) {
    check("x86_64", 1);
}
#endif

/* A page that maps itself away: mov [ENTRY], eax; jmp +0; and then mov ebx, 1 or 2; hlt. */
static const uint8_t leaver[] = {0xa3, 0x40, 0x11, 0x04, 0x00, 0xeb, 0x00,
                                 0xbb, 0x01, 0,    0,    0,    0xf4};

static uint32_t leave(struct translator *translator, struct flat_machine *machine, uint32_t entry) {
    uint8_t one[4];
    store_le32(one, ONE | 7);
    physmem_dma_write(machine->physmem, ENTRY, one, sizeof(one));
    machine->cpu.gpr[GPR_EAX] = entry | 7;
    machine->cpu.eip = PAGE;
    machine->cpu.activity = CPU_RUNNING;
    translator_run(translator, machine->cpu.icount + 100);
    return (uint32_t)machine->cpu.gpr[GPR_EBX];
}

static void check_leaving(const char *backend) {
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct error error;
    struct translator *translator =
        translator_create(&machine->cpu, backend, 1 << 20, true, &error);
    cr_assert_not_null(translator, "%s", error.message);
    translator_skip_warm_up(translator);
    flat_machine_enable_paging(machine);
    flat_machine_load(machine, code, sizeof(code), true);
    memcpy(machine->ram + ONE, leaver, sizeof(leaver));
    memcpy(machine->ram + TWO, leaver, sizeof(leaver));
    machine->ram[TWO + 8] = 2;
    for (unsigned i = 0; i < RUNS; i++)
        leave(translator, machine, TWO);
    uint32_t result = leave(translator, machine, ONE);
    cr_expect_eq(result, 1, "code of a frame that is not mapped ran: %u", result);
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

Test(remap, portable_jumps_stay_in_the_frame_that_is_mapped) {
    check_leaving("portable");
}
#if defined(__x86_64__)
Test(remap, host_jumps_stay_in_the_frame_that_is_mapped) {
    check_leaving("x86_64");
}
#endif
