/*
 * x87 handlers on any host: faults before the instruction, deferred exceptions, pointers, the
 * state images in all formats, FXSAVE and what MMX shares. What instructions compute is compared
 * with hardware in test_x87_host_x86_64.c.
 */
#include "tests/unit/exec/x87_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static struct x87_fixture *f;

static void setup(void) {
    f = x87_fixture_create();
}

static void teardown(void) {
    x87_fixture_destroy(f);
}

TestSuite(x87, .init = setup, .fini = teardown);

static int run(exec_fn *handler, uint8_t first, uint8_t modrm) {
    struct insn insn = x87_fixture_insn(first, modrm, 0);
    return x87_fixture_run(f, handler, &insn);
}

static int run_16(exec_fn *handler, uint8_t first, uint8_t modrm) {
    struct insn insn = x87_fixture_insn(first, modrm, 0);
    insn.flags &= (uint8_t)~INSN_OPSIZE_32;
    return x87_fixture_run(f, handler, &insn);
}

/* 1 / 0 with ZE unmasked leaves an exception pending. */
static void make_pending(void) {
    x87_set_words(&f->cpu, 0x037b, 0);
    run(exec_FLDZ, 0xd9, 0xee);
    run(exec_FLD1, 0xd9, 0xe8);
    cr_assert_eq(run(exec_FDIV_ST, 0xd8, 0xf1), -1);
}

#define EXPECT_HEX(actual, expected)                                                               \
    cr_expect_eq((uint64_t)(actual), (uint64_t)(expected),                                         \
                 #actual ": expected %" PRIx64 ", got %" PRIx64, (uint64_t)(expected),             \
                 (uint64_t)(actual))

Test(x87, task_switched_flag_raises_nm_even_for_non_waiting_instructions) {
    f->cpu.cr0 |= CR0_TS;
    EXPECT_HEX(run(exec_FNINIT, 0xdb, 0xe3), VECTOR_NM);
    EXPECT_HEX(run(exec_FLD1, 0xd9, 0xe8), VECTOR_NM);
}

Test(x87, fwait_raises_nm_only_with_mp_and_ts) {
    f->cpu.cr0 |= CR0_TS;
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), -1);
    f->cpu.cr0 |= CR0_MP;
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), VECTOR_NM);
    f->cpu.cr0 = CR0_EM;
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), -1);
}

Test(x87, without_an_fpu_escapes_do_nothing) {
    f->cpu.features &= ~FEATURE_BIT(FPU);
    f->cpu.gpr[GPR_EAX] = 0x5a5a;
    EXPECT_HEX(run(exec_FNSTSW_AX, 0xdf, 0xe0), -1);
    EXPECT_HEX(f->cpu.gpr[GPR_EAX], 0x5a5a);
    f->cpu.cr0 |= CR0_EM;
    EXPECT_HEX(run(exec_FNSTSW_AX, 0xdf, 0xe0), VECTOR_NM);
}

Test(x87, unmasked_exception_waits_for_the_next_waiting_instruction) {
    make_pending();
    EXPECT_HEX(x87_status_word(&f->cpu) & (X87_ES | X87_B | 0x3f), X87_ES | X87_B | FLOAT_ZE);
    EXPECT_HEX(run(exec_FNSTCW, 0xd9, 0x38), -1);
    EXPECT_HEX(run(exec_FNSTSW_AX, 0xdf, 0xe0), -1);
    EXPECT_HEX(run(exec_FLD1, 0xd9, 0xe8), VECTOR_MF);
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), VECTOR_MF);
    EXPECT_HEX(run(exec_FNCLEX, 0xdb, 0xe2), -1);
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), -1);
}

Test(x87, pending_exception_keeps_the_destination) {
    make_pending();
    EXPECT_HEX(x87_get(&f->cpu, 0).significand, F80_INTEGER_BIT);
    EXPECT_HEX(x87_get(&f->cpu, 0).sign_exponent, 0x3fff);
}

Test(x87, ferr_is_asserted_at_once_when_ne_is_clear) {
    f->cpu.cr0 &= ~CR0_NE;
    make_pending();
    cr_expect(f->ferr);
    EXPECT_HEX(f->cpu.eip, 0x1234 + 2);
    EXPECT_HEX(run(exec_FLD1, 0xd9, 0xe8), -1);
    EXPECT_HEX(run(exec_FNCLEX, 0xdb, 0xe2), -1);
    cr_expect_not(f->ferr);
    EXPECT_HEX(f->ferr_changes, 2);
}

Test(x87, ignne_lets_instructions_pass_a_pending_error) {
    f->cpu.cr0 &= ~CR0_NE;
    make_pending();
    f->ferr = false;
    f->ignne = true;
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), -1);
    cr_expect_not(f->ferr);
}

Test(x87, unmasking_a_raised_exception_makes_it_pending) {
    run(exec_FLDZ, 0xd9, 0xee);
    run(exec_FLD1, 0xd9, 0xe8);
    run(exec_FDIV_ST, 0xd8, 0xf1);
    store_le16(f->memory, 0x0340);
    EXPECT_HEX(run(exec_FLDCW, 0xd9, 0x28), -1);
    EXPECT_HEX(run(exec_FWAIT, 0x9b, 0), VECTOR_MF);
}

