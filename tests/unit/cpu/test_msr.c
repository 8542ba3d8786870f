/* Model-specific registers by family, RDPMC; SDM vol. 3B, "Model-Specific Registers (MSRs)". */
#include "interp/cpu/msr.h"
#include "tests/unit/cpu/cpu_fixture.h"

#define READS_AS(t, index, expected)                                                               \
    do {                                                                                           \
        uint64_t value_ = ~UINT64_C(0);                                                            \
        cr_assert(msr_read(&(t)->cpu, (index), &value_), "%x is unknown", (unsigned)(index));      \
        EQ(value_, expected);                                                                      \
    } while (0)
#define TAKES(t, index, value)   EQ(msr_write(&(t)->cpu, (index), (value)), true)
#define REFUSES(t, index, value) EQ(msr_write(&(t)->cpu, (index), (value)), false)

CPU_TEST(msr, capabilities_name_ranges_and_cannot_be_written, (void)0) {
    READS_AS(t, 0xfe, 0x508);
    REFUSES(t, 0xfe, 0x508);
    READS_AS(t, 0x179, 0x105);
    REFUSES(t, 0x179, 0x105);
}

CPU_TEST(msr, fixed_ranges_take_memory_types_alone, (void)0) {
    static const uint32_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                     0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
    for (unsigned n = 0; n < sizeof fixed / sizeof fixed[0]; n++) {
        uint64_t types = UINT64_C(0x0605040100060504) + n % 2;
        TAKES(t, fixed[n], types);
        READS_AS(t, fixed[n], types);
        REFUSES(t, fixed[n], 0x0200000000000000);
        REFUSES(t, fixed[n], 7);
        READS_AS(t, fixed[n], types);
    }
}

CPU_TEST(msr, variable_ranges_check_type_and_reserved_bits, (void)0) {
    TAKES(t, 0x200, 0xfd000001);
    READS_AS(t, 0x200, 0xfd000001);
    REFUSES(t, 0x200, 0xfd000002);
    REFUSES(t, 0x200, 0xfd000101);
    TAKES(t, 0x20f, 0xfff000800);
    READS_AS(t, 0x20f, 0xfff000800);
    REFUSES(t, 0x20f, 0xfff000801);
    REFUSES(t, 0x20f, UINT64_C(1) << 36);
    uint64_t value;
    EQ(msr_read(&t->cpu, 0x210, &value), false);
}

CPU_TEST(msr, page_attributes_start_as_the_manual_says, (void)0) {
    READS_AS(t, 0x277, 0x0007040600070406);
    REFUSES(t, 0x277, 0x0007040600070403);
}

CPU_TEST(msr, machine_check_banks_report_no_error, (void)0) {
    TAKES(t, 0x17b, UINT64_MAX);
    READS_AS(t, 0x17b, UINT64_MAX);
    READS_AS(t, 0x17a, 0);
    REFUSES(t, 0x17a, 8);
    for (uint32_t index = 0x400; index < 0x400 + 5 * 4; index++) {
        TAKES(t, index, 0);
        READS_AS(t, index, 0);
    }
    uint64_t value;
    EQ(msr_read(&t->cpu, 0x414, &value), false);
}

CPU_TEST(msr, apic_base_moves_and_checks_reserved_bits, (void)0) {
    READS_AS(t, 0x1b, 0xfee00900);
    TAKES(t, 0x1b, 0xfec00900);
    READS_AS(t, 0x1b, 0xfec00900);
    REFUSES(t, 0x1b, 0xfee00901);
}

CPU_TEST(msr, microcode_has_a_revision_behind_cpuid, (void)0) {
    READS_AS(t, 0x8b, UINT64_C(0x107) << 32);
    TAKES(t, 0x79, 0x1000);
    READS_AS(t, 0x17, 0);
}

CPU_TEST(msr, sysenter_registers_are_plain, (void)0) {
    for (uint32_t index = 0x174; index <= 0x176; index++) {
        TAKES(t, index, 0x11223344 + index);
        READS_AS(t, index, 0x11223344 + index);
    }
}

static void expect_known(const char *model, uint32_t index, bool is_known) {
    struct test_cpu *t = test_cpu_create(model);
    uint64_t value;
    bool got = msr_read(&t->cpu, index, &value);
    cr_assert_eq(got, is_known, "%s: MSR %x: known %d, expected %d", model, (unsigned)index, got,
                 is_known);
    test_cpu_destroy(t);
}

Test(msr, each_model_has_the_registers_of_its_features) {
    static const struct {
        uint32_t index;
        bool pentium, pentium2, pentium3, pentium4;
    } rows[] = {
        {0x00, true, true, true, true},          /* P5_MC_ADDR */
        {0x10, true, true, true, true},          /* TSC */
        {0x1b, false, true, true, true},         /* APIC_BASE */
        {0xc1, false, true, true, true},         /* PERFCTR0 */
        {0xfe, false, true, true, true},         /* MTRRCAP */
        {0x174, false, true, true, true},        /* SYSENTER_CS */
        {0x1a0, false, false, false, true},      /* MISC_ENABLE */
        {0x277, false, true, true, true},        /* PAT */
        {0xc0000080, false, false, false, true}, /* EFER */
    };
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        expect_known("pentium", rows[n].index, rows[n].pentium);
        expect_known("pentium2", rows[n].index, rows[n].pentium2);
        expect_known("pentium3", rows[n].index, rows[n].pentium3);
        expect_known("pentium4", rows[n].index, rows[n].pentium4);
    }
}

#define RDPMC_THEN_HLT 0x0f, 0x33, 0xf4

CPU_TEST(msr, rdpmc_at_ring_0_needs_no_permission, RING0) {
    t->cpu.gpr[GPR_EAX] = t->cpu.gpr[GPR_EDX] = 0x1234;
    t->cpu.gpr[GPR_ECX] = 1;
    PLACE(t, TEST_CODE, RDPMC_THEN_HLT);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_CODE + 3);
    EQ(t->cpu.gpr[GPR_EAX], 0);
    EQ(t->cpu.gpr[GPR_EDX], 0);
}

CPU_TEST(msr, rdpmc_of_a_counter_that_does_not_exist_is_gp, RING0) {
    t->cpu.gpr[GPR_ECX] = 2;
    PLACE(t, TEST_CODE, RDPMC_THEN_HLT);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(msr, rdpmc_at_ring_3_is_gp, RING3) {
    PLACE(t, TEST_CODE, RDPMC_THEN_HLT);
    CAUGHT(t, VECTOR_GP, 0);
    EQ(test_cpu_stack(t, 1), TEST_CODE);
}

CPU_TEST(msr, pce_lets_ring_3_read_counters, RING3) {
    t->cpu.cr4 |= CR4_PCE;
    PLACE(t, TEST_CODE, RDPMC_THEN_HLT);
    CAUGHT(t, VECTOR_GP, 0); /* HLT is still privileged */
    EQ(test_cpu_stack(t, 1), TEST_CODE + 2);
}

Test(msr, rdpmc_does_not_exist_before_the_p6) {
    struct test_cpu *t = test_cpu_create("pentium");
    test_cpu_enter_protected(t, 0);
    PLACE(t, TEST_CODE, RDPMC_THEN_HLT);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
    test_cpu_destroy(t);
}
