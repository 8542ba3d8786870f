/* The emulated side of the host oracle; see the header. */
#include "tests/conformance/oracle_engine.h"
#include "interp/cpu/cpuid.h"
#include "interp/cpu/descriptor.h"
#include "interp/exec/x87.h"
#include "interp/run.h"
#include "softmmu/base/bits.h"
#include "softmmu/window.h"
#include "tests/support/quiet_bus.h"
#include "translator/run.h"

#include <stdlib.h>

#define RAM_BYTES         (UINT64_C(1) << 20)
#define INSTRUCTION_LIMIT 1000
#define CODE_CACHE_BYTES  (4u << 20)

/* PDPTs in a page. */
#define ADDRESS_SPACES 128
#define PDPT_BYTES     32

/* The kernel's pages lie at the same offsets in physical memory and behind ORACLE_KERNEL. */
#define GDT       0x1000
#define IDT       0x2000
#define TSS       0x3000
#define LDT       0x4000
#define HANDLERS  0x5000 /* vector n: HLT at HANDLERS + n */
#define STACK_TOP 0x7000
#define PDPT      0x7000 /* the same four entries for each address space */
#define PD_CODE   0x8000 /* page directory of the first GiB */
#define PD_KERNEL 0x9000 /* and of the last */
#define PT_CODE   0xa000
#define PT_DATA   0xb000
#define PT_KERNEL 0xc000
#define CODE      0x20000
#define DATA      0x30000

#define PTE_PRESENT  UINT64_C(0x01)
#define PTE_WRITABLE UINT64_C(0x02)
#define PTE_USER     UINT64_C(0x04)
#define PTE_NX       (UINT64_C(1) << 63)

#define KERNEL_CS   0x08
#define KERNEL_SS   0x10
#define KERNEL_TR   0x18
#define KERNEL_LDTR 0x40

struct engine {
    struct cpu cpu;
    struct log log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    uint8_t *ram;
    struct translator *translator; /* NULL: the interpreter */
    bool has_windows;              /* the back end reaches memory through windows where it can */
};

static void set_descriptor(struct engine *engine, uint32_t at, uint32_t base, uint32_t limit,
                           uint16_t attributes) {
    uint32_t units = attributes & SEG_GRANULAR ? limit >> 12 : limit;
    store_le32(engine->ram + at, (units & 0xffff) | base << 16);
    store_le32(engine->ram + at + 4, (base >> 16 & 0xff) | (uint32_t)(attributes & 0xf0ff) << 8 |
                                         (units & 0xf0000) | (base & 0xff000000));
}

void engine_set_descriptor(struct engine *engine, uint16_t selector, uint32_t attributes,
                           uint32_t limit) {
    set_descriptor(engine, GDT + (selector & 0xfff8), 0, limit, (uint16_t)(attributes >> 8));
}

static void load_system_segment(struct engine *engine, struct segment *segment, uint16_t selector) {
    const uint8_t *at = engine->ram + GDT + selector;
    struct descriptor d = {load_le32(at), load_le32(at + 4)};
    segment_load(&engine->cpu, segment, selector, &d);
}

static void build_tables(struct engine *engine) {
    static const struct {
        uint32_t base, limit;
        uint16_t attributes;
    } ldt[ORACLE_LDT_ENTRIES] = {
        {ORACLE_DATA, 0x1fff, 0x40f3}, {ORACLE_DATA, 0x2fff, 0x40f1}, {ORACLE_DATA, 0x0fff, 0x40f7},
        {ORACLE_DATA, 0x1fff, 0x40f9}, {ORACLE_DATA, 0x1fff, 0x4073}, {ORACLE_CODE, 0x1fff, 0x00fb},
    };
    set_descriptor(engine, GDT + KERNEL_CS, 0, UINT32_MAX, 0xc09b);
    set_descriptor(engine, GDT + KERNEL_SS, 0, UINT32_MAX, 0xc093);
    set_descriptor(engine, GDT + KERNEL_TR, ORACLE_KERNEL + TSS, 0x67, 0x008b);
    set_descriptor(engine, GDT + KERNEL_LDTR, ORACLE_KERNEL + LDT, 8 * ORACLE_LDT_ENTRIES - 1,
                   0x0082);
    for (unsigned i = 0; i < ORACLE_LDT_ENTRIES; i++)
        set_descriptor(engine, LDT + 8 * i, ldt[i].base, ldt[i].limit, ldt[i].attributes);
    for (unsigned v = 0; v < 256; v++) {
        uint32_t target = ORACLE_KERNEL + HANDLERS + v;
        bool is_user = v == VECTOR_BP || v == VECTOR_OF;
        store_le32(engine->ram + IDT + 8 * v, (target & 0xffff) | KERNEL_CS << 16);
        store_le32(engine->ram + IDT + 8 * v + 4,
                   (target & 0xffff0000) | (is_user ? 0xee00 : 0x8e00));
        engine->ram[HANDLERS + v] = 0xf4;
    }
    store_le32(engine->ram + TSS + 4, ORACLE_KERNEL + STACK_TOP);
    store_le32(engine->ram + TSS + 8, KERNEL_SS);
    store_le16(engine->ram + TSS + 0x66, 0x68); /* no I/O bitmap */
}

