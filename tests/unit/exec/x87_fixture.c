/*
 * See x87_fixture.h. Defines the few functions of interp/cpu that x87 handlers call.
 */
#include "tests/unit/exec/x87_fixture.h"

#include <stdlib.h>

noreturn void cpu_raise(struct cpu *cpu, enum exception_vector vector) {
    cpu->fault.vector = (uint8_t)vector;
    longjmp(cpu->run_env, 1);
}

noreturn void cpu_raise_error(struct cpu *cpu, enum exception_vector vector, uint32_t error_code) {
    cpu->fault.error_code = error_code;
    cpu_raise(cpu, vector);
}

uint64_t cpu_load_slow(struct cpu *cpu, linear_addr linear, unsigned size) {
    (void)linear;
    (void)size;
    cpu_raise(cpu, VECTOR_PF);
}

void cpu_store_slow(struct cpu *cpu, linear_addr linear, unsigned size, uint64_t value) {
    (void)linear;
    (void)size;
    (void)value;
    cpu_raise(cpu, VECTOR_PF);
}

void cpu_probe_write(struct cpu *cpu, linear_addr linear, unsigned size) {
    if (cpu_host_write(cpu, linear, size) == NULL)
        cpu_raise(cpu, VECTOR_PF);
}

linear_addr cpu_check_segment(struct cpu *cpu, enum segment_name name, uint32_t offset,
                              unsigned size, enum mmu_access access) {
    (void)name;
    (void)offset;
    (void)size;
    (void)access;
    cpu_raise(cpu, VECTOR_GP);
}

static void set_ferr(void *opaque, bool asserted) {
    struct x87_fixture *f = opaque;
    f->ferr_changes += f->ferr != asserted;
    f->ferr = asserted;
}

static bool ignne(void *opaque) {
    const struct x87_fixture *f = opaque;
    return f->ignne;
}

struct x87_fixture *x87_fixture_create(void) {
    struct x87_fixture *f = calloc(1, sizeof(*f));
    if (f == NULL)
        abort();
    struct cpu *cpu = &f->cpu;
    cpu->features = FEATURE_BIT(FPU) | FEATURE_BIT(CMOV) | FEATURE_BIT(FXSR) | FEATURE_BIT(SSE) |
                    FEATURE_BIT(SSE2);
    cpu->cr0 = CR0_PE | CR0_NE;
    cpu->cr4 = CR4_OSFXSR;
    cpu->is_protected = true;
    cpu->code_is_32 = true;
    cpu->mxcsr = 0x1f80;
    cpu->ip_base = 0x1234;
    cpu->seg[SEG_CS].selector = 0x08;
    cpu->seg[SEG_DS].selector = 0x10;
    cpu->seg[SEG_DS].read_end = cpu->seg[SEG_DS].write_end = 4 * GUEST_PAGE_SIZE;
    f->table[X87_FIXTURE_MEMORY >> GUEST_PAGE_SHIFT] = (uintptr_t)f->memory - X87_FIXTURE_MEMORY;
    cpu->mmu.read_table = cpu->mmu.write_table = f->table;
    cpu->bus.opaque = f;
    cpu->bus.set_ferr = set_ferr;
    cpu->bus.ignne = ignne;
    x87_init(cpu);
    return f;
}

void x87_fixture_destroy(struct x87_fixture *f) {
    free(f);
}

struct insn x87_fixture_insn(uint8_t first, uint8_t modrm, uint32_t offset) {
    bool is_memory = modrm < 0xc0;
    return (struct insn){
        .disp = X87_FIXTURE_MEMORY + offset,
        .imm = (first & 7u) << 8 | modrm,
        .ea_mask = UINT32_MAX,
        .length = 2,
        .reg = modrm >> 3 & 7,
        .rm = modrm & 7,
        .base = GPR_ZERO,
        .index_reg = GPR_ZERO,
        .seg = SEG_DS,
        .flags = (uint8_t)(INSN_OPSIZE_32 | INSN_ADDRSIZE_32 | (is_memory ? INSN_MEM : 0)),
    };
}

int x87_fixture_run(struct x87_fixture *f, exec_fn *handler, const struct insn *insn) {
    /* Handlers end by naming the next instruction; nothing runs it here. */
    struct insn pair[2] = {*insn, *insn};
    if (setjmp(f->cpu.run_env) != 0)
        return f->cpu.fault.vector;
    f->cpu.insn = pair;
    handler(&f->cpu, pair);
    f->cpu.insn = NULL;
    return -1;
}
