/*
 * Fuzz target: the decoder. The first byte picks mode and features, the others are code. The bytes
 * are copied to a heap block of exactly their size, so that the address sanitizer sees a read
 * behind them; no read may go behind 15 bytes either.
 */
#include "interp/decode/decode.h"
#include "interp/decode/op.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes with another tail must decode alike when `insn` did not need the tail. */
static void check_one(const struct decode_index *index, const uint8_t *data, size_t size,
                      enum decode_mode mode) {
    size_t available = size < DECODE_MAX_LENGTH ? size : DECODE_MAX_LENGTH;
    uint8_t *bytes = malloc(available ? available : 1);
    if (!bytes)
        return;
    memcpy(bytes, data, available);
    struct insn insn, again;
    struct decode_context context = {index, bytes, size, mode};
    enum decode_status status = decode(&context, &insn);
    if (status == DECODE_OK || status == DECODE_INVALID) {
        if (insn.length < 1 || insn.length > available || insn.op >= OP_COUNT ||
            insn.base >= GPR_SLOTS || insn.index_reg >= GPR_SLOTS || insn.seg >= SEG_COUNT ||
            insn.scale > 3 || insn.reg > 7 || insn.rm > 7)
            abort();
        context.available = insn.length;
        if (decode(&context, &again) != status || memcmp(&insn, &again, sizeof(insn)) != 0)
            abort();
    } else if ((status == DECODE_NEED_MORE) != (size < DECODE_MAX_LENGTH)) {
        abort();
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Immutable once made, so inputs stay independent; making it for each would be most of the
       time. */
    static struct decode_index *indices[2];
    if (size < 1)
        return 0;
    bool is_modern = data[0] & 2;
    if (!indices[is_modern])
        indices[is_modern] =
            decode_index_create(is_modern ? ~UINT64_C(0) : FEATURE_BIT(I486), NULL);
    if (indices[is_modern])
        check_one(indices[is_modern], data + 1, size - 1, data[0] & 1);
    return 0;
}
