/* Local APICs, I/O APIC and the bus between them. */
#include "hw/apic_local.h"
#include "hw/ioapic_82093.h"
#include "tests/support/fake_clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ID      0x020
#define TPR     0x080
#define PPR     0x0a0
#define EOI     0x0b0
#define LDR     0x0d0
#define DFR     0x0e0
#define SVR     0x0f0
#define ISR     0x100
#define IRR     0x200
#define ESR     0x280
#define ICR_LOW 0x300
#define ICR_HI  0x310
#define LVT_TMR 0x320
#define LVT_L0  0x350
#define LVT_ERR 0x370
#define INITIAL 0x380
#define CURRENT 0x390
#define DIVIDE  0x3e0

struct cpu {
    bool intr;
    unsigned nmis, inits;
    int sipi;
};

struct fixture {
    struct log log;
    struct fake_clock time;
    struct physmem *physmem;
    struct apic_bus bus;
    struct apic_local local[2];
    struct ioapic_82093 ioapic;
    struct cpu cpu[2];
};

static void set_intr(void *opaque, bool level) {
    ((struct cpu *)opaque)->intr = level;
}
static void nmi(void *opaque) {
    ((struct cpu *)opaque)->nmis++;
}
static void init(void *opaque) {
    ((struct cpu *)opaque)->inits++;
}
static void sipi(void *opaque, uint8_t vector) {
    ((struct cpu *)opaque)->sipi = vector;
}
static uint8_t acknowledge_pic(void *opaque) {
    return 0x08;
}

static void wr(struct fixture *f, unsigned cpu, unsigned offset, uint32_t value) {
    apic_local_write(&f->local[cpu], offset, 4, value);
}

static uint32_t rd(struct fixture *f, unsigned cpu, unsigned offset) {
    return (uint32_t)apic_local_read(&f->local[cpu], offset, 4);
}

static struct fixture *start(void) {
    struct fixture *f = calloc(1, sizeof *f);
    log_init(&f->log);
    fake_clock_init(&f->time);
    f->physmem = physmem_create(1 << 20, &f->log, NULL);
    apic_bus_init(&f->bus);
    for (unsigned i = 0; i < 2; i++) {
        struct apic_cpu cpu = {.set_intr = set_intr,
                               .nmi = nmi,
                               .init = init,
                               .sipi = sipi,
                               .acknowledge_pic = acknowledge_pic,
                               .opaque = &f->cpu[i]};
        f->cpu[i].sipi = -1;
        apic_local_init(&f->local[i], &f->bus, f->time.clock, &cpu, (uint8_t)i, i == 0);
    }
    apic_local_map(&f->local[0], f->physmem);
    ioapic_82093_init(&f->ioapic, f->physmem, &f->bus, 2);
    wr(f, 0, SVR, 0x1ff);
    wr(f, 1, SVR, 0x1ff);
    return f;
}

static void stop(struct fixture *f) {
    physmem_destroy(f->physmem);
    fake_clock_free(&f->time);
    free(f);
}

static void redirect(struct fixture *f, unsigned pin, uint64_t entry) {
    physmem_write(f->physmem, IOAPIC_BASE, 4, 0x11 + 2 * pin);
    physmem_write(f->physmem, IOAPIC_BASE + 0x10, 4, entry >> 32);
    physmem_write(f->physmem, IOAPIC_BASE, 4, 0x10 + 2 * pin);
    physmem_write(f->physmem, IOAPIC_BASE + 0x10, 4, (uint32_t)entry);
}

static uint32_t redirection_low(struct fixture *f, unsigned pin) {
    physmem_write(f->physmem, IOAPIC_BASE, 4, 0x10 + 2 * pin);
    return (uint32_t)physmem_read(f->physmem, IOAPIC_BASE + 0x10, 4);
}

static void pin(struct fixture *f, unsigned number, bool level) {
    struct irq_line line = ioapic_82093_line(&f->ioapic, number);
    irq_set(&line, level);
}

