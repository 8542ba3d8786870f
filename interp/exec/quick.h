/*
 * Quick handlers: faster versions of hot handlers, for places in a block where they are enough.
 * They compute no flags where a later instruction of the block sets them first and nothing between
 * can fault; they take address forms without index; they do a comparison and its branch in one; and
 * branches lead into the next block without the sentinel's dispatch.
 *
 * Invariant: what a quick handler leaves out can be seen only in the middle of a block. So a run
 * that is to end there takes them back first.
 */
#ifndef INTERP_EXEC_QUICK_H
#define INTERP_EXEC_QUICK_H

#include "interp/decode/insn.h"

/** Give the insns of a block, which the sentinel insns[count] closes, quick handlers. */
void quick_apply(struct insn *insns, unsigned count);
/** Give them back their handlers by op, width and form. */
void quick_remove(struct insn *insns, unsigned count);

#endif
