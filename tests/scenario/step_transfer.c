/* Steps about segments, gates and tasks. */
#include "tests/scenario/step.h"

#define EFLAGS_IF UINT32_C(0x200)
#define EFLAGS_NT UINT32_C(0x4000)

/** Some mode: ring, code size, and sometimes paging. */
static void enter_somewhere(struct step *step) {
    step->cpl = once_in(step, 2) ? 0 : roll(step, 4);
    step->eflags = (once_in(step, 2) ? EFLAGS_IF : 0) | roll(step, 4) << 12;
    step->paging = once_in(step, 3) ? (enum paging_kind)roll(step, PAGING_KINDS) : PAGING_NONE;
    step->cr0 = once_in(step, 2) ? 0x10000 : 0;
    enter_paging(step);
    enter_ring(step, once_in(step, 3));
}

/** One access through a segment at an offset that may be a limit. */
static void access_segment(struct step *step, unsigned segment) {
    static const uint8_t override[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    static const uint32_t offsets[] = {0x0,    0x3ffc,  0x3ffd,  0x3fff,  0x4000,  0xfffc,
                                       0xffff, 0x2c000, 0x2c004, 0x2c005, 0x2cffd, 0x33ffe};
    static const uint8_t opcodes[] = {0x8a, 0x8b, 0x88, 0x89, 0x03, 0x01};
    static const uint8_t registers[] = {0, 1, 2, 3, 5, 6, 7}; /* not ESP: handlers need a stack */
    uint32_t offset = PICK(step, offsets);
    uint8_t opcode = PICK(step, opcodes);
    /* Stores go to data that nobody else needs. */
    if ((opcode & 2) == 0)
        offset = once_in(step, 2) ? 0x2c000 + roll(step, 16) : 0x3000 + roll(step, 16);
    prefix_address(step);
    EMIT(step, override[segment], opcode, (uint8_t)(0x05 | PICK(step, registers) << 3));
    emit32(step, offset);
}

void step_segment_load(struct step *step) {
    static const uint8_t segments[] = {0, 2, 3, 4, 5};
    random_tables(step);
    enter_somewhere(step);
    unsigned count = 1 + roll(step, 3);
    for (unsigned i = 0; i < count; i++) {
        unsigned segment = PICK(step, segments);
        uint16_t selector = random_selector(step);
        if (once_in(step, 3)) {
            static const uint8_t pops[][2] = {{0x07, 0}, {0, 0},       {0x17, 0},
                                              {0x1f, 0}, {0x0f, 0xa1}, {0x0f, 0xa9}};
            push(step, selector);
            prefix_operand(step);
            emit(step, pops[segment][1] ? 2 : 1, pops[segment]);
        } else {
            load_segment(step, segment, selector);
        }
        if (segment != 2 || once_in(step, 2))
            access_segment(step, segment);
    }
    arrive(step);
}

static uint32_t random_target(struct step *step) {
    static const uint32_t offsets[] = {SCENARIO_ARRIVE, SCENARIO_ARRIVE, SCENARIO_ARRIVE_SMALL};
    return PICK(step, offsets);
}

/** Push what a far return or an IRET pops. */
static void push_frame(struct step *step, bool is_iret, unsigned bytes) {
    static const uint16_t stacks[] = {S_DATA0, S_DATA16, 0x49, 0x5a, 0x6b, S_DATA16_USER + 3};
    uint32_t words[5] = {random_target(step), random_selector(step)};
    unsigned count = 2;
    if (is_iret)
        words[count++] = (step->eflags ^ roll32(step)) & ~UINT32_C(0x20100);
    words[count++] = 0x2be00;
    words[count++] = once_in(step, 3) ? random_selector(step) : PICK(step, stacks);
    if (!once_in(step, 3)) { /* a target that is right for some ring */
        unsigned ring = roll(step, 4);
        words[0] = SCENARIO_ARRIVE;
        words[1] = (ring ? 0x30 + 0x10 * ring : S_CODE0) + ring;
        words[count - 1] =
            once_in(step, 6) ? words[count - 1] : (ring ? 0x38 + 0x10 * ring : S_DATA0) + ring;
    }
    while (count-- > 0) {
        if (bytes == 4) {
            push(step, words[count]);
        } else {
            if (!step->is_16)
                EMIT(step, 0x66);
            EMIT(step, 0x68);
            emit16(step, words[count]);
        }
    }
    if ((bytes == 4) == step->is_16)
        EMIT(step, 0x66);
}

void step_far_transfer(struct step *step) {
    random_tables(step);
    enter_somewhere(step);
    unsigned bytes = once_in(step, 3) ? 2 : 4;
    switch (roll(step, 4)) {
    case 0:
        push_frame(step, false, bytes);
        if (once_in(step, 2))
            EMIT(step, 0xcb);
        else
            EMIT(step, 0xca, (uint8_t)roll(step, 16), 0);
        break;
    case 1:
        push_frame(step, true, bytes);
        EMIT(step, 0xcf);
        break;
    default:
        if ((bytes == 4) == step->is_16)
            EMIT(step, 0x66);
        EMIT(step, (uint8_t)(once_in(step, 2) ? 0x9a : 0xea));
        if (bytes == 4)
            emit32(step, random_target(step));
        else
            emit16(step, random_target(step));
        emit16(step, random_selector(step));
        break;
    }
    arrive(step);
}

/** Make an exception of a kind that needs no set-up. */
static void provoke(struct step *step) {
    switch (roll(step, 7)) {
    case 0:
        EMIT(step, 0x0f, 0x0b); /* #UD */
        break;
    case 1:
        EMIT(step, 0xd4, 0); /* AAM 0: #DE */
        break;
    case 2:
        EMIT(step, 0xcc);
        break;
    case 3:
        EMIT(step, 0x04, 0x7f, 0x04, 0x7f, 0xce); /* INTO */
        break;
    case 4:
        load_segment(step, 3, 0xffff); /* #GP with a selector */
        break;
    case 5:
        EMIT(step, 0x3a, 0x00); /* only an access: the step goes on */
        break;
    default:
        EMIT(step, 0xcd, (uint8_t)(0x31 + roll(step, 4)));
        break;
    }
}

void step_gate(struct step *step) {
    static const uint8_t vectors[] = {0, 3, 4, 6, 13, 11, 12, 8};
    uint32_t low, high;
    random_tables(step);
    for (unsigned i = 0; i < 4; i++) {
        random_gate(step, &low, &high);
        poke_descriptor(step, SCENARIO_IDT + (0x31 + i) * 8, low, high);
    }
    if (once_in(step, 2)) {
        uint8_t vector = PICK(step, vectors);
        /* Through a 16-bit gate to the handler for those, or through anything. */
        if (once_in(step, 2)) {
            random_gate(step, &low, &high);
        } else {
            low = high = 0;
            low = (uint32_t)S_CODE0_HIGH << 16;
            high = 0x8600 | (once_in(step, 2) ? 0x100 : 0);
            low |= SCENARIO_ARRIVE_SMALL;
        }
        poke_descriptor(step, SCENARIO_IDT + vector * 8u, low, high);
    }
    enter_somewhere(step);
    provoke(step);
    if (once_in(step, 2))
        provoke(step);
    arrive(step);
}

/** Change fields of the two idle tasks. */
static void random_task_state(struct step *step) {
    static const uint16_t codes[] = {S_CODE0, 0x41, 0x52, 0x63, S_CONFORMING, S_CODE16, 0, 0x07};
    uint32_t at = SCENARIO_TSS + 0x400;
    unsigned ring = roll(step, 4);
    if (once_in(step, 2)) { /* a task in some ring */
        poke(step, at + 0x20, SCENARIO_ARRIVE);
        poke(step, at + 0x4c, (ring ? 0x30 + 0x10 * ring : S_CODE0) + ring);
        poke(step, at + 0x50, (ring ? 0x38 + 0x10 * ring : S_DATA0) + ring);
        poke(step, at + 0x38, 0x2be00);
        poke(step, at + 0x24, 2 | roll(step, 4) << 12 | (once_in(step, 4) ? EFLAGS_IF : 0));
    }
    if (once_in(step, 4))
        poke(step, at + 0x24, 0x20002 | roll(step, 4) << 12); /* virtual-8086 */
    for (unsigned i = roll(step, 3); i > 0; i--)
        poke(step, at + 0x48 + roll(step, 6) * 4,
             once_in(step, 3) ? PICK(step, codes) : random_selector(step));
    if (once_in(step, 6))
        poke(step, at + 0x60, random_selector(step)); /* LDT */
    if (once_in(step, 6))
        poke(step, at + 0x64, 0x00680001); /* debug trap */
    if (once_in(step, 4)) {                /* the 16-bit one: another CS and SS */
        uint32_t small = SCENARIO_TSS + 0x800;
        poke(step, small + 0x22, PICK(step, codes) | (uint32_t)random_selector(step) << 16);
    }
}

void step_task(struct step *step) {
    random_tables(step);
    random_task_state(step);
    if (once_in(step, 6)) { /* limits at the edge, busy, not present */
        static const uint32_t limits[] = {0x66, 0x67, 0x2a, 0x2b, 0x68};
        static const uint8_t types[] = {0x89, 0x8b, 0x81, 0x83, 0x09, 0xe9};
        uint32_t type = PICK(step, types);
        poke_descriptor(step, SCENARIO_GDT + S_TASK32,
                        PICK(step, limits) | (SCENARIO_TSS + 0x400) << 16,
                        (SCENARIO_TSS >> 16) | type << 8);
    }
    uint32_t gate = (uint32_t)(once_in(step, 2) ? S_TASK32 : S_TASK16) << 16;
    uint32_t access = 0x8500 | roll(step, 4) << 13 | (once_in(step, 3) ? 0 : 0x6000);
    poke_descriptor(step, SCENARIO_GDT + 0xd0, gate, access);
    poke_descriptor(step, SCENARIO_IDT + 0x31 * 8, gate, access | 0x6000);
    poke_descriptor(step, SCENARIO_IDT + 6 * 8, gate, access);
    if (once_in(step, 2))
        resume_after(step, UINT64_C(1) << 62, 1 + roll(step, 2));
    enter_somewhere(step);
    uint16_t selector = (uint16_t)(once_in(step, 3)   ? 0xd0
                                   : once_in(step, 2) ? S_TASK32
                                                      : S_TASK16);
    if (once_in(step, 8))
        selector = S_TASK; /* busy */
    switch (roll(step, 5)) {
    case 0:
        EMIT(step, 0xcd, 0x31);
        break;
    case 1:
        EMIT(step, 0x0f, 0x0b);
        break;
    case 2: /* IRET with NT: back to a task that never called */
        prefix_operand(step);
        EMIT(step, 0x9c, 0x58);
        prefix_operand(step);
        EMIT(step, 0x0d);
        (step->is_16 ? emit16 : emit32)(step, EFLAGS_NT);
        EMIT(step, 0x50, 0x9d, 0xcf);
        break;
    default:
        EMIT(step, (uint8_t)(once_in(step, 2) ? 0x9a : 0xea));
        (step->is_16 ? emit16 : emit32)(step, 0);
        emit16(step, (uint16_t)(selector | (once_in(step, 4) ? roll(step, 4) : 0)));
        break;
    }
    /* Behind a return from the task. */
    EMIT(step, 0x40, 0x41);
    arrive(step);
}
