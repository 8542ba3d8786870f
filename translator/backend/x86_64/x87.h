/*
 * Where the guest's x87 and MMX registers are: in struct cpu, or in the host's x87 unit, so that
 * x87 instructions can run as they are. C code of this program does not use the host's unit (no
 * long double), so they can stay there while helpers run. Whoever reads or writes them in struct
 * cpu has them put there first.
 *
 * While they are in the host's unit, all exceptions are masked and none is pending. Valid in struct
 * cpu are then the control word and, at instructions that may fault or call, the pointers.
 */
#ifndef TRANSLATOR_BACKEND_X86_64_X87_H
#define TRANSLATOR_BACKEND_X86_64_X87_H

#include "translator/backend/x86_64/x86_64.h"

/** Load the host's unit with the guest's registers, unless they are there. */
void x87_make_resident(struct x64_context *context);
/** Put the registers into struct cpu, unless they are there; the host's unit is then as after
 *  FNINIT. */
void x87_make_absent(struct x64_context *context);
/** Do a transcendental instruction, struct cpu being settled at it, without moving the registers.
 *  False: it is none, or they are not in the host's unit, or its handler must do it; nothing has
 *  changed then. */
bool x87_evaluate(struct x64_context *context, const struct insn *insn);
/** Whether the handler of this operation (enum op) may read or write x87 or MMX registers. */
bool x87_is_used_by(unsigned op);

#endif
