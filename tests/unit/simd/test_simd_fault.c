/*
 * What forbids MMX and SSE instructions, and what a fault must leave alone.
 */
#include "tests/unit/simd/simd_guest.h"

#include "softmmu/base/bits.h"

#include <string.h>

#define PADDB_MM    "0ffcc1"   /* paddb %mm1, %mm0 */
#define PADDB_XMM   "660ffcc1" /* paddb %xmm1, %xmm0 */
#define MOVAPS_LOAD "0f2800"   /* movaps (%eax), %xmm0 */
#define MOVAPS_SAVE "0f2900"   /* movaps %xmm0, (%eax) */
#define MOVUPS_LOAD "0f1000"   /* movups (%eax), %xmm0 */
#define MOVUPS_SAVE "0f1100"   /* movups %xmm0, (%eax) */
#define MOVQ_LOAD   "0f6f00"   /* movq (%eax), %mm0 */
#define ADDPS       "0f58c1"   /* addps %xmm1, %xmm0 */
#define DIVPS       "0f5ec1"   /* divps %xmm1, %xmm0 */
#define CVTPI2PD    "660f2ac1" /* cvtpi2pd %mm1, %xmm0 */
#define LDMXCSR     "0fae10"   /* ldmxcsr (%eax) */
#define STMXCSR     "0fae18"   /* stmxcsr (%eax) */
#define MOVNTI      "0fc308"   /* movnti %ecx, (%eax) */
#define MASKMOVDQU  "660ff7c1" /* maskmovdqu %xmm1, %xmm0 */
#define EMMS        "0f77"

static struct simd_guest guest;

static void start(void) {
    simd_guest_start(&guest);
}

static void stop(void) {
    simd_guest_stop(&guest);
}

TestSuite(simd_fault, .init = start, .fini = stop);

Test(simd_fault, emulation_makes_everything_undefined) {
    guest.cpu.cr0 |= CR0_EM | CR0_TS;
    simd_guest_expect_fault(&guest, PADDB_MM, VECTOR_UD);
    simd_guest_expect_fault(&guest, PADDB_XMM, VECTOR_UD);
    simd_guest_expect_fault(&guest, ADDPS, VECTOR_UD);
    simd_guest_expect_fault(&guest, LDMXCSR, VECTOR_UD);
    simd_guest_expect_fault(&guest, EMMS, VECTOR_UD);
}

Test(simd_fault, task_switched_makes_the_unit_unavailable) {
    guest.cpu.cr0 |= CR0_TS;
    simd_guest_expect_fault(&guest, PADDB_MM, VECTOR_NM);
    simd_guest_expect_fault(&guest, PADDB_XMM, VECTOR_NM);
    simd_guest_expect_fault(&guest, MOVAPS_LOAD, VECTOR_NM);
    simd_guest_expect_fault(&guest, STMXCSR, VECTOR_NM);
    simd_guest_expect_fault(&guest, EMMS, VECTOR_NM);
}

Test(simd_fault, sse_needs_the_operating_systems_consent_and_mmx_does_not) {
    guest.cpu.cr4 = 0;
    guest.cpu.cr0 |= CR0_TS;
    simd_guest_expect_fault(&guest, PADDB_XMM, VECTOR_UD);
    simd_guest_expect_fault(&guest, CVTPI2PD, VECTOR_UD);
    simd_guest_expect_fault(&guest, LDMXCSR, VECTOR_UD);
    guest.cpu.cr0 &= ~CR0_TS;
    simd_guest_expect_no_fault(&guest, PADDB_MM);
}

Test(simd_fault, integer_stores_and_fences_need_nothing) {
    guest.cpu.cr0 |= CR0_EM | CR0_TS;
    guest.cpu.cr4 = 0;
    simd_guest_expect_no_fault(&guest, MOVNTI);
    simd_guest_expect_no_fault(&guest, "0faee8");
    simd_guest_expect_no_fault(&guest, "0faef0");
    simd_guest_expect_no_fault(&guest, "0faef8");
    simd_guest_expect_no_fault(&guest, "0fae38");
}

Test(simd_fault, mmx_reports_a_pending_x87_exception_and_sse_does_not) {
    guest.cpu.x87.control = 0x037e;
    guest.cpu.x87.status = 0x8081;
    simd_guest_expect_fault(&guest, PADDB_MM, VECTOR_MF);
    simd_guest_expect_fault(&guest, CVTPI2PD, VECTOR_MF);
    simd_guest_expect_fault(&guest, EMMS, VECTOR_MF);
    simd_guest_expect_no_fault(&guest, PADDB_XMM);
    simd_guest_expect_no_fault(&guest, "0f2a00"); /* cvtpi2ps (%eax), %xmm0 */
}

