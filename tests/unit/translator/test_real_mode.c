/* Segment registers and far transfers in real and virtual-8086 mode, on the x86-64 back end. */
#include "interp/cpu/cpu_compare.h"
#include "interp/cpu/segment.h"
#include "softmmu/base/bits.h"
#include "softmmu/window.h"
#include "tests/unit/translator/engine_pair.h"

#include <criterion/criterion.h>
#include <string.h>

#define RAM_BYTES (UINT64_C(2) << 20)
#define ENTRY     0x20 /* IP in CODE */
#define CODE      0x1000
#define FUNCTION  0x1100
#define END       0x1200
#define DATA      0x2000
#define STACK     0x3000
#define VECTORS   0xa000 /* linear */

struct real_pair {
    struct engine_pair engines;
    struct cpu *cpus[2];
};

static void put(struct real_pair *pair, uint32_t at, const uint8_t *bytes, size_t size) {
    physmem_dma_write(pair->engines.reference->physmem, at, bytes, size);
    physmem_dma_write(pair->engines.tested->physmem, at, bytes, size);
}

static void create(struct real_pair *pair, bool has_window) {
    engine_pair_create(&pair->engines, "x86_64");
    pair->cpus[0] = &pair->engines.reference->cpu;
    pair->cpus[1] = &pair->engines.tested->cpu;
    for (unsigned i = 0; has_window && i < 100 && mmu_window(&pair->cpus[1]->mmu) == NULL; i++)
        pair->cpus[1]->mmu.executed[pair->cpus[1]->mmu.is_user] = 4000000;
    translator_skip_warm_up(pair->engines.translator);
    for (uint32_t n = 0; n < 32; n++) { /* each to a HLT */
        uint8_t entry[4];
        store_le32(entry, (FLAT_TRAPS / 16 + n) << 16);
        put(pair, VECTORS + n * 4, entry, sizeof(entry));
    }
}

/** Both CPUs at CODE:ENTRY with the same registers. */
static void reset(struct real_pair *pair, bool is_v86) {
    uint64_t gpr[8];
    for (unsigned r = 0; r < 8; r++)
        gpr[r] = engine_pair_operand(&pair->engines);
    for (unsigned i = 0; i < 2; i++) {
        struct cpu *cpu = pair->cpus[i];
        const uint16_t selectors[SEG_COUNT] = {DATA, CODE, STACK, DATA, DATA, DATA};
        memcpy(cpu->gpr, gpr, sizeof(gpr));
        cpu->gpr[GPR_ESP] = 0x1000;
        cpu->gpr[GPR_EBX] = 0x100;
        cpu->gpr[GPR_ECX] = 5;
        cpu->cr0 = is_v86 ? cpu->cr0 | CR0_PE : cpu->cr0 & ~CR0_PE;
        cpu->eflags = FLAG_RESERVED_1 | (is_v86 ? FLAG_VM | FLAG_IOPL : 0u);
        cpu->cpl = is_v86 ? 3 : 0;
        cpu_update_mode(cpu);
        for (unsigned s = 0; s < SEG_COUNT; s++) {
            cpu->seg[s].attributes = 0;
            cpu->seg[s].limit = 0xffff;
            cpu_load_segment_real(cpu, (enum segment_name)s, selectors[s]);
        }
        cpu_update_mode(cpu);
        cpu->idtr = (struct descriptor_table){VECTORS, 32 * 4 - 1};
        cpu->eip = ENTRY;
        cpu->icount = 0;
        cpu->activity = CPU_RUNNING;
        cpu->interrupt_shadow = cpu->debug_shadow = false;
    }
}

static void run_and_compare(struct real_pair *pair, uint64_t limit, const char *what) {
    char difference[160];
    engine_pair_run(&pair->engines, limit);
    bool is_same = cpu_same(pair->cpus[0], pair->cpus[1], difference, sizeof(difference));
    cr_assert(is_same, "%s, %u instructions: %s", what, (unsigned)limit, difference);
    cr_assert_eq(memcmp(pair->engines.reference->ram, pair->engines.tested->ram, RAM_BYTES), 0,
                 "%s, %u instructions: memory differs", what, (unsigned)limit);
}

