/*
 * Find a block's end, decode it and lift each instruction. A basic block ends at a branch, before
 * the page's end, after an instruction that may change what later code depends on, or when the IR's
 * size limits come near.
 */
#include "translator/lift/lift.h"

#include "translator/lift/lift_internal.h"

#include <string.h>

/* One guest instruction never makes more operations or temporaries than this. */
#define MOST_OPS_EACH   8
#define MOST_TEMPS_EACH 6
/* A basic block's guest instructions. */
#define MOST_GUEST 64u

struct ir_value lift_temp(struct lift *lift) {
    return (struct ir_value){.kind = IR_TEMP, .number = (uint8_t)lift->block->temps++};
}

struct ir_insn *lift_emit(struct lift *lift, enum ir_op op, enum ir_type type) {
    struct ir_insn *insn = &lift->block->insn[lift->block->count++];
    *insn = (struct ir_insn){.op = (uint8_t)op, .type = (uint8_t)type, .guest = lift->guest};
    return insn;
}

/** Flags that an operation reads besides a condition. */
static uint16_t carry_in(enum ir_op op) {
    return op == IR_ADC || op == IR_SBB || op == IR_RCL || op == IR_RCR ? FLAG_CF : 0;
}

/** Flags that an operation computes when all are wanted. */
static uint16_t flags_computed(enum ir_op op) {
    switch (op) {
    case IR_INC:
    case IR_DEC:
        return FLAGS_ARITHMETIC & ~FLAG_CF;
    case IR_ROL:
    case IR_ROR:
    case IR_RCL:
    case IR_RCR:
    case IR_MUL: /* the other four are undefined and stay, as on AMD Zen */
    case IR_IMUL_WIDE:
    case IR_IMUL:
        return FLAG_CF | FLAG_OF;
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC:
        return FLAG_CF;
    default:
        return ir_op_info(op)->sets_flags ? FLAGS_ARITHMETIC : 0;
    }
}

void lift_binary(struct lift *lift, enum ir_op op, enum ir_type type, struct ir_value dst,
                 struct ir_value a, struct ir_value b) {
    struct ir_insn *insn = lift_emit(lift, op, type);
    insn->dst = dst;
    insn->a = a;
    insn->b = b;
    insn->flags_out = flags_computed(op);
    insn->flags_in = carry_in(op);
}

void lift_unary(struct lift *lift, enum ir_op op, enum ir_type type, struct ir_value dst,
                struct ir_value a) {
    lift_binary(lift, op, type, dst, a, ir_none());
}

void lift_move(struct lift *lift, enum ir_type type, struct ir_value dst, struct ir_value a) {
    lift_unary(lift, IR_MOV, type, dst, a);
}

struct ir_memory lift_memory(const struct lift *lift) {
    const struct insn *insn = lift->insn;
    return (struct ir_memory){
        .base = insn->base == GPR_ZERO ? ir_none() : ir_register(insn->base),
        .index = insn->index_reg == GPR_ZERO ? ir_none() : ir_register(insn->index_reg),
        .displacement = insn->disp,
        .scale = insn->scale,
        .is_16_bit = insn->ea_mask == 0xffff,
        .segment = insn->seg,
        .check = lift->block->mode.segment_check[insn->seg % SEG_COUNT],
    };
}

struct ir_memory lift_stack_memory(const struct lift *lift, uint32_t displacement) {
    return (struct ir_memory){
        .base = ir_register(GPR_ESP),
        .displacement = displacement,
        .is_16_bit = !lift->block->mode.stack_is_32,
        .segment = SEG_SS,
        .check = lift->block->mode.segment_check[SEG_SS],
    };
}

struct ir_value lift_load(struct lift *lift, enum ir_op load, enum ir_type type,
                          const struct ir_memory *memory) {
    struct ir_value value = lift_temp(lift);
    struct ir_insn *insn = lift_emit(lift, load, type);
    insn->dst = value;
    insn->memory = *memory;
    return value;
}

void lift_store(struct lift *lift, enum ir_type type, const struct ir_memory *memory,
                struct ir_value value) {
    struct ir_insn *insn = lift_emit(lift, IR_STORE, type);
    insn->memory = *memory;
    insn->a = value;
}

void lift_adjust_stack(struct lift *lift, uint32_t delta) {
    enum ir_type type = lift->block->mode.stack_is_32 ? IR_I32 : IR_I16;
    struct ir_insn *insn = lift_emit(lift, IR_LEA, type);
    insn->dst = ir_register(GPR_ESP);
    insn->memory = lift_stack_memory(lift, delta);
}

uint32_t lift_next_ip(const struct lift *lift) {
    return lift->block->page_ip + lift->insn->ip_offset + lift->insn->length;
}

/** Whether the block ends at a call although the operation's flow goes on, or the other way round:
 *  SS decides too much, while other segments, the flags that POPF and STI change, and what chips do
 *  when a port is accessed, stay what the block takes for granted as a rule, and are looked at when
 *  it runs (helper_call_ends_block). */
