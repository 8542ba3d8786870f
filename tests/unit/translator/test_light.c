/* Light segment loads: what they do is what a load does, and what they decline changes nothing. */
#include "interp/cpu/cpu_compare.h"
#include "interp/cpu/descriptor.h"
#include "softmmu/base/bits.h"
#include "tests/unit/translator/engine_pair.h"
#include "translator/backend/x86_64/light.h"

#include <criterion/criterion.h>

#define RAM_BYTES (UINT64_C(1) << 20)
#define GDT_LIMIT 0x27 /* null, code, data, and two to play with */
#define LDT       0x7400
#define FLAT_HIGH 0x00cf0000u /* limit 4 GiB */

static const struct load {
    const char *name;
    uint32_t selector, high; /* of the descriptor with index 3; its low word is 0000ffff */
    uint8_t cpl;
    bool declines;
    uint8_t segment; /* 0: FS */
} loads[] = {
    {"null", 0, 0, 0, false, 0},
    {"null with an RPL", 3, 0, 0, false, 0},
    {"data", 0x18, FLAT_HIGH | 0x9300, 0, false, 0},
    {"read-only data", 0x18, FLAT_HIGH | 0x9100, 0, false, 0},
    {"a base", 0x18, 0x12cf9334, 0, false, 0},
    {"64 KiB", 0x18, 0x00009300, 0, false, 0},
    {"DPL 3", 0x1b, FLAT_HIGH | 0xf300, 0, false, 0},
    {"DPL 3 at CPL 2", 0x1b, FLAT_HIGH | 0xf300, 2, false, 0},
    {"DPL 1 at CPL 2", 0x18, FLAT_HIGH | 0xb300, 2, true, 0},
    {"an RPL above the DPL", 0x19, FLAT_HIGH | 0x9300, 0, true, 0},
    {"not accessed", 0x18, FLAT_HIGH | 0x9200, 0, true, 0},
    {"not present", 0x18, FLAT_HIGH | 0x1300, 0, true, 0},
    {"expand-down", 0x18, FLAT_HIGH | 0x9700, 0, true, 0},
    {"code", 0x18, FLAT_HIGH | 0x9b00, 0, true, 0},
    {"a system segment", 0x18, FLAT_HIGH | 0x8300, 0, true, 0},
    {"the table's last", 0x20, FLAT_HIGH | 0x9300, 0, false, 0},
    {"outside the table", 0x28, FLAT_HIGH | 0x9300, 0, true, 0},
    {"the local table", 0x1c, FLAT_HIGH | 0x9300, 0, false, 0},
    {"outside the local table", 0x24, FLAT_HIGH | 0x9300, 0, true, 0},
    {"DS, flat as before", 0x18, FLAT_HIGH | 0x9300, 0, false, SEG_DS},
    {"DS, no longer flat", 0x18, 0x00009300, 0, true, SEG_DS},
    {"DS, no longer usable", 0, 0, 0, true, SEG_DS},
};

static struct flat_machine *create(const struct load *load) {
    struct flat_machine *machine = flat_machine_create(RAM_BYTES);
    struct cpu *cpu = &machine->cpu;
    uint64_t value;
    flat_machine_catch(machine);
    for (unsigned index = 3; index <= 4; index++) {
        store_le32(machine->ram + FLAT_GDT + index * 8, 0xffff);
        store_le32(machine->ram + FLAT_GDT + index * 8 + 4, load->high);
        store_le32(machine->ram + LDT + index * 8, 0xffff);
        store_le32(machine->ram + LDT + index * 8 + 4, load->high);
    }
    cpu->gdtr = (struct descriptor_table){FLAT_GDT, GDT_LIMIT};
    cpu->ldtr = (struct segment){.base = LDT, .limit = 0x1f, .is_usable = true};
    cpu->cpl = load->cpl;
    mmu_load_system(&cpu->mmu, FLAT_GDT, 4, &value);
    mmu_load_system(&cpu->mmu, LDT, 4, &value);
    return machine;
}

/** The light load of one machine against the whole load, or none, of another. */
static void check(const struct load *load, struct flat_machine *light, struct flat_machine *whole,
                  bool declines) {
    enum segment_name name = load->segment == 0 ? SEG_FS : (enum segment_name)load->segment;
    char difference[160] = "";
    uint16_t flags = 0;
    cr_expect_eq(light_declines_segment(&light->cpu, load->selector, name, &flags), declines, "%s",
                 load->name);
    if (!declines)
        cpu_load_segment(&whole->cpu, name, (uint16_t)load->selector);
    bool is_same = cpu_same(&whole->cpu, &light->cpu, difference, sizeof(difference)) &&
                   whole->cpu.seg[name].read_end == light->cpu.seg[name].read_end &&
                   whole->cpu.seg[name].write_end == light->cpu.seg[name].write_end;
    cr_expect(is_same, "%s: %s", load->name, difference);
}

Test(light, segment_loads_do_all_or_nothing) {
    for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        struct flat_machine *light = create(&loads[i]), *whole = create(&loads[i]);
        check(&loads[i], light, whole, loads[i].declines);
        flat_machine_destroy(light);
        flat_machine_destroy(whole);
    }
}

Test(light, segment_loads_decline_without_what_they_need) {
    static const struct load load = {"data", 0x18, FLAT_HIGH | 0x9300, 0, true, 0};
    static const struct load local = {"local data", 0x1c, FLAT_HIGH | 0x9300, 0, true, 0};
    struct flat_machine *light = create(&load), *whole = create(&load);
    light->cpu.checks_every_access = whole->cpu.checks_every_access = true;
    check(&load, light, whole, true);
    light->cpu.checks_every_access = whole->cpu.checks_every_access = false;
    mmu_invalidate_page(&light->cpu.mmu, FLAT_GDT);
    check(&load, light, whole, true);
    light->cpu.ldtr.is_usable = whole->cpu.ldtr.is_usable = false;
    check(&local, light, whole, true);
    flat_machine_destroy(light);
    flat_machine_destroy(whole);
}

