/*
 * What of a struct is the machine's state. Each saved struct has one table beside it that names
 * every member, saved or explicitly not; a lint test compares members with rows, so that a new
 * member cannot be forgotten. Tables feed the state hash now and snapshots later.
 */
#ifndef SOFTMMU_BASE_STATE_H
#define SOFTMMU_BASE_STATE_H

#include <stddef.h>
#include <stdint.h>

struct state_field {
    const char *name;
    size_t offset;
    size_t size;
    unsigned version; /* format version that added the member; 0 = not saved */
};

struct state_table {
    const char *name; /* name of the section, e.g. "pit_i8254" */
    size_t struct_size;
    const struct state_field *fields;
    size_t count;
};

/* `tag` is the struct's tag. Pointers, callbacks and wiring are NOT_SAVED. */
#define FIELD(tag, member, since)                                                                  \
    { #member, offsetof(struct tag, member), sizeof(((struct tag *)0)->member), since }
#define NOT_SAVED(tag, member)                                                                     \
    { #member, offsetof(struct tag, member), sizeof(((struct tag *)0)->member), 0 }
#define STATE_TABLE(tag, field_array)                                                              \
    { #tag, sizeof(struct tag), field_array, sizeof(field_array) / sizeof(field_array[0]) }

#define STATE_HASH_SEED UINT64_C(0xcbf29ce484222325)

/** Mix `size` bytes into a running 64-bit hash. Equal on every host for equal bytes. */
uint64_t state_hash_bytes(uint64_t hash, const void *bytes, size_t size);

/** Mix every saved member of `object` into a running hash (host byte order of integers). */
uint64_t state_hash(uint64_t hash, const struct state_table *table, const void *object);

#endif
