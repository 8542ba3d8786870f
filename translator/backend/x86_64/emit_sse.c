/*
 * SSE and SSE2 by the host's own instructions: XMM0..7 are the guest's, MXCSR too, so each guest
 * instruction is itself again, but for its general registers and its address. The block's mode
 * vouches that SSE may run and that MXCSR masks all exceptions.
 *
 * What touches MMX registers or MXCSR stays with the interpreter's handlers. So do RCPxS and
 * RSQRTxS: processors differ in their results, and engines must not.
 */
#include "interp/decode/op.h"
#include "translator/backend/x86_64/emit.h"

/* What an operand is. In the encoding tables W, U, M and E are in the ModRM.rm place, V and G in
   ModRM.reg; the second letters say how much of memory is accessed. */
enum operand_class { ABSENT, MMX, IMMEDIATE, REG_XMM, REG_GENERAL, RM_XMM, RM_GENERAL };
#define BYTES_SHIFT             4
#define OPERAND(class, bytes)   ((class) | (bytes) << BYTES_SHIFT)
#define OPERAND_CLASS(operand_) ((operand_)&15)
#define OPERAND_BYTES(operand_) ((operand_) >> BYTES_SHIFT)

enum sse_operand {
    OPERAND__ = ABSENT,
    OPERAND_Pq = MMX,
    OPERAND_Pd = MMX,
    OPERAND_Ppi = MMX,
    OPERAND_Nq = MMX,
    OPERAND_Qq = MMX,
    OPERAND_Qd = MMX,
    OPERAND_Qpi = MMX,
    OPERAND_uIb = IMMEDIATE,
    OPERAND_Vdq = REG_XMM,
    OPERAND_Vps = REG_XMM,
    OPERAND_Vpd = REG_XMM,
    OPERAND_Vss = REG_XMM,
    OPERAND_Vsd = REG_XMM,
    OPERAND_Vq = REG_XMM,
    OPERAND_Vd = REG_XMM,
    OPERAND_Gd = REG_GENERAL,
    OPERAND_Udq = RM_XMM,
    OPERAND_Ups = RM_XMM,
    OPERAND_Upd = RM_XMM,
    OPERAND_Uq = RM_XMM,
    OPERAND_Wdq = OPERAND(RM_XMM, 16),
    OPERAND_Wps = OPERAND(RM_XMM, 16),
    OPERAND_Wpd = OPERAND(RM_XMM, 16),
    OPERAND_Wss = OPERAND(RM_XMM, 4),
    OPERAND_Wsd = OPERAND(RM_XMM, 8),
    OPERAND_Wq = OPERAND(RM_XMM, 8),
    OPERAND_Mdq = OPERAND(RM_XMM, 16),
    OPERAND_Mps = OPERAND(RM_XMM, 16),
    OPERAND_Mpd = OPERAND(RM_XMM, 16),
    OPERAND_Mq = OPERAND(RM_XMM, 8),
    OPERAND_Md = OPERAND(RM_GENERAL, 4),
    OPERAND_Mb = OPERAND(RM_GENERAL, 1),
    OPERAND_Ed = OPERAND(RM_GENERAL, 4),
    OPERAND_Ew = OPERAND(RM_GENERAL, 2),
};

enum sse_prefix { PREFIX_NP = 0, PREFIX_P66 = 0x66, PREFIX_PF2 = 0xf2, PREFIX_PF3 = 0xf3 };

/* The opcode's extension in ModRM.reg. */
enum sse_extension {
    EXTENSION_NONE,
    EXTENSION_ANY = 0,
    EXTENSION_M2 = 2,
    EXTENSION_M3,
    EXTENSION_M7 = 7,
    EXTENSION_X2 = 2,
    EXTENSION_X3,
    EXTENSION_X4,
    EXTENSION_X5,
    EXTENSION_X6,
    EXTENSION_X7,
};

struct sse_encoding {
    uint8_t prefix, opcode, extension;
    bool is_known;
    uint16_t first, second; /* enum sse_operand */
};

