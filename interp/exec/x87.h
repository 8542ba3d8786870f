/*
 * The x87 unit as its handlers see it: the register stack, status and tag words, exceptions, and
 * what MMX shares with it.
 *
 * cpu->x87.status holds the status word with TOP as zeros; TOP lives in cpu->x87.top. ES and B are
 * always up to date with flags and masks.
 *
 * Source: SDM vol. 1, "x87 FPU Execution Environment" and "x87 FPU Floating-Point Exception
 * Handling".
 */
#ifndef INTERP_EXEC_X87_H
#define INTERP_EXEC_X87_H

#include "interp/exec/exec.h"
#include "interp/fpu/softfloat.h"

/* Status word; the six exception flags below these are enum float_flag. */
enum x87_status_bit {
    X87_SF = 0x0040, /* stack fault */
    X87_ES = 0x0080, /* an unmasked exception is pending */
    X87_C0 = 0x0100,
    X87_C1 = 0x0200,
    X87_C2 = 0x0400,
    X87_TOP = 0x3800,
    X87_C3 = 0x4000,
    X87_B = 0x8000, /* busy: always equal to ES */
    X87_CODES = X87_C0 | X87_C1 | X87_C2 | X87_C3,
};

#define X87_CONTROL_RESET    0x037f
#define X87_CONTROL_WRITABLE 0x1f3f
#define X87_CONTROL_ALWAYS   0x0040
#define X87_TAGS_EMPTY       0xffff

/** Signal a pending unmasked exception: #MF, or FERR# when CR0.NE is clear. */
void x87_signal_pending(struct cpu *cpu);

/** Raise exceptions (enum float_flag, X87_SF): set flags, and ES if one of them is unmasked. */
void x87_raise(struct cpu *cpu, unsigned flags);

/** Raise a stack fault; C1 tells overflow from underflow. Returns true when it is masked. */
bool x87_stack_fault(struct cpu *cpu, bool is_overflow);

/** Stack underflow of an operation with a register result: the indefinite there when masked. */
bool x87_stack_underflow(struct cpu *cpu, unsigned destination);

/** The status word as FNSTSW stores it. */
uint16_t x87_status_word(const struct cpu *cpu);

/**
 * Load control and status word, TOP included. ES and B follow flags and masks, so this may make an
 * exception pending, or take a pending one back.
 */
void x87_set_words(struct cpu *cpu, uint16_t control, uint16_t status);

/** The full tag word, two bits for each physical register, computed from their contents. */
uint16_t x87_tag_word(const struct cpu *cpu);

/** Take over empty and not empty from a full tag word; other distinctions are recomputed. */
void x87_set_tag_word(struct cpu *cpu, uint16_t tags);

/** FNINIT: control 037Fh, no exceptions, all registers empty; register contents stay. */
void x87_init(struct cpu *cpu);

/** #UD and #NM and a pending #MF, as every MMX instruction checks them first. */
void x87_check_mmx(struct cpu *cpu);

/** What every MMX instruction but EMMS does to the x87 state: TOP = 0, all registers valid. */
void x87_enter_mmx(struct cpu *cpu);

/** EMMS: all registers empty. Call x87_check_mmx() first. */
void x87_leave_mmx(struct cpu *cpu);

/** Store and load 80 bits in guest memory. After a fault the store can be repeated. */
void x87_store_f80(struct cpu *cpu, unsigned seg, uint32_t offset, struct float80 value);
struct float80 x87_load_f80(struct cpu *cpu, unsigned seg, uint32_t offset);

/**
 * The checks before an instruction that does not wait (FNINIT, FNSTSW, ...): #NM.
 * Returns false on a CPU without x87, where an instruction without #NM does nothing.
 */
static inline bool x87_start_no_wait(struct cpu *cpu) {
    if (UNLIKELY(cpu->cr0 & (CR0_EM | CR0_TS)))
        cpu_raise(cpu, VECTOR_NM);
    return cpu_has(cpu, FEATURE_FPU);
}

/** The same for all other instructions, which also signal a pending exception first. */
static inline bool x87_start(struct cpu *cpu) {
    if (!x87_start_no_wait(cpu))
        return false;
    if (UNLIKELY(cpu->x87.status & X87_ES))
        x87_signal_pending(cpu);
    return true;
}

