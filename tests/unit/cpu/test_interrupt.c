/* Delivery of interrupts and exceptions: gates, privilege changes, error codes, double faults. */
#include "tests/unit/cpu/cpu_fixture.h"

CPU_TEST(interrupt, real_mode_pushes_flags_cs_ip_and_clears_if, REAL) {
    PLACE(t, TEST_CODE, 0xfb, 0xcd, 0x21);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0x21);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0xeffa);
    EQ(test_cpu_stack(t, 0), (TEST_CODE >> 4) << 16 | 3);
    EQ(test_cpu_stack(t, 1) & 0xffff, 0x202);
    EQ(t->cpu.eflags & FLAG_IF, 0);
}

CPU_TEST(interrupt, inner_gate_switches_stack_and_pushes_five_dwords, RING3) {
    test_cpu_set_vector(t, 0x80, 0xee, SEL_CODE0, TEST_HANDLERS + 0x80 * 16);
    cpu_set_eflags(&t->cpu, FLAG_IF, FLAG_IF);
    PLACE(t, TEST_CODE, 0xcd, 0x80);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0x80);
    EQ(t->cpu.cpl, 0);
    EQ(t->cpu.seg[SEG_SS].selector, SEL_DATA0);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0 - 20);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 2);
    EQ(test_cpu_stack(t, 1), SEL_CODE3);
    EQ(test_cpu_stack(t, 2), 0x202);
    EQ(test_cpu_stack(t, 3), TEST_STACK3);
    EQ(test_cpu_stack(t, 4), SEL_DATA3);
    EQ(t->cpu.eflags & FLAG_IF, 0);
}

CPU_TEST(interrupt, trap_gate_keeps_if, RING0) {
    test_cpu_set_vector(t, 0x40, 0x8f, SEL_CODE0, TEST_HANDLERS + 0x40 * 16);
    PLACE(t, TEST_CODE, 0xfb, 0x90, 0xcd, 0x40);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0x40);
    EQ(t->cpu.eflags & FLAG_IF, FLAG_IF);
}

CPU_TEST(interrupt, gate_16_pushes_words, RING0) {
    test_cpu_set_vector(t, 0x40, 0x86, SEL_CODE0, TEST_HANDLERS + 0x40 * 16);
    PLACE(t, TEST_CODE, 0xcd, 0x40);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0x40);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK0 - 6);
    EQ(test_cpu_stack(t, 0), SEL_CODE0 << 16 | 2);
}

CPU_TEST(interrupt, software_int_through_a_privileged_gate_is_gp, RING3) {
    PLACE(t, TEST_CODE, 0xcd, 0x80);
    CAUGHT(t, VECTOR_GP, 0x80 * 8 + 2);
    EQ(test_cpu_stack(t, 1), TEST_CODE);
}

CPU_TEST(interrupt, vector_beyond_the_idt_is_gp, RING0) {
    t->cpu.idtr.limit = 0x40 * 8 - 1;
    PLACE(t, TEST_CODE, 0xcd, 0x40);
    CAUGHT(t, VECTOR_GP, 0x40 * 8 + 2);
}

CPU_TEST(interrupt, absent_gate_is_np, RING0) {
    test_cpu_set_vector(t, 0x40, 0x0e, SEL_CODE0, 0);
    PLACE(t, TEST_CODE, 0xcd, 0x40);
    CAUGHT(t, VECTOR_NP, 0x40 * 8 + 2);
}

CPU_TEST(interrupt, external_interrupt_sets_ext_in_error_codes, RING0) {
    test_cpu_set_vector(t, 0x40, 0x0e, SEL_CODE0, 0);
    cpu_set_eflags(&t->cpu, FLAG_IF, FLAG_IF);
    PLACE(t, TEST_CODE, 0x90, 0xf4);
    test_cpu_interrupt(t, 0x40);
    CAUGHT(t, VECTOR_NP, 0x40 * 8 + 3);
    EQ(test_cpu_stack(t, 1), TEST_CODE);
}