static bool ends_at_call(const struct lift *lift) {
    const struct insn *insn = lift->insn;
    switch (insn->op) {
    case OP_MOV_TO_SEG:
    case OP_POP_SEG:
        return insn->reg == SEG_SS;
    case OP_CLD:
    case OP_STD:
    case OP_LDMXCSR: /* the mode says whether MXCSR masks all exceptions */
    case OP_FXRSTOR:
        return true;
    case OP_POPF:
    case OP_STI:
    case OP_IN_IMM:
    case OP_IN_DX:
    case OP_OUT_IMM:
    case OP_OUT_DX:
    case OP_INVLPG:
    case OP_RDTSC:
        return false;
    default:
        return op_info((enum op)insn->op)->flow != FLOW_NEXT;
    }
}

/** Call the interpreter's handler; end the block where the operation requires it. */
static void lift_call(struct lift *lift) {
    struct ir_insn *call = lift_emit(lift, IR_GUEST, IR_I32);
    call->imm = lift->guest;
    call->flags_in = FLAGS_ARITHMETIC;
    call->flags_out = FLAGS_ARITHMETIC;
    if (!ends_at_call(lift))
        return;
    switch (op_info((enum op)lift->insn->op)->flow) {
    case FLOW_NEXT:
    case FLOW_STOP:
        lift_emit(lift, IR_FALL_OUT, IR_I32)->imm = lift_next_ip(lift);
        break;
    default: /* the handler sets cpu->eip */
        lift_emit(lift, IR_LEAVE_BLOCK, IR_I32);
        break;
    }
    lift->is_ended = true;
}

static void lift_one(struct lift *lift) {
    lift_fn *function = lift_function((enum op)lift->insn->op);
    unsigned count = lift->block->count, temps = lift->block->temps;
    if (function != NULL && function(lift))
        return;
    lift->block->count = count; /* a lifter that declined leaves nothing behind */
    lift->block->temps = temps;
    lift_call(lift);
}

/** Note that the block depends on these bytes of its page. The pieces stay sorted and apart. */
static void add_piece(struct ir_block *block, unsigned offset, unsigned bytes) {
    struct ir_piece *piece = block->piece;
    unsigned end = offset + bytes, first = 0;
    while (first < block->piece_count && piece[first].offset + piece[first].bytes < offset)
        first++;
    unsigned behind = first; /* the pieces before it, from `first`, become one with the new one */
    for (; behind < block->piece_count && piece[behind].offset <= end; behind++) {
        unsigned piece_end = piece[behind].offset + piece[behind].bytes;
        offset = piece[behind].offset < offset ? piece[behind].offset : offset;
        end = piece_end > end ? piece_end : end;
    }
    memmove(&piece[first + 1], &piece[behind], (block->piece_count - behind) * sizeof(*piece));
    piece[first] = (struct ir_piece){(uint16_t)offset, (uint16_t)(end - offset)};
    block->piece_count = block->piece_count + 1 - (behind - first);
}

bool lift_next(struct lift *lift, const struct lift_source *source, uint32_t ip,
               unsigned most_guest) {
    struct ir_block *block = lift->block;
    if (block->guest_count >= most_guest || block->count + MOST_OPS_EACH + 1 >= IR_MAX_INSNS ||
        block->temps + MOST_TEMPS_EACH >= IR_MAX_TEMPS || block->piece_count == IR_MAX_PIECES)
        return false;
    unsigned at = ip - block->page_ip;
    const struct decode_context context = {
        .index = source->index,
        .bytes = source->page + at,
        .available = GUEST_PAGE_SIZE - at,
        .mode = block->mode.code_is_32 ? DECODE_32 : DECODE_16,
    };
    struct insn *insn = &block->guest[block->guest_count];
    if (decode(&context, insn) != DECODE_OK)
        return false;
    insn->ip_offset = (uint16_t)at;
    insn->index = (uint8_t)block->guest_count;
    memcpy(block->bytes + block->guest_bytes, source->page + at, insn->length);
    add_piece(block, at, insn->length);
    block->guest_bytes += insn->length;
    lift->guest = (uint16_t)block->guest_count++;
    lift->insn = insn;
    lift_one(lift);
    return true;
}

void lift_begin(struct lift *lift, const struct lift_source *source, const struct block_mode *mode,
                struct ir_block *block) {
    block->mode = *mode;
    block->is_superblock = false;
    block->ip = source->ip;
    block->page_ip = source->ip - source->offset;
    block->guest_count = block->guest_bytes = block->count = block->temps = 0;
    block->piece_count = 0;
    block->exit_count = IR_FIRST_SIDE_EXIT;
    *lift = (struct lift){.block = block};
}

enum lift_status lift_end(struct lift *lift, uint32_t ip) {
    if (lift->block->guest_count == 0)
        return LIFT_FALLBACK;
    if (!lift->is_ended)
        lift_emit(lift, IR_JUMP, IR_I32)->imm = ip;
    return LIFT_OK;
}

enum lift_status lift_block(const struct lift_source *source, const struct block_mode *mode,
                            struct ir_block *block) {
    struct lift lift;
    uint32_t ip = source->ip;
    unsigned most_guest = source->most_guest != 0 ? source->most_guest : MOST_GUEST;
    lift_begin(&lift, source, mode, block);
    while (!lift.is_ended && lift_next(&lift, source, ip, most_guest))
        ip = lift_next_ip(&lift);
    return lift_end(&lift, ip);
}
