/*
 * MMX instructions as they are, on the host's registers, which go along with those of the x87 unit
 * (emit_x87.c). Those that mix MMX with XMM or parts of general registers are left to the
 * interpreter.
 *
 * Source: SDM vol. 2, under the mnemonics.
 */
#include "translator/backend/x86_64/emit.h"

#include "interp/decode/op.h"

enum mmx_way {
    MMX_BY_HANDLER,
    MMX_LOAD,         /* register, register or memory */
    MMX_STORE,        /* register or memory, register */
    MMX_FROM_GENERAL, /* register, general register or memory */
    MMX_TO_GENERAL,
    MMX_COUNT, /* shift of a register by an immediate */
    MMX_ALONE, /* no operands */
};

static const struct {
    uint8_t way, opcode;
    uint8_t bytes; /* of a memory operand; MMX_COUNT: the opcode's extension */
    uint8_t imm_bytes;
} forms[OP_COUNT] = {
    // clang-format off
    [OP_PADDB] = {MMX_LOAD, 0xfc, 8, 0},
    [OP_PADDW] = {MMX_LOAD, 0xfd, 8, 0},
    [OP_PADDD] = {MMX_LOAD, 0xfe, 8, 0},
    [OP_PADDQ] = {MMX_LOAD, 0xd4, 8, 0},
    [OP_PADDSB] = {MMX_LOAD, 0xec, 8, 0},
    [OP_PADDSW] = {MMX_LOAD, 0xed, 8, 0},
    [OP_PADDUSB] = {MMX_LOAD, 0xdc, 8, 0},
    [OP_PADDUSW] = {MMX_LOAD, 0xdd, 8, 0},
    [OP_PSUBB] = {MMX_LOAD, 0xf8, 8, 0},
    [OP_PSUBW] = {MMX_LOAD, 0xf9, 8, 0},
    [OP_PSUBD] = {MMX_LOAD, 0xfa, 8, 0},
    [OP_PSUBQ] = {MMX_LOAD, 0xfb, 8, 0},
    [OP_PSUBSB] = {MMX_LOAD, 0xe8, 8, 0},
    [OP_PSUBSW] = {MMX_LOAD, 0xe9, 8, 0},
    [OP_PSUBUSB] = {MMX_LOAD, 0xd8, 8, 0},
    [OP_PSUBUSW] = {MMX_LOAD, 0xd9, 8, 0},
    [OP_PMULLW] = {MMX_LOAD, 0xd5, 8, 0},
    [OP_PMULHW] = {MMX_LOAD, 0xe5, 8, 0},
    [OP_PMULHUW] = {MMX_LOAD, 0xe4, 8, 0},
    [OP_PMULUDQ] = {MMX_LOAD, 0xf4, 8, 0},
    [OP_PMADDWD] = {MMX_LOAD, 0xf5, 8, 0},
    [OP_PAVGB] = {MMX_LOAD, 0xe0, 8, 0},
    [OP_PAVGW] = {MMX_LOAD, 0xe3, 8, 0},
    [OP_PMAXUB] = {MMX_LOAD, 0xde, 8, 0},
    [OP_PMAXSW] = {MMX_LOAD, 0xee, 8, 0},
    [OP_PMINUB] = {MMX_LOAD, 0xda, 8, 0},
    [OP_PMINSW] = {MMX_LOAD, 0xea, 8, 0},
    [OP_PSADBW] = {MMX_LOAD, 0xf6, 8, 0},
    [OP_PCMPEQB] = {MMX_LOAD, 0x74, 8, 0},
    [OP_PCMPEQW] = {MMX_LOAD, 0x75, 8, 0},
    [OP_PCMPEQD] = {MMX_LOAD, 0x76, 8, 0},
    [OP_PCMPGTB] = {MMX_LOAD, 0x64, 8, 0},
    [OP_PCMPGTW] = {MMX_LOAD, 0x65, 8, 0},
    [OP_PCMPGTD] = {MMX_LOAD, 0x66, 8, 0},
    [OP_PAND] = {MMX_LOAD, 0xdb, 8, 0},
    [OP_PANDN] = {MMX_LOAD, 0xdf, 8, 0},
    [OP_POR] = {MMX_LOAD, 0xeb, 8, 0},
    [OP_PXOR] = {MMX_LOAD, 0xef, 8, 0},
    [OP_PSLLW] = {MMX_LOAD, 0xf1, 8, 0},
    [OP_PSLLD] = {MMX_LOAD, 0xf2, 8, 0},
    [OP_PSLLQ] = {MMX_LOAD, 0xf3, 8, 0},
    [OP_PSRLW] = {MMX_LOAD, 0xd1, 8, 0},
    [OP_PSRLD] = {MMX_LOAD, 0xd2, 8, 0},
    [OP_PSRLQ] = {MMX_LOAD, 0xd3, 8, 0},
    [OP_PSRAW] = {MMX_LOAD, 0xe1, 8, 0},
    [OP_PSRAD] = {MMX_LOAD, 0xe2, 8, 0},
    [OP_PSLLW_I] = {MMX_COUNT, 0x71, 6, 1},
    [OP_PSLLD_I] = {MMX_COUNT, 0x72, 6, 1},
    [OP_PSLLQ_I] = {MMX_COUNT, 0x73, 6, 1},
    [OP_PSRLW_I] = {MMX_COUNT, 0x71, 2, 1},
    [OP_PSRLD_I] = {MMX_COUNT, 0x72, 2, 1},
    [OP_PSRLQ_I] = {MMX_COUNT, 0x73, 2, 1},
    [OP_PSRAW_I] = {MMX_COUNT, 0x71, 4, 1},
    [OP_PSRAD_I] = {MMX_COUNT, 0x72, 4, 1},
    [OP_PACKSSWB] = {MMX_LOAD, 0x63, 8, 0},
    [OP_PACKSSDW] = {MMX_LOAD, 0x6b, 8, 0},
    [OP_PACKUSWB] = {MMX_LOAD, 0x67, 8, 0},
    [OP_PUNPCKLBW] = {MMX_LOAD, 0x60, 4, 0},
    [OP_PUNPCKLWD] = {MMX_LOAD, 0x61, 4, 0},
    [OP_PUNPCKLDQ] = {MMX_LOAD, 0x62, 4, 0},
    [OP_PUNPCKHBW] = {MMX_LOAD, 0x68, 8, 0},
    [OP_PUNPCKHWD] = {MMX_LOAD, 0x69, 8, 0},
    [OP_PUNPCKHDQ] = {MMX_LOAD, 0x6a, 8, 0},
    [OP_PSHUFW] = {MMX_LOAD, 0x70, 8, 1},
    [OP_MOVD] = {MMX_FROM_GENERAL, 0x6e, 4, 0},
    [OP_MOVD_STORE] = {MMX_TO_GENERAL, 0x7e, 4, 0},
    [OP_MOVQ] = {MMX_LOAD, 0x6f, 8, 0},
    [OP_MOVQ_STORE] = {MMX_STORE, 0x7f, 8, 0},
    [OP_MOVNTQ] = {MMX_STORE, 0xe7, 8, 0},
    [OP_EMMS] = {MMX_ALONE, 0x77, 0, 0},
    // clang-format on
};

