/*
 * Reader for MOO files: single-step cases captured from a real CPU (the SingleStepTests
 * collections). Little-endian chunks; see the README beside the vectors for the format.
 */
#ifndef TESTS_CONFORMANCE_MOO_H
#define TESTS_CONFORMANCE_MOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum moo_register {
    MOO_AX,
    MOO_BX,
    MOO_CX,
    MOO_DX,
    MOO_CS,
    MOO_SS,
    MOO_DS,
    MOO_ES,
    MOO_SP,
    MOO_BP,
    MOO_SI,
    MOO_DI,
    MOO_IP,
    MOO_FLAGS,
    MOO_REGISTERS
};

struct moo_byte {
    uint32_t address;
    uint8_t value;
};

struct moo_state {
    uint16_t reg[MOO_REGISTERS];
    uint16_t present; /* bit n: reg[n] was given */
    struct moo_byte *ram;
    unsigned ram_count;
};

struct moo_case {
    uint32_t index;
    char name[64];
    uint8_t bytes[32]; /* the last one is the HLT behind the instruction */
    unsigned length;
    struct moo_state initial, final;
    bool has_exception;
    uint8_t vector;
    uint8_t hash[20];
};

struct moo_file {
    struct moo_case *cases;
    unsigned count;
};

/** Load a gzip-compressed file. False when it cannot be read or is malformed. */
bool moo_load(const char *path, struct moo_file *file);
void moo_free(struct moo_file *file);

#endif
