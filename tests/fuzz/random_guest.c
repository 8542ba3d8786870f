/* See random_guest.h. */
#include "tests/fuzz/random_guest.h"

#include "interp/cpu/cpu_compare.h"
#include "softmmu/base/bits.h"
#include "softmmu/page_walk.h"

#include <stdlib.h>
#include <string.h>

#define DATA     UINT32_C(0x30000) /* where registers point that point at all */
#define PAGES_AT UINT32_C(0x38000) /* pages with rights of their own, in paged guests */

/* Instructions for structured inputs: bytes, and which of their bits come from the input. */
struct shape {
    uint8_t size;
    uint8_t bytes[8], holes[8];
};

static const struct shape shapes[] = {
    {1, {0x40}, {0x0f}},                      /* inc, dec */
    {1, {0x50}, {0x0f}},                      /* push, pop */
    {2, {0x01, 0xc0}, {0x3b, 0x3f}},          /* two registers */
    {3, {0x83, 0xc0, 0}, {0, 0x3f, 0xff}},    /* register and constant */
    {2, {0x00, 0x00}, {0x3b, 0x3f}},          /* register and memory */
    {3, {0x88, 0x40, 0}, {0x03, 0x3f, 0xff}}, /* moves */
    {3, {0xc1, 0xc0, 0}, {0x01, 0x3f, 0x3f}}, /* shifts */
    {2, {0xd3, 0xc0}, {0x01, 0x3f}},
    {3, {0x0f, 0xa3, 0xc0}, {0, 0x18, 0x3f}}, /* bit tests */
    {4, {0x0f, 0xba, 0xe0, 0}, {0, 0, 0x1f, 0x3f}},
    {3, {0x0f, 0xaf, 0xc0}, {0, 0, 0x3f}},    /* imul */
    {2, {0xf7, 0xc0}, {0x01, 0x3f}},          /* group 3 */
    {3, {0x0f, 0x90, 0xc0}, {0, 0x0f, 0x07}}, /* setcc */
    {3, {0x0f, 0x40, 0xc0}, {0, 0x0f, 0x3f}}, /* cmovcc */
    {2, {0x70, 0xf0}, {0x0f, 0x1f}},          /* jcc near by */
    {2, {0xe0, 0xf0}, {0x03, 0x1f}},          /* loop, jecxz */
    {2, {0xeb, 0x00}, {0, 0x0f}},
    {5, {0xe8, 0, 0, 0, 0}, {0, 0x0f, 0, 0, 0}}, /* call, ret */
    {1, {0xc3}, {0}},
    {1, {0x9c}, {0x01}}, /* pushf, popf */
    {1, {0xf8}, {0x07}}, /* flags, STI, CLI */
    {1, {0x60}, {0x01}},
    {2, {0xf3, 0xa4}, {0x01, 0x0f}}, /* string instructions */
    {1, {0xa4}, {0x0f}},
    {3, {0x66, 0xf3, 0xa5}, {0, 0x01, 0x0e}},
    {2, {0x8e, 0xd8}, {0, 0x3f}}, /* segment registers */
    {2, {0x8c, 0xc0}, {0, 0x3f}},
    {3, {0x6a, 0x10, 0x1f}, {0, 0x7b, 0x18}},                   /* push a selector, pop it */
    {7, {0xea, 0, 1, 1, 0, 8, 0}, {0, 0x7f, 0, 0, 0, 0x7b, 0}}, /* far jump, call */
    {7, {0x9a, 0, 1, 1, 0, 8, 0}, {0, 0x7f, 0, 0, 0, 0x7b, 0}},
    {1, {0xcb}, {0x04}},                      /* far return, IRET */
    {2, {0xcd, 0}, {0, 0x3f}},                /* INT */
    {3, {0x0f, 0x20, 0xc0}, {0, 0x03, 0x3f}}, /* control and debug registers */
    {3, {0x0f, 0x01, 0x00}, {0, 0, 0x3f}},    /* group 7 */
    {3, {0x0f, 0x00, 0xc0}, {0, 0x03, 0x3f}}, /* group 6, LAR, LSL */
    {3, {0x0f, 0x01, 0x38}, {0, 0, 0x03}},    /* INVLPG */
    {7,
     {0xc6, 0x05, 0xe0, 0x10, 4, 0, 0x07},
     {0, 0, 0x1f, 0, 0, 0, 0xff}},                                    /* write a table entry */
    {7, {0xc6, 0x05, 0, 1, 1, 0, 0x90}, {0, 0, 0x3f, 0, 0, 0, 0x7f}}, /* write code */
    {8, {0x80, 0x35, 0, 1, 1, 0, 1, 0x90}, {0x03, 0x38, 0x3f, 0, 0, 0, 0xff, 0}},
    {3, {0x8d, 0x44, 0x00}, {0, 0x3f, 0xff}}, /* lea */
    {3, {0x0f, 0xb0, 0xc0}, {0, 0x0f, 0x3f}}, /* cmpxchg, movzx, movsx, bsf ... */
    {3, {0x0f, 0xa4, 0xc0}, {0, 0x09, 0x3f}}, /* shld, shrd by a count */
    {2, {0xd8, 0xc0}, {0x07, 0x3f}},          /* x87 */
    {2, {0xd8, 0x00}, {0x07, 0x3f}},
    {3, {0x0f, 0x60, 0xc0}, {0, 0x1f, 0x3f}}, /* MMX */
    {4, {0x66, 0x0f, 0xd0, 0xc0}, {0, 0, 0x2f, 0x3f}},
    {4, {0xf2, 0x0f, 0x50, 0xc0}, {0x01, 0, 0x0f, 0x3f}}, /* SSE */
    {3, {0x0f, 0x10, 0x00}, {0, 0x1f, 0x3f}},
    {2, {0x0f, 0xa2}, {0, 0}},
    {2, {0xe4, 0}, {0x03, 0xff}}, /* ports */
    {1, {0xc8}, {0x01}},          /* enter, leave and what follows */
    {1, {0x98}, {0x01}},
    {2, {0x86, 0xc0}, {0x01, 0x3f}}, /* xchg */
    {2, {0x66, 0x90}, {0x01, 0x6f}}, /* any byte behind a size prefix */
    {1, {0}, {0xff}},                /* any byte */
};

