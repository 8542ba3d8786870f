/*
 * Which translated blocks may run in the CPU's state. Inline, because each way from block to block
 * that is not a link needs it.
 */
#ifndef TRANSLATOR_MODE_H
#define TRANSLATOR_MODE_H

#include "translator/cache/block_map.h"
#include "translator/helpers.h"

/* MXCSR's exception masks, and the bits that a host might refuse besides. */
#define MXCSR_MASKS   UINT32_C(0x1f80)
#define MXCSR_CHECKED (UINT32_C(0xffff0000) | MXCSR_MASKS)

/** The mode of blocks that begin in the CPU's state. The translator's own part is left to the
 *  caller: counts_instructions, uses_window, code_limit_class. */
static inline struct block_mode mode_of_cpu(const struct cpu *cpu) {
    struct block_mode mode = {
        .code_is_32 = cpu->code_is_32,
        .stack_is_32 = cpu->stack_is_32,
        .is_user = cpu->cpl == 3,
        .is_ring_0 = cpu->cpl == 0,
        .is_protected = cpu->is_protected,
        .is_v86 = cpu->is_v86,
        .moves_down = (cpu->eflags & FLAG_DF) != 0,
        .x87_usable = helper_x87_is_quiet(cpu),
        .simd_usable = (cpu->cr0 & (CR0_EM | CR0_TS)) == 0 && (cpu->cr4 & CR4_OSFXSR) != 0 &&
                       (cpu->mxcsr & MXCSR_CHECKED) == MXCSR_MASKS,
        .code_limit = cpu->seg[SEG_CS].limit,
    };
    for (unsigned i = 0; i < SEG_COUNT; i++)
        mode.segment_check[i] = (uint8_t)helper_segment_check(&cpu->seg[i], i != SEG_CS);
    /* Kernels load these at every entry and exit, but use them for few accesses: a check each time
       costs less than blocks of their own for each state and a way through the dispatcher. */
    mode.segment_check[SEG_FS] = mode.segment_check[SEG_GS] = IR_SEG_CHECKED;
    return mode;
}

/** Whether a block of this translator may run in the CPU's state, as far as that depends on its
 *  mode: whether a block that began now would have the same one. */
static inline bool mode_fits(const struct cpu *cpu, const struct bt_block *block,
                             bool uses_window) {
    _Static_assert(sizeof(struct block_mode) == 28, "all of its members are compared here");
    const struct block_mode *mode = &block->mode;
    bool simd_usable = (cpu->cr0 & (CR0_EM | CR0_TS)) == 0 && (cpu->cr4 & CR4_OSFXSR) != 0 &&
                       (cpu->mxcsr & MXCSR_CHECKED) == MXCSR_MASKS;
    int differs = (cpu->code_is_32 ^ mode->code_is_32) | (cpu->stack_is_32 ^ mode->stack_is_32) |
                  (cpu->is_protected ^ mode->is_protected) | (cpu->is_v86 ^ mode->is_v86) |
                  ((cpu->cpl == 3) ^ mode->is_user) | ((cpu->cpl == 0) ^ mode->is_ring_0) |
                  (((cpu->eflags & FLAG_DF) != 0) ^ mode->moves_down) |
                  (helper_x87_is_quiet(cpu) ^ mode->x87_usable) |
                  (simd_usable ^ mode->simd_usable) | (uses_window ^ mode->uses_window);
    for (unsigned i = 0; i < SEG_FS; i++) /* FS and GS are checked in all blocks */
        differs |= (int)helper_segment_check(&cpu->seg[i], i != SEG_CS) ^ mode->segment_check[i];
    return differs == 0 && cpu->seg[SEG_CS].limit == mode->code_limit;
}

#endif
