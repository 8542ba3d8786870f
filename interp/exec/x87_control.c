/*
 * x87 control instructions: control and status words, initialisation, the stack pointer, and the
 * environment and state images of FNSTENV and FNSAVE in their four formats.
 *
 * Source: SDM vol. 1, "x87 FPU Instruction and Data (Operand) Pointers" and the figures of the
 * x87 FPU state image in memory; vol. 2, the instructions.
 */
#include "interp/exec/x87.h"

#define HANDLER(name) const struct insn *exec_##name(struct cpu *cpu, const struct insn *insn)

HANDLER(FWAIT) {
    /* TS matters to FWAIT only when MP says so, and EM not at all. */
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        cpu_raise(cpu, VECTOR_NM);
    if (cpu->x87.status & X87_ES)
        x87_signal_pending(cpu);
    RESUME(cpu, insn);
}

/* Not among the control instructions that leave the pointers alone. */
HANDLER(FNOP) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record_pointers(cpu, insn);
    return x87_end(cpu, insn);
}

/* FNENI, FNDISI (8087) and FNSETPM (80287): nothing on later processors. */
HANDLER(FNOP_NO_WAIT) {
    x87_start_no_wait(cpu);
    RESUME(cpu, insn);
}

HANDLER(FNCLEX) {
    if (x87_start_no_wait(cpu)) {
        const unsigned cleared = FLOAT_ALL_FLAGS | X87_SF;
        x87_set_words(cpu, cpu->x87.control, (uint16_t)(x87_status_word(cpu) & ~cleared));
    }
    RESUME(cpu, insn);
}

HANDLER(FNINIT) {
    if (x87_start_no_wait(cpu))
        x87_init(cpu);
    RESUME(cpu, insn);
}

static const struct insn *rotate_stack(struct cpu *cpu, const struct insn *insn, unsigned by) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    cpu->x87.top = (cpu->x87.top + by) & 7;
    return x87_end(cpu, insn);
}

HANDLER(FDECSTP) {
    return rotate_stack(cpu, insn, 7);
}

HANDLER(FINCSTP) {
    return rotate_stack(cpu, insn, 1);
}

static const struct insn *free_register(struct cpu *cpu, const struct insn *insn, bool pops) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    x87_record(cpu, insn);
    x87_set_empty(cpu, insn->rm);
    if (pops)
        x87_pop(cpu);
    return x87_end(cpu, insn);
}

HANDLER(FFREE) {
    return free_register(cpu, insn, false);
}

HANDLER(FFREEP) {
    return free_register(cpu, insn, true);
}

HANDLER(FLDCW) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    uint16_t control = cpu_load16(cpu, insn->seg, insn_ea(cpu, insn));
    x87_set_words(cpu, control, x87_status_word(cpu));
    return x87_end(cpu, insn);
}

HANDLER(FNSTCW) {
    if (x87_start_no_wait(cpu))
        cpu_store16(cpu, insn->seg, insn_ea(cpu, insn), cpu->x87.control);
    RESUME(cpu, insn);
}

HANDLER(FNSTSW_M16) {
    if (x87_start_no_wait(cpu))
        cpu_store16(cpu, insn->seg, insn_ea(cpu, insn), x87_status_word(cpu));
    RESUME(cpu, insn);
}

HANDLER(FNSTSW_AX) {
    if (x87_start_no_wait(cpu))
        cpu_set_reg16(cpu, GPR_EAX, x87_status_word(cpu));
    RESUME(cpu, insn);
}

#define ENVIRONMENT_WORDS 7
#define REGISTERS_BYTES   80

/* The environment as seven words, as they lie in memory in the format that is in force. */
struct environment {
    uint32_t word[ENVIRONMENT_WORDS];
    unsigned word_bytes; /* 2 or 4 */
};

static unsigned environment_word_bytes(const struct insn *insn) {
    return insn->flags & INSN_OPSIZE_32 ? 4 : 2;
}

static struct environment save_environment(const struct cpu *cpu, const struct insn *insn) {
    const struct x87_state *x = &cpu->x87;
    struct environment e = {.word_bytes = environment_word_bytes(insn)};
    /* The unused halves of 32-bit words read as ones. */
    uint32_t unused = UINT32_C(0xffff0000);
    e.word[0] = x->control | unused;
    e.word[1] = x87_status_word(cpu) | unused;
    e.word[2] = x87_tag_word(cpu) | unused;
    uint32_t code = (uint32_t)x->code_offset, data = (uint32_t)x->data_offset;
    if (cpu->is_protected) {
        e.word[3] = code;
        e.word[4] = x->code_selector | (uint32_t)x->opcode << 16;
        e.word[5] = data;
        e.word[6] = x->data_selector | unused;
        return e;
    }
    /* Real and virtual-8086 mode: linear addresses, their upper bits in the second word. */
    code += (uint32_t)x->code_selector << 4;
    data += (uint32_t)x->data_selector << 4;
    if (e.word_bytes == 4) {
        e.word[3] = (code & 0xffff) | unused;
        e.word[4] = (code >> 16) << 12 | x->opcode;
        e.word[5] = (data & 0xffff) | unused;
        e.word[6] = (data >> 16) << 12;
    } else {
        e.word[3] = code;
        e.word[4] = (code >> 16 & 15) << 12 | x->opcode;
        e.word[5] = data;
        e.word[6] = (data >> 16 & 15) << 12;
    }
    return e;
}

