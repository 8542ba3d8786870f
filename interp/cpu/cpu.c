/*
 * Life of a CPU, and the state that is derived from its registers.
 */
#include "interp/cpu/cpu.h"
#include "interp/cpu/cpu_state.h"
#include "interp/cpu/debug.h"
#include "interp/decode/insn.h"
#include "interp/insn_cache.h"
#include "softmmu/base/state.h"

#include <string.h>

bool cpu_init(struct cpu *cpu, const struct cpu_model *model, uint64_t features,
              const struct cpu_bus *bus, struct physmem *pm, struct code_pages *code_pages,
              struct log *log, struct error *error) {
    memset(cpu, 0, sizeof *cpu);
    cpu->model = model;
    cpu->features = features;
    cpu->bus = *bus;
    cpu->physmem = pm;
    cpu->code_pages = code_pages;
    cpu->log = log;
    if (!mmu_init(&cpu->mmu, pm, log, error))
        return false;
    cpu->insn_cache = insn_cache_create(cpu, error);
    if (cpu->insn_cache == NULL) {
        mmu_destroy(&cpu->mmu);
        return false;
    }
    return true;
}

void cpu_destroy(struct cpu *cpu) {
    insn_cache_destroy(cpu->insn_cache);
    mmu_destroy(&cpu->mmu);
}

void cpu_update_mode(struct cpu *cpu) {
    bool is_real = !(cpu->cr0 & CR0_PE);
    cpu->is_v86 = !is_real && (cpu->eflags & FLAG_VM);
    cpu->is_protected = !is_real && !cpu->is_v86;
    if (is_real)
        cpu->cpl = 0;
    cpu->code_is_32 = (cpu->seg[SEG_CS].attributes & SEG_DB) != 0;
    cpu->stack_is_32 = (cpu->seg[SEG_SS].attributes & SEG_DB) != 0;
    mmu_set_user(&cpu->mmu, cpu->cpl == 3);
    cpu_update_debug(cpu);
}

void cpu_update_paging(struct cpu *cpu, bool flush_global) {
    mmu_set_paging(&cpu->mmu, cpu->cr0, cpu->cr3, cpu->cr4, cpu->msr.efer, flush_global);
    insn_cache_remapped(cpu->insn_cache);
}

/* Flags that this CPU has: AC came with the 486, ID with CPUID, VIF and VIP with VME. */
static uint32_t implemented_flags(const struct cpu *cpu) {
    uint32_t mask =
        FLAGS_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM;
    if (cpu_has(cpu, FEATURE_I486))
        mask |= FLAG_AC;
    if (cpu_has(cpu, FEATURE_PENTIUM))
        mask |= FLAG_ID;
    if (cpu_has(cpu, FEATURE_VME))
        mask |= FLAG_VIF | FLAG_VIP;
    return mask;
}

void cpu_set_eflags(struct cpu *cpu, uint32_t value, uint32_t mask) {
    mask &= implemented_flags(cpu);
    uint32_t arithmetic = mask & FLAGS_ARITHMETIC;
    if (arithmetic) {
        uint32_t kept = lazy_flags_get(&cpu->lazy) & ~arithmetic;
        lazy_flags_set(&cpu->lazy, kept | (value & arithmetic));
    }
    mask &= ~(uint32_t)FLAGS_ARITHMETIC;
    uint32_t before = cpu->eflags;
    cpu->eflags = (before & ~mask) | (value & mask) | FLAG_RESERVED_1;
    if ((before ^ cpu->eflags) & (FLAG_TF | FLAG_AC))
        cpu_update_debug(cpu);
}

uint64_t cpu_icount(const struct cpu *cpu) {
    return cpu->icount + (cpu->insn != NULL ? cpu->insn->index : 0);
}

static uint64_t hash_segment(uint64_t hash, const struct segment *segment) {
    return state_hash(hash, &segment_state_table, segment);
}

uint64_t cpu_hash(const struct cpu *cpu, uint64_t hash) {
    uint32_t flags = cpu_eflags(cpu);
    uint32_t pending = atomic_load(&cpu->events) &
                       (CPU_EVENT_NMI | CPU_EVENT_SMI | CPU_EVENT_INIT | CPU_EVENT_SIPI);
    hash = state_hash_bytes(hash, &flags, sizeof flags);
    hash = state_hash_bytes(hash, &pending, sizeof pending);
    hash = state_hash(hash, &cpu_state_table, cpu);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        hash = hash_segment(hash, &cpu->seg[i]);
    hash = hash_segment(hash_segment(hash, &cpu->ldtr), &cpu->tr);
    hash = state_hash(hash, &descriptor_table_state_table, &cpu->gdtr);
    hash = state_hash(hash, &descriptor_table_state_table, &cpu->idtr);
    hash = state_hash(hash, &x87_state_state_table, &cpu->x87);
    for (unsigned i = 0; i < 8; i++)
        hash = state_hash(hash, &float80_state_table, &cpu->x87.st[i]);
    return hash;
}
