/*
 * Flag liveness, backwards over a block: each operation keeps only the flags that somebody may
 * see. A fault shows all flags to the guest's handler, so an operation that may fault counts as a
 * reader of every flag: exceptions stay exact. A side exit names, as flags that it reads, also
 * those that its target may read.
 */
#include "interp/decode/decode.h"
#include "interp/decode/op.h"
#include "translator/opt/passes.h"

/** Flags that the operation may show or use. */
static uint16_t flags_read(const struct ir_insn *insn) {
    switch (ir_op_info((enum ir_op)insn->op)->effects) {
    case IR_LOADS:
    case IR_STORES:
    case IR_CALLS:
        return FLAGS_ARITHMETIC;
    default:
        return insn->flags_in;
    }
}

/** Shifts by a count in a register may leave all flags as they were. */
static bool always_writes(const struct ir_insn *insn) {
    switch (insn->op) {
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
    case IR_RCL:
    case IR_RCR:
        return insn->b.kind == IR_CONSTANT && (insn->b.constant & 31) != 0;
    case IR_SHLD:
    case IR_SHRD:
        return insn->c.kind == IR_CONSTANT && (insn->c.constant & 31) != 0;
    default:
        return true;
    }
}

void pass_dead_flags(struct ir_block *block, uint16_t live_out) {
    uint16_t live = live_out;
    for (unsigned i = block->count; i-- > 0;) {
        struct ir_insn *insn = &block->insn[i];
        const struct ir_op_info *info = ir_op_info((enum ir_op)insn->op);
        insn->flags_live = live;
        if (info->effects == IR_CALLS) {
            live = FLAGS_ARITHMETIC;
            continue;
        }
        if (info->sets_flags) {
            uint16_t written = insn->flags_out;
            insn->flags_out &= live;
            if (always_writes(insn))
                live &= (uint16_t)~written;
        }
        live |= flags_read(insn);
    }
}

#define LOOK_AHEAD 4

uint16_t flags_read_by_successor(const uint8_t *bytes, unsigned available,
                                 const struct block_mode *mode, const struct decode_index *index) {
    uint16_t unknown = FLAGS_ARITHMETIC, read = 0;
    unsigned at = 0;
    for (unsigned i = 0; i < LOOK_AHEAD && unknown != 0; i++) {
        const struct decode_context context = {
            .index = index,
            .bytes = bytes + at,
            .available = available - at,
            .mode = mode->code_is_32 ? DECODE_32 : DECODE_16,
        };
        struct insn insn;
        if (decode(&context, &insn) != DECODE_OK)
            break;
        const struct op_info *info = op_info((enum op)insn.op);
        bool can_fault = (insn.flags & INSN_MEM) != 0 || info->translate == TRANSLATE_CALL;
        if (can_fault || info->flow != FLOW_NEXT)
            break;
        read |= info->reads & unknown;
        unknown &= (uint16_t) ~(info->reads | info->writes | info->undefined);
        at += insn.length;
    }
    return read | unknown;
}
