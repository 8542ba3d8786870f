/* Multiplication and division with the implied double-width accumulator. */
#ifndef TRANSLATOR_BACKEND_PORTABLE_IR_ACCUMULATOR_H
#define TRANSLATOR_BACKEND_PORTABLE_IR_ACCUMULATOR_H

#include "translator/ir/ir.h"

/** AX, DX:AX or EDX:EAX = accumulator * operand; CF and OF tell that the high half matters. */
void ir_multiply(struct cpu *cpu, unsigned type, bool is_signed, uint32_t operand);
/** Quotient and remainder of AX, DX:AX or EDX:EAX by operand; raises #DE, registers unchanged. */
void ir_divide(struct cpu *cpu, unsigned type, bool is_signed, uint32_t operand);

#endif