static void expect_vector(struct fixture *f, unsigned cpu, int expected) {
    int vector = apic_local_acknowledge(&f->local[cpu]);
    cr_assert_eq(vector, expected, "expected %02x, got %02x", (unsigned)expected, (unsigned)vector);
}

Test(apic_local, registers_are_mapped) {
    struct fixture *f = start();
    cr_assert_eq(physmem_read(f->physmem, 0xfee00030, 4), 0x50014);
    physmem_write(f->physmem, 0xfee00080, 4, 0x20);
    cr_assert_eq(rd(f, 0, PPR), 0x20);
    stop(f);
}

Test(apic_local, base_msr_moves_and_hides_the_registers) {
    struct fixture *f = start();
    apic_local_set_base(&f->local[0], 0xfed80000 | APIC_BASE_ENABLED);
    cr_assert_eq(physmem_read(f->physmem, 0xfed80030, 4), 0x50014);
    apic_local_set_base(&f->local[0], 0xfed80000);
    cr_assert_eq(physmem_read(f->physmem, 0xfed80030, 4), 0xffffffff);
    cr_assert_eq(apic_local_base(&f->local[0]), 0xfed80000 | APIC_BASE_BSP);
    stop(f);
}

Test(apic_local, self_ipi_is_requested_served_and_ended) {
    struct fixture *f = start();
    wr(f, 0, ICR_LOW, 0x40000 | 0x61);
    cr_assert(f->cpu[0].intr);
    cr_assert_eq(rd(f, 0, IRR + 0x30), 2);
    expect_vector(f, 0, 0x61);
    cr_assert_not(f->cpu[0].intr);
    cr_assert_eq(rd(f, 0, ISR + 0x30), 2);
    cr_assert_eq(rd(f, 0, PPR), 0x60);
    wr(f, 0, EOI, 0);
    cr_assert_eq(rd(f, 0, ISR + 0x30), 0);
    stop(f);
}

Test(apic_local, higher_class_nests_and_lower_class_waits) {
    struct fixture *f = start();
    wr(f, 0, ICR_LOW, 0x40000 | 0x61);
    expect_vector(f, 0, 0x61);
    wr(f, 0, ICR_LOW, 0x40000 | 0x6f);
    cr_assert_not(f->cpu[0].intr);
    wr(f, 0, ICR_LOW, 0x40000 | 0x71);
    cr_assert(f->cpu[0].intr);
    expect_vector(f, 0, 0x71);
    wr(f, 0, EOI, 0);
    wr(f, 0, EOI, 0);
    expect_vector(f, 0, 0x6f);
    stop(f);
}

Test(apic_local, task_priority_holds_interrupts_back) {
    struct fixture *f = start();
    wr(f, 0, TPR, 0x60);
    wr(f, 0, ICR_LOW, 0x40000 | 0x61);
    cr_assert_not(f->cpu[0].intr);
    wr(f, 0, TPR, 0x50);
    cr_assert(f->cpu[0].intr);
    stop(f);
}

Test(apic_local, physical_and_logical_destinations) {
    struct fixture *f = start();
    wr(f, 0, ICR_HI, 1u << 24);
    wr(f, 0, ICR_LOW, 0x4061);
    cr_assert(f->cpu[1].intr && !f->cpu[0].intr);
    expect_vector(f, 1, 0x61);
    wr(f, 1, EOI, 0);
    wr(f, 0, LDR, 0x01000000);
    wr(f, 1, LDR, 0x02000000);
    wr(f, 0, ICR_HI, 0x03u << 24);
    wr(f, 0, ICR_LOW, 0x4800 | 0x62);
    cr_assert(f->cpu[0].intr && f->cpu[1].intr);
    stop(f);
}

