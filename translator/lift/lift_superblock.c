/*
 * Superblocks: what would end a basic block becomes nothing (a jump) or a side exit (a branch), and
 * lifting goes on where the guest went most often. Only within a page, whose frame the block's key
 * names.
 */
#include "translator/lift/lift_internal.h"

/* A loop is unrolled as long as it stays this short: its head costs as much as two instructions. */
#define MOST_UNROLLED 32u
#define MOST_BLOCKS   32u

struct trail {
    uint32_t start[MOST_BLOCKS]; /* basic blocks on the path, but for those of later rounds */
    unsigned count;
    unsigned period; /* guest instructions in one round of a loop; 0: the first is not over */
};

/** Whether the path may go on at `ip`, and does not only run into itself there. */
static bool may_go_on(struct trail *trail, const struct ir_block *block, uint32_t ip) {
    if (ip - block->page_ip >= GUEST_PAGE_SIZE)
        return false;
    if (ip == block->ip) {
        if (trail->period == 0)
            trail->period = block->guest_count;
        return block->guest_count + trail->period <= MOST_UNROLLED;
    }
    if (trail->period != 0)
        return true;
    for (unsigned i = 0; i < trail->count; i++)
        if (trail->start[i] == ip)
            return false;
    if (trail->count == MOST_BLOCKS)
        return false;
    trail->start[trail->count++] = ip;
    return true;
}

/** Make of the block's END operation what leads on to `ip`; false when it does not lead there. */
static bool open_end(struct ir_block *block, uint32_t ip) {
    struct ir_insn *end = &block->insn[block->count - 1];
    if (end->op == IR_JUMP && end->imm == ip) {
        block->count--;
        return true;
    }
    if (end->op == IR_BRANCH_ZERO && end->imm2 == ip && end->imm != ip) {
        end->op = IR_EXIT_ZERO;
        end->imm2 = block->exit_count++;
        return true;
    }
    if (end->op != IR_BRANCH || (end->imm != ip && end->imm2 != ip))
        return false;
    if (end->imm == ip) { /* the side exit is taken when the branch is not */
        end->cond ^= 1;
        end->imm = end->imm2;
    }
    end->op = IR_EXIT_IF;
    end->imm2 = block->exit_count++;
    return true;
}

enum lift_status lift_superblock(const struct lift_source *source, const struct block_mode *mode,
                                 lift_path_fn *next, const void *path, struct ir_block *block) {
    struct lift lift;
    struct trail trail = {0};
    uint32_t ip = source->ip;
    bool goes_on = true;
    lift_begin(&lift, source, mode, block);
    block->is_superblock = true;
    block->has_gone_on = false;
    while (goes_on && lift_next(&lift, source, ip, IR_MAX_GUEST)) {
        uint32_t last_ip = block->page_ip + lift.insn->ip_offset;
        ip = lift_next_ip(&lift);
        if (!lift.is_ended) {
            goes_on = ip != block->ip || may_go_on(&trail, block, ip);
            continue;
        }
        goes_on = next(path, last_ip, &ip) && may_go_on(&trail, block, ip) && open_end(block, ip);
        lift.is_ended = !goes_on;
        block->has_gone_on |= goes_on;
    }
    return lift_end(&lift, ip);
}