#define ENC(map, prefix_, opcode_, last, modrm, op, first_, second_, third, feature, attribute)    \
    [OP_##op] = {PREFIX_##prefix_, opcode_,          EXTENSION_##modrm, true,                      \
                 OPERAND_##first_, OPERAND_##second_},
static const struct sse_encoding encodings[OP_COUNT] = {
#include "interp/decode/encodings_simd.def"
};
#undef ENC

static bool is_left_to_handler(const struct insn *insn) {
    switch (insn->op) {
    case OP_RCPPS:
    case OP_RCPSS:
    case OP_RSQRTPS:
    case OP_RSQRTSS:
    case OP_MASKMOVDQU:
    case OP_LDMXCSR:
    case OP_STMXCSR:
    case OP_CLFLUSH:
        return true;
    default:
        break;
    }
    const struct sse_encoding *encoding = &encodings[insn->op];
    unsigned first = OPERAND_CLASS(encoding->first), second = OPERAND_CLASS(encoding->second);
    return first == ABSENT || first == MMX || second == ABSENT || second == MMX;
}

static bool is_in_rm(unsigned operand) {
    return OPERAND_CLASS(operand) == RM_XMM || OPERAND_CLASS(operand) == RM_GENERAL;
}

/** Streaming stores would only be slower to read back: they become plain ones. */
static uint32_t plain_opcode(const struct insn *insn) {
    switch (insn->op) {
    case OP_MOVNTPS:
    case OP_MOVNTPD:
        return 0x0f29;
    case OP_MOVNTDQ:
        return 0x0f7f;
    case OP_MOVNTI:
        return 0x89;
    default:
        return 0x0f00u | encodings[insn->op].opcode;
    }
}

static struct x64_insn host_instruction(const struct insn *insn) {
    const struct sse_encoding *encoding = &encodings[insn->op];
    unsigned in_reg = is_in_rm(encoding->first) ? encoding->second : encoding->first;
    struct x64_insn host = {
        .opcode = plain_opcode(insn),
        .prefix = encoding->prefix,
        .size = X64_32,
        .reg = encoding->extension,
    };
    if (OPERAND_CLASS(in_reg) == REG_XMM)
        host.reg = insn->reg;
    else if (OPERAND_CLASS(in_reg) == REG_GENERAL)
        host.reg = emit_guest_register(insn->reg, IR_I32);
    if (insn->flags & INSN_IMM) {
        host.imm = insn->imm & 0xff;
        host.imm_bytes = 1;
    }
    return host;
}

static void on_memory(struct emitter *e, const struct insn *insn, struct x64_insn host) {
    const struct sse_encoding *encoding = &encodings[insn->op];
    bool is_store = is_in_rm(encoding->first);
    struct host_address address = emit_operand_address(e, insn);
    unsigned bytes = OPERAND_BYTES(is_store ? encoding->first : encoding->second);
    emit_handled_access(e, is_store ? ACCESS_STORE : ACCESS_LOAD, bytes, &address, host);
}

bool emit_sse(struct emitter *e, unsigned guest) {
    const struct insn *insn = &e->ir->guest[guest];
    bool has_memory = (insn->flags & INSN_MEM) != 0;
    if (!encodings[insn->op].is_known || !e->ir->mode.simd_usable || is_left_to_handler(insn) ||
        (has_memory && !emit_reaches_memory(e)))
        return false;
    const struct sse_encoding *encoding = &encodings[insn->op];
    struct x64_insn host = host_instruction(insn);
    unsigned in_rm = is_in_rm(encoding->first) ? encoding->first : encoding->second;
    if (has_memory)
        on_memory(e, insn, host);
    else if (OPERAND_CLASS(in_rm) == RM_GENERAL)
        x64_with_reg(&e->as, &host, emit_guest_register(insn->rm, IR_I32));
    else
        x64_with_reg(&e->as, &host, insn->rm);
    return true;
}
