/* Storage of decoded blocks: what writes to their bytes leave behind. */
#include "interp/insn_cache_store.h"
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"

#include <criterion/criterion.h>

static struct flat_machine *machine;

static void set_up(void) {
    machine = flat_machine_create(UINT64_C(4) << 20);
}
static void tear_down(void) {
    flat_machine_destroy(machine);
}
TestSuite(insn_cache, .init = set_up, .fini = tear_down);

static const struct code_frame *frame_of(uint32_t address) {
    return machine->cpu.insn_cache->store->frames[address >> GUEST_PAGE_SHIFT];
}

static unsigned listed_blocks(uint32_t address) {
    unsigned count = 0;
    for (const struct block_node *node = frame_of(address)->blocks; node != NULL; node = node->next)
        count++;
    return count;
}

/* Write `inc eax; hlt` to an address and run it. */
static void write_and_run(uint32_t address) {
    physmem_write(machine->physmem, address, 2, 0xf440);
    machine->cpu.eip = address;
    cr_assert_eq(flat_machine_run(machine, 10), CPU_EXIT_HALTED);
}

Test(insn_cache, overwritten_blocks_leave_the_list_of_their_page) {
    for (uint32_t offset = 0; offset < 0x400; offset += 2) {
        write_and_run(FLAT_CODE + offset);
        physmem_write(machine->physmem, FLAT_CODE + offset, 1, 0x90);
    }
    write_and_run(FLAT_CODE + 0x800);
    unsigned listed = listed_blocks(FLAT_CODE);
    cr_assert_eq(listed, 1, "expected 1, listed %u", listed);
}

Test(insn_cache, a_rewritten_block_is_listed_again) {
    for (unsigned n = 0; n < 4; n++)
        write_and_run(FLAT_CODE);
    unsigned listed = listed_blocks(FLAT_CODE);
    cr_assert_eq(listed, 1, "expected 1, listed %u", listed);
    uint32_t eax = (uint32_t)machine->cpu.gpr[GPR_EAX];
    physmem_write(machine->physmem, FLAT_CODE, 1, 0x48); /* dec eax */
    machine->cpu.eip = FLAT_CODE;
    flat_machine_run(machine, 10);
    cr_assert_eq(machine->cpu.gpr[GPR_EAX], eax - 1, "EAX %x, before %x",
                 (unsigned)machine->cpu.gpr[GPR_EAX], eax);
}

/* mov eax,imm32 over a page border: a write to either page ends it, and it may come back. */
Test(insn_cache, a_block_on_two_pages_goes_with_a_write_to_either) {
    uint32_t border = FLAT_CODE + GUEST_PAGE_SIZE;
    for (uint32_t value = 1; value < 5; value++) {
        uint32_t at = border - 2;
        physmem_write(machine->physmem, value & 1 ? at + 1 : border + 1, 1, value);
        machine->ram[at] = 0xb8;
        physmem_write(machine->physmem, border + 3, 1, 0xf4);
        machine->cpu.eip = at;
        cr_assert_eq(flat_machine_run(machine, 10), CPU_EXIT_HALTED);
        uint32_t expected = load_le32(machine->ram + at + 1);
        cr_assert_eq(machine->cpu.gpr[GPR_EAX], expected, "EAX %x, expected %x",
                     (unsigned)machine->cpu.gpr[GPR_EAX], expected);
    }
}
