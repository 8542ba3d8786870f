/* RESET, INIT and start-up IPIs; SDM vol. 3A, "MP Initialization Protocol Algorithm". */
#include "tests/unit/cpu/cpu_fixture.h"

#define APIC_ENABLED 0xfee00800u

/* The APIC base of a processor that is not the bootstrap one. */
static uint64_t application_processor(void *opaque) {
    (void)opaque;
    return APIC_ENABLED;
}

static void send_sipi(struct test_cpu *t, uint8_t vector) {
    atomic_store(&t->cpu.sipi_vector, vector);
    cpu_set_event(&t->cpu, CPU_EVENT_SIPI);
}

CPU_TEST(startup, init_sends_the_bootstrap_processor_to_the_reset_vector, RING0) {
    PLACE(t, TEST_CODE, 0x90);
    t->cpu.gpr[GPR_EAX] = 0x1234;
    cpu_set_event(&t->cpu, CPU_EVENT_INIT);
    interp_step(&t->cpu);
    EQ(t->cpu.seg[SEG_CS].base, 0xffff0000);
    EQ(t->cpu.eip, 0xfff0);
    EQ(t->cpu.cr0 & CR0_PE, 0);
    EQ(t->cpu.gpr[GPR_EAX], 0);
    EQ(t->cpu.activity, CPU_RUNNING);
}

CPU_TEST(startup, init_stops_another_processor_until_its_sipi, RING0) {
    t->cpu.bus.apic_base = application_processor;
    PLACE(t, 0x12000, 0x40, 0xf4); /* inc ax; hlt */
    cpu_set_event(&t->cpu, CPU_EVENT_INIT);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(t->cpu.activity, CPU_WAIT_FOR_SIPI);
    send_sipi(t, 0x12);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(t->cpu.activity, CPU_HALTED);
    EQ(t->cpu.seg[SEG_CS].selector, 0x1200);
    EQ(t->cpu.seg[SEG_CS].base, 0x12000);
    EQ(t->cpu.eip, 2);
    EQ(t->cpu.gpr[GPR_EAX], 1);
}

CPU_TEST(startup, nmi_and_interrupts_do_not_wake_a_processor_that_waits_for_sipi, RING0) {
    t->cpu.bus.apic_base = application_processor;
    cpu_set_event(&t->cpu, CPU_EVENT_INIT);
    test_cpu_run(t);
    cpu_set_eflags(&t->cpu, FLAG_IF, FLAG_IF);
    cpu_set_event(&t->cpu, CPU_EVENT_NMI);
    test_cpu_interrupt(t, 0x40);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(t->cpu.activity, CPU_WAIT_FOR_SIPI);
    EQ(t->pending_vector, 0x40);
}

CPU_TEST(startup, a_running_processor_ignores_sipi, RING0) {
    PLACE(t, TEST_CODE, 0x90, 0xf4);
    send_sipi(t, 0x12);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(t->cpu.eip, TEST_CODE + 2);
    send_sipi(t, 0x12);
    EQ(test_cpu_run(t), CPU_EXIT_HALTED);
    EQ(t->cpu.activity, CPU_HALTED);
}

CPU_TEST(startup, init_keeps_pending_nothing_of_the_old_program, RING0) {
    t->cpu.dr[7] = 0x401;
    t->cpu.nmi_blocked = true;
    PLACE(t, TEST_CODE, 0xf4);
    test_cpu_run(t);
    cpu_set_event(&t->cpu, CPU_EVENT_INIT);
    interp_step(&t->cpu);
    EQ(t->cpu.activity, CPU_RUNNING);
    EQ(t->cpu.dr[7], 0x400);
    EQ(t->cpu.nmi_blocked, false);
}

/* A triple fault: the IDT is empty. */
static void shut_down(struct test_cpu *t) {
    t->cpu.idtr.limit = 0;
    PLACE(t, TEST_CODE, 0xcc);
    EQ(test_cpu_run(t), CPU_EXIT_SHUTDOWN);
    EQ(t->cpu.activity, CPU_SHUTDOWN);
}

CPU_TEST(startup, interrupts_do_not_end_a_shutdown, RING0) {
    shut_down(t);
    cpu_set_eflags(&t->cpu, FLAG_IF, FLAG_IF);
    test_cpu_interrupt(t, 0x40);
    EQ(test_cpu_run(t), CPU_EXIT_SHUTDOWN);
}

CPU_TEST(startup, nmi_ends_a_shutdown, RING0) {
    shut_down(t);
    t->cpu.idtr.limit = 0x7ff;
    cpu_set_event(&t->cpu, CPU_EVENT_NMI);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_NMI);
}

CPU_TEST(startup, reset_ends_a_shutdown, RING0) {
    shut_down(t);
    cpu_set_event(&t->cpu, CPU_EVENT_RESET);
    interp_step(&t->cpu);
    EQ(t->cpu.activity, CPU_RUNNING);
    EQ(t->cpu.eip, 0xfff0);
    EQ(t->cpu.msr.apic_base, APIC_ENABLED | 0x100);
}