static void load_environment(struct cpu *cpu, const struct environment *e) {
    struct x87_state *x = &cpu->x87;
    const uint32_t *word = e->word;
    x87_set_words(cpu, (uint16_t)word[0], (uint16_t)word[1]);
    x87_set_tag_word(cpu, (uint16_t)word[2]);
    if (cpu->is_protected) {
        x->code_offset = word[3];
        x->code_selector = (uint16_t)word[4];
        /* The 16-bit protected-mode format has no opcode. */
        x->opcode = e->word_bytes == 4 ? word[4] >> 16 & 0x7ff : 0;
        x->data_offset = word[5];
        x->data_selector = (uint16_t)word[6];
        return;
    }
    uint32_t high_mask = e->word_bytes == 4 ? 0xffff : 15;
    x->code_offset = (word[3] & 0xffff) | (word[4] >> 12 & high_mask) << 16;
    x->opcode = word[4] & 0x7ff;
    x->data_offset = (word[5] & 0xffff) | (word[6] >> 12 & high_mask) << 16;
    x->code_selector = x->data_selector = 0;
}

/* Offset of byte `at` of an image that starts at the memory operand; 16-bit addresses wrap. */
static uint32_t image_offset(const struct cpu *cpu, const struct insn *insn, unsigned at) {
    return (insn_ea(cpu, insn) + at) & insn->ea_mask;
}

/* Let an image of `size` bytes fault before anything of it is written. */
static void probe_image(struct cpu *cpu, const struct insn *insn, unsigned size) {
    uint32_t last = image_offset(cpu, insn, size - 1);
    unsigned word = environment_word_bytes(insn);
    cpu_probe_write(cpu, cpu_linear_write(cpu, insn->seg, insn_ea(cpu, insn), word), word);
    cpu_probe_write(cpu, cpu_linear_write(cpu, insn->seg, last, 1), 1);
}

/* Registers of an image need only the alignment of its words for #AC, so they go in parts of 16
   bits (SDM vol. 3A, "Alignment Requirements by Data Type"). */
static void store_register(struct cpu *cpu, const struct insn *insn, unsigned at,
                           struct float80 value) {
    for (unsigned i = 0; i < 4; i++)
        cpu_store16(cpu, insn->seg, image_offset(cpu, insn, at + 2 * i),
                    (uint16_t)(value.significand >> 16 * i));
    cpu_store16(cpu, insn->seg, image_offset(cpu, insn, at + 8), value.sign_exponent);
}

static struct float80 load_register(struct cpu *cpu, const struct insn *insn, unsigned at) {
    struct float80 value = {0};
    for (unsigned i = 0; i < 4; i++)
        value.significand |=
            (uint64_t)cpu_load16(cpu, insn->seg, image_offset(cpu, insn, at + 2 * i)) << 16 * i;
    value.sign_exponent = cpu_load16(cpu, insn->seg, image_offset(cpu, insn, at + 8));
    return value;
}

static void store_environment(struct cpu *cpu, const struct insn *insn) {
    struct environment e = save_environment(cpu, insn);
    for (unsigned i = 0; i < ENVIRONMENT_WORDS; i++) {
        uint32_t offset = image_offset(cpu, insn, i * e.word_bytes);
        if (e.word_bytes == 4)
            cpu_store32(cpu, insn->seg, offset, e.word[i]);
        else
            cpu_store16(cpu, insn->seg, offset, (uint16_t)e.word[i]);
    }
}

static struct environment fetch_environment(struct cpu *cpu, const struct insn *insn) {
    struct environment e = {.word_bytes = environment_word_bytes(insn)};
    for (unsigned i = 0; i < ENVIRONMENT_WORDS; i++) {
        uint32_t offset = image_offset(cpu, insn, i * e.word_bytes);
        e.word[i] = e.word_bytes == 4 ? cpu_load32(cpu, insn->seg, offset)
                                      : cpu_load16(cpu, insn->seg, offset);
    }
    return e;
}

HANDLER(FNSTENV) {
    if (x87_start_no_wait(cpu)) {
        probe_image(cpu, insn, ENVIRONMENT_WORDS * environment_word_bytes(insn));
        store_environment(cpu, insn);
        x87_set_words(cpu, cpu->x87.control | FLOAT_ALL_FLAGS, x87_status_word(cpu));
    }
    RESUME(cpu, insn);
}

HANDLER(FLDENV) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct environment e = fetch_environment(cpu, insn);
    load_environment(cpu, &e);
    return x87_end(cpu, insn);
}

HANDLER(FNSAVE) {
    if (x87_start_no_wait(cpu)) {
        unsigned start = ENVIRONMENT_WORDS * environment_word_bytes(insn);
        probe_image(cpu, insn, start + REGISTERS_BYTES);
        store_environment(cpu, insn);
        for (unsigned i = 0; i < 8; i++)
            store_register(cpu, insn, start + 10 * i, x87_get(cpu, i));
        x87_init(cpu);
    }
    RESUME(cpu, insn);
}

HANDLER(FRSTOR) {
    if (!x87_start(cpu))
        RESUME(cpu, insn);
    struct environment e = fetch_environment(cpu, insn);
    unsigned start = ENVIRONMENT_WORDS * e.word_bytes;
    struct float80 registers[8];
    for (unsigned i = 0; i < 8; i++)
        registers[i] = load_register(cpu, insn, start + 10 * i);
    load_environment(cpu, &e);
    for (unsigned i = 0; i < 8; i++)
        cpu->x87.st[x87_physical(cpu, i)] = registers[i];
    return x87_end(cpu, insn);
}
