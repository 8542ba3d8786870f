/*
 * A chip that asks for attention while guest code runs (cpu_lower_limit) is heard behind exactly
 * that instruction, on every engine.
 */
#include "tests/unit/interp/flat_machine.h"
#include "translator/run.h"

#include <criterion/criterion.h>

#define REGISTERS UINT32_C(0xfe000000)
#define RUNS      6 /* code is translated when it was wanted a few times */

static uint64_t chip_read(void *opaque, phys_addr offset, unsigned size) {
    return 0;
}

static void chip_write(void *opaque, phys_addr offset, unsigned size, uint64_t value) {
    cpu_lower_limit(opaque, 0);
}

/** Run code whose third instruction writes to the chip; the instructions done at the stop. */
static void check_stop(const char *backend, const uint8_t *code, size_t size) {
    static const struct mmio_ops ops = {.read = chip_read, .write = chip_write};
    struct flat_machine *machine = flat_machine_create(UINT64_C(2) << 20);
    struct cpu *cpu = &machine->cpu;
    struct translator *translator = NULL;
    struct error error;
    physmem_add_mmio(machine->physmem, "chip", REGISTERS, 4096, &ops, cpu, 1);
    if (backend != NULL) {
        translator = translator_create(cpu, backend, 1 << 20, true, &error);
        cr_assert_not_null(translator, "%s", error.message);
    }
    flat_machine_load(machine, code, size, true);
    for (unsigned run = 0; run < RUNS; run++) {
        cpu->eip = FLAT_CODE;
        cpu->gpr[GPR_EDI] = REGISTERS;
        uint64_t before = cpu->icount, limit = before + 40;
        enum cpu_exit exit =
            translator != NULL ? translator_run(translator, limit) : interp_run(cpu, limit);
        cr_assert_eq(exit, CPU_EXIT_LIMIT, "run %u: exit %d", run, exit);
        cr_assert_eq(cpu->icount - before, 3, "run %u: %u instructions, expected 3", run,
                     (unsigned)(cpu->icount - before));
    }
    translator_destroy(translator);
    flat_machine_destroy(machine);
}

/* inc eax; inc eax; the write; inc eax six times; jmp to itself */
static const uint8_t store_code[] = {0x40, 0x40, 0x89, 0x07, 0x40, 0x40,
                                     0x40, 0x40, 0x40, 0x40, 0xeb, 0xfe};
static const uint8_t string_code[] = {0x40, 0x40, 0xab, 0x40, 0x40, 0x40, 0x40, 0xeb, 0xfe};
static const uint8_t modify_code[] = {0x40, 0x40, 0xff, 0x07, 0x40, 0x40, 0x40, 0x40, 0xeb, 0xfe};
/* inc eax; inc eax; the write; nop three times, which are no operations of the IR; ... */
static const uint8_t idle_code[] = {0x40, 0x40, 0x89, 0x07, 0x90, 0x90, 0x90, 0x40, 0xeb, 0xfe};

Test(limit, interpreter_stops_behind_a_store) {
    check_stop(NULL, store_code, sizeof(store_code));
}
Test(limit, interpreter_stops_behind_a_string_store) {
    check_stop(NULL, string_code, sizeof(string_code));
}
Test(limit, portable_code_stops_behind_a_store) {
    check_stop("portable", store_code, sizeof(store_code));
}
Test(limit, portable_code_stops_behind_a_string_store) {
    check_stop("portable", string_code, sizeof(string_code));
}
Test(limit, portable_code_stops_behind_a_read_modify_write) {
    check_stop("portable", modify_code, sizeof(modify_code));
}
Test(limit, portable_code_stops_before_what_needs_no_operation) {
    check_stop("portable", idle_code, sizeof(idle_code));
}
#if defined(__x86_64__)
Test(limit, host_code_stops_before_what_needs_no_operation) {
    check_stop("x86_64", idle_code, sizeof(idle_code));
}
Test(limit, host_code_stops_behind_a_store) {
    check_stop("x86_64", store_code, sizeof(store_code));
}
Test(limit, host_code_stops_behind_a_string_store) {
    check_stop("x86_64", string_code, sizeof(string_code));
}
Test(limit, host_code_stops_behind_a_read_modify_write) {
    check_stop("x86_64", modify_code, sizeof(modify_code));
}
#endif
