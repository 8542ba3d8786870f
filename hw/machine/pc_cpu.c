/* The CPU in its socket: its bus, and its local APIC with the virtual wire to the 8259 pair. */
#include "hw/machine/pc.h"

#include "interp/cpu/cpuid.h"
#include "interp/cpu/part.h"
#include "interp/decode/op.h"
#include "interp/run.h"
#include "translator/run.h"

#include <stdlib.h>

static uint32_t bus_port_read(void *opaque, uint16_t port, unsigned size) {
    struct pc *pc = opaque;
    enum cpu_part before = cpu_enter_part(&pc->machine->cpu, PART_PORTS);
    uint32_t value = port_map_read(pc->machine->ports, port, size);
    cpu_set_part(&pc->machine->cpu, before);
    return value;
}

static void bus_port_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct pc *pc = opaque;
    enum cpu_part before = cpu_enter_part(&pc->machine->cpu, PART_PORTS);
    port_map_write(pc->machine->ports, port, size, value);
    cpu_set_part(&pc->machine->cpu, before);
}

static int bus_acknowledge(void *opaque) {
    struct pc *pc = opaque;
    return pc->has_apic ? apic_local_acknowledge(&pc->apic) : pic_i8259_acknowledge(&pc->pic);
}

/* The time stamp counter runs at 1 GHz, whatever the guest's instructions take. */
static uint64_t bus_read_tsc(void *opaque) {
    struct pc *pc = opaque;
    return time_source_now(&pc->machine->time);
}

static void bus_set_ferr(void *opaque, bool asserted) {
    struct pc *pc = opaque;
    fpu_error_set_ferr(&pc->fpu_error, asserted);
}

static bool bus_ignne(void *opaque) {
    struct pc *pc = opaque;
    return pc->fpu_error.ignne;
}

static void bus_set_apic_base(void *opaque, uint64_t value) {
    struct pc *pc = opaque;
    if (pc->has_apic)
        apic_local_set_base(&pc->apic, value);
}

static uint64_t bus_apic_base(void *opaque) {
    struct pc *pc = opaque;
    return pc->has_apic ? apic_local_base(&pc->apic) : 0;
}

static void bus_set_smm(void *opaque, bool active) {
    struct pc *pc = opaque;
    if (pc->machine->config.kind == MACHINE_PC)
        i440fx_set_smm(&pc->i440fx, active);
}

/* The run loop reports the shutdown as CPU_EXIT_SHUTDOWN; vcpu_thread.c acts on that. */
static void bus_shutdown(void *opaque) {}

static bool translator_start(struct machine *machine, struct error *error) {
    const struct machine_config *config = &machine->config;
    machine->translator =
        translator_create(&machine->cpu, config->engine_backend, config->code_cache_bytes,
                          config->clock == CLOCK_ICOUNT || config->icount_limit != 0, error);
    return machine->translator != NULL;
}

bool pc_cpu_create(struct pc *pc, struct error *error) {
    struct machine *machine = pc->machine;
    struct cpu_bus bus = {.opaque = pc,
                          .port_read = bus_port_read,
                          .port_write = bus_port_write,
                          .acknowledge_interrupt = bus_acknowledge,
                          .read_tsc = bus_read_tsc,
                          .set_ferr = bus_set_ferr,
                          .ignne = bus_ignne,
                          .set_apic_base = bus_set_apic_base,
                          .apic_base = bus_apic_base,
                          .set_smm = bus_set_smm,
                          .shutdown = bus_shutdown};
    const struct cpu_model *model = cpu_model_default();
    uint64_t features = model->features;
    if (machine->config.cpu_model != NULL &&
        !cpu_model_parse(machine->config.cpu_model, &model, &features, error))
        return false;
    if (machine->config.kind == MACHINE_ISAPC)
        features &= ~FEATURE_BIT(APIC); /* the board has no I/O APIC and no tables to tell of one */
    machine->has_cpu = cpu_init(&machine->cpu, model, features, &bus, machine->physmem,
                                machine->code_pages, machine->log, error);
    if (!machine->has_cpu)
        return false;
    machine->sensitive_counts = calloc(OP_COUNT, sizeof(*machine->sensitive_counts));
    machine->cpu.sensitive_counts = machine->sensitive_counts;
    pc->has_apic = (features & FEATURE_BIT(APIC)) != 0;
    return machine->config.engine != ENGINE_BT || translator_start(machine, error);
}

void pc_raise_event(struct pc *pc, enum cpu_event event) {
    struct cpu *cpu = &pc->machine->cpu;
    cpu_set_event(cpu, event);
    if (pc->machine->time.kind == CLOCK_ICOUNT && cpu->insn != NULL)
        cpu_lower_limit(cpu, 0);
}

static void apic_set_intr(void *opaque, bool level) {
    struct pc *pc = opaque;
    if (level)
        pc_raise_event(pc, CPU_EVENT_INTR);
    else
        cpu_clear_event(&pc->machine->cpu, CPU_EVENT_INTR);
}

static void apic_nmi(void *opaque) {
    pc_raise_event(opaque, CPU_EVENT_NMI);
}

static void apic_init(void *opaque) {
    pc_raise_event(opaque, CPU_EVENT_INIT);
}

static void apic_sipi(void *opaque, uint8_t vector) {
    struct pc *pc = opaque;
    atomic_store(&pc->machine->cpu.sipi_vector, vector);
    pc_raise_event(pc, CPU_EVENT_SIPI);
}

static uint8_t apic_acknowledge_pic(void *opaque) {
    struct pc *pc = opaque;
    return pic_i8259_acknowledge(&pc->pic);
}

void pc_apic_create(struct pc *pc) {
    struct machine *machine = pc->machine;
    struct apic_cpu cpu = {.set_intr = apic_set_intr,
                           .nmi = apic_nmi,
                           .init = apic_init,
                           .sipi = apic_sipi,
                           .acknowledge_pic = apic_acknowledge_pic,
                           .opaque = pc};
    if (!pc->has_apic)
        return;
    apic_bus_init(&pc->apic_bus);
    apic_local_init(&pc->apic, &pc->apic_bus, machine->clock, &cpu, 0, true);
    apic_local_map(&pc->apic, machine->physmem);
    ioapic_82093_init(&pc->ioapic, machine->physmem, &pc->apic_bus, 1);
    machine_add_device(machine, &apic_local_class, &pc->apic);
    machine_add_device(machine, &ioapic_82093_class, &pc->ioapic);
}
