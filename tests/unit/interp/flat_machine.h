/*
 * A CPU with RAM at physical 0 and nothing else, for tests and benchmarks of the interpreter. It
 * starts in 32-bit protected mode with flat segments and paging off; HLT ends a run.
 */
#ifndef TESTS_UNIT_INTERP_FLAT_MACHINE_H
#define TESTS_UNIT_INTERP_FLAT_MACHINE_H

#include "interp/cpu/cpu.h"
#include "interp/run.h"
#include "softmmu/base/log.h"
#include "tests/support/encoding_coverage.h"

#define FLAT_CODE  UINT32_C(0x10000) /* where flat_machine_load puts code */
#define FLAT_STACK UINT32_C(0x80000) /* initial ESP */
#define FLAT_DATA  UINT32_C(0x100000)
#define FLAT_IDT   UINT32_C(0x8000)
/* Exception N of a machine with flat_machine_catch() lands at FLAT_TRAPS + N * 16, on a HLT. */
#define FLAT_TRAPS UINT32_C(0x9000)
#define FLAT_GDT   UINT32_C(0x7000)

struct flat_machine {
    struct cpu cpu;
    struct log log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    uint8_t *ram;
    struct encoding_coverage *coverage; /* NULL: not wanted */
};

/** A new machine with `ram_bytes` of RAM; aborts when the host has no memory. */
struct flat_machine *flat_machine_create(uint64_t ram_bytes);
void flat_machine_destroy(struct flat_machine *machine);

/** Copy code to FLAT_CODE and point CS:EIP at it; 16-bit code gets 16-bit segments of 64 KiB. */
void flat_machine_load(struct flat_machine *machine, const void *code, size_t size, bool is_32);
/** Install a GDT and an IDT whose gates lead to HLT instructions, one for each vector. */
void flat_machine_catch(struct flat_machine *machine);
/** The vector whose HLT the CPU stopped behind, or -1. */
int flat_machine_caught(const struct flat_machine *machine);
/** Identity-map the first 4 MiB with 4 KiB pages at physical 0x40000 and switch paging on. */
void flat_machine_enable_paging(struct flat_machine *machine);
/** Replace the page table entry of a linear address below 4 MiB and forget the old one. */
void flat_machine_set_pte(struct flat_machine *machine, uint32_t linear, uint32_t entry);

/** Run until HLT or shutdown, at most `limit` instructions. */
enum cpu_exit flat_machine_run(struct flat_machine *machine, uint64_t limit);

#endif