static void expand(struct random_guest *guest, const uint8_t *data, size_t size) {
    size_t at = 0;
    while (at < size) {
        const struct shape *shape = &shapes[data[at++] % (sizeof(shapes) / sizeof(shapes[0]))];
        if (guest->size + shape->size > RANDOM_GUEST_CODE_BYTES)
            return;
        for (unsigned i = 0; i < shape->size; i++) {
            uint8_t more = shape->holes[i] != 0 && at < size ? data[at++] : 0;
            guest->code[guest->size++] = shape->bytes[i] ^ (more & shape->holes[i]);
        }
    }
}

bool random_guest_parse(struct random_guest *guest, const uint8_t *data, size_t size) {
    if (size <= RANDOM_GUEST_HEADER)
        return false;
    *guest = (struct random_guest){.mode = (enum random_guest_mode)(data[0] % GUEST_MODES),
                                   .has_window = data[0] & 0x40,
                                   .seed = load_le16(data + 1)};
    bool is_structured = data[0] & 0x80;
    data += RANDOM_GUEST_HEADER;
    size -= RANDOM_GUEST_HEADER;
    if (is_structured) {
        expand(guest, data, size);
    } else {
        guest->size = size < RANDOM_GUEST_CODE_BYTES ? (unsigned)size : RANDOM_GUEST_CODE_BYTES;
        memcpy(guest->code, data, guest->size);
    }
    return true;
}

