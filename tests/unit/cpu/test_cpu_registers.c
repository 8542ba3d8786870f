/* Reset, control registers, MSRs, CPUID, models, and the instructions that ask about selectors. */
#include "interp/cpu/cpu_compare.h"
#include "interp/cpu/cpu_copy.h"
#include "interp/cpu/cpuid.h"
#include "interp/cpu/msr.h"
#include "interp/decode/op.h"
#include "tests/unit/cpu/cpu_fixture.h"

#include <string.h>

CPU_TEST(cpu_registers, reset_state_is_the_manuals, (void)0) {
    EQ(t->cpu.seg[SEG_CS].selector, 0xf000);
    EQ(t->cpu.seg[SEG_CS].base, 0xffff0000);
    EQ(t->cpu.eip, 0xfff0);
    EQ(t->cpu.cr0, 0x60000010);
    EQ(cpu_eflags(&t->cpu), 2);
    EQ(cpu_reg32(&t->cpu, GPR_EDX), 0x000106ca);
    EQ(t->cpu.dr[6], 0xffff0ff0);
    EQ(t->cpu.dr[7], 0x400);
    EQ(t->cpu.idtr.limit, 0xffff);
    EQ(t->cpu.x87.control, 0x40);
    EQ(t->cpu.mxcsr, 0x1f80);
}

CPU_TEST(cpu_registers, init_keeps_fpu_and_cache_bits, RING0) {
    t->cpu.x87.control = 0x37f;
    cpu_set_event(&t->cpu, CPU_EVENT_INIT);
    t->cpu.cr0 |= CR0_CD | CR0_NW;
    cpu_reset(&t->cpu, CPU_RESET_INIT);
    EQ(t->cpu.cr0, 0x60000010);
    EQ(t->cpu.x87.control, 0x37f);
    EQ(t->cpu.is_protected, false);
    EQ(t->cpu.eip, 0xfff0);
}

CPU_TEST(cpu_registers, paging_without_protection_is_gp, REAL) {
    PLACE(t, TEST_CODE, 0x66, 0xb8, 0, 0, 0, 0x80, 0x0f, 0x22, 0xc0);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_GP);
}

CPU_TEST(cpu_registers, reserved_cr4_bit_is_gp, RING0) {
    PLACE(t, TEST_CODE, 0xb8, 0, 0x20, 0, 0, 0x0f, 0x22, 0xe0);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(cpu_registers, reserved_pdpte_bits_are_gp, RING0) {
    t->cpu.cr4 = CR4_PAE;
    t->cpu.cr3 = 0x60000;
    test_cpu_write32(t, 0x60000, 0x61000 | 7); /* R/W and U/S are reserved in a PDPTE */
    PLACE(t, TEST_CODE, 0xb8, 0x11, 0, 0, 0x80, 0x0f, 0x22, 0xc0);
    CAUGHT(t, VECTOR_GP, 0);
    EQ(t->cpu.cr0 & CR0_PG, 0);
}

CPU_TEST(cpu_registers, lmsw_sets_pe_but_does_not_clear_it, RING0) {
    PLACE(t, TEST_CODE, 0x31, 0xc0, 0x0f, 0x01, 0xf0, 0xf4);
    test_cpu_run(t);
    EQ(t->cpu.cr0 & CR0_PE, CR0_PE);
}

CPU_TEST(cpu_registers, real_mode_enters_protected_mode_and_comes_back, REAL) {
    test_cpu_enter_protected(t, 0); /* leaves the GDT in memory */
    cpu_reset(&t->cpu, CPU_RESET_POWER_ON);
    test_cpu_enter_real(t);
    t->cpu.gdtr = (struct descriptor_table){TEST_GDT, 0xfff};
    /* MOV EAX,CR0; INC AX; MOV CR0,EAX; MOV BX,10h; MOV DS,BX; DEC AX; MOV CR0,EAX;
       XOR BX,BX; MOV DS,BX; MOV EAX,[EDI]; HLT */
    PLACE(t, TEST_CODE, 0x0f, 0x20, 0xc0, 0x40, 0x0f, 0x22, 0xc0, 0xbb, SEL_DATA0, 0, 0x8e, 0xdb,
          0x48, 0x0f, 0x22, 0xc0, 0x31, 0xdb, 0x8e, 0xdb, 0x67, 0x66, 0x8b, 0x07, 0xf4);
    t->cpu.gpr[GPR_EDI] = 0x300000;
    test_cpu_write32(t, 0x300000, 0x600df00d);
    test_cpu_run(t);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0x600df00d);
    EQ(t->cpu.seg[SEG_DS].limit, UINT32_MAX);
}

