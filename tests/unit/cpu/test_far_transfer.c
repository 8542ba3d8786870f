/* Far JMP, CALL and RET, call gates, segment loads and limits, SYSENTER. */
#include "tests/unit/cpu/cpu_fixture.h"

CPU_TEST(far_transfer, call_gate_copies_parameters_to_the_inner_stack, RING3) {
    test_cpu_set_gate(t, SEL_SPARE, 0xec, SEL_CODE0, TEST_HANDLERS, 2);
    PLACE(t, TEST_CODE, 0x6a, 0x11, 0x6a, 0x22, 0x9a, 0, 0, 0, 0, SEL_SPARE | 3, 0);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0);
    EQ(t->cpu.cpl, 0);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 11);
    EQ(test_cpu_stack(t, 1), SEL_CODE3);
    EQ(test_cpu_stack(t, 2), 0x22);
    EQ(test_cpu_stack(t, 3), 0x11);
    EQ(test_cpu_stack(t, 4), TEST_STACK3 - 8);
    EQ(test_cpu_stack(t, 5), SEL_DATA3);
}

CPU_TEST(far_transfer, return_from_a_call_gate_releases_parameters_on_both_stacks, RING3) {
    test_cpu_set_gate(t, SEL_SPARE, 0xec, SEL_CODE0, TEST_CODE + 0x100, 2);
    PLACE(t, TEST_CODE, 0x6a, 0x11, 0x6a, 0x22, 0x9a, 0, 0, 0, 0, SEL_SPARE | 3, 0, 0x90);
    PLACE(t, TEST_CODE + 0x100, 0xca, 8, 0); /* RETF 8 */
    test_cpu_steps(t, 5);
    EQ(t->cpu.eip, TEST_CODE + 12);
    EQ(t->cpu.cpl, 3);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK3);
    EQ(t->cpu.seg[SEG_SS].selector, SEL_DATA3);
}

CPU_TEST(far_transfer, call_gate_16_pushes_words, RING0) {
    test_cpu_set_gate(t, SEL_SPARE, 0x84, SEL_CODE0, TEST_HANDLERS, 0);
    PLACE(t, TEST_CODE, 0x9a, 0, 0, 0, 0, SEL_SPARE, 0);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0 - 4);
    EQ(test_cpu_stack(t, 0), SEL_CODE0 << 16 | 7);
}

CPU_TEST(far_transfer, call_gate_of_too_low_privilege_is_gp, RING3) {
    test_cpu_set_gate(t, SEL_SPARE, 0x8c, SEL_CODE0, TEST_HANDLERS, 0);
    PLACE(t, TEST_CODE, 0x9a, 0, 0, 0, 0, SEL_SPARE | 3, 0);
    CAUGHT(t, VECTOR_GP, SEL_SPARE);
}

CPU_TEST(far_transfer, jump_through_a_gate_may_not_change_cpl, RING3) {
    test_cpu_set_gate(t, SEL_SPARE, 0xec, SEL_CODE0, TEST_HANDLERS, 0);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_SPARE | 3, 0);
    CAUGHT(t, VECTOR_GP, SEL_CODE0);
}

CPU_TEST(far_transfer, jump_to_inner_code_is_gp, RING3) {
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_CODE0, 0);
    CAUGHT(t, VECTOR_GP, SEL_CODE0);
}

CPU_TEST(far_transfer, conforming_code_runs_at_the_callers_cpl, RING3) {
    PLACE(t, TEST_CODE, 0x9a, 0, 1, 1, 0, SEL_CONFORMING, 0);
    PLACE(t, 0x10100, 0x90);
    test_cpu_steps(t, 2);
    EQ(t->cpu.cpl, 3);
    EQ(t->cpu.seg[SEG_CS].selector, SEL_CONFORMING | 3);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 7);
    EQ(test_cpu_stack(t, 1), SEL_CODE3);
}

CPU_TEST(far_transfer, jump_beyond_the_limit_is_gp_0, RING0) {
    PLACE(t, TEST_CODE, 0xea, 0, 0, 2, 0, SEL_CODE16, 0);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(far_transfer, jump_to_16_bit_code_changes_the_default_size, RING0) {
    PLACE(t, TEST_CODE, 0xea, 0x10, 0, 0, 0, SEL_CODE16, 0);
    PLACE(t, TEST_CODE + 0x10, 0xb8, 0x34, 0x12, 0x40); /* MOV AX,1234h; INC AX */
    t->cpu.gpr[GPR_EAX] = 0xffff0000;
    test_cpu_steps(t, 3);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0xffff1235);
    EQ(t->cpu.eip, 0x14);
}

CPU_TEST(far_transfer, return_to_inner_ring_is_gp, RING3) {
    PLACE(t, TEST_CODE, 0x6a, SEL_CODE0, 0x6a, 0, 0xcb);
    CAUGHT(t, VECTOR_GP, SEL_CODE0);
}

CPU_TEST(far_transfer, unreal_mode_keeps_limits, REAL) {
    t->cpu.seg[SEG_DS].limit = UINT32_MAX;
    segment_update_bounds(&t->cpu.seg[SEG_DS]);
    /* XOR AX,AX; MOV DS,AX; MOV EAX,[ESI] */
    PLACE(t, TEST_CODE, 0x31, 0xc0, 0x8e, 0xd8, 0x67, 0x66, 0x8b, 0x06, 0xf4);
    t->cpu.gpr[GPR_ESI] = 0x200000;
    test_cpu_write32(t, 0x200000, 0xcafe1234);
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0xcafe1234);
}

