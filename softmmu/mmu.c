/*
 * The public face of the MMU: accesses in the current view, split over pages where needed. Every
 * access first finds its places (translate), all of them before memory changes, then copies.
 */
#include "softmmu/mmu.h"

#include "softmmu/base/bits.h"
#include "softmmu/shadow.h"
#include "softmmu/window.h"

#include <inttypes.h>
#include <string.h>

/* Where an access goes: bytes in the host, or a physical address that registers may answer. */
struct place {
    uint8_t *host;
    phys_addr phys; /* valid when host is NULL */
};

static void show_current_view(struct mmu *mmu) {
    uintptr_t **tables = mmu->shadow->current->tables;
    unsigned view = mmu->is_user ? SHADOW_USER : 0;
    mmu->read_table = tables[view | SHADOW_READ];
    mmu->write_table = tables[view | SHADOW_WRITE];
}

bool mmu_init(struct mmu *mmu, struct physmem *pm, struct log *log, struct error *error) {
    *mmu = (struct mmu){.physmem = pm, .log = log};
    mmu->shadow = shadow_create(pm, log, error);
    if (!mmu->shadow) {
        return false;
    }
    show_current_view(mmu);
    return true;
}

void mmu_destroy(struct mmu *mmu) {
    shadow_destroy(mmu->shadow);
    mmu->shadow = NULL;
}

void mmu_set_paging(struct mmu *mmu, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer,
                    bool flush_global) {
    (void)flush_global; /* see the header: nothing stale is ever kept */
    struct shadow *shadow = mmu->shadow;
    uint64_t *last = shadow->control;
    bool is_efer_alone = last[0] == cr0 && last[1] == cr3 && last[2] == cr4 && last[3] != efer;
    memcpy(last, (uint64_t[4]){cr0, cr3, cr4, efer}, sizeof(shadow->control));

    struct paging paging = shadow->current->paging;
    paging_set(&paging, cr0, cr3, cr4, efer);
    if (paging.mode & PAGING_PAE && !is_efer_alone) {
        paging_load_pdptes(mmu->physmem, cr3, paging.pdpte);
    }
    window_account(mmu);
    shadow_switch(shadow, &paging);
    show_current_view(mmu);
}

bool mmu_pdptes_are_valid(const struct mmu *mmu, uint64_t cr3) {
    uint64_t pdpte[4];
    return paging_load_pdptes(mmu->physmem, cr3, pdpte);
}

void mmu_set_user(struct mmu *mmu, bool is_user) {
    mmu->is_user = is_user;
    show_current_view(mmu);
}

void mmu_invalidate_page(struct mmu *mmu, linear_addr linear) {
    shadow_invalidate_page(mmu->shadow, (uint32_t)linear);
}

static enum mmu_status raise_fault(struct mmu *mmu, uint32_t linear, uint32_t error_code) {
    mmu->fault.linear = linear;
    mmu->fault.error_code = error_code;
    mmu->shadow->statistics.faults++;
    log_write(mmu->log, LOG_MMU, "mmu fault linear=%08" PRIx32 " code=%02" PRIx32, linear,
              error_code);
    return MMU_FAULT;
}

/* Walk the guest's tables for one page, unless that was done lately, and enter the result. */
static enum mmu_status walk_page(struct mmu *mmu, uint32_t linear, enum mmu_access access,
                                 bool is_user, const struct recent_walk **found) {
    uint32_t error_code;
    if (shadow_walk(mmu->shadow, linear, access, is_user, found, &error_code) != MMU_OK) {
        return raise_fault(mmu, linear, error_code);
    }
    return MMU_OK;
}

static enum mmu_status translate(struct mmu *mmu, uint32_t linear, enum mmu_access access,
                                 bool is_user, struct place *place) {
    unsigned table = (is_user ? SHADOW_USER : 0) | (access == MMU_WRITE ? SHADOW_WRITE : 0);
    uintptr_t addend = mmu->shadow->current->tables[table][linear >> GUEST_PAGE_SHIFT];
    if (addend != 0 && access != MMU_FETCH) {
        *place = (struct place){(uint8_t *)(addend + linear), 0};
        return MMU_OK;
    }
    const struct recent_walk *walk;
    if (walk_page(mmu, linear, access, is_user, &walk) != MMU_OK) {
        return MMU_FAULT;
    }
    unsigned offset = linear & GUEST_PAGE_MASK;
    uint8_t *page = access == MMU_WRITE ? walk->page.write_host : walk->page.read_host;
    place->host = page ? page + offset : NULL;
    place->phys = walk->phys + offset;
    return MMU_OK;
}

