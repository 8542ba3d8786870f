/* System instructions that programs use once, if at all: what they deliver in ring 0. */
#include "softmmu/base/bits.h"
#include "tests/unit/cpu/cpu_fixture.h"

#define DATA UINT32_C(0x50000)

/* sgdt [DATA]; sidt [DATA+8]; hlt */
CPU_TEST(system_instructions, sgdt_and_sidt_store_limit_and_base, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0x01, 0x05, 0, 0, 5, 0, 0x0f, 0x01, 0x0d, 8, 0, 5, 0, 0xf4);
    test_cpu_run(t);
    EQ(test_cpu_read16(t, DATA), 0xfff);
    EQ(test_cpu_read32(t, DATA + 2), TEST_GDT);
    EQ(test_cpu_read16(t, DATA + 8), 0x7ff);
    EQ(test_cpu_read32(t, DATA + 10), TEST_IDT);
}

/* mov cr2,eax; mov ebx,cr2; hlt */
CPU_TEST(system_instructions, cr2_keeps_what_is_written, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0x22, 0xd0, 0x0f, 0x20, 0xd3, 0xf4);
    t->cpu.gpr[GPR_EAX] = 0x89abcdef;
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EBX), 0x89abcdef);
}

/* mov [DATA],eax; invd; wbinvd; mov ebx,[DATA]; hlt: there is no cache to lose the write in. */
CPU_TEST(system_instructions, invd_and_wbinvd_lose_no_write, RING0) {
    PLACE(t, TEST_CODE, 0xa3, 0, 0, 5, 0, 0x0f, 0x08, 0x0f, 0x09, 0x8b, 0x1d, 0, 0, 5, 0, 0xf4);
    t->cpu.gpr[GPR_EAX] = 0x1234;
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EBX), 0x1234);
}

CPU_TEST(system_instructions, invd_is_privileged, RING3) {
    PLACE(t, TEST_CODE, 0x0f, 0x08);
    CAUGHT(t, VECTOR_GP, 0);
}

/* rdpmc; hlt */
CPU_TEST(system_instructions, performance_counters_stand_still, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0x33, 0xf4);
    t->cpu.gpr[GPR_EAX] = t->cpu.gpr[GPR_EDX] = UINT32_MAX;
    t->cpu.gpr[GPR_ECX] = 1;
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0);
    EQ(cpu_reg32(&t->cpu, GPR_EDX), 0);
}

CPU_TEST(system_instructions, a_performance_counter_that_is_not_there_is_gp, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0x33);
    t->cpu.gpr[GPR_ECX] = 2;
    CAUGHT(t, VECTOR_GP, 0);
}

/* cpuid; hlt */
CPU_TEST(system_instructions, cpuid_leaf_0_spells_the_vendor, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0xa2, 0xf4);
    t->cpu.gpr[GPR_EAX] = 0;
    test_cpu_run(t);
    static const enum gpr order[3] = {GPR_EBX, GPR_EDX, GPR_ECX};
    char vendor[13] = "";
    for (unsigned i = 0; i < 3; i++)
        store_le32((uint8_t *)vendor + 4 * i, cpu_reg32(&t->cpu, order[i]));
    cr_assert_str_eq(vendor, "GenuineIntel", "expected GenuineIntel, actual %s", vendor);
}

/* push imm; pop fs; hlt */
CPU_TEST(system_instructions, pop_loads_fs, RING0) {
    PLACE(t, TEST_CODE, 0x6a, SEL_DATA3, 0x0f, 0xa1, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.seg[SEG_FS].selector, SEL_DATA3);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0);
}

/* lfs eax,[DATA]; hlt */
CPU_TEST(system_instructions, lfs_loads_offset_and_selector, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0xb4, 0x05, 0, 0, 5, 0, 0xf4);
    test_cpu_write32(t, DATA, 0x11223344);
    test_cpu_write32(t, DATA + 4, SEL_DATA3);
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0x11223344);
    EQ(t->cpu.seg[SEG_FS].selector, SEL_DATA3);
}

/* rsm: there is no system-management mode to leave. */
CPU_TEST(system_instructions, rsm_outside_of_system_management_mode_is_ud, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0xaa);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
}