CPU_TEST(cpu_registers, unknown_msr_is_gp, RING0) {
    PLACE(t, TEST_CODE, 0xb9, 0x78, 0x56, 0x34, 0x12, 0x0f, 0x32);
    CAUGHT(t, VECTOR_GP, 0);
}

CPU_TEST(cpu_registers, msrs_check_reserved_bits, (void)0) {
    uint64_t value;
    EQ(msr_write(&t->cpu, 0x277, 0x0007040600070402), false);
    EQ(msr_write(&t->cpu, 0x277, 0x0606060606060606), true);
    EQ(msr_read(&t->cpu, 0x277, &value), true);
    EQ(value, 0x0606060606060606);
    EQ(msr_write(&t->cpu, 0xc0000080, 1), false);
    EQ(msr_write(&t->cpu, 0xc0000080, EFER_NXE), true);
    EQ(msr_write(&t->cpu, 0xfe, 0), false);
    EQ(msr_write(&t->cpu, 0x2ff, 0xc06), true);
}

CPU_TEST(cpu_registers, tsc_follows_what_was_written, (void)0) {
    uint64_t value;
    t->tsc = 1000;
    EQ(msr_write(&t->cpu, 0x10, 50), true);
    t->tsc = 1010;
    EQ(msr_read(&t->cpu, 0x10, &value), true);
    EQ(value, 60);
}

CPU_TEST(cpu_registers, cpuid_names_vendor_signature_features_and_brand, (void)0) {
    struct cpuid_result r = cpuid_read(&t->cpu, 0);
    EQ(r.eax, 2);
    EQ(r.ebx, 0x756e6547);
    r = cpuid_read(&t->cpu, 1);
    EQ(r.eax >> 4 & 0xf, 0xc); /* model 1Ch: Linux lists it as not speculating */
    EQ(r.eax >> 16 & 0xf, 1);
    EQ(r.eax >> 8 & 0xf, 6);
    EQ(r.edx >> 26 & 1, 1);
    r = cpuid_read(&t->cpu, 0x80000002);
    EQ(memcmp(&r.eax, "Pent", 4), 0);
    EQ(cpuid_read(&t->cpu, 0x40000000).eax, cpuid_read(&t->cpu, 2).eax);
}

Test(cpu_model, features_are_added_and_removed_with_what_they_need) {
    const struct cpu_model *model;
    uint64_t features;
    struct error error;
    EQ(cpu_model_parse("pentium,+sse2", &model, &features, &error), true);
    uint64_t wanted = FEATURE_BIT(SSE) | FEATURE_BIT(FXSR) | FEATURE_BIT(SSE2);
    EQ(features & wanted, wanted);
    EQ(cpu_model_parse("pentium4,-sse", &model, &features, &error), true);
    EQ(features & (FEATURE_BIT(SSE) | FEATURE_BIT(SSE2)), 0);
}

Test(cpu_model, unknown_words_suggest_the_nearest) {
    const struct cpu_model *model;
    uint64_t features;
    struct error error;
    EQ(cpu_model_parse("pentum3", &model, &features, &error), false);
    cr_assert(strstr(error.message, "'pentium3'") != NULL, "%s", error.message);
    EQ(cpu_model_parse("486,+see2", &model, &features, &error), false);
    cr_assert(strstr(error.message, "'sse2'") != NULL, "%s", error.message);
    EQ(cpu_model_parse("486,sse", &model, &features, &error), false);
}

CPU_TEST(cpu_registers, lar_and_lsl_report_rights_and_limit, RING3) {
    /* MOV BX,18h; LAR EAX,BX; LSL ECX,BX; MOV BX,08h; LAR EDX,BX */
    PLACE(t, TEST_CODE, 0x66, 0xbb, 0x1b, 0, 0x0f, 2, 0xc3, 0x0f, 3, 0xcb, 0x66, 0xbb, 8, 0, 0x0f,
          2, 0xd3);
    t->cpu.gpr[GPR_EDX] = 0x77;
    test_cpu_steps(t, 5);
    EQ(cpu_reg32(&t->cpu, GPR_EAX), 0x00cffb00); /* with the limit's upper bits */
    EQ(cpu_reg32(&t->cpu, GPR_ECX), UINT32_MAX);
    EQ(cpu_reg32(&t->cpu, GPR_EDX), 0x77);
    EQ(cpu_eflags(&t->cpu) & FLAG_ZF, 0);
}

