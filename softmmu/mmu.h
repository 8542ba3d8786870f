/*
 * The CPU's view of memory: linear addresses in, bytes or a page fault out. Behind it stand the
 * page walk (page_walk.c) and the shadow page tables (shadow.c).
 *
 * Fast path, for the interpreter and for translated code alike: with page = linear >> 12,
 * `addend = read_table[page]`; 0 means "take the slow path", otherwise the byte lives in the host
 * at addend + linear. write_table holds pages that may be written without telling anybody. The
 * two pointers always describe the current address space and privilege view.
 */
#ifndef SOFTMMU_MMU_H
#define SOFTMMU_MMU_H

#include "softmmu/address.h"
#include "softmmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>

struct shadow;

enum mmu_status { MMU_OK, MMU_FAULT };

enum mmu_access {
    MMU_READ = 0,
    MMU_WRITE = 1,
    MMU_FETCH = 2,
};

/* Page-fault error code, SDM vol. 3A "Page-Fault Exceptions". */
enum page_fault_code {
    PF_PRESENT = 1,
    PF_WRITE = 2,
    PF_USER = 4,
    PF_RESERVED = 8,
    PF_FETCH = 16,
};

struct mmu_fault {
    linear_addr linear;  /* what CR2 must show */
    uint32_t error_code; /* enum page_fault_code */
};

struct mmu {
    uintptr_t *read_table;
    uintptr_t *write_table;
    struct mmu_fault fault; /* valid after MMU_FAULT */
    bool is_user;           /* view in force: CPL 3 */
    uint64_t executed[2];   /* instructions, by view, that windows have not heard of (window.h) */
    struct physmem *physmem;
    struct shadow *shadow;
    struct log *log;
};

bool mmu_init(struct mmu *mmu, struct physmem *pm, struct log *log, struct error *error);
void mmu_destroy(struct mmu *mmu);

/** Tell the MMU the paging registers: at reset, and whenever CR0, CR3, CR4 or EFER was written.
 *  `flush_global`: also drop what global pages map (CR4.PGE/PSE/PAE, CR0.PG changes). Entries
 *  follow the guest's tables at once, so neither kind of flush has anything stale to drop. The
 *  PDPTE registers are loaded here, except when EFER alone changed. */
void mmu_set_paging(struct mmu *mmu, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer,
                    bool flush_global);
/** True when the PDPTEs at `cr3` have no reserved bits set. With PAE paging (to be) on, MOV to CR3,
 *  CR0 or CR4 raises #GP(0) otherwise. SDM vol. 3A, "PDPTE Registers". */
bool mmu_pdptes_are_valid(const struct mmu *mmu, uint64_t cr3);
/** Choose the user view (CPL 3) or the supervisor view. Cheap. */
void mmu_set_user(struct mmu *mmu, bool is_user);
/** Forget one page of the current address space (INVLPG). */
void mmu_invalidate_page(struct mmu *mmu, linear_addr linear);

/** Fast path: where `size` bytes at `linear` lie in the host, or NULL for the slow path. */
static inline const uint8_t *mmu_read_pointer(const struct mmu *mmu, uint32_t linear,
                                              unsigned size) {
    uintptr_t addend = mmu->read_table[linear >> GUEST_PAGE_SHIFT];
    bool is_slow = addend == 0 || (linear & GUEST_PAGE_MASK) > GUEST_PAGE_SIZE - size;
    return is_slow ? NULL : (const uint8_t *)(addend + linear);
}

/** The same for writing. */
static inline uint8_t *mmu_write_pointer(const struct mmu *mmu, uint32_t linear, unsigned size) {
    uintptr_t addend = mmu->write_table[linear >> GUEST_PAGE_SHIFT];
    bool is_slow = addend == 0 || (linear & GUEST_PAGE_MASK) > GUEST_PAGE_SIZE - size;
    return is_slow ? NULL : (uint8_t *)(addend + linear);
}

/** Load or store 1, 2, 4 or 8 bytes, possibly over two pages, in the current view. A fault leaves
 *  memory unchanged. These are the slow path: try the tables first. */
enum mmu_status mmu_load(struct mmu *mmu, linear_addr linear, unsigned size, uint64_t *value);
enum mmu_status mmu_store(struct mmu *mmu, linear_addr linear, unsigned size, uint64_t value);
/** The same with supervisor rights whatever the view (descriptor tables, TSS). */
enum mmu_status mmu_load_system(struct mmu *mmu, linear_addr linear, unsigned size,
                                uint64_t *value);
enum mmu_status mmu_store_system(struct mmu *mmu, linear_addr linear, unsigned size,
                                 uint64_t value);
/** Check that an access of up to 4096 bytes would succeed, filling shadow entries and setting
 *  accessed and dirty bits as the access would. `system`: with supervisor rights. */
enum mmu_status mmu_probe(struct mmu *mmu, linear_addr linear, unsigned size,
                          enum mmu_access access, bool system);

/** Called when `count` pages from linear page `first` on of the address space in force may have
 * come to mean something else, as by a write to the guest's tables: whoever keeps what
 * mmu_fetch_page said must ask again. One listener. */
typedef void mmu_dropped_fn(void *opaque, uint32_t first, uint32_t count);
void mmu_on_drop(struct mmu *mmu, mmu_dropped_fn *dropped, void *opaque);

struct fetch_page {
    const uint8_t *host; /* the page's first byte, or NULL when code must be read by physmem_read */
    frame_number frame;  /* FRAME_NONE when host is NULL */
    phys_addr phys;      /* physical address of the page */
};
/** The frame that the current view reads at `linear`, as far as the tables know; else FRAME_NONE.
 * No access, so no accessed bit. Where it holds code, the view may execute it if the code was
 *  executed at this address before. */
frame_number mmu_known_frame(const struct mmu *mmu, linear_addr linear);
/** Find the page that the CPU fetches code from at `linear`. */
enum mmu_status mmu_fetch_page(struct mmu *mmu, linear_addr linear, struct fetch_page *page);

/** The frame that a write at `linear` in the current view goes to, after a probe that let it pass;
 *  false when that is not memory. */
bool mmu_written_frame(struct mmu *mmu, linear_addr linear, frame_number *frame);

/** Walk the guest's tables for a debugger: sets no accessed bits, raises nothing.
 *  Returns false when not mapped. */
bool mmu_debug_translate(struct mmu *mmu, linear_addr linear, phys_addr *phys);

struct mmu_statistics {
    uint64_t fills, faults, drops, space_switches, space_evictions, page_table_writes;
    uint64_t adoptions; /* of 2 MiB from another address space */
    /* Windows: faults served, pages mapped, calls that took pages or rights away, windows emptied
       to stay within bounds. */
    uint64_t window_fills, window_pages, window_unmaps, window_evictions;
    uint64_t windows_earned, windows_lost; /* because they were worth it, or cost too much */
};
const struct mmu_statistics *mmu_statistics(const struct mmu *mmu);

#endif
