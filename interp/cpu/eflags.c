/*
 * Between the lazy form of the arithmetic flags and their EFLAGS positions.
 */
#include "interp/cpu/eflags.h"

uint32_t lazy_flags_get(const struct lazy_flags *f) {
    return (lazy_cf(f) ? FLAG_CF : 0u) | (lazy_pf(f) ? FLAG_PF : 0u) | (lazy_af(f) ? FLAG_AF : 0u) |
           (lazy_zf(f) ? FLAG_ZF : 0u) | (lazy_sf(f) ? FLAG_SF : 0u) | (lazy_of(f) ? FLAG_OF : 0u);
}

/* The result is 0 or 1 by ZF alone; PDB and SD then correct PF and SF, so that also combinations
   which no result has (ZF with SF) can be represented. */
void lazy_flags_set(struct lazy_flags *f, uint32_t eflags) {
    uint32_t result = (eflags & FLAG_ZF) ? 0 : 1;
    uint32_t parity_delta = ((eflags & FLAG_PF) ? 0u : 1u) ^ result;
    bool cf = eflags & FLAG_CF;
    bool of = (eflags & FLAG_OF) != 0;

    f->result = result;
    f->aux = (cf ? LAZY_CF : 0) | (cf != of ? LAZY_PO : 0) | ((eflags & FLAG_AF) ? LAZY_AF : 0) |
             parity_delta << 8 | ((eflags & FLAG_SF) ? 1u : 0u);
}
