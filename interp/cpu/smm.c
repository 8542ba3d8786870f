/*
 * SMI and RSM. The state save map is that of the P6 family, 32 bits; the manual leaves its area
 * from 7F04h to 7FA7h to the processor, which keeps there what the map does not show: hidden parts
 * of segments, table registers, CR4.
 *
 * There is no I/O instruction restart: the revision identifier says so.
 */
#include "interp/cpu/smm.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/exception.h"
#include "interp/cpu/segment.h"

#define HANDLER     0x8000u     /* of SMBASE, and what offsets of the map are relative to */
#define REVISION    0x00020000u /* SMBASE can be moved */
#define HALTED      1u          /* of SAVED_AUTO_HALT */
#define NMI_BLOCKED 1u          /* of SAVED_MISC; CPL is in bits 8 and 9 */
#define USABLE      0x10000u    /* beside the attributes of a segment */

/* Offsets from SMBASE + 8000h. */
enum {
    SAVED_SMBASE = 0x7ef8,
    SAVED_REVISION = 0x7efc,
    SAVED_AUTO_HALT = 0x7f02,
    SAVED_HIDDEN = 0x7f04, /* 12 bytes for each segment, LDTR and TR: attributes, limit, base */
    SAVED_TABLES = 0x7f64, /* GDT base and limit, IDT base and limit */
    SAVED_CR4 = 0x7f74,
    SAVED_MISC = 0x7f78,
    SAVED_SELECTORS = 0x7fa8, /* ES, CS, SS, DS, FS, GS, LDTR, TR */
    SAVED_DR7 = 0x7fc8,
    SAVED_DR6 = 0x7fcc,
    SAVED_GPR = 0x7fd0,
    SAVED_EIP = 0x7ff0,
    SAVED_EFLAGS = 0x7ff4,
    SAVED_CR3 = 0x7ff8,
    SAVED_CR0 = 0x7ffc,
};

static void put(struct cpu *cpu, unsigned offset, uint64_t value) {
    physmem_write(cpu->physmem, cpu->smbase + HANDLER + offset, 4, (uint32_t)value);
}

static uint32_t get(struct cpu *cpu, unsigned offset) {
    return (uint32_t)physmem_read(cpu->physmem, cpu->smbase + HANDLER + offset, 4);
}

/* In the order of the map's selectors. */
static struct segment *saved_segment(struct cpu *cpu, unsigned n) {
    return n < SEG_COUNT ? &cpu->seg[n] : n == SEG_COUNT ? &cpu->ldtr : &cpu->tr;
}

static void show_smram(struct cpu *cpu, bool is_shown) {
    if (cpu->bus.set_smm != NULL)
        cpu->bus.set_smm(cpu->bus.opaque, is_shown);
}

static void save_state(struct cpu *cpu) {
    for (unsigned n = 0; n < SEG_COUNT + 2; n++) {
        const struct segment *s = saved_segment(cpu, n);
        unsigned hidden = SAVED_HIDDEN + 12 * n;
        put(cpu, SAVED_SELECTORS + 4 * n, s->selector);
        put(cpu, hidden, s->attributes | (s->is_usable ? USABLE : 0));
        put(cpu, hidden + 4, s->limit);
        put(cpu, hidden + 8, s->base);
    }
    put(cpu, SAVED_TABLES, cpu->gdtr.base);
    put(cpu, SAVED_TABLES + 4, cpu->gdtr.limit);
    put(cpu, SAVED_TABLES + 8, cpu->idtr.base);
    put(cpu, SAVED_TABLES + 12, cpu->idtr.limit);
    for (unsigned n = 0; n < 8; n++)
        put(cpu, SAVED_GPR + 4 * n, cpu->gpr[n]);
    put(cpu, SAVED_EIP, cpu->eip);
    put(cpu, SAVED_EFLAGS, cpu_eflags(cpu));
    put(cpu, SAVED_CR0, cpu->cr0);
    put(cpu, SAVED_CR3, cpu->cr3);
    put(cpu, SAVED_CR4, cpu->cr4);
    put(cpu, SAVED_DR6, cpu->dr[6]);
    put(cpu, SAVED_DR7, cpu->dr[7]);
    put(cpu, SAVED_MISC, (cpu->nmi_blocked ? NMI_BLOCKED : 0) | (uint32_t)cpu->cpl << 8);
    physmem_write(cpu->physmem, cpu->smbase + HANDLER + SAVED_AUTO_HALT, 2,
                  cpu->activity == CPU_HALTED ? HALTED : 0);
    put(cpu, SAVED_REVISION, REVISION);
    put(cpu, SAVED_SMBASE, cpu->smbase);
}

