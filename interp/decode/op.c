/*
 * The tables behind op.h: each row of ops_*.def becomes one op_info and one block of handlers,
 * indexed by width and form. A shape that does not tell forms apart repeats its handler, so that a
 * look-up needs no knowledge of shapes.
 */
#include "interp/decode/op.h"

#include "softmmu/base/bits.h"

static const struct op_info infos[OP_COUNT] = {
#define OP(name, mnemonic, shape, reads, writes, undefined, flow, sensitivity, translate)          \
    [OP_##name] = {#name,         mnemonic,    FS_##reads,  FS_##writes,          FS_##undefined,  \
                   SHAPE_##shape, FLOW_##flow, sensitivity, TRANSLATE_##translate},
#include "interp/decode/ops.def"
#undef OP
};

// clang-format off
#define EACH_FORM(f) {f, f, f, f, f}
#define ROW_PLAIN(n)  {EACH_FORM(exec_##n), EACH_FORM(exec_##n), EACH_FORM(exec_##n)}
#define ROW_SIZED(n)  {EACH_FORM(exec_##n##_8), EACH_FORM(exec_##n##_16), EACH_FORM(exec_##n##_32)}
#define ROW_VSIZED(n) {EACH_FORM(NULL), EACH_FORM(exec_##n##_16), EACH_FORM(exec_##n##_32)}

#define BINARY_FORMS(f) {f##_RR, f##_RM, f##_MR, f##_RI, f##_MI}
#define ROW_BINARY(n) {BINARY_FORMS(exec_##n##_8), BINARY_FORMS(exec_##n##_16), \
                       BINARY_FORMS(exec_##n##_32)}
/* One operand, perhaps with an implied second one: register or memory is all that matters. */
#define UNARY_FORMS(f) {f##_RR, f##_MR, f##_MR, f##_RR, f##_MR}
#define ROW_UNARY(n) {UNARY_FORMS(exec_##n##_8), UNARY_FORMS(exec_##n##_16), \
                      UNARY_FORMS(exec_##n##_32)}
#define ROW_SETCC(n) {UNARY_FORMS(exec_##n##_8), EACH_FORM(NULL), EACH_FORM(NULL)}
#define SHIFT_FORMS(f) {f##_RR, f##_MR, f##_MR, f##_RI, f##_MI}
#define ROW_SHIFT(n) {SHIFT_FORMS(exec_##n##_8), SHIFT_FORMS(exec_##n##_16), \
                      SHIFT_FORMS(exec_##n##_32)}
#define LOADS_FORMS(f) {f##_RR, f##_RM, f##_RM, f##_RR, f##_RM}
#define ROW_LOADS(n) {EACH_FORM(NULL), LOADS_FORMS(exec_##n##_16), LOADS_FORMS(exec_##n##_32)}
// clang-format on

static exec_fn *const handlers[OP_COUNT][WIDTH_COUNT][FORM_COUNT] = {
#define OP(name, mnemonic, shape, ...) [OP_##name] = ROW_##shape(name),
#include "interp/decode/ops.def"
#undef OP
};

const struct op_info *op_info(enum op op) {
    return &infos[op];
}

exec_fn *op_handler(enum op op, enum insn_width width, enum insn_form form) {
    return handlers[op][width][form];
}
