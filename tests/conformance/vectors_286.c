/*
 * Runs the single-step vectors of a real 80286 (real mode) through the CPU and compares registers,
 * flags, memory and exceptions.
 *
 *   vectors_286 DIRECTORY [FORM [INDEX]]    e.g. vectors_286 ../single-step-286 F6.7 31
 *
 * DIRECTORY holds metadata.json and sample286/. With a form (and a case) every failure is printed
 * whole. Exit status: 0 all passed, 1 failures, 77 no vectors there (skipped).
 * Lawful differences of later CPUs are the rules in `lawful_difference` and `compare_mask`;
 * docs/conformance.md lists them with their sources. Nothing else is skipped.
 */
#include "interp/cpu/cpuid.h"
#include "interp/cpu/segment.h"
#include "interp/decode/decode.h"
#include "interp/insn_cache.h"
#include "interp/run.h"
#include "softmmu/base/bits.h"
#include "tests/conformance/moo.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define RAM_BYTES         (2u << 20)
#define INSTRUCTION_LIMIT 100000

struct rig {
    struct cpu cpu;
    struct log log;
    uint8_t *ram;
    char *metadata;
    struct decode_index *index;
    bool verbose;
};

static uint32_t floating_bus_read(void *opaque, uint16_t port, unsigned size) {
    return UINT32_MAX;
}
static void ignore_write(void *opaque, uint16_t port, unsigned size, uint32_t value) {}
static int no_interrupt(void *opaque) {
    return -1;
}
static uint64_t stopped_tsc(void *opaque) {
    return 0;
}
static void ignore_ferr(void *opaque, bool asserted) {}
static bool no_ignne(void *opaque) {
    return false;
}
static void ignore_shutdown(void *opaque) {}

static const struct cpu_bus quiet_bus = {
    .port_read = floating_bus_read,
    .port_write = ignore_write,
    .acknowledge_interrupt = no_interrupt,
    .read_tsc = stopped_tsc,
    .set_ferr = ignore_ferr,
    .ignne = no_ignne,
    .shutdown = ignore_shutdown,
};

static bool rig_create(struct rig *rig) {
    struct error error;
    log_init(&rig->log);
    struct physmem *pm = physmem_create(RAM_BYTES, &rig->log, &error);
    if (pm == NULL)
        return false;
    physmem_add_ram(pm, "ram", 0, RAM_BYTES, 0, 0);
    physmem_set_a20(pm, true);
    rig->ram = physmem_ram(pm);
    const struct cpu_model *model = NULL;
    uint64_t features = 0;
    if (!cpu_model_parse("pentium3", &model, &features, &error))
        return false;
    rig->index = decode_index_create(features, &error);
    struct code_pages *code = code_pages_create(pm, &error);
    if (code == NULL || rig->index == NULL ||
        !cpu_init(&rig->cpu, model, features, &quiet_bus, pm, code, &rig->log, &error))
        return false;
    rig->cpu.insn_cache = insn_cache_create(&rig->cpu, &error);
    return rig->cpu.insn_cache != NULL;
}

