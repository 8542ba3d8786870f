/* String instructions: chunks, directions, faults in the middle, address sizes. */
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"

#include <criterion/criterion.h>
#include <string.h>

static struct flat_machine *machine;

static void set_up(void) {
    machine = flat_machine_create(UINT64_C(4) << 20);
    flat_machine_catch(machine);
    for (uint32_t n = 0; n < 0x10000; n++)
        machine->ram[FLAT_DATA + n] = (uint8_t)(n * 7 + (n >> 8));
}
static void tear_down(void) {
    flat_machine_destroy(machine);
}
TestSuite(exec_string, .init = set_up, .fini = tear_down);

static uint32_t reg(unsigned r) {
    return (uint32_t)machine->cpu.gpr[r];
}

static void run_string(const char *code, size_t size, uint32_t esi, uint32_t edi, uint32_t ecx) {
    flat_machine_load(machine, code, size, true);
    machine->cpu.gpr[GPR_ESI] = esi;
    machine->cpu.gpr[GPR_EDI] = edi;
    machine->cpu.gpr[GPR_ECX] = ecx;
    flat_machine_run(machine, 1000);
}
#define RUN(code, esi, edi, ecx) run_string(code, sizeof(code) - 1, esi, edi, ecx)

/* What the processor does, one element at a time. */
static void move_elements(uint8_t *ram, uint32_t to, uint32_t from, uint32_t count, unsigned size,
                          bool down) {
    for (uint32_t n = 0; n < count; n++) {
        uint8_t element[4];
        uint32_t delta = down ? 0 - n * size : n * size;
        memcpy(element, ram + (from + delta), size);
        memcpy(ram + (to + delta), element, size);
    }
}

struct move {
    uint32_t from, to, count;
};

static void check_moves(const char *code, size_t code_size, unsigned size, bool down) {
    static const struct move moves[] = {
        {0x100, 0x5000, 17},    {0x2ffe, 0x6001, 3000}, {0x1000, 0x1001, 900},
        {0x1001, 0x1000, 900},  {0x2000, 0x2004, 1000}, {0x2006, 0x2000, 1000},
        {0x3000, 0x8ffd, 5000}, {0x4000, 0x4000, 100},
    };
    uint8_t *expected = malloc(0x10000);
    for (size_t n = 0; n < ARRAY_SIZE(moves); n++) {
        struct move move = moves[n];
        if (down) {
            move.from += move.count * size - size;
            move.to += move.count * size - size;
        }
        memcpy(expected, machine->ram + FLAT_DATA, 0x10000);
        move_elements(expected, move.to, move.from, move.count, size, down);
        run_string(code, code_size, FLAT_DATA + move.from, FLAT_DATA + move.to, move.count);
        cr_assert_eq(memcmp(expected, machine->ram + FLAT_DATA, 0x10000), 0, "move %zu, size %u", n,
                     size);
        cr_assert_eq(reg(GPR_ECX), 0);
        uint32_t bytes = move.count * size;
        uint32_t end = FLAT_DATA + move.to + (down ? 0 - bytes : bytes);
        cr_assert_eq(reg(GPR_EDI), end, "EDI %x, expected %x", reg(GPR_EDI), end);
    }
    free(expected);
}

Test(exec_string, rep_movs_copies_upwards_as_if_one_by_one) {
    check_moves("\xfc\xf3\xa4\xf4", 4, 1, false);
    check_moves("\xfc\x66\xf3\xa5\xf4", 5, 2, false);
    check_moves("\xfc\xf3\xa5\xf4", 4, 4, false);
}

Test(exec_string, rep_movs_copies_downwards_as_if_one_by_one) {
    check_moves("\xfd\xf3\xa4\xf4", 4, 1, true);
    check_moves("\xfd\x66\xf3\xa5\xf4", 5, 2, true);
    check_moves("\xfd\xf3\xa5\xf4", 4, 4, true);
}

Test(exec_string, rep_counts_once_for_each_4096_iterations) {
    RUN("\xfc\xf3\xa4\xf4", FLAT_DATA, FLAT_DATA + 0x20000, 10000);
    cr_assert_eq(machine->cpu.icount, 1 + 3 + 1, "icount %llu",
                 (unsigned long long)machine->cpu.icount);
}

Test(exec_string, rep_with_a_count_of_zero_touches_nothing) {
    RUN("\xfc\xf3\xa4\xf4", 0xfffffff0, 0xfffffff0, 0);
    cr_assert_eq(flat_machine_caught(machine), -1);
    cr_assert_eq(reg(GPR_ESI), 0xfffffff0);
}

/* The fault comes at the first byte of an absent page; what was done before stays done. */
Test(exec_string, a_fault_in_the_middle_leaves_registers_exact) {
    flat_machine_enable_paging(machine);
    flat_machine_set_pte(machine, 0x202000, 0);
    RUN("\xfc\xf3\xa4\xf4", FLAT_DATA, 0x200ff0, 0x3000);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_PF);
    cr_assert_eq(reg(GPR_EDI), 0x202000, "EDI %x", reg(GPR_EDI));
    cr_assert_eq(reg(GPR_ECX), 0x3000 - 0x1010, "ECX %x", reg(GPR_ECX));
    cr_assert_eq(reg(GPR_ESI), FLAT_DATA + 0x1010, "ESI %x", reg(GPR_ESI));
    cr_assert_eq(machine->cpu.cr2, 0x202000, "CR2 %llx", (unsigned long long)machine->cpu.cr2);
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP) + 4);
    cr_assert_eq(pushed_ip, FLAT_CODE + 1, "pushed IP %x", pushed_ip);
}

