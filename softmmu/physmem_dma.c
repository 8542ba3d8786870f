/*
 * Copies on behalf of devices. They are clipped page by page and never reach registers: a device
 * that could call another device's registers, or its own, could be made to recurse without end.
 */
#include "softmmu/physmem.h"
#include "softmmu/physmem_private.h"

#include <string.h>

static size_t clip_to_page(phys_addr addr, size_t size) {
    size_t room = GUEST_PAGE_SIZE - (size_t)(addr & GUEST_PAGE_MASK);
    return size < room ? size : room;
}

void physmem_dma_read(struct physmem *pm, phys_addr addr, void *to, size_t size) {
    uint8_t *out = to;
    while (size != 0 && addr < PHYS_MAP_END) {
        size_t part = clip_to_page(addr, size);
        struct phys_page page = physmem_page(pm, addr);
        if (page.read_host) {
            memcpy(out, page.read_host + (addr & GUEST_PAGE_MASK), part);
        } else {
            memset(out, 0xff, part);
            pm->dma_refused_bytes += part;
        }
        addr += part;
        out += part;
        size -= part;
    }
    if (size != 0) {
        memset(out, 0xff, size);
        pm->dma_refused_bytes += size;
    }
}

void physmem_dma_write(struct physmem *pm, phys_addr addr, const void *from, size_t size) {
    const uint8_t *in = from;
    while (size != 0 && addr < PHYS_MAP_END) {
        size_t part = clip_to_page(addr, size);
        unsigned offset = (unsigned)(addr & GUEST_PAGE_MASK);
        struct phys_page page = physmem_page(pm, addr);
        if (page.write_host) {
            memcpy(page.write_host + offset, in, part);
            physmem_frame_written(pm, page.write_frame, offset, (unsigned)part);
        } else {
            pm->dma_refused_bytes += part;
        }
        addr += part;
        in += part;
        size -= part;
    }
    pm->dma_refused_bytes += size;
}

uint64_t physmem_dma_refused_bytes(const struct physmem *pm) {
    return pm->dma_refused_bytes;
}
