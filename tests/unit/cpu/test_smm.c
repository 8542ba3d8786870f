/* System management mode: SMI, the state save map, RSM. */
#include "tests/unit/cpu/cpu_fixture.h"

#define SMBASE  0x30000u
#define HANDLER (SMBASE + 0x8000)
#define MAP     (SMBASE + 0x8000)

/* Raise an SMI and run `count` instructions of its handler. */
static void smi(struct test_cpu *t, unsigned count) {
    cpu_set_event(&t->cpu, CPU_EVENT_SMI);
    test_cpu_steps(t, count);
}

CPU_TEST(smm, the_handler_runs_in_big_real_mode_at_smbase_8000, RING3) {
    PLACE(t, HANDLER, 0x90, 0x90);
    test_cpu_enable_paging(t);
    t->cpu.cr4 = CR4_PSE;
    smi(t, 1);
    EQ(t->cpu.in_smm, true);
    EQ(t->cpu.eip, 0x8001);
    EQ(t->cpu.seg[SEG_CS].selector, 0x3000);
    EQ(t->cpu.seg[SEG_CS].base, SMBASE);
    EQ(t->cpu.seg[SEG_DS].base, 0);
    EQ(t->cpu.seg[SEG_DS].limit, UINT32_MAX);
    EQ(t->cpu.cr0 & (CR0_PE | CR0_PG | CR0_WP), CR0_WP);
    EQ(t->cpu.cr4, 0);
    EQ(cpu_eflags(&t->cpu), 2);
    EQ(t->cpu.cpl, 0);
}

CPU_TEST(smm, the_state_lies_where_the_manuals_map_has_it, RING3) {
    PLACE(t, HANDLER, 0x90);
    t->cpu.gpr[GPR_EAX] = 0x11111111;
    t->cpu.gpr[GPR_EDI] = 0x77777777;
    t->cpu.cr3 = 0x12000;
    uint32_t cr0 = (uint32_t)t->cpu.cr0, flags = cpu_eflags(&t->cpu);
    smi(t, 1);
    EQ(test_cpu_read32(t, MAP + 0x7fd0), 0x11111111);
    EQ(test_cpu_read32(t, MAP + 0x7fec), 0x77777777);
    EQ(test_cpu_read32(t, MAP + 0x7ff0), TEST_CODE);
    EQ(test_cpu_read32(t, MAP + 0x7ff4), flags);
    EQ(test_cpu_read32(t, MAP + 0x7ff8), 0x12000);
    EQ(test_cpu_read32(t, MAP + 0x7ffc), cr0);
    EQ(test_cpu_read32(t, MAP + 0x7fa8), SEL_DATA3); /* ES */
    EQ(test_cpu_read32(t, MAP + 0x7fac), SEL_CODE3); /* CS */
    EQ(test_cpu_read32(t, MAP + 0x7fc4), SEL_TSS);
    EQ(test_cpu_read32(t, MAP + 0x7ef8), SMBASE);
    EQ(test_cpu_read32(t, MAP + 0x7efc) & 0x2ffff, 0x20000);
}

CPU_TEST(smm, rsm_goes_on_where_the_smi_came, RING3) {
    test_cpu_enable_paging(t);
    t->cpu.cr4 = CR4_PSE | CR4_TSD;
    PLACE(t, TEST_CODE, 0x43);                    /* inc ebx */
    PLACE(t, HANDLER, 0xbb, 0x99, 0, 0x0f, 0xaa); /* mov bx,99h; rsm */
    cpu_set_eflags(&t->cpu, FLAG_CF | FLAG_IF, FLAG_CF | FLAG_IF);
    uint64_t cr0 = t->cpu.cr0, cr3 = t->cpu.cr3;
    uint32_t flags = cpu_eflags(&t->cpu);
    t->cpu.gpr[GPR_EBX] = 5;
    smi(t, 2);
    EQ(t->cpu.in_smm, false);
    EQ(t->cpu.eip, TEST_CODE);
    EQ(t->cpu.cpl, 3);
    EQ(t->cpu.cr0, cr0);
    EQ(t->cpu.cr3, cr3);
    EQ(t->cpu.cr4, CR4_PSE | CR4_TSD);
    EQ(cpu_eflags(&t->cpu), flags);
    EQ(t->cpu.tr.selector, SEL_TSS);
    EQ(t->cpu.tr.base, TEST_TSS);
    EQ(t->cpu.gdtr.base, TEST_GDT);
    EQ(t->cpu.seg[SEG_CS].selector, SEL_CODE3);
    test_cpu_steps(t, 1);
    EQ(t->cpu.gpr[GPR_EBX], 6);
}

CPU_TEST(smm, rsm_outside_is_ud, RING0) {
    PLACE(t, TEST_CODE, 0x0f, 0xaa);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
}

