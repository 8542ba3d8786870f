/*
 * The Capstone wrapper; see disasm.h.
 */
#include "interp/decode/disasm.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdlib.h>

struct disasm {
    csh handle[DISASM_MODE_COUNT];
    cs_insn *insn; /* reused by every call */
    unsigned open; /* handles that are open, from 0 up */
};

void disasm_destroy(struct disasm *disasm) {
    if (!disasm)
        return;
    if (disasm->insn)
        cs_free(disasm->insn, 1);
    while (disasm->open)
        cs_close(&disasm->handle[--disasm->open]);
    free(disasm);
}

struct disasm *disasm_create(void) {
    static const cs_mode modes[DISASM_MODE_COUNT] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    struct disasm *disasm = calloc(1, sizeof(*disasm));
    if (!disasm)
        return NULL;
    for (; disasm->open < DISASM_MODE_COUNT; disasm->open++) {
        if (cs_open(CS_ARCH_X86, modes[disasm->open], &disasm->handle[disasm->open]) != CS_ERR_OK)
            goto fail;
    }
    disasm->insn = cs_malloc(disasm->handle[0]);
    if (disasm->insn)
        return disasm;
fail:
    disasm_destroy(disasm);
    return NULL;
}

size_t disasm_insn(struct disasm *disasm, enum disasm_mode mode, const uint8_t *bytes, size_t size,
                   uint64_t address, char *text) {
    size_t left = size;
    if (!cs_disasm_iter(disasm->handle[mode], &bytes, &left, &address, disasm->insn)) {
        snprintf(text, DISASM_TEXT_SIZE, "(bad)");
        return 0;
    }
    const char *operands = disasm->insn->op_str;
    snprintf(text, DISASM_TEXT_SIZE, "%.24s%s%.128s", disasm->insn->mnemonic, *operands ? " " : "",
             operands);
    return disasm->insn->size;
}

void disasm_print(struct disasm *disasm, enum disasm_mode mode, const uint8_t *bytes, size_t size,
                  uint64_t address, FILE *file) {
    char text[DISASM_TEXT_SIZE];
    for (size_t at = 0; at < size;) {
        size_t length = disasm_insn(disasm, mode, bytes + at, size - at, address + at, text);
        length = length ? length : 1;
        int column = fprintf(file, "%08" PRIx64 ": ", address + at);
        for (size_t n = 0; n < length; n++)
            column += fprintf(file, " %02x", bytes[at + n]);
        fprintf(file, "%*s%s\n", column < 36 ? 36 - column : 1, "", text);
        at += length;
    }
}
