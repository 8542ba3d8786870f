/*
 * Events that arrive between instructions: RESET, INIT, SIPI, SMI, NMI and INTR, in this order of
 * priority (SDM vol. 3A, "Priority Among Simultaneous Exceptions and Interrupts").
 */
#include "interp/cpu/exception.h"
#include "interp/cpu/interrupt.h"
#include "interp/cpu/smm.h"

#define APIC_BASE_BSP UINT64_C(0x100)

void cpu_set_event(struct cpu *cpu, enum cpu_event event) {
    uint32_t before = atomic_fetch_or(&cpu->events, (uint32_t)event);
    if (event == CPU_EVENT_KICK && (before & CPU_EVENT_KICK) == 0 && cpu->kicked != NULL)
        cpu->kicked(cpu->kicked_opaque);
}

void cpu_clear_event(struct cpu *cpu, enum cpu_event event) {
    atomic_fetch_and(&cpu->events, ~(uint32_t)event);
}

void cpu_deliver_interrupt(struct cpu *cpu, uint8_t vector, enum interrupt_source source) {
    struct interrupt_event event = {
        .vector = vector,
        .is_software =
            source == INTERRUPT_SOFTWARE || source == INTERRUPT_INT3 || source == INTERRUPT_INTO,
    };
    /* INT n clears TF before its own trap would be due (SDM vol. 3B, "Single-Step Exception
       Condition"). */
    cpu->step_pending = false;
    if (source == INTERRUPT_SOFTWARE && cpu->is_v86 && cpu_redirect_v86_interrupt(cpu, vector))
        return;
    /* Whatever its vector, an interrupt is benign when its delivery faults. */
    cpu->delivery = (struct cpu_delivery){
        .is_active = true, .is_external = !event.is_software, .vector = VECTOR_NMI};
    cpu_deliver(cpu, &event);
    cpu->delivery.is_active = false;
    cpu->activity = CPU_RUNNING;
}

static bool is_bootstrap_processor(struct cpu *cpu) {
    uint64_t base =
        cpu->bus.apic_base != NULL ? cpu->bus.apic_base(cpu->bus.opaque) : APIC_BASE_BSP;
    return (base & APIC_BASE_BSP) != 0;
}

/* RESET, INIT and SIPI; true when the CPU starts afresh. */
static bool service_reset(struct cpu *cpu, uint32_t events) {
    if (events & CPU_EVENT_RESET) {
        cpu_clear_event(cpu, CPU_EVENT_RESET | CPU_EVENT_INIT | CPU_EVENT_SIPI | CPU_EVENT_NMI |
                                 CPU_EVENT_SMI);
        cpu_reset(cpu, CPU_RESET_POWER_ON);
        return true;
    }
    if (events & CPU_EVENT_INIT) {
        cpu_clear_event(cpu, CPU_EVENT_INIT);
        cpu_reset(cpu, CPU_RESET_INIT);
        if (!is_bootstrap_processor(cpu))
            cpu->activity = CPU_WAIT_FOR_SIPI;
        return true;
    }
    if (events & CPU_EVENT_SIPI) {
        cpu_clear_event(cpu, CPU_EVENT_SIPI);
        if (cpu->activity != CPU_WAIT_FOR_SIPI)
            return false;
        uint8_t vector = atomic_load(&cpu->sipi_vector);
        cpu->seg[SEG_CS].selector = (uint16_t)(vector << 8);
        cpu->seg[SEG_CS].base = (uint32_t)vector << 12;
        cpu->eip = 0;
        cpu->activity = CPU_RUNNING;
        return true;
    }
    return false;
}

bool cpu_service_events(struct cpu *cpu) {
    uint32_t events = atomic_load(&cpu->events);
    bool is_shadowed = cpu->interrupt_shadow;
    cpu->interrupt_shadow = false;
    if (!cpu->debug_active) /* otherwise cpu_debug_begin looks at it first */
        cpu->debug_shadow = false;
    if (service_reset(cpu, events))
        return true;
    if (cpu->activity == CPU_WAIT_FOR_SIPI)
        return false;
    if ((events & CPU_EVENT_SMI) && !cpu->in_smm && cpu->activity != CPU_SHUTDOWN) {
        cpu_clear_event(cpu, CPU_EVENT_SMI);
        smm_enter(cpu);
        return true;
    }
    if ((events & CPU_EVENT_NMI) && !cpu->nmi_blocked && !is_shadowed) {
        cpu_clear_event(cpu, CPU_EVENT_NMI);
        cpu->nmi_blocked = true;
        cpu_deliver_interrupt(cpu, VECTOR_NMI, INTERRUPT_NMI);
        return true;
    }
    if (cpu->activity == CPU_SHUTDOWN)
        return false;
    if ((events & CPU_EVENT_INTR) && (cpu->eflags & FLAG_IF) && !is_shadowed) {
        int vector = cpu->bus.acknowledge_interrupt(cpu->bus.opaque);
        if (vector < 0)
            return false;
        cpu_deliver_interrupt(cpu, (uint8_t)vector, INTERRUPT_EXTERNAL);
        return true;
    }
    return false;
}