static const struct {
    const char *name;
    uint8_t code[8];
} operand_forms[] = {
    {"push es", {0x06}},
    {"push cs", {0x0e}},
    {"push ss", {0x16}},
    {"o32 push ds", {0x66, 0x1e}},
    {"push gs", {0x0f, 0xa8}},
    {"pop es", {0x07}},
    {"pop ds", {0x1f}},
    {"o32 pop ds", {0x66, 0x1f}},
    {"pop fs", {0x0f, 0xa1}},
    {"mov ax, ds", {0x8c, 0xd8}},
    {"mov edx, cs", {0x66, 0x8c, 0xca}},
    {"mov [bx], ss", {0x8c, 0x17}},
    {"mov es, ax", {0x8e, 0xc0}},
    {"mov ds, di", {0x8e, 0xdf}},
    {"mov gs, [bx+4]", {0x8e, 0x6f, 0x04}},
    {"les si, [bx]", {0xc4, 0x37}},
    {"lds ebx, [bx+2]", {0x66, 0xc5, 0x5f, 0x02}},
    {"lfs di, [bx-1]", {0x0f, 0xb4, 0x7f, 0xff}},
    {"lgs bp, ss:[bp]", {0x0f, 0xb5, 0x6e, 0x00}},
};

/** What differs from the usual segments of the mode, in both CPUs. */
static void disturb(struct real_pair *pair, unsigned variant) {
    for (unsigned i = 0; i < 2; i++) {
        struct cpu *cpu = pair->cpus[i];
        for (unsigned s = SEG_DS; s <= SEG_GS + 1; s++) {
            struct segment *segment = &cpu->seg[s > SEG_GS ? SEG_ES : s];
            if (variant == 1) /* unreal mode */
                segment->limit = UINT32_MAX;
            else if (variant == 2)
                segment->limit = 0x1ffff;
            else if (variant == 3)
                segment->attributes |= SEG_AVL;
            else if (variant == 4)
                segment->attributes ^= SEG_ACCESSED;
            else if (variant == 5)
                segment_set_null(segment, 0);
            segment_refresh_bounds(cpu, segment);
        }
        if (variant == 6)
            cpu->gpr[GPR_ESP] = 0xabcd0001; /* pops wrap, pushes do not fit */
        if (variant == 7)
            cpu->gpr[GPR_ESP] = 0xffff;
    }
}
#define VARIANTS 8

static void check_operand_forms(bool is_v86, bool has_window) {
    struct real_pair pair;
    create(&pair, has_window);
    for (unsigned form = 0; form < sizeof(operand_forms) / sizeof(operand_forms[0]); form++) {
        uint8_t code[32] = {0x90};
        memcpy(code + 1, operand_forms[form].code, sizeof(operand_forms[form].code));
        memset(code + 1 + sizeof(operand_forms[form].code), 0x90, 8);
        put(&pair, CODE * 16 + ENTRY, code, sizeof(code));
        for (unsigned round = 0; round < 2 * VARIANTS; round++) {
            /* In virtual-8086 mode segments are always as it makes them, and faults need a TSS. */
            unsigned variant = is_v86 ? 0 : round % VARIANTS;
            reset(&pair, is_v86);
            disturb(&pair, variant);
            run_and_compare(&pair, 3, operand_forms[form].name);
        }
    }
    engine_pair_destroy(&pair.engines);
}

Test(real_mode, segment_operands_agree_in_real_mode) {
    check_operand_forms(false, false);
}
Test(real_mode, segment_operands_agree_in_real_mode_with_a_window) {
    check_operand_forms(false, true);
}
Test(real_mode, segment_operands_agree_in_virtual_8086_mode) {
    check_operand_forms(true, false);
}

/* Near calls in two segments return to the same IP. */
static const uint8_t main_code[] = {
    0xe8, 0x03, 0x00,             /* 20: call 26 */
    0x4d,                         /* 23: dec bp */
    0xeb, 0x02,                   /* 24: jmp 28 */
    0x46, 0xc3,                   /* 26: inc si; ret */
    0x9a, 0x20, 0x00, 0x00, 0x11, /* 28: call FUNCTION:20 */
    0xe2, 0xf1,                   /* 2d: loop 20 */
    0xea, 0x10, 0x00, 0x00, 0x12, /* 2f: jmp END:10 */
};
static const uint8_t end_code[] = {0x42, 0xeb, 0xfd}; /* 10: inc dx; jmp 10 */

