/* mode_fits compares members one by one: it must agree with comparing the whole mode. */
#include "tests/unit/interp/flat_machine.h"
#include "translator/mode.h"

#include <criterion/criterion.h>

#define RAM_BYTES (UINT64_C(1) << 20)

/** Change one thing that modes depend on; false when there are no more. */
static bool change(struct cpu *cpu, unsigned what) {
    switch (what) {
    case 0:
        cpu->code_is_32 ^= true;
        return true;
    case 1:
        cpu->stack_is_32 ^= true;
        return true;
    case 2:
        cpu->cpl = 3;
        return true;
    case 3:
        cpu->cpl = 1;
        return true;
    case 4:
        cpu->is_protected = false;
        return true;
    case 5:
        cpu->is_v86 = true;
        return true;
    case 6:
        cpu->eflags |= FLAG_DF;
        return true;
    case 7:
        cpu->x87.control &= (uint16_t)~1u;
        return true;
    case 8:
        cpu->x87.status |= 0x80;
        return true;
    case 9:
        cpu->cr0 |= CR0_TS;
        return true;
    case 10:
        cpu->cr4 ^= CR4_OSFXSR;
        return true;
    case 11:
        cpu->mxcsr ^= 0x80;
        return true;
    case 12:
        cpu->seg[SEG_CS].limit--;
        return true;
    case 13:
        cpu->seg[SEG_ES].base = 16;
        return true;
    case 14:
        cpu->seg[SEG_SS].write_end = 0;
        return true;
    case 15:
        cpu->seg[SEG_DS].read_end = cpu->seg[SEG_DS].write_end = 0;
        return true;
    case 16:
        cpu->seg[SEG_CS].base = 16;
        return true;
    default:
        return false;
    }
}

Test(mode, a_block_fits_the_state_that_it_was_made_for_and_no_other) {
    struct flat_machine *machine = flat_machine_create(RAM_BYTES);
    struct cpu *cpu = &machine->cpu;
    cpu->cr4 |= CR4_OSFXSR;
    cpu->cr0 &= ~(CR0_TS | CR0_EM);
    cpu->x87.control = 0x37f;
    struct bt_block block = {.mode = mode_of_cpu(cpu)};
    cr_expect(mode_fits(cpu, &block, false));
    cr_expect_not(mode_fits(cpu, &block, true), "another form of memory access");
    const struct cpu before = *cpu;
    unsigned what = 0;
    while (change(cpu, what)) {
        cr_expect_not(mode_fits(cpu, &block, false), "after change %u", what);
        const struct bt_block other = {.mode = mode_of_cpu(cpu)};
        cr_expect(mode_fits(cpu, &other, false), "made after change %u", what);
        *cpu = before;
        what++;
    }
    for (unsigned i = SEG_FS; i <= SEG_GS; i++)
        cpu->seg[i].read_end = 0;
    cr_expect(mode_fits(cpu, &block, false), "FS and GS are checked at each access");
    *cpu = before;
    flat_machine_destroy(machine);
}
