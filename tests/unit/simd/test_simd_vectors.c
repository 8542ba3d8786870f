/*
 * Fixed vectors on every host: each register form once, as measured on hardware; approximations;
 * memory forms that move data about.
 */
#include "tests/unit/fpu/operands.h"
#include "tests/unit/simd/simd_guest.h"

#include <math.h>
#include <string.h>

enum destination { XMM1, XMM2, MM1, MM2, ECX, EDX, EFLAGS };

struct vector {
    const char *hex;
    enum destination destination;
    uint64_t second[2], first[2], result[2]; /* high, low */
    uint32_t flags;
};

static const struct vector vectors[] = {
#define VECTOR(hex, destination, h2, l2, h1, l1, hr, lr, flags)                                    \
    {hex, destination, {h2, l2}, {h1, l1}, {hr, lr}, flags},
#include "tests/unit/simd/simd_vectors.def"
#undef VECTOR
};

static struct simd_guest guest;

static void start(void) {
    simd_guest_start(&guest);
}

static void stop(void) {
    simd_guest_stop(&guest);
}

TestSuite(simd_vectors, .init = start, .fini = stop);

static void load(const struct vector *v) {
    struct cpu *cpu = &guest.cpu;
    cpu->mxcsr = 0x1f80;
    cpu->xmm[1] = (union xmm){.u64 = {v->first[1], v->first[0]}};
    cpu->xmm[2] = (union xmm){.u64 = {v->second[1], v->second[0]}};
    cpu->x87.st[1].significand = v->first[1];
    cpu->x87.st[2].significand = v->second[1];
    cpu->gpr[GPR_ECX] = (uint32_t)v->first[1];
    cpu->gpr[GPR_EDX] = (uint32_t)v->second[1];
}

static union xmm result_of(enum destination destination) {
    const struct cpu *cpu = &guest.cpu;
    switch (destination) {
    case XMM1:
        return cpu->xmm[1];
    case XMM2:
        return cpu->xmm[2];
    case MM1:
        return (union xmm){.u64 = {cpu->x87.st[1].significand, 0}};
    case MM2:
        return (union xmm){.u64 = {cpu->x87.st[2].significand, 0}};
    case ECX:
        return (union xmm){.u64 = {cpu->gpr[GPR_ECX], 0}};
    case EDX:
        return (union xmm){.u64 = {cpu->gpr[GPR_EDX], 0}};
    default:
        return (union xmm){.u64 = {lazy_flags_get(&cpu->lazy), 0}};
    }
}

Test(simd_vectors, every_register_form_gives_what_hardware_gave) {
    for (size_t n = 0; n < ARRAY_SIZE(vectors); n++) {
        const struct vector *v = &vectors[n];
        load(v);
        simd_guest_expect_no_fault(&guest, v->hex);
        union xmm actual = result_of(v->destination);
        uint32_t flags = guest.cpu.mxcsr & 0x3f;
        cr_expect(
            actual.u64[1] == v->result[0] && actual.u64[0] == v->result[1] && flags == v->flags,
            "%s: expected %016llx%016llx flags %02x, actual %016llx%016llx flags %02x", v->hex,
            (unsigned long long)v->result[0], (unsigned long long)v->result[1], v->flags,
            (unsigned long long)actual.u64[1], (unsigned long long)actual.u64[0], flags);
    }
}

/* ---- Approximations ------------------------------------------------------------------------ */

static uint32_t approximate(const char *hex, uint32_t operand) {
    guest.cpu.xmm[1].u64[0] = operand;
    simd_guest_expect_no_fault(&guest, hex);
    return (uint32_t)guest.cpu.xmm[0].u64[0];
}

static double value_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

#define RCPSS   "f30f53c1"
#define RSQRTSS "f30f52c1"

Test(simd_vectors, approximations_are_within_the_documented_error) {
    struct operand_source source = {53};
    for (unsigned n = 0; n < 20000; n++) {
        uint32_t x = (uint32_t)operand_random(&source) & 0x7fffffff;
        if (x < 0x00800000 || x >= 0x7e800000)
            continue;
        double reciprocal = value_of(approximate(RCPSS, x)) * value_of(x);
        double root = value_of(approximate(RSQRTSS, x));
        cr_assert(fabs(reciprocal - 1) <= 1.5 / 4096, "rcpss of %x", x);
        cr_assert(fabs(root * root * value_of(x) - 1) <= 3.0 / 4096, "rsqrtss of %x", x);
    }
    EXPECT_HEX(guest.cpu.mxcsr, 0x1f80);
}

Test(simd_vectors, approximations_of_special_values) {
    guest.cpu.mxcsr = 0; /* nothing is masked, and nothing is raised */
    EXPECT_HEX(approximate(RCPSS, 0x00000000), 0x7f800000);
    EXPECT_HEX(approximate(RCPSS, 0x80000001), 0xff800000);
    EXPECT_HEX(approximate(RCPSS, 0xff800000), 0x80000000);
    EXPECT_HEX(approximate(RCPSS, 0xff000000), 0x80000000);
    EXPECT_HEX(approximate(RCPSS, 0x7f800001), 0x7fc00001);
    EXPECT_HEX(approximate(RSQRTSS, 0x00000000), 0x7f800000);
    EXPECT_HEX(approximate(RSQRTSS, 0x80000001), 0xff800000);
    EXPECT_HEX(approximate(RSQRTSS, 0x7f800000), 0x00000000);
    EXPECT_HEX(approximate(RSQRTSS, 0xbf800000), 0xffc00000);
    EXPECT_HEX(approximate(RSQRTSS, 0xffa00000), 0xffe00000);
    EXPECT_HEX(guest.cpu.mxcsr, 0);
}

