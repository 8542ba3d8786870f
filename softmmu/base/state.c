/*
 * The state hash: FNV-1a's idea (xor, multiply by a prime), eight bytes at a time. The fold after
 * each product brings high bits down, which FNV's bytewise steps do not need.
 */
#include "softmmu/base/state.h"

#include "softmmu/base/bits.h"

#define HASH_PRIME UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * HASH_PRIME;
    return hash ^ hash >> 32;
}

uint64_t state_hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    size_t left = size;
    for (; left >= 8; left -= 8, from += 8) {
        hash = mix(hash, load_le64(from));
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < left; i++) {
        tail |= (uint64_t)from[i] << (8 * i);
    }
    /* The length keeps "ab" + "" apart from "a" + "b\0". */
    return mix(mix(hash, tail), size);
}

uint64_t state_hash(uint64_t hash, const struct state_table *table, const void *object) {
    const uint8_t *base = object;
    for (size_t i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->version != 0) {
            hash = state_hash_bytes(hash, base + field->offset, field->size);
        }
    }
    return hash;
}
