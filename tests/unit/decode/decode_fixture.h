/*
 * Decoding byte strings in tests.
 */
#ifndef TESTS_UNIT_DECODE_DECODE_FIXTURE_H
#define TESTS_UNIT_DECODE_DECODE_FIXTURE_H

#include "interp/decode/decode.h"
#include "interp/decode/op.h"

#define ALL_FEATURES (~UINT64_C(0))

/** Decode bytes written as hex digits, with or without blanks, padded by 15 NOPs. */
enum decode_status decode_hex(enum decode_mode mode, const char *hex, struct insn *insn);
/** The same on a CPU with these features. */
enum decode_status decode_hex_with(uint64_t features, enum decode_mode mode, const char *hex,
                                   struct insn *insn);
/** The same with exactly the bytes given. */
enum decode_status decode_hex_unpadded(enum decode_mode mode, const char *hex, struct insn *insn);
/** Name of an operation. */
const char *op_name(unsigned op);

#endif