Test(simd_fault, sixteen_byte_operands_must_be_aligned) {
    guest.cpu.gpr[GPR_EAX] = GUEST_BUFFER + 8;
    simd_guest_expect_fault(&guest, MOVAPS_LOAD, VECTOR_GP);
    EXPECT_HEX(guest.cpu.fault.has_error_code, true);
    EXPECT_HEX(guest.cpu.fault.error_code, 0);
    simd_guest_expect_fault(&guest, MOVAPS_SAVE, VECTOR_GP);
    simd_guest_expect_fault(&guest, "660ffc00", VECTOR_GP); /* paddb (%eax), %xmm0 */
    simd_guest_expect_fault(&guest, "0f5800", VECTOR_GP);   /* addps (%eax), %xmm0 */
    simd_guest_expect_fault(&guest, "660fe700", VECTOR_GP); /* movntdq %xmm0, (%eax) */
    simd_guest_expect_no_fault(&guest, MOVUPS_LOAD);
    simd_guest_expect_no_fault(&guest, MOVUPS_SAVE);
    simd_guest_expect_no_fault(&guest, "f30f6f00"); /* movdqu (%eax), %xmm0 */
    guest.cpu.gpr[GPR_EAX] = GUEST_BUFFER + 3;
    simd_guest_expect_no_fault(&guest, "f30f5800"); /* addss (%eax), %xmm0 */
    simd_guest_expect_no_fault(&guest, "f30f7e00"); /* movq (%eax), %xmm0 */
}

Test(simd_fault, segment_limit_holds_for_all_bytes) {
    struct segment *ds = &guest.cpu.seg[SEG_DS];
    ds->limit = GUEST_BUFFER + 14;
    ds->read_end = ds->write_end = ds->limit + 1;
    simd_guest_expect_fault(&guest, MOVUPS_LOAD, VECTOR_GP);
    simd_guest_expect_fault(&guest, MOVUPS_SAVE, VECTOR_GP);
    simd_guest_expect_no_fault(&guest, MOVQ_LOAD);
}

Test(simd_fault, store_into_an_absent_page_writes_nothing) {
    simd_guest_page(&guest, 0x41000);
    guest.cpu.gpr[GPR_EAX] = 0x40ff8;
    guest.cpu.xmm[0] = (union xmm){.u64 = {UINT64_MAX, UINT64_MAX}};
    simd_guest_expect_fault(&guest, MOVUPS_SAVE, VECTOR_PF);
    EXPECT_HEX(guest.cpu.fault.cr2, 0x41000);
    EXPECT_HEX(guest.cpu.fault.error_code, PF_WRITE);
    EXPECT_HEX(load_le64(guest.ram + 0x40ff8), 0);
}

Test(simd_fault, store_from_a_page_with_rights_into_one_without_writes_nothing) {
    simd_guest_page(&guest, 0x41000);
    guest.cpu.gpr[GPR_EAX] = 0x42ff8; /* read-only, then ordinary */
    guest.cpu.xmm[0] = (union xmm){.u64 = {UINT64_MAX, UINT64_MAX}};
    simd_guest_expect_fault(&guest, MOVUPS_SAVE, VECTOR_PF);
    EXPECT_HEX(guest.cpu.fault.error_code, PF_WRITE | PF_PRESENT);
    EXPECT_HEX(load_le64(guest.ram + 0x43000), 0);
}