static void map_pages(struct engine *engine, uint32_t table, uint32_t linear, uint32_t physical,
                      uint32_t size, uint64_t rights) {
    for (uint32_t at = 0; at < size; at += 0x1000)
        store_le64(engine->ram + table + ((linear + at) >> 12 & 511) * 8,
                   (physical + at) | PTE_PRESENT | rights);
}

static void build_pages(struct engine *engine) {
    const uint64_t all = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    for (uint32_t pdpt = PDPT; pdpt < PDPT + ADDRESS_SPACES * PDPT_BYTES; pdpt += PDPT_BYTES) {
        store_le64(engine->ram + pdpt, PD_CODE | PTE_PRESENT);
        store_le64(engine->ram + pdpt + 24, PD_KERNEL | PTE_PRESENT);
    }
    store_le64(engine->ram + PD_CODE + (ORACLE_CODE >> 21 & 511) * 8, PT_CODE | all);
    store_le64(engine->ram + PD_CODE + (ORACLE_DATA >> 21 & 511) * 8, PT_DATA | all);
    store_le64(engine->ram + PD_KERNEL + (ORACLE_KERNEL >> 21 & 511) * 8, PT_KERNEL | all);
    map_pages(engine, PT_CODE, ORACLE_CODE, CODE, ORACLE_CODE_BYTES, PTE_USER);
    map_pages(engine, PT_DATA, ORACLE_DATA, DATA, ORACLE_DATA_BYTES,
              PTE_USER | PTE_WRITABLE | PTE_NX);
    map_pages(engine, PT_DATA, ORACLE_CONST, DATA + ORACLE_DATA_BYTES, ORACLE_CONST_BYTES,
              PTE_USER | PTE_NX);
    map_pages(engine, PT_KERNEL, ORACLE_KERNEL, 0, ORACLE_KERNEL_BYTES, PTE_WRITABLE);
}

static void set_up_cpu(struct engine *engine) {
    struct cpu *cpu = &engine->cpu;
    cpu_reset(cpu, CPU_RESET_POWER_ON);
    cpu->gdtr = (struct descriptor_table){ORACLE_KERNEL + GDT, 0x7f};
    cpu->idtr = (struct descriptor_table){ORACLE_KERNEL + IDT, 0x7ff};
    load_system_segment(engine, &cpu->tr, KERNEL_TR);
    load_system_segment(engine, &cpu->ldtr, KERNEL_LDTR);
    cpu->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    cpu->cr3 = PDPT;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->msr.efer = EFER_NXE;
    cpu_update_paging(cpu, true);
}

