/*
 * A small guest for the memory tests: 16 MiB of RAM, an MMU, and page tables at fixed places.
 */
#ifndef TESTS_UNIT_SOFTMMU_GUEST_MEMORY_H
#define TESTS_UNIT_SOFTMMU_GUEST_MEMORY_H

#include "softmmu/mmu.h"
#include "softmmu/page_walk.h"
#include "softmmu/shadow.h"

#include <criterion/criterion.h>

#define RAM_BYTES UINT64_C(0x1000000)

#define CR0_PG   UINT64_C(0x80000000)
#define CR0_WP   UINT64_C(0x00010000)
#define CR4_PSE  UINT64_C(0x10)
#define CR4_PAE  UINT64_C(0x20)
#define EFER_NXE UINT64_C(0x800)

/* Bits of table entries. */
#define P  UINT64_C(0x01)
#define W  UINT64_C(0x02)
#define U  UINT64_C(0x04)
#define A  UINT64_C(0x20)
#define D  UINT64_C(0x40)
#define PS UINT64_C(0x80)
#define NX (UINT64_C(1) << 63)

/* Where tables lie: directory at DIRECTORY (+ 4 KiB for each of PAE's four), the page table of
   directory entry i at TABLES + 4 KiB * i (PAE: i counts through all four directories). */
#define DIRECTORY UINT32_C(0x10000)
#define POINTERS  UINT32_C(0x0f000)
#define TABLES    UINT32_C(0x100000)

struct guest {
    struct physmem *pm;
    uint8_t *ram;
    struct mmu mmu;
    struct log log;
};

/** A guest with its RAM at physical 0 and paging off. */
void guest_start(struct guest *guest);
void guest_stop(struct guest *guest);
/** Map a page in the 32-bit tables: entry = phys | flags; the directory entry allows all. */
void guest_map(struct guest *guest, uint32_t linear, uint32_t entry);
/** The same in the PAE tables. */
void guest_map_pae(struct guest *guest, uint32_t linear, uint64_t entry);
/** Where the page-table entry for a linear address lies. */
uint32_t guest_pte_at(uint32_t linear);
uint32_t guest_pae_pte_at(uint32_t linear);
/** Switch paging on with the tables above. */
void guest_page_32bit(struct guest *guest, uint64_t cr0_more, uint64_t cr4);
void guest_page_pae(struct guest *guest, uint64_t cr0_more, uint64_t efer);

#define CHECK_HEX(actual, expected)                                                                \
    do {                                                                                           \
        unsigned long long actual_ = (unsigned long long)(actual);                                 \
        unsigned long long expected_ = (unsigned long long)(expected);                             \
        cr_assert(actual_ == expected_, "%s: expected %llx, actual %llx", #actual, expected_,      \
                  actual_);                                                                        \
    } while (0)

#define CHECK_FAULT(status, guest, address, code)                                                  \
    do {                                                                                           \
        CHECK_HEX(status, MMU_FAULT);                                                              \
        CHECK_HEX((guest)->mmu.fault.linear, address);                                             \
        CHECK_HEX((guest)->mmu.fault.error_code, code);                                            \
    } while (0)

#endif
