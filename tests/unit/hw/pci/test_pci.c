/* PCI bus, 440FX, PIIX3 and PIIX4 power management. */
#include "hw/pci/i440fx.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "tests/unit/hw/bench.h"

#include <criterion/criterion.h>
#include <string.h>

#define LINE_RESET     20
#define LINE_POWER_OFF 21
#define LINE_SCI       9
#define LINE_SMI       22

struct pci_bench {
    struct bench b;
    struct pci_bus bus;
    struct i440fx host;
    struct piix3 isa;
    struct piix4_pm pm;
    struct pci_function card; /* slot 3, INTA#, BAR0 256 ports, BAR1 64 KiB */
    uint64_t mapped[2];
};

static void card_map(struct pci_function *function, unsigned bar, uint64_t address, bool enabled) {
    struct pci_bench *p = function->opaque;
    p->mapped[bar] = enabled ? address : 0;
}

static void set_up(struct pci_bench *p) {
    memset(p, 0, sizeof(*p));
    bench_init(&p->b);
    struct irq_line isa[16], pirq[4];
    for (unsigned i = 0; i < 16; i++)
        isa[i] = bench_line(&p->b, i);
    struct irq_line reset = bench_line(&p->b, LINE_RESET);
    struct irq_line power = bench_line(&p->b, LINE_POWER_OFF);
    struct irq_line sci = bench_line(&p->b, LINE_SCI), smi = bench_line(&p->b, LINE_SMI);
    for (unsigned i = 0; i < 4; i++)
        pirq[i] = piix3_pirq(&p->isa, i);
    pci_bus_init(&p->bus, p->b.ports, pirq);
    i440fx_init(&p->host, p->b.physmem);
    piix3_init(&p->isa, p->b.ports, isa, &reset);
    piix4_pm_init(&p->pm, p->b.ports, p->b.time.clock, &sci, &power, &smi, 1);
    pci_bus_add(&p->bus, &p->host.pci, 0x00);
    pci_bus_add(&p->bus, &p->isa.pci, 0x08);
    pci_bus_add(&p->bus, &p->pm.pci, 0x0b);
    p->card.opaque = p;
    pci_function_identify(&p->card, 0x1234, 0x5678, 1, 0x020000, 1);
    p->card.bar[0] = (struct pci_bar){.kind = PCI_BAR_IO, .size = 256, .map = card_map};
    p->card.bar[1] = (struct pci_bar){.kind = PCI_BAR_MEMORY, .size = 0x10000, .map = card_map};
    pci_bus_add(&p->bus, &p->card, 0x18);
}

static void config_select(struct pci_bench *p, uint8_t devfn, unsigned offset) {
    out32(&p->b, 0xcf8, 0x80000000u | (uint32_t)devfn << 8 | (offset & 0xfc));
}

static uint32_t config_read(struct pci_bench *p, uint8_t devfn, unsigned offset, unsigned size) {
    config_select(p, devfn, offset);
    return port_map_read(p->b.ports, (uint16_t)(0xcfc + (offset & 3)), size);
}

static void config_write(struct pci_bench *p, uint8_t devfn, unsigned offset, unsigned size,
                         uint32_t value) {
    config_select(p, devfn, offset);
    port_map_write(p->b.ports, (uint16_t)(0xcfc + (offset & 3)), size, value);
}

Test(pci, mechanism_1_reads_every_width) {
    struct pci_bench p;
    set_up(&p);
    expect_eq(config_read(&p, 0x00, 0, 4), 0x12378086);
    expect_eq(config_read(&p, 0x00, 2, 2), 0x1237);
    expect_eq(config_read(&p, 0x08, 3, 1), 0x70);
    expect_eq(config_read(&p, 0x08, 0x0e, 1), 0x80);
    expect_eq(config_read(&p, 0x0b, 0, 4), 0x71138086);
    bench_free(&p.b);
}

Test(pci, an_absent_function_reads_all_ones) {
    struct pci_bench p;
    set_up(&p);
    expect_eq(config_read(&p, 0x20, 0, 4), 0xffffffff);
    out32(&p.b, 0xcf8, 0x80010000); /* another bus */
    expect_eq(in32(&p.b, 0xcfc), 0xffffffff);
    out32(&p.b, 0xcf8, 0x00000000); /* not enabled */
    expect_eq(in32(&p.b, 0xcfc), 0xffffffff);
    bench_free(&p.b);
}