CPU_TEST(interrupt, fault_pushes_rf_and_trap_does_not, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0x0b);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
    EQ(test_cpu_stack(t, 2) & FLAG_RF, FLAG_RF);
}

CPU_TEST(interrupt, bad_inner_stack_selector_leads_to_double_fault_and_shutdown, RING3) {
    test_cpu_set_vector(t, 0x80, 0xee, SEL_CODE0, TEST_HANDLERS);
    test_cpu_write32(t, TEST_TSS + 8, SEL_DATA3);
    PLACE(t, TEST_CODE, 0xcd, 0x80);
    EQ(test_cpu_run(t), CPU_EXIT_SHUTDOWN);
    EQ(t->shutdowns, 1);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), TEST_STACK3);
    EQ(t->cpu.cpl, 3);
}

/* A task for faults that the current stack cannot take. */
static void install_fault_task(struct test_cpu *t, unsigned vector) {
    test_cpu_set_vector(t, vector, 0x85, SEL_TSS2, 0);
    test_cpu_write32(t, TEST_TSS2 + 0x1c, TEST_PAGES);
    test_cpu_write32(t, TEST_TSS2 + 0x20, TEST_HANDLERS + vector * 16);
    test_cpu_write32(t, TEST_TSS2 + 0x24, 2);
    test_cpu_write32(t, TEST_TSS2 + 0x38, 0x50000);
    test_cpu_write32(t, TEST_TSS2 + 0x4c, SEL_CODE0);
    test_cpu_write32(t, TEST_TSS2 + 0x50, SEL_DATA0);
}

CPU_TEST(interrupt, push_that_faults_leaves_esp_and_memory_unchanged, RING0) {
    test_cpu_enable_paging(t);
    install_fault_task(t, VECTOR_PF);
    test_cpu_set_pte(t, TEST_STACK0 - 0x1000, 0);
    t->cpu.gpr[GPR_ESP] = TEST_STACK0 + 4; /* the first dword fits, the next ones do not */
    test_cpu_write32(t, TEST_STACK0, 0x12345678);
    PLACE(t, TEST_CODE, 0xcd, 0x40);
    CAUGHT(t, VECTOR_PF, 2);
    EQ(t->cpu.cr2, TEST_STACK0 - 8);
    EQ(test_cpu_read32(t, TEST_STACK0), 0x12345678);
    EQ(test_cpu_read32(t, TEST_TSS + 0x38), TEST_STACK0 + 4);
    EQ(test_cpu_read32(t, TEST_TSS + 0x20), TEST_CODE);
}

CPU_TEST(interrupt, page_fault_on_the_fault_handlers_stack_is_a_double_fault, RING0) {
    test_cpu_enable_paging(t);
    install_fault_task(t, VECTOR_DF);
    test_cpu_set_pte(t, 0x50000 - 0x1000, 0x50000 - 0x1000 + 7);
    test_cpu_set_pte(t, TEST_STACK0 - 0x1000, 0);
    PLACE(t, TEST_CODE, 0x50); /* PUSH EAX */
    CAUGHT(t, VECTOR_DF, 0);
    EQ(t->cpu.tr.selector, SEL_TSS2);
    EQ(test_cpu_read32(t, TEST_TSS + 0x20), TEST_CODE);
}

CPU_TEST(interrupt, fault_behind_a_benign_one_is_serial, RING0) {
    test_cpu_set_vector(t, VECTOR_UD, 0x0e, SEL_CODE0, 0);
    PLACE(t, TEST_CODE, 0x0f, 0x0b);
    CAUGHT(t, VECTOR_NP, VECTOR_UD * 8 + 3);
}

