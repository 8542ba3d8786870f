/* See vectors_286_rig.h. */
#include "tests/conformance/vectors_286_rig.h"
#include "interp/cpu/cpuid.h"
#include "interp/cpu/segment.h"
#include "interp/run.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/vectors_286_rules.h"
#include "tests/support/quiet_bus.h"
#include "translator/run.h"

#include <stdio.h>
#include <stdlib.h>

#define RAM_BYTES         (2u << 20)
#define INSTRUCTION_LIMIT 100000
#define CODE_CACHE_BYTES  (4u << 20)

struct rig {
    struct cpu cpu;
    struct log log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    uint8_t *ram;
    struct decode_index *index;
    struct translator *translator; /* NULL: the interpreter */
};

static bool build_cpu(struct rig *rig, struct error *error) {
    const struct cpu_bus bus = quiet_bus();
    const struct cpu_model *model;
    uint64_t features;
    if (!cpu_model_parse("pentium3", &model, &features, error))
        return false;
    rig->physmem = physmem_create(RAM_BYTES, &rig->log, error);
    rig->index = decode_index_create(features, error);
    if (rig->physmem == NULL || rig->index == NULL)
        return false;
    physmem_add_ram(rig->physmem, "ram", 0, RAM_BYTES, 0, 0);
    physmem_set_a20(rig->physmem, true);
    rig->ram = physmem_ram(rig->physmem);
    rig->code_pages = code_pages_create(rig->physmem, error);
    return rig->code_pages != NULL && cpu_init(&rig->cpu, model, features, &bus, rig->physmem,
                                               rig->code_pages, &rig->log, error);
}

struct rig *rig_create(const char *engine, struct error *error) {
    struct rig *rig = aligned_alloc(64, (sizeof(*rig) + 63) / 64 * 64);
    if (rig == NULL)
        return error_set(error, "out of memory"), NULL;
    memset(rig, 0, sizeof(*rig));
    log_init(&rig->log);
    if (!build_cpu(rig, error))
        return NULL;
    if (strcmp(engine, "interp") == 0)
        return rig;
    rig->translator = translator_create(&rig->cpu, engine, CODE_CACHE_BYTES, true, error);
    if (rig->translator == NULL)
        return NULL;
    translator_skip_warm_up(rig->translator);
    return rig;
}

void rig_destroy(struct rig *rig) {
    if (rig->translator != NULL)
        translator_destroy(rig->translator);
    cpu_destroy(&rig->cpu);
    code_pages_destroy(rig->code_pages);
    decode_index_destroy(rig->index);
    physmem_destroy(rig->physmem);
    free(rig);
}

const struct decode_index *rig_encodings(const struct rig *rig) {
    return rig->index;
}

void rig_print_statistics(const struct rig *rig) {
    if (rig->translator == NULL)
        return;
    const struct translator_statistics *s = translator_statistics(rig->translator);
    printf("%llu blocks translated, %llu stretches interpreted\n", (unsigned long long)s->blocks,
           (unsigned long long)s->interpreted_stretches);
}

/* MOO register order to GPR slots; CS, SS, DS, ES, IP and FLAGS are handled apart. */
static const struct {
    enum moo_register moo;
    enum gpr gpr;
} gpr_map[] = {{MOO_AX, GPR_EAX}, {MOO_BX, GPR_EBX}, {MOO_CX, GPR_ECX}, {MOO_DX, GPR_EDX},
               {MOO_SP, GPR_ESP}, {MOO_BP, GPR_EBP}, {MOO_SI, GPR_ESI}, {MOO_DI, GPR_EDI}};

static const char *const register_names[MOO_REGISTERS] = {
    "ax", "bx", "cx", "dx", "cs", "ss", "ds", "es", "sp", "bp", "si", "di", "ip", "flags"};

static void write_ram(struct rig *rig, uint32_t address, uint8_t value) {
    physmem_write(rig->cpu.physmem, address, 1, value);
}

static void load_case(struct rig *rig, const struct moo_case *one) {
    struct cpu *cpu = &rig->cpu;
    cpu_reset(cpu, CPU_RESET_POWER_ON);
    cpu->cr0 &= ~(CR0_CD | CR0_NW);
    for (size_t i = 0; i < ARRAY_SIZE(gpr_map); i++)
        cpu->gpr[gpr_map[i].gpr] = one->initial.reg[gpr_map[i].moo];
    cpu_load_segment_real(cpu, SEG_CS, one->initial.reg[MOO_CS]);
    cpu_load_segment_real(cpu, SEG_SS, one->initial.reg[MOO_SS]);
    cpu_load_segment_real(cpu, SEG_DS, one->initial.reg[MOO_DS]);
    cpu_load_segment_real(cpu, SEG_ES, one->initial.reg[MOO_ES]);
    cpu->eip = one->initial.reg[MOO_IP];
    cpu_set_eflags(cpu, (one->initial.reg[MOO_FLAGS] & 0xfff) | FLAG_RESERVED_1, UINT32_MAX);
    cpu_update_mode(cpu);
    for (unsigned i = 0; i < one->initial.ram_count; i++)
        write_ram(rig, one->initial.ram[i].address, one->initial.ram[i].value);
    if (case_286_merges_stack_faults(one))
        for (unsigned i = 0; i < 4; i++)
            write_ram(rig, 4 * VECTOR_SS + i, rig->ram[4 * VECTOR_GP + i]);
}

