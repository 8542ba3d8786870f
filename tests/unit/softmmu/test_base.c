/*
 * Logging, errors and the state hash.
 */
#include "softmmu/base/bits.h"
#include "softmmu/base/error.h"
#include "softmmu/base/log.h"
#include "softmmu/base/state.h"
#include "tests/unit/softmmu/guest_memory.h"

#include <string.h>

Test(error, keeps_the_formatted_message_and_returns_false) {
    struct error error;
    cr_assert_not(error_set(&error, "file %s line %d", "a.bin", 7));
    cr_assert_str_eq(error.message, "file a.bin line 7");
    cr_assert_not(error_set(NULL, "nobody listens"));
}

Test(log, writes_only_items_that_are_on) {
    struct log log;
    char text[64] = "";
    log_init(&log);
    log.out = fmemopen(text, sizeof(text), "w");
    log.mask = LOG_PIO;
    log_write(&log, LOG_PIO, "port %x", 0x64);
    log_write(&log, LOG_MMIO, "hidden");
    fclose(log.out);
    cr_assert_str_eq(text, "port 64\n");
}

Test(state, hash_is_a_function_of_the_bytes) {
    uint8_t bytes[21];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37);
    }
    uint64_t hash = state_hash_bytes(STATE_HASH_SEED, bytes, sizeof(bytes));
    CHECK_HEX(state_hash_bytes(STATE_HASH_SEED, bytes, sizeof(bytes)), hash);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 0x80;
        cr_assert_neq(state_hash_bytes(STATE_HASH_SEED, bytes, sizeof(bytes)), hash);
        bytes[i] ^= 0x80;
    }
    cr_assert_neq(state_hash_bytes(STATE_HASH_SEED, bytes, 20), hash);
}

struct sample {
    uint32_t kept;
    uint32_t wiring;
};

Test(state, hash_skips_members_that_are_not_saved) {
    static const struct state_field fields[] = {FIELD(sample, kept, 1), NOT_SAVED(sample, wiring)};
    static const struct state_table table = STATE_TABLE(sample, fields);
    struct sample one = {1, 2}, rewired = {1, 3}, other = {2, 2};
    uint64_t hash = state_hash(STATE_HASH_SEED, &table, &one);
    CHECK_HEX(state_hash(STATE_HASH_SEED, &table, &rewired), hash);
    cr_assert_neq(state_hash(STATE_HASH_SEED, &table, &other), hash);
}

Test(bits, fields_and_signs) {
    CHECK_HEX(bits_extract(0x12345678, 8, 8), 0x56);
    CHECK_HEX(bits_extract(UINT64_MAX, 0, 64), UINT64_MAX);
    CHECK_HEX(bits_sign_extend(0x80, 8), UINT64_C(0xffffffffffffff80));
    uint8_t bytes[9];
    store_le64(bytes + 1, UINT64_C(0x1122334455667788));
    CHECK_HEX(load_le16(bytes + 1), 0x7788);
    CHECK_HEX(load_le32(bytes + 2), 0x44556677);
    CHECK_HEX(load_le64(bytes + 1), UINT64_C(0x1122334455667788));
}
