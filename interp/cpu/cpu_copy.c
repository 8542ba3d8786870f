/* Taking over a CPU's state; see cpu_copy.h. */
#include "interp/cpu/cpu_copy.h"

#include "interp/cpu/cpu_state.h"
#include "interp/cpu/segment.h"

#include <string.h>

#define EVENTS (CPU_EVENT_INTR | CPU_EVENT_NMI | CPU_EVENT_INIT | CPU_EVENT_SIPI | CPU_EVENT_SMI)

static void copy_fields(struct cpu *cpu, const struct cpu *from) {
    for (size_t i = 0; i < cpu_state_table.count; i++) {
        const struct state_field *field = &cpu_state_table.fields[i];
        if (field->version != 0)
            memcpy((char *)cpu + field->offset, (const char *)from + field->offset, field->size);
    }
}

void cpu_take_state(struct cpu *cpu, const struct cpu *from) {
    uint32_t events = atomic_load(&from->events);
    copy_fields(cpu, from);
    cpu->lazy = from->lazy;
    cpu->eflags = from->eflags;
    memcpy(cpu->seg, from->seg, sizeof(cpu->seg));
    cpu->ldtr = from->ldtr;
    cpu->tr = from->tr;
    cpu->gdtr = from->gdtr;
    cpu->idtr = from->idtr;
    cpu->x87 = from->x87;
    cpu->delivery = (struct cpu_delivery){.is_active = false};
    cpu->insn = NULL;
    atomic_fetch_and(&cpu->events, ~(uint32_t)EVENTS);
    atomic_fetch_or(&cpu->events, EVENTS & events);
    cpu_update_paging(cpu, true);
    cpu_update_mode(cpu);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_refresh_bounds(cpu, &cpu->seg[i]);
}
