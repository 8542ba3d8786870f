/* See flat_machine.h. */
#include "tests/unit/interp/flat_machine.h"

#include "interp/cpu/cpuid.h"
#include "interp/cpu/segment.h"
#include "softmmu/base/bits.h"
#include "tests/support/quiet_bus.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_DIRECTORY UINT32_C(0x40000)
#define PAGE_TABLE     UINT32_C(0x41000)

static void set_segment(struct segment *s, uint16_t selector, uint16_t attributes, uint32_t limit) {
    *s = (struct segment){.selector = selector,
                          .attributes = attributes,
                          .limit = limit,
                          .base = 0,
                          .is_usable = true};
    segment_update_bounds(s);
}

static void set_code_size(struct flat_machine *machine, bool is_32) {
    struct cpu *cpu = &machine->cpu;
    uint16_t size = is_32 ? SEG_DB | SEG_GRANULAR : 0;
    uint32_t limit = is_32 ? UINT32_MAX : 0x1ffff;
    set_segment(&cpu->seg[SEG_CS], 0x08, 0x9b | size, limit);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        if (n != SEG_CS)
            set_segment(&cpu->seg[n], 0x10, 0x93 | size, limit);
    cpu_update_mode(cpu);
}

struct flat_machine *flat_machine_create(uint64_t ram_bytes) {
    const struct cpu_bus bus = quiet_bus();
    struct flat_machine *machine = calloc(1, sizeof(*machine));
    const struct cpu_model *model;
    uint64_t features;
    if (machine == NULL)
        abort();
    log_init(&machine->log);
    machine->physmem = physmem_create(ram_bytes, &machine->log, NULL);
    if (machine->physmem == NULL)
        abort();
    physmem_add_ram(machine->physmem, "ram", 0, ram_bytes, 0, 0);
    machine->ram = physmem_ram(machine->physmem);
    machine->code_pages = code_pages_create(machine->physmem, NULL);
    if (machine->code_pages == NULL || !cpu_model_parse("pentium4", &model, &features, NULL) ||
        !cpu_init(&machine->cpu, model, features, &bus, machine->physmem, machine->code_pages,
                  &machine->log, NULL))
        abort();
    struct cpu *cpu = &machine->cpu;
    cpu_reset(cpu, CPU_RESET_POWER_ON);
    cpu->cr0 |= CR0_PE;
    cpu_update_paging(cpu, true);
    set_code_size(machine, true);
    cpu->gpr[GPR_ESP] = FLAT_STACK;
    machine->coverage = encoding_coverage_from_environment();
    return machine;
}

void flat_machine_destroy(struct flat_machine *machine) {
    encoding_coverage_destroy(machine->coverage);
    cpu_destroy(&machine->cpu);
    code_pages_destroy(machine->code_pages);
    physmem_destroy(machine->physmem);
    free(machine);
}

void flat_machine_load(struct flat_machine *machine, const void *code, size_t size, bool is_32) {
    set_code_size(machine, is_32);
    physmem_dma_write(machine->physmem, FLAT_CODE, code, size);
    machine->cpu.eip = FLAT_CODE;
}

void flat_machine_catch(struct flat_machine *machine) {
    static const uint8_t gdt[24] = {0, 0,    0,    0, 0,    0,    0, 0, 0xff, 0xff, 0,    0,
                                    0, 0x9b, 0xcf, 0, 0xff, 0xff, 0, 0, 0,    0x93, 0xcf, 0};
    memcpy(machine->ram + FLAT_GDT, gdt, sizeof(gdt));
    for (uint32_t n = 0; n < 32; n++) {
        uint32_t target = FLAT_TRAPS + n * 16;
        store_le32(machine->ram + FLAT_IDT + n * 8, 0x08u << 16 | (target & 0xffff));
        store_le32(machine->ram + FLAT_IDT + n * 8 + 4, (target & 0xffff0000) | 0x8e00);
        machine->ram[target] = 0xf4;
    }
    machine->cpu.gdtr = (struct descriptor_table){FLAT_GDT, sizeof(gdt) - 1};
    machine->cpu.idtr = (struct descriptor_table){FLAT_IDT, 32 * 8 - 1};
}

int flat_machine_caught(const struct flat_machine *machine) {
    uint64_t at = machine->cpu.eip - 1 - FLAT_TRAPS;
    return at < 32 * 16 && at % 16 == 0 ? (int)(at / 16) : -1;
}

void flat_machine_enable_paging(struct flat_machine *machine) {
    store_le32(machine->ram + PAGE_DIRECTORY, PAGE_TABLE | 7);
    for (uint32_t n = 0; n < 1024; n++)
        store_le32(machine->ram + PAGE_TABLE + n * 4, n << 12 | 7);
    machine->cpu.cr3 = PAGE_DIRECTORY;
    machine->cpu.cr0 |= CR0_PG | CR0_WP;
    cpu_update_paging(&machine->cpu, true);
}

void flat_machine_set_pte(struct flat_machine *machine, uint32_t linear, uint32_t entry) {
    uint8_t bytes[4];
    store_le32(bytes, entry);
    physmem_dma_write(machine->physmem, PAGE_TABLE + (linear >> 12) * 4, bytes, 4);
    cpu_update_paging(&machine->cpu, true);
}

enum cpu_exit flat_machine_run(struct flat_machine *machine, uint64_t limit) {
    machine->cpu.activity = CPU_RUNNING;
    if (machine->coverage != NULL)
        return encoding_coverage_run(machine->coverage, &machine->cpu, limit);
    return interp_run(&machine->cpu, machine->cpu.icount + limit);
}