Test(apic_local, cluster_model_matches_cluster_and_member) {
    struct fixture *f = start();
    for (unsigned i = 0; i < 2; i++)
        wr(f, i, DFR, 0);
    wr(f, 0, LDR, 0x11000000);
    wr(f, 1, LDR, 0x21000000);
    wr(f, 0, ICR_HI, 0x21u << 24);
    wr(f, 0, ICR_LOW, 0x4800 | 0x62);
    cr_assert(f->cpu[1].intr && !f->cpu[0].intr);
    stop(f);
}

Test(apic_local, lowest_priority_takes_the_idle_cpu) {
    struct fixture *f = start();
    wr(f, 0, LDR, 0x01000000);
    wr(f, 1, LDR, 0x02000000);
    wr(f, 0, TPR, 0x40);
    wr(f, 0, ICR_HI, 0x03u << 24);
    wr(f, 0, ICR_LOW, 0x4900 | 0x62);
    cr_assert(f->cpu[1].intr && !f->cpu[0].intr);
    stop(f);
}

Test(apic_local, init_and_startup_reach_the_others) {
    struct fixture *f = start();
    wr(f, 0, ICR_LOW, 0xc4500);
    cr_assert_eq(f->cpu[1].inits, 1);
    cr_assert_eq(f->cpu[0].inits, 0);
    wr(f, 0, ICR_LOW, 0xc4610);
    cr_assert_eq(f->cpu[1].sipi, 0x10);
    wr(f, 0, ICR_LOW, 0xc8500); /* level de-assert */
    cr_assert_eq(f->cpu[1].inits, 1);
    stop(f);
}

Test(apic_local, nmi_message) {
    struct fixture *f = start();
    wr(f, 0, ICR_LOW, 0x80000 | 0x4400);
    cr_assert_eq(f->cpu[0].nmis, 1);
    cr_assert_eq(f->cpu[1].nmis, 1);
    stop(f);
}

Test(apic_local, lint0_passes_the_8259_through) {
    struct fixture *f = start();
    wr(f, 0, LVT_L0, 0x700);
    apic_local_set_lint(&f->local[0], 0, true);
    cr_assert(f->cpu[0].intr);
    expect_vector(f, 0, 0x08);
    apic_local_set_lint(&f->local[0], 0, false);
    cr_assert_not(f->cpu[0].intr);
    wr(f, 0, LVT_L0, 0x10700);
    apic_local_set_lint(&f->local[0], 0, true);
    cr_assert_not(f->cpu[0].intr);
    expect_vector(f, 0, -1);
    stop(f);
}

Test(apic_local, disabled_apic_is_a_wire) {
    struct fixture *f = start();
    apic_local_set_base(&f->local[0], 0xfee00000);
    apic_local_set_lint(&f->local[0], 0, true);
    cr_assert(f->cpu[0].intr);
    expect_vector(f, 0, 0x08);
    apic_local_set_lint(&f->local[0], 1, true);
    cr_assert_eq(f->cpu[0].nmis, 1);
    stop(f);
}

Test(apic_local, one_shot_timer_fires_once) {
    struct fixture *f = start();
    wr(f, 0, DIVIDE, 0x0b);
    wr(f, 0, LVT_TMR, 0x61);
    wr(f, 0, INITIAL, 1000);
    fake_clock_advance(&f->time, 4000);
    cr_assert_eq(rd(f, 0, CURRENT), 600, "got %u", rd(f, 0, CURRENT));
    fake_clock_advance(&f->time, 6000);
    expect_vector(f, 0, 0x61);
    cr_assert_eq(rd(f, 0, CURRENT), 0);
    wr(f, 0, EOI, 0);
    fake_clock_advance(&f->time, 20000);
    cr_assert_not(f->cpu[0].intr);
    stop(f);
}

