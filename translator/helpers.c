#include "translator/helpers.h"

#include "interp/cpu/guest_access.h"
#include "interp/decode/op.h"

#include <stdatomic.h>

const struct insn *helper_stop(struct cpu *cpu, const struct insn *insn) {
    return NULL;
}

uint32_t helper_load(struct cpu *cpu, unsigned segment, uint32_t offset, enum ir_type type) {
    switch (type) {
    case IR_I8:
        return cpu_load8(cpu, segment, offset);
    case IR_I16:
        return cpu_load16(cpu, segment, offset);
    default:
        return cpu_load32(cpu, segment, offset);
    }
}

void helper_store(struct cpu *cpu, unsigned segment, uint32_t offset, enum ir_type type,
                  uint32_t value) {
    switch (type) {
    case IR_I8:
        cpu_store8(cpu, segment, offset, (uint8_t)value);
        break;
    case IR_I16:
        cpu_store16(cpu, segment, offset, (uint16_t)value);
        break;
    default:
        cpu_store32(cpu, segment, offset, value);
        break;
    }
}

void helper_probe_write(struct cpu *cpu, unsigned segment, uint32_t offset, enum ir_type type) {
    unsigned size = 1u << type;
    cpu_probe_write(cpu, cpu_linear_write(cpu, segment, offset, size), size);
}

bool helper_write_leaves_block(struct cpu *cpu, const struct bt_block *block, unsigned segment,
                               uint32_t offset, enum ir_type type) {
    unsigned size = 1u << type;
    uint32_t linear = (uint32_t)cpu_linear_write(cpu, segment, offset, size);
    /* Pages with code have no entry for writing. */
    if (LIKELY(cpu_host_write(cpu, linear, size) != NULL))
        return false;
    for (unsigned i = 0; i < size; i++) {
        frame_number frame;
        unsigned at = (linear + i) & GUEST_PAGE_MASK;
        if (i > 0 && at != 0)
            continue; /* same page as the byte before */
        unsigned count = at + size - i <= GUEST_PAGE_SIZE ? size - i : GUEST_PAGE_SIZE - at;
        if (!mmu_written_frame(&cpu->mmu, linear + i, &frame)) {
            if (block->mode.counts_instructions)
                return true;
        } else if (frame == block->frame && bt_block_covers(block, at, count)) {
            return true;
        }
    }
    return false;
}

/** The segment that an instruction loads, whatever its other operands are. */
static unsigned loaded_segment(const struct insn *insn) {
    switch (insn->op) {
    case OP_LES:
        return SEG_ES;
    case OP_LDS:
        return SEG_DS;
    case OP_LFS:
        return SEG_FS;
    case OP_LGS:
        return SEG_GS;
    default:
        return insn->reg;
    }
}

/** A segment is as the block has it. One that the block checks at each access might be anything,
 *  but blocks behind this one that know it better are not linked to it; FS and GS are checked in
 *  all blocks. SS also decides the stack's width and holds off interrupts. */
static bool segment_fits(const struct cpu *cpu, const struct bt_block *block, unsigned segment) {
    if (segment == SEG_SS || segment >= SEG_COUNT)
        return false;
    enum ir_segment_check assumed = (enum ir_segment_check)block->mode.segment_check[segment];
    bool is_always_checked = segment >= SEG_FS && assumed == IR_SEG_CHECKED;
    return is_always_checked || helper_segment_check(&cpu->seg[segment], true) == assumed;
}

bool helper_event_waits(const struct cpu *cpu) {
    uint32_t masked = ((cpu->eflags & FLAG_IF) ? 0 : (uint32_t)CPU_EVENT_INTR) |
                      (cpu->nmi_blocked ? (uint32_t)CPU_EVENT_NMI : 0);
    return (atomic_load_explicit(&cpu->events, memory_order_relaxed) & ~masked) != 0;
}

/** Neither is there something to do before the next instruction, nor was the block's page mapped
 *  away: chips can do either when a port is accessed. */
static bool is_undisturbed(const struct cpu *cpu, const struct bt_block *block) {
    return cpu->activity == CPU_RUNNING && !cpu->debug_active && !helper_event_waits(cpu) &&
           cpu->mmu.read_table[block->linear >> GUEST_PAGE_SHIFT] == block->addend;
}

bool helper_call_ends_block(const struct cpu *cpu, const struct bt_block *block,
                            const struct insn *insn, uint32_t eflags) {
    /* Where instructions are counted, cpu_lower_limit says exactly when to stop. */
    if (!block->mode.counts_instructions && helper_event_waits(cpu))
        return true;
    uint32_t harmless = FLAGS_ARITHMETIC | FLAG_IF | FLAG_NT | FLAG_ID;
    switch (insn->op) {
    case OP_MOV_TO_SEG:
    case OP_POP_SEG:
    case OP_LDS:
    case OP_LES:
    case OP_LFS:
    case OP_LGS:
        return !segment_fits(cpu, block, loaded_segment(insn));
    case OP_POPF:
    case OP_STI:
        return ((eflags ^ cpu->eflags) & ~harmless) != 0 || cpu->interrupt_shadow ||
               cpu->debug_active ||
               (((cpu->eflags & ~eflags) & FLAG_IF) != 0 &&
                atomic_load_explicit(&cpu->events, memory_order_relaxed) != 0);
    case OP_IN_IMM:
    case OP_IN_DX:
    case OP_OUT_IMM:
    case OP_OUT_DX:
    case OP_INVLPG:
    case OP_RDTSC:
        return !is_undisturbed(cpu, block);
    default:
        return false;
    }
}
