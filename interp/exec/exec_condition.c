/*
 * SETcc and CMOVcc. CMOVcc reads its source whatever the condition says, and so faults.
 */
#include "interp/exec/condition.h"
#include "interp/exec/operand.h"

#define DEFINE_SETCC(name)                                                                         \
    EXEC(SET##name##_8_RR) {                                                                       \
        cpu_set_reg8(cpu, i->rm, condition_##name(&cpu->lazy));                                    \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_STORE(SET##name##_8_MR, 8, condition_##name(&cpu->lazy))
CONDITIONS(DEFINE_SETCC)

#define DEFINE_CMOV_WIDTH(name, bits)                                                              \
    EXEC(CMOV##name##_##bits##_RR) {                                                               \
        if (condition_##name(&cpu->lazy))                                                          \
            cpu_set_reg##bits(cpu, i->reg, cpu_reg##bits(cpu, i->rm));                             \
        NEXT(cpu, i);                                                                              \
    }                                                                                              \
    DEFINE_LOAD(CMOV##name##_##bits##_RM, bits, {                                                  \
        if (condition_##name(&cpu->lazy))                                                          \
            cpu_set_reg##bits(cpu, i->reg, (uint##bits##_t)value);                                 \
    })
#define DEFINE_CMOV(name) DEFINE_CMOV_WIDTH(name, 16) DEFINE_CMOV_WIDTH(name, 32)
CONDITIONS(DEFINE_CMOV)
