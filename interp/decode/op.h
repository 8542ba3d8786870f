/*
 * The operations of the instruction set, expanded from the ops_*.def tables. One row describes one
 * operation; encodings_*.def say which bytes mean it.
 *
 *   OP(name, mnemonic, shape, reads, writes, undefined, flow, sensitivity, translate)
 *
 *   shape        which handlers exist (all of type exec_fn):
 *                PLAIN   exec_NAME
 *                SIZED   exec_NAME_8, exec_NAME_16, exec_NAME_32
 *                VSIZED  exec_NAME_16, exec_NAME_32
 *                BINARY  exec_NAME_{8,16,32}_{RR,RM,MR,RI,MI}
 *                UNARY   exec_NAME_{8,16,32}_{RR,MR}
 *                SHIFT   exec_NAME_{8,16,32}_{RR,MR,RI,MI}   (RR, MR: count in CL)
 *                LOADS   exec_NAME_{16,32}_{RR,RM}           (MOVZX, CMOVcc, ...)
 *                SETCC   exec_NAME_8_{RR,MR}
 *   reads, writes, undefined   arithmetic flags, letters as in flag_set below
 *   flow         how control continues (enum op_flow)
 *   sensitivity  enum op_sensitivity
 *   translate    LIFT: the translator has a lifter; CALL: it calls the handler
 */
#ifndef INTERP_DECODE_OP_H
#define INTERP_DECODE_OP_H

#include "interp/decode/insn.h"

enum op_shape {
    SHAPE_PLAIN,
    SHAPE_SIZED,
    SHAPE_VSIZED,
    SHAPE_BINARY,
    SHAPE_UNARY,
    SHAPE_SHIFT,
    SHAPE_LOADS,
    SHAPE_SETCC
};

enum op_flow {
    FLOW_NEXT,     /* continues with the next instruction */
    FLOW_COND,     /* direct conditional branch: ends a block */
    FLOW_JUMP,     /* direct jump */
    FLOW_CALL,     /* direct near call */
    FLOW_INDIRECT, /* near jump or call through a register or memory */
    FLOW_RET,      /* near return */
    FLOW_FAR,      /* may change CS, mode or privilege */
    FLOW_STOP, /* ends a block: changes what later decoding, translation or interrupts depend on */
};

enum op_sensitivity {
    INNOCUOUS,
    PRIVILEGED, /* traps when not privileged */
    SENSITIVE,  /* sensitive but unprivileged: the 17 of Robin and Irvine */
    IO,         /* depends on IOPL or the I/O bitmap */
};

enum op_translate { TRANSLATE_CALL, TRANSLATE_LIFT };

/* Sets of arithmetic flags, for the reads, writes and undefined columns. */
#define FS_C      FLAG_CF
#define FS_Z      FLAG_ZF
#define FS_S      FLAG_SF
#define FS_O      FLAG_OF
#define FS_P      FLAG_PF
#define FS_A      FLAG_AF
#define FS_none   0
#define FS_CZ     (FS_C | FS_Z)
#define FS_CO     (FS_C | FS_O)
#define FS_CA     (FS_C | FS_A)
#define FS_OS     (FS_O | FS_S)
#define FS_OSZ    (FS_O | FS_S | FS_Z)
#define FS_OSZP   (FS_O | FS_S | FS_Z | FS_P)
#define FS_OSZPC  (FS_O | FS_S | FS_Z | FS_P | FS_C)
#define FS_OSZAP  (FS_O | FS_S | FS_Z | FS_A | FS_P)
#define FS_OSZAPC FLAGS_ARITHMETIC
#define FS_OSAPC  (FS_O | FS_S | FS_A | FS_P | FS_C)
#define FS_OSAP   (FS_O | FS_S | FS_A | FS_P)
#define FS_SZAPC  (FS_S | FS_Z | FS_A | FS_P | FS_C)
#define FS_SZPC   (FS_S | FS_Z | FS_P | FS_C)
#define FS_SZP    (FS_S | FS_Z | FS_P)
#define FS_SZAP   (FS_S | FS_Z | FS_A | FS_P)
#define FS_OA     (FS_O | FS_A)
#define FS_OAC    (FS_O | FS_A | FS_C)
#define FS_OSZP_  FS_OSZP
#define FS_ZPC    (FS_Z | FS_P | FS_C)

enum op {
#define OP(name, ...) OP_##name,
#include "interp/decode/ops.def"
#undef OP
    OP_COUNT
};

struct op_info {
    const char *name;
    const char *mnemonic;
    uint16_t reads, writes, undefined; /* FLAG_* */
    uint8_t shape, flow, sensitivity, translate;
};

/* The handlers of each shape: H(op name, width and form suffix). */
#define OP_BINARY_WIDTH(H, name, width)                                                            \
    H(name, width##_RR)                                                                            \
    H(name, width##_RM) H(name, width##_MR) H(name, width##_RI) H(name, width##_MI)
#define OP_SHIFT_WIDTH(H, name, width)                                                             \
    H(name, width##_RR) H(name, width##_MR) H(name, width##_RI) H(name, width##_MI)
#define OP_HANDLERS_PLAIN(H, name)  H(name, )
#define OP_HANDLERS_SIZED(H, name)  H(name, _8) H(name, _16) H(name, _32)
#define OP_HANDLERS_VSIZED(H, name) H(name, _16) H(name, _32)
#define OP_HANDLERS_BINARY(H, name)                                                                \
    OP_BINARY_WIDTH(H, name, _8) OP_BINARY_WIDTH(H, name, _16) OP_BINARY_WIDTH(H, name, _32)
#define OP_HANDLERS_UNARY(H, name)                                                                 \
    H(name, _8_RR) H(name, _8_MR) H(name, _16_RR) H(name, _16_MR) H(name, _32_RR) H(name, _32_MR)
#define OP_HANDLERS_SHIFT(H, name)                                                                 \
    OP_SHIFT_WIDTH(H, name, _8) OP_SHIFT_WIDTH(H, name, _16) OP_SHIFT_WIDTH(H, name, _32)
#define OP_HANDLERS_LOADS(H, name) H(name, _16_RR) H(name, _16_RM) H(name, _32_RR) H(name, _32_RM)
#define OP_HANDLERS_SETCC(H, name) H(name, _8_RR) H(name, _8_MR)

#define OP_DECLARE(name, suffix)       exec_fn exec_##name##suffix;
#define OP(name, mnemonic, shape, ...) OP_HANDLERS_##shape(OP_DECLARE, name)
#include "interp/decode/ops.def"
#undef OP
#undef OP_DECLARE

/** What the row of `op` says; op < OP_COUNT. */
const struct op_info *op_info(enum op op);
/** The handler for an operation with these operand kinds. Never NULL for what decode() made. */
exec_fn *op_handler(enum op op, enum insn_width width, enum insn_form form);

#endif
