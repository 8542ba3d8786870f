/* Integer handlers through the decoder: what the value functions do not cover. */
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"

#include <criterion/criterion.h>
#include <string.h>

static struct flat_machine *machine;

static void set_up(void) {
    machine = flat_machine_create(UINT64_C(4) << 20);
    flat_machine_catch(machine);
}
static void tear_down(void) {
    flat_machine_destroy(machine);
}
TestSuite(exec_integer, .init = set_up, .fini = tear_down);

struct outcome {
    uint32_t eax, ecx, edx, flags;
};

/* Run code and a HLT with these registers, EBX = FLAT_DATA and the flags CF, AF clear. */
static struct outcome run_code(const char *code, size_t size, uint32_t eax, uint32_t ecx,
                               uint32_t edx, uint32_t flags) {
    char bytes[32];
    memcpy(bytes, code, size);
    bytes[size] = (char)0xf4;
    flat_machine_load(machine, bytes, size + 1, true);
    struct cpu *cpu = &machine->cpu;
    cpu->gpr[GPR_EAX] = eax;
    cpu->gpr[GPR_ECX] = ecx;
    cpu->gpr[GPR_EDX] = edx;
    cpu->gpr[GPR_EBX] = FLAT_DATA;
    lazy_flags_set(&cpu->lazy, flags);
    flat_machine_run(machine, 100);
    return (struct outcome){(uint32_t)cpu->gpr[GPR_EAX], (uint32_t)cpu->gpr[GPR_ECX],
                            (uint32_t)cpu->gpr[GPR_EDX], lazy_flags_get(&cpu->lazy)};
}
#define RUN(code, eax, ecx, edx, flags) run_code(code, sizeof(code) - 1, eax, ecx, edx, flags)

#define EXPECT(actual, expected)                                                                   \
    cr_assert_eq((actual), (expected), #actual " is %x, expected %x", (unsigned)(actual),          \
                 (unsigned)(expected))

Test(exec_integer, high_byte_registers_are_addressed) {
    struct outcome o = RUN("\x00\xe5", 0x1100, 0x2233, 0, 0); /* add ch,ah */
    EXPECT(o.ecx, 0x3333);
}

Test(exec_integer, direction_of_the_opcode_names_the_destination) {
    EXPECT(RUN("\x29\xc8", 10, 3, 0, 0).eax, 7); /* sub eax,ecx as 29 /r */
    EXPECT(RUN("\x2b\xc1", 10, 3, 0, 0).eax, 7); /* sub eax,ecx as 2B /r */
    store_le32(machine->ram + FLAT_DATA, 100);
    EXPECT(RUN("\x2b\x03", 1000, 0, 0, 0).eax, 900); /* sub eax,[ebx] */
    RUN("\x29\x03", 1, 0, 0, 0);                     /* sub [ebx],eax */
    EXPECT(load_le32(machine->ram + FLAT_DATA), 99);
}

Test(exec_integer, sixteen_bit_operations_keep_the_upper_half) {
    EXPECT(RUN("\x66\x01\xc8", 0xaaaaffff, 1, 0, 0).eax, 0xaaaa0000);
}

Test(exec_integer, mul_spreads_the_product_and_sets_carry) {
    struct outcome o = RUN("\xf7\xe1", 0x80000000, 6, 0, 0);
    EXPECT(o.eax, 0);
    EXPECT(o.edx, 3);
    EXPECT(o.flags, FLAG_CF | FLAG_OF);
}

Test(exec_integer, imul_reports_a_product_that_does_not_fit) {
    EXPECT(RUN("\x0f\xaf\xc1", 0xffffffff, 5, 0, 0).eax, 0xfffffffb);
    EXPECT(RUN("\x0f\xaf\xc1", 0x10000, 0x8000, 0, 0).flags, FLAG_CF | FLAG_OF);
    EXPECT(RUN("\x6b\xc1\xfe", 0, 7, 0, 0).eax, 0xfffffff2); /* imul eax,ecx,-2 */
}