Test(x87, pointers_name_the_last_instruction_and_operand) {
    f->cpu.ip_base = 0x5678;
    struct insn insn = x87_fixture_insn(0xdd, 0x00, 8);
    x87_fixture_run(f, exec_FLD_M64, &insn);
    EXPECT_HEX(f->cpu.x87.code_offset, 0x5678);
    EXPECT_HEX(f->cpu.x87.code_selector, 0x08);
    EXPECT_HEX(f->cpu.x87.opcode, 0x500);
    EXPECT_HEX(f->cpu.x87.data_offset, X87_FIXTURE_MEMORY + 8);
    EXPECT_HEX(f->cpu.x87.data_selector, 0x10);
    f->cpu.ip_base = 0x6000;
    run(exec_FNSTCW, 0xd9, 0x38);
    EXPECT_HEX(f->cpu.x87.code_offset, 0x5678);
}

Test(x87, faulting_store_leaves_flags_and_stack_alone) {
    run(exec_FLDPI, 0xd9, 0xeb);
    struct insn insn = x87_fixture_insn(0xd9, 0x18, 2 * GUEST_PAGE_SIZE);
    uint16_t status = x87_status_word(&f->cpu);
    EXPECT_HEX(x87_fixture_run(f, exec_FSTP_M32, &insn), VECTOR_PF);
    EXPECT_HEX(x87_status_word(&f->cpu), status);
    cr_expect_not(x87_is_empty(&f->cpu, 0));
}

static void give_pointers(void) {
    f->cpu.x87.code_selector = 0x1234;
    f->cpu.x87.code_offset = 0x00056789;
    f->cpu.x87.opcode = 0x7a5;
    f->cpu.x87.data_selector = 0x2345;
    f->cpu.x87.data_offset = 0x0006789a;
}

Test(x87, environment_in_32_bit_protected_format) {
    static const uint32_t expected[7] = {0xffff037f, 0xffff0000, 0xffffffff, 0x00056789,
                                         0x07a51234, 0x0006789a, 0xffff2345};
    give_pointers();
    run(exec_FNSTENV, 0xd9, 0x30);
    for (unsigned i = 0; i < 7; i++)
        EXPECT_HEX(load_le32(f->memory + 4 * i), expected[i]);
}

Test(x87, environment_in_16_bit_protected_format) {
    static const uint16_t expected[7] = {0x037f, 0x0000, 0xffff, 0x6789, 0x1234, 0x789a, 0x2345};
    give_pointers();
    run_16(exec_FNSTENV, 0xd9, 0x30);
    for (unsigned i = 0; i < 7; i++)
        EXPECT_HEX(load_le16(f->memory + 2 * i), expected[i]);
}

Test(x87, environment_in_real_mode_holds_linear_addresses) {
    /* 12340h + 56789h = 68AC9h; 23450h + 6789Ah = 8ACEAh */
    static const uint32_t wide[7] = {0xffff037f, 0xffff0000, 0xffffffff, 0xffff8ac9,
                                     0x000067a5, 0xffffacea, 0x00008000};
    static const uint16_t narrow[7] = {0x037f, 0x0000, 0xffff, 0x8ac9, 0x67a5, 0xacea, 0x8000};
    f->cpu.is_protected = false;
    give_pointers();
    run(exec_FNSTENV, 0xd9, 0x30);
    for (unsigned i = 0; i < 7; i++)
        EXPECT_HEX(load_le32(f->memory + 4 * i), wide[i]);
    run_16(exec_FNSTENV, 0xd9, 0x30);
    for (unsigned i = 0; i < 7; i++)
        EXPECT_HEX(load_le16(f->memory + 2 * i), narrow[i]);
}

Test(x87, storing_the_environment_masks_all_exceptions) {
    x87_set_words(&f->cpu, 0x0340, 0);
    run(exec_FNSTENV, 0xd9, 0x30);
    EXPECT_HEX(load_le16(f->memory), 0x0340);
    EXPECT_HEX(f->cpu.x87.control, 0x037f);
}

static void save_and_restore(int (*with_size)(exec_fn *, uint8_t, uint8_t), bool is_protected) {
    f->cpu.is_protected = is_protected;
    run(exec_FLDPI, 0xd9, 0xeb);
    run(exec_FLDZ, 0xd9, 0xee);
    run(exec_FLDL2E, 0xd9, 0xea);
    struct x87_state before = f->cpu.x87;
    uint16_t tags = x87_tag_word(&f->cpu);
    EXPECT_HEX(with_size(exec_FNSAVE, 0xdd, 0x30), -1);
    EXPECT_HEX(x87_tag_word(&f->cpu), X87_TAGS_EMPTY);
    EXPECT_HEX(f->cpu.x87.top, 0);
    EXPECT_HEX(with_size(exec_FRSTOR, 0xdd, 0x20), -1);
    EXPECT_HEX(x87_tag_word(&f->cpu), tags);
    EXPECT_HEX(f->cpu.x87.top, before.top);
    for (unsigned i = 0; i < 8; i++)
        EXPECT_HEX(f->cpu.x87.st[i].significand, before.st[i].significand);
}

