/* See step.h: choices, code and set-up. */
#include "tests/scenario/step.h"

#include "softmmu/base/bits.h"

#include <string.h>

#define EFLAGS_FIXED UINT32_C(0x2)
#define EFLAGS_VM    UINT32_C(0x20000)
#define CR0_PG       UINT32_C(0x80000000)
#define CR4_PSE      UINT32_C(0x10)
#define CR4_PAE      UINT32_C(0x20)

uint32_t roll32(struct step *step) {
    step->dice = step->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    uint32_t high = (uint32_t)(step->dice >> 32);
    return high ^ high >> 15 ^ (uint32_t)(step->dice >> 20);
}

uint32_t roll(struct step *step, uint32_t sides) {
    return (roll32(step) >> 3) % sides;
}

void emit(struct step *step, unsigned count, const uint8_t *bytes) {
    struct scenario *scenario = step->scenario;
    if (scenario->code_bytes + count > SCENARIO_CODE_BYTES)
        return;
    memcpy(scenario->code + scenario->code_bytes, bytes, count);
    scenario->code_bytes += count;
}

void emit16(struct step *step, uint32_t value) {
    EMIT(step, (uint8_t)value, (uint8_t)(value >> 8));
}

void emit32(struct step *step, uint32_t value) {
    emit16(step, value);
    emit16(step, value >> 16);
}

uint32_t here(const struct step *step) {
    return SCENARIO_CODE + step->scenario->code_bytes;
}

void prefix_operand(struct step *step) {
    if (step->is_16)
        EMIT(step, 0x66);
}

void prefix_address(struct step *step) {
    if (step->is_16)
        EMIT(step, 0x67);
}

void load(struct step *step, unsigned reg, uint32_t value) {
    prefix_operand(step);
    EMIT(step, (uint8_t)(0xb8 + reg));
    emit32(step, value);
}

void load_segment(struct step *step, unsigned segment, uint16_t selector) {
    load(step, 0, selector);
    EMIT(step, 0x8e, (uint8_t)(0xc0 | segment << 3));
}

void poke(struct step *step, uint32_t address, uint32_t value) {
    EMIT(step, 0xc7, 0x05);
    emit32(step, address);
    emit32(step, value);
}

void poke_descriptor(struct step *step, uint32_t at, uint32_t low, uint32_t high) {
    poke(step, at, low);
    poke(step, at + 4, high);
}

void push(struct step *step, uint32_t value) {
    prefix_operand(step);
    EMIT(step, 0x68);
    emit32(step, value);
}

void arrive(struct step *step) {
    EMIT(step, 0xcd, 0x30);
}

void resume_after(struct step *step, uint64_t vectors, unsigned times) {
    poke(step, SCENARIO_VARIABLES + 16, (uint32_t)vectors);
    poke(step, SCENARIO_VARIABLES + 20, (uint32_t)(vectors >> 32));
    poke(step, SCENARIO_VARIABLES + 24, times);
}

void enter_paging(struct step *step) {
    uint32_t cr4 = step->cr4;
    cr4 |= step->paging == PAGING_LARGE ? CR4_PSE : step->paging == PAGING_WITH_PAE ? CR4_PAE : 0;
    load(step, 0, cr4);
    EMIT(step, 0x0f, 0x22, 0xe0);
    if (step->efer != 0) {
        load(step, 1, 0xc0000080);
        load(step, 0, step->efer);
        load(step, 2, 0);
        EMIT(step, 0x0f, 0x30);
    }
    load(step, 0, step->paging == PAGING_WITH_PAE ? SCENARIO_POINTERS : SCENARIO_DIRECTORY);
    EMIT(step, 0x0f, 0x22, 0xd8);
    load(step, 0, step->cr0 | 0x11 | (step->paging != PAGING_NONE ? CR0_PG : 0));
    EMIT(step, 0x0f, 0x22, 0xc0);
    EMIT(step, 0xeb, 0x00);
}

static void load_registers(struct step *step) {
    static const uint8_t registers[] = {0, 1, 2, 3, 5, 6, 7};
    for (unsigned i = 0; i < sizeof(registers); i++)
        load(step, registers[i], 0x11111111u * (registers[i] + 1));
}

void enter_ring(struct step *step, bool is_16) {
    static const uint32_t tops[] = {0x2af00, 0x2b300, 0x2b700, 0x2bf00};
    unsigned cpl = is_16 && step->cpl != 0 ? 3 : step->cpl;
    uint16_t code =
        (uint16_t)(is_16 ? (cpl ? S_CODE16_USER : S_CODE16) : (cpl ? 0x30 + 0x10 * cpl : S_CODE0));
    uint16_t data =
        (uint16_t)(is_16 ? (cpl ? S_DATA16_USER : S_DATA16) : (cpl ? 0x38 + 0x10 * cpl : S_DATA0));
    uint32_t top = is_16 ? 0x3f00 : tops[cpl];
    step->cpl = cpl;
    code |= (uint16_t)cpl;
    data |= (uint16_t)cpl;
    if (cpl == 0) {
        load_segment(step, 2, data);
        load(step, 4, top);
    } else {
        push(step, data);
        push(step, top);
    }
    push(step, step->eflags | EFLAGS_FIXED);
    push(step, code);
    /* The IRETD and the loads before it: their length is known only behind them. */
    unsigned at = step->scenario->code_bytes + 1;
    push(step, 0);
    for (unsigned segment = 0; segment < 6; segment++)
        if (segment != 1 && segment != 2)
            load_segment(step, segment, (uint16_t)(S_DATA0 + (cpl ? 0x58 : 0) + (cpl ? 3 : 0)));
    load_registers(step);
    EMIT(step, 0xcf);
    if (at + 4 <= SCENARIO_CODE_BYTES)
        store_le32(step->scenario->code + at, here(step) - (is_16 ? SCENARIO_SMALL : 0));
    step->is_16 = is_16;
}

