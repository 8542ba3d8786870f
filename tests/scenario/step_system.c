/* Steps about paging, virtual-8086 mode, privileges, debugging and interrupts. */
#include "tests/scenario/step.h"

#define EFLAGS_CF  UINT32_C(0x1)
#define EFLAGS_TF  UINT32_C(0x100)
#define EFLAGS_IF  UINT32_C(0x200)
#define EFLAGS_NT  UINT32_C(0x4000)
#define EFLAGS_RF  UINT32_C(0x10000)
#define EFLAGS_VIF UINT32_C(0x80000)
#define EFLAGS_VIP UINT32_C(0x100000)
#define CR0_WP     UINT32_C(0x10000)
#define CR4_VME    UINT32_C(0x1)
#define CR4_PVI    UINT32_C(0x2)
#define CR4_DE     UINT32_C(0x8)
#define EFER_NXE   UINT32_C(0x800)

/* ---- paging ---- */

/** Give pages of SCENARIO_DATA random rights, and the first of them sometimes reserved bits. */
static void random_pages(struct step *step) {
    for (unsigned n = 0; n < 4; n++) {
        uint32_t page = (SCENARIO_DATA >> 12) + (once_in(step, 4) ? roll(step, 4) : n);
        uint32_t rights = roll(step, 128) & (once_in(step, 4) ? 0x67 : 0x66);
        uint32_t entry = page << 12 | rights | (once_in(step, 5) ? 0 : 1);
        uint32_t at = (SCENARIO_DATA >> 12) + n;
        if (step->paging == PAGING_WITH_PAE) {
            poke(step, SCENARIO_PAE_TABLE + at * 8, entry);
            poke(step, SCENARIO_PAE_TABLE + at * 8 + 4,
                 once_in(step, 3)   ? 0x80000000
                 : once_in(step, 8) ? 0x100
                                    : 0);
        } else {
            poke(step, SCENARIO_TABLE + at * 4, entry);
        }
    }
    uint32_t rights = roll(step, 128) | 1;
    if (step->paging == PAGING_WITH_PAE) {
        /* Linear 200000h: a large page over physical 0, or a second view of the table. */
        poke(step, SCENARIO_PAE_DIR + 8,
             once_in(step, 2) ? (rights | 0x80) + (once_in(step, 8) ? 0x2000 : 0)
                              : SCENARIO_PAE_TABLE | rights);
        poke(step, SCENARIO_PAE_DIR + 12, once_in(step, 4) ? 0x80000000 : 0);
    } else {
        poke(step, SCENARIO_DIRECTORY + 4,
             once_in(step, 2)
                 ? (rights | 0x80) +
                       (step->paging == PAGING_LARGE && once_in(step, 8) ? 0x200000 : 0)
                 : SCENARIO_TABLE | rights);
    }
}

static uint32_t random_linear(struct step *step) {
    uint32_t linear = SCENARIO_DATA + roll(step, 4) * 4096 + roll(step, 8) * 4;
    if (once_in(step, 4))
        linear = SCENARIO_DATA + (1 + roll(step, 3)) * 4096 - 1 - roll(step, 3);
    if (once_in(step, 3))
        linear += step->paging == PAGING_WITH_PAE ? 0x200000 : 0x400000;
    return linear;
}

static void access_page(struct step *step) {
    static const uint8_t opcodes[] = {0x8a, 0x8b, 0x88, 0x89, 0x03, 0x01, 0x87, 0xff};
    uint8_t opcode = PICK(step, opcodes);
    EMIT(step, opcode, (uint8_t)(0x05 | (opcode == 0xff ? 0x30 : 0x08))); /* FF /6: PUSH */
    emit32(step, random_linear(step));
}

