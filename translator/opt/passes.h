/*
 * Passes over the IR. Each keeps ir_verify's invariants; debug builds verify after each.
 */
#ifndef TRANSLATOR_OPT_PASSES_H
#define TRANSLATOR_OPT_PASSES_H

#include "interp/decode/decode_index.h"
#include "translator/ir/ir.h"

/** Shrink flags_out to what is read later; `live_out` are the flags that successors may read. Fills
 *  flags_live. */
void pass_dead_flags(struct ir_block *block, uint16_t live_out);
/** Fold operations on constants and copies of temporaries. */
void pass_fold_constants(struct ir_block *block);
/** Remove pure operations whose results nobody reads. */
void pass_dead_code(struct ir_block *block);

/** Flags that code at `source` may read before it writes them, looking a few instructions ahead. */
uint16_t flags_read_by_successor(const uint8_t *bytes, unsigned available,
                                 const struct block_mode *mode, const struct decode_index *index);

#endif
