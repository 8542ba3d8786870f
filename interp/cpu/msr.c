/*
 * RDMSR and WRMSR. Memory types (MTRR, PAT) and machine-check state are kept, checked and given
 * back, but have no effect: there are no caches to control and no errors to report.
 */
#include "interp/cpu/msr.h"
#include "interp/cpu/cpuid.h"

#include <string.h>

enum msr_index {
    MSR_P5_MC_ADDR = 0x00,
    MSR_P5_MC_TYPE = 0x01,
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1b,
    MSR_POWERON = 0x2a,
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_UCODE_WRITE = 0x79,
    MSR_UCODE_REVISION = 0x8b,
    MSR_PERFCTR0 = 0xc1,
    MSR_PERFCTR1 = 0xc2,
    MSR_MTRRCAP = 0xfe,
    MSR_BBL_CR_CTL3 = 0x11e,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MCG_CTL = 0x17b,
    MSR_EVNTSEL0 = 0x186,
    MSR_EVNTSEL1 = 0x187,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_DEBUGCTL = 0x1d9,
    MSR_LAST_BRANCH_FROM = 0x1db,
    MSR_LAST_INT_TO = 0x1de,
    MSR_MTRR_PHYSBASE0 = 0x200,
    MSR_MTRR_PHYSMASK7 = 0x20f,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_80000 = 0x258,
    MSR_MTRR_FIX16K_A0000 = 0x259,
    MSR_MTRR_FIX4K_C0000 = 0x268,
    MSR_MTRR_FIX4K_F8000 = 0x26f,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_MC0_CTL = 0x400,
    MSR_EFER = 0xc0000080,
};

#define MTRR_VARIABLE_COUNT  8
#define MTRRCAP_VALUE        UINT64_C(0x508) /* 8 variable ranges, fixed ranges, write combining */
#define MC_BANK_COUNT        5
#define MCG_CAP_VALUE        (UINT64_C(0x100) | MC_BANK_COUNT)
#define PAT_AT_RESET         UINT64_C(0x0007040600070406)
#define APIC_BASE_AT_RESET   UINT64_C(0xfee00900)
#define MISC_ENABLE_AT_RESET UINT64_C(1) /* fast strings */
#define PHYSICAL_MASK        UINT64_C(0xfffffffff)

void msr_reset(struct cpu *cpu) {
    memset(&cpu->msr, 0, sizeof cpu->msr);
    cpu->msr.pat = PAT_AT_RESET;
    cpu->msr.apic_base = APIC_BASE_AT_RESET;
    cpu->msr.misc_enable = MISC_ENABLE_AT_RESET;
    cpu->msr.ucode_revision = (uint64_t)cpu->model->microcode << 32;
}

uint64_t cpu_read_tsc(struct cpu *cpu) {
    return cpu->bus.read_tsc(cpu->bus.opaque) + cpu->tsc_offset;
}