Test(exec_string, rep_stos_fills_with_the_accumulator) {
    machine->cpu.gpr[GPR_EAX] = 0x11223344;
    RUN("\xfc\xf3\xab\xf4", 0, FLAT_DATA + 0xffe, 3);
    for (unsigned n = 0; n < 3; n++)
        cr_assert_eq(load_le32(machine->ram + FLAT_DATA + 0xffe + n * 4), 0x11223344);
    cr_assert_eq(reg(GPR_EDI), FLAT_DATA + 0xffe + 12);
}

Test(exec_string, repne_scas_stops_behind_the_match) {
    memset(machine->ram + FLAT_DATA, 'x', 0x3000);
    machine->ram[FLAT_DATA + 0x1234] = 0;
    machine->cpu.gpr[GPR_EAX] = 0;
    RUN("\xfc\xf2\xae\xf4", 0, FLAT_DATA, 0xffffffff);
    cr_assert_eq(reg(GPR_EDI), FLAT_DATA + 0x1235, "EDI %x", reg(GPR_EDI));
    cr_assert_eq(reg(GPR_ECX), 0xffffffff - 0x1235, "ECX %x", reg(GPR_ECX));
    cr_assert(lazy_zf(&machine->cpu.lazy));
}

/* Wherever the match lies, at the last comparison or not at all. */
Test(exec_string, repne_scas_finds_each_place_of_a_match) {
    for (uint32_t place = 0; place <= 41; place++) {
        memset(machine->ram + FLAT_DATA, 'x', 0x100);
        machine->ram[FLAT_DATA + place] = 'y';
        machine->cpu.gpr[GPR_EAX] = 'y';
        RUN("\xfc\xf2\xae\xf4", 0, FLAT_DATA, 40);
        uint32_t compared = place < 40 ? place + 1 : 40;
        cr_assert_eq(reg(GPR_ECX), 40 - compared, "place %u: ECX %x", place, reg(GPR_ECX));
        cr_assert_eq(reg(GPR_EDI), FLAT_DATA + compared);
        cr_assert_eq(lazy_zf(&machine->cpu.lazy), place < 40);
    }
}

Test(exec_string, repe_cmps_stops_behind_the_difference) {
    memcpy(machine->ram + FLAT_DATA + 0x8000, machine->ram + FLAT_DATA, 0x2000);
    machine->ram[FLAT_DATA + 0x8000 + 0x1100] ^= 1;
    RUN("\xfc\xf3\xa6\xf4", FLAT_DATA, FLAT_DATA + 0x8000, 0x2000);
    cr_assert_eq(reg(GPR_ESI), FLAT_DATA + 0x1101, "ESI %x", reg(GPR_ESI));
    cr_assert_eq(reg(GPR_ECX), 0x2000 - 0x1101, "ECX %x", reg(GPR_ECX));
    cr_assert_not(lazy_zf(&machine->cpu.lazy));
}

/* Wherever the difference lies among a few words, and without one; ECX 40 elements. */
Test(exec_string, repe_cmps_finds_each_place_of_a_difference) {
    static const struct {
        const char *code;
        unsigned size;
    } forms[] = {{"\xfc\xf3\xa6\xf4", 1}, {"\xfc\x66\xf3\xa7\xf4", 2}, {"\xfc\xf3\xa7\xf4", 4}};
    for (size_t form = 0; form < ARRAY_SIZE(forms); form++) {
        unsigned size = forms[form].size;
        for (uint32_t place = 0; place <= 40; place++) {
            memcpy(machine->ram + FLAT_DATA + 0x8000, machine->ram + FLAT_DATA, 0x200);
            machine->ram[FLAT_DATA + 0x8000 + place * size] ^= 0x80; /* the 40th lies behind */
            run_string(forms[form].code, strlen(forms[form].code), FLAT_DATA, FLAT_DATA + 0x8000,
                       40);
            uint32_t compared = place < 40 ? place + 1 : 40;
            cr_assert_eq(reg(GPR_ECX), 40 - compared, "size %u, place %u: ECX %x", size, place,
                         reg(GPR_ECX));
            cr_assert_eq(reg(GPR_EDI), FLAT_DATA + 0x8000 + compared * size);
            cr_assert_eq(lazy_zf(&machine->cpu.lazy), place == 40);
        }
    }
}

/* a16 rep movsb: SI wraps at 64 KiB, the upper halves stay. */
Test(exec_string, sixteen_bit_addresses_wrap) {
    machine->ram[0xffff] = 0xaa;
    machine->ram[0] = 0xbb;
    RUN("\xfc\x67\xf3\xa4\xf4", 0x1234ffff, 0x00055000, 0x77770002);
    cr_assert_eq(machine->ram[0x5000], 0xaa);
    cr_assert_eq(machine->ram[0x5001], 0xbb, "got %x", machine->ram[0x5001]);
    cr_assert_eq(reg(GPR_ESI), 0x12340001, "ESI %x", reg(GPR_ESI));
    cr_assert_eq(reg(GPR_EDI), 0x00055002, "EDI %x", reg(GPR_EDI));
    cr_assert_eq(reg(GPR_ECX), 0x77770000, "ECX %x", reg(GPR_ECX));
}

Test(exec_string, the_trap_flag_stops_after_each_iteration) {
    cpu_set_eflags(&machine->cpu, FLAG_TF, FLAG_TF);
    RUN("\xf3\xa4\xf4", FLAT_DATA, FLAT_DATA + 0x8000, 10);
    cr_assert_eq(flat_machine_caught(machine), VECTOR_DB);
    cr_assert_eq(reg(GPR_ECX), 9, "ECX %x", reg(GPR_ECX));
    uint32_t pushed_ip = load_le32(machine->ram + reg(GPR_ESP));
    cr_assert_eq(pushed_ip, FLAT_CODE, "pushed IP %x", pushed_ip);
}