void step_paging(struct step *step) {
    step->paging = (enum paging_kind)(1 + roll(step, PAGING_KINDS - 1));
    step->cr0 = once_in(step, 2) ? CR0_WP : 0;
    step->efer = step->paging == PAGING_WITH_PAE && !once_in(step, 3) ? EFER_NXE : 0;
    step->cpl = once_in(step, 2) ? 0 : 3;
    random_pages(step);
    uint32_t code = SCENARIO_DATA + roll(step, 4) * 4096;
    poke(step, code + 0x100, 0x30cd9090); /* NOP, NOP, INT 30h */
    enter_paging(step);
    enter_ring(step, false);
    for (unsigned i = 1 + roll(step, 3); i > 0; i--)
        access_page(step);
    if (step->cpl == 0 && once_in(step, 3)) { /* change an entry, make it known, look again */
        uint32_t page = (SCENARIO_DATA >> 12) + roll(step, 4);
        unsigned bytes = step->paging == PAGING_WITH_PAE ? 8 : 4;
        uint32_t table = bytes == 8 ? SCENARIO_PAE_TABLE : SCENARIO_TABLE;
        poke(step, table + page * bytes, page << 12 | (roll(step, 128) & 0x67));
        EMIT(step, 0x0f, 0x01, 0x3d);
        emit32(step, page << 12);
        access_page(step);
        access_page(step);
    } else if (once_in(step, 2)) { /* run what lies in a page */
        EMIT(step, 0xe9);
        emit32(step, code + 0x100 - (here(step) + 4));
    }
    arrive(step);
}

/* ---- virtual-8086 mode ---- */

/** Bits of the redirection map, and of the I/O map for ports 1070h to 10afh, where no PC has any.
 */
static void random_maps(struct step *step) {
    for (unsigned i = 0; i < 8; i++)
        poke(step, SCENARIO_TSS + 0x68 + i * 4, once_in(step, 3) ? roll32(step) : 0xffffffff);
    for (unsigned i = 0; i < 2; i++)
        poke(step, SCENARIO_TSS + 0x88 + 0x20e + i * 4, once_in(step, 3) ? roll32(step) : 0);
    if (once_in(step, 6))
        poke(step, SCENARIO_TSS + 0x64, (0x1d0u + roll(step, 0x40)) << 16);
}

static void sensitive_16(struct step *step) {
    static const uint8_t single[] = {0xfa, 0xfb, 0x9c, 0x9d, 0xf4, 0xcc, 0xec, 0xee, 0x6c, 0x6e};
    switch (roll(step, 10)) {
    case 0:
        EMIT(step, 0xcd, (uint8_t)(roll(step, 4) * 0x10));
        break;
    case 1: /* POPF with chosen flags */
        EMIT(step, 0x68);
        emit16(step, roll32(step) & ~EFLAGS_TF);
        EMIT(step, 0x9d);
        break;
    case 2:
        EMIT(step, 0x66, 0x68);
        emit32(step, roll32(step) & ~EFLAGS_TF);
        EMIT(step, 0x66, 0x9d);
        break;
    case 3: /* IRET to what follows */
        EMIT(step, 0x68);
        emit16(step, roll32(step) & ~EFLAGS_TF);
        EMIT(step, 0x0e, 0x68);
        emit16(step, here(step) + 3 - SCENARIO_SMALL);
        EMIT(step, 0xcf);
        break;
    case 4:
        EMIT(step, 0xba, (uint8_t)(0x70 + roll(step, 0x40)), 0x10, 0xed);
        break;
    case 5:
        EMIT(step, 0x0f, (uint8_t)(0x20 + roll(step, 4)), 0xc0);
        break;
    case 6:
        EMIT(step, 0x66, 0x9c);
        break;
    default: {
        uint8_t opcode = PICK(step, single);
        if (opcode == 0xec || opcode == 0xee || opcode == 0x6c || opcode == 0x6e)
            EMIT(step, 0xba, (uint8_t)(0x70 + roll(step, 0x40)), 0x10);
        EMIT(step, opcode);
        break;
    }
    }
}

void step_v86(struct step *step) {
    step->cr4 = once_in(step, 2) && !step->scenario->is_portable ? CR4_VME : 0;
    step->eflags = roll(step, 4) << 12 | (once_in(step, 2) ? EFLAGS_IF : 0);
    if (step->cr4 != 0)
        step->eflags |= (once_in(step, 2) ? EFLAGS_VIF : 0) | (once_in(step, 4) ? EFLAGS_VIP : 0);
    step->paging = once_in(step, 3) ? (enum paging_kind)roll(step, PAGING_KINDS) : PAGING_NONE;
    random_maps(step);
    /* Vectors of the guest's own real-mode table, for redirected INTs: to a HLT. */
    for (unsigned i = 0; i < 4; i++)
        poke(step, i * 0x10 * 4, SCENARIO_SMALL >> 4 << 16 | (SCENARIO_ARRIVE_SMALL + 2));
    enter_paging(step);
    enter_v86(step);
    for (unsigned i = 1 + roll(step, 6); i > 0; i--)
        sensitive_16(step);
    if (once_in(step, 6)) { /* beyond the 64 KiB of a segment */
        EMIT(step, 0xa1);
        emit16(step, 0xffff);
    }
    arrive(step);
}

