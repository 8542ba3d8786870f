#include "interp/decode/op.h"
#include "tests/unit/interp/flat_machine.h"
#include "translator/helpers.h"

#include <criterion/criterion.h>

#define RAM_BYTES (UINT64_C(1) << 20)

/* A block that has every segment as the machine has it now, and one of its instructions. */
static bool ends_after_loss(enum op op, uint8_t reg, unsigned lost) {
    struct flat_machine *machine = flat_machine_create(RAM_BYTES);
    struct bt_block block = {0};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        block.mode.segment_check[i] =
            (uint8_t)helper_segment_check(&machine->cpu.seg[i], i != SEG_CS);
    const struct insn insn = {.op = (uint16_t)op, .reg = reg};
    if (lost < SEG_COUNT)
        machine->cpu.seg[lost] = (struct segment){0}; /* as a null selector leaves it */
    bool ends = helper_call_ends_block(&machine->cpu, &block, &insn, machine->cpu.eflags);
    flat_machine_destroy(machine);
    return ends;
}

Test(helpers, a_far_pointer_load_goes_on_while_its_segment_is_as_the_block_has_it) {
    cr_expect_not(ends_after_loss(OP_LDS, 0, SEG_COUNT));
    cr_expect_not(ends_after_loss(OP_MOV_TO_SEG, SEG_DS, SEG_COUNT));
}

/* What an access to a port, of a block at 0 whose page is mapped at `addend`, may leave behind. */
enum aftermath { NOTHING, EVENT, MASKED_EVENT, BREAKPOINT, PAGE_GONE };

static bool ends_after_port_access(enum op op, enum aftermath aftermath) {
    struct flat_machine *machine = flat_machine_create(RAM_BYTES);
    struct cpu *cpu = &machine->cpu;
    uint64_t value;
    struct bt_block block = {.mode = {.counts_instructions = true}};
    const struct insn insn = {.op = (uint16_t)op};
    mmu_load(&cpu->mmu, 0, 4, &value);
    block.addend = cpu->mmu.read_table[0];
    if (aftermath == EVENT)
        cpu_set_event(cpu, CPU_EVENT_RESET);
    if (aftermath == MASKED_EVENT) /* IF is clear */
        cpu_set_event(cpu, CPU_EVENT_INTR);
    if (aftermath == BREAKPOINT)
        cpu->debug_active = true;
    if (aftermath == PAGE_GONE)
        mmu_invalidate_page(&cpu->mmu, 0);
    bool ends = helper_call_ends_block(cpu, &block, &insn, cpu->eflags);
    flat_machine_destroy(machine);
    return ends;
}

Test(helpers, a_block_goes_on_behind_a_port_access_that_disturbs_nothing) {
    static const enum op ops[] = {OP_IN_IMM, OP_IN_DX, OP_OUT_IMM, OP_OUT_DX, OP_INVLPG, OP_RDTSC};
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        const char *name = op_info(ops[i])->mnemonic;
        cr_expect_not(ends_after_port_access(ops[i], NOTHING), "%s", name);
        cr_expect_not(ends_after_port_access(ops[i], MASKED_EVENT), "%s, masked event", name);
        cr_expect(ends_after_port_access(ops[i], EVENT), "%s, event", name);
        cr_expect(ends_after_port_access(ops[i], BREAKPOINT), "%s, breakpoint", name);
        cr_expect(ends_after_port_access(ops[i], PAGE_GONE), "%s, page gone", name);
    }
}

Test(helpers, a_null_selector_ends_the_block_whatever_register_gets_the_offset) {
    static const struct {
        enum op op;
        unsigned segment;
    } loads[] = {{OP_LES, SEG_ES}, {OP_LDS, SEG_DS}, {OP_LFS, SEG_FS}, {OP_LGS, SEG_GS}};
    for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
        for (uint8_t reg = 0; reg < 8; reg++)
            cr_expect(ends_after_loss(loads[i].op, reg, loads[i].segment), "%s with register %u",
                      op_info(loads[i].op)->mnemonic, reg);
}