/* ---- Memory forms -------------------------------------------------------------------------- */

static const union xmm counted = {
    .u64 = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};

Test(simd_vectors, memory_holds_registers_in_little_endian_order) {
    guest.cpu.xmm[0] = counted;
    simd_guest_expect_no_fault(&guest, "660f7f00"); /* movdqa %xmm0, (%eax) */
    for (unsigned n = 0; n < 16; n++)
        EXPECT_HEX(guest.ram[GUEST_BUFFER + n], n);
    simd_guest_expect_no_fault(&guest, "660f6f08"); /* movdqa (%eax), %xmm1 */
    EXPECT_HEX(guest.cpu.xmm[1].u64[0], counted.u64[0]);
    EXPECT_HEX(guest.cpu.xmm[1].u64[1], counted.u64[1]);
}

Test(simd_vectors, scalar_loads_clear_the_rest_and_half_loads_keep_it) {
    store_le64(guest.ram + GUEST_BUFFER, UINT64_C(0x1122334455667788));
    guest.cpu.xmm[0] = counted;
    simd_guest_expect_no_fault(&guest, "0f1200"); /* movlps (%eax), %xmm0 */
    EXPECT_HEX(guest.cpu.xmm[0].u64[0], UINT64_C(0x1122334455667788));
    EXPECT_HEX(guest.cpu.xmm[0].u64[1], counted.u64[1]);
    simd_guest_expect_no_fault(&guest, "0f1600"); /* movhps (%eax), %xmm0 */
    EXPECT_HEX(guest.cpu.xmm[0].u64[1], UINT64_C(0x1122334455667788));
    simd_guest_expect_no_fault(&guest, "f30f1000"); /* movss (%eax), %xmm0 */
    EXPECT_HEX(guest.cpu.xmm[0].u64[0], 0x55667788);
    EXPECT_HEX(guest.cpu.xmm[0].u64[1], 0);
    guest.cpu.xmm[0] = counted;
    simd_guest_expect_no_fault(&guest, "f20f1000"); /* movsd (%eax), %xmm0 */
    EXPECT_HEX(guest.cpu.xmm[0].u64[1], 0);
}

Test(simd_vectors, masked_store_writes_the_bytes_with_a_sign) {
    memset(guest.ram + GUEST_BUFFER, 0xee, 16);
    guest.cpu.xmm[0] = counted;
    guest.cpu.xmm[1] = (union xmm){.u64 = {UINT64_C(0x80007f00000000ff), 0x80}};
    simd_guest_expect_no_fault(&guest, "660ff7c1"); /* maskmovdqu %xmm1, %xmm0 */
    EXPECT_HEX(load_le64(guest.ram + GUEST_BUFFER), UINT64_C(0x07eeeeeeeeeeee00));
    EXPECT_HEX(load_le64(guest.ram + GUEST_BUFFER + 8), UINT64_C(0xeeeeeeeeeeeeee08));
}

Test(simd_vectors, low_unpack_of_mmx_registers_reads_four_bytes) {
    struct segment *ds = &guest.cpu.seg[SEG_DS];
    ds->limit = GUEST_BUFFER + 3;
    ds->read_end = ds->write_end = ds->limit + 1;
    store_le32(guest.ram + GUEST_BUFFER, 0x44332211);
    simd_guest_expect_no_fault(&guest, "0f6000"); /* punpcklbw (%eax), %mm0 */
    EXPECT_HEX(guest.cpu.x87.st[0].significand, UINT64_C(0x4400330022001100));
}

/* ---- Features ------------------------------------------------------------------------------ */

Test(simd_vectors, encodings_need_their_feature) {
    static const struct {
        uint64_t features;
        bool mmx, sse, sse2;
    } cpus[] = {
        {FEATURE_BIT(PENTIUM), false, false, false},
        {FEATURE_BIT(MMX), true, false, false},
        {FEATURE_BIT(MMX) | FEATURE_BIT(SSE), true, true, false},
        {FEATURE_BIT(MMX) | FEATURE_BIT(SSE) | FEATURE_BIT(SSE2), true, true, true},
    };
    for (size_t n = 0; n < ARRAY_SIZE(cpus); n++) {
        struct error error = {""};
        decode_index_destroy(guest.index);
        guest.index = decode_index_create(cpus[n].features, &error);
        cr_assert(guest.index != NULL, "%s", error.message);
        EXPECT_HEX(simd_guest_execute_hex(&guest, "0ffcc1"), cpus[n].mmx);    /* paddb mm */
        EXPECT_HEX(simd_guest_execute_hex(&guest, "0fe0c1"), cpus[n].sse);    /* pavgb mm */
        EXPECT_HEX(simd_guest_execute_hex(&guest, "0f58c1"), cpus[n].sse);    /* addps */
        EXPECT_HEX(simd_guest_execute_hex(&guest, "0fd4c1"), cpus[n].sse2);   /* paddq mm */
        EXPECT_HEX(simd_guest_execute_hex(&guest, "660ffcc1"), cpus[n].sse2); /* paddb xmm */
    }
}
