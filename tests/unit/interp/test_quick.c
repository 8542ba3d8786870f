/* Quick handlers against the regular ones: single steps never use the quick ones, so a run and a
   stepped run of the same code must agree, flags included, wherever they stop. */
#include "interp/cpu/eflags.h"
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"

#include <criterion/criterion.h>
#include <string.h>

static struct flat_machine *quick, *stepped;

static void set_up(void) {
    quick = flat_machine_create(UINT64_C(4) << 20);
    stepped = flat_machine_create(UINT64_C(4) << 20);
    flat_machine_catch(quick);
    flat_machine_catch(stepped);
}
static void tear_down(void) {
    flat_machine_destroy(quick);
    flat_machine_destroy(stepped);
}
TestSuite(quick, .init = set_up, .fini = tear_down);

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void load(struct flat_machine *machine, const uint8_t *code, size_t size, uint32_t seed) {
    flat_machine_load(machine, code, size, true);
    for (unsigned r = 0; r < 8; r++)
        if (r != GPR_ESP)
            machine->cpu.gpr[r] = next_random(&seed) % 5 == 0 ? seed & 0x80000001u : seed;
    machine->cpu.activity = CPU_RUNNING;
    machine->cpu.gpr[GPR_EBX] = FLAT_DATA;
    machine->cpu.gpr[GPR_ESP] = FLAT_STACK;
    lazy_flags_set(&machine->cpu.lazy, seed >> 3);
}

static void expect_equal(uint32_t seed, uint64_t limit) {
    const struct cpu *a = &quick->cpu, *b = &stepped->cpu;
    cr_assert_eq(a->eip, b->eip, "seed %x, limit %u: eip %x, stepped %x", seed, (unsigned)limit,
                 (uint32_t)a->eip, (uint32_t)b->eip);
    for (unsigned r = 0; r < 8; r++)
        cr_assert_eq(a->gpr[r], b->gpr[r], "seed %x, limit %u: register %u %x, stepped %x", seed,
                     (unsigned)limit, r, (uint32_t)a->gpr[r], (uint32_t)b->gpr[r]);
    uint32_t got = lazy_flags_get(&a->lazy), expected = lazy_flags_get(&b->lazy);
    cr_assert_eq(got, expected, "seed %x, limit %u: flags %x, stepped %x", seed, (unsigned)limit,
                 got, expected);
}

static void compare(const uint8_t *code, size_t size, uint32_t seed, uint64_t limit) {
    load(quick, code, size, seed);
    load(stepped, code, size, seed);
    flat_machine_run(quick, limit);
    for (uint64_t n = 0; n < limit && stepped->cpu.activity == CPU_RUNNING; n++)
        interp_step(&stepped->cpu);
    expect_equal(seed, limit);
}

