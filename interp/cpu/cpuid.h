/*
 * CPU models (masks of features over the same tables) and the CPUID instruction.
 */
#ifndef INTERP_CPU_CPUID_H
#define INTERP_CPU_CPUID_H

#include "interp/cpu/cpu.h"

#include <stdio.h>

struct cpu_model {
    const char *name; /* on the command line */
    const char *description;
    const char *vendor;     /* 12 characters */
    const char *brand;      /* up to 47 characters, or NULL: no extended leaves */
    uint32_t signature;     /* CPUID.1:EAX, and EDX at reset */
    uint32_t max_leaf;      /* highest basic leaf */
    uint32_t cache_leaf[4]; /* leaf 2: EAX, EBX, ECX, EDX */
    uint32_t microcode;     /* revision that MSR 8Bh shows */
    uint64_t features;      /* FEATURE_BIT mask */
};

/** The model that a machine has when nothing is said. Guests do not consider it affected by
 *  Meltdown or Spectre, see cpu_model.c. */
const struct cpu_model *cpu_model_default(void);
/** The model of this name, or NULL. */
const struct cpu_model *cpu_model_find(const char *name);

/**
 * Parse "MODEL[,+feature][,-feature]".
 *
 * @model     out: the model
 * @features  out: its features with the changes applied. Adding a feature adds those it needs,
 *            removing one removes those that need it
 * @return    false with a message that names the unknown word and the nearest known one
 */
bool cpu_model_parse(const char *text, const struct cpu_model **model, uint64_t *features,
                     struct error *error);
/** For "-cpu help": one line for each model with its features. */
void cpu_model_list(FILE *out);

/** CPUID.1:EAX of this CPU: extended model and family, type, family, model, stepping. */
uint32_t cpuid_signature(const struct cpu *cpu);

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};
/** What CPUID returns for a leaf; an unknown leaf gives the highest basic one, as Intel's do. */
struct cpuid_result cpuid_read(const struct cpu *cpu, uint32_t leaf);

#endif
