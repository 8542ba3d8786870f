/* Hardware task switches. */
#include "tests/unit/cpu/cpu_fixture.h"

static void install_task2(struct test_cpu *t, uint32_t eip) {
    test_cpu_write32(t, TEST_TSS2 + 0x20, eip);
    test_cpu_write32(t, TEST_TSS2 + 0x24, 2);
    test_cpu_write32(t, TEST_TSS2 + 0x28, 0xaaaa5555); /* EAX */
    test_cpu_write32(t, TEST_TSS2 + 0x38, 0x50000);    /* ESP */
    test_cpu_write32(t, TEST_TSS2 + 0x4c, SEL_CODE0);
    test_cpu_write32(t, TEST_TSS2 + 0x50, SEL_DATA0);
    test_cpu_write32(t, TEST_TSS2 + 0x54, SEL_DATA0);
}

static bool is_busy(const struct test_cpu *t, uint16_t selector) {
    return test_cpu_read32(t, TEST_GDT + selector + 4) >> 9 & 1;
}

CPU_TEST(task, call_nests_and_iret_returns, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    PLACE(t, TEST_CODE, 0x9a, 0, 0, 0, 0, SEL_TSS2, 0, 0x90);
    PLACE(t, TEST_CODE + 0x100, 0x90, 0xcf);
    t->cpu.gpr[GPR_EBX] = 0x1234;
    test_cpu_steps(t, 2);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0xaaaa5555);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x50000);
    EQ(t->cpu.tr.selector, SEL_TSS2);
    EQ(t->cpu.eflags & FLAG_NT, FLAG_NT);
    EQ(t->cpu.cr0 & CR0_TS, CR0_TS);
    EQ(test_cpu_read16(t, TEST_TSS2), SEL_TSS);
    EQ(is_busy(t, SEL_TSS), true);
    EQ(is_busy(t, SEL_TSS2), true);
    test_cpu_steps(t, 2);
    EQ(t->cpu.eip, TEST_CODE + 8);
    EQ(t->cpu.tr.selector, SEL_TSS);
    EQ(cpu_reg32(&t->cpu, GPR_EBX), 0x1234);
    EQ(t->cpu.eflags & FLAG_NT, 0);
    EQ(is_busy(t, SEL_TSS2), false);
    EQ(test_cpu_read32(t, TEST_TSS2 + 0x24) & FLAG_NT, 0);
}

CPU_TEST(task, jump_frees_the_old_task_and_does_not_nest, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    PLACE(t, TEST_CODE + 0x100, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
    EQ(is_busy(t, SEL_TSS), false);
    EQ(is_busy(t, SEL_TSS2), true);
    EQ(t->cpu.eflags & FLAG_NT, 0);
    EQ(test_cpu_read32(t, TEST_TSS + 0x20), TEST_CODE + 7);
}

CPU_TEST(task, jump_to_a_busy_task_is_gp, RING0) {
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS, 0);
    CAUGHT(t, VECTOR_GP, SEL_TSS);
}

CPU_TEST(task, too_small_tss_is_ts_in_the_old_task, RING0) {
    test_cpu_set_descriptor(t, SEL_TSS2, TEST_TSS2, 0x66, 0x89, 0);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    CAUGHT(t, VECTOR_TS, SEL_TSS2);
    EQ(t->cpu.tr.selector, SEL_TSS);
    EQ(test_cpu_stack(t, 1), TEST_CODE);
}

CPU_TEST(task, bad_data_selector_is_ts_in_the_new_task, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x58, 0xff8); /* FS: an empty descriptor */
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    CAUGHT(t, VECTOR_TS, 0xff8);
    EQ(t->cpu.tr.selector, SEL_TSS2);
    EQ(test_cpu_stack(t, 1), TEST_CODE + 0x100);
    EQ(test_cpu_stack(t, 2), SEL_CODE0);
}

CPU_TEST(task, debug_trap_bit_raises_db_before_the_first_instruction, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x64, 1);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(t->cpu.dr[6] & 0xf00f, 0x8000);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 0x100);
}