static void set_segment(struct cpu *cpu, enum segment_name name, uint16_t selector) {
    cpu_load_segment_real(cpu, name, selector);
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
    set_segment(cpu, SEG_CS, one->initial.reg[MOO_CS]);
    set_segment(cpu, SEG_SS, one->initial.reg[MOO_SS]);
    set_segment(cpu, SEG_DS, one->initial.reg[MOO_DS]);
    set_segment(cpu, SEG_ES, one->initial.reg[MOO_ES]);
    cpu->eip = one->initial.reg[MOO_IP];
    cpu_set_eflags(cpu, (one->initial.reg[MOO_FLAGS] & 0xfff) | FLAG_RESERVED_1, UINT32_MAX);
    cpu_update_mode(cpu);
    for (unsigned i = 0; i < one->initial.ram_count; i++)
        write_ram(rig, one->initial.ram[i].address, one->initial.ram[i].value);
    /* The 286 raises 13 for limit faults in the stack segment, later CPUs 12: send both to the
       same handler (rule 4). */
    if (one->has_exception && one->vector == VECTOR_GP)
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

/** Opcode byte behind the prefixes, and whether LOCK is among them. */
static unsigned opcode_offset(const struct moo_case *one, bool *has_lock) {
    unsigned at = 0;
    *has_lock = false;
    while (at < one->length && strchr("\x26\x2e\x36\x3e\xf0\xf2\xf3", one->bytes[at]) != NULL &&
           one->bytes[at] != 0) {
        *has_lock |= one->bytes[at] == 0xf0;
        at++;
    }
    return at;
}

static bool decodes(const struct rig *rig, const struct moo_case *one) {
    struct insn insn;
    const struct decode_context context = {
        .index = rig->index,
        .bytes = one->bytes,
        .available = one->length,
        .mode = DECODE_16,
    };
    return decode(&context, &insn) == DECODE_OK;
}

/** Rule 9: a string instruction that faults leaves SI, DI and CX advanced on the 286; later CPUs
 *  show them as before the faulting iteration (the same section as rule 10). */
static bool is_register_undefined(const struct moo_case *one, enum moo_register r) {
    bool has_lock;
    uint8_t opcode = one->bytes[opcode_offset(one, &has_lock)];
    bool is_string = (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
                     (opcode >= 0xaa && opcode <= 0xaf);
    return is_string && one->has_exception && (r == MOO_SI || r == MOO_DI || r == MOO_CX);
}

/** Cases in which a 386 and later lawfully differ as a whole (rules 2, 3, 5, 6 and 10). */
static bool lawful_difference(const struct rig *rig, const struct moo_case *one) {
    bool has_lock;
    unsigned at = opcode_offset(one, &has_lock);
    uint8_t opcode = one->bytes[at];
    if (has_lock && !decodes(rig, one))
        return true;
    if (one->length - 1 > 10)
        return true;
    if ((opcode == 0x8c || opcode == 0x8e) && (one->bytes[at + 1] >> 3 & 7) >= 4 &&
        (one->bytes[at + 1] >> 3 & 7) <= 5)
        return true;
    /* Rule 10: the 286 does not restore SP when POP to memory faults (SDM vol. 3A, "Restarting of
       Program or Task After an Exception or an Interrupt"). */
    if (opcode == 0x8f && one->has_exception && one->vector == VECTOR_GP)
        return true;
    return opcode == 0xf4 || (opcode & 0xf8) == 0xd8;
}

/** "flags-mask" of a form in metadata.json; ffff when it names none. */
static uint16_t metadata_mask(const char *metadata, const char *form) {
    char key[32];
    snprintf(key, sizeof(key), "\"%.*s\": {", (int)strcspn(form, "."), form);
    const char *opcodes = strstr(metadata, "\"opcodes\"");
    const char *at = opcodes == NULL ? NULL : strstr(opcodes, key);
    if (at == NULL)
        return 0xffff;
    at += strlen(key);
    const char *dot = strchr(form, '.');
    if (dot != NULL) {
        snprintf(key, sizeof(key), "\"%s\": {", dot + 1);
        at = strstr(at, key);
        if (at == NULL)
            return 0xffff;
        at += strlen(key);
    }
    const char *end = strchr(at, '}');
    const char *mask = strstr(at, "\"flags-mask\":");
    return mask != NULL && mask < end ? (uint16_t)atoi(mask + strlen("\"flags-mask\":")) : 0xffff;
}

/** Flag bits to compare for this case (rules 1, 7 and 8). */
static uint16_t compare_mask(const struct moo_case *one, const char *form, uint16_t from_metadata) {
    uint16_t mask = from_metadata & 0x0fff;
    if (one->has_exception && one->vector == VECTOR_DE)
        mask &= (uint16_t)~FLAGS_ARITHMETIC;
    bool is_rotate = strncmp(form, "C0.", 3) == 0 && form[3] <= '3';
    if (is_rotate && (one->bytes[one->length - 2] & 31) > 1)
        mask &= (uint16_t)~FLAG_OF;
    return mask;
}

/** Bits of the byte at `address` to compare: pushed flags words are masked as flags are. */
static uint8_t ram_mask(const struct moo_case *one, const struct cpu *cpu, uint32_t address,
                        uint16_t flags) {
    bool has_lock;
    uint8_t opcode = one->bytes[opcode_offset(one, &has_lock)];
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

static bool matches(struct rig *rig, const struct moo_case *one, uint16_t flags, bool verbose) {
    bool ok = true;
    for (unsigned r = 0; r < MOO_REGISTERS; r++) {
        uint16_t want = one->final.present >> r & 1 ? one->final.reg[r] : one->initial.reg[r];
        uint16_t got = actual_register(&rig->cpu, (enum moo_register)r);
        uint16_t mask = r == MOO_FLAGS ? flags : 0xffff;
        if (((want ^ got) & mask) == 0 || is_register_undefined(one, (enum moo_register)r))
            continue;
        ok = false;
        if (verbose)
            printf("    %s: expected %04x, got %04x (mask %04x)\n", register_names[r], want, got,
                   mask);
    }
    for (unsigned i = 0; i < one->final.ram_count; i++) {
        uint32_t address = one->final.ram[i].address;
        uint8_t mask = ram_mask(one, &rig->cpu, address, flags);
        if (((one->final.ram[i].value ^ rig->ram[address]) & mask) == 0)
            continue;
        ok = false;
        if (verbose)
            printf("    [%05x]: expected %02x, got %02x (mask %02x)\n", address,
                   one->final.ram[i].value, rig->ram[address], mask);
    }
    return ok;
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

static bool run_case(struct rig *rig, const struct moo_case *one, uint16_t flags) {
    load_case(rig, one);
    enum cpu_exit exit = interp_run(&rig->cpu, rig->cpu.icount + INSTRUCTION_LIMIT);
    bool ok = exit == CPU_EXIT_HALTED && matches(rig, one, flags, false);
    if (!ok && rig->verbose) {
        print_case(one);
        if (exit != CPU_EXIT_HALTED)
            printf("    did not reach HLT (exit %d)\n", exit);
        matches(rig, one, flags, true);
    }
    forget_case(rig, one);
    return ok;
}

struct totals {
    unsigned passed, failed, left_out;
};

static void run_file(struct rig *rig, const char *directory, const char *form, int only,
                     struct totals *totals) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/sample286/%s.MOO.gz", directory, form);
    struct moo_file file;
    if (!moo_load(path, &file)) {
        printf("%s: malformed\n", path);
        totals->failed++;
        return;
    }
    uint16_t metadata = metadata_mask(rig->metadata, form);
    unsigned failed = 0;
    for (unsigned i = 0; i < file.count; i++) {
        const struct moo_case *one = &file.cases[i];
        if (only >= 0 && one->index != (unsigned)only)
            continue;
        if (lawful_difference(rig, one))
            totals->left_out++;
        else if (run_case(rig, one, compare_mask(one, form, metadata)))
            totals->passed++;
        else
            failed++;
    }
    if (failed > 0)
        printf("%-5s %u of %u cases fail\n", form, failed, file.count);
    totals->failed += failed;
    moo_free(&file);
}

static char *read_text(const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return NULL;
    fseek(in, 0, SEEK_END);
    long size = ftell(in);
    rewind(in);
    char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);
    if (text != NULL && fread(text, 1, (size_t)size, in) != (size_t)size)
        text[0] = 0;
    fclose(in);
    return text;
}

static int is_vector_file(const struct dirent *entry) {
    return strstr(entry->d_name, ".MOO.gz") != NULL;
}

static void run_directory(struct rig *rig, const char *directory, struct totals *totals) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/sample286", directory);
    struct dirent **entries;
    int count = scandir(path, &entries, is_vector_file, alphasort);
    for (int i = 0; i < count; i++) {
        *strstr(entries[i]->d_name, ".MOO.gz") = 0;
        run_file(rig, directory, entries[i]->d_name, -1, totals);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv) {
    static struct rig rig;
    const char *directory = argc > 1 ? argv[1] : ".";
    rig.metadata = read_text(directory, "metadata.json");
    if (rig.metadata == NULL) {
        printf("no vectors in %s: skipped\n", directory);
        return 77;
    }
    if (!rig_create(&rig)) {
        printf("cannot create the CPU\n");
        return 1;
    }
    rig.verbose = argc > 2;
    struct totals totals = {0};
    if (argc > 2)
        run_file(&rig, directory, argv[2], argc > 3 ? atoi(argv[3]) : -1, &totals);
    else
        run_directory(&rig, directory, &totals);
    printf("%u passed, %u failed, %u left out\n", totals.passed, totals.failed, totals.left_out);
    free(rig.metadata);
    return totals.failed > 0;
}
