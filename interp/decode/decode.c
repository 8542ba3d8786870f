/*
 * The decoder: prefixes, opcode, ModRM and SIB, displacement, immediate; see decode.h.
 * decode_index.c has resolved everything that depends on the encoding alone.
 */
#include "interp/decode/decode.h"

#include "interp/decode/op.h"
#include "softmmu/base/bits.h"

#include <assert.h>

static_assert(sizeof(struct insn) == 40, "blocks are arrays of these");

#define NO_SEGMENT 0xff

/* What is known while the bytes are read. */
struct cursor {
    const uint8_t *at, *end;
    uint8_t flags;    /* enum insn_flag */
    uint8_t prefix;   /* enum encoding_prefix from F2 and F3, else PREFIX_NP */
    uint8_t override; /* enum segment_name or NO_SEGMENT */
    bool has_66;
};

static size_t left(const struct cursor *c) {
    return (size_t)(c->end - c->at);
}

static void take_prefix(struct cursor *c, uint8_t byte, enum decode_mode mode) {
    switch (byte) {
    case 0x66:
        c->has_66 = true;
        c->flags &= (uint8_t)~INSN_OPSIZE_32;
        c->flags |= mode == DECODE_32 ? 0 : INSN_OPSIZE_32;
        break;
    case 0x67:
        c->flags &= (uint8_t)~INSN_ADDRSIZE_32;
        c->flags |= mode == DECODE_32 ? 0 : INSN_ADDRSIZE_32;
        break;
    case 0xf0:
        c->flags |= INSN_LOCK;
        break;
    case 0xf2:
        c->prefix = PREFIX_PF2;
        c->flags = (uint8_t)((c->flags & ~INSN_REP) | INSN_REPNE);
        break;
    case 0xf3:
        c->prefix = PREFIX_PF3;
        c->flags = (uint8_t)((c->flags & ~INSN_REPNE) | INSN_REP);
        break;
    case 0x64:
    case 0x65: /* FS, GS */
        c->override = (uint8_t)(SEG_FS + (byte & 1));
        break;
    default: /* 26, 2E, 36, 3E: ES, CS, SS, DS */
        c->override = (byte >> 3) & 3;
        break;
    }
}

/* ---- Memory operands ----------------------------------------------------------------------- */

static bool take_displacement(struct cursor *c, struct insn *insn, unsigned size) {
    if (left(c) < size)
        return false;
    if (size == 1)
        insn->disp = (uint32_t)(int8_t)c->at[0];
    else if (size == 2)
        insn->disp = (uint32_t)(int16_t)load_le16(c->at);
    else if (size == 4)
        insn->disp = load_le32(c->at);
    c->at += size;
    return true;
}

static bool take_memory_16(struct cursor *c, struct insn *insn, uint8_t modrm) {
    static const uint8_t base[8] = {GPR_EBX, GPR_EBX, GPR_EBP, GPR_EBP,
                                    GPR_ESI, GPR_EDI, GPR_EBP, GPR_EBX};
    static const uint8_t index[8] = {GPR_ESI,  GPR_EDI,  GPR_ESI,  GPR_EDI,
                                     GPR_ZERO, GPR_ZERO, GPR_ZERO, GPR_ZERO};
    unsigned mod = modrm >> 6, rm = modrm & 7;
    if (mod == 0 && rm == 6)
        return take_displacement(c, insn, 2);
    insn->base = base[rm];
    insn->index_reg = index[rm];
    if (insn->base == GPR_EBP)
        insn->seg = SEG_SS;
    return take_displacement(c, insn, mod);
}

