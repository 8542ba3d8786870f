/* Single step, breakpoints, and the shadow behind MOV SS. */
#include "interp/cpu/debug.h"
#include "tests/unit/cpu/cpu_fixture.h"

CPU_TEST(debug, single_step_traps_behind_each_instruction, RING0) {
    PLACE(t, TEST_CODE, 0x68, 0x02, 0x01, 0, 0, 0x9d, 0x40, 0x40); /* PUSH 102h; POPF; INC; INC */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 7);
    EQ(t->cpu.dr[6], 0xffff4ff0);
    EQ(t->cpu.eflags & FLAG_TF, 0);
    EQ(test_cpu_stack(t, 2) & (FLAG_TF | FLAG_RF), FLAG_TF);
}

CPU_TEST(debug, data_breakpoint_traps_behind_the_write, RING0) {
    t->cpu.dr[0] = 0x50002;
    cpu_write_debug_register(&t->cpu, 7, 0x00010002); /* G0, write, 1 byte */
    PLACE(t, TEST_CODE, 0xa1, 0, 0, 5, 0, 0xa3, 0, 0, 5, 0, 0x90);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 10);
    EQ(t->cpu.dr[6] & 0xf, 1);
}

CPU_TEST(debug, instruction_breakpoint_faults_and_rf_lets_it_pass, RING0) {
    t->cpu.dr[1] = TEST_CODE + 1;
    cpu_write_debug_register(&t->cpu, 7, 0x00000008);
    PLACE(t, TEST_CODE, 0x40, 0x40, 0xf4);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 1);
    EQ(t->cpu.dr[6] & 0xf, 2);
    EQ(test_cpu_stack(t, 2) & FLAG_RF, 0);
    t->cpu.activity = CPU_RUNNING;
    PLACE(t, TEST_CODE + 0x100, 0xcf);
    test_cpu_write32(t, (uint32_t)cpu_reg32(&t->cpu, GPR_ESP) + 8, FLAG_RF | 2);
    t->cpu.eip = TEST_CODE + 0x100;
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_CODE + 3);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 2);
}

CPU_TEST(debug, general_detect_guards_debug_registers, RING0) {
    cpu_write_debug_register(&t->cpu, 7, 0x2000);
    PLACE(t, TEST_CODE, 0x0f, 0x21, 0xf0); /* MOV EAX,DR6 */
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(t->cpu.dr[6] & 0xf000, 0x2000);
    EQ(t->cpu.dr[7] & 0x2000, 0);
    EQ(test_cpu_stack(t, 0), TEST_CODE);
}

CPU_TEST(debug, mov_ss_holds_back_the_single_step_trap, RING0) {
    cpu_set_eflags(&t->cpu, FLAG_TF, FLAG_TF);
    PLACE(t, TEST_CODE, 0x8e, 0xd0, 0x40, 0x40);
    t->cpu.gpr[GPR_EAX] = SEL_DATA0;
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 3);
}

CPU_TEST(debug, io_breakpoint_needs_cr4_de, RING0) {
    t->cpu.dr[0] = 0x3f8;
    t->cpu.cr4 = CR4_DE;
    cpu_write_debug_register(&t->cpu, 7, 0x00020002);
    PLACE(t, TEST_CODE, 0x66, 0xba, 0xf8, 3, 0xee, 0x90);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 5);
    EQ(t->port_writes, 1);
}

CPU_TEST(debug, icebp_needs_no_gate_privilege, RING3) {
    PLACE(t, TEST_CODE, 0xf1);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(test_cpu_stack(t, 0), TEST_CODE + 1);
}

CPU_TEST(debug, registers_4_and_5_are_ud_with_de, RING0) {
    t->cpu.cr4 = CR4_DE;
    PLACE(t, TEST_CODE, 0x0f, 0x21, 0xe0);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
}

CPU_TEST(debug, software_interrupt_ends_single_stepping, RING0) {
    PLACE(t, TEST_CODE, 0xcd, 0x40);
    PLACE(t, TEST_HANDLERS + 0x40 * 16, 0x40, 0x40, 0xf4);
    cpu_set_eflags(&t->cpu, FLAG_TF, FLAG_TF);
    test_cpu_run(t);
    EQ(t->cpu.eip, TEST_HANDLERS + 0x40 * 16 + 3);
    EQ(t->cpu.dr[6], 0xffff0ff0);
    EQ(test_cpu_stack(t, 2) & FLAG_TF, FLAG_TF);
}

CPU_TEST(debug, data_breakpoint_traps_behind_the_iteration, RING0) {
    t->cpu.dr[0] = 0x50001;
    t->cpu.dr[1] = TEST_CODE; /* an instruction breakpoint on the REP, hit before it only */
    cpu_write_debug_register(&t->cpu, 7, 0x0001000a);
    PLACE(t, TEST_CODE, 0xf3, 0xaa, 0xf4);
    t->cpu.gpr[GPR_EDI] = 0x50000;
    t->cpu.gpr[GPR_ECX] = 5;
    cpu_set_eflags(&t->cpu, FLAG_RF, FLAG_RF);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_DB);
    EQ(t->cpu.dr[6] & 0xf, 1);
    EQ(test_cpu_stack(t, 0), TEST_CODE);
    EQ(test_cpu_stack(t, 2) & FLAG_RF, FLAG_RF);
    EQ(cpu_reg32(&t->cpu, GPR_ECX), 3);
}

/* RF is clear behind an instruction that completed, and INT3 and its like have. */
CPU_TEST(debug, int3_pushes_a_clear_rf_while_single_stepping, RING0) {
    PLACE(t, TEST_CODE, 0xcc);
    cpu_set_eflags(&t->cpu, FLAG_TF | FLAG_RF, FLAG_TF | FLAG_RF);
    cpu_update_mode(&t->cpu);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_BP);
    EQ(test_cpu_stack(t, 2) & FLAG_RF, 0);
}