CPU_TEST(cpu_registers, verw_refuses_code_and_arpl_raises_rpl, RING0) {
    /* MOV BX,08h; VERR BX; SETZ AL; VERW BX; SETZ AH; MOV CX,3; ARPL BX,CX; HLT */
    PLACE(t, TEST_CODE, 0x66, 0xbb, 8, 0, 0x0f, 0, 0xe3, 0x0f, 0x94, 0xc0, 0x0f, 0, 0xeb, 0x0f,
          0x94, 0xc4, 0x66, 0xb9, 3, 0, 0x63, 0xcb, 0xf4);
    test_cpu_run(t);
    EQ(cpu_reg16(&t->cpu, GPR_EAX), 1);
    EQ(cpu_reg16(&t->cpu, GPR_EBX), 0x0b);
    EQ(cpu_eflags(&t->cpu) & FLAG_ZF, FLAG_ZF);
}

CPU_TEST(cpu_registers, sldt_is_ud_in_real_mode, REAL) {
    PLACE(t, TEST_CODE, 0x0f, 0, 0xc0);
    test_cpu_run(t);
    EQ(test_cpu_caught(t), VECTOR_UD);
}

CPU_TEST(cpu_registers, sensitive_instructions_are_counted, RING0) {
    static uint64_t counts[OP_COUNT];
    t->cpu.sensitive_counts = counts;
    PLACE(t, TEST_CODE, 0x9c, 0x9d, 0xfa, 0xfa, 0x40, 0xf4);
    test_cpu_run(t);
    EQ(counts[OP_PUSHF], 1);
    EQ(counts[OP_CLI], 2);
    EQ(counts[OP_INC], 0);
}

Test(cpu_registers, equal_histories_have_equal_hashes) {
    struct test_cpu *a = test_cpu_create("pentium3"), *b = test_cpu_create("pentium3");
    struct test_cpu *both[2] = {a, b};
    memset(&b->cpu.seg[SEG_DS], 0xff, sizeof b->cpu.seg[SEG_DS]); /* padding, too */
    for (unsigned n = 0; n < 2; n++) {
        test_cpu_enter_protected(both[n], 3);
        PLACE(both[n], TEST_CODE, 0xb8, 5, 0, 0, 0, 0x83, 0xe8, 7);
        test_cpu_steps(both[n], 2);
    }
    EQ(cpu_hash(&a->cpu, 1), cpu_hash(&b->cpu, 1));
    a->cpu.gpr[GPR_EBX] ^= 1;
    cr_assert(cpu_hash(&a->cpu, 1) != cpu_hash(&b->cpu, 1));
    test_cpu_destroy(a);
    test_cpu_destroy(b);
}

Test(cpu_registers, a_cpu_that_takes_anothers_state_goes_on_as_that_one) {
    struct test_cpu *a = test_cpu_create("pentium4"), *b = test_cpu_create("pentium4");
    struct test_cpu *both[2] = {a, b};
    char text[128] = "";
    for (unsigned n = 0; n < 2; n++) {
        test_cpu_enter_v86(both[n], 3);
        test_cpu_enter_protected(both[n], 3);
        test_cpu_enable_paging(both[n]);
        PLACE(both[n], TEST_CODE, 0xb8, 5, 0, 0, 0, 0x83, 0xe8, 7, 0xd9, 0xe8, 0x0f, 0x0b);
    }
    test_cpu_steps(a, 3); /* lazy flags, a value on the x87 stack */
    cpu_set_event(&a->cpu, CPU_EVENT_NMI);
    cpu_set_event(&b->cpu, CPU_EVENT_SMI);
    cpu_take_state(&b->cpu, &a->cpu);
    cr_assert(cpu_same(&a->cpu, &b->cpu, text, sizeof text), "%s", text);
    for (unsigned n = 0; n < 2; n++) {
        cpu_clear_event(&both[n]->cpu, CPU_EVENT_NMI);
        test_cpu_run(both[n]);
        EQ(test_cpu_caught(both[n]), VECTOR_UD);
    }
    cr_assert(cpu_same(&a->cpu, &b->cpu, text, sizeof text), "%s", text);
    test_cpu_destroy(a);
    test_cpu_destroy(b);
}
