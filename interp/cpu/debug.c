/*
 * Debug registers: which breakpoints are enabled, what they match, and when #DB is raised.
 * Sources: SDM vol. 3B, "Debug Registers", "Debug Exceptions".
 */
#include "interp/cpu/debug.h"
#include "interp/cpu/exception.h"
#include "interp/cpu/segment.h"

#define DR7_ANY_ENABLED UINT64_C(0xff)

/* R/W field of a breakpoint in DR7. */
enum breakpoint_kind { BREAK_EXECUTE, BREAK_WRITE, BREAK_IO, BREAK_ACCESS };

static bool is_enabled(const struct cpu *cpu, unsigned n) {
    return (cpu->dr[7] >> (2 * n) & 3) != 0;
}

static enum breakpoint_kind kind_of(const struct cpu *cpu, unsigned n) {
    return (enum breakpoint_kind)(cpu->dr[7] >> (16 + 4 * n) & 3);
}

/* Length in bytes; encoding 2 is 8 bytes on later CPUs and undefined here, taken as 8. */
static unsigned length_of(const struct cpu *cpu, unsigned n) {
    static const uint8_t lengths[4] = {1, 2, 8, 4};
    return lengths[cpu->dr[7] >> (18 + 4 * n) & 3];
}

/* Breakpoint addresses are aligned to their length; the low bits are ignored. */
static bool overlaps(const struct cpu *cpu, unsigned n, uint64_t first, unsigned size) {
    unsigned length = length_of(cpu, n);
    uint64_t start = (uint32_t)cpu->dr[n] & ~(uint64_t)(length - 1);
    return first < start + length && start < first + size;
}

bool cpu_has_breakpoints(const struct cpu *cpu) {
    return (cpu->dr[7] & DR7_ANY_ENABLED) != 0;
}

static bool has_data_breakpoints(const struct cpu *cpu) {
    for (unsigned n = 0; n < 4; n++) {
        enum breakpoint_kind kind = kind_of(cpu, n);
        if (is_enabled(cpu, n) && (kind == BREAK_WRITE || kind == BREAK_ACCESS))
            return true;
    }
    return false;
}

void cpu_update_debug(struct cpu *cpu) {
    cpu->debug_active =
        (cpu->eflags & FLAG_TF) || cpu_has_breakpoints(cpu) || cpu->debug_pending != 0;
    bool checks = cpu_alignment_is_checked(cpu) || has_data_breakpoints(cpu);
    if (checks == cpu->checks_every_access)
        return;
    cpu->checks_every_access = checks;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_refresh_bounds(cpu, &cpu->seg[i]);
}

static uint32_t match_execute(const struct cpu *cpu) {
    uint64_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
    uint32_t hits = 0;
    bool any = false;
    for (unsigned n = 0; n < 4; n++) {
        if (kind_of(cpu, n) != BREAK_EXECUTE || (uint32_t)cpu->dr[n] != linear)
            continue;
        hits |= 1u << n;
        any |= is_enabled(cpu, n);
    }
    return any ? hits : 0;
}

void cpu_debug_begin(struct cpu *cpu) {
    uint32_t pending = cpu->debug_pending;
    bool is_shadowed = cpu->debug_shadow;
    cpu->debug_shadow = false;
    if (pending && !is_shadowed) {
        cpu->debug_pending = 0;
        cpu_raise_debug(cpu, pending, true);
    }
    if (!(cpu->eflags & FLAG_RF) && !is_shadowed && cpu_has_breakpoints(cpu)) {
        uint32_t hits = match_execute(cpu);
        if (hits)
            cpu_raise_debug(cpu, hits, false);
    }
    cpu->step_pending = (cpu->eflags & FLAG_TF) != 0;
    cpu->resume_flag_was_set = (cpu->eflags & FLAG_RF) != 0;
}

void cpu_debug_end(struct cpu *cpu) {
    bool stepped = cpu->step_pending;
    cpu->step_pending = false;
    /* An RF that the instruction itself (IRET, a task switch) set is for the next one. */
    if (cpu->resume_flag_was_set)
        cpu->eflags &= ~(uint32_t)FLAG_RF;
    if (cpu->debug_shadow)
        return; /* a single step is lost, breakpoints stay pending */
    uint32_t bits = cpu->debug_pending | (stepped ? DR6_BS : 0);
    cpu->debug_pending = 0;
    cpu_update_debug(cpu);
    if (bits)
        cpu_raise_debug(cpu, bits, true);
}

static void note_hits(struct cpu *cpu, uint64_t first, unsigned size, unsigned kinds) {
    uint32_t hits = 0;
    bool any = false;
    for (unsigned n = 0; n < 4; n++) {
        if (!(kinds >> kind_of(cpu, n) & 1) || !overlaps(cpu, n, first, size))
            continue;
        hits |= 1u << n;
        any |= is_enabled(cpu, n);
    }
    if (any) {
        cpu->debug_pending |= hits;
        cpu->debug_active = true;
    }
}

void cpu_match_data_breakpoints(struct cpu *cpu, linear_addr linear, unsigned size,
                                enum mmu_access access) {
    if (!cpu_has_breakpoints(cpu))
        return;
    unsigned kinds = 1u << BREAK_ACCESS;
    if (access == MMU_WRITE)
        kinds |= 1u << BREAK_WRITE;
    note_hits(cpu, linear, size, kinds);
}

void cpu_match_io_breakpoints(struct cpu *cpu, uint16_t port, unsigned size) {
    if (cpu_has_breakpoints(cpu) && (cpu->cr4 & CR4_DE))
        note_hits(cpu, port, size, 1u << BREAK_IO);
}

void cpu_write_debug_register(struct cpu *cpu, unsigned number, uint32_t value) {
    if (number == 6) {
        cpu->dr[6] = (value & 0xe00f) | DR6_FIXED;
    } else if (number == 7) {
        cpu->dr[7] = (value & 0xffff23ff) | DR7_FIXED;
        cpu_update_debug(cpu);
    } else {
        cpu->dr[number & 3] = value;
    }
}