void enter_v86(struct step *step) {
    step->cpl = 3;
    step->is_v86 = true;
    for (unsigned i = 0; i < 4; i++)
        push(step, SCENARIO_SMALL >> 4); /* GS FS DS ES */
    push(step, SCENARIO_SMALL >> 4);
    push(step, 0x3f00);
    push(step, step->eflags | EFLAGS_FIXED | EFLAGS_VM);
    push(step, SCENARIO_SMALL >> 4);
    unsigned at = step->scenario->code_bytes + 1;
    push(step, 0);
    load_registers(step);
    EMIT(step, 0xcf);
    if (at + 4 <= SCENARIO_CODE_BYTES)
        store_le32(step->scenario->code + at, here(step) - SCENARIO_SMALL);
    step->is_16 = true;
}

/* ---- tables ---- */

static void make_descriptor(uint32_t base, uint32_t limit, uint32_t access, uint32_t flags,
                            uint32_t *low, uint32_t *high) {
    *low = (limit & 0xffff) | base << 16;
    *high = (base >> 16 & 0xff) | (access & 0xff) << 8 | (limit & 0xf0000) | (flags & 15) << 20 |
            (base & 0xff000000);
}

void random_memory_descriptor(struct step *step, uint32_t *low, uint32_t *high) {
    static const uint32_t bases[] = {0, 0, 0x20000, 0x30000};
    static const uint32_t limits[] = {0,       0xfffff, 0xfffff, 0xffff,  0x3fff,  0x4000, 0x4001,
                                      0x34000, 0x34001, 0x34002, 0x2cfff, 0x2c007, 0xfff,  0x34};
    uint32_t access = 0x90 | roll(step, 16) | roll(step, 4) << 5;
    if (once_in(step, 12))
        access &= 0x7f;
    if (once_in(step, 12))
        access = roll(step, 256);
    uint32_t flags = roll(step, 4) << 2;
    make_descriptor(PICK(step, bases), PICK(step, limits), access, flags, low, high);
}

void random_gate(struct step *step, uint32_t *low, uint32_t *high) {
    static const uint8_t types[] = {0x4, 0x5, 0x6, 0x7, 0xc, 0xe, 0xf, 0xc, 0xe};
    static const uint32_t offsets[] = {SCENARIO_ARRIVE, SCENARIO_ARRIVE, SCENARIO_ARRIVE_SMALL,
                                       SCENARIO_ARRIVE_SMALL};
    static const uint16_t targets[] = {
        S_CODE0,  S_CODE0,  S_CODE16, 0x41,    0x52, 0x63,         S_CONFORMING, S_CODE16_USER,
        S_TASK32, S_TASK16, S_TASK,   S_DATA0, 0,    S_CODE0_HIGH, 0x07,         0x14};
    uint32_t type = PICK(step, types);
    uint16_t target = once_in(step, 8) ? random_selector(step) : PICK(step, targets);
    if (type == 5 && !once_in(step, 4))
        target = once_in(step, 2) ? S_TASK32 : S_TASK16;
    uint32_t access = type | roll(step, 4) << 5 | (once_in(step, 12) ? 0 : 0x80);
    if (!once_in(step, 3))
        access |= 0x60;
    uint32_t offset = PICK(step, offsets);
    uint32_t parameters = type == 4 || type == 0xc ? roll(step, 4) * roll(step, 3) : 0;
    *low = (offset & 0xffff) | (uint32_t)target << 16;
    *high = (offset & 0xffff0000) | access << 8 | parameters;
}

uint16_t random_selector(struct step *step) {
    uint16_t selector = (uint16_t)(roll(step, S_END / 8) << 3);
    switch (roll(step, 8)) {
    case 0:
        return (uint16_t)(roll(step, 10) << 3 | 4 | roll(step, 4)); /* LDT, also behind its end */
    case 1:
        return (uint16_t)roll(step, 4); /* null */
    case 2:
        return (uint16_t)(S_END - 8 + roll(step, 16)); /* at the limit */
    case 3:
        return (uint16_t)(S_SPARE + roll(step, 13) * 8 + roll(step, 4));
    default:
        return (uint16_t)(selector | (once_in(step, 2) ? step->cpl : roll(step, 4)));
    }
}

void random_tables(struct step *step) {
    uint32_t low, high;
    for (unsigned i = 0; i < 4; i++) {
        random_memory_descriptor(step, &low, &high);
        poke_descriptor(step, SCENARIO_GDT + S_SPARE + roll(step, 7) * 8, low, high);
        random_gate(step, &low, &high);
        poke_descriptor(step, SCENARIO_GDT + S_SPARE + (7 + roll(step, 6)) * 8, low, high);
        random_memory_descriptor(step, &low, &high);
        poke_descriptor(step, SCENARIO_LDT + roll(step, 8) * 8, low, high);
    }
    if (!once_in(step, 4)) {
        load(step, 0, S_LDT);
        EMIT(step, 0x0f, 0x00, 0xd0);
    }
}