/**
 * End of a handler. An unmasked exception with CR0.NE clear leaves the block, so that IRQ 13 can
 * arrive before the next instruction.
 */
static inline const struct insn *x87_end(struct cpu *cpu, const struct insn *insn) {
    if (UNLIKELY((cpu->x87.status & X87_ES) && !(cpu->cr0 & CR0_NE))) {
        cpu->eip = insn_next_ip(cpu, insn) & (cpu->code_is_32 ? UINT32_MAX : UINT16_MAX);
        LEAVE(cpu, insn);
    }
    RESUME(cpu, insn);
}

/**
 * Note where this instruction and its memory operand are (FIP, FCS, FOP, FDP, FDS). Everything
 * that may fault must be over. Control instructions do not call this.
 */
static inline void x87_record_pointers(struct cpu *cpu, const struct insn *insn) {
    struct x87_state *x = &cpu->x87;
    x->code_offset = insn_ip(cpu, insn);
    x->code_selector = cpu->seg[SEG_CS].selector;
    x->opcode = insn->imm & 0x7ff;
    if (insn->flags & INSN_MEM) {
        x->data_offset = insn_ea(cpu, insn);
        x->data_selector = cpu->seg[insn->seg].selector;
    }
}

/** The same, and clear C1, as nearly all instructions do. */
static inline void x87_record(struct cpu *cpu, const struct insn *insn) {
    x87_record_pointers(cpu, insn);
    cpu->x87.status &= (uint16_t)~X87_C1;
}

/** The floating-point environment that the control word asks for. */
static inline struct float_env x87_env(const struct cpu *cpu) {
    static const uint8_t precisions[] = {24, 64, 53, 64};
    return (struct float_env){.rounding = cpu->x87.control >> 10 & 3,
                              .precision = precisions[cpu->x87.control >> 8 & 3],
                              .masked = cpu->x87.control & FLOAT_ALL_FLAGS};
}

static inline bool x87_is_masked(const struct cpu *cpu, unsigned flags) {
    return !(flags & ~cpu->x87.control & FLOAT_ALL_FLAGS);
}

/**
 * Raise what an operation left in its environment, and set C1 if it rounded up.
 * Returns true when the result is to be stored.
 */
static inline bool x87_settle(struct cpu *cpu, const struct float_env *env) {
    if (env->flags)
        x87_raise(cpu, env->flags);
    if (float_env_aborted(env))
        return false;
    if (env->rounded_up)
        cpu->x87.status |= X87_C1;
    return true;
}

static inline unsigned x87_physical(const struct cpu *cpu, unsigned i) {
    return (cpu->x87.top + i) & 7;
}

static inline bool x87_is_empty(const struct cpu *cpu, unsigned i) {
    return !(cpu->x87.is_valid >> x87_physical(cpu, i) & 1);
}

/** ST(i), whether it is empty or not. */
static inline struct float80 x87_get(const struct cpu *cpu, unsigned i) {
    return cpu->x87.st[x87_physical(cpu, i)];
}

/** Write ST(i), which is then not empty. */
static inline void x87_set(struct cpu *cpu, unsigned i, struct float80 value) {
    unsigned physical = x87_physical(cpu, i);
    cpu->x87.st[physical] = value;
    cpu->x87.is_valid |= (uint8_t)(1u << physical);
}

static inline void x87_set_empty(struct cpu *cpu, unsigned i) {
    cpu->x87.is_valid &= (uint8_t) ~(1u << x87_physical(cpu, i));
}

static inline void x87_pop(struct cpu *cpu) {
    x87_set_empty(cpu, 0);
    cpu->x87.top = (cpu->x87.top + 1) & 7;
}

static inline void x87_push(struct cpu *cpu, struct float80 value) {
    cpu->x87.top = (cpu->x87.top - 1) & 7;
    x87_set(cpu, 0, value);
}

/** Push unless ST(7) is taken: then a stack fault, and the indefinite when that is masked. */
static inline void x87_push_checked(struct cpu *cpu, struct float80 value) {
    if (LIKELY(x87_is_empty(cpu, 7)))
        x87_push(cpu, value);
    else if (x87_stack_fault(cpu, true))
        x87_push(cpu, F80_INDEFINITE);
}

#endif
