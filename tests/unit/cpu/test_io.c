/* Ports: permission, string instructions and their restarts. */
#include "tests/unit/cpu/cpu_fixture.h"

CPU_TEST(io, bitmap_allows_a_port_bit_by_bit, RING3) {
    test_cpu_write32(t, TEST_TSS + 0x100 + 0x3f8 / 8, 0xfffffffe);
    PLACE(t, TEST_CODE, 0x66, 0xba, 0xf8, 3, 0xee, 0x66, 0xef);
    CAUGHT(t, VECTOR_GP, 0);
    EQ(test_cpu_stack(t, 1), TEST_CODE + 5);
    EQ(t->port_writes, 1);
}

CPU_TEST(io, port_beyond_the_tss_limit_is_gp, RING3) {
    PLACE(t, TEST_CODE, 0x66, 0xba, 0xff, 0xff, 0xec);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(io, iopl_3_needs_no_bitmap, RING3) {
    cpu_set_eflags(&t->cpu, FLAG_IOPL, FLAG_IOPL);
    PLACE(t, TEST_CODE, 0x66, 0xba, 0xff, 0xff, 0xec);
    test_cpu_steps(t, 2);
    EQ(t->cpu.eip, TEST_CODE + 5);
    EQ(t->last_port, 0xffff);
}

CPU_TEST(io, v86_mode_uses_the_bitmap_at_iopl_3_too, V86(3)) {
    test_cpu_write32(t, TEST_TSS + 0x100, UINT32_MAX);
    PLACE(t, TEST_CODE, 0xe4, 0x10);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(io, rep_ins_stops_exactly_where_the_page_fault_is, RING0) {
    test_cpu_enable_paging(t);
    test_cpu_set_pte(t, 0x51000, 0);
    t->cpu.gpr[GPR_EDI] = 0x50ff8;
    t->cpu.gpr[GPR_ECX] = 8;
    PLACE(t, TEST_CODE, 0xf3, 0x6d);
    CAUGHT(t, VECTOR_PF, 2);
    EQ(t->cpu.cr2, 0x51000);
    EQ(cpu_reg32(&t->cpu, GPR_EDI), 0x51000);
    EQ(cpu_reg32(&t->cpu, GPR_ECX), 6);
    EQ(t->next_input, 2);
    EQ(test_cpu_read32(t, 0x50ffc), 1);
}

CPU_TEST(io, rep_outs_yields_every_4096_iterations, RING0) {
    t->cpu.gpr[GPR_ECX] = 5000;
    t->cpu.gpr[GPR_ESI] = 0x50000;
    PLACE(t, TEST_CODE, 0xf3, 0x6e, 0xf4);
    test_cpu_steps(t, 1);
    EQ(cpu_reg32(&t->cpu, GPR_ECX), 5000 - 4096);
    EQ(t->cpu.eip, TEST_CODE);
    test_cpu_run(t);
    EQ(t->port_writes, 5000);
    EQ(t->cpu.icount, 3);
}

CPU_TEST(io, ins_with_df_and_16_bit_addresses_goes_down, REAL) {
    t->cpu.gpr[GPR_EDI] = 0xabcd0004;
    t->cpu.gpr[GPR_ECX] = 2;
    t->next_input = 0x1111;
    cpu_load_segment_real(&t->cpu, SEG_ES, 0x5000);
    PLACE(t, TEST_CODE, 0xfd, 0xf3, 0x6d, 0xf4);
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EDI), 0xabcd0000);
    EQ(test_cpu_read32(t, 0x50002), 0x11111112);
}
