/* See light.h. Source: SDM vol. 2, "MOV", "INT n", "IRET"; vol. 3A, "Privilege Level Checking When
 * Accessing Data Segments"; vol. 3B, "Interrupt and Exception Handling" in real-address mode. */
#include "translator/backend/x86_64/light.h"

#include "interp/cpu/descriptor.h"
#include "softmmu/base/bits.h"
#include "translator/backend/x86_64/x86_64.h"
#include "translator/helpers.h"

#include <stdatomic.h>

#define REAL_ATTRIBUTES (SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED)
#define REAL_LIMIT      0xffffu
#define FRAME_BYTES     6u /* FLAGS, CS and IP */

/** The descriptor, where its table has it and the shadow tables its page. */
static const uint8_t *find_descriptor(const struct cpu *cpu, uint32_t selector) {
    bool is_local = (selector & SELECTOR_LDT) != 0;
    uint64_t base = is_local ? cpu->ldtr.base : cpu->gdtr.base;
    uint32_t limit = is_local ? cpu->ldtr.limit : cpu->gdtr.limit;
    if ((is_local && !cpu->ldtr.is_usable) || (selector | 7) > limit)
        return NULL;
    return mmu_read_pointer(&cpu->mmu, (uint32_t)(base + (selector & 0xfff8)), 8);
}

/** An accessed, present data segment that does not expand down. */
static bool is_common(const struct descriptor *d) {
    const uint32_t mask = SEG_PRESENT | SEG_S | SEG_CODE | SEG_DOWN | SEG_ACCESSED;
    return (d->high >> 8 & mask) == (SEG_PRESENT | SEG_S | SEG_ACCESSED);
}

static bool make_segment(const struct cpu *cpu, uint32_t selector, struct segment *loaded) {
    const uint8_t *bytes = find_descriptor(cpu, selector);
    if (bytes == NULL || cpu->checks_every_access)
        return false;
    struct descriptor d = {.low = load_le32(bytes), .high = load_le32(bytes + 4)};
    unsigned dpl = descriptor_dpl(&d);
    if (!is_common(&d) || (selector & SELECTOR_RPL) > dpl || cpu->cpl > dpl)
        return false;
    loaded->attributes = descriptor_attributes(&d);
    loaded->base = descriptor_base(&d);
    loaded->limit = descriptor_limit(&d);
    loaded->is_usable = true;
    loaded->read_end = (uint64_t)loaded->limit + 1;
    loaded->write_end = (loaded->attributes & SEG_WRITABLE) ? loaded->read_end : 0;
    return true;
}

bool light_declines_segment(struct cpu *cpu, uint32_t selector, uint32_t number, uint16_t *flags) {
    struct segment *segment = &cpu->seg[number];
    struct segment loaded = *segment;
    loaded.selector = (uint16_t)selector;
    if (selector_is_null((uint16_t)selector)) {
        loaded.is_usable = false;
        loaded.read_end = loaded.write_end = 0;
    } else if (!make_segment(cpu, selector, &loaded)) {
        return true;
    }
    if (number < SEG_FS &&
        helper_segment_check(&loaded, true) != helper_segment_check(segment, true))
        return true;
    *segment = loaded;
    return false;
}

static bool is_code_plain(const struct cpu *cpu) {
    const struct segment *code = &cpu->seg[SEG_CS];
    return code->is_usable && code->attributes == REAL_ATTRIBUTES && code->limit == REAL_LIMIT;
}

/** Go to selector:IP, which changes nothing else of a plain CS, with another SP. */
static void enter_plain(struct cpu *cpu, uint16_t selector, uint16_t ip, uint32_t sp) {
    cpu->seg[SEG_CS].selector = selector;
    cpu->seg[SEG_CS].base = (uint32_t)selector << 4;
    cpu->eip = ip;
    cpu_set_reg16(cpu, GPR_ESP, (uint16_t)sp);
}

bool light_declines_interrupt(struct cpu *cpu, uint32_t vector, uint32_t next_ip, uint16_t *flags) {
    const struct segment *stack = &cpu->seg[SEG_SS];
    uint32_t sp = cpu_reg16(cpu, GPR_ESP), at = vector * 4;
    if (cpu->stack_is_32 || sp < FRAME_BYTES || sp > stack->write_end || !is_code_plain(cpu) ||
        at + 3 > cpu->idtr.limit || (cpu->eflags & (FLAG_TF | FLAG_AC)) != 0 ||
        log_is_on(cpu->log, LOG_INT))
        return true;
    sp -= FRAME_BYTES;
    const uint8_t *entry = mmu_read_pointer(&cpu->mmu, (uint32_t)(cpu->idtr.base + at), 4);
    uint8_t *frame = mmu_write_pointer(&cpu->mmu, (uint32_t)(stack->base + sp), FRAME_BYTES);
    if (entry == NULL || frame == NULL)
        return true;
    uint32_t target = load_le32(entry);
    store_le16(frame, (uint16_t)next_ip);
    store_le16(frame + 2, cpu->seg[SEG_CS].selector);
    store_le16(frame + 4, (uint16_t)(cpu->eflags | x64_flags_to_eflags(*flags)));
    cpu->eflags &= ~(uint32_t)(FLAG_IF | FLAG_RF);
    cpu->interrupt_shadow = cpu->debug_shadow = false;
    enter_plain(cpu, (uint16_t)(target >> 16), (uint16_t)target, sp);
    return false;
}

bool light_declines_interrupt_return(struct cpu *cpu, uint32_t a, uint32_t b, uint16_t *flags) {
    const uint32_t changeable = FLAG_IF | FLAG_IOPL | FLAG_NT;
    const struct segment *stack = &cpu->seg[SEG_SS];
    uint32_t sp = cpu_reg16(cpu, GPR_ESP);
    if (cpu->stack_is_32 || sp + FRAME_BYTES > REAL_LIMIT + 1 ||
        sp + FRAME_BYTES > stack->read_end || !is_code_plain(cpu) || cpu->nmi_blocked)
        return true;
    const uint8_t *frame = mmu_read_pointer(&cpu->mmu, (uint32_t)(stack->base + sp), FRAME_BYTES);
    if (frame == NULL)
        return true;
    uint32_t image = load_le16(frame + 4);
    bool enables = (image & ~cpu->eflags & FLAG_IF) != 0;
    if (((image ^ cpu->eflags) & (FLAG_TF | FLAG_DF)) != 0 ||
        (enables && atomic_load_explicit(&cpu->events, memory_order_relaxed) != 0))
        return true;
    cpu->eflags = (cpu->eflags & ~changeable) | (image & changeable);
    *flags = x64_flags_from_eflags(image);
    enter_plain(cpu, load_le16(frame + 2), load_le16(frame), sp + FRAME_BYTES);
    return false;
}
