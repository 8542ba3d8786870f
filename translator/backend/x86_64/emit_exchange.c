/*
 * CMPXCHG, XADD and CMPXCHG8B as they are: their implicit operands are in the host registers of the
 * same name. LOCK is not needed while a machine has one CPU.
 *
 * Source: SDM vol. 2, under the mnemonics.
 */
#include "translator/backend/x86_64/emit.h"

#include "interp/decode/op.h"

#define CMPXCHG   0x0fb0
#define XADD      0x0fc0
#define CMPXCHG8B 0x0fc7

static bool make_instruction(const struct insn *insn, struct x64_insn *host, unsigned *bytes) {
    enum ir_type type = (enum ir_type)insn->width;
    *bytes = 1u << type;
    switch (insn->op) {
    case OP_CMPXCHG:
    case OP_XADD:
        *host = emit_sized(insn->op == OP_XADD ? XADD : CMPXCHG, type,
                           emit_guest_register(insn->reg, type));
        return true;
    case OP_CMPXCHG8B:
        *host = (struct x64_insn){.opcode = CMPXCHG8B, .size = X64_32, .reg = 1};
        *bytes = 8;
        return true;
    default:
        return false;
    }
}

bool emit_exchange(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    struct x64_insn host;
    unsigned bytes;
    if (!make_instruction(insn, &host, &bytes) || (host.reg_is_byte && x64_is_high(host.reg)))
        return false;
    if ((insn->flags & INSN_MEM) == 0) {
        uint8_t rm = emit_guest_register(insn->rm, (enum ir_type)insn->width);
        if (x64_is_high(rm) || (insn->flags & INSN_LOCK) != 0)
            return false;
        x64_with_reg(&e->as, &host, rm);
        return true;
    }
    if (!emit_reaches_memory(e))
        return false;
    struct host_address address = emit_operand_address(e, insn);
    emit_handled_access(e, ACCESS_RMW, bytes, &address, host);
    return true;
}
