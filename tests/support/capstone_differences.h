/*
 * Where the decoder and Capstone lawfully differ about an instruction's length: the one list, for
 * the test on random bytes and for the fuzz target.
 */
#ifndef TESTS_SUPPORT_CAPSTONE_DIFFERENCES_H
#define TESTS_SUPPORT_CAPSTONE_DIFFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Whether a difference is no error of ours.
 * @bytes   DECODE_MAX_LENGTH bytes of code, and one more
 * @ours    length that the decoder found, 0 for an invalid instruction
 * @theirs  the same of Capstone
 */
bool capstone_may_differ(const uint8_t *bytes, unsigned ours, size_t theirs);

#endif
