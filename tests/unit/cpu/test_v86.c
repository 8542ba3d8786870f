/* Virtual-8086 mode, its entry and exit, and the virtual interrupt flag (VME, PVI). */
#include "tests/unit/cpu/cpu_fixture.h"

CPU_TEST(v86, exception_enters_ring_0_with_null_data_segments, V86(3)) {
    PLACE(t, TEST_CODE, 0x0f, 0x0b);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
    EQ(t->cpu.cpl, 0);
    EQ(t->cpu.is_v86, false);
    EQ(t->cpu.seg[SEG_DS].is_usable, false);
    EQ(t->cpu.seg[SEG_GS].selector, 0);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0 - 36);
    EQ(test_cpu_stack(t, 0), 0);
    EQ(test_cpu_stack(t, 1), TEST_CODE >> 4);
    EQ(test_cpu_stack(t, 2) & (FLAG_VM | FLAG_IOPL), FLAG_VM | FLAG_IOPL);
    EQ(test_cpu_stack(t, 3), 0xf000);
    for (unsigned n = 4; n < 9; n++)
        EQ(test_cpu_stack(t, n), 0x3000);
}

CPU_TEST(v86, iret_returns_to_v86_mode, V86(3)) {
    test_cpu_set_vector(t, VECTOR_UD, 0x8e, SEL_CODE0, TEST_CODE + 0x100);
    PLACE(t, TEST_CODE, 0x0f, 0x0b, 0x90);
    /* ADD DWORD [ESP],2; IRETD */
    PLACE(t, TEST_CODE + 0x100, 0x36, 0x83, 0x04, 0x24, 2, 0xcf);
    test_cpu_steps(t, 4); /* a fault counts */
    EQ(t->cpu.eip, 3);
    EQ(t->cpu.is_v86, true);
    EQ(t->cpu.cpl, 3);
    EQ(t->cpu.seg[SEG_DS].selector, 0x3000);
    EQ(t->cpu.seg[SEG_DS].base, 0x30000);
    EQ(t->cpu.seg[SEG_DS].is_usable, true);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0xf000);
}

CPU_TEST(v86, handler_outside_ring_0_is_gp, V86(3)) {
    test_cpu_set_vector(t, 0x80, 0xee, SEL_CODE3, 0);
    PLACE(t, TEST_CODE, 0xcd, 0x80);
    CAUGHT(t, VECTOR_GP, SEL_CODE3 & 0xfffc);
}

CPU_TEST(v86, iopl_below_3_makes_sensitive_instructions_fault, V86(0)) {
    static const uint8_t codes[][2] = {{0xfa, 0}, {0xfb, 0},    {0x9c, 0},
                                       {0x9d, 0}, {0xcd, 0x80}, {0xcf, 0}};
    for (unsigned n = 0; n < sizeof codes / sizeof codes[0]; n++) {
        test_cpu_enter_v86(t, 0);
        test_cpu_place(t, TEST_CODE, codes[n], 2);
        t->cpu.activity = CPU_RUNNING;
        CAUGHT(t, VECTOR_GP, 0);
        EQ(test_cpu_stack(t, 1), 0);
    }
}

CPU_TEST(v86, vme_makes_cli_and_sti_work_on_vif, V86(0)) {
    t->cpu.cr4 = CR4_VME;
    PLACE(t, TEST_CODE, 0xfb, 0x9c, 0xfa, 0x9c, 0xf4);
    test_cpu_steps(t, 4);
    EQ(t->cpu.eflags & (FLAG_IF | FLAG_VIF), FLAG_IF);
    EQ(test_cpu_stack(t, 0) & 0xffff, 0x3002);
    EQ(test_cpu_stack(t, 0) >> 16, 0x3202);
}

CPU_TEST(v86, vme_sti_with_a_pending_virtual_interrupt_is_gp, V86(0)) {
    t->cpu.cr4 = CR4_VME;
    cpu_set_eflags(&t->cpu, FLAG_VIP, FLAG_VIP);
    PLACE(t, TEST_CODE, 0xfb);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(v86, vme_popf_loads_vif_and_leaves_if_and_iopl, V86(0)) {
    t->cpu.cr4 = CR4_VME;
    PLACE(t, TEST_CODE, 0x68, 0x00, 0x02, 0x9d); /* PUSH 200h; POPF */
    test_cpu_steps(t, 2);
    EQ(t->cpu.eflags & (FLAG_IF | FLAG_VIF | FLAG_IOPL), FLAG_IF | FLAG_VIF);
}

CPU_TEST(v86, vme_redirects_int_to_the_programs_own_handler, V86(0)) {
    t->cpu.cr4 = CR4_VME;
    test_cpu_write32(t, 0x21 * 4, 0x10000040); /* 1000:0040 */
    PLACE(t, TEST_CODE, 0xcd, 0x21);
    PLACE(t, TEST_CODE + 0x40, 0x90);
    cpu_set_eflags(&t->cpu, FLAG_VIF, FLAG_VIF);
    test_cpu_steps(t, 2);
    EQ(t->cpu.eip, 0x41);
    EQ(t->cpu.is_v86, true);
    EQ(t->cpu.eflags & FLAG_VIF, 0);
    EQ(test_cpu_stack(t, 0), 0x10000002);
    EQ(test_cpu_stack(t, 1) & 0xffff, 0x3202);
}

CPU_TEST(v86, vme_with_the_redirection_bit_set_is_gp_below_iopl_3, V86(0)) {
    t->cpu.cr4 = CR4_VME;
    PLACE(t, TEST_TSS + 0xe0 + 0x21 / 8, 1 << (0x21 & 7));
    PLACE(t, TEST_CODE, 0xcd, 0x21);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(v86, vme_iret_loads_vif, V86(0)) {
    t->cpu.cr4 = CR4_VME;
    PLACE(t, TEST_CODE, 0x68, 0x00, 0x02, 0x68, 0x00, 0x10, 0x68, 0x40, 0x00, 0xcf);
    PLACE(t, TEST_CODE + 0x40, 0x90);
    test_cpu_steps(t, 5);
    EQ(t->cpu.eip, 0x41);
    EQ(t->cpu.eflags & FLAG_VIF, FLAG_VIF);
}

CPU_TEST(v86, pvi_makes_cli_at_ring_3_work_on_vif, RING3) {
    t->cpu.cr4 = CR4_PVI;
    cpu_set_eflags(&t->cpu, FLAG_IF | FLAG_VIF, FLAG_IF | FLAG_VIF);
    PLACE(t, TEST_CODE, 0xfa);
    test_cpu_steps(t, 1);
    EQ(t->cpu.eflags & (FLAG_IF | FLAG_VIF), FLAG_IF);
}

CPU_TEST(v86, segment_limit_is_64k, V86(3)) {
    PLACE(t, TEST_CODE, 0xa1, 0xff, 0xff);
    CAUGHT(t, VECTOR_GP, 0);
}