Test(exec_integer, division_truncates_towards_zero) {
    struct outcome o = RUN("\xf7\xf9", (uint32_t)-7, 2, UINT32_MAX, 0); /* idiv ecx */
    EXPECT(o.eax, (uint32_t)-3);
    EXPECT(o.edx, (uint32_t)-1);
    EXPECT(RUN("\xf6\xf1", 0x0105, 0x10, 0, 0).eax, 0x0510); /* div cl: AL = 10h, AH = 5 */
}

Test(exec_integer, quotients_that_do_not_fit_are_divide_errors) {
    RUN("\xf7\xf1", 0, 2, 2, 0);
    EXPECT(flat_machine_caught(machine), VECTOR_DE);
    RUN("\xf7\xf1", 1, 0, 0, 0);
    EXPECT(flat_machine_caught(machine), VECTOR_DE);
    RUN("\xf7\xf9", 0, UINT32_MAX, 0x80000000, 0);
    EXPECT(flat_machine_caught(machine), VECTOR_DE);
    RUN("\xf7\xf9", 0x80000000, UINT32_MAX, UINT32_MAX, 0);
    EXPECT(flat_machine_caught(machine), VECTOR_DE);
}

Test(exec_integer, bit_strings_reach_before_and_behind_their_operand) {
    memset(machine->ram + FLAT_DATA - 4, 0, 12);
    RUN("\x0f\xab\x03", (uint32_t)-1, 0, 0, 0); /* bts [ebx],eax */
    EXPECT(load_le32(machine->ram + FLAT_DATA - 4), 0x80000000);
    RUN("\x0f\xab\x03", 35, 0, 0, 0);
    EXPECT(load_le32(machine->ram + FLAT_DATA + 4), 8);
    RUN("\x0f\xba\x2b\x23", 0, 0, 0, 0); /* bts dword [ebx],35: the immediate wraps */
    EXPECT(load_le32(machine->ram + FLAT_DATA), 8);
}

Test(exec_integer, bit_tests_change_carry_alone) {
    uint32_t others = FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF;
    EXPECT(RUN("\x0f\xba\xe0\x04", 0x10, 0, 0, others).flags, others | FLAG_CF);
    EXPECT(RUN("\x0f\xba\xe0\x05", 0x10, 0, 0, others | FLAG_CF).flags, others);
}

Test(exec_integer, bit_scans_keep_the_destination_when_there_is_no_bit) {
    EXPECT(RUN("\x0f\xbc\xc1", 0x1234, 0, 0, 0).eax, 0x1234); /* bsf eax,ecx */
    EXPECT(RUN("\x0f\xbc\xc1", 0, 0x50, 0, 0).eax, 4);
    EXPECT(RUN("\x0f\xbd\xc1", 0, 0x50, 0, 0).eax, 6);
    cr_assert(RUN("\x0f\xbd\xc1", 0, 0, 0, 0).flags & FLAG_ZF);
}

/* 15h + 27h = 3Ch, adjusted 42h; 99h + 1 = 9Ah, adjusted 00h with carry. */
Test(exec_integer, daa_makes_packed_decimal_sums) {
    EXPECT(RUN("\x00\xc8\x27", 0x15, 0x27, 0, 0).eax, 0x42);
    struct outcome o = RUN("\x00\xc8\x27", 0x99, 1, 0, 0);
    EXPECT(o.eax, 0);
    EXPECT(o.flags, FLAG_CF | FLAG_AF | FLAG_ZF | FLAG_PF);
    o = RUN("\x28\xc8\x2f", 0x20, 1, 0, 0); /* sub al,cl; das */
    EXPECT(o.eax, 0x19);
    EXPECT(o.flags, FLAG_AF);
}

