/*
 * String instructions (SDM vol. 2, "MOVS", "STOS", "LODS", "CMPS", "SCAS", "REP").
 *
 * A repeated instruction works in chunks: as many elements as lie in one page of each operand, in
 * the segments' checked bounds and before the address wraps go directly through host memory. An
 * element for which that does not hold goes alone, through the general accesses, which may raise:
 * registers are then exact, because each chunk and each element commits them.
 */
#include "interp/cpu/debug.h"
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"
#include "interp/exec/rep.h"

/* Iterations before the run loop looks at events again, of `count`. With TF set, or a data
   breakpoint hit, an iteration is followed by its own trap. */
static inline uint32_t rep_budget(const struct cpu *cpu, uint32_t count) {
    bool is_single = cpu->debug_active && (cpu->checks_every_access || (cpu->eflags & FLAG_TF));
    return is_single ? 1 : rep_chunk(count);
}

static inline bool is_repeated(const struct insn *i) {
    return i->flags & (INSN_REP | INSN_REPNE);
}

static inline uint32_t masked_reg(const struct cpu *cpu, const struct insn *i, unsigned r) {
    return cpu_reg32(cpu, r) & i->ea_mask;
}

static inline void set_masked_reg(struct cpu *cpu, const struct insn *i, unsigned r,
                                  uint32_t value) {
    cpu->gpr[r] = (cpu_reg32(cpu, r) & ~i->ea_mask) | (value & i->ea_mask);
}

/** Move a pointer register by `count` elements in the direction of DF. */
static inline void advance(struct cpu *cpu, const struct insn *i, unsigned r, uint32_t count,
                           unsigned size) {
    uint32_t delta = count * size;
    if (cpu->eflags & FLAG_DF)
        delta = 0 - delta;
    set_masked_reg(cpu, i, r, cpu_reg32(cpu, r) + delta);
}

static inline const struct insn *rep_end(struct cpu *cpu, const struct insn *i, bool is_done) {
    if (is_done)
        RESUME(cpu, i);
    cpu->eip = insn_ip(cpu, i);
    cpu_debug_repeat(cpu);
    LEAVE(cpu, i);
}

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Elements in host memory: `lowest` is the address of the lowest one, whatever the direction. */
struct chunk {
    uint8_t *lowest;
    uint32_t count; /* 0: the element must go through the general accesses */
};

/** The elements reachable from the offset in register `r` without any further check, at most
 *  `wanted`. The host address is writable when `access` is MMU_WRITE. */
static struct chunk string_chunk(const struct cpu *cpu, const struct insn *i, unsigned seg,
                                 unsigned r, unsigned size, uint32_t wanted,
                                 enum mmu_access access) {
    const struct segment *s = &cpu->seg[seg];
    bool writes = access == MMU_WRITE;
    uint64_t end = writes ? s->write_end : s->read_end;
    uint32_t offset = masked_reg(cpu, i, r);
    uintptr_t host =
        segment_host(s, end, writes ? cpu->mmu.write_table : cpu->mmu.read_table, offset, size);
    struct chunk chunk = {NULL, 0};
    if (host == 0 || (uint64_t)offset + size > (uint64_t)i->ea_mask + 1)
        return chunk;
    uint32_t page_offset = (uint32_t)(s->base + offset) & (GUEST_PAGE_SIZE - 1);
    if (cpu->eflags & FLAG_DF) {
        chunk.count = min_u32(wanted, min_u32(page_offset / size, offset / size) + 1);
        chunk.lowest = (uint8_t *)host - (chunk.count - 1) * size;
    } else {
        uint64_t last = end < (uint64_t)i->ea_mask + 1 ? end : (uint64_t)i->ea_mask + 1;
        uint32_t in_segment = (uint32_t)((last - offset) / size);
        uint32_t in_page = (GUEST_PAGE_SIZE - page_offset) / size;
        chunk.count = min_u32(wanted, min_u32(in_page, in_segment));
        chunk.lowest = (uint8_t *)host;
    }
    return chunk;
}

static inline uint32_t host_load(const uint8_t *host, unsigned size) {
    return size == 1 ? *host : size == 2 ? load_le16(host) : load_le32(host);
}

static inline void host_store(uint8_t *host, unsigned size, uint32_t value) {
    if (size == 1)
        *host = (uint8_t)value;
    else if (size == 2)
        store_le16(host, (uint16_t)value);
    else
        store_le32(host, value);
}

static inline uint32_t element_load(struct cpu *cpu, const struct insn *i, unsigned seg, unsigned r,
                                    unsigned size) {
    uint32_t offset = masked_reg(cpu, i, r);
    return size == 1   ? cpu_load8(cpu, seg, offset)
           : size == 2 ? cpu_load16(cpu, seg, offset)
                       : cpu_load32(cpu, seg, offset);
}

static inline void element_store(struct cpu *cpu, const struct insn *i, unsigned size,
                                 uint32_t value) {
    uint32_t offset = masked_reg(cpu, i, GPR_EDI);
    if (size == 1)
        cpu_store8(cpu, SEG_ES, offset, (uint8_t)value);
    else if (size == 2)
        cpu_store16(cpu, SEG_ES, offset, (uint16_t)value);
    else
        cpu_store32(cpu, SEG_ES, offset, value);
}

