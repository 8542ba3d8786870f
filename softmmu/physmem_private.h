/*
 * The inside of a physical address space, for physmem*.c alone.
 *
 * Two maps, one entry per 4 KiB page below 4 GiB, answer "who takes a read (a write) here". They
 * are painted from the list of regions whenever that list changes, over the changed range only.
 */
#ifndef SOFTMMU_PHYSMEM_PRIVATE_H
#define SOFTMMU_PHYSMEM_PRIVATE_H

#include "softmmu/physmem.h"

#define PHYS_MAP_PAGES     (UINT64_C(1) << 20)
#define PHYS_MAP_END       (UINT64_C(1) << 32)
#define PHYS_MAX_REGIONS   128
#define PHYS_MAX_LISTENERS 32
/* Room kept behind RAM for ROMs and device memory. */
#define PHYS_EXTRA_BYTES (UINT64_C(256) << 20)
/* Every allocation in the store starts at a multiple of this: no smaller than any host page. */
#define PHYS_STORE_ALIGN UINT64_C(65536)

/* A map entry: nothing, a register region's number, or a frame's number + 1. */
#define PHYS_NOTHING   UINT32_C(0)
#define PHYS_REGISTERS UINT32_C(0x80000000)

struct phys_region {
    const char *name;
    enum phys_region_kind kind;
    int priority;
    bool reads, writes; /* takes part in reads, in writes */
    phys_addr base;
    uint64_t size;
    uint64_t store_offset; /* RAM and ROM: first byte in the store */
    const struct mmio_ops *ops;
    void *opaque;
};

struct phys_listener {
    void *opaque;
    uint8_t reasons; /* enum physmem_watch, for write listeners */
    physmem_written_fn *written;
    physmem_remapped_fn *remapped;
    physmem_protect_fn *protect;
};

struct physmem {
    uint32_t *read_map;
    uint32_t *write_map;
    uint8_t *store; /* host address of frame 0 */
    uint8_t *watches;
    uint8_t *table_watchers; /* how many hold WATCH_PAGE_TABLE; 255 sticks */
    phys_addr address_lines; /* mask: bit 20 follows the A20 gate */
    uint64_t dma_refused_bytes;

    int fd;
    uint64_t ram_bytes;
    uint64_t store_bytes; /* in use: RAM, then everything added */
    uint64_t store_limit; /* host addresses reserved */
    struct log *log;

    struct phys_region regions[PHYS_MAX_REGIONS];
    unsigned region_count;
    uint8_t by_priority[PHYS_MAX_REGIONS]; /* region numbers, lowest priority first */

    struct phys_listener listeners[PHYS_MAX_LISTENERS];
    unsigned listener_count;
};

static inline bool phys_entry_is_frame(uint32_t entry) {
    return entry != PHYS_NOTHING && !(entry & PHYS_REGISTERS);
}

static inline uint8_t *phys_entry_host(const struct physmem *pm, uint32_t entry) {
    return pm->store + (uint64_t)(entry - 1) * GUEST_PAGE_SIZE;
}

/** Take `size` more bytes of the store (rounded up). Returns their offset, or UINT64_MAX. */
uint64_t physmem_grow_store(struct physmem *pm, uint64_t size);
/** Tell every listener that physical addresses changed their meaning. */
void physmem_notify_remapped(struct physmem *pm);

#endif