Test(exec_integer, ascii_adjustments_carry_into_ah) {
    EXPECT(RUN("\x37", 0x000f, 0, 0, 0).eax, 0x0105);
    EXPECT(RUN("\x3f", 0x010f, 0, 0, 0).eax, 0x0009);
    EXPECT(RUN("\xd4\x0a", 0x002f, 0, 0, 0).eax, 0x0407);
    EXPECT(RUN("\xd5\x0a", 0x0407, 0, 0, 0).eax, 0x002f);
    RUN("\xd4\x00", 1, 0, 0, 0);
    EXPECT(flat_machine_caught(machine), VECTOR_DE);
}

Test(exec_integer, cmpxchg_writes_also_when_it_fails) {
    flat_machine_enable_paging(machine);
    flat_machine_set_pte(machine, FLAT_DATA, FLAT_DATA | 1);
    RUN("\x0f\xb1\x0b", 1, 2, 0, 0); /* cmpxchg [ebx],ecx; memory is 0 */
    EXPECT(flat_machine_caught(machine), VECTOR_PF);
}

Test(exec_integer, cmpxchg8b_compares_edx_eax) {
    store_le64(machine->ram + FLAT_DATA, UINT64_C(0x1122334455667788));
    struct outcome o = RUN("\x0f\xc7\x0b", 1, 9, 2, FLAG_ZF | FLAG_CF);
    EXPECT(o.eax, 0x55667788);
    EXPECT(o.edx, 0x11223344);
    EXPECT(o.flags, FLAG_CF);
    o = RUN("\x0f\xc7\x0b", 0x55667788, 9, 0x11223344, 0);
    EXPECT(o.flags, FLAG_ZF);
    EXPECT(load_le64(machine->ram + FLAT_DATA), UINT64_C(9) << 32 | FLAT_DATA);
}

Test(exec_integer, xadd_leaves_the_sum_when_both_operands_are_one) {
    EXPECT(RUN("\x0f\xc1\xc0", 21, 0, 0, 0).eax, 42);
}

Test(exec_integer, push_esp_pushes_the_old_value) {
    struct cpu *cpu = &machine->cpu;
    cpu->gpr[GPR_ESP] = FLAT_STACK;
    RUN("\x54", 0, 0, 0, 0);
    EXPECT(load_le32(machine->ram + FLAT_STACK - 4), FLAT_STACK);
    RUN("\x5c", 0, 0, 0, 0); /* pop esp */
    EXPECT((uint32_t)cpu->gpr[GPR_ESP], FLAT_STACK);
}

Test(exec_integer, pop_to_memory_addresses_with_the_incremented_esp) {
    struct cpu *cpu = &machine->cpu;
    cpu->gpr[GPR_ESP] = FLAT_STACK - 8;
    store_le32(machine->ram + FLAT_STACK - 8, 0x1234);
    RUN("\x8f\x04\x24", 0, 0, 0, 0); /* pop dword [esp] */
    EXPECT(load_le32(machine->ram + FLAT_STACK - 4), 0x1234);
    EXPECT((uint32_t)cpu->gpr[GPR_ESP], FLAT_STACK - 4);
}

Test(exec_integer, pusha_and_popa_are_inverse_but_for_esp) {
    struct cpu *cpu = &machine->cpu;
    cpu->gpr[GPR_ESP] = FLAT_STACK;
    cpu->gpr[GPR_EBP] = 5;
    RUN("\x60", 1, 2, 3, 0);
    EXPECT(load_le32(machine->ram + FLAT_STACK - 20), FLAT_STACK);
    EXPECT(load_le32(machine->ram + FLAT_STACK - 4), 1);
    store_le32(machine->ram + FLAT_STACK - 20, 0xdead);
    struct outcome o = RUN("\x61", 0, 0, 0, 0);
    EXPECT(o.eax, 1);
    EXPECT(o.edx, 3);
    EXPECT((uint32_t)cpu->gpr[GPR_EBP], 5);
    EXPECT((uint32_t)cpu->gpr[GPR_ESP], FLAT_STACK);
}