static void read_place(struct mmu *mmu, const struct place *place, uint8_t *to, unsigned size) {
    if (place->host) {
        memcpy(to, place->host, size);
        return;
    }
    /* Parts of a split access may have odd sizes, which no bus carries: go bytewise. */
    for (unsigned i = 0; i < size; i++) {
        to[i] = (uint8_t)physmem_read(mmu->physmem, place->phys + i, 1);
    }
}

/* Tell the watchers after bytes in the host changed. The frame may have become watched after
   its translation, when the other page of a split access was linked. */
static void tell_watchers(struct mmu *mmu, const uint8_t *host, unsigned size) {
    size_t from_ram = (size_t)(host - physmem_ram(mmu->physmem));
    frame_number frame = (frame_number)(from_ram >> GUEST_PAGE_SHIFT);
    if (physmem_watches(mmu->physmem, frame) != 0) {
        physmem_frame_written(mmu->physmem, frame, (unsigned)(from_ram & GUEST_PAGE_MASK), size);
    }
}

static void write_place(struct mmu *mmu, const struct place *place, const uint8_t *from,
                        unsigned size) {
    if (place->host) {
        memcpy(place->host, from, size);
        tell_watchers(mmu, place->host, size);
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        physmem_write(mmu->physmem, place->phys + i, 1, from[i]);
    }
}

static enum mmu_status load_split(struct mmu *mmu, uint32_t linear, unsigned size, bool is_user,
                                  uint64_t *value) {
    struct place low, high;
    uint8_t bytes[8] = {0};
    unsigned part = GUEST_PAGE_SIZE - (linear & GUEST_PAGE_MASK);
    if (translate(mmu, linear, MMU_READ, is_user, &low) != MMU_OK ||
        translate(mmu, linear + part, MMU_READ, is_user, &high) != MMU_OK) {
        return MMU_FAULT;
    }
    read_place(mmu, &low, bytes, part);
    read_place(mmu, &high, bytes + part, size - part);
    *value = load_le64(bytes);
    return MMU_OK;
}

static enum mmu_status store_split(struct mmu *mmu, uint32_t linear, unsigned size, bool is_user,
                                   uint64_t value) {
    struct place low, high;
    uint8_t bytes[8];
    unsigned part = GUEST_PAGE_SIZE - (linear & GUEST_PAGE_MASK);
    if (translate(mmu, linear, MMU_WRITE, is_user, &low) != MMU_OK ||
        translate(mmu, linear + part, MMU_WRITE, is_user, &high) != MMU_OK) {
        return MMU_FAULT;
    }
    store_le64(bytes, value);
    write_place(mmu, &low, bytes, part);
    write_place(mmu, &high, bytes + part, size - part);
    return MMU_OK;
}

static enum mmu_status load(struct mmu *mmu, uint32_t linear, unsigned size, bool is_user,
                            uint64_t *value) {
    if (UNLIKELY((linear & GUEST_PAGE_MASK) + size > GUEST_PAGE_SIZE)) {
        return load_split(mmu, linear, size, is_user, value);
    }
    struct place place;
    if (translate(mmu, linear, MMU_READ, is_user, &place) != MMU_OK) {
        return MMU_FAULT;
    }
    if (!place.host) {
        *value = physmem_read(mmu->physmem, place.phys, size);
        return MMU_OK;
    }
    switch (size) {
    case 1:
        *value = *place.host;
        break;
    case 2:
        *value = load_le16(place.host);
        break;
    case 4:
        *value = load_le32(place.host);
        break;
    default:
        *value = load_le64(place.host);
        break;
    }
    return MMU_OK;
}