/* ---- privileged and sensitive instructions ---- */

static void sensitive_32(struct step *step) {
    static const uint8_t two[][2] = {{0x0f, 0x06}, {0x0f, 0x08}, {0x0f, 0x09}};
    static const uint8_t group6[] = {0xc0, 0xc8, 0xd0, 0xd8, 0xe0, 0xe8};
    switch (roll(step, 12)) {
    case 0:
        emit(step, 2, PICK(step, two));
        break;
    case 1: /* SLDT STR LLDT LTR VERR VERW */
        load(step, 0, random_selector(step));
        EMIT(step, 0x0f, 0x00, PICK(step, group6));
        break;
    case 2: /* LAR, LSL */
        load(step, 1, random_selector(step));
        EMIT(step, 0x0f, (uint8_t)(0x02 + roll(step, 2)), 0xc1);
        prefix_operand(step);
        EMIT(step, 0x9c);
        break;
    case 3: /* SMSW, LMSW without TS, which would make FPU steps of all others */
        EMIT(step, 0x0f, 0x01, 0xe0);
        load(step, 0, once_in(step, 2) ? 0xffffff11 : 0xffffff10);
        EMIT(step, 0x0f, 0x01, 0xf0);
        break;
    case 4:
        EMIT(step, (uint8_t)(once_in(step, 2) ? 0xfa : 0xfb));
        break;
    case 5: /* POPF */
        push(step, roll32(step) & ~EFLAGS_TF);
        prefix_operand(step);
        EMIT(step, 0x9d);
        prefix_operand(step);
        EMIT(step, 0x9c);
        break;
    case 6: /* ARPL */
        load(step, 0, random_selector(step));
        load(step, 1, random_selector(step));
        EMIT(step, 0x63, 0xc8);
        break;
    case 7: /* moves from control and debug registers */
        EMIT(step, 0x0f, (uint8_t)(0x20 + roll(step, 2)), (uint8_t)(0xc0 | roll(step, 8) << 3));
        break;
    case 8: /* moves to CR0 and CR4 with bits that are wrong, to DR7 with GD clear */
        load(step, 0, once_in(step, 2) ? 0x80000000 : 0x20000011);
        EMIT(step, 0x0f, 0x22, 0xc0);
        break;
    case 9: /* an MSR that does not exist; peers let it pass */
        if (step->scenario->is_portable && step->cpl == 0)
            break;
        load(step, 1, 0x12345);
        EMIT(step, 0x0f, (uint8_t)(once_in(step, 2) ? 0x30 : 0x32));
        break;
    case 10:
        load(step, 2, 0x1070 + roll(step, 0x40));
        EMIT(step, (uint8_t)(0xec + roll(step, 2)));
        break;
    default: /* SGDT, SIDT, LGDT, LIDT */
        prefix_address(step);
        EMIT(step, 0x0f, 0x01, (uint8_t)(0x05 | roll(step, 2) << 3));
        emit32(step, SCENARIO_DATA + roll(step, 16));
        break;
    }
}

void step_privileged(struct step *step) {
    random_tables(step);
    random_maps(step);
    step->cpl = roll(step, 4);
    step->eflags = roll(step, 4) << 12 | (once_in(step, 2) ? EFLAGS_IF : 0);
    step->cr4 = once_in(step, 4) && !step->scenario->is_portable ? CR4_PVI : 0;
    enter_paging(step);
    enter_ring(step, once_in(step, 4));
    for (unsigned i = 1 + roll(step, 4); i > 0; i--)
        sensitive_32(step);
    arrive(step);
}

/* ---- debugging ---- */