/* enter 16,2: saves EBP, copies one frame pointer, pushes the new one. */
Test(exec_integer, enter_copies_the_display_of_nested_procedures) {
    struct cpu *cpu = &machine->cpu;
    cpu->gpr[GPR_ESP] = FLAT_STACK;
    cpu->gpr[GPR_EBP] = FLAT_STACK + 0x100;
    store_le32(machine->ram + FLAT_STACK + 0xfc, 0xcafe);
    RUN("\xc8\x10\x00\x02", 0, 0, 0, 0);
    EXPECT(load_le32(machine->ram + FLAT_STACK - 4), FLAT_STACK + 0x100);
    EXPECT(load_le32(machine->ram + FLAT_STACK - 8), 0xcafe);
    EXPECT(load_le32(machine->ram + FLAT_STACK - 12), FLAT_STACK - 4);
    EXPECT((uint32_t)cpu->gpr[GPR_EBP], FLAT_STACK - 4);
    EXPECT((uint32_t)cpu->gpr[GPR_ESP], FLAT_STACK - 28);
    RUN("\xc9", 0, 0, 0, 0);
    EXPECT((uint32_t)cpu->gpr[GPR_EBP], FLAT_STACK + 0x100);
    EXPECT((uint32_t)cpu->gpr[GPR_ESP], FLAT_STACK);
}

Test(exec_integer, sixteen_bit_stacks_wrap_and_keep_the_upper_half) {
    static const char code[] = "\x50\xf4"; /* push ax */
    flat_machine_load(machine, code, sizeof(code) - 1, false);
    machine->cpu.eip = FLAT_CODE;
    machine->cpu.gpr[GPR_ESP] = 0x12340000;
    machine->cpu.gpr[GPR_EAX] = 0xbeef;
    flat_machine_run(machine, 10);
    EXPECT((uint32_t)machine->cpu.gpr[GPR_ESP], 0x1234fffe);
    EXPECT(load_le16(machine->ram + 0xfffe), 0xbeef);
}

Test(exec_integer, call_and_ret_return_behind_the_call) {
    /* call +1; hlt; inc eax; ret 4 */
    machine->cpu.gpr[GPR_ESP] = FLAT_STACK;
    EXPECT(RUN("\xe8\x01\x00\x00\x00\xf4\x40\xc2\x04\x00", 1, 0, 0, 0).eax, 2);
    EXPECT((uint32_t)machine->cpu.gpr[GPR_ESP], FLAT_STACK + 4);
    EXPECT((uint32_t)machine->cpu.eip, FLAT_CODE + 6);
}

Test(exec_integer, loop_counts_in_the_address_size) {
    /* L: inc eax; a16 loop L */
    struct outcome o = RUN("\x40\x67\xe2\xfc", 0, 0x50003, 0, 0);
    EXPECT(o.eax, 3);
    EXPECT(o.ecx, 0x50000);
}

Test(exec_integer, bound_accepts_both_bounds) {
    store_le32(machine->ram + FLAT_DATA, (uint32_t)-5);
    store_le32(machine->ram + FLAT_DATA + 4, 5);
    RUN("\x62\x03", 5, 0, 0, 0);
    EXPECT(flat_machine_caught(machine), -1);
    RUN("\x62\x03", (uint32_t)-6, 0, 0, 0);
    EXPECT(flat_machine_caught(machine), VECTOR_BR);
}

Test(exec_integer, cmov_reads_its_source_whatever_the_condition) {
    flat_machine_enable_paging(machine);
    flat_machine_set_pte(machine, FLAT_DATA, 0);
    RUN("\x0f\x44\x03", 0, 0, 0, 0); /* cmovz eax,[ebx] with ZF clear */
    EXPECT(flat_machine_caught(machine), VECTOR_PF);
}

Test(exec_integer, setcc_stores_zero_or_one) {
    EXPECT(RUN("\x0f\x94\xc0", 0xff, 0, 0, FLAG_ZF).eax, 1);
    EXPECT(RUN("\x0f\x9f\xc0", 0xff, 0, 0, FLAG_SF).eax, 0); /* setg */
}