static void check_far(bool is_v86, bool has_window, const uint8_t *return_code, size_t size,
                      uint32_t esp) {
    static const uint8_t function_code[] = {0xe8, 0x0d, 0x00, 0x40}; /* 20: call 30; inc ax */
    static const uint8_t callee[] = {0x47, 0xc3};                    /* 30: inc di; ret */
    struct real_pair pair;
    create(&pair, has_window);
    put(&pair, CODE * 16 + 0x20, main_code, sizeof(main_code));
    put(&pair, FUNCTION * 16 + 0x20, function_code, sizeof(function_code));
    put(&pair, FUNCTION * 16 + 0x24, return_code, size);
    put(&pair, FUNCTION * 16 + 0x30, callee, sizeof(callee));
    put(&pair, END * 16 + 0x10, end_code, sizeof(end_code));
    for (uint64_t limit = 1; limit <= 80; limit++) {
        reset(&pair, is_v86);
        pair.cpus[0]->gpr[GPR_ESP] = pair.cpus[1]->gpr[GPR_ESP] = esp;
        run_and_compare(&pair, limit, "far calls");
    }
    engine_pair_destroy(&pair.engines);
}

static const uint8_t retf[] = {0xcb}, retf_2[] = {0xca, 0x02, 0x00};

Test(real_mode, far_calls_agree_in_real_mode) {
    check_far(false, false, retf, sizeof(retf), 0x1000);
}
Test(real_mode, far_calls_agree_in_real_mode_with_a_window) {
    check_far(false, true, retf_2, sizeof(retf_2), 0xffff1000);
}
Test(real_mode, far_calls_agree_in_virtual_8086_mode) {
    check_far(true, false, retf, sizeof(retf), 0x1000);
}
Test(real_mode, far_calls_agree_where_the_stack_wraps) {
    check_far(false, false, retf, sizeof(retf), 0x0002);
    check_far(false, true, retf, sizeof(retf), 0x0002);
}
Test(real_mode, far_calls_agree_where_the_stack_does_not_fit) {
    check_far(false, false, retf, sizeof(retf), 0x0003);
}

Test(real_mode, near_returns_behind_far_ones_come_to_the_right_segment) {
    static const uint8_t main_part[] = {
        0x9a, 0x26, 0x00, 0x00, 0x11, /* 20: call FUNCTION:26 */
        0x68, 0x2a, 0x00, 0xc3, 0x90, /* 25: push 2a; ret; nop */
        0x4d, 0xe2, 0xf3,             /* 2a: dec bp; loop 20 */
        0xea, 0x10, 0x00, 0x00, 0x12, /* 2d: jmp END:10 */
    };
    static const uint8_t function_part[] = {
        0x90, 0xe8, 0x02, 0x00,       /* 26: nop; call 2c */
        0x40, 0xcb,                   /* 2a: inc ax; retf */
        0xf6, 0xc1, 0x01, 0x74, 0x02, /* 2c: test cl, 1; jz 33 */
        0x58, 0xcb, 0xc3,             /* 31: pop ax; retf; 33: ret */
    };
    struct real_pair pair;
    create(&pair, true);
    put(&pair, CODE * 16 + 0x20, main_part, sizeof(main_part));
    put(&pair, FUNCTION * 16 + 0x26, function_part, sizeof(function_part));
    put(&pair, END * 16 + 0x10, end_code, sizeof(end_code));
    for (uint64_t limit = 1; limit <= 80; limit++) {
        reset(&pair, false);
        run_and_compare(&pair, limit, "far and near returns");
    }
    engine_pair_destroy(&pair.engines);
}

