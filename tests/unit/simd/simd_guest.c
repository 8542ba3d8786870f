/*
 * The CPU of the SIMD tests.
 */
#include "tests/unit/simd/simd_guest.h"

#include "interp/cpu/segment.h"
#include "softmmu/base/bits.h"

#include <stdio.h>
#include <string.h>

#define DIRECTORY UINT32_C(0x20000)
#define TABLE     UINT32_C(0x21000)

#define FLAT_DATA (SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_DB | SEG_GRANULAR)

static bool ignne(void *opaque) {
    return false;
}

static void set_ferr(void *opaque, bool asserted) {}

void simd_guest_start(struct simd_guest *guest) {
    struct error error = {""};
    struct cpu_bus bus = {.ignne = ignne, .set_ferr = set_ferr};
    log_init(&guest->log);
    guest->physmem = physmem_create(GUEST_RAM_BYTES, &guest->log, &error);
    cr_assert(guest->physmem != NULL, "%s", error.message);
    guest->ram = physmem_ram(guest->physmem);
    cr_assert(physmem_add_ram(guest->physmem, "ram", 0, GUEST_RAM_BYTES, 0, 0) >= 0);
    guest->code_pages = code_pages_create(guest->physmem, &error);
    cr_assert(guest->code_pages != NULL, "%s", error.message);
    struct cpu *cpu = &guest->cpu;
    cr_assert(cpu_init(cpu, NULL, ~UINT64_C(0), &bus, guest->physmem, guest->code_pages,
                       &guest->log, &error),
              "%s", error.message);
    guest->index = decode_index_create(~UINT64_C(0), &error);
    cr_assert(guest->index != NULL, "%s", error.message);
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        cpu->seg[i] = (struct segment){.limit = UINT32_MAX, .is_usable = true};
        cpu->seg[i].attributes = FLAT_DATA;
        segment_update_bounds(&cpu->seg[i]);
    }
    cpu->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_MP;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->mxcsr = 0x1f80;
    cpu->x87.control = 0x037f;
    cpu->gpr[GPR_EAX] = cpu->gpr[GPR_EDI] = GUEST_BUFFER;
    cpu_update_mode(cpu);
    cpu_update_paging(cpu, true);
    guest->coverage = encoding_coverage_from_environment();
}

void simd_guest_stop(struct simd_guest *guest) {
    encoding_coverage_destroy(guest->coverage);
    decode_index_destroy(guest->index);
    cpu_destroy(&guest->cpu);
    code_pages_destroy(guest->code_pages);
    physmem_destroy(guest->physmem);
}

void simd_guest_page(struct simd_guest *guest, uint32_t absent) {
    store_le32(guest->ram + DIRECTORY, TABLE | 7);
    for (uint32_t page = 0; page < 1024; page++) {
        uint32_t flags = page == absent >> 12 ? 0 : page == (absent >> 12) + 1 ? 5 : 7;
        store_le32(guest->ram + TABLE + 4 * page, page << 12 | flags);
    }
    guest->cpu.cr3 = DIRECTORY;
    guest->cpu.cr0 |= CR0_PG | CR0_WP;
    cpu_update_paging(&guest->cpu, true);
}

static const struct insn *stop(struct cpu *cpu, const struct insn *insn) {
    return NULL;
}

bool simd_guest_execute(struct simd_guest *guest, const uint8_t *bytes, size_t count) {
    uint8_t padded[DECODE_MAX_LENGTH] = {0};
    memcpy(padded, bytes, count);
    struct insn insns[2];
    struct decode_context context = {guest->index, padded, sizeof(padded), DECODE_32};
    struct cpu *cpu = &guest->cpu;
    if (decode(&context, &insns[0]) != DECODE_OK || insns[0].exec == NULL) {
        cpu->fault = (struct cpu_fault){.vector = VECTOR_UD};
        return false;
    }
    cr_assert_eq(insns[0].length, count, "length %u, expected %zu", insns[0].length, count);
    insns[1] = (struct insn){.exec = stop};
    cpu->insn = insns;
    if (setjmp(cpu->run_env) != 0)
        return false;
    insns[0].exec(cpu, &insns[0]);
    encoding_coverage_mark_bytes(guest->coverage, padded, sizeof(padded));
    return true;
}

bool simd_guest_execute_hex(struct simd_guest *guest, const char *hex) {
    uint8_t bytes[DECODE_MAX_LENGTH];
    size_t count = 0;
    for (; hex[0] != '\0' && count < sizeof(bytes); hex += 2) {
        unsigned byte;
        cr_assert_eq(sscanf(hex, "%2x", &byte), 1);
        bytes[count++] = (uint8_t)byte;
    }
    return simd_guest_execute(guest, bytes, count);
}

void simd_guest_expect_fault(struct simd_guest *guest, const char *hex, unsigned vector) {
    bool completed = simd_guest_execute_hex(guest, hex);
    cr_expect(!completed && guest->cpu.fault.vector == vector,
              "%s: expected exception %u, actual %s %u", hex, vector,
              completed ? "completion, before it" : "exception", guest->cpu.fault.vector);
}

void simd_guest_expect_no_fault(struct simd_guest *guest, const char *hex) {
    cr_expect(simd_guest_execute_hex(guest, hex), "%s: unexpected exception %u", hex,
              guest->cpu.fault.vector);
}