static enum mmu_status store(struct mmu *mmu, uint32_t linear, unsigned size, bool is_user,
                             uint64_t value) {
    if (UNLIKELY((linear & GUEST_PAGE_MASK) + size > GUEST_PAGE_SIZE)) {
        return store_split(mmu, linear, size, is_user, value);
    }
    struct place place;
    if (translate(mmu, linear, MMU_WRITE, is_user, &place) != MMU_OK) {
        return MMU_FAULT;
    }
    if (!place.host) {
        physmem_write(mmu->physmem, place.phys, size, value);
        return MMU_OK;
    }
    switch (size) {
    case 1:
        *place.host = (uint8_t)value;
        break;
    case 2:
        store_le16(place.host, (uint16_t)value);
        break;
    case 4:
        store_le32(place.host, (uint32_t)value);
        break;
    default:
        store_le64(place.host, value);
        break;
    }
    tell_watchers(mmu, place.host, size);
    return MMU_OK;
}

enum mmu_status mmu_load(struct mmu *mmu, linear_addr linear, unsigned size, uint64_t *value) {
    return load(mmu, (uint32_t)linear, size, mmu->is_user, value);
}

enum mmu_status mmu_store(struct mmu *mmu, linear_addr linear, unsigned size, uint64_t value) {
    return store(mmu, (uint32_t)linear, size, mmu->is_user, value);
}

enum mmu_status mmu_load_system(struct mmu *mmu, linear_addr linear, unsigned size,
                                uint64_t *value) {
    return load(mmu, (uint32_t)linear, size, false, value);
}

enum mmu_status mmu_store_system(struct mmu *mmu, linear_addr linear, unsigned size,
                                 uint64_t value) {
    return store(mmu, (uint32_t)linear, size, false, value);
}

enum mmu_status mmu_probe(struct mmu *mmu, linear_addr linear, unsigned size,
                          enum mmu_access access, bool system) {
    bool is_user = mmu->is_user && !system;
    uint32_t first = (uint32_t)linear;
    struct place place;
    if (translate(mmu, first, access, is_user, &place) != MMU_OK) {
        return MMU_FAULT;
    }
    unsigned room = GUEST_PAGE_SIZE - (first & GUEST_PAGE_MASK);
    return size > room ? translate(mmu, first + room, access, is_user, &place) : MMU_OK;
}

frame_number mmu_known_frame(const struct mmu *mmu, linear_addr linear) {
    uint32_t page = (uint32_t)linear & ~(uint32_t)GUEST_PAGE_MASK;
    uintptr_t addend = mmu->read_table[page >> GUEST_PAGE_SHIFT];
    if (addend == 0) {
        return FRAME_NONE;
    }
    return (frame_number)((addend + page - (uintptr_t)physmem_ram(mmu->physmem)) >>
                          GUEST_PAGE_SHIFT);
}

enum mmu_status mmu_fetch_page(struct mmu *mmu, linear_addr linear, struct fetch_page *page) {
    const struct recent_walk *walk;
    if (walk_page(mmu, (uint32_t)linear, MMU_FETCH, mmu->is_user, &walk) != MMU_OK) {
        return MMU_FAULT;
    }
    page->host = walk->page.read_host;
    page->frame = walk->page.read_frame;
    page->phys = walk->phys;
    return MMU_OK;
}

bool mmu_written_frame(struct mmu *mmu, linear_addr linear, frame_number *frame) {
    const struct recent_walk *walk;
    if (walk_page(mmu, (uint32_t)linear, MMU_WRITE, mmu->is_user, &walk) != MMU_OK) {
        return false;
    }
    *frame = walk->page.write_frame;
    return *frame != FRAME_NONE;
}

void mmu_on_drop(struct mmu *mmu, mmu_dropped_fn *dropped, void *opaque) {
    mmu->shadow->dropped = dropped;
    mmu->shadow->dropped_opaque = opaque;
}

bool mmu_debug_translate(struct mmu *mmu, linear_addr linear, phys_addr *phys) {
    struct page_walk walk;
    uint32_t error_code;
    if (page_walk(mmu->physmem, &mmu->shadow->current->paging, linear, MMU_READ, PAGE_WALK_PEEK,
                  &walk, &error_code) != MMU_OK) {
        return false;
    }
    *phys = walk.page | (linear & GUEST_PAGE_MASK);
    return true;
}

const struct mmu_statistics *mmu_statistics(const struct mmu *mmu) {
    return &mmu->shadow->statistics;
}