Test(pci, the_address_register_takes_dwords_only) {
    struct pci_bench p;
    set_up(&p);
    out32(&p.b, 0xcf8, 0x80001804);
    out8(&p.b, 0xcf8, 0x10);
    expect_eq(in32(&p.b, 0xcf8), 0x80001804);
    bench_free(&p.b);
}

Test(pci, a_bar_tells_its_size) {
    struct pci_bench p;
    set_up(&p);
    config_write(&p, 0x18, 0x10, 4, 0xffffffff);
    expect_eq(config_read(&p, 0x18, 0x10, 4), 0xffffff01);
    config_write(&p, 0x18, 0x14, 4, 0xffffffff);
    expect_eq(config_read(&p, 0x18, 0x14, 4), 0xffff0000);
    config_write(&p, 0x18, 0x18, 4, 0xffffffff);
    expect_eq(config_read(&p, 0x18, 0x18, 4), 0);
    bench_free(&p.b);
}

Test(pci, a_bar_is_mapped_while_command_allows) {
    struct pci_bench p;
    set_up(&p);
    config_write(&p, 0x18, 0x10, 4, 0xc000);
    config_write(&p, 0x18, 0x14, 4, 0xfebf0000);
    expect_eq(p.mapped[0], 0);
    config_write(&p, 0x18, 0x04, 2, 0x0103);
    expect_eq(p.mapped[0], 0xc000);
    expect_eq(p.mapped[1], 0xfebf0000);
    config_write(&p, 0x18, 0x04, 2, 0x0102);
    expect_eq(p.mapped[0], 0);
    expect_eq(p.mapped[1], 0xfebf0000);
    config_write(&p, 0x18, 0x14, 4, 0xffffffff); /* being sized: withdrawn */
    expect_eq(p.mapped[1], 0);
    pci_bus_class.reset(&p.bus);
    expect_eq(config_read(&p, 0x18, 0x04, 2), 0);
    bench_free(&p.b);
}

Test(pci, intx_is_routed_by_slot_and_pin) {
    struct pci_bench p;
    set_up(&p);
    /* Slot 3, INTA#: (3 + 0 - 1) & 3 = PIRQC#. */
    config_write(&p, 0x08, 0x62, 1, 11);
    irq_set(&p.card.intx, true);
    expect_eq(p.b.level[11], 1);
    config_write(&p, 0x08, 0x62, 1, 10); /* the level follows the routing */
    expect_eq(p.b.level[11], 0);
    expect_eq(p.b.level[10], 1);
    config_write(&p, 0x08, 0x62, 1, 0x80);
    expect_eq(p.b.level[10], 0);
    bench_free(&p.b);
}

Test(pci, functions_share_a_pirq) {
    struct pci_bench p;
    set_up(&p);
    struct pci_function other = {0};
    pci_function_identify(&other, 1, 2, 0, 0, 1);
    pci_bus_add(&p.bus, &other, 0x38); /* slot 7: PIRQC# as well */
    config_write(&p, 0x08, 0x62, 1, 11);
    irq_set(&p.card.intx, true);
    irq_set(&other.intx, true);
    irq_set(&p.card.intx, false);
    expect_eq(p.b.level[11], 1);
    irq_set(&other.intx, false);
    expect_eq(p.b.level[11], 0);
    bench_free(&p.b);
}

Test(i440fx, pam_chooses_rom_or_ram_for_reads_and_writes) {
    static const uint8_t rom[0x10000] = {0x5a};
    struct pci_bench p;
    set_up(&p);
    physmem_add_rom(p.b.physmem, "bios", 0xf0000, rom, sizeof(rom), 1);
    expect_eq(physmem_read(p.b.physmem, 0xf0000, 1), 0x5a);
    config_write(&p, 0x00, 0x59, 1, 0x20); /* write RAM, read ROM */
    physmem_write(p.b.physmem, 0xf0000, 1, 0x77);
    expect_eq(physmem_read(p.b.physmem, 0xf0000, 1), 0x5a);
    config_write(&p, 0x00, 0x59, 1, 0x10); /* read RAM, ROM behind drops writes */
    expect_eq(physmem_read(p.b.physmem, 0xf0000, 1), 0x77);
    physmem_write(p.b.physmem, 0xf0000, 1, 0x11);
    expect_eq(physmem_read(p.b.physmem, 0xf0000, 1), 0x77);
    i440fx_class.reset(&p.host);
    expect_eq(physmem_read(p.b.physmem, 0xf0000, 1), 0x5a);
    bench_free(&p.b);
}

