/*
 * Bitwise logic (SDM vol. 2, "AND", "OR", "XOR", "TEST", "NOT"). AF is undefined; it is cleared.
 */
#include "interp/exec/alu.h"
#include "interp/exec/operand.h"

DEFINE_BINARY(AND, alu_and)
DEFINE_BINARY(OR, alu_or)
DEFINE_BINARY(XOR, alu_xor)
DEFINE_COMPARE(TEST, alu_and)
DEFINE_UNARY(NOT, alu_not)
