/*
 * When a place is worth a translation: after it was wanted a few times, because most of a boot runs
 * only once; after many more where translations were lost to writes soon after they were made. So
 * code that is rewritten all the time is interpreted, which is far cheaper than to translate it for
 * a single use, and code that settles is translated again.
 */
#ifndef TRANSLATOR_CACHE_WARM_UP_H
#define TRANSLATOR_CACHE_WARM_UP_H

#include "softmmu/address.h"
#include "softmmu/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct warm_up;

/** NULL, with a message, when there is no memory. Freed with free(). */
struct warm_up *warm_up_create(struct error *error);

/** The place is wanted and has no translation. True: it is worth one, which is made now, at
 *  instruction `icount`. */
bool warm_up_is_over(struct warm_up *warm_up, frame_number frame, unsigned offset, uint64_t icount);

/** The translation that begins there was lost to a write: to itself, or, with `is_whole_frame`, to
 *  one that rewrote the frame or made it data. */
void warm_up_note_loss(struct warm_up *warm_up, frame_number frame, unsigned offset,
                       uint64_t icount, bool is_whole_frame);

/** From now on everything is worth a translation. */
void warm_up_skip(struct warm_up *warm_up);

#endif