/* One random instruction on EAX, ECX, EDX, ESI, EDI, and memory at EBX. */
static size_t put_instruction(uint8_t *at, uint32_t *seed) {
    static const uint8_t registers[] = {GPR_EAX, GPR_ECX, GPR_EDX, GPR_ESI, GPR_EDI};
    uint8_t reg = registers[next_random(seed) % 5], rm = registers[next_random(seed) % 5];
    uint8_t pair = (uint8_t)(0xc0 | reg << 3 | rm), operation = next_random(seed) & 7;
    switch (next_random(seed) % 11) {
    case 0: /* op r/m32, r32 */
    case 1:
        at[0] = (uint8_t)(operation << 3 | 1);
        at[1] = pair;
        return 2;
    case 2: /* op r/m32, imm8 */
        at[0] = 0x83;
        at[1] = (uint8_t)(0xc0 | operation << 3 | rm);
        at[2] = (uint8_t)next_random(seed);
        return 3;
    case 3: /* shift or rotate r/m32, imm8 */
        at[0] = 0xc1;
        at[1] = (uint8_t)(0xc0 | operation << 3 | rm);
        at[2] = next_random(seed) & 33;
        return 3;
    case 4: /* inc or dec r32 */
        at[0] = (uint8_t)(0x40 | (operation & 1) << 3 | rm);
        return 1;
    case 5: /* shift or rotate r/m32, cl; neg, not */
        at[0] = operation & 1 ? 0xd3 : 0xf7;
        at[1] = operation & 1 ? (uint8_t)(0xc0 | (operation & 6) << 3 | rm)
                              : (uint8_t)(0xd0 | (operation & 2) << 2 | rm);
        return 2;
    case 6: /* mov, add, cmp r32, [ebx + disp8] */
        at[0] = operation & 4 ? 0x8b : operation & 2 ? 0x03 : 0x3b;
        at[1] = (uint8_t)(0x43 | reg << 3);
        at[2] = next_random(seed) & 0x7c;
        return 3;
    case 7: /* mov [ebx + disp8], r32 */
        at[0] = 0x89;
        at[1] = (uint8_t)(0x43 | reg << 3);
        at[2] = next_random(seed) & 0x7c;
        return 3;
    case 8: /* imul r32, r32 */
        at[0] = 0x0f;
        at[1] = 0xaf;
        at[2] = pair;
        return 3;
    case 9: /* setcc dl */
        at[0] = 0x0f;
        at[1] = (uint8_t)(0x90 | (next_random(seed) & 15));
        at[2] = 0xc0 | GPR_EDX;
        return 3;
    default: /* test r32, r32 */
        at[0] = 0x85;
        at[1] = pair;
        return 2;
    }
}

/* Two instructions which a pair may do: a move, load, product or sum, then an operation on or with
   what it left. */
static size_t put_pair(uint8_t *at, uint32_t *seed) {
    static const uint8_t registers[] = {GPR_EAX, GPR_ECX, GPR_EDX, GPR_ESI, GPR_EDI};
    uint8_t to = registers[next_random(seed) % 5], other = registers[next_random(seed) % 5];
    size_t size = 2;
    switch (next_random(seed) % 6) {
    case 5: /* imul to, [ebx + disp8] */
        at[0] = 0x0f;
        at[1] = 0xaf;
        at[size++] = (uint8_t)(0x43 | to << 3);
        at[size++] = next_random(seed) & 0x7c;
        break;
    case 0: /* mov to, other */
        at[0] = 0x89;
        at[1] = (uint8_t)(0xc0 | other << 3 | to);
        break;
    case 1: /* mov to, [ebx + disp8] */
        at[0] = 0x8b;
        at[1] = (uint8_t)(0x43 | to << 3);
        at[size++] = next_random(seed) & 0x7c;
        break;
    case 2: /* lea to, [other + to * 4] */
        at[0] = 0x8d;
        at[1] = (uint8_t)(0x04 | to << 3);
        at[size++] = (uint8_t)(0x80 | to << 3 | other);
        break;
    case 3: /* movzx to, byte [ebx + disp8] */
        at[0] = 0x0f;
        at[1] = 0xb6;
        at[size++] = (uint8_t)(0x43 | to << 3);
        at[size++] = next_random(seed) & 0x7c;
        break;
    default: /* op to, other */
        at[0] = (uint8_t)((next_random(seed) & 7) << 3 | 1);
        at[1] = (uint8_t)(0xc0 | other << 3 | to);
        break;
    }
    uint8_t *second = at + size, operation = next_random(seed) & 7;
    other = registers[next_random(seed) % 5];
    switch (next_random(seed) % 6) {
    case 4: /* op other, to */
        second[0] = (uint8_t)(operation << 3 | 1);
        second[1] = (uint8_t)(0xc0 | to << 3 | other);
        return size + 2;
    case 5: /* mov other, to */
        second[0] = 0x89;
        second[1] = (uint8_t)(0xc0 | to << 3 | other);
        return size + 2;
    case 0: /* op to, other */
        second[0] = (uint8_t)(operation << 3 | 1);
        second[1] = (uint8_t)(0xc0 | other << 3 | to);
        return size + 2;
    case 1: /* shift or rotate to, imm8 */
        second[0] = 0xc1;
        second[1] = (uint8_t)(0xc0 | operation << 3 | to);
        second[2] = next_random(seed) & 33;
        return size + 3;
    case 2: /* not to */
        second[0] = 0xf7;
        second[1] = (uint8_t)(0xd0 | to);
        return size + 2;
    default: /* op to, imm8 */
        second[0] = 0x83;
        second[1] = (uint8_t)(0xc0 | operation << 3 | to);
        second[2] = (uint8_t)next_random(seed);
        return size + 3;
    }
}

