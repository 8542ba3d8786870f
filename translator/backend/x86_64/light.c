/* See light.h. Source: SDM vol. 2, "MOV"; vol. 3A, "Privilege Level Checking When Accessing Data
 * Segments". */
#include "translator/backend/x86_64/light.h"

#include "interp/cpu/descriptor.h"
#include "softmmu/base/bits.h"
#include "translator/helpers.h"

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

bool light_declines_segment(struct cpu *cpu, uint32_t selector, uint32_t number) {
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
