/* What of a CPU is state: every member of struct cpu has a row. */
#include "interp/cpu/cpu_state.h"
#include "interp/cpu/cpu.h"

static const struct state_field cpu_fields[] = {
    FIELD(cpu, gpr, 1),
    FIELD(cpu, eip, 1),
    NOT_SAVED(cpu, ip_base), /* saved at block boundaries only */
    NOT_SAVED(cpu, insn),
    NOT_SAVED(cpu, lazy), /* cpu_hash() and snapshots take cpu_eflags() */
    NOT_SAVED(cpu, eflags),
    NOT_SAVED(cpu, mmu), /* derived from the control registers */
    NOT_SAVED(cpu, seg), /* segment by segment, with segment_state_table */
    FIELD(cpu, cpl, 1),
    NOT_SAVED(cpu, is_protected), /* these four: cpu_update_mode() */
    NOT_SAVED(cpu, is_v86),
    NOT_SAVED(cpu, code_is_32),
    NOT_SAVED(cpu, stack_is_32),
    NOT_SAVED(cpu,
              events), /* in part: NMI, SMI, INIT and SIPI; INTR is the PIC's, KICK the host's */
    NOT_SAVED(cpu, kicked), /* the engine's */
    NOT_SAVED(cpu, kicked_opaque),
    FIELD(cpu, sipi_vector, 1),
    FIELD(cpu, icount, 1),
    NOT_SAVED(cpu, icount_limit),
    FIELD(cpu, interrupt_shadow, 1),
    FIELD(cpu, debug_shadow, 1),
    FIELD(cpu, activity, 1),
    FIELD(cpu, nmi_blocked, 1),
    FIELD(cpu, in_smm, 1),
    FIELD(cpu, smbase, 1),
    NOT_SAVED(cpu, part),
    NOT_SAVED(cpu, ldtr), /* with segment_state_table */
    NOT_SAVED(cpu, tr),
    NOT_SAVED(cpu, gdtr), /* with descriptor_table_state_table */
    NOT_SAVED(cpu, idtr),
    FIELD(cpu, cr0, 1),
    FIELD(cpu, cr2, 1),
    FIELD(cpu, cr3, 1),
    FIELD(cpu, cr4, 1),
    FIELD(cpu, dr, 1),
    FIELD(cpu, msr, 1),
    FIELD(cpu, tsc_offset, 1),
    NOT_SAVED(cpu, x87), /* with x87_state_state_table */
    FIELD(cpu, xmm, 1),
    FIELD(cpu, mxcsr, 1),
    NOT_SAVED(cpu, debug_active), /* cpu_update_mode() */
    NOT_SAVED(cpu, step_pending), /* cpu_debug_begin() */
    NOT_SAVED(cpu, resume_flag_was_set),
    NOT_SAVED(cpu, checks_every_access),
    FIELD(cpu, debug_pending, 1),
    NOT_SAVED(cpu, delivery), /* never under way between instructions */
    NOT_SAVED(cpu, fault),
    NOT_SAVED(cpu, run_env),
    NOT_SAVED(cpu, features), /* configuration and wiring from here on */
    NOT_SAVED(cpu, model),
    NOT_SAVED(cpu, bus),
    NOT_SAVED(cpu, physmem),
    NOT_SAVED(cpu, code_pages),
    NOT_SAVED(cpu, insn_cache),
    NOT_SAVED(cpu, log),
    NOT_SAVED(cpu, sensitive_counts),
};
const struct state_table cpu_state_table = STATE_TABLE(cpu, cpu_fields);

static const struct state_field segment_fields[] = {
    FIELD(segment, selector, 1),  FIELD(segment, attributes, 1), FIELD(segment, limit, 1),
    FIELD(segment, base, 1),      NOT_SAVED(segment, read_end),  NOT_SAVED(segment, write_end),
    FIELD(segment, is_usable, 1),
};
const struct state_table segment_state_table = STATE_TABLE(segment, segment_fields);

static const struct state_field descriptor_table_fields[] = {
    FIELD(descriptor_table, base, 1),
    FIELD(descriptor_table, limit, 1),
};
const struct state_table descriptor_table_state_table =
    STATE_TABLE(descriptor_table, descriptor_table_fields);

static const struct state_field x87_state_fields[] = {
    NOT_SAVED(x87_state, st), /* with float80_state_table */
    FIELD(x87_state, control, 1),       FIELD(x87_state, status, 1),
    FIELD(x87_state, top, 1),           FIELD(x87_state, is_valid, 1),
    FIELD(x87_state, opcode, 1),        FIELD(x87_state, code_selector, 1),
    FIELD(x87_state, data_selector, 1), FIELD(x87_state, code_offset, 1),
    FIELD(x87_state, data_offset, 1),
};
const struct state_table x87_state_state_table = STATE_TABLE(x87_state, x87_state_fields);

static const struct state_field float80_fields[] = {
    FIELD(float80, significand, 1),
    FIELD(float80, sign_exponent, 1),
};
const struct state_table float80_state_table = STATE_TABLE(float80, float80_fields);
