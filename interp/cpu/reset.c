/* State after RESET and INIT: SDM vol. 3A, "Processor State After Reset", table of register values.
 */
#include "interp/cpu/control_reg.h"
#include "interp/cpu/cpuid.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/msr.h"
#include "interp/cpu/segment.h"

#include <string.h>

#define X87_CONTROL_AT_RESET 0x0040
#define MXCSR_AT_RESET       0x1f80
#define SMBASE_AT_RESET      0x30000

static void set_segment(struct segment *segment, uint16_t selector, uint32_t base,
                        uint16_t attributes) {
    memset(segment, 0, sizeof *segment);
    segment->selector = selector;
    segment->base = base;
    segment->limit = 0xffff;
    segment->attributes = attributes;
    segment->is_usable = true;
    segment_update_bounds(segment);
}

static void reset_segments(struct cpu *cpu) {
    const uint16_t data = SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        set_segment(&cpu->seg[i], 0, 0, data);
    set_segment(&cpu->seg[SEG_CS], 0xf000, 0xffff0000, data);
    set_segment(&cpu->ldtr, 0, 0, SEG_PRESENT | 2);
    set_segment(&cpu->tr, 0, 0, SEG_PRESENT | 11);
    cpu->gdtr = cpu->idtr = (struct descriptor_table){.base = 0, .limit = 0xffff};
}

/* What INIT leaves alone: x87, SSE, most MSRs, CR0.CD and CR0.NW. */
static void reset_on_power_on(struct cpu *cpu) {
    memset(&cpu->x87, 0, sizeof cpu->x87);
    memset(cpu->xmm, 0, sizeof cpu->xmm);
    cpu->x87.control = X87_CONTROL_AT_RESET;
    cpu->mxcsr = MXCSR_AT_RESET;
    cpu->tsc_offset = 0;
    cpu->smbase = SMBASE_AT_RESET;
    cpu->cr0 = CR0_CD | CR0_NW;
    msr_reset(cpu);
}

void cpu_reset(struct cpu *cpu, enum cpu_reset_kind kind) {
    if (kind == CPU_RESET_POWER_ON)
        reset_on_power_on(cpu);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[GPR_EDX] = cpuid_signature(cpu);
    cpu->eip = 0xfff0;
    cpu->ip_base = 0xfff0;
    lazy_flags_set(&cpu->lazy, 0);
    cpu->eflags = FLAG_RESERVED_1;
    cpu->cr0 = (cpu->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    if (!cpu_has(cpu, FEATURE_I486))
        cpu->cr0 = cpu_has(cpu, FEATURE_FPU) ? CR0_ET : 0;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
    memset(cpu->dr, 0, sizeof cpu->dr);
    cpu->dr[6] = DR6_FIXED;
    cpu->dr[7] = DR7_FIXED;
    cpu->cpl = 0;
    cpu->checks_every_access = cpu->step_pending = false;
    cpu->debug_pending = 0;
    cpu->interrupt_shadow = cpu->debug_shadow = cpu->nmi_blocked = false;
    if (cpu->in_smm && cpu->bus.set_smm != NULL)
        cpu->bus.set_smm(cpu->bus.opaque, false);
    cpu->in_smm = false;
    cpu->delivery = (struct cpu_delivery){.is_active = false};
    cpu->activity = CPU_RUNNING;
    reset_segments(cpu);
    cpu_update_paging(cpu, true);
    cpu_update_mode(cpu);
}