Test(i440fx, each_pam_nibble_has_its_segment) {
    static const uint8_t rom[0x30000] = {0};
    struct pci_bench p;
    set_up(&p);
    physmem_add_rom(p.b.physmem, "c-e", 0xc0000, rom, sizeof(rom), 1);
    for (unsigned segment = 0; segment < 12; segment++) {
        unsigned reg = 0x5a + segment / 2;
        phys_addr at = 0xc0000 + segment * 0x4000u;
        config_write(&p, 0x00, reg, 1, segment & 1 ? 0x30 : 0x03);
        physmem_write(p.b.physmem, at, 1, 0x40 + segment);
        expect_eq(physmem_read(p.b.physmem, at, 1), 0x40 + segment);
        if (segment < 11) {
            physmem_write(p.b.physmem, at + 0x4000, 1, 0x99);
            expect_eq(physmem_read(p.b.physmem, at + 0x4000, 1), 0);
        }
        config_write(&p, 0x00, reg, 1, 0);
    }
    bench_free(&p.b);
}

Test(i440fx, smram_locks) {
    struct pci_bench p;
    set_up(&p);
    config_write(&p, 0x00, 0x72, 1, 0x4a);
    expect_eq(p.host.smram_applied, 1);
    config_write(&p, 0x00, 0x72, 1, 0x1a);
    expect_eq(p.host.smram_applied, 0);
    config_write(&p, 0x00, 0x72, 1, 0x4a);
    expect_eq(config_read(&p, 0x00, 0x72, 1), 0x1a);
    bench_free(&p.b);
}

Test(i440fx, closed_smram_shows_in_smm_alone) {
    struct pci_bench p;
    set_up(&p);
    i440fx_set_smm(&p.host, true);
    expect_eq(p.host.smram_applied, 0); /* not enabled */
    config_write(&p, 0x00, 0x72, 1, 0x0a);
    expect_eq(p.host.smram_applied, 1);
    i440fx_set_smm(&p.host, false);
    expect_eq(p.host.smram_applied, 0);
    config_write(&p, 0x00, 0x72, 1, 0x2a); /* enabled, closed for data */
    i440fx_set_smm(&p.host, true);
    expect_eq(p.host.smram_applied, 0);
    bench_free(&p.b);
}

Test(piix3, the_reset_register_resets_on_a_rising_edge) {
    struct pci_bench p;
    set_up(&p);
    out8(&p.b, 0xcf9, 0x02);
    expect_eq(p.b.rises[LINE_RESET], 0);
    out8(&p.b, 0xcf9, 0x06);
    expect_eq(p.b.rises[LINE_RESET], 1);
    bench_free(&p.b);
}

static void enable_pm(struct pci_bench *p) {
    config_write(p, 0x0b, 0x40, 4, 0xb001);
    config_write(p, 0x0b, 0x80, 1, 1);
}

Test(piix4, the_pm_timer_counts_3579545_a_second) {
    struct pci_bench p;
    set_up(&p);
    expect_eq(in32(&p.b, 0xb008), 0xffffffff);
    enable_pm(&p);
    fake_clock_advance(&p.b.time, NS_PER_SECOND);
    expect_eq(in32(&p.b, 0xb008), 3579545);
    fake_clock_advance(&p.b.time, 4 * NS_PER_SECOND);
    expect_eq(in32(&p.b, 0xb008), 5 * 3579545 % 0x1000000);
    expect_eq(in16(&p.b, 0xb00a), 5 * 3579545 % 0x1000000 >> 16);
    bench_free(&p.b);
}