/** A loop of INT 10h, with what the handler does before its IRET. */
static void check_interrupts(bool has_window, uint32_t esp, const uint8_t *handler, size_t size,
                             unsigned most_calls) {
    static const uint8_t main_part[] = {
        0x39, 0xd8,       /* 20: cmp ax, bx */
        0xcd, 0x10,       /* 22: int 10h */
        0x19, 0xd7,       /* 24: sbb di, dx */
        0xe2, 0xf8, 0xf4, /* 26: loop 20; hlt */
    };
    static const uint8_t entry[] = {0x20, 0x00, 0x00, FUNCTION >> 8};
    struct real_pair pair;
    create(&pair, has_window);
    put(&pair, CODE * 16 + 0x20, main_part, sizeof(main_part));
    put(&pair, FUNCTION * 16 + 0x20, handler, size);
    put(&pair, VECTORS + 0x10 * 4, entry, sizeof(entry));
    for (uint64_t limit = 1; limit <= 60; limit++) {
        reset(&pair, false);
        for (unsigned i = 0; i < 2; i++) {
            pair.cpus[i]->gpr[GPR_ESP] = esp;
            pair.cpus[i]->eflags |= (limit & 1 ? FLAG_IF : 0u) | (limit & 2 ? FLAG_NT : 0u) |
                                    (limit & 4 ? FLAG_IOPL : 0u);
        }
        run_and_compare(&pair, limit, "interrupts");
    }
    const uint64_t *calls = translator_counters(pair.engines.translator)->handler_calls;
    cr_expect_leq(calls[OP_INT] + calls[OP_IRET], most_calls, "%u and %u handlers called",
                  (unsigned)calls[OP_INT], (unsigned)calls[OP_IRET]);
    engine_pair_destroy(&pair.engines);
}

static const uint8_t plain_handler[] = {0x4e, 0x39, 0xfe, 0xcf}; /* dec si; cmp si, di; iret */
/* mov bp, sp; xor word [bp+4], flags; iret: what IRET then changes */
static const uint8_t carry_handler[] = {0x89, 0xe5, 0x81, 0x76, 0x04, 0xd5, 0x08, 0xcf};
static const uint8_t enabling_handler[] = {0x89, 0xe5, 0x81, 0x76, 0x04, 0x00, 0x72, 0xcf};
static const uint8_t direction_handler[] = {0x89, 0xe5, 0x81, 0x76, 0x04, 0x00, 0x04, 0xcf};

Test(real_mode, interrupts_agree_and_need_no_handler) {
    check_interrupts(true, 0x1000, plain_handler, sizeof(plain_handler), 8);
    check_interrupts(true, 0xabcd1000, carry_handler, sizeof(carry_handler), 8);
    check_interrupts(true, 0x1000, enabling_handler, sizeof(enabling_handler), 8);
}
Test(real_mode, interrupts_agree_without_a_window) {
    check_interrupts(false, 0x1000, plain_handler, sizeof(plain_handler), 8);
}
Test(real_mode, interrupt_returns_that_change_the_direction_agree) {
    check_interrupts(true, 0x1000, direction_handler, sizeof(direction_handler), 1000);
}
Test(real_mode, interrupts_agree_where_the_stack_ends) {
    static const uint32_t pointers[] = {0, 2, 4, 5, 6, 7, 0xffff};
    for (unsigned i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
        check_interrupts(true, pointers[i], plain_handler, sizeof(plain_handler), 1000);
}

Test(real_mode, far_calls_need_no_handler) {
    struct real_pair pair;
    create(&pair, true);
    put(&pair, CODE * 16 + 0x20, main_code, sizeof(main_code));
    put(&pair, FUNCTION * 16 + 0x20, retf, sizeof(retf));
    put(&pair, END * 16 + 0x10, end_code, sizeof(end_code));
    reset(&pair, false);
    pair.cpus[0]->gpr[GPR_ECX] = pair.cpus[1]->gpr[GPR_ECX] = 50;
    run_and_compare(&pair, 50 * 8, "far calls");
    const struct backend_counters *counters = translator_counters(pair.engines.translator);
    cr_expect_leq(counters->handler_calls[OP_CALLF] + counters->handler_calls[OP_RETF], 1,
                  "%u handlers called", (unsigned)counters->handler_calls[OP_CALLF]);
    engine_pair_destroy(&pair.engines);
}