/* A comparison and a conditional branch over an INC. */
static size_t put_branch(uint8_t *at, uint32_t *seed) {
    static const uint8_t comparisons[][3] = {
        {0x39, 0xc8, 0},    /* cmp eax, ecx */
        {0x85, 0xd0, 0},    /* test eax, edx */
        {0x84, 0xc9, 0},    /* test cl, cl */
        {0x83, 0xfe, 0x01}, /* cmp esi, 1 */
        {0x3c, 0x80, 0},    /* cmp al, 80h */
        {0xa8, 0x81, 0},    /* test al, 81h */
        {0x3b, 0x03, 0},    /* cmp eax, [ebx] */
        {0x39, 0x03, 0},    /* cmp [ebx], eax */
        {0x83, 0x3b, 0x7f}, /* cmp dword [ebx], 7fh */
        {0x80, 0x3b, 0x7f}, /* cmp byte [ebx], 7fh */
        {0x49, 0x90, 0},    /* dec ecx (and nop, where it is not the pair) */
    };
    unsigned choice = next_random(seed) % 11;
    size_t size = comparisons[choice][2] != 0 ? 3 : choice == 10 ? 1 : 2;
    memcpy(at, comparisons[choice], size);
    at[size] = (uint8_t)(0x70 | (next_random(seed) & 15));
    at[size + 1] = 1;
    at[size + 2] = 0x40 | GPR_EDI;
    return size + 3;
}

static size_t make_program(uint8_t *code, uint32_t seed) {
    size_t size = 0;
    for (unsigned part = 0; part < 4; part++) {
        unsigned count = next_random(&seed) % 6;
        for (unsigned n = 0; n < count; n++)
            size += next_random(&seed) & 1 ? put_pair(code + size, &seed)
                                           : put_instruction(code + size, &seed);
        size += put_branch(code + size, &seed);
    }
    code[size++] = 0xf4;
    return size;
}

Test(quick, random_programs_end_as_when_stepped) {
    for (uint32_t seed = 1; seed <= 10000; seed++) {
        uint8_t code[256];
        size_t size = make_program(code, seed);
        compare(code, size, seed, 100);
    }
}

Test(quick, runs_stopped_anywhere_agree_with_steps) {
    for (uint32_t seed = 1; seed <= 40; seed++)
        for (uint64_t limit = 1; limit < 30; limit++) {
            uint8_t code[256];
            size_t size = make_program(code, seed);
            compare(code, size, seed, limit);
        }
}

/* add eax,ecx; mov edx,[esi]; cmp eax,ecx; hlt, with ESI on an absent page: the handler of the
   page fault must see the flags of ADD in the frame. */
Test(quick, a_fault_shows_flags_that_the_block_overwrites_later) {
    static const uint8_t code[] = {0x01, 0xc8, 0x8b, 0x16, 0x39, 0xc8, 0xf4};
    flat_machine_enable_paging(quick);
    flat_machine_set_pte(quick, 0x200000, 0);
    flat_machine_load(quick, code, sizeof(code), true);
    quick->cpu.gpr[GPR_EAX] = 0xffffffff;
    quick->cpu.gpr[GPR_ECX] = 1;
    quick->cpu.gpr[GPR_ESI] = 0x200000;
    flat_machine_run(quick, 100);
    cr_assert_eq(flat_machine_caught(quick), VECTOR_PF);
    uint32_t flags = load_le32(quick->ram + quick->cpu.gpr[GPR_ESP] + 12) & FLAGS_ARITHMETIC;
    cr_assert_eq(flags, FLAG_CF | FLAG_ZF | FLAG_PF | FLAG_AF, "got %x", flags);
}
