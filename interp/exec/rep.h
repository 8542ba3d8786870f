/*
 * How far a repeated string instruction goes before the engine looks at events again. It counts as
 * one instruction then, unfinished, and is executed again.
 */
#ifndef INTERP_EXEC_REP_H
#define INTERP_EXEC_REP_H

#include <stdint.h>

#define REP_CHUNK_SHIFT 12
#define REP_CHUNK       (UINT32_C(1) << REP_CHUNK_SHIFT)

/** Iterations until then, from a count that is not 0: down to the next multiple of REP_CHUNK. So
 *  the place depends on the count alone, and not on where a fault made the instruction start anew.
 */
static inline uint32_t rep_chunk(uint32_t count) {
    return (count - 1) % REP_CHUNK + 1;
}

#endif
