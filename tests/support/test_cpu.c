/* The machine behind tests of system instructions. */
#include "tests/support/test_cpu.h"
#include "interp/cpu/cpuid.h"
#include "softmmu/base/bits.h"

#include <stdlib.h>
#include <string.h>

#define RAM_BYTES (4u << 20)

static uint32_t read_port(void *opaque, uint16_t port, unsigned size) {
    struct test_cpu *t = opaque;
    (void)size;
    t->last_port = port;
    return t->has_open_ports ? UINT32_MAX : t->next_input++;
}

static void write_port(void *opaque, uint16_t port, unsigned size, uint32_t value) {
    struct test_cpu *t = opaque;
    (void)size;
    t->last_port = port;
    t->last_value = value;
    t->port_writes++;
    if (t->on_port_write != NULL)
        t->on_port_write(t, port, value);
}

static int acknowledge(void *opaque) {
    struct test_cpu *t = opaque;
    int vector = t->pending_vector;
    t->pending_vector = -1;
    cpu_clear_event(&t->cpu, CPU_EVENT_INTR);
    return vector;
}

static uint64_t read_tsc(void *opaque) {
    return ((struct test_cpu *)opaque)->tsc;
}

static void set_ferr(void *opaque, bool asserted) {
    (void)opaque;
    (void)asserted;
}

static bool ignne(void *opaque) {
    (void)opaque;
    return false;
}

static void shut_down(void *opaque) {
    ((struct test_cpu *)opaque)->shutdowns++;
}

struct test_cpu *test_cpu_create(const char *model_text) {
    return test_cpu_create_sized(model_text, RAM_BYTES);
}

struct test_cpu *test_cpu_create_sized(const char *model_text, uint64_t ram_bytes) {
    struct test_cpu *t = calloc(1, sizeof *t);
    const struct cpu_model *model;
    uint64_t features;
    struct error error;
    if (t == NULL || !cpu_model_parse(model_text, &model, &features, &error))
        abort();
    struct cpu_bus bus = {.opaque = t,
                          .port_read = read_port,
                          .port_write = write_port,
                          .acknowledge_interrupt = acknowledge,
                          .read_tsc = read_tsc,
                          .set_ferr = set_ferr,
                          .ignne = ignne,
                          .shutdown = shut_down};
    log_init(&t->log);
    t->pending_vector = -1;
    t->physmem = physmem_create(ram_bytes, &t->log, &error);
    if (t->physmem == NULL)
        abort();
    physmem_add_ram(t->physmem, "ram", 0, ram_bytes, 0, 0);
    t->ram = physmem_ram(t->physmem);
    t->code_pages = code_pages_create(t->physmem, &error);
    if (t->code_pages == NULL ||
        !cpu_init(&t->cpu, model, features, &bus, t->physmem, t->code_pages, &t->log, &error))
        abort();
    cpu_reset(&t->cpu, CPU_RESET_POWER_ON);
    t->coverage = encoding_coverage_from_environment();
    return t;
}

void test_cpu_destroy(struct test_cpu *t) {
    encoding_coverage_destroy(t->coverage);
    cpu_destroy(&t->cpu);
    code_pages_destroy(t->code_pages);
    physmem_destroy(t->physmem);
    free(t);
}

void test_cpu_place(struct test_cpu *t, uint32_t at, const void *bytes, size_t size) {
    /* Code that stays as it is need not be decoded or translated again. */
    if (memcmp(t->ram + at, bytes, size) != 0)
        physmem_dma_write(t->physmem, at, bytes, size);
}

uint32_t test_cpu_read32(const struct test_cpu *t, uint32_t at) {
    return load_le32(t->ram + at);
}

uint16_t test_cpu_read16(const struct test_cpu *t, uint32_t at) {
    return load_le16(t->ram + at);
}

void test_cpu_write32(struct test_cpu *t, uint32_t at, uint32_t value) {
    uint8_t bytes[4];
    store_le32(bytes, value);
    test_cpu_place(t, at, bytes, sizeof bytes);
}