/* The 16-bit task runs at CODE16:20h, on the stack 0:F000h. */
static void install_task16(struct test_cpu *t) {
    PLACE(t, TEST_TSS16 + 0x0e, 0x20, 0, 2, 0, 0x34, 0x12); /* IP, FLAGS, AX */
    PLACE(t, TEST_TSS16 + 0x1a, 0, 0xf0);                   /* SP */
    PLACE(t, TEST_TSS16 + 0x22, SEL_DATA0, 0, SEL_CODE16, 0, SEL_DATA16, 0, SEL_DATA0, 0, 0, 0);
}

CPU_TEST(task, sixteen_bit_task_loads_words, RING0) {
    install_task16(t);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS16, 0);
    PLACE(t, TEST_CODE + 0x20, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.eip, 0x21);
    EQ(cpu_reg16(&t->cpu, GPR_EAX), 0x1234);
    EQ(cpu_reg16(&t->cpu, GPR_ESP), 0xf000);
    EQ(t->cpu.seg[SEG_FS].is_usable, false);
    EQ(is_busy(t, SEL_TSS16), true);
}

CPU_TEST(task, exception_through_a_task_gate_pushes_its_error_code, RING0) {
    install_task2(t, TEST_HANDLERS + VECTOR_GP * 16);
    test_cpu_set_vector(t, VECTOR_GP, 0x85, SEL_TSS2, 0);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS, 0);
    CAUGHT(t, VECTOR_GP, SEL_TSS);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x4fffc);
    EQ(test_cpu_read32(t, TEST_TSS + 0x20), TEST_CODE);
}

CPU_TEST(task, switch_loads_cr3_and_ldt, RING0) {
    test_cpu_enable_paging(t);
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x1c, TEST_PAGES | 8);
    test_cpu_write32(t, TEST_TSS2 + 0x60, SEL_SPARE);
    test_cpu_set_descriptor(t, SEL_SPARE, 0x6000, 0xff, 0x82, 0);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    PLACE(t, TEST_CODE + 0x100, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
    EQ(t->cpu.cr3, TEST_PAGES | 8);
    EQ(t->cpu.ldtr.base, 0x6000);
}

CPU_TEST(task, sixteen_bit_task_is_called_and_returns, RING0) {
    install_task16(t);
    PLACE(t, TEST_CODE, 0x9a, 0, 0, 0, 0, SEL_TSS16, 0, 0x90);
    PLACE(t, TEST_CODE + 0x20, 0x40, 0xcf); /* inc ax; iret */
    t->cpu.gpr[GPR_EBX] = 0x12345678;
    test_cpu_steps(t, 1);
    EQ(t->cpu.tr.selector, SEL_TSS16);
    EQ(test_cpu_read16(t, TEST_TSS16), SEL_TSS);
    EQ(t->cpu.eflags & FLAG_NT, FLAG_NT);
    test_cpu_steps(t, 2);
    EQ(t->cpu.tr.selector, SEL_TSS);
    EQ(t->cpu.eip, TEST_CODE + 7);
    EQ(cpu_reg32(&t->cpu, GPR_EBX), 0x12345678);
    EQ(is_busy(t, SEL_TSS16), false);
    EQ(test_cpu_read16(t, TEST_TSS16 + 0x12), 0x1235); /* AX */
    EQ(test_cpu_read16(t, TEST_TSS16 + 0x0e), 0x22);   /* IP */
}

CPU_TEST(task, leaving_a_sixteen_bit_task_stores_words_alone, RING0) {
    install_task16(t);
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS16 + 0x2a, 0xbeef0000); /* the LDT's selector and what follows */
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS16, 0);
    PLACE(t, TEST_CODE + 0x20, 0xea, 0, 0, SEL_TSS2, 0);
    PLACE(t, TEST_CODE + 0x100, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
    EQ(test_cpu_read16(t, TEST_TSS16 + 0x1a), 0xf000);
    EQ(test_cpu_read16(t, TEST_TSS16 + 0x24), SEL_CODE16);
    EQ(test_cpu_read16(t, TEST_TSS16 + 0x2c), 0xbeef);
}

