/* Lines that several chips share: ISA interrupts, the A20 gate, reset, NMI mask. */
#include "hw/machine/pc.h"

/* Pin of the I/O APIC for an ISA line: the timer's IRQ 0 sits on pin 2, as on every PC with one. */
static unsigned ioapic_pin(unsigned irq) {
    return irq == 0 ? 2 : irq;
}

static void isa_drive(struct pc_lines *lines, unsigned irq) {
    struct pc *pc = lines->pc;
    uint16_t bit = (uint16_t)(1u << irq);
    bool is_cut_off = lines->hpet_is_legacy && (irq == 0 || irq == 8);
    bool any = false;
    for (unsigned i = 0; i < ISA_DRIVERS; i++)
        any = any || ((lines->isa_level[i] & bit) != 0 && !(is_cut_off && i == ISA_DRIVER_CHIP));
    struct irq_line pic = pic_i8259_line(&pc->pic, irq);
    irq_set(&pic, any);
    if (pc->has_apic) {
        struct irq_line ioapic = ioapic_82093_line(&pc->ioapic, ioapic_pin(irq));
        irq_set(&ioapic, any);
    }
}

static void isa_set(void *opaque, unsigned number, bool level) {
    struct pc_lines *lines = opaque;
    unsigned driver = number / ISA_IRQS, irq = number % ISA_IRQS;
    uint16_t bit = (uint16_t)(1u << irq);
    if (level)
        lines->isa_level[driver] |= bit;
    else
        lines->isa_level[driver] &= (uint16_t)~bit;
    isa_drive(lines, irq);
}

struct irq_line pc_isa_line(struct pc *pc, enum isa_driver driver, unsigned irq) {
    return (struct irq_line){isa_set, &pc->lines, driver * ISA_IRQS + irq};
}

static void a20_set(void *opaque, unsigned driver, bool level) {
    struct pc_lines *lines = opaque;
    if (level)
        lines->a20 |= (uint8_t)driver;
    else
        lines->a20 &= (uint8_t)~driver;
    physmem_set_a20(lines->pc->machine->physmem, lines->a20 != 0);
}

struct irq_line pc_a20_line(struct pc *pc, enum a20_driver driver) {
    return (struct irq_line){a20_set, &pc->lines, driver};
}

static void reset_set(void *opaque, unsigned number, bool level) {
    struct pc *pc = opaque;
    if (level)
        machine_request(pc->machine, REQUEST_RESET);
}

struct irq_line pc_reset_line(struct pc *pc) {
    return (struct irq_line){reset_set, pc, 0};
}

static void power_off_set(void *opaque, unsigned number, bool level) {
    struct pc *pc = opaque;
    if (level)
        machine_request(pc->machine, REQUEST_POWER_OFF);
}

struct irq_line pc_power_off_line(struct pc *pc) {
    return (struct irq_line){power_off_set, pc, 0};
}

static void smi_set(void *opaque, unsigned number, bool level) {
    if (level)
        pc_raise_event(opaque, CPU_EVENT_SMI);
}

struct irq_line pc_smi_line(struct pc *pc) {
    bool has_smm = cpu_has(&pc->machine->cpu, FEATURE_PENTIUM);
    return (struct irq_line){has_smm ? smi_set : NULL, pc, 0};
}

static void nmi_mask_set(void *opaque, unsigned number, bool level) {
    struct pc_lines *lines = opaque;
    lines->nmi_masked = level;
}

struct irq_line pc_nmi_mask_line(struct pc *pc) {
    return (struct irq_line){nmi_mask_set, &pc->lines, 0};
}

static void hpet_legacy_set(void *opaque, unsigned number, bool level) {
    struct pc_lines *lines = opaque;
    lines->hpet_is_legacy = level;
    isa_drive(lines, 0);
    isa_drive(lines, 8);
}

struct irq_line pc_hpet_legacy_line(struct pc *pc) {
    return (struct irq_line){hpet_legacy_set, &pc->lines, 0};
}

static void intr_set(void *opaque, unsigned number, bool level) {
    struct pc *pc = opaque;
    if (pc->has_apic)
        apic_local_set_lint(&pc->apic, 0, level);
    else if (level)
        pc_raise_event(pc, CPU_EVENT_INTR);
    else
        cpu_clear_event(&pc->machine->cpu, CPU_EVENT_INTR);
}

struct irq_line pc_intr_line(struct pc *pc) {
    return (struct irq_line){intr_set, pc, 0};
}

void pc_lines_init(struct pc_lines *lines, struct pc *pc) {
    *lines = (struct pc_lines){.pc = pc};
}

static const struct state_field pc_lines_fields[] = {
    FIELD(pc_lines, isa_level, 1),      FIELD(pc_lines, a20, 1), FIELD(pc_lines, nmi_masked, 1),
    FIELD(pc_lines, hpet_is_legacy, 1), NOT_SAVED(pc_lines, pc),
};
const struct state_table pc_lines_state = STATE_TABLE(pc_lines, pc_lines_fields);
const struct device_class pc_lines_class = {"pc_lines", NULL, &pc_lines_state};
