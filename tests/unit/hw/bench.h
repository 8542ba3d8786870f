/* A little machine without a CPU for tests of chips: ports, 2 MiB of RAM, a clock that the test
 * sets, interrupt lines that are counted, and disk images in temporary files. */
#ifndef TESTS_UNIT_HW_BENCH_H
#define TESTS_UNIT_HW_BENCH_H

#include "hw/core/disk_image.h"
#include "hw/core/irq.h"
#include "hw/core/port_map.h"
#include "softmmu/physmem.h"
#include "tests/support/fake_clock.h"

#define BENCH_LINES     32
#define BENCH_RAM_BYTES (UINT64_C(2) << 20)

struct bench {
    struct log log;
    struct port_map *ports;
    struct physmem *physmem;
    struct fake_clock time;
    bool level[BENCH_LINES];
    unsigned rises[BENCH_LINES];
};

void bench_init(struct bench *bench);
void bench_free(struct bench *bench);
/** Line `number`, whose level and rising edges the bench keeps. */
struct irq_line bench_line(struct bench *bench, unsigned number);

/** A temporary image of so many sectors; sector n is filled with the byte n (mod 251), its number
 *  in the first four bytes. Unlinked when the process ends. */
struct disk_image *bench_image(uint64_t sectors, bool readonly);
/** What byte `at` of sector `sector` of such an image is. */
uint8_t bench_image_byte(uint64_t sector, unsigned at);

static inline uint8_t in8(struct bench *b, uint16_t port) {
    return (uint8_t)port_map_read(b->ports, port, 1);
}
static inline uint16_t in16(struct bench *b, uint16_t port) {
    return (uint16_t)port_map_read(b->ports, port, 2);
}
static inline uint32_t in32(struct bench *b, uint16_t port) {
    return port_map_read(b->ports, port, 4);
}
static inline void out8(struct bench *b, uint16_t port, uint8_t value) {
    port_map_write(b->ports, port, 1, value);
}
static inline void out16(struct bench *b, uint16_t port, uint16_t value) {
    port_map_write(b->ports, port, 2, value);
}
static inline void out32(struct bench *b, uint16_t port, uint32_t value) {
    port_map_write(b->ports, port, 4, value);
}

#define expect_eq(actual, expected)                                                                \
    do {                                                                                           \
        unsigned long long got_ = (unsigned long long)(actual);                                    \
        unsigned long long want_ = (unsigned long long)(expected);                                 \
        cr_expect_eq(got_, want_, #actual ": expected %llx, got %llx", want_, got_);               \
    } while (0)

#endif