Test(x87, save_and_restore_in_all_formats) {
    save_and_restore(run, true);
    x87_init(&f->cpu);
    save_and_restore(run_16, true);
    x87_init(&f->cpu);
    save_and_restore(run, false);
    x87_init(&f->cpu);
    save_and_restore(run_16, false);
}

Test(x87, restored_environment_recomputes_the_error_summary) {
    store_le32(f->memory, 0x0340);
    store_le32(f->memory + 4, FLOAT_IE);
    store_le32(f->memory + 8, 0xffff);
    EXPECT_HEX(run(exec_FLDENV, 0xd9, 0x20), -1);
    EXPECT_HEX(x87_status_word(&f->cpu), X87_B | X87_ES | FLOAT_IE);
}

Test(x87, fxsave_stores_abridged_tags_and_stack_order) {
    run(exec_FLD1, 0xd9, 0xe8);
    run(exec_FLDPI, 0xd9, 0xeb);
    f->cpu.xmm[7].u64[1] = UINT64_C(0x1122334455667788);
    EXPECT_HEX(run(exec_FXSAVE, 0xae, 0x00), -1);
    EXPECT_HEX(load_le16(f->memory), 0x037f);
    EXPECT_HEX(load_le16(f->memory + 2), 0x3000);
    EXPECT_HEX(load_le16(f->memory + 4), 0x00c0);
    EXPECT_HEX(load_le32(f->memory + 24), 0x1f80);
    EXPECT_HEX(load_le32(f->memory + 28), 0xffff);
    EXPECT_HEX(load_le64(f->memory + 32), 0xc90fdaa22168c235);
    EXPECT_HEX(load_le64(f->memory + 48), F80_INTEGER_BIT);
    EXPECT_HEX(load_le64(f->memory + 160 + 7 * 16 + 8), 0x1122334455667788);
}

Test(x87, fxrstor_is_the_inverse_of_fxsave) {
    run(exec_FLDPI, 0xd9, 0xeb);
    f->cpu.xmm[0].u64[0] = 42;
    run(exec_FXSAVE, 0xae, 0x00);
    struct x87_state before = f->cpu.x87;
    x87_init(&f->cpu);
    f->cpu.xmm[0].u64[0] = 0;
    f->cpu.mxcsr = 0;
    EXPECT_HEX(run(exec_FXRSTOR, 0xae, 0x08), -1);
    EXPECT_HEX(f->cpu.x87.top, before.top);
    EXPECT_HEX(f->cpu.x87.is_valid, before.is_valid);
    EXPECT_HEX(x87_get(&f->cpu, 0).significand, 0xc90fdaa22168c235);
    EXPECT_HEX(f->cpu.xmm[0].u64[0], 42);
    EXPECT_HEX(f->cpu.mxcsr, 0x1f80);
}

Test(x87, fxsave_without_osfxsr_leaves_the_sse_part_alone) {
    f->cpu.cr4 = 0;
    memset(f->memory, 0xee, 512);
    EXPECT_HEX(run(exec_FXSAVE, 0xae, 0x00), -1);
    EXPECT_HEX(load_le32(f->memory + 24), 0xeeeeeeee);
    EXPECT_HEX(load_le32(f->memory + 160), 0xeeeeeeee);
}

Test(x87, misaligned_fxsave_is_gp) {
    struct insn insn = x87_fixture_insn(0xae, 0x00, 8);
    EXPECT_HEX(x87_fixture_run(f, exec_FXSAVE, &insn), VECTOR_GP);
    EXPECT_HEX(x87_fixture_run(f, exec_FXRSTOR, &insn), VECTOR_GP);
}

Test(x87, fxrstor_refuses_reserved_mxcsr_bits_and_changes_nothing) {
    run(exec_FXSAVE, 0xae, 0x00);
    store_le32(f->memory + 24, 0x10000);
    store_le16(f->memory, 0x027f);
    EXPECT_HEX(run(exec_FXRSTOR, 0xae, 0x08), VECTOR_GP);
    EXPECT_HEX(f->cpu.x87.control, 0x037f);
}

Test(x87, mmx_makes_all_registers_valid_and_emms_empties_them) {
    run(exec_FLD1, 0xd9, 0xe8);
    x87_enter_mmx(&f->cpu);
    EXPECT_HEX(f->cpu.x87.top, 0);
    EXPECT_HEX(f->cpu.x87.is_valid, 0xff);
    x87_leave_mmx(&f->cpu);
    EXPECT_HEX(x87_tag_word(&f->cpu), X87_TAGS_EMPTY);
}

Test(x87, full_tags_tell_zero_special_and_empty_apart) {
    f->cpu.x87.st[0] = F80_ONE;
    f->cpu.x87.st[1] = F80_ZERO;
    f->cpu.x87.st[2] = F80_INDEFINITE;
    f->cpu.x87.is_valid = 0x07;
    EXPECT_HEX(x87_tag_word(&f->cpu), 0xffe4);
}
