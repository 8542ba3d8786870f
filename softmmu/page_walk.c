/*
 * The page walk. Table entries are read through the physical map, so a table in registers or in
 * nothing reads as ones. Upper levels' accessed bits are set only when the whole walk succeeds;
 * processors differ there, and the manual allows either.
 */
#include "softmmu/page_walk.h"

#include "softmmu/base/bits.h"

#define CR0_WP   (UINT64_C(1) << 16)
#define CR0_PG   (UINT64_C(1) << 31)
#define CR4_PSE  (UINT64_C(1) << 4)
#define CR4_PAE  (UINT64_C(1) << 5)
#define EFER_NXE (UINT64_C(1) << 11)

#define ENTRY_PRESENT  UINT64_C(0x01)
#define ENTRY_WRITABLE UINT64_C(0x02)
#define ENTRY_USER     UINT64_C(0x04)
#define ENTRY_ACCESSED UINT64_C(0x20)
#define ENTRY_DIRTY    UINT64_C(0x40)
#define ENTRY_LARGE    UINT64_C(0x80)
#define ENTRY_NX       (UINT64_C(1) << 63)

/* Physical addresses have 36 bits, as on every 32-bit Intel CPU with PAE. */
#define PAE_BASE           UINT64_C(0x0000000ffffff000)
#define PAE_HIGH_RESERVED  UINT64_C(0x7ffffff000000000)
#define PAE_LARGE_BASE     UINT64_C(0x0000000fffe00000)
#define PAE_LARGE_RESERVED UINT64_C(0x00000000001fe000)
#define PDPTE_RESERVED     (UINT64_C(0xfffffff000000000) | 0x1e6)
/* A 4 MiB entry holds address bits 35..32 in bits 16..13; 21..17 must be 0 (PSE-36). */
#define PSE36_RESERVED UINT64_C(0x003e0000)

struct step {
    phys_addr at;
    uint64_t value;
    frame_number frame;
};

struct walk_state {
    struct physmem *pm;
    uint32_t mode;
    uint32_t linear;
    bool is_present; /* no entry with P = 0 was met */
    bool has_reserved;
    unsigned count;
    struct step steps[2]; /* directory entry, table entry */
};

void paging_set(struct paging *paging, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer) {
    uint32_t mode = 0;
    uint32_t root = 0;
    if (cr0 & CR0_PG) {
        bool is_pae = (cr4 & CR4_PAE) != 0;
        mode = PAGING_ON | (is_pae ? PAGING_PAE : 0);
        mode |= !is_pae && (cr4 & CR4_PSE) ? PAGING_PSE : 0;
        mode |= is_pae && (efer & EFER_NXE) ? PAGING_NXE : 0;
        mode |= cr0 & CR0_WP ? PAGING_WP : 0;
        root = (uint32_t)cr3 & (is_pae ? UINT32_C(0xffffffe0) : UINT32_C(0xfffff000));
    }
    paging->mode = mode;
    paging->root = root;
    if (!(mode & PAGING_PAE)) {
        memset(paging->pdpte, 0, sizeof(paging->pdpte));
    }
}

static uint64_t read_entry(struct physmem *pm, phys_addr at, unsigned bytes, frame_number *frame) {
    struct phys_page page = physmem_page(pm, at);
    *frame = page.read_frame;
    if (!page.read_host) {
        return bytes == 4 ? UINT32_MAX : UINT64_MAX;
    }
    const uint8_t *host = page.read_host + (at & GUEST_PAGE_MASK);
    return bytes == 4 ? load_le32(host) : load_le64(host);
}

bool paging_load_pdptes(struct physmem *pm, uint64_t cr3, uint64_t pdpte[4]) {
    bool is_valid = true;
    for (unsigned i = 0; i < 4; i++) {
        frame_number frame;
        pdpte[i] = read_entry(pm, (cr3 & UINT32_C(0xffffffe0)) + 8 * i, 8, &frame);
        if (pdpte[i] & ENTRY_PRESENT && pdpte[i] & PDPTE_RESERVED) {
            is_valid = false;
        }
    }
    return is_valid;
}

bool paging_directory(const struct paging *paging, unsigned quarter, phys_addr *at) {
    bool is_pae = (paging->mode & PAGING_PAE) != 0;
    *at = is_pae ? paging->pdpte[quarter] & PAE_BASE : paging->root;
    return is_pae ? (paging->pdpte[quarter] & ENTRY_PRESENT) != 0
                  : quarter == 0 && (paging->mode & PAGING_ON) != 0;
}

/* Read the next level's entry. Returns false when the walk ends here with a fault. */
static bool take_step(struct walk_state *state, phys_addr at, uint64_t reserved) {
    struct step *step = &state->steps[state->count++];
    step->at = at;
    step->value = read_entry(state->pm, at, state->mode & PAGING_PAE ? 8 : 4, &step->frame);
    state->is_present = (step->value & ENTRY_PRESENT) != 0;
    state->has_reserved = state->is_present && (step->value & reserved) != 0;
    return state->is_present && !state->has_reserved;
}

