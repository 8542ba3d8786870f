/*
 * The I/O port space: a table with one byte-sized claim number for each of the 65536 ports. Claims
 * are kept oldest first, so "the newest wins" is the order in which they are painted.
 */
#include "hw/core/port_map.h"

#include <stdlib.h>
#include <string.h>

#define PORT_COUNT  65536
#define CLAIM_LIMIT 255 /* claim numbers are 1..255, 0 is nobody */

struct claim {
    const struct port_ops *ops;
    void *opaque;
    uint16_t first;
    unsigned count;
};

struct port_map {
    uint8_t owner[PORT_COUNT];
    struct claim claims[CLAIM_LIMIT + 1]; /* [0] stays empty */
    unsigned claim_count;
    struct log *log;
    uint64_t accesses;
};

struct port_map *port_map_create(struct log *log) {
    struct port_map *map = calloc(1, sizeof *map);

    if (map != NULL)
        map->log = log;
    return map;
}

void port_map_destroy(struct port_map *map) {
    free(map);
}

static void paint(struct port_map *map, unsigned number) {
    const struct claim *claim = &map->claims[number];

    memset(map->owner + claim->first, (int)number, claim->count);
}

void port_map_add(struct port_map *map, uint16_t first, unsigned count, const struct port_ops *ops,
                  void *opaque) {
    struct claim *claim;

    if (map->claim_count == CLAIM_LIMIT) {
        if (map->log != NULL)
            log_write(map->log, LOG_GUEST_ERRORS, "port map: no room for %s", ops->name);
        return;
    }
    if (count > (unsigned)PORT_COUNT - first)
        count = (unsigned)PORT_COUNT - first;
    claim = &map->claims[++map->claim_count];
    claim->ops = ops;
    claim->opaque = opaque;
    claim->first = first;
    claim->count = count;
    paint(map, map->claim_count);
}

void port_map_remove(struct port_map *map, uint16_t first, void *opaque) {
    unsigned kept = 0;

    for (unsigned i = 1; i <= map->claim_count; i++) {
        if (map->claims[i].first == first && map->claims[i].opaque == opaque)
            continue;
        map->claims[++kept] = map->claims[i];
    }
    if (kept == map->claim_count)
        return;
    map->claim_count = kept;
    memset(map->owner, 0, sizeof map->owner);
    for (unsigned i = 1; i <= kept; i++)
        paint(map, i);
}

/* The widest piece of an access that one chip takes in one go. Pieces do not cross a doubleword
   boundary, because no bus cycle does. */
static unsigned piece_size(const struct port_map *map, uint16_t port, unsigned left) {
    unsigned owner = map->owner[port];
    unsigned most =
        owner != 0 && map->claims[owner].ops->max_size != 0 ? map->claims[owner].ops->max_size : 1;

    for (unsigned size = left >= 4 ? 4 : left >= 2 ? 2 : 1; size > 1; size /= 2) {
        if (size <= most && (port & 3u) + size <= 4 && map->owner[port + size - 1] == owner)
            return size;
    }
    return 1;
}

uint32_t port_map_read(struct port_map *map, uint16_t port, unsigned size) {
    uint32_t value = 0;
    unsigned piece;

    map->accesses++;
    for (unsigned done = 0; done < size; done += piece) {
        uint16_t at = (uint16_t)(port + done);
        struct claim claim = map->claims[map->owner[at]];
        uint32_t part = UINT32_MAX;

        piece = piece_size(map, at, size - done);
        if (claim.ops != NULL && claim.ops->read != NULL)
            part = claim.ops->read(claim.opaque, at, piece);
        if (piece < 4)
            part &= (UINT32_C(1) << 8 * piece) - 1;
        value |= part << 8 * done;
    }
    if (map->log != NULL && log_is_on(map->log, LOG_PIO))
        log_write(map->log, LOG_PIO, "in%u %04x -> %0*x", size * 8, port, (int)size * 2, value);
    return value;
}

void port_map_write(struct port_map *map, uint16_t port, unsigned size, uint32_t value) {
    unsigned piece;

    map->accesses++;
    if (map->log != NULL && log_is_on(map->log, LOG_PIO))
        log_write(map->log, LOG_PIO, "out%u %04x <- %0*x", size * 8, port, (int)size * 2, value);
    for (unsigned done = 0; done < size; done += piece) {
        uint16_t at = (uint16_t)(port + done);
        /* A copy: the chip may move its own claim (a PCI BAR) while it runs. */
        struct claim claim = map->claims[map->owner[at]];
        uint32_t part = value >> 8 * done;

        piece = piece_size(map, at, size - done);
        if (piece < 4)
            part &= (UINT32_C(1) << 8 * piece) - 1;
        if (claim.ops != NULL && claim.ops->write != NULL)
            claim.ops->write(claim.opaque, at, piece, part);
    }
}

uint64_t port_map_accesses(const struct port_map *map) {
    return map->accesses;
}