CPU_TEST(task, too_small_sixteen_bit_tss_is_ts, RING0) {
    test_cpu_set_descriptor(t, SEL_TSS16, TEST_TSS16, 0x2a, 0x81, 0);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS16, 0);
    CAUGHT(t, VECTOR_TS, SEL_TSS16);
}

CPU_TEST(task, sixteen_bit_tss_has_the_inner_stack_in_words, RING3) {
    test_cpu_set_descriptor(t, SEL_TSS16, TEST_TSS16, 0x2b, 0x83, 0);
    PLACE(t, TEST_TSS16 + 2, 0x00, 0x70, SEL_DATA0, 0); /* SP0, SS0 */
    t->cpu.tr.base = TEST_TSS16;
    t->cpu.tr.limit = 0x2b;
    t->cpu.tr.attributes = 0x83;
    PLACE(t, TEST_CODE, 0xcc);
    test_cpu_set_vector(t, VECTOR_BP, 0xee, SEL_CODE0, TEST_HANDLERS + VECTOR_BP * 16);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_BP);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x7000 - 20);
    EQ(test_cpu_stack(t, 3), TEST_STACK3);
}

CPU_TEST(task, port_access_in_a_sixteen_bit_task_has_no_bitmap, RING3) {
    t->cpu.tr.attributes = 0x83;
    PLACE(t, TEST_TSS + 2, 0x00, 0x70, SEL_DATA0, 0); /* SP0, SS0 */
    PLACE(t, TEST_CODE, 0xe4, 0x80);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(task, bad_data_segment_leaves_the_new_stack_in_force, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x58, 0x1000); /* FS beyond the GDT */
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    PLACE(t, TEST_HANDLERS + VECTOR_TS * 16, 0x6a, 0x55, 0xf4); /* PUSH 55h; HLT */
    t->cpu.gpr[GPR_ESP] = 0x8000;
    test_cpu_load_segment(t, SEG_SS, SEL_DATA16);
    cpu_update_mode(&t->cpu);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_HANDLERS + VECTOR_TS * 16 + 3);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x50000 - 20);
    EQ(test_cpu_stack(t, 0), 0x55);
    EQ(test_cpu_stack(t, 1), 0x1000);
}

CPU_TEST(task, code_segment_of_a_wrong_type_is_found_with_the_stack_loaded, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x4c, SEL_DATA0);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    CAUGHT(t, VECTOR_TS, SEL_DATA0);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x50000 - 16);
}

CPU_TEST(task, code_segment_of_a_wrong_privilege_is_found_before_a_bad_stack, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x04, TEST_STACK0);
    test_cpu_write32(t, TEST_TSS2 + 0x08, SEL_DATA0);
    test_cpu_write32(t, TEST_TSS2 + 0x4c, SEL_CODE0 + 3);
    test_cpu_write32(t, TEST_TSS2 + 0x50, 0x1000);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    CAUGHT(t, VECTOR_TS, SEL_CODE0);
}

/* The new task's stack cannot be used yet, although the handler shares its ring. */
CPU_TEST(task, bad_stack_segment_is_handled_on_the_stack_that_the_new_tss_names, RING0) {
    install_task2(t, TEST_CODE + 0x100);
    test_cpu_write32(t, TEST_TSS2 + 0x04, TEST_STACK0);
    test_cpu_write32(t, TEST_TSS2 + 0x08, SEL_DATA0);
    test_cpu_write32(t, TEST_TSS2 + 0x50, 0x1000);
    PLACE(t, TEST_CODE, 0xea, 0, 0, 0, 0, SEL_TSS2, 0);
    CAUGHT(t, VECTOR_TS, 0x1000);
    EQ(t->cpu.cpl, 0);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0 - 24);
    EQ(test_cpu_stack(t, 1), TEST_CODE + 0x100);
    EQ(test_cpu_stack(t, 4), 0x50000);
    EQ(test_cpu_stack(t, 5), 0x1000);
}
