/*
 * From bytes to struct insn. The decoder knows encodings only: it neither fetches nor raises; the
 * caller hands it a span of bytes and turns the status into an exception.
 */
#ifndef INTERP_DECODE_DECODE_H
#define INTERP_DECODE_DECODE_H

#include "interp/decode/decode_index.h"
#include "interp/decode/insn.h"

#include <stddef.h>

/* SDM vol. 3A, exception 13: an instruction may not be longer. */
#define DECODE_MAX_LENGTH 15

enum decode_mode {
    DECODE_16, /* CS.D clear: also real and virtual-8086 mode */
    DECODE_32, /* CS.D set */
};

enum decode_status {
    DECODE_OK,
    DECODE_INVALID,   /* #UD; insn is the operation UD with the length seen so far */
    DECODE_TOO_LONG,  /* #GP(0): more than 15 bytes */
    DECODE_NEED_MORE, /* the span ended (end of a page): call again with more bytes */
};

struct decode_context {
    const struct decode_index *index;
    const uint8_t *bytes; /* first byte of the instruction */
    size_t available;     /* bytes that may be read; no more than 15 ever are */
    enum decode_mode mode;
};

/**
 * Decode one instruction.
 *
 * @insn    out; complete, but for ip_offset and index, which are 0, when the result is DECODE_OK or
 *          DECODE_INVALID; unspecified otherwise. After DECODE_INVALID insn->exec raises #UD.
 *          seg is DS, or SS when the base is (E)SP or (E)BP, or the override: also for
 *          instructions whose memory operand is implied (strings, XLAT, MASKMOVQ)
 *
 * The last of several segment prefixes counts, and the last of F2 and F3; others may be repeated.
 * LOCK is invalid but on LOCKABLE encodings with a memory destination.
 *
 * Source: SDM vol. 2A, "Instruction Format".
 */
enum decode_status decode(const struct decode_context *context, struct insn *insn);

#endif
