/*
 * Regions of guest-physical memory: adding, switching, moving, and painting them into the page
 * maps. Painting goes from the lowest priority to the highest, so the last coat is what shows.
 */
#include "softmmu/physmem.h"
#include "softmmu/physmem_private.h"

#include <inttypes.h>
#include <string.h>

#define A20_BIT (UINT64_C(1) << 20)

struct page_range {
    uint64_t first, end;
};

/* The pages below 4 GiB that a region touches. */
static struct page_range region_pages(phys_addr base, uint64_t size) {
    struct page_range range = {0, 0};
    if (base < PHYS_MAP_END && size != 0) {
        uint64_t room = PHYS_MAP_END - base;
        uint64_t end = base + (size < room ? size : room);
        range.first = base >> GUEST_PAGE_SHIFT;
        range.end = (end + GUEST_PAGE_MASK) >> GUEST_PAGE_SHIFT;
    }
    return range;
}

static void paint_region(struct physmem *pm, unsigned number, struct page_range within) {
    const struct phys_region *region = &pm->regions[number];
    struct page_range range = region_pages(region->base, region->size);
    uint64_t first = range.first > within.first ? range.first : within.first;
    uint64_t end = range.end < within.end ? range.end : within.end;
    for (uint64_t page = first; page < end; page++) {
        uint32_t entry = PHYS_REGISTERS | number;
        if (region->kind != PHYS_MMIO) {
            uint64_t offset = region->store_offset + ((page - range.first) << GUEST_PAGE_SHIFT);
            entry = (uint32_t)(offset >> GUEST_PAGE_SHIFT) + 1;
        }
        if (region->reads) {
            pm->read_map[page] = entry;
        }
        if (region->writes) {
            pm->write_map[page] = region->kind == PHYS_ROM ? PHYS_NOTHING : entry;
        }
    }
}

static void paint(struct physmem *pm, struct page_range range) {
    for (uint64_t page = range.first; page < range.end; page++) {
        pm->read_map[page] = PHYS_NOTHING;
        pm->write_map[page] = PHYS_NOTHING;
    }
    for (unsigned i = 0; i < pm->region_count; i++) {
        paint_region(pm, pm->by_priority[i], range);
    }
}

static phys_region_id add_region(struct physmem *pm, const struct phys_region *region) {
    if (pm->region_count == PHYS_MAX_REGIONS || region->size == 0) {
        return -1;
    }
    if (region->kind != PHYS_MMIO && (region->base | region->size) & GUEST_PAGE_MASK) {
        return -1;
    }
    unsigned number = pm->region_count;
    unsigned place = number;
    while (place > 0 && pm->regions[pm->by_priority[place - 1]].priority > region->priority) {
        pm->by_priority[place] = pm->by_priority[place - 1];
        place--;
    }
    pm->by_priority[place] = (uint8_t)number;
    pm->regions[number] = *region;
    pm->region_count++;
    paint(pm, region_pages(region->base, region->size));
    physmem_notify_remapped(pm);
    return (phys_region_id)number;
}

phys_region_id physmem_add_ram(struct physmem *pm, const char *name, phys_addr base, uint64_t size,
                               uint64_t ram_offset, int priority) {
    if (ram_offset & GUEST_PAGE_MASK || ram_offset > pm->ram_bytes ||
        size > pm->ram_bytes - ram_offset) {
        return -1;
    }
    struct phys_region region = {name, PHYS_RAM, priority,   true, true,
                                 base, size,     ram_offset, NULL, NULL};
    return add_region(pm, &region);
}

phys_region_id physmem_add_rom(struct physmem *pm, const char *name, phys_addr base,
                               const void *bytes, uint64_t size, int priority) {
    uint64_t offset = physmem_grow_store(pm, size);
    if (offset == UINT64_MAX) {
        return -1;
    }
    uint64_t whole = (size + GUEST_PAGE_MASK) & ~GUEST_PAGE_MASK;
    memcpy(pm->store + offset, bytes, size);
    memset(pm->store + offset + size, 0xff, whole - size);
    struct phys_region region = {name, PHYS_ROM, priority, true, true,
                                 base, whole,    offset,   NULL, NULL};
    return add_region(pm, &region);
}

phys_region_id physmem_add_rom_alias(struct physmem *pm, const char *name, phys_addr base,
                                     uint64_t size, phys_region_id rom, uint64_t rom_offset,
                                     int priority) {
    if (rom < 0 || (unsigned)rom >= pm->region_count || pm->regions[rom].kind != PHYS_ROM ||
        rom_offset & GUEST_PAGE_MASK || rom_offset > pm->regions[rom].size ||
        size > pm->regions[rom].size - rom_offset) {
        return -1;
    }
    uint64_t offset = pm->regions[rom].store_offset + rom_offset;
    struct phys_region region = {name, PHYS_ROM, priority, true, true,
                                 base, size,     offset,   NULL, NULL};
    return add_region(pm, &region);
}

phys_region_id physmem_add_mmio(struct physmem *pm, const char *name, phys_addr base, uint64_t size,
                                const struct mmio_ops *ops, void *opaque, int priority) {
    struct phys_region region = {name, PHYS_MMIO, priority, true, true, base, size, 0, ops, opaque};
    return add_region(pm, &region);
}

phys_region_id physmem_add_device_ram(struct physmem *pm, const char *name, phys_addr base,
                                      uint64_t size, uint8_t **host, int priority) {
    uint64_t offset = physmem_grow_store(pm, size);
    if (offset == UINT64_MAX) {
        return -1;
    }
    struct phys_region region = {name, PHYS_RAM, priority, true, true,
                                 base, size,     offset,   NULL, NULL};
    *host = pm->store + offset;
    return add_region(pm, &region);
}

static struct phys_region *find_region(struct physmem *pm, phys_region_id id) {
    return id >= 0 && (unsigned)id < pm->region_count ? &pm->regions[id] : NULL;
}

void physmem_set_enabled(struct physmem *pm, phys_region_id id, bool reads, bool writes) {
    struct phys_region *region = find_region(pm, id);
    if (!region || (region->reads == reads && region->writes == writes)) {
        return;
    }
    region->reads = reads;
    region->writes = writes;
    paint(pm, region_pages(region->base, region->size));
    physmem_notify_remapped(pm);
}

void physmem_move(struct physmem *pm, phys_region_id id, phys_addr base) {
    struct phys_region *region = find_region(pm, id);
    if (!region) {
        return;
    }
    if (region->kind != PHYS_MMIO) {
        base &= ~GUEST_PAGE_MASK;
    }
    if (region->base == base) {
        return;
    }
    struct page_range old = region_pages(region->base, region->size);
    region->base = base;
    paint(pm, old);
    paint(pm, region_pages(base, region->size));
    if (region->reads || region->writes) {
        physmem_notify_remapped(pm);
    }
}

void physmem_set_a20(struct physmem *pm, bool enabled) {
    if (physmem_a20(pm) != enabled) {
        pm->address_lines ^= A20_BIT;
        physmem_notify_remapped(pm);
    }
}

bool physmem_a20(const struct physmem *pm) {
    return (pm->address_lines & A20_BIT) != 0;
}
