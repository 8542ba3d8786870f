/* Writes to control registers with their rules and consequences (SDM vol. 3A, "Control
   Registers"). Each raises #GP(0), having changed nothing, when the value is not allowed. */
#ifndef INTERP_CPU_CONTROL_REG_H
#define INTERP_CPU_CONTROL_REG_H

#include "interp/cpu/cpu.h"

void control_reg_write_cr0(struct cpu *cpu, uint32_t value);
void control_reg_write_cr3(struct cpu *cpu, uint32_t value);
void control_reg_write_cr4(struct cpu *cpu, uint32_t value);

#endif
