/*
 * Bytes to text, for people: logs of guest and host code, reports of lockstep runs. Capstone does
 * the work; nothing that executes depends on it.
 */
#ifndef INTERP_DECODE_DISASM_H
#define INTERP_DECODE_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct disasm;

enum disasm_mode { DISASM_16, DISASM_32, DISASM_64, DISASM_MODE_COUNT };

/* Long enough for any text that disasm_insn() makes. */
#define DISASM_TEXT_SIZE 160

/** A disassembler, Intel syntax; NULL when Capstone refuses. One thread at a time. */
struct disasm *disasm_create(void);
void disasm_destroy(struct disasm *disasm);

/**
 * Text of the instruction at `bytes` (`size` of them), as if it stood at `address`.
 * @text    out, DISASM_TEXT_SIZE bytes: "mnemonic operands", or "(bad)"
 * @return  its length in bytes; 0 when Capstone knows no instruction there
 */
size_t disasm_insn(struct disasm *disasm, enum disasm_mode mode, const uint8_t *bytes, size_t size,
                   uint64_t address, char *text);

/** Print a listing, one line "address: bytes  text" each, bad bytes one by one. */
void disasm_print(struct disasm *disasm, enum disasm_mode mode, const uint8_t *bytes, size_t size,
                  uint64_t address, FILE *file);

#endif