/* SDM vol. 3A, "SMM Handler Execution Environment". */
static void set_handler_state(struct cpu *cpu) {
    const uint16_t data = SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED;
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu->seg[n] = (struct segment){.attributes = data, .limit = UINT32_MAX, .is_usable = true};
    cpu->seg[SEG_CS].base = cpu->smbase;
    cpu->seg[SEG_CS].selector = (uint16_t)(cpu->smbase >> 4);
    cpu->eip = HANDLER;
    cpu_set_eflags(cpu, FLAG_RESERVED_1, UINT32_MAX);
    cpu->cr0 &= ~(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->dr[7] = DR7_FIXED;
    cpu->nmi_blocked = true;
    cpu->interrupt_shadow = cpu->debug_shadow = false;
    cpu->debug_pending = 0;
    cpu->activity = CPU_RUNNING;
    cpu->cpl = 0;
}

static void follow_state(struct cpu *cpu) {
    cpu_update_paging(cpu, true);
    cpu_update_mode(cpu);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        segment_refresh_bounds(cpu, &cpu->seg[n]);
}

void smm_enter(struct cpu *cpu) {
    log_write(cpu->log, LOG_INT, "SMI at %04x:%08x", cpu->seg[SEG_CS].selector, (uint32_t)cpu->eip);
    cpu->in_smm = true;
    show_smram(cpu, true);
    save_state(cpu);
    set_handler_state(cpu);
    follow_state(cpu);
}

static void restore_segments(struct cpu *cpu) {
    for (unsigned n = 0; n < SEG_COUNT + 2; n++) {
        struct segment *s = saved_segment(cpu, n);
        unsigned hidden = SAVED_HIDDEN + 12 * n;
        uint32_t attributes = get(cpu, hidden);
        *s = (struct segment){.selector = (uint16_t)get(cpu, SAVED_SELECTORS + 4 * n),
                              .attributes = (uint16_t)attributes,
                              .limit = get(cpu, hidden + 4),
                              .base = get(cpu, hidden + 8),
                              .is_usable = (attributes & USABLE) != 0};
        segment_update_bounds(s);
    }
    cpu->gdtr = (struct descriptor_table){get(cpu, SAVED_TABLES), get(cpu, SAVED_TABLES + 4)};
    cpu->idtr = (struct descriptor_table){get(cpu, SAVED_TABLES + 8), get(cpu, SAVED_TABLES + 12)};
}

static void restore_registers(struct cpu *cpu) {
    uint32_t misc = get(cpu, SAVED_MISC);
    for (unsigned n = 0; n < 8; n++)
        cpu_set_reg32(cpu, n, get(cpu, SAVED_GPR + 4 * n));
    cpu->eip = get(cpu, SAVED_EIP);
    cpu_set_eflags(cpu, get(cpu, SAVED_EFLAGS) | FLAG_RESERVED_1, UINT32_MAX);
    cpu->cr0 = get(cpu, SAVED_CR0);
    cpu->cr3 = get(cpu, SAVED_CR3);
    cpu->cr4 = get(cpu, SAVED_CR4);
    cpu->dr[6] = get(cpu, SAVED_DR6);
    cpu->dr[7] = get(cpu, SAVED_DR7);
    cpu->nmi_blocked = (misc & NMI_BLOCKED) != 0;
    cpu->cpl = misc >> 8 & 3;
    if (get(cpu, SAVED_AUTO_HALT & ~3u) >> 16 & HALTED)
        cpu->activity = CPU_HALTED;
}

void smm_leave(struct cpu *cpu) {
    uint32_t cr0 = get(cpu, SAVED_CR0), smbase = get(cpu, SAVED_SMBASE);
    bool is_impossible = ((cr0 & CR0_PG) && !(cr0 & CR0_PE)) || ((cr0 & CR0_NW) && !(cr0 & CR0_CD));
    if (is_impossible) {
        cpu_shut_down(cpu);
        return;
    }
    restore_segments(cpu);
    restore_registers(cpu);
    cpu->smbase = smbase;
    cpu->in_smm = false;
    show_smram(cpu, false);
    follow_state(cpu);
}