bool emit_mmx_is_known(unsigned op) {
    return forms[op].way != MMX_BY_HANDLER;
}

void emit_mmx(struct emitter *e, const struct insn *insn) {
    enum mmx_way way = (enum mmx_way)forms[insn->op].way;
    struct x64_insn host = {
        .opcode = 0x0f00 | forms[insn->op].opcode,
        .size = X64_32,
        .reg = way == MMX_COUNT ? forms[insn->op].bytes : insn->reg,
        .imm_bytes = forms[insn->op].imm_bytes,
        .imm = insn->imm,
    };
    bool is_general = way == MMX_FROM_GENERAL || way == MMX_TO_GENERAL;
    bool is_store = way == MMX_STORE || way == MMX_TO_GENERAL;
    if (way == MMX_TO_GENERAL)
        emit_x87_settle(e); /* an address may contain the register */
    emit_x87_make_resident(e);
    if (way == MMX_ALONE) {
        x64_byte(&e->as, 0x0f);
        x64_byte(&e->as, forms[insn->op].opcode);
    } else if (insn->flags & INSN_MEM) {
        emit_x87_memory_form(e, insn, is_store ? ACCESS_STORE : ACCESS_LOAD, forms[insn->op].bytes,
                             host);
    } else {
        x64_with_reg(&e->as, &host, is_general ? emit_guest_register(insn->rm, IR_I32) : insn->rm);
    }
}