void test_cpu_set_descriptor(struct test_cpu *t, uint16_t selector, uint32_t base, uint32_t limit,
                             uint8_t access, uint8_t flags) {
    uint32_t at = TEST_GDT + (selector & 0xfff8);
    test_cpu_write32(t, at, (limit & 0xffff) | base << 16);
    test_cpu_write32(t, at + 4,
                     (base >> 16 & 0xff) | (uint32_t)access << 8 | (limit & 0xf0000) |
                         (uint32_t)flags << 20 | (base & 0xff000000u));
}

static void write_gate(struct test_cpu *t, uint32_t at, uint8_t access, uint16_t target,
                       uint32_t offset, unsigned parameters) {
    test_cpu_write32(t, at, (offset & 0xffff) | (uint32_t)target << 16);
    test_cpu_write32(t, at + 4, (offset & 0xffff0000u) | (uint32_t)access << 8 | parameters);
}

void test_cpu_set_gate(struct test_cpu *t, uint16_t selector, uint8_t access, uint16_t target,
                       uint32_t offset, unsigned parameters) {
    write_gate(t, TEST_GDT + (selector & 0xfff8), access, target, offset, parameters);
}

void test_cpu_set_vector(struct test_cpu *t, unsigned vector, uint8_t access, uint16_t target,
                         uint32_t offset) {
    write_gate(t, TEST_IDT + vector * 8, access, target, offset, 0);
}

static void place_handlers(struct test_cpu *t) {
    for (unsigned v = 0; v < 256; v++)
        PLACE(t, TEST_HANDLERS + v * 16, 0xf4);
}

void test_cpu_enter_real(struct test_cpu *t) {
    place_handlers(t);
    for (unsigned v = 0; v < 256; v++)
        test_cpu_write32(t, v * 4, TEST_HANDLERS + v * 16);
    cpu_load_segment_real(&t->cpu, SEG_CS, TEST_CODE >> 4);
    cpu_load_segment_real(&t->cpu, SEG_SS, TEST_STACK0 >> 4);
    t->cpu.idtr.limit = 0x3ff;
    t->cpu.gpr[GPR_ESP] = 0xf000;
    t->cpu.eip = 0;
}

static void install_gdt(struct test_cpu *t) {
    test_cpu_set_descriptor(t, SEL_CODE0, 0, 0xfffff, 0x9b, 0xc);
    test_cpu_set_descriptor(t, SEL_DATA0, 0, 0xfffff, 0x93, 0xc);
    test_cpu_set_descriptor(t, SEL_CODE3, 0, 0xfffff, 0xfb, 0xc);
    test_cpu_set_descriptor(t, SEL_DATA3, 0, 0xfffff, 0xf3, 0xc);
    test_cpu_set_descriptor(t, SEL_TSS, TEST_TSS, 0x2ff, 0x8b, 0);
    test_cpu_set_descriptor(t, SEL_TSS2, TEST_TSS2, 0x67, 0x89, 0);
    test_cpu_set_descriptor(t, SEL_TSS16, TEST_TSS16, 0x2b, 0x81, 0);
    test_cpu_set_descriptor(t, SEL_CODE16, TEST_CODE, 0xffff, 0x9b, 0);
    test_cpu_set_descriptor(t, SEL_DATA16, 0, 0xffff, 0x93, 0);
    test_cpu_set_descriptor(t, SEL_CONFORMING, 0, 0xfffff, 0x9f, 0xc);
    t->cpu.gdtr = (struct descriptor_table){TEST_GDT, 0xfff};
}

static void load(struct test_cpu *t, struct segment *segment, uint16_t selector) {
    uint32_t at = TEST_GDT + (selector & 0xfff8);
    struct descriptor d = {test_cpu_read32(t, at), test_cpu_read32(t, at + 4)};
    segment_load(&t->cpu, segment, selector, &d);
}

void test_cpu_load_segment(struct test_cpu *t, enum segment_name segment, uint16_t selector) {
    load(t, &t->cpu.seg[segment], selector);
}

