/*
 * The store behind guest-physical memory, and single accesses to it. The store is one memory file,
 * mapped shared: RAM first, then ROMs and device memory as they are added. Its host addresses are
 * reserved in one piece, so a frame's address is a multiplication away.
 */
#include "softmmu/physmem.h"

#include "softmmu/base/bits.h"
#include "softmmu/base/state.h"
#include "softmmu/physmem_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_RAM_BYTES (UINT64_C(3584) << 20)

/* A file without a name: memfd where the host has it, else a shared memory object. */
static int open_memory_file(void) {
#ifdef MFD_CLOEXEC
    int fd = memfd_create("pentimento-memory", MFD_CLOEXEC);
    if (fd >= 0) {
        return fd;
    }
#endif
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        char name[64];
        snprintf(name, sizeof(name), "/pentimento-%ld-%u", (long)getpid(), attempt);
        int object = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (object >= 0) {
            shm_unlink(name);
            return object;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return -1;
}

static void *reserve(uint64_t size, int protection) {
    void *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

uint64_t physmem_grow_store(struct physmem *pm, uint64_t size) {
    uint64_t offset = pm->store_bytes;
    uint64_t room = pm->store_limit - offset;
    if (size == 0 || size > room) {
        return UINT64_MAX;
    }
    size = (size + PHYS_STORE_ALIGN - 1) & ~(PHYS_STORE_ALIGN - 1);
    if (size > room || ftruncate(pm->fd, (off_t)(offset + size)) != 0) {
        return UINT64_MAX;
    }
    void *at = mmap(pm->store + offset, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                    pm->fd, (off_t)offset);
    if (at == MAP_FAILED) {
        return UINT64_MAX;
    }
    pm->store_bytes = offset + size;
    return offset;
}

static bool set_up(struct physmem *pm, uint64_t ram_bytes, struct error *error) {
    pm->store_limit = ram_bytes + PHYS_STORE_ALIGN + PHYS_EXTRA_BYTES;
    pm->store_limit &= ~(PHYS_STORE_ALIGN - 1);
    pm->fd = open_memory_file();
    if (pm->fd < 0) {
        return error_set(error, "cannot create a memory file: %s", strerror(errno));
    }
    frame_number frames = physmem_frame_limit(pm);
    pm->store = reserve(pm->store_limit, PROT_NONE);
    pm->read_map = reserve(PHYS_MAP_PAGES * sizeof(uint32_t), PROT_READ | PROT_WRITE);
    pm->write_map = reserve(PHYS_MAP_PAGES * sizeof(uint32_t), PROT_READ | PROT_WRITE);
    pm->watches = calloc(frames, 1);
    pm->table_watchers = calloc(frames, 1);
    if (!pm->store || !pm->read_map || !pm->write_map || !pm->watches || !pm->table_watchers) {
        return error_set(error, "cannot reserve host addresses for guest memory");
    }
    if (physmem_grow_store(pm, ram_bytes) == UINT64_MAX) {
        return error_set(error, "cannot map %" PRIu64 " bytes of guest RAM: %s", ram_bytes,
                         strerror(errno));
    }
    return true;
}

struct physmem *physmem_create(uint64_t ram_bytes, struct log *log, struct error *error) {
    if (ram_bytes == 0 || ram_bytes % GUEST_PAGE_SIZE != 0 || ram_bytes > MAX_RAM_BYTES) {
        error_set(error, "RAM of %" PRIu64 " bytes: must be a multiple of 4 KiB, at most 3.5 GiB",
                  ram_bytes);
        return NULL;
    }
    struct physmem *pm = calloc(1, sizeof(*pm));
    if (!pm) {
        error_set(error, "out of memory");
        return NULL;
    }
    pm->log = log;
    pm->ram_bytes = ram_bytes;
    pm->address_lines = ~UINT64_C(0);
    if (!set_up(pm, ram_bytes, error)) {
        physmem_destroy(pm);
        return NULL;
    }
    return pm;
}

void physmem_destroy(struct physmem *pm) {
    if (!pm) {
        return;
    }
    if (pm->store) {
        munmap(pm->store, pm->store_limit);
    }
    if (pm->read_map) {
        munmap(pm->read_map, PHYS_MAP_PAGES * sizeof(uint32_t));
    }
    if (pm->write_map) {
        munmap(pm->write_map, PHYS_MAP_PAGES * sizeof(uint32_t));
    }
    free(pm->watches);
    free(pm->table_watchers);
    if (pm->fd >= 0) {
        close(pm->fd);
    }
    free(pm);
}

uint8_t *physmem_ram(struct physmem *pm) {
    return pm->store;
}

uint64_t physmem_ram_bytes(const struct physmem *pm) {
    return pm->ram_bytes;
}

int physmem_fd(const struct physmem *pm) {
    return pm->fd;
}

uint8_t *physmem_frame_host(struct physmem *pm, frame_number frame) {
    return pm->store + (uint64_t)frame * GUEST_PAGE_SIZE;
}

frame_number physmem_frame_count(const struct physmem *pm) {
    return (frame_number)(pm->store_bytes >> GUEST_PAGE_SHIFT);
}

frame_number physmem_frame_limit(const struct physmem *pm) {
    return (frame_number)(pm->store_limit >> GUEST_PAGE_SHIFT);
}

uint64_t physmem_hash(const struct physmem *pm, uint64_t hash) {
    return state_hash_bytes(hash, pm->store, pm->store_bytes);
}

struct phys_page physmem_page(struct physmem *pm, phys_addr addr) {
    struct phys_page page = {NULL, NULL, FRAME_NONE, FRAME_NONE};
    addr &= pm->address_lines;
    if (addr >= PHYS_MAP_END) {
        return page;
    }
    uint32_t read = pm->read_map[addr >> GUEST_PAGE_SHIFT];
    if (phys_entry_is_frame(read)) {
        page.read_host = phys_entry_host(pm, read);
        page.read_frame = read - 1;
    }
    uint32_t write = pm->write_map[addr >> GUEST_PAGE_SHIFT];
    if (phys_entry_is_frame(write)) {
        page.write_host = phys_entry_host(pm, write);
        page.write_frame = write - 1;
    }
    return page;
}

static uint64_t ones(unsigned size) {
    return size < 8 ? (UINT64_C(1) << (8 * size)) - 1 : ~UINT64_C(0);
}

/* True when the access lies within the region; a region shorter than its page ends early. */
static bool region_covers(const struct phys_region *region, phys_addr addr, unsigned size) {
    return addr >= region->base && addr - region->base < region->size &&
           size <= region->size - (addr - region->base);
}

static bool is_logging(const struct physmem *pm) {
    return pm->log && log_is_on(pm->log, LOG_MMIO);
}

static uint64_t read_registers(struct physmem *pm, uint32_t entry, phys_addr addr, unsigned size) {
    const struct phys_region *region = &pm->regions[entry & ~PHYS_REGISTERS];
    uint64_t value = ones(size);
    if (region_covers(region, addr, size) && region->ops->read) {
        value &= region->ops->read(region->opaque, addr - region->base, size);
    }
    if (UNLIKELY(is_logging(pm))) {
        log_write(pm->log, LOG_MMIO, "mmio %s read%u %08" PRIx64 " -> %" PRIx64, region->name, size,
                  addr, value);
    }
    return value;
}

static void write_registers(struct physmem *pm, uint32_t entry, phys_addr addr, unsigned size,
                            uint64_t value) {
    const struct phys_region *region = &pm->regions[entry & ~PHYS_REGISTERS];
    value &= ones(size);
    if (UNLIKELY(is_logging(pm))) {
        log_write(pm->log, LOG_MMIO, "mmio %s write%u %08" PRIx64 " <- %" PRIx64, region->name,
                  size, addr, value);
    }
    if (region_covers(region, addr, size) && region->ops->write) {
        region->ops->write(region->opaque, addr - region->base, size, value);
    }
}

uint64_t physmem_read(struct physmem *pm, phys_addr addr, unsigned size) {
    if (UNLIKELY((addr & GUEST_PAGE_MASK) + size > GUEST_PAGE_SIZE)) {
        uint64_t value = 0;
        for (unsigned i = 0; i < size && i < 8; i++) {
            value |= physmem_read(pm, addr + i, 1) << (8 * i);
        }
        return value;
    }
    addr &= pm->address_lines;
    uint32_t entry = addr < PHYS_MAP_END ? pm->read_map[addr >> GUEST_PAGE_SHIFT] : PHYS_NOTHING;
    if (!phys_entry_is_frame(entry)) {
        return entry == PHYS_NOTHING ? ones(size) : read_registers(pm, entry, addr, size);
    }
    const uint8_t *host = phys_entry_host(pm, entry) + (addr & GUEST_PAGE_MASK);
    switch (size) {
    case 1:
        return *host;
    case 2:
        return load_le16(host);
    case 4:
        return load_le32(host);
    default:
        return load_le64(host);
    }
}

void physmem_write(struct physmem *pm, phys_addr addr, unsigned size, uint64_t value) {
    unsigned offset = (unsigned)(addr & GUEST_PAGE_MASK);
    if (UNLIKELY(offset + size > GUEST_PAGE_SIZE)) {
        for (unsigned i = 0; i < size && i < 8; i++) {
            physmem_write(pm, addr + i, 1, value >> (8 * i) & 0xff);
        }
        return;
    }
    addr &= pm->address_lines;
    uint32_t entry = addr < PHYS_MAP_END ? pm->write_map[addr >> GUEST_PAGE_SHIFT] : PHYS_NOTHING;
    if (!phys_entry_is_frame(entry)) {
        if (entry != PHYS_NOTHING) {
            write_registers(pm, entry, addr, size, value);
        }
        return;
    }
    uint8_t *host = phys_entry_host(pm, entry) + offset;
    switch (size) {
    case 1:
        *host = (uint8_t)value;
        break;
    case 2:
        store_le16(host, (uint16_t)value);
        break;
    case 4:
        store_le32(host, (uint32_t)value);
        break;
    default:
        store_le64(host, value);
        break;
    }
    if (UNLIKELY(pm->watches[entry - 1] != 0)) {
        physmem_frame_written(pm, entry - 1, offset, size);
    }
}