static void forget_case(struct rig *rig, const struct moo_case *one) {
    for (unsigned i = 0; i < one->initial.ram_count; i++)
        write_ram(rig, one->initial.ram[i].address, 0);
    for (unsigned i = 0; i < one->final.ram_count; i++)
        write_ram(rig, one->final.ram[i].address, 0);
    for (unsigned i = 0; i < 4; i++)
        write_ram(rig, 4 * VECTOR_SS + i, 0);
}

/** Bits of the byte at `address` to compare: pushed flags words are masked as flags are. */
static uint8_t ram_mask(const struct moo_case *one, const struct cpu *cpu, uint32_t address,
                        uint16_t flags) {
    uint8_t opcode = one->bytes[case_286_opcode_at(one)];
    uint32_t word = UINT32_MAX;
    uint32_t stack = (uint32_t)one->initial.reg[MOO_SS] << 4;
    if (one->has_exception) /* the file's own address is one too low when SP is odd */
        word = stack + (uint16_t)(cpu_reg16(cpu, GPR_ESP) + 4);
    else if (opcode == 0x9c)
        word = stack + cpu_reg16(cpu, GPR_ESP);
    else if (opcode >= 0xcc && opcode <= 0xce)
        word = stack + (uint16_t)(cpu_reg16(cpu, GPR_ESP) + 4);
    if (address == word)
        return (uint8_t)flags;
    return address == word + 1 ? (uint8_t)(flags >> 8) & 0x0f : 0xff;
}

static uint16_t actual_register(const struct cpu *cpu, enum moo_register r) {
    for (size_t i = 0; i < ARRAY_SIZE(gpr_map); i++)
        if (gpr_map[i].moo == r)
            return cpu_reg16(cpu, gpr_map[i].gpr);
    switch (r) {
    case MOO_CS:
        return cpu->seg[SEG_CS].selector;
    case MOO_SS:
        return cpu->seg[SEG_SS].selector;
    case MOO_DS:
        return cpu->seg[SEG_DS].selector;
    case MOO_ES:
        return cpu->seg[SEG_ES].selector;
    case MOO_IP:
        return (uint16_t)cpu->eip;
    default:
        return (uint16_t)cpu_eflags(cpu);
    }
}

static bool matches(struct rig *rig, const struct moo_case *one, uint16_t flags, bool is_verbose,
                    uint64_t *ignored) {
    bool is_equal = true;
    for (unsigned r = 0; r < MOO_REGISTERS; r++) {
        uint16_t want = one->final.present >> r & 1 ? one->final.reg[r] : one->initial.reg[r];
        uint16_t got = actual_register(&rig->cpu, (enum moo_register)r);
        uint16_t mask = r == MOO_FLAGS ? flags : 0xffff;
        if (((want ^ got) & mask) == 0)
            continue;
        if (case_286_ignores_register(one, (enum moo_register)r)) {
            ++*ignored;
            continue;
        }
        is_equal = false;
        if (is_verbose)
            printf("    %s: expected %04x, got %04x (mask %04x)\n", register_names[r], want, got,
                   mask);
    }
    for (unsigned i = 0; i < one->final.ram_count; i++) {
        uint32_t address = one->final.ram[i].address;
        uint8_t mask = ram_mask(one, &rig->cpu, address, flags);
        if (((one->final.ram[i].value ^ rig->ram[address]) & mask) == 0)
            continue;
        is_equal = false;
        if (is_verbose)
            printf("    [%05x]: expected %02x, got %02x (mask %02x)\n", address,
                   one->final.ram[i].value, rig->ram[address], mask);
    }
    return is_equal;
}

static void print_case(const struct moo_case *one) {
    printf("  #%u %s:", one->index, one->name);
    for (unsigned i = 0; i < one->length; i++)
        printf(" %02x", one->bytes[i]);
    printf(one->has_exception ? "  exception %u\n   " : "\n   ", one->vector);
    for (unsigned r = 0; r < MOO_REGISTERS; r++)
        printf(" %s=%04x", register_names[r], one->initial.reg[r]);
    printf("\n");
}

bool rig_run_case(struct rig *rig, const struct moo_case *one, uint16_t flags, bool is_verbose,
                  uint64_t *ignored) {
    load_case(rig, one);
    uint64_t limit = rig->cpu.icount + INSTRUCTION_LIMIT;
    enum cpu_exit exit = rig->translator != NULL ? translator_run(rig->translator, limit)
                                                 : interp_run(&rig->cpu, limit);
    bool is_equal = exit == CPU_EXIT_HALTED && matches(rig, one, flags, false, ignored);
    if (!is_equal && is_verbose) {
        uint64_t counted = 0;
        print_case(one);
        if (exit != CPU_EXIT_HALTED)
            printf("    did not reach HLT (exit %d)\n", exit);
        matches(rig, one, flags, true, &counted);
    }
    forget_case(rig, one);
    return is_equal;
}