Test(piix4, apm_commands_switch_acpi) {
    struct pci_bench p;
    set_up(&p);
    enable_pm(&p);
    out8(&p.b, 0xb2, 0xf1);
    expect_eq(in16(&p.b, 0xb004), 1);
    out8(&p.b, 0xb2, 0xf0);
    expect_eq(in16(&p.b, 0xb004), 0);
    bench_free(&p.b);
}

Test(piix4, apm_commands_raise_smi_once_that_is_enabled) {
    struct pci_bench p;
    set_up(&p);
    expect_eq(config_read(&p, 0x0b, 0x58, 4) >> 25 & 1, 0);
    out8(&p.b, 0xb2, 0x01);
    expect_eq(p.b.rises[LINE_SMI], 0);
    config_write(&p, 0x0b, 0x58, 4, 1u << 25);
    out8(&p.b, 0xb2, 0x01);
    out8(&p.b, 0xb2, 0x02);
    expect_eq(p.b.rises[LINE_SMI], 2);
    expect_eq(in8(&p.b, 0xb2), 0x02);
    out8(&p.b, 0xb2, 0xf1); /* acts by itself */
    expect_eq(p.b.rises[LINE_SMI], 2);
    bench_free(&p.b);
}

Test(piix4, without_smm_it_looks_set_up) {
    struct pci_bench p;
    struct irq_line nobody = {0};
    set_up(&p);
    piix4_pm_init(&p.pm, p.b.ports, p.b.time.clock, &nobody, &nobody, &nobody, 1);
    pci_bus_add(&p.bus, &p.pm.pci, 0x0b);
    expect_eq(config_read(&p, 0x0b, 0x58, 4) >> 25 & 1, 1);
    bench_free(&p.b);
}

Test(piix4, soft_off_powers_off) {
    struct pci_bench p;
    set_up(&p);
    enable_pm(&p);
    out16(&p.b, 0xb004, 0x2401); /* suspend to RAM is ignored */
    expect_eq(p.b.rises[LINE_POWER_OFF], 0);
    expect_eq(in16(&p.b, 0xb000) & 0x8000, 0x8000);
    out16(&p.b, 0xb004, 0x2001);
    expect_eq(p.b.rises[LINE_POWER_OFF], 1);
    bench_free(&p.b);
}

Test(piix4, the_power_button_raises_sci_when_enabled) {
    struct pci_bench p;
    set_up(&p);
    enable_pm(&p);
    piix4_pm_power_button(&p.pm);
    expect_eq(p.b.level[LINE_SCI], 0);
    out16(&p.b, 0xb002, 0x0100);
    out8(&p.b, 0xb2, 0xf1);
    expect_eq(p.b.level[LINE_SCI], 1);
    out16(&p.b, 0xb000, 0x0100);
    expect_eq(p.b.level[LINE_SCI], 0);
    bench_free(&p.b);
}

Test(piix4, the_pm_timer_interrupts_when_its_top_bit_toggles) {
    struct pci_bench p;
    set_up(&p);
    enable_pm(&p);
    out8(&p.b, 0xb2, 0xf1);
    out16(&p.b, 0xb002, 1);
    fake_clock_advance(&p.b.time, 2 * NS_PER_SECOND);
    expect_eq(p.b.level[LINE_SCI], 0);
    fake_clock_advance(&p.b.time, NS_PER_SECOND / 2); /* 2^23 ticks are 2.34 s */
    expect_eq(p.b.level[LINE_SCI], 1);
    out16(&p.b, 0xb000, 1);
    expect_eq(p.b.level[LINE_SCI], 0);
    bench_free(&p.b);
}

Test(piix4, the_smbus_has_no_device) {
    struct pci_bench p;
    set_up(&p);
    config_write(&p, 0x0b, 0x90, 4, 0xb101);
    config_write(&p, 0x0b, 0xd2, 1, 9);
    expect_eq(in8(&p.b, 0xb100), 0);
    out8(&p.b, 0xb104, 0xa1);
    out8(&p.b, 0xb102, 0x48);
    expect_eq(in8(&p.b, 0xb100), 0x04);
    out8(&p.b, 0xb100, 0xff);
    expect_eq(in8(&p.b, 0xb100), 0);
    bench_free(&p.b);
}
