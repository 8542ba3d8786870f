/*
 * Which operation has a lifter. The LIFT rows of the operation tables and the lifters must agree;
 * a unit test compares them.
 */
#include "translator/lift/lift_internal.h"

#include <stddef.h>

static lift_fn *const lifters[OP_COUNT] = {
#define X(name) [OP_##name] = lift_##name,
    LIFTERS_ARITHMETIC(X) LIFTERS_SHIFT(X) LIFTERS_MOVE(X) LIFTERS_STACK(X) LIFTERS_STRING(X)
        LIFTERS_BRANCH(X)
#undef X
#define X(name)                                                                                    \
    [OP_J##name] = lift_J##name, [OP_SET##name] = lift_SET##name, [OP_CMOV##name] = lift_CMOV##name,
            LIFTERS_CONDITION(X)
#undef X
};

lift_fn *lift_function(enum op op) {
    return op < OP_COUNT ? lifters[op] : NULL;
}