static uint32_t next(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint32_t operand(uint32_t *state, enum random_guest_mode mode) {
    static const uint32_t edges[] = {0,      1,      0x7f,       0x80,       0xff,       0x7fff,
                                     0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xff80};
    uint32_t choice = next(state);
    bool is_small = mode == GUEST_REAL || mode == GUEST_V86 || mode == GUEST_16_BIT;
    switch (choice & 3) {
    case 0:
        return edges[(choice >> 8) % (sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return next(state);
    default:
        return is_small ? choice >> 16 : DATA + (choice >> 16);
    }
}

static void enter(const struct random_guest *guest, struct test_cpu *t) {
    struct cpu *cpu = &t->cpu;
    bool is_user = guest->mode == GUEST_FLAT_USER || guest->mode == GUEST_PAGED_USER;
    switch (guest->mode) {
    case GUEST_REAL:
        test_cpu_enter_real(t);
        break;
    case GUEST_V86:
        test_cpu_enter_v86(t, guest->seed & 3);
        break;
    default:
        test_cpu_enter_protected(t, is_user ? 3 : 0);
        break;
    }
    if (guest->mode == GUEST_PAGED || guest->mode == GUEST_PAGED_USER) {
        test_cpu_enable_paging(t);
        for (uint32_t n = 0; n < 8; n++)
            test_cpu_set_pte(t, PAGES_AT + n * 4096, (PAGES_AT + n * 4096) | n);
    }
    if (guest->mode == GUEST_16_BIT) {
        test_cpu_set_descriptor(t, SEL_SPARE, DATA, 0xffff, 0x93, 0);
        test_cpu_load_segment(t, SEG_CS, SEL_CODE16);
        for (unsigned n = 0; n < SEG_COUNT; n++)
            if (n != SEG_CS)
                test_cpu_load_segment(t, (enum segment_name)n, SEL_SPARE);
        cpu->eip = 0;
    }
    if (guest->mode == GUEST_SEGMENTED) {
        test_cpu_set_descriptor(t, SEL_SPARE, 0x8000, 0x2ffff, 0x93, 4);
        test_cpu_set_descriptor(t, SEL_SPARE2, 0x1000, 0x2fff, 0x97, 4); /* expand-down */
        test_cpu_load_segment(t, SEG_DS, SEL_SPARE);
        test_cpu_load_segment(t, SEG_SS, SEL_SPARE);
        test_cpu_load_segment(t, SEG_ES, SEL_SPARE2);
    }
    cpu_update_mode(cpu);
}

static void set_registers(const struct random_guest *guest, struct test_cpu *t, unsigned round) {
    struct cpu *cpu = &t->cpu;
    uint32_t state = (guest->seed + 1) * 0x9e3779b1u + round * 0x85ebca6bu + 1;
    for (unsigned r = 0; r < 8; r++)
        if (r != GPR_ESP)
            cpu->gpr[r] = operand(&state, guest->mode);
    /* Repeated string instructions shall mostly end soon. */
    if (next(&state) % 16 != 0)
        cpu->gpr[GPR_ECX] &= 0x7f;
    if (guest->mode == GUEST_16_BIT || guest->mode == GUEST_SEGMENTED)
        cpu->gpr[GPR_ESP] = 0xf000;
    cpu_set_eflags(cpu, next(&state), FLAGS_ARITHMETIC | FLAG_DF);
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->x87.control = 0x37f;
    cpu->x87.is_valid = (uint8_t)next(&state);
    for (unsigned r = 0; r < 8; r++) {
        uint64_t significand = (uint64_t)next(&state) << 32 | next(&state);
        cpu->x87.st[r] = (struct float80){.significand = significand | UINT64_C(1) << 63,
                                          .sign_exponent = (uint16_t)(0x3ff0 + (r << 2))};
        memset(&cpu->xmm[r], 0, sizeof(cpu->xmm[r]));
        store_le32((uint8_t *)&cpu->xmm[r], next(&state));
        store_le64((uint8_t *)&cpu->xmm[r] + 8, significand);
    }
    cpu->icount = 0;
    t->next_input = t->port_writes = t->last_port = t->last_value = t->shutdowns = 0;
}

/* Memory as each mode has it at the start, without the code. Immutable once made. */
static const uint8_t *pristine_ram(const struct random_guest *guest) {
    static uint8_t *images[GUEST_MODES];
    if (images[guest->mode] != NULL)
        return images[guest->mode];
    struct test_cpu *t = test_cpu_create_sized("pentium4", RANDOM_GUEST_RAM);
    uint32_t state = 1;
    for (uint32_t at = TEST_STACK0; at < TEST_PAGES; at += 4)
        test_cpu_write32(t, at, next(&state));
    enter(guest, t);
    images[guest->mode] = malloc(RANDOM_GUEST_RAM);
    if (images[guest->mode] == NULL)
        abort();
    memcpy(images[guest->mode], t->ram, RANDOM_GUEST_RAM);
    test_cpu_destroy(t);
    return images[guest->mode];
}

void random_guest_reset(const struct random_guest *guest, struct test_cpu *t, unsigned round) {
    const uint8_t *pristine = pristine_ram(guest);
    cpu_reset(&t->cpu, CPU_RESET_POWER_ON);
    for (uint32_t at = 0; at < RANDOM_GUEST_RAM; at += GUEST_PAGE_SIZE)
        if (at != TEST_CODE)
            test_cpu_place(t, at, pristine + at, GUEST_PAGE_SIZE);
    uint8_t code[GUEST_PAGE_SIZE];
    memset(code, 0xf4, sizeof(code)); /* HLT, also where short jumps lead */
    memcpy(code + RANDOM_GUEST_CODE_BYTES, guest->code, guest->size);
    test_cpu_place(t, TEST_CODE, code, sizeof(code));
    enter(guest, t);
    t->cpu.eip += RANDOM_GUEST_CODE_BYTES;
    set_registers(guest, t, round);
}

/** What the tables, as they stand in memory, say about a page. */
static struct page_walk find_mapping(const struct cpu *cpu, const struct paging *paging,
                                     linear_addr linear) {
    struct page_walk walk;
    uint32_t error_code;
    bool is_mapped = page_walk(cpu->physmem, paging, linear, MMU_FETCH, PAGE_WALK_PEEK, &walk,
                               &error_code) == MMU_OK;
    return is_mapped ? walk : (struct page_walk){.page = UINT64_MAX};
}

static bool may_run_alike(const struct page_walk *a, const struct page_walk *b) {
    return a->page == b->page && a->is_user == b->is_user && a->is_executable == b->is_executable;
}

static struct paging paging_of(const struct cpu *cpu) {
    struct paging paging = {0};
    paging_set(&paging, cpu->cr0, cpu->cr3, cpu->cr4, cpu->msr.efer);
    if (paging.mode & PAGING_PAE)
        paging_load_pdptes(cpu->physmem, cpu->cr3, paging.pdpte);
    return paging;
}

bool random_guest_remaps_its_page(const struct random_guest *guest, struct test_cpu *t,
                                  unsigned round, unsigned instructions) {
    const struct cpu *cpu = &t->cpu;
    random_guest_reset(guest, t, round);
    for (unsigned n = 1; n <= instructions; n++) {
        uint32_t linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
        uint64_t cr3 = cpu->cr3;
        const struct paging paging = paging_of(cpu);
        const struct page_walk before = find_mapping(cpu, &paging, linear);
        if (interp_run(&t->cpu, n) != CPU_EXIT_LIMIT)
            return false;
        uint32_t next_linear = (uint32_t)(cpu->seg[SEG_CS].base + cpu->eip);
        const struct page_walk after = find_mapping(cpu, &paging, linear);
        bool stays = (linear ^ next_linear) < GUEST_PAGE_SIZE && cpu->cr3 == cr3;
        if (stays && !may_run_alike(&before, &after))
            return true;
    }
    return false;
}

static void print_registers(const char *name, const struct test_cpu *t) {
    fprintf(stderr, "%s:", name);
    for (unsigned r = 0; r < 8; r++)
        fprintf(stderr, " %08x", cpu_reg32(&t->cpu, r));
    fprintf(stderr, " eip %08x eflags %08x cr2 %08x, vector %d\n", (uint32_t)t->cpu.eip,
            cpu_eflags(&t->cpu), (uint32_t)t->cpu.cr2, test_cpu_caught(t));
}

static void print_code(const struct random_guest *guest) {
    fprintf(stderr, "mode %d, code at %x:", guest->mode, TEST_CODE + RANDOM_GUEST_CODE_BYTES);
    for (unsigned i = 0; i < guest->size; i++)
        fprintf(stderr, " %02x", guest->code[i]);
    fputc('\n', stderr);
}

bool random_guest_same(const struct random_guest *guest, const struct test_cpu *reference,
                       const struct test_cpu *tested, const char *name) {
    char text[160];
    bool is_same = cpu_same(&reference->cpu, &tested->cpu, text, sizeof(text));
    if (is_same && memcmp(reference->ram, tested->ram, RANDOM_GUEST_RAM) != 0) {
        uint32_t at = 0;
        while (reference->ram[at] == tested->ram[at])
            at++;
        snprintf(text, sizeof(text), "byte %x of memory: %02x, tested %02x", at, reference->ram[at],
                 tested->ram[at]);
        is_same = false;
    }
    if (is_same && (reference->port_writes != tested->port_writes ||
                    reference->next_input != tested->next_input ||
                    reference->last_value != tested->last_value)) {
        snprintf(text, sizeof(text), "accesses to ports");
        is_same = false;
    }
    if (is_same)
        return true;
    fprintf(stderr, "%s: %s\n", name, text);
    print_code(guest);
    print_registers("expected", reference);
    print_registers("actual", tested);
    return false;
}