CPU_TEST(interrupt, two_contributory_faults_make_a_double_fault, RING0) {
    test_cpu_set_vector(t, VECTOR_GP, 0x0e, SEL_CODE0, 0);
    PLACE(t, TEST_CODE, 0xcd, 0x40);
    t->cpu.idtr.limit = 0x40 * 8 - 1;
    CAUGHT(t, VECTOR_DF, 0);
}

CPU_TEST(interrupt, conforming_handler_keeps_cpl, RING3) {
    test_cpu_set_vector(t, 0x80, 0xee, SEL_CONFORMING, TEST_CODE + 0x100);
    PLACE(t, TEST_CODE, 0xcd, 0x80);
    PLACE(t, TEST_CODE + 0x100, 0x90);
    test_cpu_steps(t, 2);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
    EQ(t->cpu.cpl, 3);
    EQ(t->cpu.seg[SEG_CS].selector, SEL_CONFORMING | 3);
}

CPU_TEST(interrupt, iret_to_outer_ring_drops_inner_segments, RING0) {
    PLACE(t, TEST_CODE, 0x6a, SEL_DATA3, 0x68, 0, 0, 3, 0, 0x68, 2, 2, 0, 0, 0x6a, SEL_CODE3, 0x68,
          0, 1, 1, 0, 0xcf);
    PLACE(t, 0x10100, 0x90);
    test_cpu_steps(t, 7);
    EQ(t->cpu.cpl, 3);
    EQ(t->cpu.eip, 0x10101);
    EQ(cpu_reg32(&t->cpu, GPR_ESP), 0x30000);
    EQ(t->cpu.eflags & FLAG_IF, FLAG_IF);
    EQ(t->cpu.seg[SEG_DS].is_usable, false);
    EQ(t->cpu.seg[SEG_DS].selector, 0);
}

CPU_TEST(interrupt, iret_at_ring_3_changes_neither_if_nor_iopl, RING3) {
    PLACE(t, TEST_CODE, 0x68, 0x02, 0x32, 0, 0, 0x6a, SEL_CODE3, 0x68, 0, 1, 1, 0, 0xcf);
    PLACE(t, 0x10100, 0x90);
    test_cpu_steps(t, 5);
    EQ(t->cpu.eip, 0x10101);
    EQ(t->cpu.eflags & (FLAG_IF | FLAG_IOPL), 0);
}

CPU_TEST(interrupt, nmi_is_blocked_until_iret, RING0) {
    test_cpu_set_vector(t, VECTOR_NMI, 0x8e, SEL_CODE0, TEST_CODE + 0x100);
    PLACE(t, TEST_CODE, 0x90, 0x90, 0x90);
    PLACE(t, TEST_CODE + 0x100, 0x90, 0xcf);
    cpu_set_event(&t->cpu, CPU_EVENT_NMI);
    test_cpu_steps(t, 1);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
    cpu_set_event(&t->cpu, CPU_EVENT_NMI);
    test_cpu_steps(t, 1);
    EQ(t->cpu.eip, TEST_CODE);
    test_cpu_steps(t, 1);
    EQ(t->cpu.eip, TEST_CODE + 0x101);
}

CPU_TEST(interrupt, sti_delays_interrupts_by_one_instruction, RING0) {
    PLACE(t, TEST_CODE, 0xfb, 0x40, 0x40, 0xf4); /* STI; INC EAX; INC EAX */
    test_cpu_interrupt(t, 0x40);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0x40);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 1);
}

CPU_TEST(interrupt, sti_cli_lets_no_interrupt_in, RING0) {
    PLACE(t, TEST_CODE, 0xfb, 0xfa, 0x40, 0xf4);
    test_cpu_interrupt(t, 0x40);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(test_cpu_caught(t), -1);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 1);
}

CPU_TEST(interrupt, hlt_wakes_and_returns_behind_itself, RING0) {
    PLACE(t, TEST_CODE, 0xfb, 0xf4, 0x90);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    test_cpu_interrupt(t, 0x40);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), 0x40);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 2);
}
