/* What a fault in the middle leaves behind, and alignment checks of composite operands. */
#include "interp/cpu/segment.h"
#include "tests/unit/cpu/cpu_fixture.h"

#define OUTSIDE UINT32_C(0x51000) /* an absent page behind TEST_PAGES and the tables */

static void remove_page(struct test_cpu *t) {
    test_cpu_enable_paging(t);
    test_cpu_set_pte(t, OUTSIDE, 0);
    test_cpu_write32(t, OUTSIDE - 16, 0x11111111);
    test_cpu_write32(t, OUTSIDE - 4, 0x11111111);
}

CPU_TEST(fault_order, fnsave_faults_before_it_writes, RING0) {
    remove_page(t);
    PLACE(t, TEST_CODE, 0xdd, 0x35, 0xf0, 0x0f, 5, 0); /* FNSAVE [OUTSIDE - 16] */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_PF);
    EQ(t->cpu.cr2, OUTSIDE - 16 + 107);
    EQ(test_cpu_read32(t, OUTSIDE - 16), 0x11111111);
}

CPU_TEST(fault_order, fstp_m80_over_two_pages_writes_all_or_nothing, RING0) {
    remove_page(t);
    PLACE(t, TEST_CODE, 0xd9, 0xe8, 0xdb, 0x3d, 0xf8, 0x0f, 5, 0); /* FLD1; FSTP [OUTSIDE - 8] */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_PF);
    EQ(test_cpu_read32(t, OUTSIDE - 4), 0x11111111);
}

CPU_TEST(fault_order, fxsave_reports_its_last_page_first, RING0) {
    t->cpu.cr4 |= CR4_OSFXSR;
    test_cpu_enable_paging(t);
    test_cpu_set_pte(t, OUTSIDE, 0);
    PLACE(t, TEST_CODE, 0x0f, 0xae, 0x05, 0x00, 0x10, 5, 0); /* FXSAVE [OUTSIDE] */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_PF);
    EQ(t->cpu.cr2, OUTSIDE + 511);
}

CPU_TEST(fault_order, fnop_is_not_a_control_instruction, RING0) {
    PLACE(t, TEST_CODE, 0xd9, 0xd0, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.x87.code_offset, TEST_CODE);
}

CPU_TEST(fault_order, a_16_bit_environment_has_no_opcode, RING0) {
    t->cpu.x87.opcode = 0x123;
    PLACE(t, TEST_CODE, 0x66, 0xd9, 0x25, 0, 0, 5, 0, 0xf4); /* FLDENV [50000h] */
    test_cpu_run(t);
    EQ(t->cpu.x87.opcode, 0);
}

static void check_alignment(struct test_cpu *t) {
    t->cpu.cr0 |= CR0_AM;
    t->cpu.cr4 |= CR4_OSFXSR;
    cpu_set_eflags(&t->cpu, FLAG_AC, FLAG_AC);
    cpu_update_mode(&t->cpu);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        segment_refresh_bounds(&t->cpu, &t->cpu.seg[n]);
}

CPU_TEST(fault_order, fnsave_needs_the_alignment_of_its_words_only, RING3) {
    check_alignment(t);
    PLACE(t, TEST_CODE, 0xdd, 0x35, 4, 0, 5, 0, 0xf4); /* FNSAVE [50004h]; HLT: #GP */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_GP);
}

CPU_TEST(fault_order, unaligned_16_byte_moves_are_checked, RING3) {
    check_alignment(t);
    PLACE(t, TEST_CODE, 0x0f, 0x10, 0x05, 8, 0, 5, 0); /* MOVUPS XMM0, [50008h] */
    CAUGHT(t, VECTOR_AC, 0);
}

CPU_TEST(fault_order, a_far_call_with_an_unaligned_stack_is_checked, RING3) {
    check_alignment(t);
    t->cpu.gpr[GPR_ESP] = TEST_STACK3 - 2;
    PLACE(t, TEST_CODE, 0x9a, 0x20, 0, 1, 0, SEL_CODE3, 0); /* CALL FAR */
    PLACE(t, TEST_CODE + 0x20, 0xf4);                       /* HLT: #GP */
    CAUGHT(t, VECTOR_AC, 0);
}
