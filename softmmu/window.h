/*
 * The window form of shadow spaces: 4 GiB of host addresses in which guest pages appear at their
 * linear addresses, so that translated code reaches guest memory with one host access. Each space
 * may have one for the user's view. The supervisor has one for all spaces of a paging mode, with
 * what they have in common (shadow_share.c). Windows are caches of read and write tables, which
 * stay the authority: whoever meets a page that is not mapped takes the SIGSEGV and asks
 * mmu_window_fill.
 *
 * Mapping pages costs microseconds, so a window must be worth it (window_policy.c).
 */
#ifndef SOFTMMU_WINDOW_H
#define SOFTMMU_WINDOW_H

#include "softmmu/mmu.h"
#include "softmmu/shadow.h"

/* A window and the inaccessible host addresses before and after it: an access that begins in the
   last bytes of the window wraps for the guest, and must not reach anything here. */
#define WINDOW_BYTES (UINT64_C(1) << 32)
#define WINDOW_GUARD (UINT64_C(1) << 16)

enum window_fill {
    WINDOW_FILLED, /* try the access again */
    WINDOW_SLOW,   /* serve it through mmu_load and mmu_store, now and probably next time */
    WINDOW_FAULTS, /* the same, but it raises a fault, after which the page may be mapped */
    WINDOW_LOST,   /* the same, but there is no window any more: ask mmu_window again soon */
};

/** Let spaces have windows from now on. False, with a message, when the host's pages are not 4 KiB
 *  or it grants too few addresses or mappings. Undone by mmu_destroy. */
bool mmu_enable_windows(struct mmu *mmu, struct error *error);

/**
 * Base of the window of the current space and view, or NULL when it has none (not enabled, not
 * worth it). Ask again after mmu_set_paging and mmu_set_user, and from time to time while the
 * answer is NULL; nothing else gives a space its window. The addresses stay reserved, and harmless
 * to access, until mmu_destroy, even when the window is lost.
 *
 * Add to mmu->executed the instructions that were executed: by them windows are earned, and kept.
 */
uint8_t *mmu_window(struct mmu *mmu);

/**
 * Map the page of `linear` (fault address minus mmu_window; anything from 2^32 on is refused) in
 * the current window, and perhaps its neighbours. For the SIGSEGV handler of the thread that runs
 * the guest: allocates nothing, takes no lock, returns. Accessed and dirty bits are set as the
 * access would set them, and not at all when it would fault; mmu->fault stays as it is.
 *
 * @is_write  the access writes, or reads and writes
 * @return    WINDOW_SLOW for registers, watched frames and a page that is mapped already
 */
enum window_fill mmu_window_fill(struct mmu *mmu, linear_addr linear, bool is_write);

/** Host mappings that windows may cost at most now, and do cost (an upper bound). */
unsigned mmu_window_mappings(const struct mmu *mmu, unsigned *used);

/* For mmu.c and shadow*.c. All of these do nothing where there are no windows. */

void window_destroy_set(struct window_set *set);
/** Unmap pages [first, end), before their entries go. */
void window_drop_pages(struct shadow *shadow, struct shadow_space *space, uint32_t first,
                       uint32_t end);
/** Unmap everything, before the space is emptied. */
void window_drop_space(struct shadow *shadow, struct shadow_space *space);
/** Make one page read-only, before its write entries go. */
void window_protect_page(struct shadow *shadow, struct shadow_space *space, uint32_t page);

/* window_policy.c */

/* What calls of the host cost, in ns: a trap with a page mapped and touched, pages unmapped, rights
   taken away. Measured on Linux 6.18 in a virtual machine (AMD Zen 5). */
#define WINDOW_FILL_NS    8000
#define WINDOW_UNMAP_NS   2500
#define WINDOW_PROTECT_NS 1000

/** Count what mmu->executed tells. May give the current space, or the common one, its window. */
void window_account(struct mmu *mmu);
/** The space's window, if it has one, cost so much. */
void window_spend(struct shadow_space *space, int64_t cost_ns);
/** True when its window has cost so much that the space lost it now. */
bool window_costs_too_much(struct shadow *shadow, struct shadow_space *space);
/** The space now stands for another address space: a window must be earned anew. */
void window_forget_space(struct shadow_space *space);
/** The guest took a page table, and with it mapped pages, out of the space. */
void window_cool_space(struct shadow *shadow, struct shadow_space *space);

/** The space whose window is in force, or would be. */
static inline struct shadow_space *window_space(const struct mmu *mmu) {
    return mmu->is_user ? mmu->shadow->current : mmu->shadow->common;
}

#endif