CPU_TEST(smm, rsm_takes_what_the_handler_wrote, RING0) {
    /* mov dword [cs:0fef8h],50000h; mov dword [cs:0fff0h],TEST_CODE+10h; rsm */
    PLACE(t, HANDLER, 0x2e, 0x66, 0xc7, 0x06, 0xf8, 0xfe, 0, 0, 5, 0, 0x2e, 0x66, 0xc7, 0x06, 0xf0,
          0xff, 0x10, 0, 1, 0, 0x0f, 0xaa);
    smi(t, 3);
    EQ(t->cpu.smbase, 0x50000);
    EQ(t->cpu.eip, TEST_CODE + 0x10);
    PLACE(t, 0x58000, 0x90);
    smi(t, 1);
    EQ(t->cpu.seg[SEG_CS].base, 0x50000);
    EQ(t->cpu.eip, 0x8001);
}

CPU_TEST(smm, smi_and_nmi_wait_for_rsm, RING0) {
    PLACE(t, HANDLER, 0x90, 0x90, 0x0f, 0xaa);
    PLACE(t, TEST_CODE, 0x90);
    smi(t, 1);
    cpu_set_event(&t->cpu, CPU_EVENT_SMI);
    cpu_set_event(&t->cpu, CPU_EVENT_NMI);
    test_cpu_steps(t, 1);
    EQ(t->cpu.eip, 0x8002);
    test_cpu_steps(t, 2); /* RSM, and again the handler's first instruction */
    EQ(t->cpu.eip, 0x8001);
    EQ(test_cpu_read32(t, MAP + 0x7ff0), TEST_CODE);
    test_cpu_run(t); /* RSM, then the NMI */
    EQ(test_cpu_caught(t), VECTOR_NMI);
}

CPU_TEST(smm, a_halted_cpu_halts_again, RING0) {
    PLACE(t, TEST_CODE, 0xf4, 0x43, 0xf4);
    PLACE(t, HANDLER, 0x0f, 0xaa);
    test_cpu_run(t);
    EQ(t->cpu.activity, CPU_HALTED);
    cpu_set_event(&t->cpu, CPU_EVENT_SMI);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(t->cpu.in_smm, false);
    EQ(t->cpu.eip, TEST_CODE + 1);
}

CPU_TEST(smm, a_halted_cpu_goes_on_when_the_handler_says_so, RING0) {
    PLACE(t, TEST_CODE, 0xf4, 0x43, 0xf4);
    PLACE(t, HANDLER, 0x2e, 0xc7, 0x06, 0x02, 0xff, 0, 0, 0x0f, 0xaa); /* mov word [cs:0ff02h],0 */
    t->cpu.gpr[GPR_EBX] = 0;
    test_cpu_run(t);
    cpu_set_event(&t->cpu, CPU_EVENT_SMI);
    test_cpu_run(t);
    EQ(t->cpu.gpr[GPR_EBX], 1);
    EQ(t->cpu.eip, TEST_CODE + 3);
}

CPU_TEST(smm, a_state_that_cannot_be_leads_to_shutdown, RING0) {
    /* mov dword [cs:0fffch],80000000h; rsm: paging without protection */
    PLACE(t, HANDLER, 0x2e, 0x66, 0xc7, 0x06, 0xfc, 0xff, 0, 0, 0, 0x80, 0x0f, 0xaa);
    cpu_set_event(&t->cpu, CPU_EVENT_SMI);
    EQ(test_cpu_run(t), CPU_EXIT_SHUTDOWN);
    EQ(t->shutdowns, 1);
}

static void note_smram(void *opaque, bool active) {
    struct test_cpu *t = opaque;
    t->last_value = active;
    t->port_writes++;
}

CPU_TEST(smm, smram_is_shown_from_smi_to_rsm, RING0) {
    t->cpu.bus.set_smm = note_smram;
    PLACE(t, HANDLER, 0x90, 0x0f, 0xaa);
    smi(t, 1);
    EQ(t->port_writes, 1);
    EQ(t->last_value, true);
    test_cpu_steps(t, 1);
    EQ(t->port_writes, 2);
    EQ(t->last_value, false);
}

CPU_TEST(smm, init_leaves_system_management_mode_and_keeps_smbase, RING0) {
    t->cpu.smbase = 0x40000;
    PLACE(t, 0x48000, 0x90, 0x90);
    smi(t, 1);
    cpu_set_event(&t->cpu, CPU_EVENT_INIT);
    interp_step(&t->cpu);
    EQ(t->cpu.in_smm, false);
    EQ(t->cpu.smbase, 0x40000);
}

CPU_TEST(smm, a_pending_smi_is_part_of_the_state, RING0) {
    uint64_t before = cpu_hash(&t->cpu, 1);
    cpu_set_event(&t->cpu, CPU_EVENT_SMI);
    cr_expect_neq(cpu_hash(&t->cpu, 1), before);
}
