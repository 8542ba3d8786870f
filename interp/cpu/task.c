/*
 * The hardware task switch (SDM vol. 3A, "Task Switching" and its tables of checks and flags).
 *
 * Invariants:
 * 1. Everything that can fault in the old task's context (descriptor reads, both TSSs' pages) is
 *    probed before the first store, so such a fault leaves both tasks as they were.
 * 2. From commit_registers() on, the CPU runs the new task: faults report its CS:EIP.
 */
#include "interp/cpu/task.h"
#include "interp/cpu/debug.h"
#include "interp/cpu/push_frame.h"
#include "interp/decode/insn.h"

#define TSS32_LIMIT_MIN 0x67u
#define TSS16_LIMIT_MIN 0x2bu
#define TSS_DEBUG_TRAP  1u /* the T bit, in the word at 64h of a 32-bit TSS */

/* Offsets of the two forms of TSS. */
struct tss_layout {
    uint8_t ip, flags, gpr, segments, ldt;
    uint8_t size;         /* bytes of a register slot */
    uint8_t segment_step; /* distance of segment selectors */
    uint8_t segment_count;
    uint8_t static_end; /* bytes that a switch reads */
};
static const struct tss_layout tss32 = {0x20, 0x24, 0x28, 0x48, 0x60, 4, 4, 6, 0x68};
static const struct tss_layout tss16 = {0x0e, 0x10, 0x12, 0x22, 0x2a, 2, 2, 4, 0x2c};
#define TSS32_CR3 0x1c
#define TSS32_T   0x64

static const enum segment_name tss_segment_order[6] = {SEG_ES, SEG_CS, SEG_SS,
                                                       SEG_DS, SEG_FS, SEG_GS};

struct task_state {
    uint32_t gpr[8], eip, eflags, cr3;
    uint16_t segment[6], ldt; /* in tss_segment_order */
    bool is_32, has_trap;
};

static const struct tss_layout *layout_of(bool is_32) {
    return is_32 ? &tss32 : &tss16;
}

static bool current_is_32(const struct cpu *cpu) {
    return (cpu->tr.attributes & TYPE_32BIT) != 0;
}

