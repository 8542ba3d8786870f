/*
 * The IA-32 page walk: no paging, 32-bit paging with 4 MiB pages (PSE, PSE-36), PAE with 2 MiB
 * pages and execute-disable. It needs guest memory and the paging registers, nothing else.
 *
 * Sources: SDM vol. 3A, "Paging" chapter, "32-Bit Paging", "PAE Paging", "Access Rights",
 * "Accessed and Dirty Flags", "Page-Fault Exceptions".
 */
#ifndef SOFTMMU_PAGE_WALK_H
#define SOFTMMU_PAGE_WALK_H

#include "softmmu/mmu.h"

/* What of CR0, CR4 and EFER the walk depends on, in one canonical form: bits that have no effect
   are 0, so equal words mean equal rules. */
enum paging_mode {
    PAGING_ON = 1,
    PAGING_PSE = 2,
    PAGING_PAE = 4,
    PAGING_WP = 8,
    PAGING_NXE = 16,
};

struct paging {
    uint32_t mode;     /* enum paging_mode */
    uint32_t root;     /* CR3 without its flag bits; 0 when paging is off */
    uint64_t pdpte[4]; /* PAE: the PDPTE registers, as loaded by MOV CR3; else 0 */
};

/** Derive mode and root from the control registers. Leaves the PDPTEs alone (0 unless PAE). */
void paging_set(struct paging *paging, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer);
/** Read the four PDPTEs that CR3 points to. Returns false when a present one has reserved bits
 *  set, for which MOV CR3 raises #GP(0). SDM vol. 3A, "PDPTE Registers". */
bool paging_load_pdptes(struct physmem *pm, uint64_t cr3, uint64_t pdpte[4]);

/** Physical address of the directory for a quarter of the linear addresses; without PAE there is
 *  one, of quarter 0. False when paging is off or the quarter's PDPTE is not present. */
bool paging_directory(const struct paging *paging, unsigned quarter, phys_addr *at);

struct page_walk {
    phys_addr page;         /* physical address of the 4 KiB page */
    frame_number directory; /* frame that the directory entry was read from, or FRAME_NONE */
    frame_number table;     /* the same for the table entry; FRAME_NONE for a large page too */
    bool is_user;           /* CPL 3 may use the page */
    bool is_writable;       /* R/W is set on every level */
    bool is_accessed;       /* the accessed bits of all levels are set by now */
    bool is_dirty;          /* the leaf's dirty bit is set by now */
    bool is_executable;
    bool is_large; /* mapped by the directory entry itself: 4 MiB, with PAE 2 MiB */
};

enum page_walk_flags {
    PAGE_WALK_USER = 1, /* with the rights of CPL 3 */
    PAGE_WALK_PEEK = 2, /* look only: check no rights, set no bits */
};

/**
 * Translate one linear address. On success the accessed bit is set on every level used and, for
 * MMU_WRITE, the dirty bit on the leaf; a walk that faults changes nothing.
 *
 * @linear      bits 31..0 count
 * @access      MMU_READ, MMU_WRITE or MMU_FETCH
 * @flags       enum page_walk_flags
 * @error_code  out, only on MMU_FAULT: enum page_fault_code
 */
enum mmu_status page_walk(struct physmem *pm, const struct paging *paging, linear_addr linear,
                          enum mmu_access access, unsigned flags, struct page_walk *walk,
                          uint32_t *error_code);

#endif