/* Registers that only hold what is written to them. */
struct plain_msr {
    uint32_t index;
    enum cpu_feature feature;
    uint64_t writable; /* a write of other bits faults */
    size_t offset;     /* in struct cpu_msrs */
};
#define PLAIN(index, feature, writable, member)                                                    \
    { MSR_##index, FEATURE_##feature, writable, offsetof(struct cpu_msrs, member) }

static const struct plain_msr plain_msrs[] = {
    PLAIN(FEATURE_CONTROL, P6, 0xffff, feature_control),
    PLAIN(SYSENTER_CS, SEP, UINT64_MAX, sysenter_cs),
    PLAIN(SYSENTER_ESP, SEP, UINT64_MAX, sysenter_esp),
    PLAIN(SYSENTER_EIP, SEP, UINT64_MAX, sysenter_eip),
    PLAIN(MCG_STATUS, MCA, 7, mcg_status),
    PLAIN(MCG_CTL, MCA, UINT64_MAX, mcg_ctl),
    PLAIN(MISC_ENABLE, SSE2, UINT64_MAX, misc_enable),
    PLAIN(DEBUGCTL, P6, 0x7f, debug_ctl),
    PLAIN(MTRR_DEF_TYPE, MTRR, 0xcff, mtrr_def_type),
};

static const struct plain_msr *find_plain(const struct cpu *cpu, uint32_t index) {
    for (unsigned n = 0; n < sizeof plain_msrs / sizeof plain_msrs[0]; n++) {
        if (plain_msrs[n].index == index && cpu_has(cpu, plain_msrs[n].feature))
            return &plain_msrs[n];
    }
    return NULL;
}

static uint64_t *plain_slot(struct cpu *cpu, const struct plain_msr *plain) {
    return (uint64_t *)((char *)&cpu->msr + plain->offset);
}

/* Registers that read as a constant and ignore writes, or that are read-only. */
struct fixed_msr {
    uint32_t first, last;
    enum cpu_feature feature;
    uint64_t value;
    bool ignores_writes;
};
static const struct fixed_msr fixed_msrs[] = {
    {MSR_P5_MC_ADDR, MSR_P5_MC_TYPE, FEATURE_MCE, 0, true},
    {MSR_PLATFORM_ID, MSR_PLATFORM_ID, FEATURE_P6, 0, false},
    {MSR_POWERON, MSR_POWERON, FEATURE_P6, 0, true},
    {MSR_UCODE_WRITE, MSR_UCODE_WRITE, FEATURE_P6, 0, true},
    {MSR_PERFCTR0, MSR_PERFCTR1, FEATURE_P6, 0, true},
    {MSR_MTRRCAP, MSR_MTRRCAP, FEATURE_MTRR, MTRRCAP_VALUE, false},
    {MSR_BBL_CR_CTL3, MSR_BBL_CR_CTL3, FEATURE_P6, 0, true},
    {MSR_MCG_CAP, MSR_MCG_CAP, FEATURE_MCA, MCG_CAP_VALUE, false},
    {MSR_EVNTSEL0, MSR_EVNTSEL1, FEATURE_P6, 0, true},
    {MSR_LAST_BRANCH_FROM, MSR_LAST_INT_TO, FEATURE_P6, 0, true},
    {MSR_MC0_CTL, MSR_MC0_CTL + 4 * MC_BANK_COUNT - 1, FEATURE_MCA, 0, true},
};

static const struct fixed_msr *find_fixed(const struct cpu *cpu, uint32_t index) {
    for (unsigned n = 0; n < sizeof fixed_msrs / sizeof fixed_msrs[0]; n++) {
        const struct fixed_msr *fixed = &fixed_msrs[n];
        if (index >= fixed->first && index <= fixed->last && cpu_has(cpu, fixed->feature))
            return fixed;
    }
    return NULL;
}

/* The slot of a register that holds memory types or ranges; NULL for other numbers. */
static uint64_t *memory_type_slot(struct cpu *cpu, uint32_t index) {
    struct cpu_msrs *msr = &cpu->msr;
    if (index == MSR_PAT)
        return cpu_has(cpu, FEATURE_PAT) ? &msr->pat : NULL;
    if (!cpu_has(cpu, FEATURE_MTRR))
        return NULL;
    if (index >= MSR_MTRR_PHYSBASE0 && index <= MSR_MTRR_PHYSMASK7) {
        unsigned n = (index - MSR_MTRR_PHYSBASE0) / 2;
        return (index & 1) ? &msr->mtrr_mask[n] : &msr->mtrr_base[n];
    }
    if (index >= MSR_MTRR_FIX4K_C0000 && index <= MSR_MTRR_FIX4K_F8000)
        return &msr->mtrr_fixed[3 + index - MSR_MTRR_FIX4K_C0000];
    switch (index) {
    case MSR_MTRR_FIX64K:
        return &msr->mtrr_fixed[0];
    case MSR_MTRR_FIX16K_80000:
        return &msr->mtrr_fixed[1];
    case MSR_MTRR_FIX16K_A0000:
        return &msr->mtrr_fixed[2];
    default:
        return NULL;
    }
}

/* Encodings 2 and 3 are reserved everywhere, 7 (UC-) exists in the PAT alone. */
static bool are_memory_types(uint64_t value, uint8_t highest) {
    for (unsigned n = 0; n < 8; n++) {
        uint8_t type = (uint8_t)(value >> (8 * n));
        if (type > highest || type == 2 || type == 3)
            return false;
    }
    return true;
}

static bool is_valid_memory_type_write(uint32_t index, uint64_t value) {
    if (index == MSR_PAT)
        return are_memory_types(value, 7);
    if (index > MSR_MTRR_PHYSMASK7)
        return are_memory_types(value, 6);
    if (index & 1) /* mask: bit 11 is "valid", the bits below are reserved */
        return (value & ~(PHYSICAL_MASK & ~UINT64_C(0x7ff))) == 0;
    return (value & ~(PHYSICAL_MASK & ~UINT64_C(0xf00))) == 0 && are_memory_types(value & 0xff, 6);
}

static bool read_special(struct cpu *cpu, uint32_t index, uint64_t *value) {
    switch (index) {
    case MSR_TSC:
        *value = cpu_read_tsc(cpu);
        return cpu_has(cpu, FEATURE_TSC);
    case MSR_APIC_BASE:
        *value =
            cpu->bus.apic_base != NULL ? cpu->bus.apic_base(cpu->bus.opaque) : cpu->msr.apic_base;
        return cpu_has(cpu, FEATURE_APIC) && cpu_has(cpu, FEATURE_P6);
    case MSR_UCODE_REVISION:
        *value = cpu->msr.ucode_revision;
        return cpu_has(cpu, FEATURE_P6);
    case MSR_EFER:
        *value = cpu->msr.efer;
        return cpu_has(cpu, FEATURE_NX);
    default:
        return false;
    }
}

bool msr_read(struct cpu *cpu, uint32_t index, uint64_t *value) {
    const struct plain_msr *plain = find_plain(cpu, index);
    const struct fixed_msr *fixed = find_fixed(cpu, index);
    const uint64_t *slot = plain != NULL ? plain_slot(cpu, plain) : memory_type_slot(cpu, index);
    if (slot != NULL)
        *value = *slot;
    else if (fixed != NULL)
        *value = fixed->value;
    else if (!read_special(cpu, index, value)) {
        log_write(cpu->log, LOG_UNIMP, "rdmsr %08x at %08x", index, (uint32_t)cpu->ip_base);
        return false;
    }
    return true;
}

static bool write_special(struct cpu *cpu, uint32_t index, uint64_t value) {
    switch (index) {
    case MSR_TSC:
        cpu->tsc_offset += value - cpu_read_tsc(cpu);
        return cpu_has(cpu, FEATURE_TSC);
    case MSR_APIC_BASE:
        if (!cpu_has(cpu, FEATURE_APIC) || !cpu_has(cpu, FEATURE_P6) ||
            (value & ~(PHYSICAL_MASK & ~UINT64_C(0x6ff))))
            return false;
        cpu->msr.apic_base = value;
        if (cpu->bus.set_apic_base != NULL)
            cpu->bus.set_apic_base(cpu->bus.opaque, value);
        return true;
    case MSR_UCODE_REVISION: /* guests clear it before CPUID loads it again */
        return cpu_has(cpu, FEATURE_P6);
    case MSR_EFER:
        if (!cpu_has(cpu, FEATURE_NX) || (value & ~EFER_NXE))
            return false;
        cpu->msr.efer = value;
        cpu_update_paging(cpu, true);
        return true;
    default:
        return false;
    }
}

static bool write_known(struct cpu *cpu, uint32_t index, uint64_t value) {
    const struct plain_msr *plain = find_plain(cpu, index);
    const struct fixed_msr *fixed = find_fixed(cpu, index);
    uint64_t *slot = memory_type_slot(cpu, index);
    if (plain != NULL) {
        if (value & ~plain->writable)
            return false;
        *plain_slot(cpu, plain) = value;
        return true;
    }
    if (slot != NULL) {
        if (!is_valid_memory_type_write(index, value))
            return false;
        *slot = value;
        return true;
    }
    return fixed != NULL ? fixed->ignores_writes : write_special(cpu, index, value);
}

bool msr_write(struct cpu *cpu, uint32_t index, uint64_t value) {
    if (write_known(cpu, index, value))
        return true;
    log_write(cpu->log, LOG_UNIMP, "wrmsr %08x = %016llx at %08x", index, (unsigned long long)value,
              (uint32_t)cpu->ip_base);
    return false;
}