void task_check_available(struct cpu *cpu, uint16_t selector, const struct descriptor *d,
                          enum exception_vector vector) {
    uint8_t type = descriptor_type(d);
    if (descriptor_is_memory(d) || (type != TYPE_TSS16 && type != TYPE_TSS32))
        cpu_raise_selector(cpu, vector, selector);
    if (!descriptor_is_present(d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
}

static void read_state(struct cpu *cpu, linear_addr base, bool is_32, struct task_state *state) {
    const struct tss_layout *at = layout_of(is_32);
    state->is_32 = is_32;
    state->eip = cpu_system_load(cpu, base + at->ip, at->size);
    state->eflags = cpu_system_load(cpu, base + at->flags, at->size);
    for (unsigned n = 0; n < 8; n++) {
        state->gpr[n] = cpu_system_load(cpu, base + at->gpr + n * at->size, at->size);
        if (!is_32) /* the 286's registers: upper halves are undefined, all ones on real CPUs */
            state->gpr[n] |= 0xffff0000u;
    }
    for (unsigned n = 0; n < 6; n++)
        state->segment[n] =
            n >= at->segment_count
                ? 0
                : (uint16_t)cpu_system_load(cpu, base + at->segments + n * at->segment_step, 2);
    state->ldt = (uint16_t)cpu_system_load(cpu, base + at->ldt, 2);
    state->cr3 = is_32 ? cpu_system_load(cpu, base + TSS32_CR3, 4) : 0;
    state->has_trap = is_32 && (cpu_system_load(cpu, base + TSS32_T, 2) & TSS_DEBUG_TRAP);
}

static void save_state(struct cpu *cpu, uint32_t eflags) {
    const struct tss_layout *at = layout_of(current_is_32(cpu));
    linear_addr base = cpu->tr.base;
    cpu_system_store(cpu, base + at->ip, at->size, (uint32_t)cpu->eip);
    cpu_system_store(cpu, base + at->flags, at->size, eflags);
    for (unsigned n = 0; n < 8; n++)
        cpu_system_store(cpu, base + at->gpr + n * at->size, at->size, cpu_reg32(cpu, n));
    for (unsigned n = 0; n < at->segment_count; n++)
        cpu_system_store(cpu, base + at->segments + n * at->segment_step, 2,
                         cpu->seg[tss_segment_order[n]].selector);
}

/* Invariant 1: find every fault of the old task's context. */
static void probe_switch(struct cpu *cpu, uint16_t selector, const struct descriptor *d) {
    bool is_32 = (descriptor_type(d) & TYPE_32BIT) != 0;
    if (descriptor_limit(d) < (is_32 ? TSS32_LIMIT_MIN : TSS16_LIMIT_MIN))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    const struct tss_layout *old = layout_of(current_is_32(cpu));
    if (!cpu->tr.is_usable || cpu->tr.limit < old->static_end - 1u)
        cpu_raise_selector(cpu, VECTOR_TS, cpu->tr.selector);
    cpu_system_probe(cpu, cpu->tr.base, old->static_end, MMU_WRITE);
    cpu_system_probe(cpu, descriptor_base(d), layout_of(is_32)->static_end, MMU_WRITE);
    cpu_system_probe(cpu, cpu->gdtr.base + (selector & 0xfff8), 8, MMU_WRITE);
    cpu_system_probe(cpu, cpu->gdtr.base + (cpu->tr.selector & 0xfff8), 8, MMU_WRITE);
}

/* Make the next fault report cpu->eip, although the running instruction is the old task's. */
static void report_faults_at_eip(struct cpu *cpu) {
    cpu->ip_base = (uint32_t)cpu->eip - (cpu->insn != NULL ? cpu->insn->ip_offset : 0);
}

static void load_paging(struct cpu *cpu, const struct task_state *state) {
    if (!state->is_32 || !(cpu->cr0 & CR0_PG))
        return;
    if ((cpu->cr4 & CR4_PAE) && !mmu_pdptes_are_valid(&cpu->mmu, state->cr3))
        cpu_raise_error(cpu, VECTOR_GP, 0);
    cpu->cr3 = state->cr3;
    cpu_update_paging(cpu, false);
}

/* From here on the new task runs, without a segment yet that could be used. */
static void commit_registers(struct cpu *cpu, const struct task_state *state) {
    for (unsigned n = 0; n < 8; n++)
        cpu_set_reg32(cpu, n, state->gpr[n]);
    cpu->eip = state->eip;
    report_faults_at_eip(cpu);
    cpu_set_eflags(cpu, state->eflags | FLAG_RESERVED_1, UINT32_MAX);
    for (unsigned n = 0; n < 6; n++)
        segment_set_null(&cpu->seg[tss_segment_order[n]], state->segment[n]);
    segment_set_null(&cpu->ldtr, state->ldt);
    cpu->cpl = 3; /* so that a fault before there is a stack is handled on one of the TSS */
    cpu->cr0 |= CR0_TS;
    cpu->dr[7] &= ~UINT64_C(0x155); /* local enables belong to the old task */
    cpu_update_mode(cpu);
}

static void load_ldt(struct cpu *cpu, uint16_t selector) {
    struct descriptor d;
    if (selector_is_null(selector))
        return;
    if (selector & SELECTOR_LDT)
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    descriptor_read(cpu, selector, VECTOR_TS, &d);
    if (descriptor_is_memory(&d) || descriptor_type(&d) != TYPE_LDT || !descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    segment_load(cpu, &cpu->ldtr, selector, &d);
}

static void check_code_privilege(struct cpu *cpu, uint16_t selector) {
    struct descriptor d;
    if (selector_is_null(selector) || !descriptor_find(cpu, selector, &d))
        return;
    unsigned rpl = selector & SELECTOR_RPL, dpl = descriptor_dpl(&d);
    if (descriptor_is_conforming(&d) ? dpl > rpl : dpl != rpl)
        cpu_raise_selector(cpu, VECTOR_TS, selector);
}

static void load_code(struct cpu *cpu, uint16_t selector) {
    struct descriptor d;
    descriptor_read(cpu, selector, VECTOR_TS, &d);
    if (!descriptor_is_code(&d))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    if (!descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    descriptor_mark_accessed(cpu, selector, &d);
    segment_load(cpu, &cpu->seg[SEG_CS], selector, &d);
}

static void load_stack(struct cpu *cpu, uint16_t selector, uint8_t cpl) {
    struct descriptor d;
    if (selector_is_null(selector))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    cpu_read_stack_descriptor(cpu, selector, cpl, VECTOR_TS, &d);
    segment_load(cpu, &cpu->seg[SEG_SS], selector, &d);
    cpu->cpl = cpl;
    cpu_update_mode(cpu); /* the stack is in use should another segment fault */
}

static void load_data(struct cpu *cpu, enum segment_name name, uint16_t selector) {
    struct descriptor d;
    if (selector_is_null(selector))
        return;
    descriptor_read(cpu, selector, VECTOR_TS, &d);
    unsigned rpl = selector & SELECTOR_RPL, dpl = descriptor_dpl(&d);
    if (!descriptor_is_readable(&d) ||
        (!descriptor_is_conforming(&d) && (rpl > dpl || cpu->cpl > dpl)))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    if (!descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    descriptor_mark_accessed(cpu, selector, &d);
    segment_load(cpu, &cpu->seg[name], selector, &d);
}

static void load_segments(struct cpu *cpu, const struct task_state *state) {
    load_ldt(cpu, state->ldt);
    if (cpu->is_v86) {
        for (unsigned n = 0; n < 6; n++)
            cpu_load_segment_real(cpu, tss_segment_order[n], state->segment[n]);
    } else {
        /* The order is model-specific; this is the P6 family's. */
        check_code_privilege(cpu, state->segment[1]);
        load_stack(cpu, state->segment[2], state->segment[1] & SELECTOR_RPL);
        load_code(cpu, state->segment[1]);
        load_data(cpu, SEG_ES, state->segment[0]);
        load_data(cpu, SEG_DS, state->segment[3]);
        load_data(cpu, SEG_FS, state->segment[4]);
        load_data(cpu, SEG_GS, state->segment[5]);
    }
    cpu_update_mode(cpu);
    if (cpu->eip > cpu->seg[SEG_CS].limit)
        cpu_raise_error(cpu, VECTOR_GP, 0);
}

void task_switch(struct cpu *cpu, uint16_t selector, const struct descriptor *d,
                 enum task_switch_kind kind) {
    struct task_state state;
    bool is_32 = (descriptor_type(d) & TYPE_32BIT) != 0;
    linear_addr base = descriptor_base(d);
    probe_switch(cpu, selector, d);
    read_state(cpu, base, is_32, &state);
    log_write(cpu->log, LOG_INT, "task switch %04x -> %04x, %s", cpu->tr.selector, selector,
              kind == TASK_JUMP   ? "jump"
              : kind == TASK_CALL ? "call"
                                  : "return");

    uint32_t old_flags = cpu_eflags(cpu);
    if (kind != TASK_CALL)
        descriptor_set_busy(cpu, cpu->tr.selector, false);
    save_state(cpu, kind == TASK_RETURN ? old_flags & ~(uint32_t)FLAG_NT : old_flags);
    if (kind == TASK_CALL) {
        cpu_system_store(cpu, base, 2, cpu->tr.selector);
        state.eflags |= FLAG_NT;
    }
    if (kind != TASK_RETURN)
        descriptor_set_busy(cpu, selector, true);
    segment_load(cpu, &cpu->tr, selector, d);
    cpu->tr.attributes |= TYPE_BUSY;

    commit_registers(cpu, &state);
    load_paging(cpu, &state);
    load_segments(cpu, &state);
    if (state.has_trap) {
        cpu->debug_pending |= DR6_BT;
        cpu->debug_active = true;
    }
}

void task_return(struct cpu *cpu) {
    struct descriptor d;
    uint16_t selector = (uint16_t)cpu_system_load(cpu, cpu->tr.base, 2);
    if ((selector & SELECTOR_LDT) || !descriptor_find(cpu, selector, &d))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    uint8_t type = descriptor_type(&d);
    if (descriptor_is_memory(&d) || (type != TYPE_TSS16_BUSY && type != TYPE_TSS32_BUSY))
        cpu_raise_selector(cpu, VECTOR_TS, selector);
    if (!descriptor_is_present(&d))
        cpu_raise_selector(cpu, VECTOR_NP, selector);
    task_switch(cpu, selector, &d, TASK_RETURN);
}

void task_push_error_code(struct cpu *cpu, bool is_32, uint32_t error_code) {
    struct push_frame frame;
    push_frame_begin(&frame, is_32);
    push_frame_add(&frame, error_code);
    push_frame_probe_current(cpu, &frame);
    push_frame_commit(cpu, &frame);
}

void task_read_stack(struct cpu *cpu, uint8_t cpl, uint16_t *ss, uint32_t *esp) {
    bool is_32 = current_is_32(cpu);
    uint32_t offset = is_32 ? cpl * 8u + 4 : cpl * 4u + 2;
    uint32_t last = offset + (is_32 ? 5 : 3);
    if (!cpu->tr.is_usable || last > cpu->tr.limit)
        cpu_raise_selector(cpu, VECTOR_TS, cpu->tr.selector);
    *esp = cpu_system_load(cpu, cpu->tr.base + offset, is_32 ? 4 : 2);
    *ss = (uint16_t)cpu_system_load(cpu, cpu->tr.base + offset + (is_32 ? 4 : 2), 2);
}

uint32_t task_io_map_base(struct cpu *cpu) {
    if (!cpu->tr.is_usable || !current_is_32(cpu) || cpu->tr.limit < TSS32_LIMIT_MIN)
        return 0;
    return cpu_system_load(cpu, cpu->tr.base + 0x66, 2);
}
