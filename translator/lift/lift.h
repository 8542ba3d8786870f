/*
 * Guest code to IR: find the block's end, decode, and lift each instruction; what has no lifter
 * becomes IR_GUEST, a call of the interpreter's handler. A superblock goes on behind its branches,
 * along a path that the caller names.
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
    const uint8_t *page; /* host address of the page of the first instruction */
    unsigned offset;     /* of the instruction in it */
    uint32_t ip;
    const struct decode_index *index; /* encodings of the CPU model */
    unsigned most_guest;              /* instructions in a basic block; 0: as many as fit */
};

/** Where execution went most often from the branch at `ip`; false: the path ends there. */
typedef bool lift_path_fn(const void *path, uint32_t ip, uint32_t *next_ip);

/** Lift one block. The result satisfies ir_verify. */
enum lift_status lift_block(const struct lift_source *source, const struct block_mode *mode,
                            struct ir_block *block);
/** Lift a superblock: as lift_block, but at direct jumps and branches whose target lies in the page
 *  `next` says where to go on. A path that comes back to the first instruction is followed several
 *  times if it is short, and then ends there. The flags that side exits read are those of their
 *  conditions only; what their targets may read is still to be added. */
enum lift_status lift_superblock(const struct lift_source *source, const struct block_mode *mode,
                                 lift_path_fn *next, const void *path, struct ir_block *block);

#endif
