/*
 * EFLAGS, with the six arithmetic flags kept lazily as a result and a carry-out vector (Bochs's
 * scheme, after Mihocka and Shwartsman): no record of which operation ran, no dispatch on read.
 *
 *   lazy.result   the result, sign-extended to 32 bits from its width: ZF is result == 0
 *   lazy.aux      bit 31 CF; bit 30 PO, where OF = CF ^ PO; bit 3 AF;
 *                 bits 15:8 PDB, a byte xored into the result's low byte for PF;
 *                 bit 0 SD, xored into the result's sign for SF
 */
#ifndef INTERP_CPU_EFLAGS_H
#define INTERP_CPU_EFLAGS_H

#include <stdbool.h>
#include <stdint.h>

enum eflags_bit {
    FLAG_CF = 1 << 0,
    FLAG_RESERVED_1 = 1 << 1, /* always one */
    FLAG_PF = 1 << 2,
    FLAG_AF = 1 << 4,
    FLAG_ZF = 1 << 6,
    FLAG_SF = 1 << 7,
    FLAG_TF = 1 << 8,
    FLAG_IF = 1 << 9,
    FLAG_DF = 1 << 10,
    FLAG_OF = 1 << 11,
    FLAG_IOPL = 3 << 12,
    FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16,
    FLAG_VM = 1 << 17,
    FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19,
    FLAG_VIP = 1 << 20,
    FLAG_ID = 1 << 21,
};
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

struct lazy_flags {
    uint32_t result;
    uint32_t aux;
};

#define LAZY_CF UINT32_C(0x80000000)
#define LAZY_PO UINT32_C(0x40000000)
#define LAZY_AF UINT32_C(0x00000008)

static inline bool lazy_cf(const struct lazy_flags *f) {
    return f->aux >> 31;
}
static inline bool lazy_zf(const struct lazy_flags *f) {
    return f->result == 0;
}
static inline bool lazy_sf(const struct lazy_flags *f) {
    return (f->result >> 31) ^ (f->aux & 1);
}
static inline bool lazy_of(const struct lazy_flags *f) {
    return ((f->aux + LAZY_PO) >> 31) & 1;
}
static inline bool lazy_af(const struct lazy_flags *f) {
    return (f->aux >> 3) & 1;
}
static inline bool lazy_pf(const struct lazy_flags *f) {
    uint32_t byte = (f->result ^ (f->aux >> 8)) & 0xff;
    byte ^= byte >> 4;
    return (0x9669u >> (byte & 15)) & 1;
}

/** The six arithmetic flags in their EFLAGS positions. */
uint32_t lazy_flags_get(const struct lazy_flags *f);
/** Make the lazy form stand for these arithmetic flags (other bits are ignored). */
void lazy_flags_set(struct lazy_flags *f, uint32_t eflags);

#endif