CPU_TEST(far_transfer, real_mode_limit_violation_is_interrupt_13, REAL) {
    PLACE(t, TEST_CODE, 0xa1, 0xff, 0xff); /* MOV AX,[FFFFh] */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_GP);
    EQ(test_cpu_stack(t, 0), (TEST_CODE >> 4) << 16);
}

CPU_TEST(far_transfer, null_selector_loads_but_does_not_access, RING0) {
    PLACE(t, TEST_CODE, 0x31, 0xc0, 0x8e, 0xd8, 0xa1, 0, 0, 0, 0);
    CAUGHT(t, VECTOR_GP, 0);
    EQ(test_cpu_stack(t, 1), TEST_CODE + 4);
}

CPU_TEST(far_transfer, null_ss_is_gp_0, RING0) {
    PLACE(t, TEST_CODE, 0x31, 0xc0, 0x8e, 0xd0);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(far_transfer, absent_ss_is_ss_with_the_selector, RING0) {
    test_cpu_set_descriptor(t, SEL_SPARE, 0, 0xfffff, 0x13, 0xc);
    PLACE(t, TEST_CODE, 0xb8, SEL_SPARE, 0, 0, 0, 0x8e, 0xd0);
    CAUGHT(t, VECTOR_SS, SEL_SPARE);
}

CPU_TEST(far_transfer, loading_marks_the_descriptor_accessed, RING0) {
    test_cpu_set_descriptor(t, SEL_SPARE, 0, 0xfffff, 0x92, 0xc);
    PLACE(t, TEST_CODE, 0xb8, SEL_SPARE, 0, 0, 0, 0x8e, 0xd8, 0xf4);
    test_cpu_run(t);
    EQ(test_cpu_read32(t, TEST_GDT + SEL_SPARE + 4) >> 8 & 0xff, 0x93);
}

CPU_TEST(far_transfer, expand_down_segment_ends_below_its_limit, RING0) {
    test_cpu_set_descriptor(t, SEL_SPARE, 0, 0xfff, 0x97, 0x4);
    /* MOV EAX,58h; MOV DS,EAX; MOV EAX,[1000h]; MOV EAX,[FFFh] */
    PLACE(t, TEST_CODE, 0xb8, SEL_SPARE, 0, 0, 0, 0x8e, 0xd8, 0xa1, 0, 0x10, 0, 0, 0xa1, 0xff, 0x0f,
          0, 0);
    CAUGHT(t, VECTOR_GP, 0);
    EQ(test_cpu_stack(t, 1), TEST_CODE + 12);
}

CPU_TEST(far_transfer, code_segments_cannot_be_written, RING0) {
    PLACE(t, TEST_CODE, 0x2e, 0xa3, 0, 0, 5, 0);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(far_transfer, access_beyond_ss_limit_is_ss_0, RING0) {
    test_cpu_set_descriptor(t, SEL_SPARE, 0, 0x20fff, 0x93, 0x4);
    /* MOV EAX,58h; MOV SS,EAX; MOV EAX,[EBP] */
    PLACE(t, TEST_CODE, 0xb8, SEL_SPARE, 0, 0, 0, 0x8e, 0xd0, 0x8b, 0x45, 0);
    t->cpu.gpr[GPR_EBP] = 0x20ffd;
    CAUGHT(t, VECTOR_SS, 0);
}

CPU_TEST(far_transfer, misaligned_access_at_ring_3_is_ac, RING3) {
    t->cpu.cr0 |= CR0_AM;
    cpu_set_eflags(&t->cpu, FLAG_AC, FLAG_AC);
    PLACE(t, TEST_CODE, 0xa1, 0, 0, 5, 0, 0xa1, 2, 0, 5, 0);
    CAUGHT(t, VECTOR_AC, 0);
    EQ(test_cpu_stack(t, 1), TEST_CODE + 5);
}

CPU_TEST(far_transfer, sysenter_and_sysexit_change_rings_flat, RING3) {
    t->cpu.msr.sysenter_cs = SEL_CODE0;
    t->cpu.msr.sysenter_esp = TEST_STACK0;
    t->cpu.msr.sysenter_eip = TEST_CODE + 0x100;
    PLACE(t, TEST_CODE, 0x0f, 0x34, 0x90);
    PLACE(t, TEST_CODE + 0x100, 0x0f, 0x35);
    t->cpu.gpr[GPR_ECX] = 0x30040;
    t->cpu.gpr[GPR_EDX] = TEST_CODE + 2;
    test_cpu_steps(t, 1);
    EQ(t->cpu.cpl, 0);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0);
    test_cpu_steps(t, 2);
    EQ(t->cpu.eip, TEST_CODE + 3);
    EQ(t->cpu.cpl, 3);
    EQ(t->cpu.seg[SEG_CS].selector, SEL_CODE3);
    EQ(t->cpu.seg[SEG_SS].selector, SEL_DATA3);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x30040);
}
