/*
 * A CPU with 4 MiB of RAM at physical 0, ports that remember, and ready-made descriptor tables:
 * what tests of the system instructions start from. Code is placed as bytes.
 */
#ifndef TESTS_SUPPORT_TEST_CPU_H
#define TESTS_SUPPORT_TEST_CPU_H

#include "interp/cpu/cpu.h"
#include "interp/cpu/descriptor.h"
#include "interp/run.h"
#include "tests/support/encoding_coverage.h"

/* Physical addresses of the tables and of the code that tests run. */
#define TEST_GDT      UINT32_C(0x1000)
#define TEST_IDT      UINT32_C(0x2000)
#define TEST_TSS      UINT32_C(0x3000) /* the current task: 32-bit, limit 0x2ff */
#define TEST_TSS2     UINT32_C(0x4000) /* 32-bit, available */
#define TEST_TSS16    UINT32_C(0x4800) /* 16-bit, available */
#define TEST_HANDLERS UINT32_C(0x9000) /* vector n: HLT at 0x9000 + 16 n */
#define TEST_CODE     UINT32_C(0x10000)
#define TEST_STACK0   UINT32_C(0x20000) /* ESP0 of TEST_TSS, and ESP at the start */
#define TEST_STACK3   UINT32_C(0x30000)
#define TEST_PAGES    UINT32_C(0x40000) /* page directory, then the table of the first 4 MiB */

enum test_selector {
    SEL_CODE0 = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1b,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_TSS2 = 0x30,
    SEL_TSS16 = 0x38,
    SEL_CODE16 = 0x40,
    SEL_DATA16 = 0x48,
    SEL_CONFORMING = 0x50,
    SEL_SPARE = 0x58, /* two descriptors for the test to fill */
    SEL_SPARE2 = 0x60,
};

struct test_cpu {
    struct cpu cpu;
    struct log log;
    struct physmem *physmem;
    struct code_pages *code_pages;
    uint8_t *ram;
    int pending_vector; /* for the next interrupt acknowledge; -1: none */
    unsigned shutdowns, port_writes;
    uint16_t last_port;
    uint32_t last_value, next_input;
    uint64_t tsc;
    struct encoding_coverage *coverage; /* NULL: not wanted */
    bool has_open_ports;                /* they read as ones, not as next_input counts up */
    void (*on_port_write)(struct test_cpu *t, uint16_t port, uint32_t value); /* NULL: nobody */
    void *owner; /* for on_port_write */
};

/** A CPU of `model` ("pentium4", "pentium3,-apic", ...) after power-on reset. */
struct test_cpu *test_cpu_create(const char *model);
/** The same with another amount of RAM, not less than what the tables above need. */
struct test_cpu *test_cpu_create_sized(const char *model, uint64_t ram_bytes);
void test_cpu_destroy(struct test_cpu *t);

/** Copy bytes to physical memory. */
void test_cpu_place(struct test_cpu *t, uint32_t at, const void *bytes, size_t size);
#define PLACE(t, at, ...)                                                                          \
    test_cpu_place((t), (at), (const uint8_t[]){__VA_ARGS__},                                      \
                   sizeof((const uint8_t[]){__VA_ARGS__}))
uint32_t test_cpu_read32(const struct test_cpu *t, uint32_t at);
uint16_t test_cpu_read16(const struct test_cpu *t, uint32_t at);
void test_cpu_write32(struct test_cpu *t, uint32_t at, uint32_t value);

/** Write a descriptor of the GDT. `access` is byte 5, `flags` the high nibble of byte 6. */
void test_cpu_set_descriptor(struct test_cpu *t, uint16_t selector, uint32_t base, uint32_t limit,
                             uint8_t access, uint8_t flags);
/** Load a segment register from the GDT without checks. */
void test_cpu_load_segment(struct test_cpu *t, enum segment_name segment, uint16_t selector);
/** Write a gate into the GDT (call and task gates). */
void test_cpu_set_gate(struct test_cpu *t, uint16_t selector, uint8_t access, uint16_t target,
                       uint32_t offset, unsigned parameters);
/** Write a gate of the IDT. */
void test_cpu_set_vector(struct test_cpu *t, unsigned vector, uint8_t access, uint16_t target,
                         uint32_t offset);

/** Real mode at 0000:TEST_CODE-style addresses: CS base 0x10000, IVT entries to the handlers. */
void test_cpu_enter_real(struct test_cpu *t);
/** Flat 32-bit protected mode at TEST_CODE with all tables installed; every vector has a 32-bit
 *  interrupt gate with DPL 0 that leads to a HLT. CPL 0 or 3. */
void test_cpu_enter_protected(struct test_cpu *t, uint8_t cpl);
/** Virtual-8086 mode with CS 1000h, SS 3000h and SP F000h, on top of the protected set-up. */
void test_cpu_enter_v86(struct test_cpu *t, unsigned iopl);
/** Map the first 4 MiB one to one, user and writable, and switch paging on. */
void test_cpu_enable_paging(struct test_cpu *t);
void test_cpu_set_pte(struct test_cpu *t, uint32_t linear, uint32_t entry);

/** Run exactly n instructions, or until the CPU stops. */
enum cpu_exit test_cpu_steps(struct test_cpu *t, unsigned n);
/** Run until HLT or shutdown, at most 100000 instructions. */
enum cpu_exit test_cpu_run(struct test_cpu *t);
/** The vector whose handler's HLT the CPU stopped behind, or -1. */
int test_cpu_caught(const struct test_cpu *t);
/** 32-bit slot n of the stack in force. */
uint32_t test_cpu_stack(const struct test_cpu *t, unsigned n);
/** Ask for an external interrupt. */
void test_cpu_interrupt(struct test_cpu *t, int vector);

#endif