static bool walk_32bit(struct walk_state *state, uint32_t root, struct page_walk *walk) {
    uint32_t linear = state->linear;
    if (!take_step(state, root + (linear >> 22) * 4, 0)) {
        return false;
    }
    uint64_t pde = state->steps[0].value;
    if (state->mode & PAGING_PSE && pde & ENTRY_LARGE) {
        state->has_reserved = (pde & PSE36_RESERVED) != 0;
        walk->is_large = true;
        walk->page = (pde & 0xffc00000) | bits_extract(pde, 13, 4) << 32 | (linear & 0x003ff000);
        return !state->has_reserved;
    }
    if (!take_step(state, (pde & 0xfffff000) + (linear >> 12 & 0x3ff) * 4, 0)) {
        return false;
    }
    walk->page = state->steps[1].value & 0xfffff000;
    return true;
}

static bool walk_pae(struct walk_state *state, const uint64_t pdpte[4], struct page_walk *walk) {
    uint32_t linear = state->linear;
    uint64_t reserved = PAE_HIGH_RESERVED | (state->mode & PAGING_NXE ? 0 : ENTRY_NX);
    uint64_t pointer = pdpte[linear >> 30];
    if (!(pointer & ENTRY_PRESENT)) {
        state->is_present = false;
        return false;
    }
    if (!take_step(state, (pointer & PAE_BASE) + (linear >> 21 & 0x1ff) * 8, reserved)) {
        return false;
    }
    uint64_t pde = state->steps[0].value;
    if (pde & ENTRY_LARGE) {
        state->has_reserved = (pde & PAE_LARGE_RESERVED) != 0;
        walk->is_large = true;
        walk->page = (pde & PAE_LARGE_BASE) | (linear & 0x001ff000);
        return !state->has_reserved;
    }
    if (!take_step(state, (pde & PAE_BASE) + (linear >> 12 & 0x1ff) * 8, reserved)) {
        return false;
    }
    walk->page = state->steps[1].value & PAE_BASE;
    return true;
}

static bool is_allowed(const struct page_walk *walk, uint32_t mode, enum mmu_access access,
                       bool is_user) {
    if (is_user && !walk->is_user) {
        return false;
    }
    if (access == MMU_WRITE && !walk->is_writable) {
        return !is_user && !(mode & PAGING_WP);
    }
    return access != MMU_FETCH || walk->is_executable;
}

static void set_flags(struct walk_state *state, bool is_write) {
    for (unsigned i = 0; i < state->count; i++) {
        const struct step *step = &state->steps[i];
        uint64_t wanted = ENTRY_ACCESSED;
        if (is_write && i == state->count - 1) {
            wanted |= ENTRY_DIRTY;
        }
        if ((step->value & wanted) != wanted) {
            physmem_write(state->pm, step->at, 4, (uint32_t)(step->value | wanted));
        }
    }
}

static uint32_t fault_code(const struct walk_state *state, enum mmu_access access, bool is_user) {
    uint32_t code = state->is_present ? PF_PRESENT : 0;
    code |= access == MMU_WRITE ? PF_WRITE : 0;
    code |= is_user ? PF_USER : 0;
    code |= state->has_reserved ? PF_RESERVED : 0;
    /* The I/D flag is defined only where execute-disable is on. */
    code |= access == MMU_FETCH && state->mode & PAGING_NXE ? PF_FETCH : 0;
    return code;
}

enum mmu_status page_walk(struct physmem *pm, const struct paging *paging, linear_addr linear,
                          enum mmu_access access, unsigned flags, struct page_walk *walk,
                          uint32_t *error_code) {
    bool is_user = (flags & PAGE_WALK_USER) != 0;
    *walk = (struct page_walk){
        linear & UINT32_C(0xfffff000), FRAME_NONE, FRAME_NONE, true, true, true, true, true, false};
    if (!(paging->mode & PAGING_ON)) {
        return MMU_OK;
    }
    struct walk_state state = {.pm = pm, .mode = paging->mode, .linear = (uint32_t)linear};
    state.is_present = true;
    bool is_mapped = paging->mode & PAGING_PAE ? walk_pae(&state, paging->pdpte, walk)
                                               : walk_32bit(&state, paging->root, walk);
    if (is_mapped) {
        uint64_t rights = state.steps[0].value & state.steps[state.count - 1].value;
        uint64_t any = state.steps[0].value | state.steps[state.count - 1].value;
        walk->is_user = (rights & ENTRY_USER) != 0;
        walk->is_writable = (rights & ENTRY_WRITABLE) != 0;
        walk->is_executable = !(any & ENTRY_NX && paging->mode & PAGING_NXE);
        walk->is_accessed = !(flags & PAGE_WALK_PEEK) || (rights & ENTRY_ACCESSED) != 0;
        walk->is_dirty =
            access == MMU_WRITE || (state.steps[state.count - 1].value & ENTRY_DIRTY) != 0;
        walk->directory = state.steps[0].frame;
        walk->table = state.count == 2 ? state.steps[1].frame : FRAME_NONE;
    }
    if (flags & PAGE_WALK_PEEK) {
        *error_code = 0;
        return is_mapped ? MMU_OK : MMU_FAULT;
    }
    if (!is_mapped || !is_allowed(walk, paging->mode, access, is_user)) {
        *error_code = fault_code(&state, access, is_user);
        return MMU_FAULT;
    }
    set_flags(&state, access == MMU_WRITE);
    return MMU_OK;
}
