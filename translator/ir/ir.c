/* Static facts about IR operations, expanded from ir_ops.def. */
#include "translator/ir/ir.h"

enum {
    EFFECTS_PURE = IR_PURE,
    EFFECTS_LOAD = IR_LOADS,
    EFFECTS_STORE = IR_STORES,
    EFFECTS_CALL = IR_CALLS,
    EFFECTS_EXIT = IR_EXITS,
    EFFECTS_END = IR_ENDS
};
enum { TOUCHES_NONE = 0, TOUCHES_SETS = 1, TOUCHES_READS = 2, TOUCHES_BOTH = 3 };

static const struct ir_op_info infos[IR_OP_COUNT] = {
#define IR(op, operands, effect, flags, text)                                                      \
    [IR_##op] = {                                                                                  \
        .name = #op,                                                                               \
        .shape = #operands,                                                                        \
        .meaning = text,                                                                           \
        .effects = EFFECTS_##effect,                                                               \
        .sets_flags = (TOUCHES_##flags & TOUCHES_SETS) != 0,                                       \
        .reads_flags = (TOUCHES_##flags & TOUCHES_READS) != 0,                                     \
    },
#include "translator/ir/ir_ops.def"
#undef IR
};

const struct ir_op_info *ir_op_info(enum ir_op op) {
    return &infos[op];
}
