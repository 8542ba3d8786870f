/*
 * op_handler() for tests of the decoder alone: no handler at all. Handlers have their own tests.
 */
#include "interp/decode/op.h"

exec_fn *op_handler(enum op op, enum insn_width width, enum insn_form form) {
    return NULL;
}
