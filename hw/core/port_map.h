/*
 * The I/O port space: ranges of ports and the chips behind them. An access wider than a chip
 * supports is split into smaller ones, low address first; unclaimed ports read all ones.
 */
#ifndef HW_CORE_PORT_MAP_H
#define HW_CORE_PORT_MAP_H

#include "softmmu/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct port_ops {
    const char *name;
    /** size is 1, 2 or 4 bytes, at most max_size. port is the absolute port number. */
    uint32_t (*read)(void *opaque, uint16_t port, unsigned size);
    void (*write)(void *opaque, uint16_t port, unsigned size, uint32_t value);
    unsigned max_size; /* 0 means 1 */
};

struct port_map;

struct port_map *port_map_create(struct log *log);
void port_map_destroy(struct port_map *map);
/** Claim `count` ports from `first`. The newest claim wins where ranges overlap. */
void port_map_add(struct port_map *map, uint16_t first, unsigned count, const struct port_ops *ops,
                  void *opaque);
/** Take back all claims made with this opaque and first port (PCI BARs that move). */
void port_map_remove(struct port_map *map, uint16_t first, void *opaque);
uint32_t port_map_read(struct port_map *map, uint16_t port, unsigned size);
void port_map_write(struct port_map *map, uint16_t port, unsigned size, uint32_t value);
/** Accesses since start, for -stats. */
uint64_t port_map_accesses(const struct port_map *map);

#endif
