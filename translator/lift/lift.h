/*
 * Guest code to IR: find the block's end, decode, and lift each instruction; what has no lifter
 * becomes IR_GUEST, a call of the interpreter's handler.
 */
#ifndef TRANSLATOR_LIFT_LIFT_H
#define TRANSLATOR_LIFT_LIFT_H

#include "interp/decode/decode.h"
#include "translator/ir/ir.h"

enum lift_status {
    LIFT_OK,
    LIFT_FALLBACK, /* first instruction cannot start a block here (fetch fault, page crossing,
                      invalid): let the interpreter execute one instruction */
};

/** Where the bytes of a block come from. */
struct lift_source {
    const uint8_t *bytes; /* host address of the first instruction */
    unsigned available;   /* bytes up to the page's end */
    uint32_t ip;
    const struct decode_index *index; /* encodings of the CPU model */
};

/** Lift one block. The result satisfies ir_verify. */
enum lift_status lift_block(const struct lift_source *source, const struct block_mode *mode,
                            struct ir_block *block);

#endif
