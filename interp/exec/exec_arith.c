/*
 * Addition, subtraction and comparison (SDM vol. 2, "ADD", "ADC", "SUB", "SBB", "CMP", "INC",
 * "DEC", "NEG").
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

DEFINE_BINARY(ADD, alu_add)
DEFINE_BINARY(ADC, alu_adc)
DEFINE_BINARY(SUB, alu_sub)
DEFINE_BINARY(SBB, alu_sbb)
DEFINE_COMPARE(CMP, alu_sub)
DEFINE_UNARY(INC, alu_inc)
DEFINE_UNARY(DEC, alu_dec)
DEFINE_UNARY(NEG, alu_neg)