static inline uint32_t accumulator(const struct cpu *cpu, unsigned size) {
    return cpu_reg32(cpu, GPR_EAX) & alu_mask(size * 8);
}

/* Copy as the processor does, element by element; memmove() is the same unless the destination
   lies behind the source in the direction of travel, where elements written are read again. */
static void copy_elements(uint8_t *to, const uint8_t *from, uint32_t count, unsigned size,
                          bool down) {
    size_t bytes = (size_t)count * size;
    uintptr_t t = (uintptr_t)to, f = (uintptr_t)from;
    bool overlaps = t < f + bytes && f < t + bytes;
    if (!overlaps || (down ? t >= f : t <= f)) {
        memmove(to, from, bytes);
        return;
    }
    for (uint32_t n = 0; n < count; n++) {
        size_t at = (size_t)(down ? count - 1 - n : n) * size;
        host_store(to + at, size, host_load(from + at, size));
    }
}

/** Move up to `wanted` elements; the number moved, at least 1. */
static uint32_t movs_some(struct cpu *cpu, const struct insn *i, unsigned size, uint32_t wanted) {
    struct chunk from = string_chunk(cpu, i, i->seg, GPR_ESI, size, wanted, MMU_READ);
    struct chunk to = string_chunk(cpu, i, SEG_ES, GPR_EDI, size, from.count, MMU_WRITE);
    uint32_t count = to.count;
    bool down = cpu->eflags & FLAG_DF;
    if (from.count == 0 || to.count == 0) {
        element_store(cpu, i, size, element_load(cpu, i, i->seg, GPR_ESI, size));
        count = 1;
    } else {
        const uint8_t *source = from.lowest + (down ? (size_t)(from.count - count) * size : 0);
        copy_elements(to.lowest, source, count, size, down);
    }
    advance(cpu, i, GPR_ESI, count, size);
    advance(cpu, i, GPR_EDI, count, size);
    return count;
}

static uint32_t stos_some(struct cpu *cpu, const struct insn *i, unsigned size, uint32_t wanted) {
    struct chunk to = string_chunk(cpu, i, SEG_ES, GPR_EDI, size, wanted, MMU_WRITE);
    uint32_t value = accumulator(cpu, size), count = to.count;
    if (count == 0) {
        element_store(cpu, i, size, value);
        count = 1;
    } else if (size == 1) {
        memset(to.lowest, (int)value, count);
    } else {
        for (uint32_t n = 0; n < count; n++)
            host_store(to.lowest + (size_t)n * size, size, value);
    }
    advance(cpu, i, GPR_EDI, count, size);
    return count;
}

/* Of several loads only the last one is visible. */
static uint32_t lods_some(struct cpu *cpu, const struct insn *i, unsigned size, uint32_t wanted) {
    struct chunk from = string_chunk(cpu, i, i->seg, GPR_ESI, size, wanted, MMU_READ);
    uint32_t count = from.count, value;
    if (count == 0) {
        value = element_load(cpu, i, i->seg, GPR_ESI, size);
        count = 1;
    } else {
        bool down = cpu->eflags & FLAG_DF;
        value = host_load(from.lowest + (down ? 0 : (size_t)(count - 1) * size), size);
    }
    if (size == 1)
        cpu_set_reg8(cpu, GPR_EAX, (uint8_t)value);
    else if (size == 2)
        cpu_set_reg16(cpu, GPR_EAX, (uint16_t)value);
    else
        cpu_set_reg32(cpu, GPR_EAX, value);
    advance(cpu, i, GPR_ESI, count, size);
    return count;
}

typedef uint32_t some_fn(struct cpu *cpu, const struct insn *i, unsigned size, uint32_t wanted);

/** MOVS, STOS and LODS: alone, or repeated until (E)CX is 0 or the budget is used up. */
ALU_INLINE const struct insn *repeat(struct cpu *cpu, const struct insn *i, unsigned size,
                                     some_fn *some) {
    if (!is_repeated(i)) {
        some(cpu, i, size, 1);
        RESUME(cpu, i);
    }
    uint32_t count = masked_reg(cpu, i, GPR_ECX);
    uint32_t budget = rep_budget(cpu, count);
    while (count != 0 && budget != 0) {
        uint32_t done = some(cpu, i, size, min_u32(count, budget));
        count -= done;
        budget -= done;
        set_masked_reg(cpu, i, GPR_ECX, count);
    }
    return rep_end(cpu, i, count == 0);
}

/* A run of comparisons: how many were made, and whether the last one ends the repetition. */
struct comparison {
    uint32_t count;
    bool ends;
};

/** REPE ends with a difference, REPNE with a match; the flags are those of the last comparison. */
static inline bool comparison_ends(const struct insn *i, uint32_t a, uint32_t b) {
    return (a == b) == ((i->flags & INSN_REPNE) != 0);
}

/** Element number n of a chunk in the direction of travel. */
static inline uint32_t chunk_element(const struct chunk *chunk, uint32_t n, unsigned size,
                                     bool down) {
    return host_load(chunk->lowest + (size_t)(down ? chunk->count - 1 - n : n) * size, size);
}