/** A few instructions with shadows and traps among them. */
static void sequence(struct step *step, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        switch (roll(step, 9)) {
        case 0:
            EMIT(step, 0x8c, 0xd0, 0x8e, 0xd0); /* MOV SS from itself */
            break;
        case 1:
            EMIT(step, 0x16, 0x17); /* PUSH SS, POP SS */
            break;
        case 2:
            EMIT(step, 0xfb); /* STI */
            break;
        case 3:
            EMIT(step, 0xfa);
            break;
        case 4:
            EMIT(step, 0x9c, 0x9d);
            break;
        case 5: /* string instruction */
            load(step, 1, 1 + roll(step, 3));
            load(step, 7, SCENARIO_DATA);
            EMIT(step, 0xf3, 0xaa);
            break;
        case 6:
            EMIT(step, 0xe8, 0, 0, 0, 0, 0x58);
            break;
        case 7: /* a store that a data breakpoint may see */
            EMIT(step, 0xa3);
            emit32(step, SCENARIO_DATA + roll(step, 4));
            break;
        default:
            EMIT(step, 0x40);
            break;
        }
    }
}

void step_debug(struct step *step) {
    static const uint8_t lengths[] = {0x1, 0x5, 0xd, 0x3, 0x7, 0xf, 0x0};
    step->cpl = once_in(step, 2) ? 0 : 3;
    step->eflags = 0x3000 | (once_in(step, 3) ? 0 : EFLAGS_TF) | (once_in(step, 3) ? EFLAGS_RF : 0);
    step->cr4 = once_in(step, 2) ? CR4_DE : 0;
    resume_after(step, 1 << 1 | 1 << 3, 12);
    uint32_t dr7 = 0x400;
    load(step, 0, SCENARIO_DATA + roll(step, 4));
    EMIT(step, 0x0f, 0x23, 0xc0);
    if (!once_in(step, 3))
        dr7 |= 0x2 | (uint32_t)PICK(step, lengths) << 16;
    /* An instruction breakpoint somewhere in the sequence. */
    unsigned at = step->scenario->code_bytes + 1;
    load(step, 0, 0);
    EMIT(step, 0x0f, 0x23, 0xc8);
    if (once_in(step, 2))
        dr7 |= 0x8;
    if (once_in(step, 10))
        dr7 |= 0x2000; /* GD */
    load(step, 0, dr7);
    EMIT(step, 0x0f, 0x23, 0xf8);
    enter_paging(step);
    enter_ring(step, false);
    uint32_t breakpoint = here(step) + roll(step, 6);
    if (at + 4 <= SCENARIO_CODE_BYTES)
        for (unsigned i = 0; i < 4; i++)
            step->scenario->code[at + i] = (uint8_t)(breakpoint >> (8 * i));
    sequence(step, 4 + roll(step, 5));
    if (once_in(step, 4))
        EMIT(step, 0xf1); /* ICEBP */
    arrive(step);
}

/* ---- interrupts ---- */

void step_interrupt(struct step *step) {
    step->cpl = once_in(step, 2) ? 0 : 3;
    step->eflags = 0x3000 | (once_in(step, 2) ? EFLAGS_IF : 0) | (once_in(step, 6) ? EFLAGS_TF : 0);
    resume_after(step, UINT64_C(1) << 1 | UINT64_C(1) << 0x20 | UINT64_C(1) << 0x21, 4);
    /* The request counts instructions from the OUT on: those that lead into the ring, then some
       boundary of the sequence. */
    load(step, 0, (20 + roll(step, 28)) << 8 | (0x20 + roll(step, 2)));
    EMIT(step, 0xe7, SCENARIO_PORT_INTERRUPT);
    step->paging = once_in(step, 3) ? (enum paging_kind)roll(step, PAGING_KINDS) : PAGING_NONE;
    enter_paging(step);
    if (once_in(step, 4)) {
        enter_v86(step);
        for (unsigned i = 0; i < 8; i++)
            EMIT(step, (uint8_t)(once_in(step, 4) ? 0xfb : 0x40));
    } else {
        enter_ring(step, false);
        sequence(step, 8);
    }
    EMIT(step, 0xfb, 0x90, 0x90);
    arrive(step);
}