Test(simd_fault, store_over_two_pages_writes_both) {
    simd_guest_page(&guest, 0x80000);
    guest.cpu.gpr[GPR_EAX] = 0x40ffb;
    guest.cpu.xmm[0] =
        (union xmm){.u64 = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    simd_guest_expect_no_fault(&guest, MOVUPS_SAVE);
    for (unsigned n = 0; n < 16; n++)
        EXPECT_HEX(guest.ram[0x40ffb + n], n);
    simd_guest_expect_no_fault(&guest, "0f1008"); /* movups (%eax), %xmm1 */
    EXPECT_HEX(guest.cpu.xmm[1].u64[1], UINT64_C(0x0f0e0d0c0b0a0908));
}

Test(simd_fault, load_that_faults_changes_no_register) {
    simd_guest_page(&guest, 0x41000);
    guest.cpu.gpr[GPR_EAX] = 0x40ff8;
    guest.cpu.xmm[0] = (union xmm){.u64 = {1, 2}};
    simd_guest_expect_fault(&guest, MOVUPS_LOAD, VECTOR_PF);
    EXPECT_HEX(guest.cpu.fault.cr2, 0x41000);
    EXPECT_HEX(guest.cpu.xmm[0].u64[0], 1);
    guest.cpu.gpr[GPR_EAX] = 0x40ffc;
    guest.cpu.x87.top = 5;
    simd_guest_expect_fault(&guest, MOVQ_LOAD, VECTOR_PF);
    EXPECT_HEX(guest.cpu.x87.top, 5);
    EXPECT_HEX(guest.cpu.x87.is_valid, 0);
}

Test(simd_fault, masked_store_without_mask_touches_no_page) {
    simd_guest_page(&guest, 0x41000);
    guest.cpu.gpr[GPR_EDI] = 0x41000;
    guest.cpu.xmm[1] = (union xmm){.u64 = {UINT64_C(0x7f7f7f7f7f7f7f7f), 0}};
    simd_guest_expect_no_fault(&guest, MASKMOVDQU);
    guest.cpu.xmm[1].u64[1] = UINT64_C(0x8000000000000000);
    simd_guest_expect_fault(&guest, MASKMOVDQU, VECTOR_PF);
}

Test(simd_fault, unmasked_exception_keeps_the_result_and_sets_flags) {
    guest.cpu.mxcsr = 0x1d80; /* divide by zero not masked */
    guest.cpu.xmm[0] = (union xmm){.u64 = {UINT64_C(0x3f8000003f800000), 0x3f800000}};
    guest.cpu.xmm[1] = (union xmm){.u64 = {UINT64_C(0x4040000000000000), 0x40400000}};
    simd_guest_expect_fault(&guest, DIVPS, VECTOR_XM);
    EXPECT_HEX(guest.cpu.mxcsr, 0x1d85); /* IE of 0/0 in lane 3, ZE; PE of no lane */
    EXPECT_HEX(guest.cpu.xmm[0].u64[0], UINT64_C(0x3f8000003f800000));
}

Test(simd_fault, unmasked_exception_is_undefined_without_consent) {
    guest.cpu.mxcsr = 0x1d80;
    guest.cpu.cr4 &= ~CR4_OSXMMEXCPT;
    guest.cpu.xmm[0] = (union xmm){.u64 = {0x3f800000, 0}};
    simd_guest_expect_fault(&guest, "f30f5ec1", VECTOR_UD); /* divss %xmm1, %xmm0 */
}

Test(simd_fault, flags_left_behind_do_not_raise) {
    guest.cpu.mxcsr = 0x003f;
    simd_guest_expect_no_fault(&guest, ADDPS);
}

Test(simd_fault, reserved_mxcsr_bits_cannot_be_set) {
    store_le32(guest.ram + GUEST_BUFFER, 0x10000);
    simd_guest_expect_fault(&guest, LDMXCSR, VECTOR_GP);
    EXPECT_HEX(guest.cpu.mxcsr, 0x1f80);
    store_le32(guest.ram + GUEST_BUFFER, 0xffff);
    simd_guest_expect_no_fault(&guest, LDMXCSR);
    EXPECT_HEX(guest.cpu.mxcsr, 0xffff);
    guest.cpu.features &= ~FEATURE_BIT(SSE2);
    simd_guest_expect_fault(&guest, LDMXCSR, VECTOR_GP);
}

Test(simd_fault, mmx_takes_over_the_x87_registers) {
    guest.cpu.x87.top = 3;
    guest.cpu.x87.st[1] = (struct float80){.significand = 0x11, .sign_exponent = 0x1234};
    simd_guest_expect_no_fault(&guest, "0f6fc1"); /* movq %mm1, %mm0 */
    EXPECT_HEX(guest.cpu.x87.top, 0);
    EXPECT_HEX(guest.cpu.x87.is_valid, 0xff);
    EXPECT_HEX(guest.cpu.x87.st[0].significand, 0x11);
    EXPECT_HEX(guest.cpu.x87.st[0].sign_exponent, 0xffff);
    EXPECT_HEX(guest.cpu.x87.st[1].sign_exponent, 0x1234);
    guest.cpu.x87.top = 3;
    simd_guest_expect_no_fault(&guest, EMMS);
    EXPECT_HEX(guest.cpu.x87.is_valid, 0);
    EXPECT_HEX(guest.cpu.x87.top, 0);
}