static bool take_memory_32(struct cursor *c, struct insn *insn, uint8_t modrm) {
    unsigned mod = modrm >> 6, base = modrm & 7;
    if (base == 4) {
        if (left(c) < 1)
            return false;
        uint8_t sib = *c->at++;
        base = sib & 7;
        unsigned index = (sib >> 3) & 7;
        if (index != 4) {
            insn->index_reg = (uint8_t)index;
            insn->scale = sib >> 6;
        }
    }
    if (mod == 0 && base == 5)
        return take_displacement(c, insn, 4);
    insn->base = (uint8_t)base;
    if (base == GPR_ESP || base == GPR_EBP)
        insn->seg = SEG_SS;
    return take_displacement(c, insn, mod == 2 ? 4 : mod);
}

static bool take_memory(struct cursor *c, struct insn *insn, uint8_t modrm) {
    insn->flags |= INSN_MEM;
    if (insn->flags & INSN_ADDRSIZE_32)
        return take_memory_32(c, insn, modrm);
    return take_memory_16(c, insn, modrm);
}

static bool take_moffs(struct cursor *c, struct insn *insn) {
    bool is_32 = insn->flags & INSN_ADDRSIZE_32;
    insn->flags |= INSN_MEM;
    return take_displacement(c, insn, is_32 ? 4 : 2);
}

/* ---- Immediates ---------------------------------------------------------------------------- */

