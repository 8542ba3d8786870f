/*
 * CPU features that decide whether an encoding exists. The first rows are generations, which
 * CPUID has no bit for; the others are CPUID.1:EDX bits.
 *   name, text on the command line, CPUID.1:EDX bit (or -1)
 */
#ifndef INTERP_CPU_FEATURE_H
#define INTERP_CPU_FEATURE_H

#include <stdint.h>

// clang-format off
#define CPU_FEATURES(X)        \
    X(BASE,    "base",    -1)  \
    X(I486,    "i486",    -1)  \
    X(PENTIUM, "pentium", -1)  \
    X(P6,      "p6",      -1)  \
    X(FPU,     "fpu",      0)  \
    X(VME,     "vme",      1)  \
    X(DE,      "de",       2)  \
    X(PSE,     "pse",      3)  \
    X(TSC,     "tsc",      4)  \
    X(MSR,     "msr",      5)  \
    X(PAE,     "pae",      6)  \
    X(MCE,     "mce",      7)  \
    X(CX8,     "cx8",      8)  \
    X(APIC,    "apic",     9)  \
    X(SEP,     "sep",     11)  \
    X(MTRR,    "mtrr",    12)  \
    X(PGE,     "pge",     13)  \
    X(MCA,     "mca",     14)  \
    X(CMOV,    "cmov",    15)  \
    X(PAT,     "pat",     16)  \
    X(PSE36,   "pse36",   17)  \
    X(CLFSH,   "clfsh",   19)  \
    X(MMX,     "mmx",     23)  \
    X(FXSR,    "fxsr",    24)  \
    X(SSE,     "sse",     25)  \
    X(SSE2,    "sse2",    26)  \
    X(NX,      "nx",      -1)
// clang-format on

enum cpu_feature {
#define X(name, text, bit) FEATURE_##name,
    CPU_FEATURES(X)
#undef X
        FEATURE_COUNT
};

#define FEATURE_BIT(name) (UINT64_C(1) << FEATURE_##name)

#endif