Test(light, translated_kernels_load_segments_without_handlers) {
    /* mov ax, 10h; mov es, ax; push eax; pop fs; inc ecx; cmp ecx, 20; jne to the start; hlt */
    static const uint8_t code[] = {0x66, 0xb8, 0x10, 0x00, 0x8e, 0xc0, 0x50, 0x0f,
                                   0xa1, 0x41, 0x83, 0xf9, 20,   0x75, 0xf1, 0xf4};
    struct engine_pair pair;
    char message[160];
    engine_pair_create(&pair, "x86_64");
    translator_skip_warm_up(pair.translator);
    engine_pair_load(&pair, code, sizeof(code), true);
    pair.reference->cpu.gpr[GPR_ECX] = pair.tested->cpu.gpr[GPR_ECX] = 0;
    pair.reference->cpu.gpr[GPR_ESP] = pair.tested->cpu.gpr[GPR_ESP] = FLAT_STACK;
    engine_pair_run(&pair, 1000);
    cr_assert(engine_pair_agrees(&pair, message, sizeof(message)), "%s", message);
    cr_assert(cpu_same(&pair.reference->cpu, &pair.tested->cpu, message, sizeof(message)), "%s",
              message);
    const uint64_t *calls = translator_counters(pair.translator)->handler_calls;
    cr_expect_leq(calls[OP_MOV_TO_SEG] + calls[OP_POP_SEG], 4, "%u and %u handlers called",
                  (unsigned)calls[OP_MOV_TO_SEG], (unsigned)calls[OP_POP_SEG]);
    engine_pair_destroy(&pair);
}

/* What keeps an INT or IRET in real mode from being common. */
enum obstacle {
    NONE,
    WIDE_STACK,
    BIG_CODE_SEGMENT,
    ACCESS_CHECKS,
    SHORT_VECTORS,
    ALIGNMENT_FLAG,
    NMI_BLOCKED,
    EVENT_WAITS,
    OBSTACLES
};

/** A CPU in real mode with zeros for vectors and stack. */
static struct flat_machine *create_real(enum obstacle obstacle) {
    struct flat_machine *machine = flat_machine_create(RAM_BYTES);
    struct cpu *cpu = &machine->cpu;
    uint64_t value;
    cpu->cr0 &= ~CR0_PE;
    cpu_update_mode(cpu);
    for (unsigned s = 0; s < SEG_COUNT; s++) {
        cpu->seg[s].attributes = 0;
        cpu->seg[s].limit = obstacle == BIG_CODE_SEGMENT && s == SEG_CS ? 0x1ffff : 0xffff;
        cpu_load_segment_real(cpu, (enum segment_name)s, 0x1000);
    }
    cpu->gpr[GPR_ESP] = 0x100;
    cpu->idtr = (struct descriptor_table){0, obstacle == SHORT_VECTORS ? 0x3e : 0x3ff};
    cpu->stack_is_32 = obstacle == WIDE_STACK;
    cpu->nmi_blocked = obstacle == NMI_BLOCKED;
    cpu->eflags |= obstacle == ALIGNMENT_FLAG ? FLAG_AC : 0u;
    if (obstacle == ACCESS_CHECKS)
        cpu->seg[SEG_SS].read_end = cpu->seg[SEG_SS].write_end = 0;
    if (obstacle == EVENT_WAITS)
        cpu_set_event(cpu, CPU_EVENT_INTR);
    mmu_load_system(&cpu->mmu, 0, 4, &value);
    mmu_store(&cpu->mmu, 0x10104, 2, FLAG_IF | FLAG_RESERVED_1); /* what IRET pops */
    mmu_load(&cpu->mmu, 0x10104, 2, &value);
    return machine;
}

Test(light, interrupts_decline_what_is_not_common) {
    static const bool interrupt_declines[OBSTACLES] = {
        [WIDE_STACK] = true,    [BIG_CODE_SEGMENT] = true, [ACCESS_CHECKS] = true,
        [SHORT_VECTORS] = true, [ALIGNMENT_FLAG] = true,
    };
    static const bool return_declines[OBSTACLES] = {
        [WIDE_STACK] = true,  [BIG_CODE_SEGMENT] = true, [ACCESS_CHECKS] = true,
        [NMI_BLOCKED] = true, [EVENT_WAITS] = true,
    };
    for (unsigned i = 0; i < OBSTACLES; i++) {
        struct flat_machine *machine = create_real((enum obstacle)i);
        struct cpu before = machine->cpu;
        char text[160];
        uint16_t flags = 0;
        bool declined = light_declines_interrupt(&machine->cpu, 15, 0x123, &flags);
        cr_expect_eq(declined, interrupt_declines[i], "INT with obstacle %u", i);
        cr_expect_eq(cpu_same(&before, &machine->cpu, text, sizeof(text)), declined,
                     "INT with obstacle %u changed something, or nothing", i);
        flat_machine_destroy(machine);
        machine = create_real((enum obstacle)i);
        before = machine->cpu;
        declined = light_declines_interrupt_return(&machine->cpu, 0, 0, &flags);
        cr_expect_eq(declined, return_declines[i], "IRET with obstacle %u", i);
        cr_expect_eq(cpu_same(&before, &machine->cpu, text, sizeof(text)), declined,
                     "IRET with obstacle %u changed something, or nothing", i);
        flat_machine_destroy(machine);
    }
}
