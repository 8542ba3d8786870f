/*
 * Which frames hold decoded or translated code, to granules of 128 bytes, and who must hear of a
 * write to it. A frame with code is watched (physmem_watch), so its writes come to the slow path;
 * a write that misses every granule with code costs only that, until there were many of them: then
 * the whole frame is reported.
 */
#ifndef SOFTMMU_CODE_PAGES_H
#define SOFTMMU_CODE_PAGES_H

#include "softmmu/physmem.h"

#define CODE_GRANULE_SHIFT 7

struct code_pages;

/** Called when bytes [offset, offset + size) of a frame, some of them code, were written or are not
 *  to be watched any longer.
 *  Subscribers drop what they derived from those bytes, and return: the write may come from the
 *  middle of a page walk or a DMA transfer. They may mark and clear. */
typedef void code_written_fn(void *opaque, frame_number frame, unsigned offset, unsigned size);

struct code_pages *code_pages_create(struct physmem *pm, struct error *error);
void code_pages_destroy(struct code_pages *cp);
/** At most 4 subscribers; the result is the subscriber's number for the calls below. */
unsigned code_pages_subscribe(struct code_pages *cp, code_written_fn *written, void *opaque);
/** The subscriber now has code derived from bytes [offset, offset + size) of the frame. */
void code_pages_mark(struct code_pages *cp, unsigned subscriber, frame_number frame,
                     unsigned offset, unsigned size);
/** The subscriber has nothing derived from the frame any more; without subscribers it is no longer
 *  watched. */
void code_pages_clear(struct code_pages *cp, unsigned subscriber, frame_number frame);

#endif
