/*
 * Bit fields and rotations on plain integers, and unaligned little-endian access to bytes.
 * Every function is pure; widths and positions are in bits.
 */
#ifndef SOFTMMU_BASE_BITS_H
#define SOFTMMU_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x)         __builtin_expect(!!(x), 1)
#define UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/** Bits [first, first + width) of value, moved down to bit 0. */
static inline uint64_t bits_extract(uint64_t value, unsigned first, unsigned width) {
    return (value >> first) & (width < 64 ? (UINT64_C(1) << width) - 1 : ~UINT64_C(0));
}

/** True when bit number `bit` of value is set. */
static inline bool bit_is_set(uint64_t value, unsigned bit) {
    return (value >> bit) & 1;
}

/** The low `width` bits of value as a two's complement number. */
static inline int64_t bits_sign_extend(uint64_t value, unsigned width) {
    unsigned shift = 64 - width;
    return (int64_t)(value << shift) >> shift;
}

static inline uint16_t load_le16(const void *from) {
    const uint8_t *b = from;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t load_le32(const void *from) {
    const uint8_t *b = from;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t load_le64(const void *from) {
    const uint8_t *b = from;
    return load_le32(b) | (uint64_t)load_le32(b + 4) << 32;
}

static inline void store_le16(void *to, uint16_t value) {
    uint8_t *b = to;
    b[0] = (uint8_t)value;
    b[1] = (uint8_t)(value >> 8);
}

static inline void store_le32(void *to, uint32_t value) {
    store_le16(to, (uint16_t)value);
    store_le16((uint8_t *)to + 2, (uint16_t)(value >> 16));
}

static inline void store_le64(void *to, uint64_t value) {
    store_le32(to, (uint32_t)value);
    store_le32((uint8_t *)to + 4, (uint32_t)(value >> 32));
}

#endif
