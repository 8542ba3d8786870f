/*
 * Guest-physical address space: RAM (one memfd), ROM and memory-mapped registers, as regions with
 * priorities. For each 4 KiB page the readable region of highest priority answers reads and the
 * writable one of highest priority takes writes, so PAM's "read ROM, write RAM" needs no special
 * case. Unmapped reads give all ones; writes to ROM and to nothing are dropped.
 *
 * Frames can be watched: a write to a watched frame, by CPU or DMA, through whichever alias,
 * calls the watchers. Code caches and shadow page tables rely on this.
 *
 * Nothing here locks: whoever calls (vCPU or device) is the only one to do so at that moment.
 */
#ifndef SOFTMMU_PHYSMEM_H
#define SOFTMMU_PHYSMEM_H

#include "softmmu/address.h"
#include "softmmu/base/error.h"
#include "softmmu/base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct physmem;

/** Registers in memory. `offset` is relative to the region; size is 1, 2, 4 or 8 bytes. */
struct mmio_ops {
    uint64_t (*read)(void *opaque, phys_addr offset, unsigned size);
    void (*write)(void *opaque, phys_addr offset, unsigned size, uint64_t value);
};

enum phys_region_kind { PHYS_RAM, PHYS_ROM, PHYS_MMIO };

typedef int phys_region_id; /* negative: none */

/* Of two regions with the same priority the one added later wins. Names must outlive physmem. */

/** Make an address space whose RAM is `ram_bytes` long (a multiple of 4 KiB, up to 3.5 GiB). */
struct physmem *physmem_create(uint64_t ram_bytes, struct log *log, struct error *error);
void physmem_destroy(struct physmem *pm);

/** Host address of RAM offset 0, and RAM's length in bytes. RAM is contiguous in the host. */
uint8_t *physmem_ram(struct physmem *pm);
uint64_t physmem_ram_bytes(const struct physmem *pm);
/** File descriptor of the memfd behind RAM and ROM (windows map pages of it). */
int physmem_fd(const struct physmem *pm);

/** Map RAM bytes [ram_offset, ram_offset + size) at physical `base`. */
phys_region_id physmem_add_ram(struct physmem *pm, const char *name, phys_addr base, uint64_t size,
                               uint64_t ram_offset, int priority);
/** Copy `size` bytes into a new ROM and map it at `base`; the size is rounded up to a page. */
phys_region_id physmem_add_rom(struct physmem *pm, const char *name, phys_addr base,
                               const void *bytes, uint64_t size, int priority);
/** Map bytes of an existing ROM region a second time (the BIOS below 1 MiB and below 4 GiB). */
phys_region_id physmem_add_rom_alias(struct physmem *pm, const char *name, phys_addr base,
                                     uint64_t size, phys_region_id rom, uint64_t rom_offset,
                                     int priority);
phys_region_id physmem_add_mmio(struct physmem *pm, const char *name, phys_addr base, uint64_t size,
                                const struct mmio_ops *ops, void *opaque, int priority);
/** A region of device memory that reads and writes like RAM (a linear frame buffer). */
phys_region_id physmem_add_device_ram(struct physmem *pm, const char *name, phys_addr base,
                                      uint64_t size, uint8_t **host, int priority);

/** Let a region answer reads and take writes, or step aside for what lies below it. New regions do
 *  both; a ROM takes writes by dropping them, so PAM's "write RAM" is `writes` = false. */
void physmem_set_enabled(struct physmem *pm, phys_region_id region, bool reads, bool writes);
/** Move a region to another physical address (PCI BARs), page-aligned unless it is registers. */
void physmem_move(struct physmem *pm, phys_region_id region, phys_addr base);
/** Let address line 20 through (true) or force it to 0. */
void physmem_set_a20(struct physmem *pm, bool enabled);
bool physmem_a20(const struct physmem *pm);

/** What one physical page is, for whoever caches the answer until the next map change. */
struct phys_page {
    uint8_t *read_host;  /* bytes of the page, or NULL when reads go to registers or nowhere */
    uint8_t *write_host; /* bytes of the page, or NULL when writes need physmem_write */
    frame_number read_frame;
    frame_number write_frame;
};
/** Look a physical address up; A20 applies. write_host ignores watches (see physmem_watches). */
struct phys_page physmem_page(struct physmem *pm, phys_addr addr);

/** Read or write 1, 2, 4 or 8 bytes within one page, as the CPU does, registers included. */
uint64_t physmem_read(struct physmem *pm, phys_addr addr, unsigned size);
void physmem_write(struct physmem *pm, phys_addr addr, unsigned size, uint64_t value);

/** Copy any span of bytes on behalf of a device. Registers read as ones and ignore the write. */
void physmem_dma_read(struct physmem *pm, phys_addr addr, void *to, size_t size);
void physmem_dma_write(struct physmem *pm, phys_addr addr, const void *from, size_t size);
/** How many bytes of DMA went to registers or to nothing so far. */
uint64_t physmem_dma_refused_bytes(const struct physmem *pm);

/* Why a frame is watched. WATCH_STORES: somebody records every write (lockstep). */
enum physmem_watch { WATCH_CODE = 1, WATCH_PAGE_TABLE = 2, WATCH_STORES = 4 };

/** Called before the caller continues, after `size` bytes at `offset` of the frame changed. */
typedef void physmem_written_fn(void *opaque, frame_number frame, unsigned offset, unsigned size);
/** Called when the meaning of physical addresses changed (PAM, BAR, A20): drop what is cached. */
typedef void physmem_remapped_fn(void *opaque);

/** Register a listener for writes to frames watched for `reason`; at most 32 listeners in all.
 *  Listeners return to their caller; they may watch, unwatch and write memory. */
void physmem_on_write(struct physmem *pm, enum physmem_watch reason, physmem_written_fn *written,
                      void *opaque);
void physmem_on_remap(struct physmem *pm, physmem_remapped_fn *remapped, void *opaque);
/** Called when a frame becomes watched, for the first reason and then for WATCH_CODE, so that
 *  writable mappings of it can be withdrawn, and such as are no leave to execute. */
typedef void physmem_protect_fn(void *opaque, frame_number frame, enum physmem_watch reason);
void physmem_on_protect(struct physmem *pm, physmem_protect_fn *protect, void *opaque);

/** Take every listener with this `opaque` off the list. */
void physmem_remove_listener(struct physmem *pm, void *opaque);

/** Watch a frame. WATCH_PAGE_TABLE is counted, since several MMUs may share one memory: each watch
 *  needs its own unwatch. WATCH_CODE is not. Listeners may call these while they are called. */
void physmem_watch(struct physmem *pm, frame_number frame, enum physmem_watch reason);
void physmem_unwatch(struct physmem *pm, frame_number frame, enum physmem_watch reason);
/** The reasons (a mask) for which a frame is watched. */
uint8_t physmem_watches(const struct physmem *pm, frame_number frame);
/** Call the watchers of a frame after bytes of it were changed through a host pointer. */
void physmem_frame_written(struct physmem *pm, frame_number frame, unsigned offset, unsigned size);
/** Bytes of a frame in the host; frames are contiguous there, frame 0 is RAM's first. */
uint8_t *physmem_frame_host(struct physmem *pm, frame_number frame);
frame_number physmem_frame_count(const struct physmem *pm);
/** No frame number ever reaches this, whatever is added later: size arrays by it. */
frame_number physmem_frame_limit(const struct physmem *pm);

/** Running hash over everything in the store: RAM, ROMs and device memory. */
uint64_t physmem_hash(const struct physmem *pm, uint64_t hash);

#endif