struct engine *engine_create(const char *name, struct error *error) {
    struct engine *engine = aligned_alloc(64, (sizeof(*engine) + 63) / 64 * 64);
    const struct cpu_bus bus = quiet_bus();
    const struct cpu_model *model;
    uint64_t features;
    if (engine == NULL)
        return error_set(error, "out of memory"), NULL;
    memset(engine, 0, sizeof(*engine));
    log_init(&engine->log);
    if (!cpu_model_parse("pentium4", &model, &features, error))
        return NULL;
    engine->physmem = physmem_create(RAM_BYTES, &engine->log, error);
    if (engine->physmem == NULL)
        return NULL;
    physmem_add_ram(engine->physmem, "ram", 0, RAM_BYTES, 0, 0);
    physmem_set_a20(engine->physmem, true);
    engine->ram = physmem_ram(engine->physmem);
    engine->code_pages = code_pages_create(engine->physmem, error);
    if (engine->code_pages == NULL ||
        !cpu_init(&engine->cpu, model, features, &bus, engine->physmem, engine->code_pages,
                  &engine->log, error))
        return NULL;
    build_tables(engine);
    build_pages(engine);
    set_up_cpu(engine);
    if (strcmp(name, "interp") != 0) {
        engine->translator = translator_create(&engine->cpu, name, CODE_CACHE_BYTES, true, error);
        if (engine->translator == NULL)
            return NULL;
        translator_skip_warm_up(engine->translator);
        engine->has_windows = strcmp(name, "x86_64") == 0;
    }
    return engine;
}

void engine_destroy(struct engine *engine) {
    if (engine->translator != NULL)
        translator_destroy(engine->translator);
    cpu_destroy(&engine->cpu);
    code_pages_destroy(engine->code_pages);
    physmem_destroy(engine->physmem);
    free(engine);
}

void engine_print_statistics(const struct engine *engine, FILE *file) {
    if (engine->translator == NULL)
        return;
    const struct translator_statistics *s = translator_statistics(engine->translator);
    const struct mmu_statistics *m = mmu_statistics(&engine->cpu.mmu);
    fprintf(file,
            "%llu blocks of %llu guest instructions translated, %llu stretches interpreted; "
            "%llu pages mapped in windows\n",
            (unsigned long long)s->blocks, (unsigned long long)s->guest_instructions_translated,
            (unsigned long long)s->interpreted_stretches, (unsigned long long)m->window_pages);
}

uint64_t engine_instructions(const struct engine *engine) {
    return engine->cpu.icount;
}

static void load_segment(struct engine *engine, enum segment_name name, uint16_t selector) {
    struct cpu *cpu = &engine->cpu;
    const uint8_t *table = engine->ram + (selector & SELECTOR_LDT ? LDT : GDT);
    if ((selector & 0xfffc) == 0) {
        segment_set_null(&cpu->seg[name], selector);
        return;
    }
    struct descriptor d = {load_le32(table + (selector & 0xfff8)),
                           load_le32(table + (selector & 0xfff8) + 4)};
    segment_load(cpu, &cpu->seg[name], selector, &d);
}

static void load_fpu(struct cpu *cpu, const struct oracle_fpu *fpu) {
    struct x87_state *x = &cpu->x87;
    x87_set_words(cpu, fpu->control, fpu->status);
    x->is_valid = fpu->tags;
    x->opcode = fpu->opcode;
    x->code_offset = fpu->ip;
    x->data_offset = fpu->dp;
    x->code_selector = x->data_selector = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct float80 *st = &x->st[(x->top + i) & 7];
        st->significand = fpu->st[i].significand;
        st->sign_exponent = fpu->st[i].sign_exponent;
        cpu->xmm[i].u64[0] = fpu->xmm[i][0];
        cpu->xmm[i].u64[1] = fpu->xmm[i][1];
    }
    cpu->mxcsr = fpu->mxcsr;
}

static void save_fpu(const struct cpu *cpu, struct oracle_fpu *fpu) {
    const struct x87_state *x = &cpu->x87;
    fpu->control = x->control;
    fpu->status = x87_status_word(cpu);
    fpu->tags = x->is_valid;
    fpu->opcode = x->opcode;
    fpu->ip = (uint32_t)x->code_offset;
    fpu->dp = (uint32_t)x->data_offset;
    fpu->mxcsr = cpu->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *st = &x->st[(x->top + i) & 7];
        fpu->st[i].significand = st->significand;
        fpu->st[i].sign_exponent = st->sign_exponent;
        fpu->xmm[i][0] = cpu->xmm[i].u64[0];
        fpu->xmm[i][1] = cpu->xmm[i].u64[1];
    }
}