void test_cpu_enter_protected(struct test_cpu *t, uint8_t cpl) {
    struct cpu *cpu = &t->cpu;
    place_handlers(t);
    install_gdt(t);
    for (unsigned v = 0; v < 256; v++)
        test_cpu_set_vector(t, v, 0x8e, SEL_CODE0, TEST_HANDLERS + v * 16);
    cpu->idtr = (struct descriptor_table){TEST_IDT, 0x7ff};
    test_cpu_write32(t, TEST_TSS + 4, TEST_STACK0);
    test_cpu_write32(t, TEST_TSS + 8, SEL_DATA0);
    test_cpu_write32(t, TEST_TSS + 0x64, 0x100u << 16); /* I/O bitmap at 100h */
    load(t, &cpu->tr, SEL_TSS);
    segment_set_null(&cpu->ldtr, 0);
    cpu->cr0 = CR0_PE | CR0_ET | CR0_NE;
    cpu->cpl = cpl;
    load(t, &cpu->seg[SEG_CS], cpl ? SEL_CODE3 : SEL_CODE0);
    static const enum segment_name data[5] = {SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    for (unsigned n = 0; n < 5; n++)
        load(t, &cpu->seg[data[n]], cpl ? SEL_DATA3 : SEL_DATA0);
    cpu->gpr[GPR_ESP] = cpl ? TEST_STACK3 : TEST_STACK0;
    cpu->eip = TEST_CODE;
    cpu_update_paging(cpu, true);
    cpu_update_mode(cpu);
}

void test_cpu_enter_v86(struct test_cpu *t, unsigned iopl) {
    struct cpu *cpu = &t->cpu;
    test_cpu_enter_protected(t, 3);
    cpu_set_eflags(cpu, FLAG_VM | FLAG_IF | iopl << 12, UINT32_MAX);
    cpu_update_mode(cpu);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu_load_segment_real(cpu, (enum segment_name)n, 0x3000);
    cpu_load_segment_real(cpu, SEG_CS, TEST_CODE >> 4);
    cpu_update_mode(cpu);
    cpu->gpr[GPR_ESP] = 0xf000;
    cpu->eip = 0;
}

void test_cpu_enable_paging(struct test_cpu *t) {
    test_cpu_write32(t, TEST_PAGES, (TEST_PAGES + 0x1000) | 7);
    for (uint32_t page = 0; page < 1024; page++)
        test_cpu_write32(t, TEST_PAGES + 0x1000 + page * 4, page << 12 | 7);
    t->cpu.cr3 = TEST_PAGES;
    t->cpu.cr0 |= CR0_PG | CR0_WP;
    cpu_update_paging(&t->cpu, true);
}

void test_cpu_set_pte(struct test_cpu *t, uint32_t linear, uint32_t entry) {
    test_cpu_write32(t, TEST_PAGES + 0x1000 + (linear >> 12) * 4, entry);
    mmu_invalidate_page(&t->cpu.mmu, linear);
}

enum cpu_exit test_cpu_steps(struct test_cpu *t, unsigned n) {
    if (t->coverage != NULL)
        return encoding_coverage_run(t->coverage, &t->cpu, n);
    return interp_run(&t->cpu, cpu_icount(&t->cpu) + n);
}

enum cpu_exit test_cpu_run(struct test_cpu *t) {
    return test_cpu_steps(t, 100000);
}

int test_cpu_caught(const struct test_cpu *t) {
    uint32_t at = (uint32_t)(t->cpu.seg[SEG_CS].base + t->cpu.eip) - 1 - TEST_HANDLERS;
    return t->cpu.activity == CPU_HALTED && at < 256 * 16 && at % 16 == 0 ? (int)(at / 16) : -1;
}

uint32_t test_cpu_stack(const struct test_cpu *t, unsigned n) {
    uint32_t mask = t->cpu.stack_is_32 ? UINT32_MAX : 0xffff;
    uint32_t offset = (cpu_reg32(&t->cpu, GPR_ESP) + 4 * n) & mask;
    return test_cpu_read32(t, (uint32_t)(t->cpu.seg[SEG_SS].base + offset));
}

void test_cpu_interrupt(struct test_cpu *t, int vector) {
    t->pending_vector = vector;
    cpu_set_event(&t->cpu, CPU_EVENT_INTR);
}