static bool take_imm(struct cursor *c, struct insn *insn, enum decode_imm imm) {
    static const uint8_t sizes[][2] = {
        [IMM_NONE] = {0, 0}, [IMM_S8] = {1, 1},  [IMM_U8] = {1, 1},  [IMM_U16] = {2, 2},
        [IMM_Z] = {2, 4},    [IMM_FAR] = {4, 6}, [IMM_ONE] = {0, 0}, [IMM_ENTER] = {3, 3},
    };
    bool is_32 = insn->flags & INSN_OPSIZE_32;
    unsigned size = sizes[imm][is_32];
    const uint8_t *at = c->at;
    if (left(c) < size)
        return false;
    c->at += size;
    switch (imm) {
    case IMM_NONE:
        break;
    case IMM_S8:
        insn->imm = (uint32_t)(int8_t)at[0];
        break;
    case IMM_U8:
        insn->imm = at[0];
        break;
    case IMM_U16:
        insn->imm = load_le16(at);
        break;
    case IMM_Z:
        insn->imm = is_32 ? load_le32(at) : (uint32_t)(int16_t)load_le16(at);
        break;
    case IMM_FAR:
        insn->imm = is_32 ? load_le32(at) : load_le16(at);
        insn->imm2 = load_le16(at + size - 2);
        break;
    case IMM_ONE:
        insn->imm = 1;
        break;
    case IMM_ENTER:
        insn->imm = load_le16(at);
        insn->imm2 = at[2];
        break;
    }
    return true;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void set_modrm_registers(struct insn *insn, const struct decode_row *row, uint8_t modrm) {
    insn->reg = (modrm >> 3) & 7;
    insn->rm = modrm & 7;
    if (insn->flags & INSN_MEM)
        return;
    if (row->flags & ROW_SWAP) {
        insn->reg = modrm & 7;
        insn->rm = (modrm >> 3) & 7;
    } else if (row->flags & ROW_MIRROR) {
        insn->reg = insn->rm;
    }
}

static void set_implied_registers(struct insn *insn, const struct decode_row *row, uint8_t opcode) {
    insn->reg = insn->rm = row->fixed_reg;
    if (row->flags & ROW_OPCODE_REG) {
        insn->rm = opcode & 7;
        if (row->flags & ROW_MIRROR)
            insn->reg = insn->rm;
    }
}

static enum decode_status out_of_bytes(const struct decode_context *context) {
    return context->available < DECODE_MAX_LENGTH ? DECODE_NEED_MORE : DECODE_TOO_LONG;
}

static enum decode_status finish(const struct decode_context *context, const struct cursor *c,
                                 const struct decode_row *row, struct insn *insn) {
    bool is_32 = insn->flags & INSN_OPSIZE_32;
    bool is_memory = insn->flags & INSN_MEM;
    bool bad_lock = (insn->flags & INSN_LOCK) && !(is_memory && (row->flags & ROW_LOCKABLE));
    bool is_valid = row != context->index->rows && !bad_lock;
    if (!is_valid)
        row = context->index->rows;
    insn->op = row->op;
    insn->exec = row->exec[is_32][is_memory];
    insn->width = row->width[is_32][is_memory];
    insn->form = row->form[is_memory];
    insn->length = (uint8_t)(c->at - context->bytes);
    if (c->override != NO_SEGMENT) {
        insn->seg = c->override;
        insn->flags |= INSN_SEG_OVERRIDE;
    }
    return is_valid ? DECODE_OK : DECODE_INVALID;
}

/* Read prefixes and opcode; NULL when the bytes end. */
static const struct decode_slot *take_opcode(const struct decode_context *context,
                                             struct cursor *c) {
    const struct decode_slot *slot;
    for (;;) {
        if (UNLIKELY(c->at == c->end))
            return NULL;
        slot = &context->index->slots[MAP_M1][*c->at++];
        if (LIKELY(slot->kind != SLOT_PREFIX))
            break;
        take_prefix(c, c->at[-1], context->mode);
    }
    if (slot->kind == SLOT_ESCAPE) {
        if (c->at == c->end)
            return NULL;
        slot = &context->index->slots[MAP_M2][*c->at++];
    }
    return slot;
}

static const struct decode_row *find_row(const struct decode_index *index,
                                         const struct decode_slot *slot, const struct cursor *c,
                                         uint8_t modrm) {
    if (slot->kind == SLOT_ROW)
        return &index->rows[slot->first];
    unsigned prefix = c->prefix == PREFIX_NP && c->has_66 ? PREFIX_P66 : c->prefix;
    unsigned cell = slot->has_modrm ? prefix * MODRM_CELLS + modrm_cell(modrm) : prefix;
    return &index->rows[index->cells[slot->first + cell]];
}

enum decode_status decode(const struct decode_context *context, struct insn *insn) {
    size_t limit = context->available < DECODE_MAX_LENGTH ? context->available : DECODE_MAX_LENGTH;
    struct cursor c = {
        .at = context->bytes,
        .end = context->bytes + limit,
        .flags = context->mode == DECODE_32 ? INSN_OPSIZE_32 | INSN_ADDRSIZE_32 : 0,
        .prefix = PREFIX_NP,
        .override = NO_SEGMENT,
    };
    const struct decode_slot *slot = take_opcode(context, &c);
    if (UNLIKELY(!slot))
        return out_of_bytes(context);
    uint8_t opcode = c.at[-1], modrm = 0;
    if (slot->has_modrm) {
        if (UNLIKELY(c.at == c.end))
            return out_of_bytes(context);
        modrm = *c.at++;
    }
    const struct decode_row *row = find_row(context->index, slot, &c, modrm);
    *insn = (struct insn){
        .ea_mask = c.flags & INSN_ADDRSIZE_32 ? UINT32_MAX : UINT16_MAX,
        .base = GPR_ZERO,
        .index_reg = GPR_ZERO,
        .seg = SEG_DS,
        .flags = c.flags,
    };
    if (slot->has_modrm) {
        if (modrm < 0xc0 && !(row->flags & ROW_RM_REG) && UNLIKELY(!take_memory(&c, insn, modrm)))
            return out_of_bytes(context);
        set_modrm_registers(insn, row, modrm);
    } else {
        set_implied_registers(insn, row, opcode);
        if ((row->flags & ROW_MOFFS) && !take_moffs(&c, insn))
            return out_of_bytes(context);
    }
    if (UNLIKELY(!take_imm(&c, insn, row->imm)))
        return out_of_bytes(context);
    if (row->flags & ROW_IMM)
        insn->flags |= INSN_IMM;
    if (row->flags & ROW_ESC)
        insn->imm = (opcode & 7u) << 8 | modrm;
    return finish(context, &c, row, insn);
}