Test(apic_local, periodic_timer_divided_by_sixteen) {
    struct fixture *f = start();
    wr(f, 0, DIVIDE, 0x03);
    wr(f, 0, LVT_TMR, 0x20061);
    wr(f, 0, INITIAL, 1000);
    for (unsigned i = 0; i < 3; i++) {
        fake_clock_advance(&f->time, 160000);
        cr_assert(f->cpu[0].intr, "period %u", i);
        expect_vector(f, 0, 0x61);
        wr(f, 0, EOI, 0);
    }
    stop(f);
}

Test(apic_local, illegal_vector_sets_an_error_and_interrupts) {
    struct fixture *f = start();
    wr(f, 0, LVT_ERR, 0x77);
    wr(f, 0, ICR_LOW, 0x40000 | 0x05);
    expect_vector(f, 0, 0x77);
    cr_assert_eq(rd(f, 0, ESR), 0);
    wr(f, 0, ESR, 0);
    cr_assert_eq(rd(f, 0, ESR), 0x20);
    wr(f, 0, ESR, 0);
    cr_assert_eq(rd(f, 0, ESR), 0);
    stop(f);
}

Test(apic_local, software_disable_masks_the_lvt) {
    struct fixture *f = start();
    wr(f, 0, LVT_TMR, 0x61);
    wr(f, 0, SVR, 0x0ff);
    cr_assert_eq(rd(f, 0, LVT_TMR), 0x10061);
    wr(f, 0, LVT_TMR, 0x61);
    cr_assert_eq(rd(f, 0, LVT_TMR), 0x10061);
    stop(f);
}

Test(ioapic_82093, has_24_masked_pins) {
    struct fixture *f = start();
    physmem_write(f->physmem, IOAPIC_BASE, 4, 1);
    cr_assert_eq(physmem_read(f->physmem, IOAPIC_BASE + 0x10, 4), 0x170011);
    cr_assert_eq(redirection_low(f, 23), 0x10000);
    stop(f);
}

Test(ioapic_82093, edge_is_delivered_once) {
    struct fixture *f = start();
    redirect(f, 4, 0x61);
    pin(f, 4, true);
    expect_vector(f, 0, 0x61);
    wr(f, 0, EOI, 0);
    cr_assert_not(f->cpu[0].intr);
    pin(f, 4, false);
    pin(f, 4, true);
    cr_assert(f->cpu[0].intr);
    stop(f);
}

Test(ioapic_82093, level_is_delivered_again_after_eoi) {
    struct fixture *f = start();
    redirect(f, 16, 0x8061);
    pin(f, 16, true);
    cr_assert_eq(redirection_low(f, 16), 0xc061);
    expect_vector(f, 0, 0x61);
    wr(f, 0, EOI, 0);
    cr_assert(f->cpu[0].intr);
    expect_vector(f, 0, 0x61);
    pin(f, 16, false);
    wr(f, 0, EOI, 0);
    cr_assert_not(f->cpu[0].intr);
    cr_assert_eq(redirection_low(f, 16), 0x8061);
    stop(f);
}

Test(ioapic_82093, masked_edge_is_lost_and_masked_level_waits) {
    struct fixture *f = start();
    redirect(f, 4, 0x10061);
    redirect(f, 5, 0x18062);
    pin(f, 4, true);
    pin(f, 5, true);
    redirect(f, 4, 0x61);
    cr_assert_not(f->cpu[0].intr);
    redirect(f, 5, 0x8062);
    expect_vector(f, 0, 0x62);
    stop(f);
}

Test(ioapic_82093, extint_entry_asks_the_8259) {
    struct fixture *f = start();
    redirect(f, 0, 0x700);
    pin(f, 0, true);
    cr_assert(f->cpu[0].intr);
    expect_vector(f, 0, 0x08);
    cr_assert_not(f->cpu[0].intr);
    stop(f);
}

Test(apic_bus, message_write_is_an_interrupt) {
    struct fixture *f = start();
    apic_bus_write_message(&f->bus, 0xfee01000, 0x0061);
    expect_vector(f, 1, 0x61);
    stop(f);
}