static void load_state(struct engine *engine, const struct oracle_state *s) {
    struct cpu *cpu = &engine->cpu;
    cpu->activity = CPU_RUNNING;
    cpu->cpl = 3;
    cpu->nmi_blocked = cpu->interrupt_shadow = cpu->debug_shadow = false;
    cpu->debug_pending = 0;
    cpu->dr[6] = 0xffff0ff0;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = s->gpr[i];
    cpu->eip = s->eip;
    for (unsigned n = 0; n < SEG_COUNT; n++)
        load_segment(engine, (enum segment_name)n, s->selector[n]);
    cpu_set_eflags(cpu, s->eflags, UINT32_MAX);
    cpu_update_mode(cpu);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        segment_refresh_bounds(cpu, &cpu->seg[n]);
    load_fpu(cpu, &s->fpu);
}

static bool pushes_error_code(unsigned vector) {
    return vector == VECTOR_DF || (vector >= VECTOR_TS && vector <= VECTOR_PF) ||
           vector == VECTOR_AC;
}

/* The CPU stands behind the HLT of a handler, the exception's frame is on the kernel's stack. */
static void save_outcome(struct engine *engine, struct oracle_outcome *outcome) {
    struct cpu *cpu = &engine->cpu;
    struct oracle_state *s = &outcome->state;
    uint32_t vector = (uint32_t)cpu->eip - 1 - (ORACLE_KERNEL + HANDLERS);
    outcome->vector = (uint8_t)vector;
    outcome->error_code = 0;
    const uint8_t *frame = engine->ram + cpu_reg32(cpu, GPR_ESP) - ORACLE_KERNEL;
    if (pushes_error_code(vector)) {
        outcome->error_code = load_le32(frame);
        frame += 4;
    }
    outcome->cr2 = vector == VECTOR_PF ? (uint32_t)cpu->cr2 : 0;
    for (unsigned i = 0; i < 8; i++)
        s->gpr[i] = cpu_reg32(cpu, i);
    s->eip = load_le32(frame);
    s->eflags = load_le32(frame + 8);
    s->gpr[GPR_ESP] = load_le32(frame + 12);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        s->selector[n] = cpu->seg[n].selector;
    s->selector[SEG_CS] = load_le16(frame + 4);
    s->selector[SEG_SS] = load_le16(frame + 16);
    save_fpu(cpu, &s->fpu);
}

/* Code with and without a window differs: even cases run in address spaces that are too short-lived
   to earn one, odd ones in a space that has it. */
static void choose_address_space(struct engine *engine, uint64_t number) {
    struct cpu *cpu = &engine->cpu;
    if (!engine->has_windows)
        return;
    bool is_windowed = number & 1;
    uint64_t space = is_windowed ? 0 : 1 + number / 2 % (ADDRESS_SPACES - 1);
    cpu->cr3 = PDPT + PDPT_BYTES * space;
    cpu_update_paging(cpu, true);
    for (unsigned i = 0; is_windowed && i < 100 && mmu_window(&cpu->mmu) == NULL; i++)
        cpu->mmu.executed[cpu->mmu.is_user] = 4000000;
}

static void load_case(struct engine *engine, const struct oracle_case *c) {
    uint8_t code[ORACLE_CODE_BYTES];
    oracle_case_code(c, code);
    physmem_dma_write(engine->physmem, CODE, code, sizeof(code));
    oracle_case_memory(c, engine->ram + DATA);
    load_state(engine, &c->initial);
    choose_address_space(engine, c->number);
}

void engine_trace(struct engine *engine, const struct oracle_case *c,
                  struct encoding_coverage *completed) {
    uint64_t icount = engine->cpu.icount;
    load_case(engine, c);
    for (unsigned i = 0; i < INSTRUCTION_LIMIT && engine->cpu.cpl == 3; i++)
        encoding_coverage_run(completed, &engine->cpu, 1);
    engine->cpu.icount = icount;
}

void engine_run(struct engine *engine, const struct oracle_case *c,
                struct oracle_outcome *outcome) {
    struct cpu *cpu = &engine->cpu;
    load_case(engine, c);
    uint64_t limit = cpu->icount + INSTRUCTION_LIMIT;
    enum cpu_exit exit = engine->translator == NULL ? interp_run(cpu, limit)
                                                    : translator_run(engine->translator, limit);
    memset(outcome, 0, sizeof(*outcome));
    outcome->memory = engine->ram + DATA;
    if (exit == CPU_EXIT_HALTED && cpu->cpl == 0)
        save_outcome(engine, outcome);
    else
        outcome->vector = ORACLE_VECTOR_TIMEOUT;
}