/** Elements that are equal for sure, from the lowest on; found eight bytes at a time. */
static uint32_t equal_elements(const uint8_t *a, const uint8_t *b, uint32_t count, unsigned size) {
    size_t bytes = (size_t)count * size, at = 0;
    while (at + 8 <= bytes && load_le64(a + at) == load_le64(b + at))
        at += 8;
    return (uint32_t)(at / size);
}

static struct comparison cmps_some(struct cpu *cpu, const struct insn *i, unsigned size,
                                   uint32_t wanted) {
    struct chunk first = string_chunk(cpu, i, i->seg, GPR_ESI, size, wanted, MMU_READ);
    struct chunk second = string_chunk(cpu, i, SEG_ES, GPR_EDI, size, wanted, MMU_READ);
    uint32_t available = min_u32(first.count, second.count), a, b;
    struct comparison result = {0, false};
    bool down = cpu->eflags & FLAG_DF;
    if (available == 0) {
        a = element_load(cpu, i, i->seg, GPR_ESI, size);
        b = element_load(cpu, i, SEG_ES, GPR_EDI, size);
        result = (struct comparison){1, comparison_ends(i, a, b)};
    } else {
        /* The last comparison makes the flags, so one is always left. */
        if (!down && !(i->flags & INSN_REPNE) && available > 1)
            result.count = equal_elements(first.lowest, second.lowest, available - 1, size);
        do {
            a = chunk_element(&first, result.count, size, down);
            b = chunk_element(&second, result.count, size, down);
            result.ends = comparison_ends(i, a, b);
            result.count++;
        } while (!result.ends && result.count < available);
    }
    alu_sub(&cpu->lazy, size * 8, a, b);
    advance(cpu, i, GPR_ESI, result.count, size);
    advance(cpu, i, GPR_EDI, result.count, size);
    return result;
}

/** Bytes that differ from `value` for sure, from the lowest on. */
static uint32_t other_bytes(const uint8_t *bytes, uint32_t count, uint32_t value) {
    const uint8_t *found = memchr(bytes, (int)value, count);
    return found == NULL ? count : (uint32_t)(found - bytes);
}

static struct comparison scas_some(struct cpu *cpu, const struct insn *i, unsigned size,
                                   uint32_t wanted) {
    struct chunk chunk = string_chunk(cpu, i, SEG_ES, GPR_EDI, size, wanted, MMU_READ);
    uint32_t a = accumulator(cpu, size), b;
    struct comparison result = {0, false};
    bool down = cpu->eflags & FLAG_DF;
    if (chunk.count == 0) {
        b = element_load(cpu, i, SEG_ES, GPR_EDI, size);
        result = (struct comparison){1, comparison_ends(i, a, b)};
    } else {
        if (!down && size == 1 && (i->flags & INSN_REPNE) != 0)
            result.count = other_bytes(chunk.lowest, chunk.count - 1, a);
        do {
            b = chunk_element(&chunk, result.count, size, down);
            result.ends = comparison_ends(i, a, b);
            result.count++;
        } while (!result.ends && result.count < chunk.count);
    }
    alu_sub(&cpu->lazy, size * 8, a, b);
    advance(cpu, i, GPR_EDI, result.count, size);
    return result;
}

typedef struct comparison compare_fn(struct cpu *cpu, const struct insn *i, unsigned size,
                                     uint32_t wanted);

ALU_INLINE const struct insn *repeat_compare(struct cpu *cpu, const struct insn *i, unsigned size,
                                             compare_fn *some) {
    if (!is_repeated(i)) {
        some(cpu, i, size, 1);
        RESUME(cpu, i);
    }
    uint32_t count = masked_reg(cpu, i, GPR_ECX);
    uint32_t budget = rep_budget(cpu, count);
    bool ends = false;
    while (count != 0 && budget != 0 && !ends) {
        struct comparison result = some(cpu, i, size, min_u32(count, budget));
        count -= result.count;
        budget -= result.count;
        ends = result.ends;
        set_masked_reg(cpu, i, GPR_ECX, count);
    }
    return rep_end(cpu, i, count == 0 || ends);
}

#define DEFINE_STRING(bits)                                                                        \
    EXEC(MOVS_##bits) {                                                                            \
        return repeat(cpu, i, bits / 8, movs_some);                                                \
    }                                                                                              \
    EXEC(STOS_##bits) {                                                                            \
        return repeat(cpu, i, bits / 8, stos_some);                                                \
    }                                                                                              \
    EXEC(LODS_##bits) {                                                                            \
        return repeat(cpu, i, bits / 8, lods_some);                                                \
    }                                                                                              \
    EXEC(CMPS_##bits) {                                                                            \
        return repeat_compare(cpu, i, bits / 8, cmps_some);                                        \
    }                                                                                              \
    EXEC(SCAS_##bits) {                                                                            \
        return repeat_compare(cpu, i, bits / 8, scas_some);                                        \
    }
DEFINE_STRING(8)
DEFINE_STRING(16)
DEFINE_STRING(32)
