/*
 * Fuzz target: the decoder. The first byte picks mode and features, the others are code. The code
 * ends where a page without rights begins, so a read behind the bytes that exist, or behind the
 * 15th, is a fault. Where every feature is on, the length must be Capstone's but for the list in
 * tests/support/capstone_differences.c.
 */
#include "interp/decode/decode.h"
#include "interp/decode/disasm.h"
#include "interp/decode/op.h"
#include "tests/support/capstone_differences.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Immutable once made, so inputs stay independent; making it for each would take most of the time.
 */
struct equipment {
    struct decode_index *index[2];
    struct disasm *disasm;
    uint8_t *guard; /* the page without rights */
};

static void prepare(struct equipment *equipment) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
        abort();
    equipment->guard = pages + page;
    equipment->index[0] = decode_index_create(FEATURE_BIT(I486), NULL);
    equipment->index[1] = decode_index_create(~UINT64_C(0), NULL);
    equipment->disasm = disasm_create();
    if (!equipment->index[0] || !equipment->index[1] || !equipment->disasm)
        abort();
}

static void check_length(const struct equipment *equipment, const uint8_t *data, size_t size,
                         enum decode_mode mode, unsigned ours) {
    uint8_t bytes[DECODE_MAX_LENGTH + 1] = {0};
    char text[DISASM_TEXT_SIZE];
    memcpy(bytes, data, size);
    size_t theirs = disasm_insn(equipment->disasm, mode == DECODE_32 ? DISASM_32 : DISASM_16, bytes,
                                DECODE_MAX_LENGTH, 0, text);
    if (ours == theirs || capstone_may_differ(bytes, ours, theirs))
        return;
    fprintf(stderr, "%d-bit code: we say %u, Capstone %zu (%s)\n", mode == DECODE_32 ? 32 : 16,
            ours, theirs, text);
    abort();
}

static bool is_well_formed(const struct insn *insn, size_t available) {
    return insn->length >= 1 && insn->length <= available && insn->op < OP_COUNT &&
           insn->base < GPR_SLOTS && insn->index_reg < GPR_SLOTS && insn->seg < SEG_COUNT &&
           insn->scale <= 3 && insn->reg <= 7 && insn->rm <= 7;
}

/* The same bytes with another tail must decode alike when `insn` did not need the tail. */
static void check_one(const struct equipment *equipment, bool is_modern, const uint8_t *data,
                      size_t size, enum decode_mode mode) {
    size_t available = size < DECODE_MAX_LENGTH ? size : DECODE_MAX_LENGTH;
    uint8_t *bytes = equipment->guard - available;
    memcpy(bytes, data, available);
    struct insn insn, again;
    struct decode_context context = {equipment->index[is_modern], bytes, size, mode};
    enum decode_status status = decode(&context, &insn);
    if (status == DECODE_OK || status == DECODE_INVALID) {
        if (!is_well_formed(&insn, available))
            abort();
        uint8_t length = insn.length;
        context.bytes = equipment->guard - length;
        context.available = length;
        memmove(equipment->guard - length, bytes, length);
        if (decode(&context, &again) != status || memcmp(&insn, &again, sizeof(insn)) != 0)
            abort();
    } else if ((status == DECODE_NEED_MORE) != (size < DECODE_MAX_LENGTH)) {
        abort();
    }
    if (is_modern && status != DECODE_NEED_MORE)
        check_length(equipment, data, available, mode, status == DECODE_OK ? insn.length : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct equipment equipment;
    if (size < 1)
        return 0;
    if (equipment.guard == NULL)
        prepare(&equipment);
    check_one(&equipment, data[0] & 2, data + 1, size - 1, data[0] & 1);
    return 0;
}
